package count

import (
	"math"
	"testing"
)

// Documents are left out where there are enough of them, runs of tokens where
// not; nothing where nothing is to be left out.
func TestDivide(t *testing.T) {
	alike := func(n int) (s Sizes) {
		for range n {
			s.Add(1000)
		}
		return s
	}
	for _, c := range []struct{ documents, blocks, wantBlocks, wantTokens int }{
		{1, 16, 16, 100}, {15, 3, 3, 100}, {16, 16, 16, 0}, {16, 3, 3, 0}, {40, 100, 40, 0}, {15, 0, 0, 0}, {40, 0, 0, 0},
	} {
		o := Options{Blocks: c.blocks, BlockTokens: 100}.Divide(alike(c.documents))
		if o.Blocks != c.wantBlocks || o.BlockTokens != c.wantTokens {
			t.Errorf("%d documents, %d blocks: %d blocks of %d tokens, want %d of %d", c.documents, c.blocks, o.Blocks, o.BlockTokens, c.wantBlocks, c.wantTokens)
		}
	}
	// One document of nearly all the text is one document.
	s := alike(40)
	if s.Effective() != 40 {
		t.Errorf("40 documents that are alike count for %g", s.Effective())
	}
	s.Add(10_000_000)
	if o := (Options{Blocks: 16, BlockTokens: 100}).Divide(s); s.Effective() > 1.1 || o.BlockTokens != 100 {
		t.Errorf("one document in 41 counts for %g; left out are %d blocks of %d tokens", s.Effective(), o.Blocks, o.BlockTokens)
	}
}

// A sample has its share of the documents, others under another seed, and grows
// with the share; 0 and 1 are all of them.
func TestSampled(t *testing.T) {
	const n, share = 10_000, 0.3
	some, other, both := 0, 0, 0
	for doc := range n {
		a, b := Options{Sample: share, Seed: 1}.Sampled(doc), Options{Sample: share, Seed: 2}.Sampled(doc)
		if a {
			some++
		}
		if b {
			other++
		}
		if a && b {
			both++
		}
		if a && !(Options{Sample: 0.31, Seed: 1}).Sampled(doc) {
			t.Errorf("document %d is in the smaller sample only", doc)
		}
		if !(Options{}).Sampled(doc) || !(Options{Sample: 1}).Sampled(doc) {
			t.Fatalf("document %d is not among all", doc)
		}
	}
	for _, c := range []struct {
		got  int
		want float64
	}{{some, share}, {other, share}, {both, share * share}} {
		// Five standard deviations of a binomial number.
		if d := math.Abs(float64(c.got) - n*c.want); d > 5*math.Sqrt(n*c.want*(1-c.want)) {
			t.Errorf("%d documents, want about %g", c.got, n*c.want)
		}
	}
}
