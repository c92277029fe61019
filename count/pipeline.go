package count

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// pipeline reads src into chunks as planned and passes each to consume while it reads
// the next. It returns the chunker for its totals.
func pipeline(ctx context.Context, src Source, o Options, plan planner, consume func(context.Context, *chunk) error) (*chunker, error) {
	g, gctx := errgroup.WithContext(ctx)
	filled := make(chan *chunk)
	empty := make(chan *chunk, 2) // there are two chunks in all
	empty <- new(chunk)
	c, err := newChunker(o, plan, func(full *chunk) (*chunk, error) {
		select {
		case filled <- full:
		case <-gctx.Done():
			return nil, gctx.Err()
		}
		if full.last {
			return nil, nil
		}
		select {
		case next := <-empty:
			return next, nil
		case <-gctx.Done():
			return nil, gctx.Err()
		}
	})
	if err != nil {
		return nil, err
	}
	g.Go(func() error {
		defer close(filled)
		return c.run(gctx, src)
	})
	g.Go(func() error {
		for ch := range filled {
			if err := gctx.Err(); err != nil {
				return err
			}
			if err := consume(gctx, ch); err != nil {
				return err
			}
			empty <- ch
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return c, nil
}
