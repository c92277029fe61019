package twopoint

import (
	"context"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"

	"github.com/l2m-lab/l2m/count"
)

// writeFn writes the counts file.
type writeFn struct {
	Input, Output string
	Tokens        tokens
	Distances     []int
	Dealing       dealing
}

// ProcessElement receives all bins and tables at once: they are small.
func (f *writeFn) ProcessElement(ctx context.Context, _ int, parts func(*[]byte) bool, sizes []byte) error {
	all, tables, err := f.read(parts)
	if err != nil {
		return err
	}
	shards, err := readSizes(sizes)
	if err != nil {
		return err
	}
	file, err := f.file(all, tables, shards.all)
	if err != nil {
		return err
	}
	return f.write(ctx, file)
}

// histograms are the bins of all histograms.
type histograms map[histogramOf]bins

// read returns the histograms, and the tables by distance.
func (f *writeFn) read(parts func(*[]byte) bool) (histograms, map[int][]int64, error) {
	all, tables := histograms{}, map[int][]int64{}
	var part []byte
	for parts(&part) {
		if len(part) == 0 {
			continue
		}
		r := reader{data: part}
		name := histogramOf{r.byte(), int(r.uvarint())}
		if name.kind == tableKind {
			tables[name.distance] = readTable(&r, f.Tokens.Size)
		} else {
			all[name] = bins{}
			all[name].add(&r)
		}
		if r.err != nil {
			return nil, nil, fmt.Errorf("%c at distance %d: %w", name.kind, name.distance, r.err)
		}
	}
	return all, tables, nil
}

// readTable reads the cells of the table of all pairs for a vocabulary of v.
func readTable(r *reader, v int) []int64 {
	table := make([]int64, v*v)
	for r.more() {
		left := reader{data: r.bytes()}
		a, b, n := left.uvarint(), r.uvarint(), int64(r.uvarint())
		if r.err != nil || left.err != nil || a >= uint64(v) || b >= uint64(v) {
			r.data, r.err = nil, errShort
			break
		}
		table[int(a)*v+int(b)] = n
	}
	return table
}

// counts returns the pairs of a distance without a block, or of allBlocks.
func (h histograms) counts(distance, block int) count.Counts {
	c := count.Counts{
		Joint: h[histogramOf{jointKind, distance}].without(block),
		Left:  h[histogramOf{leftKind, distance}].without(block),
		Right: h[histogramOf{rightKind, distance}].without(block),
	}
	c.Pairs = c.Joint.Total()
	return c
}

// file assembles the counts file from the histograms and tables.
func (f *writeFn) file(all histograms, tables map[int][]int64, sizes count.Sizes) (*count.File, error) {
	opts := f.Dealing.of(sizes)
	file := &count.File{Alphabet: f.Tokens.Name, Result: count.Result{
		Documents: all[histogramOf{kind: documentKind}].without(allBlocks).Total(),
		Unigrams:  all[histogramOf{kind: unigramKind}].without(allBlocks), Sample: opts.Sample, BlockTokens: opts.BlockTokens, Vocabulary: f.Tokens.Size,
	}}
	switch {
	case sizes.Documents == 0:
		return nil, fmt.Errorf("%s has no document with any text", f.Input)
	case file.Documents == 0:
		return nil, fmt.Errorf("the sample of %g has none of the %d documents of %s (ask for a larger share)", opts.Sample, sizes.Documents, f.Input)
	}
	file.Tokens = file.Unigrams.Total()
	if file.Vocabulary == 0 {
		file.Vocabulary = int(file.Unigrams.Types())
	}
	var blocks []int // that have places
	places := all[histogramOf{kind: placeKind}]
	for b := range opts.Blocks {
		if places.without(b).Total() < places.without(allBlocks).Total() {
			blocks = append(blocks, b)
		}
	}
	for _, d := range f.Distances {
		one := count.Distance{Distance: d, Counts: all.counts(d, allBlocks), Table: tables[d]}
		if one.Table == nil && f.Tokens.tables() {
			one.Table = make([]int64, f.Tokens.Size*f.Tokens.Size) // no pairs
		}
		for _, b := range blocks {
			one.Without = append(one.Without, all.counts(d, b).Pack())
		}
		file.Distances = append(file.Distances, one)
	}
	return file, nil
}

func (f *writeFn) write(ctx context.Context, file *count.File) error {
	fs, err := filesystem.New(ctx, f.Output)
	if err != nil {
		return err
	}
	defer fs.Close()
	w, err := fs.OpenWrite(ctx, f.Output)
	if err != nil {
		return fmt.Errorf("writing %s: %w", f.Output, err)
	}
	if err := file.Write(w); err != nil {
		w.Close()
		return fmt.Errorf("writing %s: %w", f.Output, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", f.Output, err)
	}
	return nil
}
