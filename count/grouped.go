package count

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/token"
)

// bytesPerToken is the memory per token of a chunk: the chunk itself, the one
// that is being read, and the index.
const bytesPerToken = 4 + 4 + indexBytes

// assumedVocabulary sets memory aside for a vocabulary that is not known.
const assumedVocabulary = 1 << 18

// rangeTokens is how many left tokens should be in a range: they and their slots
// fit into a core's own cache.
const rangeTokens = 1 << 17

// maxRanges is the number of ranges that part can name.
const maxRanges = 256

// grouped counts vocabularies of any size, grouped by right token.
type grouped struct {
	o    Options
	size int // tokens per chunk

	unigrams []int64    // by id
	rank     []token.ID // by id: tokens numbered by descending frequency in the first chunk, later ones as they come; 0: not seen
	seen     int        // ranks given: 1..seen

	index   index
	workers []*counter
	store   *store // nil while there is none
	chunks  int    // read
	tokens  int64  // read
	spilled bool   // the corpus has more than one chunk
	sums    []Distance
	resumed int64
}

func countGrouped(ctx context.Context, src Source, o Options) (r *Result, err error) {
	size, err := o.chunkSize()
	if err != nil {
		return nil, err
	}
	g := &grouped{o: o, size: size, sums: make([]Distance, len(o.Distances))}
	if g.store, err = openStore(o, size); err != nil {
		return nil, err
	}
	defer func() {
		if ferr := g.store.finish(); err == nil && ferr != nil {
			r, err = nil, ferr
		}
	}()
	totals, err := g.read(ctx, src)
	if err != nil {
		return nil, err
	}
	g.index, g.workers = index{}, nil // room for merging
	if err := g.merge(ctx, totals); err != nil {
		return nil, err
	}
	r = &Result{
		Tokens: totals.Tokens, Documents: totals.Documents, Vocabulary: totals.Vocabulary,
		Unigrams: totals.Unigrams, Distances: g.sums,
	}
	if g.store != nil {
		r.Spilled = g.store.spilled
	}
	return r, nil
}

// read reads the documents, which leaves either all distances finished or runs
// to be merged.
func (g *grouped) read(ctx context.Context, src Source) (totals corpusTotals, err error) {
	path := ""
	if g.store != nil {
		path = g.store.path("corpus.json")
		if done, err := g.store.load(path, &totals); done || err != nil {
			return totals, err
		}
	}
	o := g.o
	g.unigrams, g.rank = make([]int64, o.Vocabulary), make([]token.ID, o.Vocabulary)
	g.workers = make([]*counter, o.Workers)
	for i := range g.workers {
		g.workers[i] = newCounter(o.Blocks)
	}
	c, err := pipeline(ctx, src, o, g.size, g.chunk)
	if err != nil {
		return totals, err
	}
	totals = corpusTotals{
		Tokens: c.tokens, Documents: c.documents, Vocabulary: o.Vocabulary, Seen: g.seen, Ranges: len(g.index.bounds) - 1,
		Used: g.index.used, Unigrams: info.HistogramOf(g.unigrams),
	}
	if g.spilled {
		totals.Chunks = g.chunks
	}
	if o.Vocabulary == 0 && c.tokens > 0 {
		totals.Vocabulary = int(c.vocabulary)
	}
	return totals, g.store.save(path, totals)
}

// chunkSize is the number of tokens of a chunk that fits into Memory.
func (o Options) chunkSize() (int, error) {
	v := int64(o.Vocabulary)
	if v == 0 {
		v = assumedVocabulary
	}
	w := int64(o.Workers)
	// Of the vocabulary: numbers of tokens, ranks, starts of groups; per worker,
	// slots while the index is built, cells, those left out, and the list of those
	// touched.
	fixed := v*(8+4+4+1) + w*(v*(4+4+4+4)+counterBytes(o.Blocks)+8*rangeTokens) + int64(o.Blocks+1)*sumsBytes
	least := int64(max(1<<12, 4*o.maxDistance()))
	size := (o.Memory*7/8 - fixed) / bytesPerToken // an eighth for the garbage collector
	if size < least {
		return 0, &MemoryError{o.Memory, (fixed + (least+1)*bytesPerToken) * 8 / 7, fmt.Sprintf("a vocabulary of %d, %d workers and distances up to %d", v, w, o.maxDistance())}
	}
	return int(min(size, 1<<31)), nil
}

// chunk counts one chunk.
func (g *grouped) chunk(ctx context.Context, ch *chunk) (err error) {
	i, tokens := g.chunks, ch.newTokens()
	g.relabel(ch)
	g.tokens += tokens
	if ch.last && i == 0 {
		g.index.build(ch, g.seen, g.o)
		return g.inMemory(ctx, ch)
	}
	g.spilled = true
	if g.store == nil {
		if g.store, err = temporaryStore(); err != nil {
			return err
		}
	}
	if g.store.has(g.store.chunkPath(i)) {
		g.index.use(ch, g.o)
		g.resumed += tokens
		return nil
	}
	g.index.build(ch, g.seen, g.o)
	return g.store.writeChunk(i, func(w *runWriter) error { return g.spill(ctx, ch, w) })
}

// relabel replaces ids by ranks.
func (g *grouped) relabel(ch *chunk) {
	fresh := make([]token.ID, 0)
	for _, s := range ch.segments {
		for _, t := range ch.tokens[s.lo:s.hi] {
			if t == token.None {
				continue
			}
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
		g.index.bounds = g.divide(fresh, ch.newTokens())
	}
	g.chunks++
	parts := min(g.o.Workers, 1+len(ch.tokens)>>16)
	each(g.o.Workers, parts, func(_, i int) {
		lo, hi := 1+i*(len(ch.tokens)-1)/parts, 1+(i+1)*(len(ch.tokens)-1)/parts
		part := ch.tokens[lo:hi]
		for j, t := range part {
			if t == token.None {
				part[j] = 0
				continue
			}
			part[j] = g.rank[t]
		}
	})
}

// divide cuts the ranks into ranges of about equal numbers of tokens; gaps, of
// rank 0, go with the first.
func (g *grouped) divide(byRank []token.ID, total int64) []int {
	ranges := min(max(total/rangeTokens, 1), maxRanges)
	bounds := []int{0}
	var sum int64
	for i, t := range byRank {
		sum += g.unigrams[t]
		if sum*ranges >= total*int64(len(bounds)) && i+1 < len(byRank) && int64(len(bounds)) < ranges {
			bounds = append(bounds, i+2)
		}
	}
	return append(bounds, maxVocabulary+1)
}

// progress returns a function that workers call with the positions they have
// visited. It must not be called by two at a time.
func (g *grouped) progress(stage string, done, total int64) func(int64) {
	return func(work int64) {
		done += work
		g.o.Progress(Progress{Stage: stage, Done: done, Total: total, Resumed: g.resumed * int64(len(g.o.Distances)), Tokens: g.tokens})
	}
}

// inMemory counts a corpus that is a single chunk.
func (g *grouped) inMemory(ctx context.Context, ch *chunk) error {
	o := g.o
	var mu sync.Mutex
	report := g.progress("counting", 0, g.tokens*int64(len(o.Distances)))
	sums := newSums(o.Blocks)
	for k, d := range o.Distances {
		if err := ctx.Err(); err != nil {
			return err
		}
		if g.store != nil {
			if done, err := g.store.load(g.store.distancePath(d), &g.sums[k]); err != nil {
				return err
			} else if done {
				g.resumed += g.tokens / int64(len(o.Distances))
				report(g.tokens)
				continue
			}
		}
		sums.reset()
		each(o.Workers, len(g.index.slices), func(_, i int) { g.index.scatter(ch, i, d) })
		each(o.Workers, len(g.index.bounds), func(worker, i int) {
			c := g.workers[worker]
			c.begin(g.seen)
			if i == 0 {
				c.leftTokens(&g.index, ch, d)
			} else {
				c.pairs(&g.index, i-1)
			}
			mu.Lock()
			defer mu.Unlock()
			if i == 0 {
				sums.addLeft(c)
			} else {
				sums.addPairs(c)
			}
			report(c.work)
		})
		g.sums[k] = sums.distance(d, g.index.used)
		if g.store != nil {
			if err := g.store.save(g.store.distancePath(d), &g.sums[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// spill writes the runs of a chunk.
func (g *grouped) spill(ctx context.Context, ch *chunk, w *runWriter) error {
	o := g.o
	var mu sync.Mutex
	n := ch.newTokens()
	report := g.progress("counting", (g.tokens-n)*int64(len(o.Distances)), 0)
	for k, d := range o.Distances {
		if err := ctx.Err(); err != nil {
			return err
		}
		each(o.Workers, len(g.index.slices), func(_, i int) { g.index.scatter(ch, i, d) })
		each(o.Workers, len(g.index.bounds), func(worker, i int) {
			c := g.workers[worker]
			c.begin(g.seen)
			if i == 0 {
				c.spillLeft(&g.index, ch, d, section{k, len(g.index.bounds) - 1}, w)
			} else {
				c.spillPairs(&g.index, i-1, section{k, i - 1}, w)
			}
			mu.Lock()
			defer mu.Unlock()
			report(c.work)
		})
	}
	return nil
}

// merge adds up the runs of all chunks, if there are any.
func (g *grouped) merge(ctx context.Context, totals corpusTotals) error {
	o := g.o
	if totals.Chunks == 0 {
		for k, d := range o.Distances {
			if g.sums[k].Distance != 0 {
				continue // counted in this call
			}
			if done, err := g.store.load(g.store.distancePath(d), &g.sums[k]); err != nil {
				return err
			} else if !done {
				return fmt.Errorf("%s is gone (remove the folder and count again)", g.store.distancePath(d))
			}
		}
		return nil
	}
	runs := make([]*runFile, 0, totals.Chunks)
	defer func() {
		for _, r := range runs {
			r.f.Close()
		}
	}()
	for i := range totals.Chunks {
		r, err := openRun(g.store.chunkPath(i))
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	var (
		mu      sync.Mutex
		failed  error
		mergers = make([]*merger, o.Workers)
		report  = g.progress("merging", 0, int64(len(o.Distances)*(totals.Ranges+1)))
	)
	g.resumed = 0
	// Merging needs wider cells: it does with fewer workers if it must.
	workers := int(min(int64(o.Workers), max(1, o.Memory*7/8/mergerBytes(int64(totals.Seen), o.Blocks))))
	sums := newSums(o.Blocks)
	for k, d := range o.Distances {
		if done, err := g.store.load(g.store.distancePath(d), &g.sums[k]); err != nil {
			return err
		} else if done {
			report(int64(totals.Ranges + 1))
			continue
		}
		sums.reset()
		each(workers, totals.Ranges+1, func(worker, i int) {
			if mergers[worker] == nil {
				mergers[worker] = newMerger(totals.Seen, o.Blocks)
			}
			m := mergers[worker]
			m.begin()
			err := ctx.Err()
			if err == nil && i == 0 {
				err = m.lefts(runs, k, totals.Ranges)
			} else if err == nil {
				err = m.pairs(runs, section{k, i - 1})
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			sums.merge(m.sums)
			report(1)
		})
		if failed != nil {
			return failed
		}
		g.sums[k] = sums.distance(d, totals.Used)
		if err := g.sums[k].check(); err != nil {
			return err
		}
		if err := g.store.save(g.store.distancePath(d), &g.sums[k]); err != nil {
			return err
		}
	}
	return nil
}
