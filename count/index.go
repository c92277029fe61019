package count

import (
	"cmp"
	"slices"

	"github.com/l2m-lab/l2m/token"
)

// index is the order of the left tokens of a chunk's pairs, sorted by right token and,
// within a right token, by block. It is the same for all distances, so it is computed
// once.
//
// Sorting takes two steps, because random writes to a large array cost a cache miss per
// token: first every left token goes to the range of its right token, in text order,
// which writes to a few streams; then, range by range, to its slot, within the cache.
type index struct {
	bounds   []int       // ranges of ranks: bounds[i] ≤ rank < bounds[i+1]
	starts   []uint32    // by rank: the first slot of a right token's group
	part     []uint8     // by position in the chunk: the range of the token there
	slot     []uint32    // by place within the ranges: slot, from the start of the range
	block    []uint8     // by slot: the block of the right token; nil without blocks
	lefts    []token.ID  // by place within the ranges: left tokens at the current distance; 0: none, or a gap
	segments []segment   // by block
	slices   [][]segment // the segments cut into equal parts, for the workers
	places   [][]uint32  // by slice and range: the first place
	used     []bool      // by block: has any token, in this or an earlier chunk
}

// indexBytes is the memory of an index per token.
const indexBytes = 1 + 4 + 1 + 4

// build finds the order of the new tokens of ch, whose ranks are 1..seen, 0 for a
// gap. The previous contents are overwritten.
func (x *index) build(ch *chunk, seen int, o Options) {
	n := int(ch.newTokens())
	x.starts = sized(x.starts, seen+2)
	if n < cap(x.slot)-cap(x.slot)/8 { // free the old array when chunks have become smaller
		x.part, x.slot, x.lefts, x.block = nil, nil, nil, nil
	}
	x.part = sized(x.part, len(ch.tokens))
	x.slot = sized(x.slot, n)
	x.lefts = sized(x.lefts, n)
	if o.Blocks > 0 {
		x.block = sized(x.block, n)
	}
	x.segments = append(x.segments[:0], ch.segments...)
	slices.SortStableFunc(x.segments, func(a, b segment) int { return cmp.Compare(a.block, b.block) })
	x.use(ch, o)
	x.slices = share(x.segments, n, min(o.Workers, 1+n/(4*(seen+1))))

	// next[i][r] is the slot of slice i's next token of rank r, after those of the
	// slices before i.
	next := make([][]uint32, len(x.slices))
	each(o.Workers, len(x.slices), func(_, i int) {
		count := make([]uint32, seen+1)
		for _, s := range x.slices[i] {
			for _, t := range ch.tokens[s.lo:s.hi] {
				count[t]++
			}
		}
		next[i] = count
	})
	x.places = make([][]uint32, len(x.slices))
	for i := range x.places {
		x.places[i] = make([]uint32, len(x.bounds)-1)
	}
	rangeOf := make([]uint8, seen+1)
	var at uint32
	part := 0
	for r := range seen + 1 {
		for r >= x.bounds[part+1] {
			part++
		}
		rangeOf[r] = uint8(part)
		x.starts[r] = at
		for i := range next {
			x.places[i][part] += next[i][r]
			next[i][r], at = at, at+next[i][r]
		}
	}
	x.starts[seen+1] = at
	at = 0
	for part := range len(x.bounds) - 1 {
		for i := range x.places {
			x.places[i][part], at = at, at+x.places[i][part]
		}
	}
	each(o.Workers, len(x.slices), func(_, i int) { x.place(ch, i, next[i], rangeOf) })
}

// use records which blocks have tokens.
func (x *index) use(ch *chunk, o Options) {
	if x.used == nil {
		x.used = make([]bool, max(1, o.Blocks))
	}
	for _, s := range ch.segments {
		x.used[s.block] = true
	}
}

// place finds the slots of slice i.
func (x *index) place(ch *chunk, i int, next []uint32, rangeOf []uint8) {
	first := make([]uint32, len(x.bounds)-1)
	for part := range first {
		first[part], _ = x.span(part)
	}
	places := slices.Clone(x.places[i])
	for _, s := range x.slices[i] {
		for p := s.lo; p < s.hi; p++ {
			t := ch.tokens[p]
			part := rangeOf[t]
			slot := next[t]
			next[t] = slot + 1
			x.part[p] = part
			x.slot[places[part]] = slot - first[part]
			places[part]++
			if x.block != nil {
				x.block[slot] = uint8(s.block)
			}
		}
	}
}

// span returns the first slot of a range and its end, which are also positions in text
// order.
func (x *index) span(part int) (lo, hi uint32) {
	last := len(x.starts) - 1
	return x.starts[min(x.bounds[part], last)], x.starts[min(x.bounds[part+1], last)]
}

// scatter writes the left tokens at distance d of slice i to their ranges.
func (x *index) scatter(ch *chunk, i, d int) {
	places := slices.Clone(x.places[i])
	lefts := x.lefts
	for _, s := range x.slices[i] {
		lo := min(max(s.lo, s.from+d), s.hi) // no left token before
		for _, part := range x.part[s.lo:lo] {
			at := places[part]
			places[part] = at + 1
			lefts[at] = 0
		}
		if lo == s.hi {
			continue
		}
		parts := x.part[lo:s.hi]
		from := ch.tokens[lo-d : s.hi-d]
		from = from[:len(parts)]
		for j, part := range parts {
			at := places[part]
			places[part] = at + 1
			lefts[at] = from[j]
		}
	}
}

// sorted returns the left tokens of a range by slot, in buf unless they are in
// order already.
func (x *index) sorted(part int, buf []token.ID) (lefts, newBuf []token.ID) {
	lo, hi := x.span(part)
	lefts = x.lefts[lo:hi]
	from := x.bounds[part]
	if from == 0 && x.starts[1] == 0 {
		from = 1 // there are no gaps
	}
	if from+1 == x.bounds[part+1] {
		return lefts, buf // a single right token
	}
	buf = sized(buf, len(lefts))
	out := buf[:len(lefts)]
	slot := x.slot[lo:hi]
	slot = slot[:len(lefts)]
	for j, l := range lefts {
		out[slot[j]] = l
	}
	return out, buf
}

// share cuts segments of n tokens in all into parts of about equal size, in
// order.
func share(segments []segment, n, parts int) [][]segment {
	out := make([][]segment, 0, parts)
	var part []segment
	room := (n + parts - 1) / parts
	left := room
	for _, s := range segments {
		for s.hi-s.lo > left {
			head := s
			head.hi = s.lo + left
			part = append(part, head)
			out = append(out, part)
			s.lo, part, left = head.hi, nil, room
		}
		if s.hi > s.lo {
			part = append(part, s)
			left -= s.hi - s.lo
		}
	}
	return append(out, part)
}

// sized returns a slice of n elements with arbitrary values, in s's memory if large
// enough.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
