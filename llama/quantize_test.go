package llama

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Weights of another type give nearly the same log-probabilities, in a smaller file; and
// what cannot be written leaves no file behind.
func TestQuantize(t *testing.T) {
	needLibrary(t)
	path, _ := randomModel(t, "llama", medium)
	dir := t.TempDir()
	ids := randomTokens(rand.New(rand.NewPCG(3, 4)), 60)
	score := func(path string) []float32 {
		nats, _, err := open(t, Options{Path: path, Context: 64}).LogProbs(t.Context(), ids, nil)
		if err != nil {
			t.Fatal(err)
		}
		return nats
	}
	beside := filepath.Join(dir, "Q8_0.gguf.part")
	if err := os.WriteFile(beside, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	want, largest := score(path), map[string]float64{}
	for _, fileType := range []string{"Q8_0", "q4_0"} {
		to := filepath.Join(dir, fileType+".gguf")
		if err := Quantize(path, to, fileType, ""); err != nil {
			t.Fatal(err)
		}
		if got := open(t, Options{Path: to, Context: 64}).Info().FileType; got != strings.ToUpper(fileType) {
			t.Errorf("%s was written, and is of type %s", fileType, got)
		}
		for i, v := range score(to) {
			largest[fileType] = max(largest[fileType], math.Abs(float64(v-want[i])))
		}
	}
	// Q8_0 has steps of 1/127 of the largest weight of a block, Q4_0 of 1/8.
	if e, f := largest["Q8_0"], largest["q4_0"]; e == 0 || e > f/4 {
		t.Errorf("log-probabilities differ by up to %g nats in 8 bits, by up to %g in 4", e, f)
	}
	there := filepath.Join(dir, "there.gguf")
	if err := os.WriteFile(there, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken.gguf")
	if err := os.WriteFile(broken, []byte("GGUF no more"), 0o644); err != nil {
		t.Fatal(err)
	}
	free := filepath.Join(dir, "free.gguf")
	for want, c := range map[string][3]string{
		"exists already":     {path, there, "Q8_0"},
		"unknown type":       {path, free, "Q9"},
		"no such file":       {filepath.Join(dir, "none.gguf"), free, "Q8_0"},
		"llama.cpp cannot":   {broken, free, "Q8_0"},
		"llama.cpp cannot: ": {path, filepath.Join(dir, "no folder", "x.gguf"), "Q8_0"},
	} {
		if err := Quantize(c[0], c[1], c[2], ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want …%s…", c, err, want)
		}
	}
	for _, path := range []string{there, beside} {
		if b, err := os.ReadFile(path); err != nil || string(b) != "mine" {
			t.Errorf("%s, which was there, has changed: %q, %v", path, b, err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 5 || slices.Contains(left, free) {
		t.Errorf("left behind: %v", left)
	}
}
