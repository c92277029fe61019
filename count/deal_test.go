package count

import (
	"math"
	"testing"
)

// Documents are left out where there are enough of them, runs of tokens where
// not; nothing where nothing is to be left out.
func TestDivide(t *testing.T) {
	for _, c := range []struct{ documents, blocks, wantBlocks, wantTokens int }{
		{1, 16, 16, 100}, {15, 3, 3, 100}, {16, 16, 16, 0}, {16, 3, 3, 0}, {40, 100, 40, 0}, {15, 0, 0, 0}, {40, 0, 0, 0},
	} {
		o := Options{Blocks: c.blocks, BlockTokens: 100}.Divide(c.documents)
		if o.Blocks != c.wantBlocks || o.BlockTokens != c.wantTokens {
			t.Errorf("%d documents, %d blocks: %d blocks of %d tokens, want %d of %d", c.documents, c.blocks, o.Blocks, o.BlockTokens, c.wantBlocks, c.wantTokens)
		}
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
