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

// bytesPerToken is the memory per token of a chunk: the chunk itself, the one being
// read, and the index.
const bytesPerToken = 4 + 4 + indexBytes

// rangeTokens is the target number of left tokens in a range: they and their slots fit
// into a core's cache.
const rangeTokens = 1 << 17

// maxChunk is the largest number of tokens of a chunk: twice as many, including
// repeated ones, must fit into a counter's 32-bit cells. A chunk has room for four
// times the largest distance.
const maxChunk = 1 << 30

// maxRanges is the number of ranges that index.part can hold.
const maxRanges = 256

// grouped counts vocabularies of any size, grouped by right token.
type grouped struct {
	o Options

	unigrams []int64    // by id
	rank     []token.ID // by id: tokens numbered by descending frequency in the first chunk, later ones by first occurrence; 0: not seen
	seen     int        // ranks assigned: 1..seen

	index   index
	workers []*counter
	store   *store // nil while there is none
	kept    []int  // new tokens in the chunks of an earlier call
	chunks  int    // read
	tokens  int64  // read
	spilled bool   // the corpus has more than one chunk
	sums    []Distance
	resumed int64
}

// countGrouped returns the store that it was given or had to create.
func countGrouped(ctx context.Context, src Source, o Options, store *store) (*Result, *store, error) {
	g := &grouped{o: o, sums: make([]Distance, len(o.Distances)), store: store}
	if store != nil {
		g.kept = store.chunkTokens()
	}
	totals, err := g.read(ctx, src)
	if err != nil {
		return nil, g.store, err
	}
	g.index, g.workers, g.unigrams, g.rank = index{}, nil, nil, nil // free memory for merging
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

// read reads the documents, and finishes all distances or writes runs to merge.
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

// planner sets the limits of chunks by the memory: first for the vocabulary, then for
// tokens. Chunks from an earlier call are kept.
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
			err = fmt.Errorf("the counts in %s were made with more memory than %d MB (raise it again, or remove the folder)", o.SpillDir, o.Memory>>20)
		}
		return l, err
	}
}

// roomFor divides the memory, given the number of distinct tokens seen: a vocabulary of
// up to v, and chunks of size tokens. It allows for as many new tokens as were seen or,
// if that is too many or makes chunks smaller than one that is kept, for a few.
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
		few.For = fmt.Sprintf("the %d distinct tokens so far and a few more (nothing is lost: the same call resumes with more memory; or use a fixed vocabulary)", seen)
		few.Ample = twice.Need
	}
	return v, size, err
}

// leastVocabulary is the least room for distinct tokens at first, if their number is
// unknown.
const leastVocabulary = 1 << 14

// openVocabulary is the room for distinct tokens at first, if their number is unknown:
// a quarter of the memory.
func (o Options) openVocabulary() int64 { return max(leastVocabulary, o.Memory/4/o.vocabularyBytes()) }

// vocabularyBytes is the memory per token of the vocabulary: its unigram count, rank,
// and group start; per worker a slot while the index is built, a cell, one for blocks,
// and an entry in the list of touched cells. A growing vocabulary has some spare, and
// the old and the new copy of one array at a time.
func (o Options) vocabularyBytes() int64 {
	perWorker := int64(4 + 4 + 4 + 4)
	n := 8 + 4 + 4 + 1 + o.TokenBytes + int64(o.Workers)*perWorker
	if o.Vocabulary == 0 {
		n += (8+4)/4 + 8 + int64(o.Workers)*perWorker/8
	}
	return n
}

// chunkSize is the number of tokens of a chunk that fits into Memory next to a
// vocabulary of v.
func (o Options) chunkSize(v int64) (int, error) {
	w := int64(o.Workers)
	fixed := v*o.vocabularyBytes() + w*(counterBytes(o.Blocks)+8*rangeTokens) + int64(o.Blocks+1)*sumsBytes
	// A chunk costs one pass over the vocabulary for each distance.
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

// divide cuts the ranks into ranges of about equal numbers of tokens; gaps, of rank 0,
// are in the first.
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

// progress returns a function that workers call, one at a time, with the number of
// positions they have visited.
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

// merge adds up the runs of all chunks, if any, and loads finished distances.
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
			return fmt.Errorf("%s is missing (remove the folder and count again)", g.store.distancePath(d))
		}
	}
	return nil
}

// mergeChunks adds up the runs of all chunks.
func (g *grouped) mergeChunks(ctx context.Context, totals corpusTotals) error {
	runs, err := g.openRuns(totals.Chunks)
	defer func() {
		for _, r := range runs {
			r.f.Close()
		}
	}()
	if err != nil {
		return err
	}
	o := g.o
	report := g.progress("merging", 0, int64(len(o.Distances)*(totals.Ranges+1)))
	g.resumed = 0
	// Merging needs wider cells, so there may be memory for fewer workers only.
	workers, buffer, err := o.divideMemory(totals, runs)
	if err != nil {
		return err
	}
	mergers := make([]*merger, workers)
	merger := func(worker int) *merger {
		if mergers[worker] == nil {
			mergers[worker] = newMerger(totals.Seen, o.Blocks, len(runs), buffer)
		}
		return mergers[worker]
	}
	sums := newSums(o.Blocks)
	for k, d := range o.Distances {
		if g.store.has(g.store.distancePath(d)) {
			report(int64(totals.Ranges + 1))
			continue
		}
		if err := mergeDistance(ctx, k, totals.Ranges, runs, sums, workers, merger, report); err != nil {
			return err
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

// openRuns opens the run files of n chunks. It also returns those opened before an
// error.
func (g *grouped) openRuns(n int) (runs []*runFile, err error) {
	if len(g.store.chunks) < n {
		return nil, fmt.Errorf("%s is missing (remove the folder and count again)", g.store.path(fmt.Sprintf("chunk %d", len(g.store.chunks))))
	}
	for _, path := range g.store.chunks[:n] {
		r, err := openRun(path)
		if err != nil {
			return runs, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// mergeDistance merges the sections of distance number k into sums.
func mergeDistance(ctx context.Context, k, ranges int, runs []*runFile, sums *sums, workers int, merger func(worker int) *merger, report func(int64)) error {
	sums.reset()
	for _, r := range runs {
		if err := r.use(k); err != nil {
			return err
		}
	}
	var mu sync.Mutex
	var failed error
	each(workers, ranges+1, func(worker, i int) {
		m := merger(worker)
		m.begin()
		err := ctx.Err()
		if err == nil && i == 0 {
			err = m.lefts(runs, k, ranges, sums)
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
	return failed
}
