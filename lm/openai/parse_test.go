package openai

import (
	"math"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/token"
)

// FuzzParse feeds all parsers. Whatever the bytes are, an accepted answer has
// one finite, non-positive log-probability per token asked for.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"model":"m","choices":[{"prompt_logprobs":[null,{"2":{"logprob":-0.5}},{"3":{"logprob":-1.5}}]}]}`))
	f.Add([]byte(`{"model":"m","choices":[{"logprobs":{"tokens":["token_id:1","b","c","d"],"token_logprobs":[null,-1,-2,-3]}}],"usage":{"prompt_tokens":3}}`))
	f.Add([]byte(`{"meta_info":{"prompt_tokens":3,"input_token_logprobs":[[null,1,null],[-1,2,null],[-2,0,"x"]]}}`))
	f.Add([]byte(`{"tokens":[1,2],"count":2}`))
	f.Add([]byte(`{"data":[{"id":"m","max_model_len":64}]}`))
	sent := []token.ID{1, 2, 3}
	f.Fuzz(func(t *testing.T, body []byte) {
		verify := func(a answer, err error) {
			if err != nil {
				return
			}
			for before := range 2 {
				for from := a.start + 1 - before; from <= len(sent); from++ {
					out, err := a.check(sent, from, before)
					if err != nil {
						continue
					}
					if len(out) != len(sent)-from {
						t.Fatalf("%d log-probabilities for %d tokens", len(out), len(sent)-from)
					}
					for _, v := range out {
						if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) || v > 1e-5 {
							t.Fatalf("log-probability %v accepted", v)
						}
					}
				}
			}
		}
		verify(parseVLLM(body, sent))
		verify(parseEcho(body, sent))
		verify(parseSGLang(body, sent, 0))
		verify(parseSGLang(body, sent, 1))
		if ids, err := parseTokens(body); err == nil && ids == nil {
			t.Fatal("no tokens accepted")
		}
		_, _ = parseModels(body)
		if w := serverWords(body, "sesame"); len(w) > 310 || strings.Contains(w, "sesame") {
			t.Fatalf("server's words %q", w)
		}
	})
}

// null is unknown and must never be read as probability 1.
func TestNullIsNotZero(t *testing.T) {
	sent := []token.ID{1, 2, 3}
	for name, parse := range map[string]func() (answer, error){
		"vllm": func() (answer, error) {
			return parseVLLM([]byte(`{"choices":[{"prompt_logprobs":[null,null,{"3":{"logprob":-1}}]}]}`), sent)
		},
		"vllm inner": func() (answer, error) {
			return parseVLLM([]byte(`{"choices":[{"prompt_logprobs":[null,{"2":{"logprob":null}},{"3":{"logprob":-1}}]}]}`), sent)
		},
		"vllm missing": func() (answer, error) {
			return parseVLLM([]byte(`{"choices":[{"prompt_logprobs":[null,{"2":{}},{"3":{"logprob":-1}}]}]}`), sent)
		},
		"echo": func() (answer, error) {
			return parseEcho([]byte(`{"choices":[{"logprobs":{"tokens":["a","b","c"],"token_logprobs":[null,null,-1]}}]}`), sent)
		},
		"sglang": func() (answer, error) {
			return parseSGLang([]byte(`{"meta_info":{"input_token_logprobs":[[null,1],[null,2],[-1,3]]}}`), sent, 0)
		},
	} {
		a, err := parse()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if out, err := a.check(sent, 1, 0); err == nil || !strings.Contains(err.Error(), "null") {
			t.Errorf("%s: %v, %v", name, out, err)
		}
		if out, err := a.check(sent, 2, 0); err != nil || len(out) != 1 || out[0] != -1 {
			t.Errorf("%s from 2: %v, %v", name, out, err)
		}
	}
}

func TestKeysAreCutOutBeforeTextsAreCut(t *testing.T) {
	key := "sesame-secret"
	got := excerpt(strings.Repeat("x", 295)+key, key)
	if strings.Contains(got, "sesa") {
		t.Errorf("part of the key is left in %q", got)
	}
}
