package corpus

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
)

// TrainingOptions says which training text to draw.
type TrainingOptions struct {
	Budget  int64 // total bytes, held in memory; at least 1
	Excerpt int   // bytes per excerpt; 0 means 128 KiB
}

// excerpt is a stretch of training text.
type excerpt struct {
	doc    int
	start  int64
	length int
	text   []byte
}

// Excerpts yields excerpts of the training text that start at random positions, in
// a seeded random order: all of the text if it fits the budget, else an even
// sample of every document. The yielded slices may be kept.
func (s *Split) Excerpts(ctx context.Context, o TrainingOptions) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		excerpts, err := s.drawTraining(ctx, o)
		if err != nil {
			yield(nil, fmt.Errorf("drawing training text: %w", err))
			return
		}
		for _, e := range excerpts {
			if !yield(e.text, nil) {
				return
			}
		}
	}
}

func (s *Split) drawTraining(ctx context.Context, o TrainingOptions) ([]*excerpt, error) {
	if o.Excerpt == 0 {
		o.Excerpt = 128 << 10
	}
	share := min(1, float64(o.Budget)/float64(s.TrainingBytes()))
	byDoc := map[int][]*excerpt{}
	var all []*excerpt
	add := func(doc int, start, end int64) {
		if end > start {
			e := &excerpt{doc: doc, start: start, length: int(end - start)}
			byDoc[doc] = append(byDoc[doc], e)
			all = append(all, e)
		}
	}
	for _, doc := range s.training {
		d, n := s.c.docs.at(doc), s.trainable(doc)
		rng := rand.New(rand.NewPCG(d.seed(s.seed, "training"), 0))
		if share == 1 {
			// Take all of it, cut at random positions.
			at := int64(0)
			next := 1 + rng.Int64N(int64(o.Excerpt))
			for at < n {
				next = min(next, n)
				add(doc, at, next)
				at, next = next, next+int64(o.Excerpt)
			}
			continue
		}
		want := share * float64(n)
		pieces := int64(want / float64(o.Excerpt))
		length := int64(o.Excerpt)
		if pieces == 0 {
			// Take one shorter excerpt, or, for tiny shares, one of 4 KiB with
			// the right probability.
			least := min(float64(n), 4096)
			if want < least && rng.Float64() >= want/least {
				continue
			}
			pieces, length = 1, int64(max(want, least))
		}
		for i := range pieces {
			lo, hi := n*i/pieces, n*(i+1)/pieces
			start := lo + rng.Int64N(hi-lo-length+1)
			add(doc, start, start+length)
		}
	}
	err := s.c.visit(ctx, documentsOf(byDoc), func(doc int, r io.Reader) error {
		at := int64(0)
		for _, e := range byDoc[doc] {
			e.text = make([]byte, e.length)
			if err := readAt(r, &at, e.start, e.text); err != nil {
				return fmt.Errorf("%s: %w", s.c.Name(doc), err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b *excerpt) int { return cmp.Or(cmp.Compare(a.doc, b.doc), cmp.Compare(a.start, b.start)) })
	rng := rand.New(rand.NewPCG(s.seed, 0x747261696e696e67)) // stream "training"
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all, nil
}
