package l2m

import (
	"context"
	"fmt"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/token"
)

// twoPointJob is a count that runs beside other work.
type twoPointJob struct {
	done   chan struct{}
	result *result.TwoPoint
	err    error
}

func startTwoPoint(ctx context.Context, c *corpus.Corpus, tokens string, o MeasureOptions) *twoPointJob {
	j := &twoPointJob{done: make(chan struct{})}
	go func() {
		defer close(j.done)
		j.result, j.err = countTwoPoint(ctx, c, tokens, o)
	}()
	return j
}

// wait returns the result once it is there; it may be called again.
func (j *twoPointJob) wait() (*result.TwoPoint, error) {
	<-j.done
	return j.result, j.err
}

// countTwoPoint measures the two-point information of all documents at
// distances 1, 2, 4, …, or returns nil if it is not wanted. tokens names a stream
// of a small vocabulary; of others there is none here: l2m twopoint counts them.
func countTwoPoint(ctx context.Context, c *corpus.Corpus, tokens string, o MeasureOptions) (*result.TwoPoint, error) {
	if o.TwoPointBytes < 0 || tokens == "" {
		return nil, nil
	}
	stream, err := token.ParseStream(tokens)
	if err != nil {
		return nil, err
	}
	opts := count.Options{
		Distances: dyadicDistances(1, min(c.Longest(), maxDistance+1)), Vocabulary: stream.Size(),
		Blocks: count.DefaultBlocks, BlockTokens: 1 << 16, Seed: o.Seed, Workers: o.Workers,
	}.Divide(sizesOf(c))
	if o.TwoPointBytes > 0 && o.TwoPointBytes < c.Bytes() {
		opts.Sample = float64(o.TwoPointBytes) / float64(c.Bytes())
	}
	counts, err := count.Pairs(ctx, newTokenSource(ctx, c, stream, opts), opts)
	if err != nil {
		return nil, fmt.Errorf("two-point information: %w", err)
	}
	return estimateTwoPoint(ctx, &count.File{Result: *counts}, TwoPointOptions{Estimator: string(mi.Grassberger), Seed: o.Seed, Workers: o.Workers})
}

// maxDistance bounds the distances of measure; l2m twopoint goes further.
const maxDistance = 1 << 16

// dyadicDistances are the powers of two from least to below longest.
func dyadicDistances(least int, longest int64) []int {
	var ds []int
	for d := 1; int64(d) < longest; d *= 2 {
		if d >= least {
			ds = append(ds, d)
		}
	}
	return ds
}
