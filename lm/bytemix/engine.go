package bytemix

import (
	"context"
	"slices"

	"github.com/l2m-lab/l2m/token"
)

// The byte predictor as an engine.

func (p *predictor) score(ctx context.Context, symbols []token.ID, out []float32) error {
	for i, t := range symbols {
		if i%checkEvery == checkEvery-1 {
			if err := ctx.Err(); err != nil {
				return stopped(err)
			}
		}
		out[i] = nats(p.code(byte(t)))
	}
	return nil
}

func (p *predictor) learn(symbols []byte) {
	p.training = true
	for _, c := range symbols {
		p.code(c)
	}
}

func (p *predictor) pace(r rates) { p.rate = r }

func (p *predictor) finish() {
	p.training = false
	p.text = slices.Clip(p.text)
	p.fresh()
}

// clone copies the state. The training text is shared, because it is no longer written.
func (p *predictor) clone() engine {
	q := *p
	q.tab = copied(p.tab)
	q.dir = copied(p.dir)
	q.run = copied(p.run)
	q.mix = p.mix.clone()
	for k := range q.seen {
		q.seen[k] = copied(p.seen[k])
	}
	for k := range q.apm {
		q.apm[k] = copied(p.apm[k])
	}
	q.win = nil
	q.journal = journal{}
	q.cur, q.dirCur, q.frow = [nCtx]*slot{}, [nDir]*line{}, nil
	return &q
}

func copied[T any](s []T) []T {
	t := table[T](len(s))
	copy(t, s)
	return t
}

func (p *predictor) fields() []field {
	f := []field{
		tableField("histories", p.tab, 1),
		tableField("direct", p.dir, 4),
		tableField("runs", p.run, 4),
		tableField("weights", p.mix.w, 2),
		tableField("maps", p.maps[:], 4),
		tableField("trust", p.trust[:], 4),
		tableField("final", p.final[:], 4),
	}
	for k := range p.seen {
		f = append(f, tableField("matches", p.seen[k], 4))
	}
	for k := range p.apm {
		f = append(f, tableField("refinement", p.apm[k], 2))
	}
	return append(f, field{name: "text", elem: 1, data: p.text, resize: func(n int) []byte {
		p.text = make([]byte, n)
		p.pos = uint32(n)
		return p.text
	}})
}
