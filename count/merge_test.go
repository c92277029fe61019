package count

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/token"
)

// What merging holds of a group is bounded by its different pairs, not by how many
// chunks there are.
func TestMergerHoldsDistinctPairs(t *testing.T) {
	const lefts, chunks = 100, 50
	m := newMerger(lefts, 2, 0, 0)
	m.begin()
	for chunk := range chunks {
		for l := token.ID(1); l <= lefts; l++ {
			m.entry(1, l, int64(l))
			if l == lefts && chunk%2 == 0 {
				m.entry(0, l, 1)
			}
		}
	}
	if n := cap(m.entries[1]); n > 4*lefts {
		t.Errorf("room for %d entries of %d left tokens", n, lefts)
	}
	m.close()
	// Without block 1, only the last left token is there, 25 times.
	got := m.sums.distance(1, []bool{true, true})
	if diff := cmp.Diff(info.Histogram{{Count: chunks / 2, Types: 1}}, got.Without[1].Counts().Joint); diff != "" {
		t.Errorf("without block 1 (-want +got):\n%s", diff)
	}
	if want := int64(chunks * lefts * (lefts + 1) / 2); got.Without[0].Counts().Pairs != want || got.Pairs != want+chunks/2 {
		t.Errorf("%d pairs, %d without block 0; want %d and %d", got.Pairs, got.Without[0].Counts().Pairs, want+chunks/2, want)
	}
}
