package count

import (
	"math"

	"github.com/l2m-lab/l2m/token"
)

// counter is the state of a worker: the cells in which a group's left tokens are
// counted, and the histograms of its current section.
type counter struct {
	// cells[l]-base is the count of l in the current group. Cells below base are left
	// over from earlier groups and mean 0, so that cells need not be cleared.
	cells []uint32
	base  uint32
	// gone[l]-goneBase is, in the same way, the count of l in the current run: the part
	// of a group that lies in one block.
	gone     []uint32
	goneBase uint32
	buf      []token.ID // left tokens of a range, sorted

	levels
	tokens tally          // of the right tokens by which pairs are grouped
	blocks []blockCounter // changes when each block is left out
	work   int64          // positions visited

	heavies []heavyCell  // the cells of the current group that reached heavy
	pieces  [][]token.ID // slices of left tokens

	touched []token.ID // the distinct left tokens of a group or a block

	// For spilling: the runs of a group, and records.
	runs    []run
	records []byte
}

// levels is a histogram under construction: reached[c] is the number of items that
// reached the count c, so that reached[c] − reached[c+1] stopped there. large is the
// histogram of counts from heavy on.
type levels struct {
	reached [heavy + 1]uint32
	large   sparse
}

// blockCounter is the change when a block is left out: reached[c] is the number of
// pairs that no longer reach c, large the change of the histogram, and tokens that of
// the right or left tokens.
type blockCounter struct {
	levels
	tokens tally
}

// heavyCell is a cell whose count is heavy or more.
type heavyCell struct {
	left  token.ID
	count uint32 // in the whole group
}

const levelsBytes = 4 * (heavy + 1)

// counterBytes is the memory of a counter without its cells.
func counterBytes(blocks int) int64 {
	return int64((blocks + 1) * (levelsBytes + tallyBytes))
}

func newCounter(blocks int) *counter {
	return &counter{blocks: make([]blockCounter, blocks)}
}

// begin clears the histograms for the next section, over ranks 1..seen.
func (c *counter) begin(seen int) {
	if len(c.cells) < seen+1 {
		n := seen + 1 + seen/8                     // some spare: the vocabulary may grow
		c.cells, c.gone, c.touched = nil, nil, nil // for the garbage collector
		c.cells, c.base = make([]uint32, n), 1
		if len(c.blocks) > 0 {
			c.gone, c.goneBase = make([]uint32, n), 1
		}
	}
	c.levels.reset()
	c.tokens.reset()
	for i := range c.blocks {
		c.blocks[i].levels.reset()
		c.blocks[i].tokens.reset()
	}
	c.work = 0
}

func (l *levels) reset() {
	l.reached = [heavy + 1]uint32{}
	l.large.reset()
}

// open prepares for a group of up to n positions.
func (c *counter) open(n int) {
	if int64(c.base)+int64(n) >= math.MaxUint32 {
		clear(c.cells)
		c.base = 1
	}
	if int64(c.goneBase)+int64(n) >= math.MaxUint32 {
		clear(c.gone)
		c.goneBase = 1
	}
	c.heavies = c.heavies[:0]
}

// pairs counts the pairs whose right token is in a range.
func (c *counter) pairs(x *index, part int) {
	var lefts []token.ID
	lefts, c.buf = x.sorted(part, c.buf)
	c.work = int64(len(lefts))
	first, _ := x.span(part)
	hi := min(x.bounds[part+1], len(x.starts)-1)
	for r := max(1, x.bounds[part]); r < hi; r++ {
		from, to := x.starts[r], x.starts[r+1]
		if from == to {
			continue
		}
		c.open(int(to - from))
		group := lefts[from-first : to-first]
		n := c.count(group)
		c.weigh()
		c.tokens.add(int64(n), 1)
		if len(c.blocks) > 0 {
			c.leaveOut(x.block[from:to], group, n)
		}
		c.base += uint32(n)
	}
}

// seen is the count of a cell in the current group, 0 if the cell is left over from
// another. It has no branch because the outcome is unpredictable.
func seen(cell, base uint32) uint32 {
	above := int64(cell) - int64(base)
	return uint32(above &^ (above >> 63))
}

// count counts left tokens of the current group and returns their number; 0 stands for
// none.
func (c *counter) count(lefts []token.ID) int {
	cells, base := c.cells, c.base
	none := 0
	for _, l := range lefts {
		if l == 0 {
			none++
			continue
		}
		n := seen(cells[l], base) + 1
		cells[l] = base + n
		if n < heavy {
			c.reached[n]++
		} else if n == heavy {
			c.reached[heavy]++
			c.heavies = append(c.heavies, heavyCell{left: l})
		}
	}
	return len(lefts) - none
}

// weigh lists the heavy cells of a complete group.
func (c *counter) weigh() {
	for i := range c.heavies {
		h := &c.heavies[i]
		h.count = c.cells[h.left] - c.base
		c.large.add(int64(h.count), 1)
	}
}

// leaveOut records the change that each block makes to a complete group of n pairs;
// block is the block of every position, in ascending order.
func (c *counter) leaveOut(block []uint8, lefts []token.ID, n int) {
	for at := 0; at < len(block); {
		end := at + 1
		for end < len(block) && block[end] == block[at] {
			end++
		}
		b := &c.blocks[block[at]]
		pairs := c.drop(b, lefts[at:end])
		c.endRun(b, pairs)
		b.tokens.add(int64(n), -1)
		b.tokens.add(int64(n-pairs), 1)
		at = end
	}
}

// drop removes left tokens of block b, part of a run, from the current group, and
// returns their number.
func (c *counter) drop(b *blockCounter, lefts []token.ID) int {
	cells, base, gone, first := c.cells, c.base, c.gone, c.goneBase
	none := 0
	for _, l := range lefts {
		if l == 0 {
			none++
			continue
		}
		before := seen(gone[l], first)
		gone[l] = first + before + 1
		if n := cells[l] - base - before; n <= heavy {
			b.reached[n]++
		}
	}
	return len(lefts) - none
}

// endRun records the change that leaving out block b makes to the heavy cells, and ends
// the run of so many pairs.
func (c *counter) endRun(b *blockCounter, pairs int) {
	for _, h := range c.heavies {
		if out := seen(c.gone[h.left], c.goneBase); out > 0 {
			b.large.add(int64(h.count), -1)
			if now := h.count - out; now >= heavy {
				b.large.add(int64(now), 1)
			}
		}
	}
	c.goneBase += uint32(pairs)
}

// leftTokens counts the left tokens of all pairs at distance d as one group.
func (c *counter) leftTokens(x *index, ch *chunk, d int) {
	c.open(2 * len(ch.tokens))
	c.leftEdges(x, ch, d)
	for i := 0; len(c.blocks) > 0 && i < len(x.segments); {
		block, kinds := x.segments[i].block, 0
		for ; i < len(x.segments) && x.segments[i].block == block; i++ {
			c.pieces = x.segments[i].lefts(c.pieces[:0], ch, d)
			for _, lefts := range c.pieces {
				kinds = c.distinct(c.gone, c.goneBase, lefts, kinds)
			}
		}
		t, pairs := &c.blocks[block].tokens, int64(0)
		for _, l := range c.touched[:kinds] {
			all, out := int64(c.cells[l]-c.base), int64(c.gone[l]-c.goneBase)
			t.add(all, -1)
			t.add(all-out, 1)
			pairs += out
		}
		c.goneBase += uint32(pairs)
	}
	c.base += uint32(2 * len(ch.tokens))
}

// leftEdges counts the left tokens of all pairs. Most tokens are both left and right
// tokens, so it starts from the counts of all tokens and corrects for the ends of the
// segments, and for gaps.
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
		if ch.gaps {
			for i, l := range ch.tokens[lo:hi] {
				if ch.tokens[lo+i+d] == 0 {
					cells[l]--
				}
			}
		}
	}
	for r := 1; r <= seen; r++ {
		switch n := cells[r] - base; {
		case n < heavy:
			c.reached[n]++
		default:
			c.reached[heavy]++
			c.large.add(int64(n), 1)
		}
	}
	// Turn numbers of items at each count into numbers that reached it.
	for n := heavy - 1; n > 0; n-- {
		c.reached[n] += c.reached[n+1]
	}
}
