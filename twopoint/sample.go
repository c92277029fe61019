package twopoint

import (
	"context"
	"fmt"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/token"
)

// Sample measures the two-point information of documents at distances 1, 2, 4, …,
// within memory: of all of them, or of about so many bytes where bytes is above 0.
// tokens names a stream of a small vocabulary (token.ParseStream).
func Sample(ctx context.Context, c *corpus.Corpus, tokens string, bytes int64, seed uint64, workers int) (*result.TwoPoint, error) {
	stream, err := token.ParseStream(tokens)
	if err != nil {
		return nil, err
	}
	opts := count.Options{
		Distances: dyadicDistances(1, min(c.Longest(), maxDistance+1)), Vocabulary: stream.Size(),
		Blocks: count.DefaultBlocks, BlockTokens: 1 << 16, Seed: seed, Workers: workers,
	}.Divide(sizesOf(c))
	if bytes > 0 && bytes < c.Bytes() {
		opts.Sample = float64(bytes) / float64(c.Bytes())
	}
	counts, err := count.Pairs(ctx, newTokenSource(ctx, c, stream, opts), opts)
	if err != nil {
		return nil, fmt.Errorf("two-point information: %w", err)
	}
	return estimateTwoPoint(ctx, &count.File{Result: *counts}, Options{Estimator: string(mi.Grassberger), Seed: seed, Workers: workers})
}

// maxDistance bounds the distances of Sample; Run goes further.
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
