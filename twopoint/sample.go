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

// Sample measures the two-point information of documents at distances 1, 2, 4, … in
// memory: of all text, or, if bytes is above 0, of stretches with about that many
// bytes in all. tokens names a stream with a small vocabulary (see token.ParseStream).
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
	return estimation{estimator: mi.Grassberger, seed: seed, workers: workers}.run(ctx, &count.File{Result: *counts})
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
