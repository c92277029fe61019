package twopoint

import (
	"context"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"

	"github.com/l2m-lab/l2m/count"
)

// writeFn writes the file of counts.
type writeFn struct {
	Input, Output string
	Tokens        tokens
	Distances     []int
	Dealing       dealing
}

// ProcessElement gets all bins at once: they are few.
func (f *writeFn) ProcessElement(ctx context.Context, _ int, parts func(*[]byte) bool, sizes []byte) error {
	all, err := readHistograms(parts)
	if err != nil {
		return err
	}
	shards, err := readSizes(sizes)
	if err != nil {
		return err
	}
	file, err := f.file(all, shards.all)
	if err != nil {
		return err
	}
	return f.write(ctx, file)
}

// histograms are the bins of all histograms.
type histograms map[histogramOf]bins

func readHistograms(parts func(*[]byte) bool) (histograms, error) {
	all := histograms{}
	var h []byte
	for parts(&h) {
		if len(h) == 0 {
			continue
		}
		r := reader{data: h}
		sum := bins{}
		all[histogramOf{r.byte(), int(r.uvarint())}] = sum
		if sum.add(&r); r.err != nil {
			return nil, fmt.Errorf("a histogram: %w", r.err)
		}
	}
	return all, nil
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

// file makes what is written of the histograms of a corpus.
func (f *writeFn) file(all histograms, sizes count.Sizes) (*count.File, error) {
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
		one := count.Distance{Distance: d, Counts: all.counts(d, allBlocks)}
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
