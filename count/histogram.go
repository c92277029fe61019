package count

import (
	"cmp"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

// heavy is the count from which a pair is tracked individually instead of in an array
// over counts. Heavy pairs are rare: at most one in heavy tokens.
const heavy = 4096

// tallyBytes is the memory of a tally without its large counts, and binBytes that of
// each large count.
const (
	tallyBytes = 8 * heavy
	binBytes   = 16
)

// tally is a histogram under construction: an array for the frequent small counts, and
// the rare large ones. Types may be removed again.
type tally struct {
	small [heavy]int64
	large sparse
}

func (t *tally) add(count, types int64) {
	switch {
	case count <= 0:
	case count < heavy:
		t.small[count] += types
	default:
		t.large.add(count, types)
	}
}

func (t *tally) reset() {
	t.small = [heavy]int64{}
	t.large.reset()
}

func (t *tally) merge(o *tally) {
	for c, n := range o.small {
		t.small[c] += n
	}
	for _, b := range o.large.histogram() {
		t.add(b.Count, b.Types)
	}
}

func (t *tally) histogram() info.Histogram {
	var h info.Histogram
	for c, n := range t.small {
		if n != 0 {
			h = append(h, info.Bin{Count: int64(c), Types: n})
		}
	}
	return append(h, t.large.histogram()...)
}

// sparse is a histogram, or a change of one, with few counts. It takes less memory than
// a map.
type sparse struct {
	bins  info.Histogram
	fresh []info.Bin // in any order, not yet in bins
}

// fewFresh is the number of bins at which fresh ones are added.
const fewFresh = 64

func (s *sparse) add(count, types int64) {
	s.fresh = append(s.fresh, info.Bin{Count: count, Types: types})
	if len(s.fresh) >= max(fewFresh, len(s.bins)/2) {
		s.settle()
	}
}

func (s *sparse) reset() { s.bins, s.fresh = s.bins[:0], s.fresh[:0] }

func (s *sparse) clone() sparse {
	return sparse{slices.Clone(s.bins), slices.Clone(s.fresh)}
}

// histogram returns the bins, valid until another method is called.
func (s *sparse) histogram() info.Histogram {
	s.settle()
	return s.bins
}

// settle adds the fresh bins.
func (s *sparse) settle() {
	if len(s.fresh) == 0 {
		return
	}
	slices.SortFunc(s.fresh, func(a, b info.Bin) int { return cmp.Compare(a.Count, b.Count) })
	// From the largest to the smallest, to work in place.
	i, j := len(s.bins)-1, len(s.fresh)-1
	s.bins = slices.Grow(s.bins, len(s.fresh))[:len(s.bins)+len(s.fresh)]
	for k := len(s.bins) - 1; j >= 0; k-- {
		if i >= 0 && s.bins[i].Count > s.fresh[j].Count {
			s.bins[k] = s.bins[i]
			i--
		} else {
			s.bins[k] = s.fresh[j]
			j--
		}
	}
	n := 0 // finished bins
	for _, b := range s.bins {
		switch {
		case n > 0 && s.bins[n-1].Count == b.Count:
			s.bins[n-1].Types += b.Types
		default:
			if n > 0 && s.bins[n-1].Types == 0 {
				n--
			}
			s.bins[n] = b
			n++
		}
	}
	if n > 0 && s.bins[n-1].Types == 0 {
		n--
	}
	s.bins, s.fresh = s.bins[:n], s.fresh[:0]
}
