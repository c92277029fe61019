package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The loop of docs/pytorch.md, run on a small module, makes a file that l2m measures;
// L2M_TORCH names a Python that has torch and numpy.
func TestPyTorchLoop(t *testing.T) {
	python := os.Getenv("L2M_TORCH")
	if python == "" {
		t.Skip("L2M_TORCH names no Python with torch")
	}
	page, err := os.ReadFile("../../docs/pytorch.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```python\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 3 {
		t.Fatalf("docs/pytorch.md has %d blocks: the loop, its use with Transformers, and for passes", len(blocks))
	}
	// A module whose logits depend on the last two tokens, on sequences in which each
	// token is one of two successors of the one before: it gains from the past.
	const use = `
class Pairs(torch.nn.Module):
    def forward(self, x):
        return 4.0 * torch.nn.functional.one_hot((x + 1) % 16, 16) + 4.0 * torch.nn.functional.one_hot((x + 2) % 16, 16)

rng = np.random.default_rng(1)
windows = (rng.integers(0, 16, (40, 1)) + np.cumsum(rng.integers(1, 3, (40, 64)), 1)) % 16
score(Pairs(), windows, np.arange(40) // 2, bos=0)
row = torch.tensor([0, *windows[3]])
want = torch.log_softmax(Pairs()(row[None])[0, :-1], -1)[torch.arange(64), row[1:]]
a = np.load("scores.npz")
assert np.allclose(a["logprobs"][3], want, atol=1e-6) and a["marginal_8"].shape == (40, 24), a["marginal_8"].shape

class Flat(torch.nn.Module):  # a vocabulary as large as that of the plan
    def forward(self, x):
        return torch.zeros(*x.shape, 1000)

model = Flat()
`
	dir := t.TempDir()
	l2m := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command(os.Args[0], args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), mainEnv+"=1")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("l2m %s: %v\n%s", args, err, out)
		}
		return out
	}
	vocabulary, err := filepath.Abs("../../token/vocabulary/testdata/gpt2.json")
	if err != nil {
		t.Fatal(err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	books := filepath.Join(strings.TrimSpace(string(root)), "src", "strings")
	l2m("plan", books, "--model", "flat", "--tokenizer", vocabulary, "--bos", "256", "--npz", "--length", "32", "--windows", "20", "--draws", "50", "--out", "planned")
	script := filepath.Join(dir, "loop.py")
	if err := os.WriteFile(script, slices.Concat(blocks[0][1], []byte(use), blocks[2][1]), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	results, err := filepath.Glob(filepath.Join(dir, "results-*.npz"))
	if err != nil {
		t.Fatal(err)
	}
	l2m(append([]string{"ingest", "planned"}, results...)...)
	out := l2m("measure", "--logprobs", "scores.npz", "--out", "run", "--draws", "50", "--json")
	var r struct {
		Series []struct {
			Estimator string
			Points    []struct{ Nats float64 }
		}
		Windows struct{ Documents int }
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	if r.Windows.Documents != 20 || len(r.Series) == 0 || r.Series[0].Estimator != "paired" || !(r.Series[0].Points[0].Nats > 0.5) {
		t.Errorf("%+v", r)
	}
}
