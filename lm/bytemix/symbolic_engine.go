package bytemix

import (
	"context"
	"slices"

	"github.com/l2m-lab/l2m/token"
)

func (s *symbolic) score(ctx context.Context, symbols []token.ID, out []float32) error {
	for i, t := range symbols {
		if i%checkEvery == checkEvery-1 {
			if err := ctx.Err(); err != nil {
				return stopped(err)
			}
		}
		out[i] = nats(s.code(uint32(t)))
	}
	return nil
}

func (s *symbolic) learn(symbols []byte) {
	s.training = true
	for _, c := range symbols {
		s.code(uint32(c))
	}
}

func (s *symbolic) fresh() {
	s.last, s.reverse, s.count = 0, 0, 0
	s.follow = [symExpect]follower{}
	if s.dna {
		s.locate(&s.at, 0, 0)
	}
}

func (s *symbolic) pace(r rates) { s.rate = r }

func (s *symbolic) finish() {
	s.training = false
	s.text = slices.Clip(s.text)
	s.fresh()
}

// cellRecord is the old value of a cell; lowCell marks those in low.
type cellRecord struct {
	at  uint32
	old cell
}

// wordRecord is the old value of an entry of seen.
type wordRecord struct {
	at  uint64 // table<<56 | index
	old uint32
}

type symbolicMark struct {
	symbolSmall
	at                [symContexts]place
	keeping           bool
	cells, words, win int
	rows              rowsMark
}

func (s *symbolic) mark(depth int) {
	m := &s.marks[depth]
	m.symbolSmall, m.at, m.keeping = s.symbolSmall, s.at, s.keeping
	m.cells, m.words, m.win = len(s.cells), len(s.words), len(s.win)
	m.rows = s.mix.mark()
	s.keeping = true
}

func (s *symbolic) rollback(depth int) {
	m := &s.marks[depth]
	for i := len(s.cells) - 1; i >= m.cells; i-- {
		if r := &s.cells[i]; r.at&lowCell != 0 {
			s.low[r.at&^lowCell] = r.old
		} else {
			s.high[r.at] = r.old
		}
	}
	for i := len(s.words) - 1; i >= m.words; i-- {
		r := s.words[i]
		s.seen[r.at>>56][uint32(r.at)] = r.old
	}
	s.cells, s.words, s.win = s.cells[:m.cells], s.words[:m.words], s.win[:m.win]
	s.mix.rollback(m.rows)
	s.symbolSmall, s.at, s.keeping = m.symbolSmall, m.at, m.keeping
}

func (s *symbolic) clone() engine {
	t := *s
	t.low, t.high, t.mix = copied(s.low), copied(s.high), s.mix.clone()
	for i := range t.seen {
		t.seen[i] = copied(s.seen[i])
	}
	t.win, t.cells, t.words = nil, nil, nil
	return &t
}

func (s *symbolic) fields() []field {
	f := []field{
		tableField("contexts", s.low, 4),
		tableField("hashed", s.high, 4),
		tableField("weights", s.mix.w, 2),
		tableField("trust", s.trust[:], 4),
		tableField("final", s.final[:], 4),
	}
	for i := range s.seen {
		f = append(f, tableField("matches", s.seen[i], 4))
	}
	return append(f, field{name: "text", elem: 1, data: s.text, resize: func(n int) []byte {
		s.text = make([]byte, n)
		s.pos = uint32(n)
		return s.text
	}})
}
