package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	loop := regexp.MustCompile("(?s)```python\n(.*?)```").FindSubmatch(page)
	if loop == nil {
		t.Fatal("docs/pytorch.md has no loop")
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
`
	dir := t.TempDir()
	script := filepath.Join(dir, "loop.py")
	if err := os.WriteFile(script, append(loop[1], use...), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd = exec.Command(os.Args[0], "measure", "--logprobs", "scores.npz", "--out", "run", "--draws", "50", "--json")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), mainEnv+"=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
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
