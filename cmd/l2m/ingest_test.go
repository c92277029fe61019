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
	"time"

	"github.com/l2m-lab/l2m/internal/killtest"
	"github.com/l2m-lab/l2m/score"
)

// l2mCommand is the command as a process of its own.
func l2mCommand(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), mainEnv+"=1")
	return cmd
}

// TestIngestKilled kills l2m ingest with SIGKILL at random instants, each time over the same files, and lets the last one finish:
// nothing that was stored gets lost, and in the end every file of the run is
// that of a run that was left alone.
func TestIngestKilled(t *testing.T) {
	kills := killtest.Kills(4)
	temp := t.TempDir()
	planned, files := plannedRun(t, temp)
	ingest := func(dir string) *exec.Cmd { return l2mCommand(append([]string{"ingest", dir}, files...)...) }
	start := func(n int) string {
		dir := filepath.Join(temp, fmt.Sprint("run", n))
		if err := os.CopyFS(dir, os.DirFS(planned)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	alone := start(0)
	began := time.Now()
	if out, err := ingest(alone).CombinedOutput(); err != nil {
		t.Fatalf("left alone: %v\n%s", err, out)
	}
	took := time.Since(began)
	same := func(dir string) {
		t.Helper()
		for _, name := range []string{"results.json", "estimates.csv", "report.html"} {
			want, err := os.ReadFile(filepath.Join(alone, name))
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%s/%s differs from that of a run left alone", dir, name)
			}
		}
	}
	runs, stored := 1, 0
	dir := start(runs)
	killtest.Loop(t, 51, kills, 3*took/2, func() *exec.Cmd { return ingest(dir) }, func(done bool) {
		s, err := score.Read(dir)
		if err != nil {
			t.Fatalf("after a kill: %v", err)
		}
		if s.Done() < stored {
			t.Fatalf("a kill lost scores: %d of %d windows are left", s.Done(), stored)
		}
		stored = s.Done()
		if done {
			same(dir)
			runs, stored = runs+1, 0
			dir = start(runs)
		}
	})
	t.Logf("%d runs begun, %d windows stored in the last after %d kills", runs, stored, kills)
	if out, err := ingest(dir).CombinedOutput(); err != nil {
		t.Fatalf("last: %v\n%s", err, out)
	}
	same(dir)
}

// Two models' answers to one request are an error that names both lines; what an
// engine's rounding makes of one model's is counted. Either way the first counts.
func TestIngestConflict(t *testing.T) {
	temp := t.TempDir()
	planned, files := plannedRun(t, temp)
	ingest := func(files ...string) (string, error) {
		out, err := l2mCommand(append([]string{"ingest", planned}, files...)...).CombinedOutput()
		return string(out), err
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	changed := func(name, digits string) string {
		path := filepath.Join(temp, name)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(line, `"logprob":-`, `"logprob":-`+digits)), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other, rounded := changed("other.jsonl", "9"), filepath.Join(temp, "rounded.jsonl")
	if err := os.WriteFile(rounded, []byte(regexp.MustCompile(`(\.\d\d)\d+`).ReplaceAllString(line, "$1")), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := ingest(files[0], rounded, other, files[1])
	if err == nil || !strings.Contains(out, other+":1 and "+files[0]+":1 answer the same request") {
		t.Fatalf("a conflict in one call: %v\n%s", err, out)
	}
	out, err = ingest(other)
	if err == nil || !strings.Contains(out, other+":1 and "+planned) {
		t.Fatalf("a conflict with an earlier call: %v\n%s", err, out)
	}
	out, err = ingest(files[0], rounded, files[1], files[2])
	if err != nil || !strings.Contains(out, "1 of the duplicates differ as rounding does") {
		t.Fatalf("without the other model's file: %v\n%s", err, out)
	}
	if _, err = ingest(other); err == nil {
		t.Error("a conflict with stored scores is not noticed")
	}
}

// plannedRun is a run directory of l2m plan in dir, and files with the answers to
// all of its requests.
func plannedRun(t *testing.T, dir string) (planned string, files []string) {
	planned = filepath.Join(dir, "planned")
	source := filepath.Join(goroot(t), "src")
	out, err := l2mCommand("plan", filepath.Join(source, "strings"), filepath.Join(source, "bytes"), "--model", "counter",
		"--tokenizer", "../../token/vocabulary/testdata/gpt2.json", "--bos", "256", "--length", "256", "--windows", "24",
		"--draws", "100", "--figures", "svg", "--quiet", "--out", planned).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return planned, answerInDisorder(t, filepath.Join(planned, "requests", "requests-00001.jsonl"), dir)
}

// answerInDisorder answers a file of requests in a random order, some of them
// twice, in three files.
func answerInDisorder(t *testing.T, requests, dir string) (files []string) {
	content, err := os.ReadFile(requests)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	rng := rand.New(rand.NewPCG(52, 0))
	rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	lines = append(lines, lines[:20]...)
	for n := range 3 {
		var out bytes.Buffer
		for _, line := range lines[n*len(lines)/3 : (n+1)*len(lines)/3] {
			var q struct {
				ID   string `json:"custom_id"`
				Body struct {
					Prompt []int `json:"prompt"`
				} `json:"body"`
			}
			if err := json.Unmarshal([]byte(line), &q); err != nil {
				t.Fatal(err)
			}
			result, err := json.Marshal(map[string]any{"custom_id": q.ID, "response": map[string]any{"status_code": 200, "body": complete(q.Body.Prompt)}})
			if err != nil {
				t.Fatal(err)
			}
			out.Write(append(result, '\n'))
		}
		files = append(files, filepath.Join(dir, fmt.Sprintf("results-%d.jsonl", n)))
		if err := os.WriteFile(files[n], out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
