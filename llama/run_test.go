package llama

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The folder of the programs that tests run, which is built when the first needs it.
var programs struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if programs.dir != "" {
		os.RemoveAll(programs.dir)
	}
	os.Exit(code)
}

// build compiles l2m, which is another module, and l2m-llama beside it, once for
// all tests.
func build(t testing.TB) (l2m string) {
	t.Helper()
	programs.Do(func() {
		if programs.dir, programs.err = os.MkdirTemp("", "l2m-test"); programs.err != nil {
			return
		}
		for _, c := range [][]string{{"..", "./cmd/l2m"}, {".", "./l2m-llama"}} {
			cmd := exec.Command("go", "build", "-o", programs.dir+string(filepath.Separator), c[1])
			cmd.Dir = c[0]
			if out, err := cmd.CombinedOutput(); err != nil {
				programs.err = fmt.Errorf("%v: %w\n%s", cmd, err, out)
				return
			}
		}
	})
	if programs.err != nil {
		t.Fatal(programs.err)
	}
	return filepath.Join(programs.dir, "l2m")
}

// The whole way: l2m measures with a GGUF file, is killed, and continues to the
// same result; the recorded command alone names the other batch that it was
// continued with.
func TestMeasure(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	needLibrary(t)
	l2m := build(t)
	model, _ := randomModel(t, "llama", small)
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(strings.TrimSpace(string(root)), "src")
	dir := t.TempDir()
	run := func(out string, after time.Duration, more ...string) (string, error) {
		args := append([]string{"measure", filepath.Join(src, "strconv"),
			"--model", model, "--length", "64", "--windows", "16", "--draws", "20", "--threads", "1", "--figures", "svg", "-o", filepath.Join(dir, out)}, more...)
		cmd := exec.Command(l2m, args...)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if after > 0 {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
		err := cmd.Wait()
		return said.String(), err
	}
	begin := time.Now()
	said, err := run("whole", 0)
	if err != nil || !strings.Contains(said, "llama scores ") || !strings.Contains(said, "l2m-llama quantize "+model) {
		t.Fatalf("%v\n%s", err, said)
	}
	took := time.Since(begin)
	var result struct {
		Corpus struct{ Tokenizer string }
		Model  struct{ Bos, Name string }
		Series []struct{ Estimator string }
	}
	whole := read(t, filepath.Join(dir, "whole", "results.json"))
	if err := json.Unmarshal(whole, &result); err != nil {
		t.Fatal(err)
	}
	// Behind a BOS the corrected series leads where it differs from the raw one.
	if result.Corpus.Tokenizer != "tokens of llama" || result.Model.Bos != "prepended" || !strings.HasPrefix(result.Series[0].Estimator, "paired") {
		t.Errorf("results %+v", result)
	}
	for i := range 3 {
		run("killed", took*time.Duration(i+1)/5)
	}
	if said, err := run("killed", 0, "--batch", "512"); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	killed := read(t, filepath.Join(dir, "killed", "results.json"))
	const flag = " --batch 512"
	if bytes.Count(killed, []byte(flag)) != 1 || !bytes.Equal(bytes.Replace(killed, []byte(flag), nil, 1), whole) {
		t.Errorf("a killed and continued run has other results than its command with%s", flag)
	}
	// llama.cpp ends its process over a model whose rotary dimensions are odd; l2m
	// lives on to say so.
	odd, _ := randomModel(t, "gemma2", small)
	const dimensions = "rope.dimension_count\x04\x00\x00\x00"
	broken := bytes.Replace(read(t, odd), []byte(dimensions+"\x08"), []byte(dimensions+"\x07"), 1)
	if err := os.WriteFile(odd, broken, 0o644); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if said, err := run("odd", 0, "--model", odd); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(said, "GGML_ASSERT(n_dims % 2 == 0) failed") || strings.Count(said, "\n") > 3 {
		t.Errorf("a model that llama.cpp gives up on: %v\n%s", err, said)
	}
	// Another cache is another model.
	if said, err := run("killed", 0, "--kv-type", "f32"); err == nil || !strings.Contains(said, "model") {
		t.Errorf("continued with another type of cache: %v\n%s", err, said)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
