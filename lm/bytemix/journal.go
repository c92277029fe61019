package bytemix

// The journal remembers what scoring overwrites, so that a request leaves no
// trace and that taking back costs as much as was scored. Slots, lines and
// single words are logged when they are taken into use, mixing rows when they
// are first written; the small part of the state is copied whole.

// Kinds of logged words, in the top byte of a log entry.
const (
	kindRun = iota
	kindSeen
	kindAPM = kindSeen + nMatch
)

type record[T any] struct {
	at  uint32
	old T
}

type wordRecord struct {
	at  uint64 // kind<<56 | index
	old uint32
}

type journal struct {
	keeping bool // writes are logged
	slots   []record[slot]
	lines   []record[line]
	words   []wordRecord
}

func (j *journal) keepSlot(at uint32, s *slot) {
	j.slots = append(j.slots, record[slot]{at, *s})
}

func (j *journal) keepLine(at uint32, l *line) {
	j.lines = append(j.lines, record[line]{at, *l})
}

func (j *journal) keepWord(kind uint64, at, old uint32) {
	j.words = append(j.words, wordRecord{kind<<56 | uint64(at), old})
}

// takeBack restores the newest records of a log, down to its length at a mark.
func takeBack[T any](table []T, log []record[T], length int) []record[T] {
	for i := len(log) - 1; i >= length; i-- {
		table[log[i].at] = log[i].old
	}
	return log[:length]
}

// mixRows are the weights of all mixing rows with the journal of those that
// were changed.
type mixRows struct {
	w      []int16
	epochs uint32   // last epoch given out
	epoch  uint32   // of the innermost mark
	last   []uint32 // epoch in which a row was last kept
	kept   []keptRow
	old    []int16
}

type keptRow struct{ row, epoch uint32 }

// rowsMark is a place in the journal of the rows.
type rowsMark struct {
	epoch uint32
	kept  int
}

func newMixRows(n int) mixRows {
	return mixRows{w: table[int16](n * rowLen), last: make([]uint32, n)}
}

func (m *mixRows) clone() mixRows {
	return mixRows{w: copied(m.w), last: make([]uint32, len(m.last))}
}

// keep logs the rows about to be trained, once for each mark.
func (m *mixRows) keep(rows *[nSets]int32) {
	for _, r := range rows {
		if m.last[r] != m.epoch {
			m.kept = append(m.kept, keptRow{uint32(r), m.last[r]})
			m.old = append(m.old, m.w[int(r)*rowLen:][:rowLen]...)
			m.last[r] = m.epoch
		}
	}
}

func (m *mixRows) mark() rowsMark {
	at := rowsMark{m.epoch, len(m.kept)}
	m.epochs++
	m.epoch = m.epochs
	return at
}

func (m *mixRows) rollback(at rowsMark) {
	for i := len(m.kept) - 1; i >= at.kept; i-- {
		k := m.kept[i]
		copy(m.w[int(k.row)*rowLen:][:rowLen], m.old[i*rowLen:])
		m.last[k.row] = k.epoch
	}
	m.kept, m.old = m.kept[:at.kept], m.old[:at.kept*rowLen]
	m.epoch = at.epoch
}

// checkpoint is a state to which the predictor can return.
type checkpoint struct {
	small
	keeping                  bool
	slots, lines, words, win int
	rows                     rowsMark
}

// mark starts logging and stores what rollback needs. Depth 1 nests in depth 0.
func (p *predictor) mark(depth int) {
	c := &p.marks[depth]
	c.small = p.small
	c.keeping = p.keeping
	c.slots, c.lines, c.words, c.win = len(p.slots), len(p.lines), len(p.words), len(p.win)
	c.rows = p.mix.mark()
	p.keeping = true
}

// rollback returns to the state at mark.
func (p *predictor) rollback(depth int) {
	c := &p.marks[depth]
	p.slots = takeBack(p.tab, p.slots, c.slots)
	p.lines = takeBack(p.dir, p.lines, c.lines)
	for i := len(p.words) - 1; i >= c.words; i-- {
		r := &p.words[i]
		at := uint32(r.at)
		switch kind := r.at >> 56; {
		case kind == kindRun:
			p.run[at] = r.old
		case kind < kindAPM:
			p.seen[kind-kindSeen][at] = r.old
		default:
			p.apm[kind-kindAPM][at] = uint16(r.old)
		}
	}
	p.words = p.words[:c.words]
	p.mix.rollback(c.rows)
	p.win = p.win[:c.win]
	p.small = c.small
	p.keeping = c.keeping
}
