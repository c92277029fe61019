package count

import (
	"cmp"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

// heavy is the count from which a pair is followed individually instead of in
// an array over counts. Few pairs can be heavy: at most one in heavy tokens.
const heavy = 4096

// tallyBytes is the memory of a tally.
const tallyBytes = 8 * heavy

// tally gathers a histogram: an array for the common small counts and a map for
// the rare large ones. Types may be taken away again.
type tally struct {
	small [heavy]int64
	large map[int64]int64
}

func (t *tally) add(count, types int64) {
	switch {
	case count <= 0:
	case count < heavy:
		t.small[count] += types
	default:
		if t.large == nil {
			t.large = map[int64]int64{}
		}
		t.large[count] += types
	}
}

func (t *tally) reset() {
	t.small = [heavy]int64{}
	clear(t.large)
}

func (t *tally) merge(o *tally) {
	for c, n := range o.small {
		t.small[c] += n
	}
	for c, n := range o.large {
		t.add(c, n)
	}
}

func (t *tally) histogram() info.Histogram {
	var h info.Histogram
	for c, n := range t.small {
		if n != 0 {
			h = append(h, info.Bin{Count: int64(c), Types: n})
		}
	}
	start := len(h)
	for c, n := range t.large {
		if n != 0 {
			h = append(h, info.Bin{Count: c, Types: n})
		}
	}
	slices.SortFunc(h[start:], func(a, b info.Bin) int { return cmp.Compare(a.Count, b.Count) })
	return h
}
