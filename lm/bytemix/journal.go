package bytemix

import mathbits "math/bits"

// The journal logs what scoring overwrites, so that a request leaves no trace and
// undoing costs as much as scoring did. For every byte it holds the positions of its
// contexts and the values of their nodes; slots and lines that a new context takes over
// are kept whole, mixing rows when first written; the small part of the state is
// copied.

// byteLog is what one byte overwrote.
type byteLog struct {
	states   [8][nCtx]uint8  // at every bit, the histories …
	direct   [8][nDir]uint32 // … and the direct probabilities
	maps     [8][nAPM]uint32 // entries of the final maps …
	mapsOld  [8][nAPM]uint16 // … and their values
	slotAt   [2][nCtx]uint32 // for both nibbles
	lineAt   [2][nDir]uint32
	runAt    [nRun]uint32
	runOld   [nRun]uint32
	seenAt   [nMatch]uint32
	seenOld  [nMatch]uint32
	newSlots [2]uint8 // contexts that replaced a slot, one bit each
	newLines [2]uint8
}

type journal struct {
	keeping bool     // writes are logged
	log     *byteLog // of the current byte, nil if nothing is logged
	bytes   []byteLog
	slots   []slot // replaced, in the order of newSlots
	lines   []line
}

// openLog starts the log of a byte.
func (j *journal) openLog() {
	j.log = nil
	if j.keeping {
		n := len(j.bytes)
		if n == cap(j.bytes) {
			b := table[byteLog](max(2*n, 1024))
			copy(b, j.bytes)
			j.bytes = b[:n]
		}
		j.bytes = j.bytes[:n+1]
		j.log = &j.bytes[n]
		j.log.newSlots, j.log.newLines = [2]uint8{}, [2]uint8{}
	}
}

// mixRows are the weights of all mixing rows, with a journal of those that changed.
type mixRows struct {
	w      []int16
	epochs uint32   // number of epochs so far
	epoch  uint32   // of the innermost mark
	last   []uint32 // epoch in which a row was last logged
	kept   []keptRow
	old    []int16
}

type keptRow struct{ row, epoch uint32 }

// rowsMark is a position in the journal of the rows.
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

// checkpoint is a state that the predictor can restore.
type checkpoint struct {
	small
	keeping                  bool
	bytes, slots, lines, win int
	rows                     rowsMark
}

// mark starts logging and stores what rollback needs. Depth 1 nests in depth 0.
func (p *predictor) mark(depth int) {
	c := &p.marks[depth]
	c.small = p.small
	c.keeping = p.keeping
	c.bytes, c.slots, c.lines, c.win = len(p.bytes), len(p.slots), len(p.lines), len(p.win)
	c.rows = p.mix.mark()
	p.keeping = true
}

// rollback restores the state at mark.
func (p *predictor) rollback(depth int) {
	c := &p.marks[depth]
	for i := len(p.bytes) - 1; i >= c.bytes; i-- {
		p.takeBack(&p.bytes[i], p.win[c.win+i-c.bytes])
	}
	p.bytes, p.slots, p.lines = p.bytes[:c.bytes], p.slots[:c.slots], p.lines[:c.lines]
	p.mix.rollback(c.rows)
	p.win = p.win[:c.win]
	p.small = c.small
	p.keeping = c.keeping
}

// takeBack undoes the writes of byte c, newest first.
func (p *predictor) takeBack(l *byteLog, c byte) {
	for i := range l.seenAt {
		p.seen[i][l.seenAt[i]] = l.seenOld[i]
	}
	for bit := 7; bit >= 0; bit-- {
		for i, at := range &l.maps[bit] {
			p.apm[i][at] = l.mapsOld[bit][i]
		}
	}
	nibble := [2]uint32{16 | uint32(c)>>4, 16 | uint32(c)&15}
	for half := 1; half >= 0; half-- {
		for i, at := range &l.slotAt[half] {
			s := &p.tab[at]
			for bit := range 4 {
				s[nibble[half]>>(4-bit)&15] = l.states[4*half+bit][i]
			}
		}
		for i, at := range &l.lineAt[half] {
			d := &p.dir[at]
			for bit := range 4 {
				d[nibble[half]>>(4-bit)&15] = l.direct[4*half+bit][i]
			}
		}
		for m := l.newSlots[half]; m != 0; {
			i := mathbits.Len8(m) - 1
			m &^= 1 << i
			last := len(p.slots) - 1
			p.tab[l.slotAt[half][i]] = p.slots[last]
			p.slots = p.slots[:last]
		}
		for m := l.newLines[half]; m != 0; {
			i := mathbits.Len8(m) - 1
			m &^= 1 << i
			last := len(p.lines) - 1
			p.dir[l.lineAt[half][i]] = p.lines[last]
			p.lines = p.lines[:last]
		}
	}
	for i := len(l.runAt) - 1; i >= 0; i-- {
		p.run[l.runAt[i]] = l.runOld[i]
	}
}
