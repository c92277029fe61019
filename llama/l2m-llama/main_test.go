package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/llama"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/fetch"
	"github.com/l2m-lab/l2m/lm/pipe"
)

// The program of these tests is this test binary, which is the real one where
// this is set.
const realEnv = "L2M_TEST_REAL"

func TestMain(m *testing.M) {
	if os.Getenv(realEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// stories is the small trained model beside a checkout, where there is one.
func stories(t testing.TB) string {
	t.Helper()
	if err := llama.Load(""); err != nil {
		t.Skipf("%v; scripts/fetch-llama.sh gets it", err)
	}
	path, err := filepath.Abs("../../../shared/models/stories260K.gguf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("a trained model is needed: %v", err)
	}
	return path
}

// Every option reaches the model through the real program, zeros too.
func TestOptionsThroughTheProgram(t *testing.T) {
	path := stories(t)
	t.Setenv(realEnv, "yes")
	ask := func(o pipe.Options) (pipe.Info, []float32, error) {
		c, err := pipe.Start(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		o.Path, o.Threads = path, 1
		info, err := c.Open(context.Background(), o)
		if err != nil {
			return info, nil, err
		}
		ids, err := c.Tokenize(context.Background(), "Once upon a time")
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.LogProbs(context.Background(), ids, []pipe.Branch{{At: 1, Tokens: ids}})
		return info, s.Along, err
	}
	plain, usual, err := ask(pipe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if plain.BOS != 1 || plain.BOSText != "<s>" || plain.FileType != "F32" || plain.Name != "stories260K" || plain.Context != 512 {
		t.Errorf("info %+v", plain)
	}
	// sha256sum stories260K.gguf
	if want := "sha256:"; !strings.HasPrefix(plain.FileHash, want) || len(plain.FileHash) != len(want)+64 {
		t.Errorf("hash %q", plain.FileHash)
	}
	for choice, want := range map[lm.BOSChoice]int32{"0": 0, "</s>": 2, "none": -1, "1": 1} {
		info, nats, err := ask(pipe.Options{BOS: choice})
		if err != nil || info.BOS != want {
			t.Errorf("--bos %s: BOS %d, %v; want %d", choice, info.BOS, err, want)
			continue
		}
		if same := math.Abs(float64(nats[0]-usual[0])) < 1e-6; same != (want == 1) || (info.Fingerprint == plain.Fingerprint) != (want == 1) {
			t.Errorf("--bos %s: first token %g, by default %g", choice, nats[0], usual[0])
		}
	}
	for name, o := range map[string]pipe.Options{"keys": {KeyType: "f32"}, "values": {ValueType: "f32"}} {
		if info, _, err := ask(o); err != nil || info.Fingerprint == plain.Fingerprint {
			t.Errorf("%s of another type: the same model, or %v", name, err)
		}
	}
	if info, _, err := ask(pipe.Options{Context: 77, Batch: 3, Sequences: 2, GPULayers: -1, FlashAttn: "off"}); err != nil || info.Context != 77 || info.Fingerprint != plain.Fingerprint {
		t.Errorf("context %d, %v", info.Context, err)
	}
	for want, o := range map[string]pipe.Options{
		"unknown type":       {KeyType: "f8"},
		"on or off":          {FlashAttn: "maybe"},
		"must not be neg":    {Batch: -1},
		"no special token":   {BOS: "<|nothing|>"},
		"vocabulary of 512":  {BOS: "512"},
		"of llama.cpp was n": {LibraryDir: t.TempDir()},
		"are more than":      {Sequences: 1000},
	} {
		if _, _, err := ask(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want …%s…", o, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	path := stories(t)
	t.Setenv(realEnv, "yes")
	out, err := exec.Command(os.Args[0], "--check", path, "--bos", "0", "--kv-type", "f32,q4_0", "--threads", "1", "--batch", "16", "--sequences", "2",
		"--flash-attention", "on", "--gpu-layers", "-1", "--max-context", "32").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "q4_0") && !strings.Contains(string(out), "llama.cpp") {
		// Rows of 8 values are no whole block of q4_0: llama.cpp refuses them.
		t.Errorf("a type that does not fit: %v\n%s", err, out)
	}
	out, err = exec.Command(os.Args[0], "check", "--bos", "0", path, "--kv-type", "f32", "--threads", "1").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "before every sequence: 0 <unk> (as requested)") || !strings.Contains(string(out), "nats each") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The fetched model gives what a few lines of NumPy compute from the same weights in 32 bits,
// apart from what llama.cpp rounds to 8 bits.
func TestFetchedModel(t *testing.T) {
	if err := llama.Load(""); err != nil {
		t.Skipf("%v; scripts/fetch-llama.sh gets it", err)
	}
	cache, err := fetch.Cache()
	if err != nil {
		t.Fatal(err)
	}
	model, ok := fetch.Find("smollm2")
	if !ok || !model.Present(cache) {
		t.Skip("l2m model fetch smollm2 gets the model")
	}
	t.Setenv(realEnv, "yes")
	for bos, want := range map[string]float64{"<|endoftext|>": 2.456, "<|im_start|>": 2.951} {
		out, err := exec.Command(os.Args[0], "check", model.Path(cache), "--bos", bos).CombinedOutput()
		_, after, _ := strings.Cut(string(out), " has 14 tokens of ")
		nats, _ := strconv.ParseFloat(strings.TrimSuffix(strings.SplitN(after, "\n", 2)[0], " nats each"), 64)
		if err != nil || math.Abs(nats-want) > 0.1 {
			t.Errorf("after %s: %.2f nats a token, NumPy %.3f; %v\n%s", bos, nats, want, err, out)
		}
	}
}

// What a check suggests can be done as it says, and measured with.
func TestQuantize(t *testing.T) {
	model := filepath.Join(t.TempDir(), "stories.f32.gguf")
	b, err := os.ReadFile(stories(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(model, b, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv(realEnv, "yes")
	program := func(args ...string) string {
		out, err := exec.Command(os.Args[0], args...).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out, want := program("check", model), "l2m-llama quantize "+model; !strings.Contains(out, want) {
		t.Errorf("check says\n%s, not %s", out, want)
	}
	made := filepath.Join(filepath.Dir(model), "stories.Q8_0.gguf")
	if out := program("quantize", model); !strings.HasPrefix(out, made+" (") || !strings.Contains(out, "times the") || !strings.Contains(out, "nats") {
		t.Errorf("quantize says\n%s", out)
	}
	if out := program("check", made); strings.Contains(out, "quantize") {
		t.Errorf("check of what was made says\n%s", out)
	}
	out, err := exec.Command(os.Args[0], "quantize", made).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "of type Q8_0 already") {
		t.Errorf("once more: %v\n%s", err, out)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"measure"}, "unknown command"},
		{[]string{"check"}, "name the model"},
		{[]string{"check", "a.gguf", "b.gguf"}, "a.gguf and b.gguf are two models"},
		{[]string{"check", "a.gguf", "--threads", "two"}, `"two" is not a whole number`},
		{[]string{"check", "a.gguf", "--bos", "-1"}, "not the id of a token"},
		{[]string{"check", "a.gguf", "--mood", "good"}, "not defined: -mood"},
		{[]string{"quantize"}, "name the model: l2m-llama quantize"},
	} {
		var bad usageError
		if err := run(c.args, nil, nil); !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want …%s…", c.args, err, c.want)
		}
	}
	var out bytes.Buffer
	if err := run([]string{"help"}, nil, &out); err != nil || !strings.Contains(out.String(), "-kv-type") {
		t.Errorf("help: %v\n%s", err, out.String())
	}
}

// What opens no model is answered in words.
func TestServeRefuses(t *testing.T) {
	var out bytes.Buffer
	if err := run(nil, strings.NewReader(`{"id":7,"open":{"path":"none.gguf"}}`), &out); err != nil {
		t.Fatal(err)
	}
	line, err := out.ReadString('\n')
	if err != nil || line != pipe.Greeting+"\n" {
		t.Fatalf("%q, %v", line, err)
	}
	var a struct{ Error string }
	if err := json.NewDecoder(&out).Decode(&a); err != nil || a.Error != "opening none.gguf: no such file" {
		t.Errorf("%+v, %v", a, err)
	}
}
