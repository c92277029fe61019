package openai

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/token"
)

func TestBatchLine(t *testing.T) {
	line, err := BatchLine("a-1-2", "some/model", []token.ID{5, 7})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	if want := "map[max_tokens:1 model:some/model prompt:[5 7] prompt_logprobs:0 temperature:0]"; got["custom_id"] != "a-1-2" || got["method"] != "POST" || got["url"] != "/v1/completions" || fmt.Sprint(got["body"]) != want {
		t.Errorf("%s", line)
	}
}

func TestBatchResults(t *testing.T) {
	body := func(second string) string {
		return `{"custom_id": "a", "response": {"status_code": 200, "body": {"model": "m", "choices": [{"prompt_logprobs": [null, ` + second + `]}]}}}`
	}
	for line, want := range map[string]string{
		body(`{"7": {"logprob": -0.5}}`):  "[-0.5]",
		body(`{"7": {"logprob": 0.5}}`):   "above 0",
		body(`{"8": {"logprob": -0.5}}`):  "not for the token that was sent",
		body(`{"7": {"logprob": null}}`):  "null",
		body(`{"7": {"logprob": -9999}}`): "minus infinity",
		`{"custom_id": "a", "response": {"status_code": 200, "body": {"choices": [{"prompt_logprobs": [null]}]}}}`: "log-probabilities of 1 tokens",
		`{"custom_id": "a", "response": {"status_code": 500, "body": {"error": {"message": "out of memory"}}}}`:    "status 500: out of memory",
		`{"custom_id": "a", "response": null, "error": {"message": "expired"}}`:                                    "it failed: ",
		`{"custom_id": "a"}`: "neither an answer nor an error",
		`{"response": null}`: "no custom_id",
		`{"custom_id": "a"`:  "not a line of results",
	} {
		r, err := ParseBatchResult([]byte(line))
		got := ""
		if err == nil {
			var values []float32
			if values, err = r.LogProbs([]token.ID{5, 7}, 1); err == nil {
				got = fmt.Sprint(values)
			}
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// FuzzBatchResult: any line is refused or gives log-probabilities that can be.
func FuzzBatchResult(f *testing.F) {
	f.Add([]byte(`{"custom_id": "a", "response": {"status_code": 200, "body": {"model": "m", "choices": [{"prompt_logprobs": [null, {"7": {"logprob": -0.5}}]}]}}}`))
	f.Add([]byte(`{"custom_id": "a", "error": "x"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := ParseBatchResult(line)
		if err != nil {
			return
		}
		values, err := r.LogProbs([]token.ID{5, 7}, 1)
		if err == nil && (len(values) != 1 || !(values[0] <= roundingTolerance)) {
			t.Fatalf("%s gives %v", line, values)
		}
	})
}
