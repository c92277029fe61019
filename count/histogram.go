package count

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Bin says that Types distinct things were seen exactly Count times each.
type Bin struct {
	Count int64
	Types int64
}

// MarshalJSON writes the bin as [count, types].
func (b Bin) MarshalJSON() ([]byte, error) { return json.Marshal([2]int64{b.Count, b.Types}) }

// UnmarshalJSON reads [count, types], both positive.
func (b *Bin) UnmarshalJSON(data []byte) error {
	var pair []int64
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 || pair[0] <= 0 || pair[1] <= 0 {
		return fmt.Errorf("histogram bin %s is not [count, types] with both positive", data)
	}
	b.Count, b.Types = pair[0], pair[1]
	return nil
}

// Histogram is a histogram of counts: bins of ascending Count, without empty
// ones.
type Histogram []Bin

// HistogramOf returns the histogram of counts; zeros are left out.
func HistogramOf(counts []int64) Histogram {
	var t tally
	for _, c := range counts {
		t.add(c, 1)
	}
	return t.histogram()
}

// Total is the number of things counted, Σ Count·Types.
func (h Histogram) Total() int64 {
	var n int64
	for _, b := range h {
		n += b.Count * b.Types
	}
	return n
}

// Types is the number of distinct things, Σ Types.
func (h Histogram) Types() int64 {
	var n int64
	for _, b := range h {
		n += b.Types
	}
	return n
}

// Singletons is the number of things seen exactly once.
func (h Histogram) Singletons() int64 {
	if len(h) > 0 && h[0].Count == 1 {
		return h[0].Types
	}
	return 0
}

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

func (t *tally) histogram() Histogram {
	var h Histogram
	for c, n := range t.small {
		if n != 0 {
			h = append(h, Bin{Count: int64(c), Types: n})
		}
	}
	start := len(h)
	for c, n := range t.large {
		if n != 0 {
			h = append(h, Bin{Count: c, Types: n})
		}
	}
	slices.SortFunc(h[start:], func(a, b Bin) int { return cmp.Compare(a.Count, b.Count) })
	return h
}
