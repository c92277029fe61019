package count

import (
	"math"

	"github.com/l2m-lab/l2m/token"
)

// counter is the state of one worker: the cells in which a group's left tokens
// are counted, and the histograms of its current piece of work.
type counter struct {
	// cells[l]-base is how often l was seen in the current group. Cells below
	// base are left over from earlier groups and mean 0, so that nothing needs
	// clearing between groups.
	cells []uint32
	base  uint32
	buf   []token.ID // left tokens of a range, sorted

	levels
	right  tally
	blocks []blockCounter // what leaving out each block changes
	work   int64          // positions visited

	// Of the current group: the cells that reached heavy, and its runs, which
	// are made of pieces.
	heavies []heavyCell
	runs    []run
	pieces  [][]token.ID

	// For spilling: the distinct left tokens of a group, and records.
	touched []token.ID
	records []byte
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

// run is the part of a group that lies in one block, pieces[lo:hi], and how many
// pairs it has.
type run struct{ block, lo, hi, pairs int }

const levelsBytes = 4 * (heavy + 1)

// counterBytes is the memory of a counter without its cells.
func counterBytes(blocks int) int64 {
	return int64((blocks + 1) * (levelsBytes + tallyBytes))
}

func newCounter(blocks int) *counter {
	return &counter{blocks: make([]blockCounter, blocks)}
}

// begin clears the histograms for the next piece of work, over ranks 1..seen.
func (c *counter) begin(seen int) {
	if len(c.cells) < seen+1 {
		c.cells, c.base = make([]uint32, seen+1), 1
	}
	c.levels.reset()
	c.right.reset()
	for i := range c.blocks {
		c.blocks[i].levels.reset()
		c.blocks[i].right.reset()
	}
	c.work = 0
}

func (l *levels) reset() {
	l.reached = [heavy + 1]uint32{}
	clear(l.large)
}

func (l *levels) addLarge(count uint32, n int64) {
	if l.large == nil {
		l.large = map[int64]int64{}
	}
	l.large[int64(count)] += n
}

// open makes room for a group of up to n positions.
func (c *counter) open(n int) {
	if int64(c.base)+int64(n) >= math.MaxUint32 {
		clear(c.cells)
		c.base = 1
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
		n := 0
		if len(c.blocks) == 0 {
			n = c.count(group)
			c.weigh()
		} else {
			c.cut(x.block[from:to], group)
			n = c.group()
			for _, r := range c.runs {
				c.blocks[r.block].right.add(int64(n), -1)
				c.blocks[r.block].right.add(int64(n-r.pairs), 1)
			}
		}
		c.right.add(int64(n), 1)
		c.base += uint32(n)
	}
}

// cut divides a group into runs of one block each.
func (c *counter) cut(block []uint8, group []token.ID) {
	c.runs, c.pieces = c.runs[:0], c.pieces[:0]
	for at := 0; at < len(block); {
		end := at + 1
		for end < len(block) && block[end] == block[at] {
			end++
		}
		c.runs = append(c.runs, run{block: int(block[at]), lo: len(c.pieces), hi: len(c.pieces) + 1})
		c.pieces = append(c.pieces, group[at:end])
		at = end
	}
}

// group counts the runs of a group, and what leaving out each of them changes.
// It returns the number of pairs.
func (c *counter) group() int {
	n := 0
	for i := range c.runs {
		r := &c.runs[i]
		for _, lefts := range c.pieces[r.lo:r.hi] {
			r.pairs += c.count(lefts)
		}
		n += r.pairs
	}
	c.weigh()
	for _, r := range c.runs {
		if r.pairs == 0 {
			continue
		}
		b := &c.blocks[r.block]
		for _, lefts := range c.pieces[r.lo:r.hi] {
			c.drop(b, lefts)
		}
		for _, h := range c.heavies {
			if now := c.cells[h.left] - c.base; now != h.count {
				b.addLarge(h.count, -1)
				if now >= heavy {
					b.addLarge(now, 1)
				}
			}
		}
		for _, lefts := range c.pieces[r.lo:r.hi] {
			c.restore(lefts)
		}
	}
	return n
}

// seen is how often the left token of a cell was seen in the current group, 0 where
// the cell is left over from another. Which of the two it is cannot be foretold,
// so there is no branch for it.
func seen(cell, base uint32) uint32 {
	above := int64(cell) - int64(base)
	return uint32(above &^ (above >> 63))
}

// count counts left tokens of the current group, and returns how many there
// are; 0 stands for none.
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

// weigh notes the heavy cells of a group that is counted.
func (c *counter) weigh() {
	for i := range c.heavies {
		h := &c.heavies[i]
		h.count = c.cells[h.left] - c.base
		c.addLarge(h.count, 1)
	}
}

// drop takes left tokens of block b out of the current group.
func (c *counter) drop(b *blockCounter, lefts []token.ID) {
	cells, base := c.cells, c.base
	for _, l := range lefts {
		if l == 0 {
			continue
		}
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
		cells[l]++ // cell 0 is not in use
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
	c.runs, c.pieces = c.runs[:0], c.pieces[:0]
	for _, s := range x.segments {
		if n := len(c.runs); n == 0 || c.runs[n-1].block != s.block {
			c.runs = append(c.runs, run{block: s.block, lo: len(c.pieces)})
		}
		c.pieces = s.lefts(c.pieces, ch, d)
		c.runs[len(c.runs)-1].hi = len(c.pieces)
	}
	c.base += uint32(c.group())
}

// leftEdges is leftTokens without blocks. Most tokens are both left and right
// ends, so it starts from the counts of all tokens and corrects the edges of
// the segments, and those with a gap at their right.
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
			c.addLarge(n, 1)
		}
	}
	// These are numbers of things at each count; turn them into numbers that
	// reached it.
	for n := heavy - 1; n > 0; n-- {
		c.reached[n] += c.reached[n+1]
	}
	c.base += uint32(2 * len(ch.tokens))
}
