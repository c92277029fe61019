package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// hostile is a name that clears a terminal, turns the direction of writing, and
// begins a line of its own; the fourth character is a control sequence introducer of
// one character.
const hostile = "a\x1b[2J\u202e\u009b31m\nforged"

// Names of files, folders, runs and models, keys of JSON, columns of tables and what a
// server says reach the terminal without control characters, whichever verb shows
// them.
func TestNamesDoNotSteerTheTerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts some 65 processes, which run nothing at the same time")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	object := func(fields map[string]any) string {
		content, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	texts := at(hostile)
	if err := os.Mkdir(texts, 0o755); err != nil {
		t.Skip("no such names here: ", err)
	}
	for i := range 4 {
		put(t, filepath.Join(texts, string(rune('a'+i))+hostile+".txt"), strings.Repeat("etaoin shrdlu "[i:], 60))
	}
	put(t, filepath.Join(texts, hostile+".zip"), "PK\x03\x04 and no more")
	put(t, filepath.Join(texts, hostile+".gz"), "\x1f\x8b and no more")
	put(t, at("keys.jsonl"), object(map[string]any{hostile: 1})+"\n")
	put(t, at(hostile+".jsonl"), "{"+hostile+"\n")
	put(t, at("answers.jsonl"), object(map[string]any{"custom_id": hostile, "error": map[string]any{"message": hostile, "code": hostile}})+"\n"+
		object(map[string]any{"custom_id": hostile, "response": map[string]any{"status_code": 400, "body": map[string]any{"error": hostile}}})+"\n")
	put(t, at(hostile+".config.json"), object(map[string]any{"model_type": "llama", "_name_or_path": hostile, "architectures": []string{hostile}, "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4}))
	put(t, at("unknown.json"), object(map[string]any{"model_type": hostile, "layer_types": []string{hostile}, hostile: hostile}))
	put(t, at("layers.json"), object(map[string]any{"model_type": "qwen3_next", "layer_types": []string{hostile}, "num_hidden_layers": 1, "hidden_size": 64, "num_attention_heads": 4}))
	put(t, at("recipe.json"), object(map[string]any{"name": hostile, "about": hostile, "model": map[string]any{"model_type": "", "hidden_size": 8, "num_hidden_layers": 1, "layer_types": []string{"full_attention"}, "num_attention_heads": 2},
		"data": "recall:pairs=1,vocabulary=8", "lengths": []int{8}, "evaluate": []int{8}, "steps": 1, "batch": 1, "rate": 0.1}))
	put(t, at("mistyped.json"), object(map[string]any{"name": hostile, hostile: 1}))
	put(t, at("mechanism.json"), object(map[string]any{"name": hostile, "model": map[string]any{"model_type": "", "layer_types": []string{hostile}}, "data": hostile, "lengths": []int{8}, "steps": 1, "batch": 1, "rate": 0.1}))
	hostileStudy := func(names map[string]any) string {
		study := map[string]any{"question": hostile, "about": hostile, "recipe": map[string]any{"model": map[string]any{"model_type": "", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2},
			"data": "hierarchical:copies=2", "lengths": []int{4}, "steps": 1, "batch": 1, "rate": 0.1, "seed": 1}, "models": []any{map[string]any{"name": "m", "family": hostile, "change": map[string]any{"layer_types": []string{"full_attention"}}}},
			"panels": []any{map[string]any{"name": "p", "label": hostile, "change": map[string]any{}, "models": []string{"m"}}}, "seeds": []int{1}, "figures": []any{map[string]any{"id": "f", "title": hostile, "x": "state", "panels": []string{"p"}}}}
		maps.Copy(study, names)
		return object(study)
	}
	put(t, at("study.json"), hostileStudy(map[string]any{"name": hostile}))
	put(t, at("badstudy.json"), hostileStudy(map[string]any{"panels": []any{map[string]any{"name": hostile, "change": map[string]any{}, "models": []string{hostile}}}}))
	put(t, at("points.csv"), "length,nats,\""+hostile+"\"\n8,1,x\n")
	put(t, at("logprobs.csv"), "document,position,logprob\n\""+hostile+"\",1,x\n")
	put(t, at("chain.json"), object(map[string]any{hostile: 1, "transition": [][]int{{1}}}))
	put(t, at("counts.json"), object(map[string]any{"schema": hostile}))
	put(t, at("run/results.json"), object(map[string]any{"schema": "l2m.results/1", "command": hostile, "verb": hostile, "model": map[string]any{"name": hostile}, "corpus": map[string]any{"name": hostile}}))
	put(t, at("bad/results.json"), object(map[string]any{"schema": hostile}))
	put(t, at("bad/run.json"), object(map[string]any{"format": "l2m.run/2", "kind": hostile, "files": []string{hostile}}))
	vocabulary, err := filepath.Abs("../../token/vocabulary/testdata/gpt2.json")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		w.Write([]byte(object(map[string]any{"error": map[string]any{"message": hostile, "type": hostile}, "data": []map[string]any{{"id": hostile}}})))
	}))
	defer server.Close()
	outputs := struct {
		sync.Mutex
		shown int
	}{}
	var all sync.WaitGroup
	slots := make(chan struct{}, 2)
	try := func(args ...string) {
		for i, a := range args {
			args[i] = strings.NewReplacer("DIR", dir, "TEXTS", texts, "HOSTILE", hostile, "SERVER", server.URL+"/v1", "VOCABULARY", vocabulary).Replace(a)
		}
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			said, _ := l2mCommand(args...).CombinedOutput()
			for _, line := range strings.Split(string(said), "\n") {
				if strings.ContainsAny(line, "\x1b\u202e\u009b") || strings.HasPrefix(line, "forged") {
					t.Errorf("l2m %.200q says %q", args, line)
				}
			}
			outputs.Lock()
			defer outputs.Unlock()
			if strings.Contains(string(said), "forged") {
				outputs.shown++
			}
		})
	}
	const quick = " --draws 19 --windows 4 --length 16 --training-bytes 1k --two-point-bytes -1 --figures svg -o DIR/"
	with := func(line string, rest ...string) []string { return append(words(line), rest...) }
	try("HOSTILE")
	try("lab", "HOSTILE")
	try("measure", "--HOSTILE")
	try("measure", "x", "--length", "HOSTILE")
	try("measure", "DIR/HOSTILEmissing")
	try(with("measure"+quick+"r1", "TEXTS")...)
	try("measure", "TEXTS", "--field", "HOSTILE", "--format", "jsonl")
	try(with("measure"+quick+"r2", "DIR/keys.jsonl")...)
	try(with("measure"+quick+"r3", "DIR/HOSTILE.jsonl")...)
	try("measure", "TEXTS", "--model", "SERVER#HOSTILE", "--tokenizer", "HOSTILE", "-o", "DIR/r4")
	try("measure", "TEXTS", "--model", "SERVER", "-o", "DIR/r5")
	try("measure", "TEXTS", "--model", "DIR/HOSTILE", "-o", "DIR/r6")
	try("measure", "TEXTS", "--format", "HOSTILE")
	try("measure", "--process", "HOSTILE")
	try("measure", "--logprobs", "DIR/logprobs.csv", "-o", "DIR/r7")
	try("measure", "--logprobs", "DIR/HOSTILE", "-o", "DIR/r8")
	try("twopoint", "TEXTS", "-d", "1,2", "--figures", "svg", "-o", "DIR/HOSTILE-two")
	try("twopoint", "TEXTS", "-t", "HOSTILE")
	try("twopoint", "--counts", "DIR/counts.json")
	try("fit", "DIR/points.csv")
	try("fit", "DIR/HOSTILE.csv")
	try("fit", "DIR/points.csv", "--columns", "HOSTILE")
	try("audit", "DIR/HOSTILE.config.json", "--figures", "svg", "-o", "DIR/HOSTILE-audit")
	try("audit", "DIR/HOSTILE.config.json", "--csv")
	try("audit", "DIR/HOSTILE.config.json", "--html", "DIR/HOSTILE/missing/x.html")
	try("audit", "DIR/unknown.json")
	try("audit", "DIR/layers.json")
	try("audit", "DIR/HOSTILE.config.json", "--law", "HOSTILE")
	try("audit", "DIR/unknown.json", "DIR/layers.json", "DIR/HOSTILE.config.json", "TEXTS")
	try("compare", "DIR/run", "TEXTS")
	try("compare", "DIR/run", "DIR/bad")
	try("plan", "TEXTS", "--model", "HOSTILE", "--tokenizer", "HOSTILE", "-o", "DIR/p1")
	try("plan", "TEXTS", "--model", "m", "--dialect", "HOSTILE")
	try("plan", "TEXTS", "--model", "m", "--tokenizer", "VOCABULARY", "--bos", "256", "--length", "16", "--windows", "4", "--figures", "svg", "-o", "DIR/HOSTILE-plan")
	try("ingest", "TEXTS", "DIR/answers.jsonl")
	try("report", "DIR/run", "--figures", "svg")
	try("report", "DIR/bad")
	try("report", "TEXTS")
	try("report", "DIR/run", "--figures", "HOSTILE")
	try("serve", "DIR/HOSTILEmissing")
	try("serve", "TEXTS", "--address", "HOSTILE")
	try("calibrate", "HOSTILE")
	try("calibrate", "iid", "--damage", "HOSTILE")
	try("calibrate", "iid", "--estimators", "paired", "--windows", "8", "--length", "16", "--repetitions", "1", "--draws", "19", "-o", "DIR/HOSTILE-calibration")
	try("process", "truth", "HOSTILE")
	try("process", "truth", "markov:HOSTILE=1")
	try("process", "truth", "hmm:file=DIR/chain.json")
	try("process", "sample", "iid", "--length", "4", "-o", "DIR/HOSTILE/missing/x")
	try("model", "train", "TEXTS", "-o", "DIR/HOSTILE.bytemix")
	try("model", "info", "DIR/HOSTILE.jsonl")
	try("model", "eval", "DIR/HOSTILE.jsonl", "TEXTS")
	try("model", "fetch", "HOSTILE")
	try("lab", "train", "HOSTILE")
	try("lab", "train", "DIR/recipe.json", "-o", "DIR/HOSTILE-lab")
	try("lab", "train", "DIR/mistyped.json")
	try("lab", "train", "DIR/mechanism.json")
	try("lab", "eval", "TEXTS")
	try("lab", "study", "HOSTILE")
	try("lab", "study", "DIR/study.json", "--figures", "svg", "-o", "DIR/HOSTILE-study")
	try("lab", "study", "DIR/study.json", "--only", "HOSTILE")
	try("lab", "study", "DIR/badstudy.json")
	try("lab", "export", "TEXTS", "-o", "DIR/HOSTILE.gguf")
	try("man", "DIR/keys.jsonl/HOSTILE")
	all.Wait()
	if outputs.shown < 40 {
		t.Errorf("only %d commands show what they were given", outputs.shown)
	}
	// What reads the runs that were made above.
	try("compare", "DIR/r1", "DIR/HOSTILE-two")
	try("compare", "DIR/r1", "DIR/r1", "--figures", "svg", "-o", "DIR/HOSTILE-compare")
	try("report", "DIR/HOSTILE-two", "DIR/HOSTILE-audit", "DIR/HOSTILE-lab", "DIR/HOSTILE-study", "--figures", "svg")
	try("model", "info", "DIR/HOSTILE.bytemix")
	try("model", "eval", "DIR/HOSTILE.bytemix", "TEXTS")
	try("lab", "eval", "DIR/HOSTILE-lab")
	try("lab", "eval", "DIR/HOSTILE-lab", "--json")
	try("audit", "DIR/HOSTILE.config.json", "DIR/unknown.json", "--json")
	try("compare", "DIR/r1", "DIR/r1", "--json")
	try("ingest", "DIR/HOSTILE-plan", "DIR/answers.jsonl")
	try("ingest", "DIR/HOSTILE-plan", "DIR/answers.jsonl", "--json")
	all.Wait()
}
