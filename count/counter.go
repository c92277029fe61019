package count

import (
	"math"

	"github.com/l2m-lab/l2m/token"
)

// bufferTokens is the number of left tokens gathered at a time. A group of at
// most this size is gathered once, a larger one anew for every pass over it.
const bufferTokens = 1 << 14

// counter is the state of one worker: the cells in which a group's left tokens
// are counted, and the histograms of its current piece of work.
type counter struct {
	// cells[l]-base is how often l was seen in the current group. Cells below
	// base are left over from earlier groups and mean 0, so that nothing needs
	// clearing between groups.
	cells []uint32
	base  uint32
	buf   []token.ID

	levels
	right  tally
	blocks []blockCounter // what leaving out each block changes
	work   int64          // positions visited

	// Of the current group: the cells that reached heavy, and its runs.
	heavies []heavyCell
	runs    []run
}

// levels is a histogram of counts on its way: reached[c] is the number of
// things that reached the count c, raised whenever one comes to c, so that
// reached[c] − reached[c+1] of them stopped there. large is the histogram of
// the counts from heavy on.
type levels struct {
	reached [heavy + 1]uint32
	large   map[int64]int64
}

// blockCounter is what leaving out a block takes away: reached[c] is the number
// of things that reach c no longer, large the change of the histogram.
type blockCounter struct {
	levels
	right tally
}

// heavyCell is a cell whose count is heavy or more.
type heavyCell struct {
	left  token.ID
	count uint32 // in the whole group
}

// run is the part of a group that lies in one block, lo:hi in the index, and
// how many pairs it has.
type run struct{ block, lo, hi, pairs int }

const levelsBytes = 4 * (heavy + 1)

// counterBytes is the memory of a counter without its cells.
func counterBytes(blocks int) int64 {
	return int64(4*bufferTokens + (blocks+1)*(levelsBytes+tallyBytes))
}

func newCounter(blocks int) *counter {
	return &counter{buf: make([]token.ID, bufferTokens), blocks: make([]blockCounter, blocks)}
}

// begin clears the histograms for the next piece of work, over ranks 1..seen.
func (c *counter) begin(seen int) {
	if len(c.cells) < seen+1 {
		c.cells, c.base = make([]uint32, seen+1), 1
	}
	c.levels, c.right, c.work = levels{large: map[int64]int64{}}, tally{}, 0
	for i := range c.blocks {
		c.blocks[i] = blockCounter{levels: levels{large: map[int64]int64{}}}
	}
}

// open makes room for a group of up to n positions.
func (c *counter) open(n int) {
	if int64(c.base)+int64(n) >= math.MaxUint32 {
		clear(c.cells)
		c.base = 1
	}
	c.heavies = c.heavies[:0]
}

// pairs counts the pairs at distance d, the k-th, whose right token has a rank
// from lo to below hi.
func (c *counter) pairs(x *index, ch *chunk, k, d, lo, hi int) {
	hi = min(hi, len(x.starts)-1)
	for r := lo; r < hi; r++ {
		from, to := int(x.starts[r]), int(x.starts[r+1])
		if from == to {
			continue
		}
		c.work += int64(to - from)
		c.open(to - from)
		n := 0
		if len(c.blocks) == 0 {
			for at := from; at < to; at += bufferTokens {
				lefts := c.gather(x, ch, k, d, at, min(at+bufferTokens, to))
				c.count(lefts)
				n += len(lefts)
			}
			c.weigh()
		} else {
			c.cut(x, from, to)
			n = c.group(func(r *run, pass func([]token.ID)) {
				for at := r.lo; at < r.hi; at += bufferTokens {
					pass(c.gather(x, ch, k, d, at, min(at+bufferTokens, r.hi)))
				}
			})
			for _, r := range c.runs {
				c.blocks[r.block].right.add(int64(n), -1)
				c.blocks[r.block].right.add(int64(n-r.pairs), 1)
			}
		}
		c.right.add(int64(n), 1)
		c.base += uint32(n)
	}
}

// cut divides the positions from:to of the index into runs of one block each.
func (c *counter) cut(x *index, from, to int) {
	c.runs = c.runs[:0]
	for at := from; at < to; {
		end := at + 1
		for end < to && x.block[end] == x.block[at] {
			end++
		}
		c.runs = append(c.runs, run{block: int(x.block[at]), lo: at, hi: end})
		at = end
	}
}

// group counts one group, whose runs visit presents as left tokens, and what
// leaving out each run changes. It returns the number of pairs.
func (c *counter) group(visit func(r *run, pass func([]token.ID))) int {
	n := 0
	for i := range c.runs {
		r := &c.runs[i]
		visit(r, func(lefts []token.ID) {
			c.count(lefts)
			r.pairs += len(lefts)
		})
		n += r.pairs
	}
	c.weigh()
	for i := range c.runs {
		r := &c.runs[i]
		if r.pairs == 0 {
			continue
		}
		b := &c.blocks[r.block]
		visit(r, func(lefts []token.ID) { c.drop(b, lefts) })
		for _, h := range c.heavies {
			if now := c.cells[h.left] - c.base; now != h.count {
				b.large[int64(h.count)]--
				if now >= heavy {
					b.large[int64(now)]++
				}
			}
		}
		visit(r, c.restore)
	}
	return n
}

// gather returns the left tokens at distance d of the positions lo:hi of the
// index, those that have one.
func (c *counter) gather(x *index, ch *chunk, k, d, lo, hi int) []token.ID {
	pos := x.pos[lo:hi]
	reach := x.reach[lo:hi]
	reach = reach[:len(pos)]
	buf := c.buf[:len(pos)]
	tokens := ch.tokens
	n := 0
	for i, p := range pos {
		at, has := p-uint32(d), 1
		if int(reach[i]) <= k {
			at, has = 0, 0
		}
		buf[n] = tokens[at]
		n += has
	}
	return buf[:n]
}

// count counts left tokens of the current group.
func (c *counter) count(lefts []token.ID) {
	cells, base := c.cells, c.base
	for _, l := range lefts {
		v := max(cells[l], base) + 1
		cells[l] = v
		if n := v - base; n < heavy {
			c.reached[n]++
		} else if n == heavy {
			c.reached[heavy]++
			c.heavies = append(c.heavies, heavyCell{left: l})
		}
	}
}

// weigh notes the heavy cells of a group that is counted.
func (c *counter) weigh() {
	for i := range c.heavies {
		h := &c.heavies[i]
		h.count = c.cells[h.left] - c.base
		c.large[int64(h.count)]++
	}
}

// drop takes left tokens of block b out of the current group.
func (c *counter) drop(b *blockCounter, lefts []token.ID) {
	cells, base := c.cells, c.base
	for _, l := range lefts {
		v := cells[l]
		cells[l] = v - 1
		if n := v - base; n <= heavy {
			b.reached[n]++
		}
	}
}

// restore puts dropped tokens back.
func (c *counter) restore(lefts []token.ID) {
	cells := c.cells
	for _, l := range lefts {
		cells[l]++
	}
}

// leftTokens counts the left tokens of all pairs at distance d as if they were
// one group.
func (c *counter) leftTokens(x *index, ch *chunk, d int) {
	c.open(2 * len(ch.tokens))
	if len(c.blocks) == 0 {
		c.leftEdges(x, ch, d)
		return
	}
	c.runs = c.runs[:0]
	for i, s := range x.segments {
		if n := len(c.runs); n > 0 && c.runs[n-1].block == s.block {
			c.runs[n-1].hi = i + 1
			continue
		}
		c.runs = append(c.runs, run{block: s.block, lo: i, hi: i + 1})
	}
	n := c.group(func(r *run, pass func([]token.ID)) {
		for _, s := range x.segments[r.lo:r.hi] {
			pass(ch.tokens[max(s.from, s.lo-d):max(s.from, s.lo-d, s.hi-d)])
		}
	})
	c.base += uint32(n)
}

// leftEdges is leftTokens without blocks. Most tokens are both left and right
// ends, so it starts from the counts of all tokens and corrects the edges of
// the segments.
func (c *counter) leftEdges(x *index, ch *chunk, d int) {
	cells, base := c.cells, c.base
	seen := len(x.starts) - 2
	for r := 1; r <= seen; r++ {
		cells[r] = base + x.starts[r+1] - x.starts[r]
	}
	for _, s := range x.segments {
		lo, hi := max(s.from, s.lo-d), max(s.from, s.lo-d, s.hi-d)
		for _, l := range ch.tokens[lo:min(hi, s.lo)] {
			cells[l]++
		}
		for _, l := range ch.tokens[max(hi, s.lo):s.hi] {
			cells[l]--
		}
	}
	for r := 1; r <= seen; r++ {
		switch n := cells[r] - base; {
		case n < heavy:
			c.reached[n]++
		default:
			c.reached[heavy]++
			c.large[int64(n)]++
		}
	}
	// These are numbers of things at each count; turn them into numbers that
	// reached it.
	for n := heavy - 1; n > 0; n-- {
		c.reached[n] += c.reached[n+1]
	}
	c.base += uint32(2 * len(ch.tokens))
}
