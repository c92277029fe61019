package check_test

import (
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/l2m-lab/l2m/check"
)

func pieces(texts ...[]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, text := range texts {
			if !yield(text, nil) {
				return
			}
		}
	}
}

// TestSketch: a sketch finds the share that the whole training text finds, and
// survives being written.
func TestSketch(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	text := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.IntN(64))
		}
		return b
	}
	for _, size := range []int{100_000, 4_000_000} { // the whole text, and a part of its shingles
		training := text(size)
		windows := slices.Values([][]byte{text(size / 4), training[size/2 : size/2+size/4]})
		want, err := check.Copied(pieces(training), windows)
		if err != nil {
			t.Fatal(err)
		}
		s, err := check.NewSketch(pieces(training))
		if err != nil {
			t.Fatal(err)
		}
		if s, err = check.ParseSketch(s.Bytes()); err != nil {
			t.Fatal(err)
		}
		// A binomial share of at least 16,000 · 32,768/125,000 / 4 shingles.
		if got := check.CopiedFrom(s, windows); math.Abs(got-want) > 0.05 || size == 100_000 && got != want {
			t.Errorf("of %d bytes: %g, want %g", size, got, want)
		}
	}
	for _, damaged := range [][]byte{{1}, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}} {
		if _, err := check.ParseSketch(damaged); err == nil {
			t.Errorf("%v was read", damaged)
		}
	}
	if s, err := check.ParseSketch(nil); err != nil || check.CopiedFrom(s, slices.Values([][]byte{text(1000)})) != 0 {
		t.Errorf("without a sketch: %v", err)
	}
}
