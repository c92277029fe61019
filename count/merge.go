package count

import (
	"container/heap"
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/token"
)

// merger adds up the runs of all chunks, group by group, like counter: in a cell per
// left token.
type merger struct {
	total, part wideCells
	sums        *sums
	entries     [][]entry // by block, of the current group
	cursors     []cursor  // by run file
	buffer      int       // bytes of each
}

// entry is a part of the count of a left token in a block.
type entry struct {
	left  token.ID
	count uint32
}

const entryBytes = 8

// wideCells counts left tokens in 64 bits.
type wideCells struct {
	cells   []int64
	base    int64      // cells[l]-base is the count; below base: 0
	sum     int64      // of the counts
	touched []token.ID // touched[:n] are those counted; there is room for one more
	n       int
}

func newWideCells(seen int) wideCells {
	return wideCells{cells: make([]int64, seen+1), touched: make([]token.ID, seen+2)}
}

// newMerger returns a merger for run files.
func newMerger(seen, blocks, runs, buffer int) *merger {
	m := &merger{total: newWideCells(seen), sums: newSums(blocks), entries: make([][]entry, blocks), cursors: make([]cursor, runs), buffer: buffer}
	if blocks > 0 {
		m.part = newWideCells(seen)
	}
	return m
}

// mergerBytes is the memory of a merger, without cursors, over a vocabulary of v tokens
// whose most frequent one occurs most times. Half of the left tokens in that group are
// assumed to be in every block, with room for half as many more entries.
func mergerBytes(v, most int64, blocks int) int64 {
	n := 12*v + 3*tallyBytes
	if blocks > 0 {
		entries := min(int64(blocks)*v/2, most)
		n += 12*v + int64(blocks)*3*tallyBytes + entries*entryBytes*3/2
	}
	return n
}

// divideMemory returns how many workers can merge at a time, and the size of their
// cursors' buffers.
func (o Options) divideMemory(totals corpusTotals, runs []*runFile) (workers, buffer int, err error) {
	room := o.Memory*7/8 - int64(totals.Seen)*o.TokenBytes - int64(o.Blocks+1)*sumsBytes
	for _, r := range runs {
		room -= int64(r.most) * extentBytes
	}
	n := int64(len(runs))
	most := int64(0)
	if h := totals.Unigrams; len(h) > 0 {
		most = h[len(h)-1].Count
	}
	need := mergerBytes(int64(totals.Seen), most, o.Blocks) + n*(cursorBytes+leastBuffer)
	if need > room {
		return 0, 0, &MemoryError{Limit: o.Memory, Need: o.Memory + (need-room)*8/7 + 8, For: fmt.Sprintf("merging %d files (nothing is lost: the same call resumes with more memory)", n)}
	}
	// The memory of the histograms is an estimate: there may be less.
	room = max(room-largeBytes(totals.Unigrams, o.Blocks), need)
	for workers = o.Workers; workers > 1 && int64(workers)*need > room; {
		workers--
	}
	spare := room/int64(workers) - need
	return workers, int(min(leastBuffer+spare/max(n, 1), mostBuffer)), nil
}

// largeBytes estimates the memory of the large counts of a distance's histograms: left
// and right tokens have as many as tokens have, pairs of text some more, and a block
// changes up to two bins for each.
func largeBytes(unigrams info.Histogram, blocks int) int64 {
	var bins int64
	for _, b := range unigrams {
		if b.Count >= heavy {
			bins++
		}
	}
	return (2 + 1 + 1) * bins * int64(1+2*blocks) * binBytes
}

// begin clears the histograms for the next section.
func (m *merger) begin() { m.sums.reset() }

// add counts a left token n > 0 times, without branches for the same reason as seen.
func (w *wideCells) add(l token.ID, n int64) {
	before := w.count(l)
	w.touched[w.n] = l
	w.n += int(uint64(before-1) >> 63) // 1 for the first
	w.cells[l] = w.base + before + n
	w.sum += n
}

func (w *wideCells) count(l token.ID) int64 {
	above := w.cells[l] - w.base
	return above &^ (above >> 63)
}

// next empties the cells.
func (w *wideCells) next() {
	w.base += w.sum
	w.sum, w.n = 0, 0
}

// pairs merges the section over all runs.
func (m *merger) pairs(runs []*runFile, s section) error {
	var h cursors
	for i, r := range runs {
		c := &m.cursors[i]
		c.start(r, s, m.buffer)
		if err := c.next(); err != nil {
			return err
		}
		if !c.done {
			h = append(h, c)
		}
	}
	heap.Init(&h)
	for len(h) > 0 {
		for rank := h[0].rank; len(h) > 0 && h[0].rank == rank; {
			c := h[0]
			c.entries(m.entry)
			if err := c.next(); err != nil {
				return err
			}
			if c.done {
				heap.Pop(&h)
			} else {
				heap.Fix(&h, 0)
			}
		}
		m.close()
	}
	return nil
}

func (m *merger) entry(block int, left token.ID, n int64) {
	m.total.add(left, n)
	if len(m.entries) == 0 {
		return
	}
	for n > 0 {
		entries := m.entries[block]
		if len(entries) == cap(entries) {
			entries = m.addUp(entries)
		}
		part := min(n, math.MaxUint32)
		m.entries[block] = append(entries, entry{left, uint32(part)})
		n -= part
	}
}

// addUp adds up the entries of the same left token, in place, and makes room for more,
// so that the number of entries of a group does not grow with that of chunks.
func (m *merger) addUp(entries []entry) []entry {
	for _, e := range entries {
		m.part.add(e.left, int64(e.count))
	}
	entries = entries[:0]
	for _, l := range m.part.touched[:m.part.n] {
		for n := m.part.count(l); n > 0; n -= math.MaxUint32 {
			entries = append(entries, entry{l, uint32(min(n, math.MaxUint32))})
		}
	}
	m.part.next()
	if n := len(entries); n > cap(entries)*2/3 {
		// append would grow it further: a block's entries take most of the memory of
		// merging.
		grown := make([]entry, n, n+n/2+64)
		copy(grown, entries)
		entries = grown
	}
	return entries
}

// close ends a group: its cells are added to the histograms.
func (m *merger) close() {
	for _, l := range m.total.touched[:m.total.n] {
		m.sums.joint.add(m.total.count(l), 1)
	}
	sum := m.total.sum
	m.sums.right.add(sum, 1)
	for i, entries := range m.entries {
		if len(entries) == 0 {
			continue
		}
		for _, e := range entries {
			m.part.add(e.left, int64(e.count))
		}
		m.entries[i] = entries[:0]
		b := &m.sums.blocks[i]
		b.right.add(sum, -1)
		b.right.add(sum-m.part.sum, 1)
		m.leaveOut(&b.joint)
	}
	m.total.next()
}

// leaveOut records in t how the histogram of total changes without part, and empties
// part.
func (m *merger) leaveOut(t *tally) {
	for _, l := range m.part.touched[:m.part.n] {
		all := m.total.count(l)
		t.add(all, -1)
		t.add(all-m.part.count(l), 1)
	}
	m.part.next()
}

// lefts merges the left tokens of distance k, whose sections start at part, into s.
// Other workers may change other parts of s at the same time.
func (m *merger) lefts(runs []*runFile, k, part int, s *sums) error {
	read := func(block int, visit func(int, token.ID, int64)) error {
		for i, r := range runs {
			c := &m.cursors[i]
			c.start(r, section{int32(k), int32(part + block)}, m.buffer)
			for {
				if err := c.next(); err != nil {
					return err
				}
				if c.done {
					break
				}
				c.entries(visit)
			}
		}
		return nil
	}
	for b := range max(1, len(m.entries)) {
		if err := read(b, func(_ int, l token.ID, n int64) { m.total.add(l, n) }); err != nil {
			return err
		}
	}
	for _, l := range m.total.touched[:m.total.n] {
		s.left.add(m.total.count(l), 1)
	}
	for b := range m.entries {
		if err := read(b, func(_ int, l token.ID, n int64) { m.part.add(l, n) }); err != nil {
			return err
		}
		m.leaveOut(&s.blocks[b].left)
	}
	m.total.next()
	return nil
}

// cursors is a heap by rank.
type cursors []*cursor

func (c cursors) Len() int           { return len(c) }
func (c cursors) Less(i, j int) bool { return c[i].rank < c[j].rank }
func (c cursors) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *cursors) Push(x any)        { *c = append(*c, x.(*cursor)) }
func (c *cursors) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// check compares totals that must be equal in a distance's histograms.
func (d *Distance) check() error {
	check := func(c Counts) error {
		if l, r := c.Left.Total(), c.Right.Total(); l != c.Pairs || r != c.Pairs {
			return fmt.Errorf("at distance %d, %d pairs have %d left and %d right tokens: %w", d.Distance, c.Pairs, l, r, errDamaged)
		}
		return nil
	}
	for _, w := range d.Without {
		if err := check(w.Counts()); err != nil {
			return err
		}
	}
	return check(d.Counts)
}
