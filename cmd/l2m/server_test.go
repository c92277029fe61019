package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/l2m-lab/l2m/internal/npy"
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
		answer(w, complete(q.Prompt))
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

// counted are the log-probabilities of the tokens after the first.
func counted(prompt []int) []float64 {
	seen := map[int]float64{}
	var out []float64
	for i, id := range prompt[1:] {
		out = append(out, math.Log(seen[id]+0.5)-math.Log(float64(i)+0.5*256))
		seen[id]++
	}
	return out
}

// complete is the answer to a prompt.
func complete(prompt []int) any {
	list := make([]any, len(prompt))
	for i, p := range counted(prompt) {
		list[i+1] = map[string]any{strconv.Itoa(prompt[i+1]): map[string]any{"logprob": p}}
	}
	return map[string]any{"model": "counter", "choices": []any{map[string]any{"index": 0, "text": "x", "prompt_logprobs": list}}}
}

// runBatch: "runbatch REQUESTS RESULTS" answers a file of batch requests as vllm
// run-batch does, but in another order; "runbatch -bad REQUESTS RESULTS" answers
// every other one, the first twice, fails one, and breaks off in the last line.
func runBatch(ts *testscript.TestScript, _ bool, args []string) {
	bad := args[0] == "-bad"
	if bad {
		args = args[1:]
	}
	var out []string
	for i, line := range strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n") {
		var q struct {
			ID   string `json:"custom_id"`
			URL  string `json:"url"`
			Body struct {
				Prompt []int `json:"prompt"`
			} `json:"body"`
		}
		ts.Check(json.Unmarshal([]byte(line), &q))
		if q.URL != "/v1/completions" {
			ts.Fatalf("url %q", q.URL)
		}
		result := map[string]any{"id": "x", "custom_id": q.ID, "response": map[string]any{"status_code": 200, "request_id": "y", "body": complete(q.Body.Prompt)}, "error": nil}
		if bad && i == 4 {
			result["response"] = map[string]any{"status_code": 400, "body": map[string]any{"message": "out of luck"}}
		}
		b, err := json.Marshal(result)
		ts.Check(err)
		if bad && i%2 == 1 && i > 30 {
			continue
		}
		out = append([]string{string(b)}, out...)
		if bad && i == 0 {
			out = append(out, string(b))
		}
	}
	text := strings.Join(out, "\n") + "\n"
	if bad {
		text = text[:len(text)-100]
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}

// runPasses: "runpasses PASSES RESULTS" scores a file of passes with the same model.
func runPasses(ts *testscript.TestScript, _ bool, args []string) {
	z, err := zip.OpenReader(ts.MkAbs(args[0]))
	ts.Check(err)
	defer z.Close()
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	defer f.Close()
	out := zip.NewWriter(f)
	for _, entry := range z.File {
		if entry.Name != "tokens.npy" {
			ts.Check(out.Copy(entry))
			continue
		}
		r, err := entry.Open()
		ts.Check(err)
		h, err := npy.ReadHeader(r)
		ts.Check(err)
		tokens, err := npy.ReadInts(r, h, 0)
		ts.Check(err)
		width := h.Shape[1]
		content := npy.Header{Kind: "<f4", Shape: []int{h.Shape[0], width - 1}}.Bytes()
		for row := range slices.Chunk(tokens, width) {
			var prompt []int
			for _, t := range row {
				prompt = append(prompt, int(t))
			}
			for _, p := range counted(prompt) {
				content = binary.LittleEndian.AppendUint32(content, math.Float32bits(float32(p)))
			}
		}
		w, err := out.Create("logprobs.npy")
		ts.Check(err)
		_, err = w.Write(content)
		ts.Check(err)
	}
	ts.Check(out.Close())
}

// nothing: "nothing X PREDICTIONS" predicts the law N(0, 1) for every number of a sample.
func nothing(ts *testscript.TestScript, _ bool, args []string) {
	x, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	h, err := npy.ReadHeader(bytes.NewReader(x))
	ts.Check(err)
	constant := func(v float32) []byte {
		content := npy.Header{Kind: "<f4", Shape: h.Shape}.Bytes()
		for range h.Size() {
			content = binary.LittleEndian.AppendUint32(content, math.Float32bits(v))
		}
		return content
	}
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	defer f.Close()
	z := zip.NewWriter(f)
	for name, content := range map[string][]byte{"x": x, "mean": constant(0), "deviation": constant(1)} {
		w, err := z.Create(name + ".npy")
		ts.Check(err)
		_, err = w.Write(content)
		ts.Check(err)
	}
	ts.Check(z.Close())
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
