package completions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/llama"
)

// letters is a model of bytes: token n is the byte n, 0 begins and 255 ends a text,
// the log-probability of n is −n, and after n comes n+1.
type letters struct {
	entered chan struct{} // told when a prompt is computed; nil for nobody
	leave   chan struct{}
	broken  bool
}

func (letters) Info() llama.Info {
	return llama.Info{Name: "letters", File: "letters.gguf", Vocabulary: 256, Context: 12, FileHash: "sha256:00"}
}
func (letters) Marks() llama.Marks {
	return llama.Marks{Begin: 0, End: 255, Added: true, Chat: "{{x}}"}
}
func (letters) Tokenize(text string, _ bool) (ids []int32) {
	for _, b := range []byte(text) {
		ids = append(ids, int32(b))
	}
	return ids
}
func (letters) Piece(id int32) string {
	switch id {
	case 0:
		return "<s>"
	case 255:
		return "</s>"
	}
	return string([]byte{byte(id)})
}

func (l letters) Complete(ctx context.Context, prompt []int32, o llama.Sampling) (read, more []llama.Position, ended bool, err error) {
	if l.entered != nil {
		l.entered <- struct{}{}
		<-l.leave
	}
	if l.broken {
		return nil, nil, false, errors.New("its weights are broken")
	}
	position := func(id int32) llama.Position {
		return llama.Position{Token: id, LogProb: -float32(id), Top: []llama.Alternative{{Token: 'a', LogProb: -1}, {Token: 'b', LogProb: -2}}}
	}
	for i, id := range prompt {
		p := position(id)
		if i == 0 {
			p.LogProb, p.Top = float32(math.NaN()), nil
		}
		read = append(read, p)
	}
	last := prompt[len(prompt)-1]
	for range o.Most {
		last++
		more = append(more, position(last))
		if ended = last == 255; ended || o.Until(more[len(more)-1]) {
			break
		}
	}
	return read, more, ended, nil
}

func post(t *testing.T, h http.Handler, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// The examples follow from the model above; fields are those of OpenAI's reference.
func TestCompletions(t *testing.T) {
	h := New(letters{}, Options{})
	for _, c := range []struct{ ask, want string }{
		{`{"prompt":[97,98],"max_tokens":1,"echo":true,"logprobs":1,"temperature":0}`,
			`{"index":0,"text":"abc","logprobs":{"tokens":["a","b","c"],"token_logprobs":[null,-98,-99],"top_logprobs":[null,{"a":-1,"b":-98},{"a":-1,"c":-99}],"text_offset":[0,1,2]},"finish_reason":"length"}`},
		{`{"prompt":"a","max_tokens":2}`, `{"index":0,"text":"bc","logprobs":null,"finish_reason":"length"}`},
		{`{"prompt":"a","max_tokens":0,"echo":true,"logprobs":0}`,
			`{"index":0,"text":"\u003cs\u003ea","logprobs":{"tokens":["\u003cs\u003e","a"],"token_logprobs":[null,-97],"top_logprobs":[null,{"a":-97}],"text_offset":[0,3]},"finish_reason":"length"}`},
		{`{"prompt":"a","max_tokens":9,"stop":"d"}`, `{"index":0,"text":"bc","logprobs":null,"finish_reason":"stop"}`},
		{`{"prompt":[253],"max_tokens":5,"logprobs":0,"return_tokens_as_token_ids":true}`,
			`{"index":0,"text":"�","logprobs":{"tokens":["token_id:254","token_id:255"],"token_logprobs":[-254,-255],"top_logprobs":[{"token_id:254":-254},{"token_id:255":-255}],"text_offset":[0,1]},"finish_reason":"stop"}`},
		{`{"prompt":[253],"max_tokens":1,"logprobs":0}`,
			`{"index":0,"text":"�","logprobs":{"tokens":["bytes:\\xfe"],"token_logprobs":[-254],"top_logprobs":[{"bytes:\\xfe":-254}],"text_offset":[0]},"finish_reason":"length"}`},
	} {
		status, body := post(t, h, "/v1/completions", c.ask)
		var a struct{ Choices []json.RawMessage }
		if err := json.Unmarshal([]byte(body), &a); err != nil || status != 200 || len(a.Choices) != 1 || string(a.Choices[0]) != c.want {
			t.Errorf("%s:\n%d %s\nwant %s", c.ask, status, body, c.want)
		}
	}
	status, body := post(t, h, "/v1/completions", `{"model":"letters","prompt":[[97],[98,99]],"max_tokens":1}`)
	var a completion
	if err := json.Unmarshal([]byte(body), &a); err != nil || status != 200 || len(a.Choices) != 2 || a.Choices[1].Index != 1 || a.Choices[1].Text != "d" || a.Usage != (usage{3, 2, 5}) {
		t.Errorf("a batch: %d %s", status, body)
	}
}

func TestTokens(t *testing.T) {
	h := New(letters{}, Options{})
	for _, c := range [][3]string{
		{"/tokenize", `{"prompt":"ab"}`, `{"count":3,"max_model_len":12,"tokens":[0,97,98]}`},
		{"/tokenize", `{"content":"ab","add_special_tokens":false}`, `{"count":2,"max_model_len":12,"tokens":[97,98]}`},
		{"/detokenize", `{"tokens":[97,98]}`, `{"content":"ab","prompt":"ab"}`},
	} {
		if status, body := post(t, h, c[0], c[1]); status != 200 || strings.TrimSpace(body) != c[2] {
			t.Errorf("%v: %d %s", c, status, body)
		}
	}
	for path, want := range map[string]string{"/health": `"ok"`, "/v1/models": `"id":"letters"`, "/tokenizer_info": `"eos_token":"\u003c/s\u003e"`} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	nothing := New(letters{}, Options{Start: []int32{}})
	if _, body := post(t, nothing, "/tokenize", `{"prompt":"ab"}`); !strings.Contains(body, `"tokens":[97,98]`) {
		t.Errorf("nothing first: %s", body)
	}
}

// What cannot be done is refused with the field that is wrong.
func TestRefusals(t *testing.T) {
	h := New(letters{}, Options{})
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{`, 400, "not JSON"},
		{`{}`, 400, "prompt: it is missing"},
		{`{"prompt":[]}`, 400, "prompt"},
		{`{"prompt":[[]]}`, 400, "has no tokens"},
		{`{"prompt":{"a":1}}`, 400, "neither text"},
		{`{"prompt":[1,"a"]}`, 400, "neither text"},
		{`{"prompt":[1,2.5]}`, 400, "neither text"},
		{`{"prompt":[256]}`, 400, "not in the vocabulary of 256"},
		{`{"prompt":[-1]}`, 400, "not in the vocabulary"},
		{`{"prompt":"abcdefghijkl"}`, 400, "maximum context length is 12"},
		{`{"prompt":"a","max_tokens":-1}`, 400, "max_tokens: -1"},
		{`{"prompt":"a","max_tokens":"many"}`, 400, "max_tokens"},
		{`{"prompt":"a","logprobs":21}`, 400, "from 0 to 20"},
		{`{"prompt":"a","temperature":-1}`, 400, "temperature"},
		{`{"prompt":"a","top_p":0}`, 400, "top_p"},
		{`{"prompt":"a","stop":7}`, 400, "stop"},
		{`{"prompt":"a","stream":true}`, 400, "stream"},
		{`{"prompt":"a","n":2}`, 400, "n: only one"},
		{`{"prompt":"a","best_of":2}`, 400, "best_of"},
		{`{"prompt":"a","suffix":"b"}`, 400, "suffix"},
		{`{"prompt":"a","logit_bias":{"5":1}}`, 400, "logit_bias"},
		{`{"prompt":"a","presence_penalty":1}`, 400, "penalty"},
		{`{"prompt":"a","prompt_logprobs":0}`, 400, "echo and logprobs"},
		{`{"prompt":"a","model":"other"}`, 404, `only \"letters\"`},
	} {
		if status, body := post(t, h, "/v1/completions", c.body); status != c.status || !strings.Contains(body, c.want) || !strings.Contains(body, "invalid_request_error") {
			t.Errorf("%s: %d %s, want %d …%s…", c.body, status, body, c.status, c.want)
		}
	}
	if status, body := post(t, New(letters{broken: true}, Options{}), "/v1/completions", `{"prompt":"a"}`); status != 500 || !strings.Contains(body, "weights are broken") {
		t.Errorf("a broken model: %d %s", status, body)
	}
	r := httptest.NewRequest("POST", "/v1/completions", strings.NewReader(`{"prompt":"a"}`))
	r.Header.Set("Content-Type", "text/plain")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 415 {
		t.Errorf("a form: %d", w.Code)
	}
	if status, _ := post(t, h, "/v1/chat/completions", "{}"); status != 404 {
		t.Errorf("chat: %d", status)
	}
	if status, _ := post(t, h, "/tokenize", `{"prompt":"`+strings.Repeat("a", longestBody)+`"}`); status != 413 {
		t.Errorf("too long: %d", status)
	}
}

func TestKey(t *testing.T) {
	h := New(letters{}, Options{Key: "sesame"})
	for key, want := range map[string]int{"Bearer sesame": 200, "Bearer sesam": 401, "": 401, "sesame": 401} {
		r := httptest.NewRequest("GET", "/v1/models", nil)
		r.Header.Set("Authorization", key)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%q: %d, want %d", key, w.Code, want)
		}
	}
}

// One request is computed at a time; as many as the queue holds wait, and those
// beyond are turned away.
func TestQueue(t *testing.T) {
	l := letters{entered: make(chan struct{}), leave: make(chan struct{})}
	s := httptest.NewServer(New(l, Options{Queue: 1}))
	defer s.Close()
	statuses := make(chan string)
	ask := func() {
		r, err := http.Post(s.URL+"/v1/completions", "application/json", bytes.NewReader([]byte(`{"prompt":"a","max_tokens":0}`)))
		if err != nil {
			statuses <- err.Error()
			return
		}
		r.Body.Close()
		statuses <- fmt.Sprint(r.StatusCode, r.Header.Get("Retry-After"))
	}
	go ask()
	<-l.entered
	go ask()
	go ask() // one of the two finds the queue full
	if got := <-statuses; got != "4291" {
		t.Errorf("a third request: %s", got)
	}
	l.leave <- struct{}{}
	<-l.entered
	l.leave <- struct{}{}
	for range 2 {
		if got := <-statuses; got != "200" {
			t.Errorf("a request that waited: %s", got)
		}
	}
}

func FuzzCompletions(f *testing.F) {
	for _, s := range []string{`{"prompt":"a"}`, `{"prompt":[[1],[2,3]],"echo":true,"logprobs":5}`, `{"prompt":["a","b"],"stop":["x"]}`, `{"prompt":null}`} {
		f.Add(s)
	}
	h := New(letters{}, Options{})
	f.Fuzz(func(t *testing.T, body string) {
		if status, said := post(t, h, "/v1/completions", body); status != 200 && status != 400 && status != 404 {
			t.Errorf("%q: %d %s", body, status, said)
		}
	})
}
