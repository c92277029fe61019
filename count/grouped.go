package count

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/l2m-lab/l2m/token"
)

// Memory per token of a chunk: the chunk itself, the one being read, position,
// reach and block.
const bytesPerToken = 4 + 4 + 4 + 1 + 1

// assumedVocabulary sets memory aside for a vocabulary that is not known.
const assumedVocabulary = 1 << 20

// ranges is the number of work items per distance.
const ranges = 64

// grouped counts vocabularies of any size, grouped by right token.
type grouped struct {
	o    Options
	size int // tokens per chunk

	unigrams []int64    // by id
	rank     []token.ID // by id: tokens numbered by descending frequency in the first chunk, later ones as they come; 0: not seen
	seen     int        // ranks given: 1..seen
	bounds   []int      // the ranges of ranks: bounds[i] ≤ rank < bounds[i+1]

	index   index
	workers []*counter
	chunks  int
	tokens  int64
	result  []Distance
}

func countGrouped(ctx context.Context, src Source, o Options) (*Result, error) {
	size, err := o.chunkSize()
	if err != nil {
		return nil, err
	}
	g := &grouped{o: o, size: size, unigrams: make([]int64, o.Vocabulary), rank: make([]token.ID, o.Vocabulary)}
	g.workers = make([]*counter, o.Workers)
	for i := range g.workers {
		g.workers[i] = newCounter(o.Blocks)
	}
	g.result = make([]Distance, len(o.Distances))
	c, err := pipeline(ctx, src, o, size, g.chunk)
	if err != nil {
		return nil, err
	}
	v := o.Vocabulary
	if v == 0 && c.tokens > 0 {
		v = int(c.largest) + 1
	}
	return &Result{
		Tokens: c.tokens, Documents: c.documents, Vocabulary: v,
		Unigrams: HistogramOf(g.unigrams), Distances: g.result,
	}, nil
}

// chunkSize is the number of tokens of a chunk that fits into Memory.
func (o Options) chunkSize() (int, error) {
	v := int64(o.Vocabulary)
	if v == 0 {
		v = assumedVocabulary
	}
	w := int64(o.Workers)
	fixed := v*(8+4+8) + w*(v*8+counterBytes(o.Blocks)) + int64(len(o.Distances)*(o.Blocks+1))*sumsBytes
	least := int64(max(1<<12, 4*o.maxDistance()))
	size := (o.Memory - fixed) / bytesPerToken
	if size < least {
		return 0, fmt.Errorf("a memory limit of %d MB is too small for a vocabulary of %d, %d workers and distances up to %d: at least %d MB are needed",
			o.Memory>>20, v, w, o.maxDistance(), (fixed+least*bytesPerToken)>>20+1)
	}
	return int(min(size, 1<<31)), nil
}

// chunk counts one chunk.
func (g *grouped) chunk(ctx context.Context, ch *chunk) error {
	g.relabel(ch)
	g.index.build(ch, g.seen, g.o)
	g.tokens += ch.newTokens()
	return g.inMemory(ctx, ch)
}

// relabel replaces ids by ranks.
func (g *grouped) relabel(ch *chunk) {
	fresh := make([]token.ID, 0)
	for _, s := range ch.segments {
		for _, t := range ch.tokens[s.lo:s.hi] {
			if int(t) >= len(g.unigrams) {
				n := max(int(t)+1, 2*len(g.unigrams))
				g.unigrams = append(g.unigrams, make([]int64, n-len(g.unigrams))...)
				g.rank = append(g.rank, make([]token.ID, n-len(g.rank))...)
			}
			if g.unigrams[t] == 0 {
				fresh = append(fresh, t)
			}
			g.unigrams[t]++
		}
	}
	if g.chunks == 0 {
		slices.SortFunc(fresh, func(a, b token.ID) int {
			return cmp.Or(cmp.Compare(g.unigrams[b], g.unigrams[a]), cmp.Compare(a, b))
		})
	}
	for _, t := range fresh {
		g.seen++
		g.rank[t] = token.ID(g.seen)
	}
	if g.chunks == 0 {
		g.bounds = g.divide(fresh)
	}
	g.chunks++
	parts := min(g.o.Workers, 1+len(ch.tokens)>>16)
	each(g.o.Workers, parts, func(_, i int) {
		lo, hi := 1+i*(len(ch.tokens)-1)/parts, 1+(i+1)*(len(ch.tokens)-1)/parts
		part := ch.tokens[lo:hi]
		for j, t := range part {
			part[j] = g.rank[t]
		}
	})
}

// divide cuts the ranks into ranges of about equal numbers of tokens.
func (g *grouped) divide(byRank []token.ID) []int {
	var total int64
	for _, t := range byRank {
		total += g.unigrams[t]
	}
	bounds := []int{1}
	var sum int64
	for i, t := range byRank {
		sum += g.unigrams[t]
		if sum*ranges >= total*int64(len(bounds)) && i+1 < len(byRank) && len(bounds) < ranges {
			bounds = append(bounds, i+2)
		}
	}
	return append(bounds, maxVocabulary+1)
}

// inMemory counts a corpus that is a single chunk.
func (g *grouped) inMemory(ctx context.Context, ch *chunk) error {
	o := g.o
	sums := make([]*sums, len(o.Distances))
	for k := range sums {
		sums[k] = newSums(o.Blocks)
	}
	perDistance := len(g.bounds) // the ranges, and one for the left tokens
	var (
		mu   sync.Mutex
		done int64
		left = make([]int, len(o.Distances))
	)
	for k := range left {
		left[k] = perDistance
	}
	each(o.Workers, perDistance*len(o.Distances), func(worker, i int) {
		if ctx.Err() != nil {
			return
		}
		k, part := i/perDistance, i%perDistance
		c := g.workers[worker]
		c.begin(g.seen)
		if part == 0 {
			c.leftTokens(&g.index, ch, o.Distances[k])
		} else {
			c.pairs(&g.index, ch, k, o.Distances[k], g.bounds[part-1], g.bounds[part])
		}
		mu.Lock()
		defer mu.Unlock()
		if part == 0 {
			sums[k].addLeft(c)
		} else {
			sums[k].addPairs(c)
		}
		done += c.work
		if left[k]--; left[k] == 0 {
			g.result[k] = sums[k].distance(o.Distances[k], g.index.used)
			sums[k] = nil
		}
		o.Progress(Progress{Stage: "counting", Done: done, Total: g.tokens * int64(len(o.Distances)), Tokens: g.tokens})
	})
	return ctx.Err()
}
