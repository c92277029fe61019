package count

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/token"
)

// These are variables for tests.
var (
	// denseChunk is the number of tokens per chunk while filling tables: small enough
	// to stay in the cache, large enough to make the synchronization cheap.
	denseChunk = 1 << 18

	// keepEvery is the time between two copies of the tables on disk, and keepShare the
	// largest share of the time to spend writing them.
	keepEvery = 5 * time.Second
	keepShare = 1.0 / 20
)

// denseChunk is the number of tokens per chunk: at least as many new ones as repeated
// ones.
func (o Options) denseChunk() int { return max(denseChunk, 2*o.maxDistance()) }

// dense holds counts in tables. Gaps are counted as token V and removed at the end.
type dense struct {
	chunks   int         // counted
	tokens   int64       // of them
	tables   [][][]int64 // [distance][block]: (V+1)×(V+1) cells
	unigrams []int64     // V+1 of them
	used     []bool      // blocks with any token
}

// countDense fills one table per distance and block while reading. Workers share the
// distances of a chunk, so that one set of tables suffices.
//
// With a Key, a copy of the tables is kept in SpillDir: a resumed call reads all
// documents again, but counts only those that are not in the copy.
func countDense(ctx context.Context, src Source, o Options, store *store) (*Result, error) {
	size := o.denseChunk()
	if store != nil && !store.reusable {
		store = nil
	}
	t, err := loadDense(store, o)
	if err != nil {
		return nil, err
	}
	resumed := t.tokens * int64(len(t.tables))
	var chunks int
	var tokens int64
	kept, took := time.Now(), time.Duration(0)
	var saveErr error
	plan := func(int, int64) (limits, error) { return limits{tokens: size}, nil }
	c, err := pipeline(ctx, src, o, plan, func(_ context.Context, ch *chunk) error {
		chunks++
		tokens += ch.newTokens()
		if chunks > t.chunks {
			each(o.Workers, len(t.tables)+1, func(_, i int) {
				if i == len(t.tables) {
					countTokens(t.unigrams, t.used, ch)
					return
				}
				for _, s := range ch.segments {
					fillTable(t.tables[i][s.block], o.Vocabulary+1, ch.tokens, s, o.Distances[i])
				}
			})
			t.chunks, t.tokens = chunks, tokens
		}
		done := tokens * int64(len(t.tables))
		o.Progress(Progress{Stage: "counting", Done: done, Resumed: min(done, resumed), Tokens: tokens})
		since := time.Since(kept)
		if store == nil || since < keepEvery || took > time.Duration(keepShare*float64(since)) {
			return nil
		}
		begun := time.Now()
		saveErr = t.save(store)
		kept = time.Now()
		took = kept.Sub(begun)
		return saveErr
	})
	if err != nil {
		if store != nil && saveErr == nil {
			err = errors.Join(err, t.save(store))
		}
		return nil, err
	}

	r := &Result{
		Tokens: c.tokens, Documents: c.documents, Vocabulary: o.Vocabulary,
		Unigrams: info.HistogramOf(t.unigrams[:o.Vocabulary]), Distances: make([]Distance, len(t.tables)),
	}
	each(o.Workers, len(t.tables), func(_, i int) {
		r.Distances[i] = denseDistance(o, t.tables[i], t.used, o.Distances[i])
	})
	return r, nil
}

// loadDense returns the tables of an interrupted call, or empty ones.
func loadDense(s *store, o Options) (*dense, error) {
	side, blocks := o.Vocabulary+1, max(1, o.Blocks)
	t := &dense{tables: make([][][]int64, len(o.Distances)), unigrams: make([]int64, side), used: make([]bool, blocks)}
	for i := range t.tables {
		t.tables[i] = make([][]int64, blocks)
		for b := range t.tables[i] {
			t.tables[i][b] = make([]int64, side*side)
		}
	}
	if s == nil || !s.has(s.tablesPath()) {
		return t, nil
	}
	f, err := os.Open(s.tablesPath())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := t.read(bufio.NewReaderSize(f, 1<<20)); err != nil {
		return nil, fmt.Errorf("reading %s: %w (remove the file and count again)", s.tablesPath(), err)
	}
	return t, nil
}

// save replaces the copy on disk.
func (t *dense) save(s *store) error {
	return s.explain(atomicfile.WriteFile(s.tablesPath(), 0o666, func(f io.Writer) error {
		w := bufio.NewWriterSize(f, 1<<20)
		if err := t.write(w); err != nil {
			return err
		}
		return w.Flush()
	}))
}

// write writes numbers as varints, and runs of zeros, which tables are full of, as a
// zero and their length.
func (t *dense) write(w *bufio.Writer) error {
	var buf [2 * binary.MaxVarintLen64]byte
	put := func(values ...uint64) error {
		b := buf[:0]
		for _, v := range values {
			b = binary.AppendUvarint(b, v)
		}
		_, err := w.Write(b)
		return err
	}
	if err := put(uint64(t.chunks), uint64(t.tokens)); err != nil {
		return err
	}
	return t.each(func(cells []int64) error {
		for i := 0; i < len(cells); {
			if n := cells[i]; n != 0 {
				if err := put(uint64(n)); err != nil {
					return err
				}
				i++
				continue
			}
			zeros := 1
			for i+zeros < len(cells) && cells[i+zeros] == 0 {
				zeros++
			}
			if err := put(0, uint64(zeros)); err != nil {
				return err
			}
			i += zeros
		}
		return nil
	})
}

// read is the inverse of write, for tables of the same sizes.
func (t *dense) read(r *bufio.Reader) error {
	chunks, err := binary.ReadUvarint(r)
	if err != nil {
		return err
	}
	tokens, err := binary.ReadUvarint(r)
	if err != nil {
		return err
	}
	t.chunks, t.tokens = int(chunks), int64(tokens)
	err = t.each(func(cells []int64) error {
		for i := 0; i < len(cells); {
			n, err := binary.ReadUvarint(r)
			if err != nil {
				return err
			}
			if n != 0 {
				cells[i] = int64(n)
				i++
				continue
			}
			zeros, err := binary.ReadUvarint(r)
			if err != nil {
				return err
			}
			if zeros == 0 || zeros > uint64(len(cells)-i) {
				return fmt.Errorf("%d zeros, but only %d cells are left", zeros, len(cells)-i)
			}
			i += int(zeros)
		}
		return nil
	})
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if _, err := r.ReadByte(); err != io.EOF {
		return errors.New("unexpected data after the tables")
	}
	return nil
}

// each visits all counts, table by table.
func (t *dense) each(visit func(cells []int64) error) error {
	used := make([]int64, len(t.used))
	for i, u := range t.used {
		if u {
			used[i] = 1
		}
	}
	if err := visit(used); err != nil {
		return err
	}
	for i, u := range used {
		t.used[i] = u != 0
	}
	if err := visit(t.unigrams); err != nil {
		return err
	}
	for _, blocks := range t.tables {
		for _, cells := range blocks {
			if err := visit(cells); err != nil {
				return err
			}
		}
	}
	return nil
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
func fillTable(table []int64, side int, tokens []token.ID, s segment, d int) {
	lo := max(s.lo, s.from+d)
	if lo >= s.hi {
		return
	}
	right := tokens[lo:s.hi]
	left := tokens[lo-d : s.hi-d]
	left = left[:len(right)]
	for i, b := range right {
		table[int(left[i])*side+int(b)]++
	}
}

func denseDistance(o Options, blocks [][]int64, used []bool, d int) Distance {
	v := o.Vocabulary
	for b := range blocks {
		blocks[b] = withoutGaps(blocks[b], v)
	}
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
			out.Without = append(out.Without, tableCounts(rest, v).Pack())
		}
	}
	if o.Tables {
		out.Table = total
	}
	return out
}

// withoutGaps removes the last row and column of a table of (v+1)² cells, in place.
func withoutGaps(table []int64, v int) []int64 {
	for a := range v {
		copy(table[a*v:(a+1)*v], table[a*(v+1):])
	}
	return table[:v*v]
}

// tableCounts returns the histograms of a table.
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
	return Counts{Pairs: pairs, Joint: info.HistogramOf(table), Left: info.HistogramOf(left), Right: info.HistogramOf(right)}
}
