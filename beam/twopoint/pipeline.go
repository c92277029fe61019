// Package twopoint counts pairs of tokens at given distances as an Apache Beam
// pipeline, for corpora on a cluster. It writes the counts file that l2m twopoint
// --counts reads; the histograms are those of package count on the same documents.
//
// Each worker thread holds one whole document in memory.
package twopoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/state"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/fileio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
)

// Options says what to count. Input, Output and Tokens may be in any registered Beam
// file system.
type Options struct {
	Input     string        // glob of files that package corpus reads
	Format    corpus.Format // how to read them; "": by name
	Field     string        // of JSON Lines, or column of Parquet; "" means "text"
	Output    string        // counts file
	Tokens    string        // as token.ParseStream, or a file: tokenizer.json or .tiktoken
	Distances []int

	// Blocks for jackknife errors: 0 means 16, negative none. Seed assigns documents to
	// blocks, and chooses the share Sample of them; 0 means all. Blocks and sample are
	// those of l2m twopoint.
	Blocks int
	Sample float64
	Seed   uint64

	// Partitions is the number of parts of the pairs of a distance; 0 means 256. A
	// worker holds one of them, about 200 bytes per distinct pair.
	Partitions int
	// Shards is the number of parts of the documents, by hash; 0 means 1024. A worker
	// holds one of them, whose pairs should be less than 400 MB, about 16 MB of text at
	// 13 distances; see pairsFn.
	Shards int

	buffer int // tokens that are counted at once, for tests
}

// checked returns the options with defaults filled in.
func (o Options) checked() (Options, error) {
	if len(o.Distances) == 0 {
		return o, errors.New("no distances given")
	}
	o.Distances = slices.Compact(slices.Sorted(slices.Values(o.Distances)))
	o.Blocks = max(0, cmp.Or(o.Blocks, count.DefaultBlocks))
	o.Sample = cmp.Or(o.Sample, 1)
	o.Partitions = cmp.Or(o.Partitions, defaultPartitions)
	o.Shards = cmp.Or(o.Shards, defaultShards)
	o.buffer = cmp.Or(o.buffer, buffered)
	switch {
	case o.Input == "" || o.Output == "":
		return o, errors.New("name the documents and the counts file to write")
	case o.Distances[0] < 1:
		return o, fmt.Errorf("distance %d is below 1", o.Distances[0])
	case !(o.Sample > 0 && o.Sample <= 1):
		return o, fmt.Errorf("the sample must be between 0 and 1, not %g", o.Sample)
	case o.Shards < 1:
		return o, fmt.Errorf("%d shards", o.Shards)
	case o.Blocks > maxBlocks || o.Partitions < 1 || o.Partitions > maxPartitions:
		return o, fmt.Errorf("%d blocks, %d partitions: at most %d and %d", o.Blocks, o.Partitions, maxBlocks, maxPartitions)
	}
	if _, err := corpus.ParseFormat(string(o.Format)); err != nil {
		return o, err
	}
	for _, path := range []string{o.Input, o.Output} {
		if err := registered(path); err != nil {
			return o, err
		}
	}
	return o, nil
}

// registered returns an error if there is no file system for a path; Beam would panic.
func registered(path string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	filesystem.ValidateScheme(path)
	return nil
}

// Build adds the pipeline to s. It reads the vocabulary, if any.
func Build(ctx context.Context, s beam.Scope, o Options) error {
	o, err := o.checked()
	if err != nil {
		return err
	}
	tok, err := openTokens(ctx, o.Tokens)
	if err != nil {
		return err
	}
	deal := dealing{Blocks: o.Blocks, Sample: o.Sample, Seed: o.Seed}
	// An empty element, so that there is a collection to write, or to complain about,
	// even without documents.
	none := beam.Create(s, []byte(nil))
	// Text that may not be UTF-8 is passed as bytes: Java runners decode strings as
	// UTF-8 and replace invalid bytes.
	files := fileio.ReadMatches(s, fileio.MatchFiles(s, o.Input, fileio.MatchEmptyDisallow()), fileio.ReadUncompressed())
	texts := beam.ParDo(s, &readFn{Format: o.Format, Field: o.Field}, files)
	docs, sizes := beam.ParDo2(s, &shardFn{}, beam.GroupByKey(s, beam.ParDo(s, &hashFn{o.Shards}, texts)))
	sizes = beam.Flatten(s, sizes, none)
	sizes = beam.ParDo(s, joinFn, beam.GroupByKey(s, beam.AddFixedKey(s, sizes)))
	dealt := beam.ParDo(s, &dealFn{Dealing: deal}, docs, beam.SideInput{Input: sizes})
	batches := beam.ParDo(s, &pairsFn{
		Tokens: tok, Distances: o.Distances, Dealing: deal, Partitions: o.Partitions, Buffer: o.buffer,
	}, dealt)
	parts := beam.ParDo(s, &sumFn{Tables: tok.tables()}, beam.GroupByKey(s, batches))
	histograms := beam.ParDo(s, mergeFn, beam.GroupByKey(s, parts))
	all := beam.GroupByKey(s, beam.AddFixedKey(s, beam.Flatten(s, histograms, none)))
	write := &writeFn{Input: o.Input, Output: o.Output, Tokens: tok, Distances: o.Distances, Dealing: deal}
	beam.ParDo0(s, write, all, beam.SideInput{Input: sizes})
	return nil
}

const (
	maxBlocks         = 255
	maxPartitions     = 1 << 20
	defaultPartitions = 256
	defaultShards     = 1024

	// buffered is the number of tokens that a worker thread counts at once; it needs
	// about 100 bytes for each.
	buffered = 1 << 21
)

func init() {
	register.DoFn3x1[context.Context, fileio.ReadableFile, func([]byte), error](&readFn{})
	register.DoFn4x1[state.Provider, int, []byte, func([]byte, []byte), error](&pairsFn{})
	register.DoFn3x1[[]byte, func(*[]byte) bool, func([]byte, []byte), error](&sumFn{})
	register.DoFn4x1[context.Context, int, func(*[]byte) bool, []byte, error](&writeFn{})
	register.DoFn1x2[[]byte, int, []byte](&hashFn{})
	register.DoFn4x0[int, func(*[]byte) bool, func(int, []byte), func([]byte)](&shardFn{})
	register.DoFn4x1[int, []byte, []byte, func(int, []byte), error](&dealFn{})
	register.Function2x1(joinFn)
	register.Function2x2(mergeFn)
	register.Emitter1[[]byte]()
	register.Emitter2[[]byte, []byte]()
	register.Emitter2[int, []byte]()
	register.Iter1[[]byte]()
}
