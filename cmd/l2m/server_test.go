package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

const (
	serverEnv = "L2M_TEST_SERVER"
	serverBOS = 256
)

// serveModel is a server of one model, in the dialect of vLLM, until standard
// input ends. The model counts the bytes that it has seen and expects them again:
// ln q(b | past) = ln (n_b + 1/2) − ln (n + 128).
func serveModel() {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) { json.NewEncoder(w).Encode(v) }
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"data": []any{map[string]any{"id": "counter", "max_model_len": 4096}}})
	})
	mux.HandleFunc("POST /tokenize", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Prompt  string `json:"prompt"`
			Special bool   `json:"add_special_tokens"`
		}
		json.NewDecoder(r.Body).Decode(&q)
		ids := []int{}
		if q.Special {
			ids = append(ids, serverBOS)
		}
		for _, b := range []byte(q.Prompt) {
			ids = append(ids, int(b))
		}
		answer(w, map[string]any{"tokens": ids, "count": len(ids), "max_model_len": 4096})
	})
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Prompt []int `json:"prompt"`
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var seen [serverBOS + 1]float64
		list := make([]any, len(q.Prompt))
		for i, id := range q.Prompt {
			if i > 0 {
				p := math.Log(seen[id]+0.5) - math.Log(float64(i-1)+0.5*256)
				list[i] = map[string]any{strconv.Itoa(id): map[string]any{"logprob": p}}
				seen[id]++
			}
		}
		answer(w, map[string]any{"model": "counter", "choices": []any{map[string]any{"index": 0, "text": "x", "prompt_logprobs": list}}})
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("http://%s/v1\n", l.Addr())
	go http.Serve(l, mux)
	bufio.NewReader(os.Stdin).ReadString('\n')
}

// modelServer: "modelserver VAR" starts a server and puts its URL into VAR.
func modelServer(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverEnv+"=1")
	in, err := cmd.StdinPipe()
	ts.Check(err)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { in.Close(); cmd.Wait() })
	url, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	ts.Setenv(args[0], strings.TrimSpace(url))
}
