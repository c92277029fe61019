package count

import (
	"context"

	"github.com/l2m-lab/l2m/token"
)

// denseChunk is the number of tokens per chunk while filling tables: small
// enough to stay in the cache, large enough to make handing over cheap.
const denseChunk = 1 << 18

// countDense fills one V×V table per distance and block while reading. Workers
// share the distances of a chunk, so there is one set of tables however many
// they are.
func countDense(ctx context.Context, src Source, o Options) (*Result, error) {
	v, blocks := o.Vocabulary, max(1, o.Blocks)
	tables := make([][][]int64, len(o.Distances)) // [distance][block]
	for i := range tables {
		tables[i] = make([][]int64, blocks)
		for b := range tables[i] {
			tables[i][b] = make([]int64, v*v)
		}
	}
	unigrams := make([]int64, v)
	used := make([]bool, blocks)
	size := max(denseChunk, 2*o.maxDistance())

	var tokens int64
	c, err := pipeline(ctx, src, o, size, func(_ context.Context, ch *chunk) error {
		each(o.Workers, len(tables)+1, func(_, i int) {
			if i == len(tables) {
				countTokens(unigrams, used, ch)
				return
			}
			for _, s := range ch.segments {
				fillTable(tables[i][s.block], v, ch.tokens, s, o.Distances[i])
			}
		})
		tokens += ch.newTokens()
		o.Progress(Progress{Stage: "counting", Done: tokens * int64(len(tables)), Tokens: tokens})
		return nil
	})
	if err != nil {
		return nil, err
	}

	r := &Result{
		Tokens: c.tokens, Documents: c.documents, Vocabulary: v,
		Unigrams: HistogramOf(unigrams), Distances: make([]Distance, len(tables)),
	}
	each(o.Workers, len(tables), func(_, i int) {
		r.Distances[i] = denseDistance(o, tables[i], used, o.Distances[i])
	})
	return r, nil
}

func countTokens(unigrams []int64, used []bool, ch *chunk) {
	for _, s := range ch.segments {
		used[s.block] = true
		for _, t := range ch.tokens[s.lo:s.hi] {
			unigrams[t]++
		}
	}
}

// fillTable adds the pairs at distance d whose right end lies in the segment.
func fillTable(table []int64, v int, tokens []token.ID, s segment, d int) {
	lo := max(s.lo, s.from+d)
	if lo >= s.hi {
		return
	}
	right := tokens[lo:s.hi]
	left := tokens[lo-d : s.hi-d]
	left = left[:len(right)]
	for i, b := range right {
		table[int(left[i])*v+int(b)]++
	}
}

func denseDistance(o Options, blocks [][]int64, used []bool, d int) Distance {
	v := o.Vocabulary
	total := blocks[0]
	if len(blocks) > 1 {
		total = make([]int64, v*v)
		for _, t := range blocks {
			for i, n := range t {
				total[i] += n
			}
		}
	}
	out := Distance{Distance: d, Counts: tableCounts(total, v)}
	if o.Blocks > 0 {
		rest := make([]int64, v*v)
		for b, t := range blocks {
			if !used[b] {
				continue
			}
			for i, n := range t {
				rest[i] = total[i] - n
			}
			out.Without = append(out.Without, tableCounts(rest, v))
		}
	}
	if o.Tables {
		out.Table = total
	}
	return out
}

// tableCounts reads the histograms off a table.
func tableCounts(table []int64, v int) Counts {
	left, right := make([]int64, v), make([]int64, v)
	var pairs int64
	for a := range v {
		for b, n := range table[a*v : (a+1)*v] {
			left[a] += n
			right[b] += n
		}
		pairs += left[a]
	}
	return Counts{Pairs: pairs, Joint: HistogramOf(table), Left: HistogramOf(left), Right: HistogramOf(right)}
}
