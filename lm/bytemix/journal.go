package bytemix

// The journal remembers what scoring overwrites, so that a request leaves no
// trace and that taking back costs as much as was scored. Slots, single words
// and mixing rows are logged when they are first written (slots: once per
// nibble); the small part of the state is copied whole at a checkpoint.

// Kinds of logged words, in the top byte of a log entry.
const (
	kindRun = iota
	kindSeen
	kindAPM = kindSeen + nMatch
)

type slotRecord struct {
	at  uint32
	old slot
}

type lineRecord struct {
	at  uint32
	old line
}

type wordRecord struct {
	at  uint64 // kind<<56 | index
	old uint32
}

type journal struct {
	keeping  bool // writes are logged
	training bool // bytes join the training text
	epoch    uint32
	epochs   uint32 // last epoch given out
	rowEpoch []uint32
	slots    []slotRecord
	lines    []lineRecord
	words    []wordRecord
	rowAt    []rowRecord
	rowOld   []int16
}

type rowRecord struct{ row, epoch uint32 }

func (j *journal) keepSlot(at uint32, s *slot) {
	j.slots = append(j.slots, slotRecord{at, *s})
}

func (j *journal) keepLine(at uint32, l *line) {
	j.lines = append(j.lines, lineRecord{at, *l})
}

func (j *journal) keepWord(kind uint64, at, old uint32) {
	j.words = append(j.words, wordRecord{kind<<56 | uint64(at), old})
}

func (p *predictor) keepRow(r uint32) {
	p.rowAt = append(p.rowAt, rowRecord{r, p.rowEpoch[r]})
	p.rowOld = append(p.rowOld, p.w[int(r)*rowLen:][:rowLen]...)
	p.rowEpoch[r] = p.epoch
}

// checkpoint is a state to which the predictor can return.
type checkpoint struct {
	small
	keeping                    bool
	epoch                      uint32
	slots, lines, words, rowAt int
	win                        int
}

// mark starts logging and stores in c what rollback needs. Checkpoints nest.
func (p *predictor) mark(c *checkpoint) {
	c.small = p.small
	c.keeping, c.epoch = p.keeping, p.epoch
	c.lines = len(p.lines)
	c.slots, c.words, c.rowAt, c.win = len(p.slots), len(p.words), len(p.rowAt), len(p.win)
	p.keeping = true
	p.epochs++
	p.epoch = p.epochs
}

// rollback returns to the state at mark.
func (p *predictor) rollback(c *checkpoint) {
	for i := len(p.slots) - 1; i >= c.slots; i-- {
		r := &p.slots[i]
		p.tab[r.at] = r.old
	}
	for i := len(p.lines) - 1; i >= c.lines; i-- {
		r := &p.lines[i]
		p.dir[r.at] = r.old
	}
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
	for i := len(p.rowAt) - 1; i >= c.rowAt; i-- {
		r := p.rowAt[i]
		copy(p.w[int(r.row)*rowLen:][:rowLen], p.rowOld[i*rowLen:])
		p.rowEpoch[r.row] = r.epoch
	}
	p.lines = p.lines[:c.lines]
	p.slots, p.words = p.slots[:c.slots], p.words[:c.words]
	p.rowAt, p.rowOld = p.rowAt[:c.rowAt], p.rowOld[:c.rowAt*rowLen]
	p.win = p.win[:c.win]
	p.small = c.small
	p.keeping, p.epoch = c.keeping, c.epoch
}
