package predictor

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// letters writes documents of independent letters, uniform over the given ones.
func letters(t *testing.T, alphabet string, documents, size int) string {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, uint64(len(alphabet))))
	for i := range documents {
		text := make([]byte, size)
		for j := range text {
			text[j] = alphabet[rng.IntN(len(alphabet))]
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.txt", i)), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Trained on independent letters, the predictor comes near their entropy and not
// below it; untrained, it does worse.
func TestEntropyOfIndependentLetters(t *testing.T) {
	dir := letters(t, "acgt", 12, 6000)
	file := filepath.Join(t.TempDir(), "letters.bytemix")
	o := Options{Paths: []string{dir}, File: file, Seed: 1, Length: 512, MaxWindows: 24}
	trained, err := Train(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if trained.TrainedBytes != 12*6000 {
		t.Errorf("trained on %d bytes, there are %d", trained.TrainedBytes, 12*6000)
	}
	o.Paths = []string{letters(t, "tgca", 12, 6000)}
	got, err := Evaluate(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got.Documents != 12 || got.Windows != 24 || got.Length != 512 || got.Tokens != "bytes" {
		t.Errorf("evaluated %+v", got)
	}
	// Letters of equal chance have ln 4 nats each, whatever came before; the loss of
	// any model is above that but for chance, and of this one by little.
	loss, entropy := float64(got.Loss.Mean), math.Log(4)
	if se := 3 * float64(got.Loss.SE); loss < entropy-se || loss > 1.03*entropy+se {
		t.Errorf("%.4f nats a letter, their entropy is %.4f", loss, entropy)
	}
	if math.Abs(float64(got.BitsPerSymbol)-loss/math.Ln2) > 1e-12 {
		t.Errorf("%v bits are %v nats", got.BitsPerSymbol, got.Loss.Mean)
	}
	o.File = "bytemix:universal"
	untrained, err := Evaluate(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if untrained.Loss.Mean <= got.Loss.Mean {
		t.Errorf("untrained %.4f nats, trained %.4f", untrained.Loss.Mean, got.Loss.Mean)
	}
}

// The same text and seed give the same file, on any number of cores; another file
// that is no model is never replaced.
func TestTrainWritesTheSameFile(t *testing.T) {
	o := Options{Paths: []string{letters(t, "ab", 3, 2000)}, Seed: 1}
	dir := t.TempDir()
	var files [2][]byte
	for i := range files {
		o.File, o.Workers = filepath.Join(dir, fmt.Sprint(i)), 1+i
		if _, err := Train(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		var err error
		if files[i], err = os.ReadFile(o.File); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("two cores train another model than one")
	}
	o.File = filepath.Join(dir, "notes")
	if err := os.WriteFile(o.File, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Train(t.Context(), o); err == nil {
		t.Error("a foreign file was replaced")
	}
	if got, _ := os.ReadFile(o.File); string(got) != "mine" {
		t.Errorf("the foreign file holds %q", got)
	}
}

func TestMistakes(t *testing.T) {
	dir := letters(t, "ab", 2, 300)
	for want, o := range map[string]Options{
		"name files or folders": {File: "m"},
		"no model file":         {Paths: []string{dir}},
		"not be negative":       {Paths: []string{dir}, File: "m", Length: -1},
		"unknown model":         {Paths: []string{dir}, File: filepath.Join(dir, "missing")},
		"l2m model train":       {Paths: []string{dir}, File: "bytemix"},
	} {
		if _, err := Evaluate(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one that says %q", o, err, want)
		}
	}
}
