package count

import (
	"cmp"
	"slices"
)

// index holds the positions of every token of a chunk, sorted by token and,
// within a token, by block. It serves all distances.
type index struct {
	starts   []uint32  // by rank: pos[starts[r]:starts[r+1]] are r's positions
	pos      []uint32  // positions in the chunk
	reach    []uint8   // how many of the distances reach back to a token of the same document
	block    []uint8   // block of the position; nil without blocks
	segments []segment // by block
	used     []bool    // by block: has any token, in this or an earlier chunk
}

// build sorts the positions of the new tokens of ch, whose ranks are 1..seen.
// The previous contents are overwritten.
func (x *index) build(ch *chunk, seen int, o Options) {
	n := int(ch.newTokens())
	x.starts = sized(x.starts, seen+2)
	x.pos = sized(x.pos, n)
	x.reach = sized(x.reach, n)
	if o.Blocks > 0 {
		x.block = sized(x.block, n)
	}
	x.segments = append(x.segments[:0], ch.segments...)
	slices.SortStableFunc(x.segments, func(a, b segment) int { return cmp.Compare(a.block, b.block) })
	if x.used == nil {
		x.used = make([]bool, max(1, o.Blocks))
	}
	for _, s := range x.segments {
		x.used[s.block] = true
	}

	// A counting sort. Slices of the text are sorted side by side: slice i puts
	// its positions of a token behind those of the slices before it.
	slices := share(x.segments, n, min(o.Workers, 1+n/(4*(seen+1))))
	next := make([][]uint32, len(slices))
	each(o.Workers, len(slices), func(_, i int) {
		count := make([]uint32, seen+1)
		for _, s := range slices[i] {
			for _, t := range ch.tokens[s.lo:s.hi] {
				count[t]++
			}
		}
		next[i] = count
	})
	var at uint32
	for r := range seen + 1 {
		x.starts[r] = at
		for i := range next {
			next[i][r], at = at, at+next[i][r]
		}
	}
	x.starts[seen+1] = at
	each(o.Workers, len(slices), func(_, i int) { x.place(ch, slices[i], next[i], o.Distances) })
}

// place writes the positions of some segments, next being where each token's
// next position goes.
func (x *index) place(ch *chunk, segments []segment, next []uint32, distances []int) {
	pos, reach, block := x.pos, x.reach, x.block
	for _, s := range segments {
		k := 0
		for p := s.lo; p < s.hi; p++ {
			for k < len(distances) && distances[k] <= p-s.from {
				k++
			}
			t := ch.tokens[p]
			at := next[t]
			next[t] = at + 1
			pos[at] = uint32(p)
			reach[at] = uint8(k)
			if block != nil {
				block[at] = uint8(s.block)
			}
		}
	}
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

// sized returns a slice of n elements of any value, s's own memory if it is
// large enough.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
