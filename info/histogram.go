package info

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

// Histogram is a histogram of counts: non-empty bins in ascending order of
// Count. Entropy estimators need no more of a table of counts, and it is far
// smaller.
type Histogram []Bin

// HistogramOf returns the histogram of a table of counts, ignoring zeros.
func HistogramOf(counts []int64) Histogram {
	types := map[int64]int64{}
	var small [256]int64 // most counts of most tables
	for _, n := range counts {
		if n >= 0 && n < int64(len(small)) {
			small[n]++
		} else {
			types[n]++
		}
	}
	for n, t := range small {
		if t != 0 {
			types[int64(n)] = t
		}
	}
	return NewHistogram(types)
}

// NewHistogram makes a histogram from types[count], ignoring zeros.
func NewHistogram(types map[int64]int64) Histogram {
	var h Histogram
	for n, t := range types {
		if n != 0 && t != 0 {
			h = append(h, Bin{n, t})
		}
	}
	slices.SortFunc(h, func(a, b Bin) int { return cmp.Compare(a.Count, b.Count) })
	return h
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
