package count

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/token"
)

// bytesPerToken is the memory per token of a chunk: the chunk itself, the one
// that is being read, and the index.
const bytesPerToken = 4 + 4 + indexBytes

// rangeTokens is how many left tokens should be in a range: they and their slots
// fit into a core's own cache.
const rangeTokens = 1 << 17

// maxChunk is the largest number of tokens of a chunk: twice as many, with those
// that it repeats, must fit into a counter's cells of 32 bits. A chunk has room for
// four times the largest distance.
const maxChunk = 1 << 30

// maxRanges is the number of ranges that part can name.
const maxRanges = 256

// grouped counts vocabularies of any size, grouped by right token.
type grouped struct {
	o Options

	unigrams []int64    // by id
	rank     []token.ID // by id: tokens numbered by descending frequency in the first chunk, later ones as they come; 0: not seen
	seen     int        // ranks given: 1..seen

	index   index
	workers []*counter
	store   *store // nil while there is none
	kept    []int  // new tokens of the chunks that an earlier call left
	chunks  int    // read
	tokens  int64  // read
	spilled bool   // the corpus has more than one chunk
	sums    []Distance
	resumed int64
}

// countGrouped returns the store it was given, or one that it has made for what
// did not fit.
func countGrouped(ctx context.Context, src Source, o Options, store *store) (*Result, *store, error) {
	g := &grouped{o: o, sums: make([]Distance, len(o.Distances)), store: store}
	if store != nil {
		g.kept = store.chunkTokens()
	}
	totals, err := g.read(ctx, src)
	if err != nil {
		return nil, g.store, err
	}
	g.index, g.workers, g.unigrams, g.rank = index{}, nil, nil, nil // room for merging
	if err := g.merge(ctx, totals); err != nil {
		return nil, g.store, err
	}
	r := &Result{
		Tokens: totals.Tokens, Documents: totals.Documents, Vocabulary: totals.Vocabulary,
		Unigrams: totals.Unigrams, Distances: g.sums,
	}
	if g.store != nil {
		r.Spilled = g.store.spilled
	}
	return r, g.store, nil
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
	c, err := pipeline(ctx, src, o, g.planner(), g.chunk)
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

// planner sets the limits of chunks by the memory: room for the vocabulary first,
// then for tokens. Chunks that are there already stay as they are.
func (g *grouped) planner() planner {
	o := g.o
	return func(n int, seen int64) (limits, error) {
		l := limits{}
		if n < len(g.kept) {
			l.fresh = g.kept[n]
		}
		v, size, err := o.roomFor(seen, l.fresh)
		l.tokens = size
		if l.fresh > 0 {
			l.tokens = max(size, l.fresh+o.maxDistance())
		}
		if o.Vocabulary == 0 {
			l.vocabulary = v
		}
		if l.fresh > size && err == nil {
			err = fmt.Errorf("what is kept in %s was counted with more memory than %d MB (raise it again, or remove the folder)", o.SpillDir, o.Memory>>20)
		}
		return l, err
	}
}

// roomFor divides the memory when so many different tokens have been seen: room
// for a vocabulary of v, and for chunks of size tokens. As many more as have been
// seen may come of an open vocabulary; where that is too many, or chunks would be
// smaller than one that is kept, a few.
func (o Options) roomFor(seen int64, kept int) (v int64, size int, err error) {
	if v = int64(o.Vocabulary); v > 0 {
		size, err = o.chunkSize(v)
		return v, size, err
	}
	some := []int64{max(o.openVocabulary(), 2*seen), max(leastVocabulary, 2*seen)}
	if seen > 0 {
		some = append(some, seen+seen/4, seen+seen/16)
	}
	var twice *MemoryError
	for i := range some {
		v = some[i]
		if size, err = o.chunkSize(v); err == nil && size >= kept {
			return v, size, nil
		}
		if i == 1 {
			errors.As(err, &twice)
		}
	}
	if few := (*MemoryError)(nil); seen > 0 && twice != nil && errors.As(err, &few) {
		few.For = fmt.Sprintf("the %d different tokens so far and a few to come (what is counted is kept: with more memory the same call continues; or count a fixed vocabulary)", seen)
		few.Ample = twice.Need
	}
	return v, size, err
}

// leastVocabulary is how many different tokens there is room for to begin with, at
// least, when it is not known how many there are.
const leastVocabulary = 1 << 14

// openVocabulary is the number of different tokens that there is room for to
// begin with when it is not known: a quarter of the memory.
func (o Options) openVocabulary() int64 { return max(leastVocabulary, o.Memory/4/o.vocabularyBytes()) }

// vocabularyBytes is the memory that each token of the vocabulary takes: its
// number, rank, and start of a group; per worker a slot while the index is built, a
// cell, one for what is left out, and a place in the list of those touched. Where
// the vocabulary grows, there is some to spare, and the old and the new of one at a
// time.
func (o Options) vocabularyBytes() int64 {
	perWorker := int64(4 + 4 + 4 + 4)
	n := 8 + 4 + 4 + 1 + o.TokenBytes + int64(o.Workers)*perWorker
	if o.Vocabulary == 0 {
		n += (8+4)/4 + 8 + int64(o.Workers)*perWorker/8
	}
	return n
}

// chunkSize is the number of tokens of a chunk that fits into Memory beside a
// vocabulary of v.
func (o Options) chunkSize(v int64) (int, error) {
	w := int64(o.Workers)
	fixed := v*o.vocabularyBytes() + w*(counterBytes(o.Blocks)+8*rangeTokens) + int64(o.Blocks+1)*sumsBytes
	// A chunk costs a look at the whole vocabulary for each distance.
	least := max(1<<12, 4*int64(o.maxDistance()), v/8)
	if least > maxChunk {
		return 0, fmt.Errorf("a distance of %d is above %d (leave it out)", o.maxDistance(), maxChunk/4)
	}
	size := (o.Memory*7/8 - fixed) / bytesPerToken // an eighth for the garbage collector
	if size < least {
		return 0, &MemoryError{Limit: o.Memory, Need: (fixed + (least+1)*bytesPerToken) * 8 / 7, For: fmt.Sprintf("a vocabulary of %d, %d workers and distances up to %d", v, w, o.maxDistance())}
	}
	return int(min(size, maxChunk)), nil
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
	if i < len(g.kept) {
		g.index.use(ch, g.o)
		g.resumed += tokens
		return nil
	}
	g.index.build(ch, g.seen, g.o)
	return g.store.writeChunk(tokens, func(w *runWriter) error { return g.spill(ctx, ch, w) })
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
				n := max(int(t)+1, len(g.unigrams)+len(g.unigrams)/4)
				g.unigrams, g.rank = grown(g.unigrams, n), grown(g.rank, n)
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

// grown returns a copy of s with n elements.
func grown[T any](s []T, n int) []T {
	out := make([]T, n)
	copy(out, s)
	return out
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
			if err := g.store.saveDistance(&g.sums[k]); err != nil {
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
				c.spillLeft(&g.index, ch, d, section{int32(k), int32(len(g.index.bounds) - 1)}, w)
			} else {
				c.spillPairs(&g.index, i-1, section{int32(k), int32(i - 1)}, w)
			}
			mu.Lock()
			defer mu.Unlock()
			report(c.work)
		})
	}
	return nil
}

// merge adds up the runs of all chunks, if there are any, and reads what is finished.
func (g *grouped) merge(ctx context.Context, totals corpusTotals) error {
	if totals.Chunks > 0 {
		if err := g.mergeChunks(ctx, totals); err != nil {
			return err
		}
	}
	for k, d := range g.o.Distances {
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

// mergeChunks adds up the runs of all chunks.
func (g *grouped) mergeChunks(ctx context.Context, totals corpusTotals) error {
	o := g.o
	runs := make([]*runFile, 0, totals.Chunks)
	defer func() {
		for _, r := range runs {
			r.f.Close()
		}
	}()
	if len(g.store.chunks) < totals.Chunks {
		return fmt.Errorf("%s is gone (remove the folder and count again)", g.store.path(fmt.Sprintf("chunk %d", len(g.store.chunks))))
	}
	for i := range totals.Chunks {
		r, err := openRun(g.store.chunks[i])
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
	workers, buffer, err := o.divideMemory(totals, runs)
	if err != nil {
		return err
	}
	sums := newSums(o.Blocks)
	for k, d := range o.Distances {
		if g.store.has(g.store.distancePath(d)) {
			report(int64(totals.Ranges + 1))
			continue
		}
		sums.reset()
		for _, r := range runs {
			if err := r.use(k); err != nil {
				return err
			}
		}
		each(workers, totals.Ranges+1, func(worker, i int) {
			if mergers[worker] == nil {
				mergers[worker] = newMerger(totals.Seen, o.Blocks, len(runs), buffer)
			}
			m := mergers[worker]
			m.begin()
			err := ctx.Err()
			if err == nil && i == 0 {
				err = m.lefts(runs, k, totals.Ranges, sums)
			} else if err == nil {
				err = m.pairs(runs, section{int32(k), int32(i - 1)})
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			if i > 0 {
				sums.mergePairs(m.sums)
			}
			report(1)
		})
		if failed != nil {
			return failed
		}
		sum := sums.distance(d, totals.Used)
		if err := sum.check(); err != nil {
			return err
		}
		if err := g.store.saveDistance(&sum); err != nil {
			return err
		}
		if !g.store.reusable {
			g.sums[k] = sum
		} // else it is read when merging no longer takes memory
	}
	return nil
}
