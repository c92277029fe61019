package exact

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/process"
)

func TestTruth(t *testing.T) {
	r, err := Truth(t.Context(), TruthOptions{Process: "hierarchical:c=2", Length: 64, Frontier: 64})
	if err != nil {
		t.Fatal(err)
	}
	// ½ ln(9/5)·2² at L = 4³, local exponent ½ between powers of 4.
	last := r.Bipartite[len(r.Bipartite)-1]
	if last.Length != 64 || math.Abs(float64(last.Value)-2*math.Log(1.8)) > 1e-9 || math.Abs(last.Local-0.5) > 1e-9 {
		t.Errorf("%+v", last)
	}
	if f := r.Frontier; f.Fractions["99%"] != 4 || math.Abs(float64(f.States[2].Captured-last.Value)) > 1e-9 {
		t.Errorf("%+v", f)
	}
	if len(r.TwoPoint) != 0 || len(r.Notes) != 1 {
		t.Errorf("two-point %v, notes %v", r.TwoPoint, r.Notes)
	}
	if r, err = Truth(t.Context(), TruthOptions{Process: "hierarchical:c=2", Length: 4, Frontier: 64, Cut: 31, Memories: []process.Memory{{Shape: process.Window, Tokens: 31}}}); err != nil {
		t.Fatal(err)
	}
	if m := r.Memories; len(m) != 1 || r.Frontier.Ell != 31 || math.Abs(float64(m[0].Nats-r.Frontier.Information)) > 1e-9 {
		t.Errorf("all of the past as a window: %+v, the frontier %+v", m, r.Frontier)
	}
	for want, o := range map[string]TruthOptions{
		"not inside a window": {Process: "fgn", Frontier: 8, Cut: 8, Length: 4},
		"unknown process":     {Process: "x"}, "below 2": {Process: "iid", Ratio: 1}, "not between": {Process: "iid", Length: 1},
		"Gaussian processes of numbers only": {Process: "iid", Frontier: 8}, "at most 4096": {Process: "fgn", Frontier: 8192, Length: 4},
	} {
		if _, err := Truth(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}

func TestSampleProcess(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.npy")
	if err := Sample(t.Context(), SampleOptions{Process: "pacf", Out: path, Length: 3, Count: 2}); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || len(data) != 128+48 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	var out bytes.Buffer
	if err := Sample(t.Context(), SampleOptions{Process: "iid:symbols=1", Out: "-", Stdout: &out, Length: 4}); err != nil || out.String() != "aaaa\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := Sample(t.Context(), SampleOptions{Process: "iid", Out: filepath.Join(dir, "x.csv")}); err == nil || !strings.Contains(err.Error(), "does not say the format") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Sample(ctx, SampleOptions{Process: "iid", Out: filepath.Join(dir, "y.txt")}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "y.txt")); err == nil {
		t.Error("an unfinished file is there")
	}
}
