package bytemix

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// letters reads a FASTA file of the shared data as symbols of an alphabet.
func letters(t *testing.T, name string, a Alphabet) []byte {
	t.Helper()
	path := filepath.Join("../../../shared/data", name)
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("%v: this comparison needs the shared data", err)
	}
	defer f.Close()
	d, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	text, err := io.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for line := range bytes.Lines(text) {
		if line[0] == '>' {
			continue
		}
		for _, c := range line {
			if i := bytes.IndexByte([]byte("ACGT"), c); a == DNA && i >= 0 {
				out = append(out, byte(i))
			} else if a == Protein && 'A' <= c && c <= 'Z' {
				out = append(out, c-'A')
			}
		}
	}
	return out
}

// countBits is the cost of text in bits per symbol by counts in contexts of
// the last k symbols, each of the letters in use having been seen alpha times
// before: the models of which GeCo (Pratas et al., 2016) is a mixture.
func countBits(text []byte, size, k int, alpha float64) float64 {
	used := map[byte]bool{}
	for _, c := range text {
		used[c] = true
	}
	contexts := 1
	for range k {
		contexts *= size
	}
	n := make([]uint32, contexts*size)
	total := make([]uint32, contexts)
	bits, at := 0.0, 0
	for _, c := range text {
		i := at*size + int(c)
		bits -= math.Log2((float64(n[i]) + alpha) / (float64(total[at]) + alpha*float64(len(used))))
		n[i]++
		total[at]++
		at = i % contexts
	}
	return bits / float64(len(text))
}

// The predictors of DNA and protein beat every context-counting model by a
// good deal, on whole files and from nothing.
func TestLettersAgainstContextCounts(t *testing.T) {
	if os.Getenv("L2M_LONG") == "" {
		t.Skip("takes half a minute: set L2M_LONG=1")
	}
	for _, c := range []struct {
		file    string
		a       Alphabet
		longest int
		margin  float64
	}{
		{"dna/ecoli-k12-mg1655.fa.zst", DNA, 13, 0.02},
		{"dna/celegans-1pct.fa.zst", DNA, 12, 0.02},
		{"dna/blochmannia-floridanus.fa.zst", DNA, 12, 0.005},
		{"dna/phage-lambda.fa.zst", DNA, 8, 0.005},
		{"protein/yeast-proteome.fa.zst", Protein, 3, 0.02},
		{"protein/ecoli-k12-proteome.fa.zst", Protein, 3, 0.01},
	} {
		t.Run(c.file, func(t *testing.T) {
			text := letters(t, c.file, c.a)
			best, order, prior := math.Inf(1), 0, 0.0
			for k := range c.longest + 1 {
				for _, alpha := range []float64{1, 1.0 / 16} {
					if b := countBits(text, c.a.Size(), k, alpha); b < best {
						best, order, prior = b, k, alpha
					}
				}
			}
			m, err := New(Options{Alphabet: c.a, TableBits: 23, Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			s, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: ids(text)})
			if err != nil {
				t.Fatal(err)
			}
			ours := -sum(s.Tokens) / math.Ln2 / float64(len(text))
			t.Logf("%-36s %7d symbols: %.4f bits, the best counts (order %d, prior %.4g) %.4f", c.file, len(text), ours, order, prior, best)
			if ours > best-c.margin {
				t.Errorf("%s: %.4f bits per symbol, context counts reach %.4f", c.file, ours, best)
			}
		})
	}
}
