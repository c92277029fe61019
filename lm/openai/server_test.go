package openai

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/token"
)

// The server of these tests is a process of its own: the test binary, run
// again with serverEnv set. It holds a bigram model whose probabilities both
// sides compute from bigram, and does wrong what /fault tells it to.
const (
	serverEnv  = "L2M_TEST_OPENAI_SERVER"
	vocabulary = 32
	testBOS    = 1
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(serverEnv); mode != "" {
		serve(mode)
		return
	}
	os.Exit(m.Run())
}

// bigram is ln q(next | previous) of the model called seed: the softmax of
// arbitrary scores.
func bigram(seed, previous, next int) float64 {
	score := func(x int) float64 { return 2 * math.Sin(float64(seed)+1.7*float64(previous)+2.3*float64(x*x)) }
	sum := 0.0
	for x := range vocabulary {
		sum += math.Exp(score(x))
	}
	return score(next) - math.Log(sum)
}

// fault is what the server does wrong, to the next Count scoring requests
// after Skip good ones.
type fault struct {
	Kind        string
	Skip, Count int
	RetryAfter  string
}

type server struct {
	mode      string // dialect, or what the server is instead
	tokenizer string // "tokenless": none; "bosless": one without BOS
	mu        sync.Mutex
	fault     fault
	seed      int
	name      string
	scored    int // scoring requests answered well
	received  int // scoring requests
	authOK    int
	positions int // log-probabilities returned
}

type stats struct{ Scored, Received, Authorised, Positions int }

func serve(mode string) {
	s := &server{mode: mode, seed: 3, name: "bigram"}
	if m, seed, ok := strings.Cut(mode, "+"); ok {
		s.mode = m
		s.seed, _ = strconv.Atoi(seed)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println(l.Addr())
	go func() { // the parent's death closes standard input
		bufio.NewReader(os.Stdin).ReadString('\n')
		os.Exit(0)
	}()
	s.mode, s.tokenizer, _ = strings.Cut(s.mode, "-")
	mux := http.NewServeMux()
	mux.HandleFunc("POST /fault", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fault = fault{}
		json.NewDecoder(r.Body).Decode(&s.fault)
	})
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		json.NewEncoder(w).Encode(stats{s.scored, s.received, s.authOK, s.positions})
	})
	mux.HandleFunc("GET /v1/models", s.models)
	if s.tokenizer != "tokenless" && (s.mode == "vllm" || s.mode == "echo" || s.mode == "sglang") {
		mux.HandleFunc("POST /tokenize", s.tokenize)
	}
	if s.mode == "sglang" {
		mux.HandleFunc("POST /generate", s.generate)
	}
	if s.mode != "chat" {
		mux.HandleFunc("POST /v1/completions", s.completions)
	}
	http.Serve(l, mux)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (s *server) models(w http.ResponseWriter, r *http.Request) {
	owner := map[string]string{"llamacpp": "llamacpp"}[s.mode]
	s.mu.Lock()
	defer s.mu.Unlock()
	reply(w, 200, map[string]any{"object": "list", "data": []any{map[string]any{"id": s.name, "root": "/models/bigram", "owned_by": owner, "max_model_len": 64}}})
}

// tokenize gives every byte a token; BOS is put first on request.
func (s *server) tokenize(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Prompt  string `json:"prompt"`
		Special bool   `json:"add_special_tokens"`
	}
	json.NewDecoder(r.Body).Decode(&q)
	ids := []int{}
	if q.Special && s.tokenizer != "bosless" {
		ids = append(ids, testBOS)
	}
	for _, b := range []byte(q.Prompt) {
		ids = append(ids, int(b)%vocabulary)
	}
	reply(w, 200, map[string]any{"tokens": ids, "count": len(ids), "max_model_len": 64})
}

// misbehave makes the fault that is due, before or instead of an answer. It
// returns the fault to build into the answer, "" for none.
func (s *server) misbehave(w http.ResponseWriter, r *http.Request) (kind string, done bool) {
	s.mu.Lock()
	s.received++
	if r.Header.Get("Authorization") == "Bearer sesame-secret" {
		s.authOK++
	}
	if s.fault.Skip > 0 {
		s.fault.Skip--
	} else if s.fault.Count > 0 {
		s.fault.Count--
		kind = s.fault.Kind
	}
	if kind == "" {
		s.scored++
	}
	if kind == "swap" {
		s.name, s.seed = "other", 8
	}
	if kind == "reseed" {
		s.seed = 8
	}
	after := s.fault.RetryAfter
	s.mu.Unlock()
	switch kind {
	case "429", "500", "503", "401", "400":
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		status, _ := strconv.Atoi(kind)
		message := map[string]string{"400": "This model's maximum context length is 64 tokens", "401": "wrong key " + r.Header.Get("Authorization")}[kind]
		if message == "" {
			message = "out of order"
		}
		reply(w, status, map[string]any{"error": map[string]any{"message": message}})
		return kind, true
	case "hang":
		<-r.Context().Done()
		return kind, true
	case "reset", "reseed":
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err == nil {
			buf.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"model\":\"bigram\",\"choices\":[")
			buf.Flush()
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
		return kind, true
	}
	return kind, false
}

// finish sends the answer, changed as the fault demands.
func (s *server) finish(w http.ResponseWriter, kind string, v any) {
	b, _ := json.Marshal(v)
	switch kind {
	case "truncated":
		b = b[:len(b)/2]
	case "html":
		b = []byte("<html>gateway</html>")
	case "nan":
		b = bytes.Replace(b, []byte("-777"), []byte("NaN"), 1)
	}
	w.Write(b)
}

// logProbs are those of the prompt, the first nil, damaged by the fault.
func (s *server) logProbs(prompt []int, kind string) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.positions += len(prompt)
	out := []any{nil}
	for i := 1; i < len(prompt); i++ {
		out = append(out, bigram(s.seed, prompt[i-1], prompt[i]))
	}
	last := len(out) - 1
	switch kind {
	case "positive":
		out[last] = 0.5
	case "clamped":
		out[last] = -9999.0
	case "null":
		out[last] = nil
	case "nan":
		out[last] = -777
	case "count":
		out = out[:last]
	}
	return out
}

func (s *server) completions(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Prompt         json.RawMessage `json:"prompt"`
		PromptLogProbs *int            `json:"prompt_logprobs"`
		Echo           bool            `json:"echo"`
		LogProbs       *int            `json:"logprobs"`
	}
	json.NewDecoder(r.Body).Decode(&q)
	var prompt []int
	isIDs := json.Unmarshal(q.Prompt, &prompt) == nil
	if s.mode == "pydantic" { // as llama-cpp-python 0.3.36 does
		if isIDs {
			reply(w, 500, map[string]any{"error": map[string]any{"message": "[{'type': 'string_type', 'loc': ('body', 'prompt', 'str'), 'msg': 'Input should be a valid string'}]"}})
		} else {
			reply(w, 200, map[string]any{"choices": []any{map[string]any{"text": "x"}}})
		}
		return
	}
	if !isIDs || s.mode == "text" {
		reply(w, 422, map[string]any{"detail": "prompt must be a string"})
		return
	}
	kind, done := s.misbehave(w, r)
	if done {
		return
	}
	if s.mode == "prepends" {
		prompt = append([]int{testBOS}, prompt...)
	}
	s.mu.Lock()
	name := s.name
	s.mu.Unlock()
	choice := map[string]any{"index": 0, "text": "x"}
	values := s.logProbs(prompt, kind)
	switch {
	case (s.mode == "vllm" || s.mode == "prepends") && q.PromptLogProbs != nil:
		list := make([]any, len(values))
		for i, v := range values {
			if i > 0 {
				id := prompt[i]
				if kind == "ids" && i == len(values)-1 {
					id++
				}
				list[i] = map[string]any{strconv.Itoa(id): map[string]any{"logprob": v, "rank": 1}}
			}
		}
		choice["prompt_logprobs"] = list
	case s.mode == "echo" && q.Echo && q.LogProbs != nil:
		var tokens []string
		for i := range values {
			tokens = append(tokens, "token_id:"+strconv.Itoa(prompt[i]))
		}
		if kind == "ids" {
			tokens[len(tokens)-1] = "token_id:999"
		}
		choice["logprobs"] = map[string]any{"tokens": append(tokens, "token_id:5"), "token_logprobs": append(values, -0.25)}
	case q.LogProbs != nil: // echo is ignored: only the generated token
		choice["logprobs"] = map[string]any{"tokens": []string{"x"}, "token_logprobs": []float64{-0.25}}
	}
	s.finish(w, kind, map[string]any{"model": name, "choices": []any{choice}, "usage": map[string]any{"prompt_tokens": len(values), "completion_tokens": 1}})
}

func (s *server) generate(w http.ResponseWriter, r *http.Request) {
	var q struct {
		IDs   []int `json:"input_ids"`
		Start int   `json:"logprob_start_len"`
	}
	json.NewDecoder(r.Body).Decode(&q)
	kind, done := s.misbehave(w, r)
	if done {
		return
	}
	var list []any
	for i, v := range s.logProbs(q.IDs[q.Start:], kind) {
		id := q.IDs[q.Start+i]
		if id == vocabulary-1 {
			id = 0 // as SGLang does
		}
		if kind == "ids" && i > 0 {
			id = 999
		}
		list = append(list, []any{v, id, nil})
	}
	s.mu.Lock()
	name := s.name
	s.mu.Unlock()
	s.finish(w, kind, map[string]any{"text": "x", "meta_info": map[string]any{"prompt_tokens": len(q.IDs), "input_token_logprobs": list, "weight_version": name}})
}

// process is a running server.
type process struct{ url string }

func startServer(t testing.TB, mode string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), serverEnv+"="+mode)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error") {
		t.Fatalf("starting the server: %q, %v", line, err)
	}
	return &process{"http://" + strings.TrimSpace(line)}
}

func (p *process) set(t testing.TB, f fault) {
	t.Helper()
	b, _ := json.Marshal(f)
	resp, err := http.Post(p.url+"/fault", "application/json", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func (p *process) stats(t testing.TB) (s stats) {
	t.Helper()
	resp, err := http.Get(p.url + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// truth is the bigram model's own answer to a prompt, from a position on.
func truth(seed int, prompt []token.ID, from int) []float32 {
	out := []float32{}
	previous := testBOS
	for i, x := range prompt {
		if i >= from {
			out = append(out, float32(bigram(seed, previous, int(x))))
		}
		previous = int(x)
	}
	return out
}

// quick are options with which faults take milliseconds.
func quick(p ...*process) Options {
	o := Options{RetryWait: 2 * time.Millisecond, RetryFor: 20 * time.Second, Timeout: 20 * time.Second}
	for _, s := range p {
		o.Endpoints = append(o.Endpoints, s.url+"/v1")
	}
	return o
}
