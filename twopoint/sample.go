package twopoint

import (
	"context"
	"fmt"
	"slices"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/token"
)

// Sample measures the two-point information of documents at distances 1, 2, 4, …,
// within memory: of all of them, or of stretches of them, about bytes in all, where
// bytes is above 0.
// tokens names a stream of a small vocabulary (token.ParseStream).
func Sample(ctx context.Context, c *corpus.Corpus, tokens string, bytes int64, seed uint64, workers int) (*result.TwoPoint, error) {
	stream, err := token.ParseStream(tokens)
	if err != nil {
		return nil, err
	}
	sizes, longest := sizesOf(c), c.Longest()
	var parts []stretch
	if bytes > 0 && bytes < c.Bytes() {
		parts = drawStretches(slices.Collect(c.Lengths()), bytes, seed)
		sizes, longest = count.Sizes{}, 0
		for _, p := range parts {
			if p.bytes > 0 {
				sizes.Add(p.bytes)
				longest = max(longest, p.bytes)
			}
		}
	}
	opts := count.Options{
		Distances: dyadicDistances(1, min(longest, maxDistance+1)), Vocabulary: stream.Size(),
		Blocks: count.DefaultBlocks, BlockTokens: 1 << 16, Seed: seed, Workers: workers,
	}.Divide(sizes)
	src := newTokenSource(ctx, c, stream, opts)
	src.parts = parts
	counts, err := count.Pairs(ctx, src, opts)
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
