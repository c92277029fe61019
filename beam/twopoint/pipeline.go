// Package twopoint counts pairs of tokens at given distances as an Apache Beam
// pipeline, for corpora that are spread over a cluster. It writes the file of
// counts that l2m twopoint --counts reads; the histograms are those of package
// count on the same documents.
//
// Documents are whole in memory, one per worker thread at a time.
package twopoint

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/state"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/fileio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/token"
)

// Options says what to count.
type Options struct {
	Input     string // glob of any file system that is registered: text files, JSON Lines (.jsonl, .ndjson), plain or .gz, or Parquet (.parquet)
	Output    string // file of counts
	Field     string // of JSON Lines, or column of Parquet; "" means "text"
	Tokens    string // as token.ParseStream
	Distances []int

	// Blocks of documents for jackknife errors: 0 means 16, negative none. They
	// are those of l2m twopoint. Fewer documents than blocks are not divided.
	Blocks int
	// Partitions > 0 is how many parts the pairs of a distance are divided into.
	// A worker holds one of them, about 200 bytes per distinct pair; 0 means 256.
	Partitions int
	// Shards > 0 is how many parts the documents are divided into, by their
	// hash. A worker holds one of them, and all its pairs should be less than 400
	// MB, which is some 16 MB of text at 13 distances; see pairsFn. 0 means 1024.
	Shards int

	buffer int // tokens that are counted at once, in tests
}

// Build adds the pipeline to s.
func Build(s beam.Scope, o Options) error {
	if o.Field == "" {
		o.Field = "text"
	}
	if _, err := token.ParseStream(o.Tokens); err != nil {
		return err
	}
	if len(o.Distances) == 0 {
		return fmt.Errorf("no distances asked for")
	}
	for _, d := range o.Distances {
		if d < 1 {
			return fmt.Errorf("distance %d is below 1", d)
		}
	}
	if o.Blocks == 0 {
		o.Blocks = defaultBlocks
	}
	if o.Partitions == 0 {
		o.Partitions = defaultPartitions
	}
	if o.Shards == 0 {
		o.Shards = defaultShards
	}
	if o.Shards < 1 {
		return fmt.Errorf("%d shards", o.Shards)
	}
	if o.Blocks > maxBlocks || o.Partitions < 1 || o.Partitions > maxPartitions {
		return fmt.Errorf("%d blocks, %d partitions: at most %d and %d", o.Blocks, o.Partitions, maxBlocks, maxPartitions)
	}
	o.Distances = slices.Compact(slices.Sorted(slices.Values(o.Distances)))
	// An element without content, so that there is a collection to write, or to
	// complain about, even where there are no documents.
	none := beam.Create(s, []byte(nil))
	// What may not be UTF-8 goes through the pipeline as bytes: runners in Java
	// read strings as UTF-8 and replace what is none.
	files := fileio.ReadMatches(s, fileio.MatchFiles(s, o.Input, fileio.MatchEmptyDisallow()))
	texts := beam.ParDo(s, &readFn{Field: o.Field}, files)
	docs, sizes := beam.ParDo2(s, &shardFn{}, beam.GroupByKey(s, beam.ParDo(s, &hashFn{o.Shards}, texts)))
	sizes = beam.Flatten(s, sizes, none)
	sizes = beam.ParDo(s, joinFn, beam.GroupByKey(s, beam.AddFixedKey(s, sizes)))
	dealt := beam.ParDo(s, &dealFn{Blocks: max(1, o.Blocks)}, docs, beam.SideInput{Input: sizes})
	batches := beam.ParDo(s, &pairsFn{
		Tokens: o.Tokens, Distances: o.Distances, Blocks: max(1, o.Blocks), Partitions: o.Partitions, Buffer: cmp.Or(o.buffer, buffered),
	}, dealt)
	parts := beam.ParDo(s, &sumFn{}, beam.GroupByKey(s, batches))
	histograms := beam.ParDo(s, mergeFn, beam.GroupByKey(s, parts))
	all := beam.GroupByKey(s, beam.AddFixedKey(s, beam.Flatten(s, histograms, none)))
	beam.ParDo0(s, &writeFn{Input: o.Input, Output: o.Output, Tokens: o.Tokens, Distances: o.Distances, Blocks: o.Blocks}, all)
	return nil
}

const (
	maxBlocks         = 255
	maxPartitions     = 1 << 20
	defaultBlocks     = 16
	defaultPartitions = 256
	defaultShards     = 1024

	// buffered is the number of tokens that a worker thread counts at once; it
	// needs some 100 bytes for each.
	buffered = 1 << 21
)

func init() {
	register.DoFn3x1[context.Context, fileio.ReadableFile, func([]byte), error](&readFn{})
	register.DoFn4x1[state.Provider, int, []byte, func([]byte, []byte), error](&pairsFn{})
	register.DoFn3x1[[]byte, func(*[]byte) bool, func([]byte, []byte), error](&sumFn{})
	register.DoFn3x1[context.Context, int, func(*[]byte) bool, error](&writeFn{})
	register.DoFn1x2[[]byte, int, []byte](&hashFn{})
	register.DoFn4x0[int, func(*[]byte) bool, func(int, []byte), func([]byte)](&shardFn{})
	register.DoFn3x3[int, []byte, []byte, int, []byte, error](&dealFn{})
	register.Function2x1(joinFn)
	register.Function2x2(mergeFn)
	register.Emitter1[[]byte]()
	register.Emitter2[[]byte, []byte]()
	register.Emitter2[int, []byte]()
	register.Iter1[[]byte]()
}

// readFn emits the documents of a file.
type readFn struct{ Field string }

// ProcessElement reads one file.
func (f *readFn) ProcessElement(ctx context.Context, file fileio.ReadableFile, emit func([]byte)) error {
	name := file.Metadata.Path
	r, err := file.Open(ctx)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	defer r.Close()
	switch path.Ext(strings.TrimSuffix(name, ".gz")) {
	case ".jsonl", ".ndjson":
		return f.lines(name, r, emit)
	case ".parquet":
		return f.rows(name, r, emit)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > 0 {
		emit(text)
	}
	return nil
}

func (f *readFn) lines(name string, r io.Reader, emit func([]byte)) error {
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var record map[string]any
			if err := json.Unmarshal(line, &record); err != nil {
				return fmt.Errorf("reading %s:%d: %w", name, n, err)
			}
			text, ok := record[f.Field].(string)
			if !ok {
				return fmt.Errorf("reading %s:%d: no text in field %q", name, n, f.Field)
			}
			if text != "" {
				emit([]byte(text))
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
}

// writeFn writes the file of counts.
type writeFn struct {
	Input, Output, Tokens string
	Distances             []int
	Blocks                int
}

// ProcessElement gets all bins at once: they are few.
func (f *writeFn) ProcessElement(ctx context.Context, _ int, histograms func(*[]byte) bool) error {
	all := map[histogramOf]bins{}
	var h []byte
	for histograms(&h) {
		if len(h) == 0 {
			continue
		}
		r := reader{data: h}
		sum := bins{}
		all[histogramOf{r.byte(), int(r.uvarint())}] = sum
		if sum.add(&r); r.err != nil {
			return fmt.Errorf("a histogram: %w", r.err)
		}
	}
	documents := all[histogramOf{kind: documentKind}]
	counts := func(d, block int) count.Counts {
		c := count.Counts{
			Joint: all[histogramOf{jointKind, d}].without(block),
			Left:  all[histogramOf{leftKind, d}].without(block),
			Right: all[histogramOf{rightKind, d}].without(block),
		}
		c.Pairs = c.Joint.Total()
		return c
	}
	file := count.File{Alphabet: f.Tokens, Result: count.Result{
		Documents: documents.without(allBlocks).Total(), Unigrams: all[histogramOf{kind: unigramKind}].without(allBlocks), Sample: 1,
	}}
	if file.Documents == 0 {
		return fmt.Errorf("%s has no document with any text", f.Input)
	}
	file.Tokens = file.Unigrams.Total()
	file.Vocabulary = int(file.Unigrams.Types())
	var blocks []int // that have documents
	if f.Blocks > 1 && file.Documents >= int64(f.Blocks) {
		for b := range f.Blocks {
			if documents.without(b).Total() < file.Documents {
				blocks = append(blocks, b)
			}
		}
	}
	for _, d := range f.Distances {
		one := count.Distance{Distance: d, Counts: counts(d, allBlocks)}
		for _, b := range blocks {
			one.Without = append(one.Without, counts(d, b))
		}
		file.Distances = append(file.Distances, one)
	}
	fs, err := filesystem.New(ctx, f.Output)
	if err != nil {
		return err
	}
	defer fs.Close()
	w, err := fs.OpenWrite(ctx, f.Output)
	if err != nil {
		return err
	}
	if err := file.Write(w); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}
