package openai

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// What is written is what each server's documentation says it reads.
func TestBatchLine(t *testing.T) {
	for dialect, want := range map[Dialect]string{
		"":     `{"custom_id":"a-1-2","method":"POST","url":"/v1/completions","body":{"model":"some/model","prompt":[1,5,7],"max_tokens":1,"temperature":0,"prompt_logprobs":0}}`,
		Echo:   `{"custom_id":"a-1-2","method":"POST","url":"/v1/completions","body":{"model":"some/model","prompt":[1,5,7],"max_tokens":1,"temperature":0,"echo":true,"logprobs":1,"return_tokens_as_token_ids":true}}`,
		SGLang: `{"custom_id":"a-1-2","method":"POST","url":"/generate","body":{"input_ids":[1,5,7],"sampling_params":{"max_new_tokens":1,"temperature":0},"return_logprob":true,"logprob_start_len":1}}`,
	} {
		line, err := Batch{Dialect: dialect, Model: "some/model", BOS: 1}.Line("a-1-2", []token.ID{5, 7}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if string(line) != want+"\n" {
			t.Errorf("%s:\n%s\nwant\n%s", dialect, line, want)
		}
	}
	for _, b := range []Batch{{}, {Model: "m", Dialect: "chat"}} {
		if err := b.Validate(); err == nil {
			t.Errorf("%+v is accepted", b)
		}
	}
}

// asked are the requests of these tests: ids are numbers, and request n is made
// of tokens (n, n+1, n+2 … of 8) from position n % 3 on.
func asked(id string) (tokens []token.ID, from int, ok bool) {
	n, err := strconv.Atoi(id)
	if err != nil || n < 0 || n > 1000 {
		return nil, 0, false
	}
	for i := range 8 {
		tokens = append(tokens, token.ID((n+i)%vocabulary))
	}
	return tokens, n % 3, true
}

var bigramBatch = Batch{Model: "bigram", BOS: testBOS}

// result is the line of an exact answer of the model bigram to request n.
func result(n int) string {
	tokens, _, _ := asked(strconv.Itoa(n))
	list := []any{nil}
	for i, v := range truth(3, tokens, 0) {
		list = append(list, map[string]any{fmt.Sprint(tokens[i]): map[string]any{"logprob": v, "rank": 1}})
	}
	b, _ := json.Marshal(map[string]any{
		"id": "vllm-1", "custom_id": strconv.Itoa(n), "error": nil,
		"response": map[string]any{"status_code": 200, "request_id": "vllm-batch-1", "body": map[string]any{
			"model": "bigram", "choices": []any{map[string]any{"index": 0, "text": "x", "prompt_logprobs": list}},
			"usage": map[string]any{"prompt_tokens": 9, "completion_tokens": 1}}},
	})
	return string(b)
}

func readAll(t testing.TB, b Batch, file io.Reader) (answers []BatchAnswer) {
	t.Helper()
	err := b.Read(t.Context(), "r.jsonl", file, asked, func(a BatchAnswer) error {
		answers = append(answers, a)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

// Good lines of a large file give the exact values, in order, whatever is
// between them, plain or gzipped.
func TestBatchRead(t *testing.T) {
	var plain bytes.Buffer
	var want []BatchAnswer
	for line := 1; line <= 300; line++ {
		if line%5 == 0 {
			plain.WriteString(" \r\n")
			continue
		}
		tokens, from, _ := asked(strconv.Itoa(line))
		want = append(want, BatchAnswer{At: fmt.Sprintf("r.jsonl:%d", line), ID: strconv.Itoa(line), LogProbs: truth(3, tokens, from)})
		plain.WriteString(result(line))
		if line < 300-1 {
			plain.WriteString("\n")
		}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(plain.Bytes())
	z.Close()
	for name, file := range map[string][]byte{"plain": plain.Bytes(), "gzip": packed.Bytes()} {
		if d := cmp.Diff(want, readAll(t, bigramBatch, bytes.NewReader(file))); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	// A gzip file that was cut gives what is before the cut, and says so.
	got := readAll(t, bigramBatch, bytes.NewReader(packed.Bytes()[:packed.Len()/2]))
	last := got[len(got)-1]
	if len(got) < 20 || last.Failure == nil || last.Failure.Kind != FailureCut {
		t.Errorf("cut archive: %d answers, the last %+v", len(got), last)
	}
	for i, a := range got[:len(got)-1] {
		if d := cmp.Diff(want[i], a); d != "" {
			t.Fatalf("cut archive, answer %d:\n%s", i, d)
		}
	}
}

// Every defect of a line has its kind, and the lines around it count.
func TestBatchFailures(t *testing.T) {
	body := func(list string) string {
		return `{"custom_id":"0","response":{"status_code":200,"body":{"model":"bigram","choices":[{"prompt_logprobs":` + list + `}]}}}`
	}
	good := result(0)
	for _, c := range []struct{ line, kind, detail string }{
		{`{"custom_id":"0","response":{"status_code":500,"body":{"error":{"message":"out of memory"}}}}`, "status 500", "out of memory"},
		{`{"custom_id":"0","response":{"status_code":400,"request_id":"x","body":null},"error":{"error":{"message":"out of luck"}}}`, "status 400", "out of luck"},
		{`{"custom_id":"0","response":{"status_code":400,"body":null},"error":"This model's maximum context length is 64 tokens"}`, FailureTooLong, "64 tokens"},
		{`{"custom_id":"0","response":null,"error":{"code":"batch_expired","message":"expired"}}`, FailureRefused, "expired"},
		{`{"custom_id":"0"}`, FailureRefused, "neither an answer nor an error"},
		{`{"custom_id":"7777"}`, FailureForeign, `"7777"`},
		{`{"custom_id":"other plan"}`, FailureForeign, "other plan"},
		{`{"response":null}`, FailureJSON, "no custom_id"},
		{`[1,2]`, FailureJSON, ""},
		{`<html>`, FailureJSON, ""},
		{good[:len(good)/2], FailureJSON, ""},
		{strings.Replace(good, `"bigram"`, `"trigram"`, 1), FailureModel, `"trigram"`},
		{strings.Replace(good, `"model":"bigram",`, ``, 1), FailureModel, `instead of "bigram"`},
		{body(`null`), FailureData, "no log-probabilities"},
		{body(`[null,{"0":{"logprob":-1}}]`), FailureData, "2 tokens, 9 were sent"},
		{strings.Replace(good, `{"1":`, `{"9":`, 1), FailureData, "not for the token that was sent"},
		{strings.Replace(good, `"logprob":-`, `"logprob":`, 1), FailureData, "above 0"},
		{strings.Replace(good, `"logprob":-`, `"logprob":NaN,"x":-`, 1), FailureJSON, "NaN"},
		{strings.Replace(good, `"logprob":-`, `"logprob":null,"x":-`, 1), FailureData, "null"},
		{strings.Replace(good, `"logprob":-`, `"logprob":-9999,"x":-`, 1), FailureData, "minus infinity"},
	} {
		got := readAll(t, bigramBatch, strings.NewReader(result(1)+"\n"+c.line+"\n"+result(2)))
		if len(got) != 3 || got[0].Failure != nil || got[2].Failure != nil || got[1].Failure == nil {
			t.Errorf("%.100s: %+v", c.line, got)
			continue
		}
		f := got[1]
		if f.Failure.Kind != c.kind || !strings.Contains(f.Failure.Detail, c.detail) || f.At != "r.jsonl:2" || f.LogProbs != nil {
			t.Errorf("%.100s: %s %q, want %q about %q", c.line, f.At, f.Failure, c.kind, c.detail)
		}
	}
	cut := readAll(t, bigramBatch, strings.NewReader(result(1)+"\n"+good[:len(good)-20]))
	if len(cut) != 2 || cut[1].Failure == nil || cut[1].Failure.Kind != FailureCut {
		t.Errorf("cut in the last line: %+v", cut)
	}
}

func TestBatchReadEndsAtErrors(t *testing.T) {
	file := strings.Repeat(result(1)+"\n", 500)
	stop := errors.New("enough")
	n := 0
	err := bigramBatch.Read(t.Context(), "f", strings.NewReader(file), asked, func(BatchAnswer) error {
		if n++; n == 7 {
			return stop
		}
		return nil
	})
	if err != stop || n != 7 {
		t.Errorf("%d answers, then %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	err = bigramBatch.Read(ctx, "f", strings.NewReader(file), asked, func(BatchAnswer) error {
		if n++; n == 7 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || n > 8 {
		t.Errorf("cancelled after 7: %d answers, then %v", n, err)
	}
	broken := io.MultiReader(strings.NewReader(result(1)+"\n"), failingReader{})
	if err := bigramBatch.Read(t.Context(), "f", broken, asked, func(BatchAnswer) error { return nil }); err == nil || !strings.Contains(err.Error(), "f: line 2: disk on fire") {
		t.Errorf("a reader that fails: %v", err)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

// The program for clusters answers requests with a real server, through faults,
// and continues after it was cut; what it writes are the exact values.
func TestBatchRunner(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 here")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "answer.py")
	if err := os.WriteFile(program, BatchRunner, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dialect := range []Dialect{VLLM, SGLang, Echo} {
		b := bigramBatch
		b.Dialect = dialect
		var file bytes.Buffer
		const count = 60
		for n := range count {
			tokens, from, _ := asked(strconv.Itoa(n))
			line, err := b.Line(strconv.Itoa(n), tokens, from)
			if err != nil {
				t.Fatal(err)
			}
			file.Write(line)
		}
		requests, results := filepath.Join(dir, "requests-"+string(dialect)+".jsonl"), filepath.Join(dir, "results-"+string(dialect)+".jsonl")
		if err := os.WriteFile(requests, file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		p := startServer(t, string(dialect))
		run := func(options ...string) (string, error) {
			out, err := exec.Command(python, slices.Concat([]string{program, "--url", p.url, "--in-flight", "4"}, options, []string{requests})...).CombinedOutput()
			return string(out), err
		}
		p.set(t, fault{Kind: "500", Skip: 10, Count: 5})
		if out, err := run("--attempts", "1"); err == nil || !strings.Contains(out, "55 now, 5 failed") {
			t.Fatalf("with a server that fails 5 times: %v\n%s", err, out)
		}
		// Killed while it wrote: half a line.
		content, err := os.ReadFile(results)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(results, content[:len(content)-10], 0o644); err != nil {
			t.Fatal(err)
		}
		p.set(t, fault{Kind: "reset", Count: 1})
		if out, err := run(); err != nil || !strings.Contains(out, " 0 failed") {
			t.Fatalf("continued: %v\n%s", err, out)
		}
		if s := p.stats(t); s.Scored < count || s.Scored > count+1 {
			t.Errorf("%s: %d requests answered for %d", dialect, s.Scored, count)
		}
		f, err := os.Open(results)
		if err != nil {
			t.Fatal(err)
		}
		good := map[string]bool{}
		for _, a := range readAll(t, b, f) {
			if a.Failure != nil {
				if a.Failure.Kind != "status 500" {
					t.Errorf("%s: %+v", dialect, a.Failure)
				}
				continue
			}
			good[a.ID] = true
			tokens, from, _ := asked(a.ID)
			if d := cmp.Diff(truth(3, tokens, from), a.LogProbs); d != "" {
				t.Errorf("%s, request %s:\n%s", dialect, a.ID, d)
			}
		}
		f.Close()
		if len(good) != count {
			t.Errorf("%s: %d requests have an answer, want %d", dialect, len(good), count)
		}
	}
}

// FuzzBatchRead: whatever a file holds, its lines are refused or give
// log-probabilities that can be.
func FuzzBatchRead(f *testing.F) {
	f.Add([]byte(result(0) + "\n" + result(1)))
	f.Add([]byte(`{"custom_id":"1","response":{"status_code":200,"body":{"meta_info":{"prompt_tokens":9,"input_token_logprobs":[[null,1,null]]}}}}`))
	f.Add([]byte(`{"custom_id":"x/../../../../trav/pwned","response":{"status_code":200,"body":{"model":"x/../../../../trav/pwned"}}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, d := range []Dialect{VLLM, Echo, SGLang} {
			b := bigramBatch
			b.Dialect = d
			err := b.Read(t.Context(), "f", bytes.NewReader(file), asked, func(a BatchAnswer) error {
				if (a.Failure == nil) == (a.LogProbs == nil) {
					t.Fatalf("%+v", a)
				}
				if a.Failure != nil {
					return nil
				}
				tokens, from, ok := asked(a.ID)
				if !ok || len(a.LogProbs) != len(tokens)-from {
					t.Fatalf("%d values for request %q", len(a.LogProbs), a.ID)
				}
				for _, v := range a.LogProbs {
					if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) || v > lm.RoundingTolerance {
						t.Fatalf("log-probability %v accepted", v)
					}
				}
				return nil
			})
			if err != nil && !strings.Contains(err.Error(), "gzip") && !strings.Contains(err.Error(), "flate") {
				t.Fatal(err)
			}
		}
	})
}

// BenchmarkBatchRead reads results of prompts of the paper's length, 2,048
// tokens, written as vLLM writes them.
func BenchmarkBatchRead(b *testing.B) {
	tokens := make([]token.ID, 2048)
	list := []any{nil}
	for i := range tokens {
		tokens[i] = token.ID(100_000 + 7*i%20_000)
		list = append(list, map[string]any{fmt.Sprint(tokens[i]): map[string]any{"logprob": -3.4567891 - float64(i)/1e5, "rank": 17 + i, "decoded_token": " token"}})
	}
	line, err := json.Marshal(map[string]any{"id": "x", "custom_id": "0", "response": map[string]any{"status_code": 200, "body": map[string]any{"model": "bigram", "choices": []any{map[string]any{"prompt_logprobs": list}}}}})
	if err != nil {
		b.Fatal(err)
	}
	file := bytes.Repeat(append(line, '\n'), 20)
	b.SetBytes(int64(len(file)))
	request := func(string) ([]token.ID, int, bool) { return tokens, 0, true }
	for b.Loop() {
		n := 0
		err := bigramBatch.Read(b.Context(), "r", bytes.NewReader(file), request, func(a BatchAnswer) error {
			if a.Failure == nil {
				n += len(a.LogProbs)
			}
			return nil
		})
		if err != nil || n != 20*2048 {
			b.Fatal(n, err)
		}
	}
}
