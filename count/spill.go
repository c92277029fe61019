package count

import (
	"encoding/binary"

	"github.com/l2m-lab/l2m/token"
)

// spillPairs writes the pairs whose right token is in a range, as records.
func (c *counter) spillPairs(x *index, part int, s section, w *runWriter) {
	var lefts []token.ID
	lefts, c.buf = x.sorted(part, c.buf)
	c.work = int64(len(lefts))
	first, _ := x.span(part)
	hi := min(x.bounds[part+1], len(x.starts)-1)
	records, last := c.records[:0], 0
	for r := max(1, x.bounds[part]); r < hi; r++ {
		from, to := x.starts[r], x.starts[r+1]
		if from == to {
			continue
		}
		group := lefts[from-first : to-first]
		records = binary.AppendUvarint(records, uint64(r-last))
		if x.block == nil {
			records = append(records, 1)
			records = c.spillRun(records, 0, group)
		} else {
			c.cut(x.block[from:to], group)
			records = binary.AppendUvarint(records, uint64(len(c.runs)))
			for _, r := range c.runs {
				records = c.spillRun(records, r.block, r.lefts)
			}
		}
		last = r
		if len(records) > extentTarget {
			w.write(s, records)
			records, last = records[:0], 0
		}
	}
	w.write(s, records)
	c.records = records[:0]
}

// run is the part of a group that lies in one block.
type run struct {
	block int
	lefts []token.ID
}

// cut divides a group into runs.
func (c *counter) cut(block []uint8, group []token.ID) {
	c.runs = c.runs[:0]
	for at := 0; at < len(block); {
		end := at + 1
		for end < len(block) && block[end] == block[at] {
			end++
		}
		c.runs = append(c.runs, run{int(block[at]), group[at:end]})
		at = end
	}
}

// spillRun appends the block, the number of distinct left tokens, and their entries.
func (c *counter) spillRun(records []byte, block int, lefts []token.ID) []byte {
	c.open(len(lefts))
	distinct := c.distinct(c.cells, c.base, lefts, 0)
	return c.appendRun(records, block, distinct)
}

// appendRun appends the counts of the distinct left tokens, and closes the group.
func (c *counter) appendRun(records []byte, block, distinct int) []byte {
	records = binary.AppendUvarint(records, uint64(block))
	records = binary.AppendUvarint(records, uint64(distinct))
	var pairs uint32
	for _, l := range c.touched[:distinct] {
		n := c.cells[l] - c.base
		pairs += n
		records = appendEntry(records, l, n)
	}
	c.base += pairs
	return records
}

// distinct counts left tokens in cells and lists the distinct ones after the n listed
// already. It returns the new length of the list.
func (c *counter) distinct(cells []uint32, base uint32, lefts []token.ID, n int) int {
	if len(c.touched) < len(cells) {
		c.touched = make([]token.ID, len(cells)+1)
	}
	touched := c.touched
	for _, l := range lefts {
		if l == 0 {
			continue
		}
		before := seen(cells[l], base)
		touched[n] = l
		n += int((uint64(before) - 1) >> 63) // 1 for the first
		cells[l] = base + before + 1
	}
	return n
}

// spillLeft writes the left tokens of all pairs at distance d, one section per
// block.
func (c *counter) spillLeft(x *index, ch *chunk, d int, s section, w *runWriter) {
	for i := 0; i < len(x.segments); {
		block := x.segments[i].block
		c.open(2 * len(ch.tokens))
		distinct := 0
		for ; i < len(x.segments) && x.segments[i].block == block; i++ {
			c.pieces = x.segments[i].lefts(c.pieces[:0], ch, d)
			for _, lefts := range c.pieces {
				distinct = c.distinct(c.cells, c.base, lefts, distinct)
			}
		}
		records := append(c.records[:0], 1, 1) // rank 1, one block
		records = c.appendRun(records, block, distinct)
		w.write(section{s.k, s.part + int32(block)}, records)
		c.records = records[:0]
	}
}
