package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// table is a table of log-probabilities, of 30 documents of 64 tokens.
func table() string {
	var b strings.Builder
	b.WriteString("document,position,logprob\n")
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 30 * 64 {
		fmt.Fprintf(&b, "%d,%d,%.4f\n", i/64, i%64, -rng.ExpFloat64()-5/float64(2+i%64))
	}
	return b.String()
}

// The command that a run records, given to a shell, makes the same document again.
func TestRecordedCommandsRepeatRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("two dozen runs, which other tests show to the race detector")
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell here")
	}
	dir := t.TempDir()
	l2m := filepath.Join(dir, "bin", "l2m")
	if err := os.MkdirAll(filepath.Dir(l2m), 0o755); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", mainEnv, os.Args[0])
	if err := os.WriteFile(l2m, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "-texts"), os.DirFS(filepath.Join(strings.TrimSpace(string(root)), "src", "strings"))); err != nil {
		t.Fatal(err)
	}
	config := `{"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 64, "n_positions": 1024, "vocab_size": 1000}`
	if err := os.WriteFile(filepath.Join(dir, "a config.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a table.csv"), []byte(table()), 0o644); err != nil {
		t.Fatal(err)
	}
	shell := func(command string) {
		t.Helper()
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+filepath.Dir(l2m)+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	read := func(path string) (content []byte, command string) {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		var doc struct{ Command string }
		if err := json.Unmarshal(content, &doc); err != nil {
			t.Fatal(err)
		}
		return content, doc.Command
	}
	seconds := regexp.MustCompile(`(?m)^ *"cpu_seconds": .*$`) // another at every run
	quick := " --length 128 --windows 12 --windows-per-document 2 --draws 50 --figures svg"
	for _, run := range []struct{ name, document, command string }{
		{"measure", "results.json", "l2m measure ./-texts" + quick + " --cross 2 --evaluation-fraction 0.4 --training-bytes 20k --two-point-bytes 30000 --seed 7 --range 8:"},
		{"cut", "results.json", "l2m measure ./-texts" + quick + " --context 32:16 --model bytemix:universal --keep-duplicates --two-point-bytes -1"},
		{"whole", "results.json", "l2m measure ./-texts" + quick + " --model bytemix:universal --keep-duplicates --two-point-bytes -1"},
		{"audited", "results.json", "l2m measure ./-texts" + quick + " --config 'a config.json' --bytes-per-token 3.5 --training-bytes 8k"},
		{"process", "results.json", "l2m measure --process powergauss:beta=0.6 --length 64 --windows 20 --draws 50 --figures svg --cross 1"},
		{"recorded", "results.json", "l2m measure --logprobs 'a table.csv' --bits --draws 50 --range 8: --figures svg"},
		{"twopoint", "results.json", "l2m twopoint ./-texts -t words -d 1,3,9 --estimator miller-madow --blocks 4 --sample 0.7 --subtract-floor=false --seed 3 --figures svg"},
		{"calibrate", "calibration.json", "l2m calibrate powergauss:beta=0.5 --windows 20,30 --length 64 --repetitions 4 --draws 99 --estimators block --damage order=4 --range 8:"},
		{"fit", "results.json", "l2m fit measure/estimates.csv --series block/2 --unit bytes --level 0.9 --range 8:"},
		{"lab", "lab.json", "l2m lab train gaussian-small --steps 12 --batch 4 --layers 1 --hidden 16 --layer-types power_law_memory --memory 1,0.5 --evaluate 16,32 --rates 1e-7,0.01 --seed 0"},
		{"compare", "compare.json", "l2m compare whole cut --draws 300 --seed 5 --figures svg"},
		{"audit", "audit.json", "l2m audit 'a config.json' --length 1e6 --capacity 0.5 --dtype float16 --cache budget:32 --level 0.9 --at 100,1000 --figures svg"},
	} {
		shell(run.command + " --out " + run.name)
		first, command := read(filepath.Join(run.name, run.document))
		shell(command + " --out " + run.name + "-again")
		again, _ := read(filepath.Join(run.name+"-again", run.document))
		if !bytes.Equal(seconds.ReplaceAll(first, nil), seconds.ReplaceAll(again, nil)) {
			t.Errorf("%s\nis recorded as\n%s\nwhich makes another %s", run.command, command, run.document)
		}
		if strings.Contains(command, "--out") || strings.Contains(command, "--figures") {
			t.Errorf("recorded: %s", command)
		}
	}
}
