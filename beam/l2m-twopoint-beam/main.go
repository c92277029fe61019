// Command l2m-twopoint-beam counts pairs of tokens on any Beam runner; see
// the README of this module.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/gcs"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/s3"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"github.com/l2m-lab/l2m/beam/twopoint"
)

func main() {
	var o twopoint.Options
	flag.StringVar(&o.Input, "input", "", "glob of text, JSON Lines, Parquet or FASTA files, as they are, .gz or .zst")
	flag.StringVar((*string)(&o.Format), "format", "", "text, jsonl, parquet or fasta (default: from the file name)")
	flag.StringVar(&o.Field, "field", "text", "JSON field or Parquet column that holds the text")
	flag.StringVar(&o.Output, "output", "counts.json", "file of counts to write")
	flag.StringVar(&o.Tokens, "tokens", "words", "bytes, words, dna (or dna:K, words of K letters), protein, or a vocabulary: tokenizer.json, a .tiktoken file or a GGUF model")
	distances := flag.String("distances", "1,2,4,8,16,32,64,128,256,512,1024,2048,4096", "distances in tokens")
	flag.IntVar(&o.Blocks, "blocks", 16, "blocks of documents to leave out in turn for the errors; 0 for none")
	flag.Float64Var(&o.Sample, "sample", 1, "share of the documents to count")
	flag.Uint64Var(&o.Seed, "seed", 1, "seed of the blocks and the sample")
	flag.IntVar(&o.Partitions, "partitions", 0, "parts of the pairs of a distance, one held by a worker at a time; 0 means 256")
	flag.IntVar(&o.Shards, "shards", 0, "parts of the documents, of about 16 MB or less; 0 means 1024")
	flag.Parse()
	beam.Init()
	if err := run(o, *distances); err != nil {
		fmt.Fprintln(os.Stderr, "l2m-twopoint-beam:", err)
		os.Exit(1)
	}
}

func run(o twopoint.Options, distances string) error {
	for word := range strings.SplitSeq(distances, ",") {
		d, err := strconv.Atoi(word)
		if err != nil {
			return fmt.Errorf("--distances: %q is not a number", word)
		}
		o.Distances = append(o.Distances, d)
	}
	if o.Blocks == 0 {
		o.Blocks = -1
	}
	if o.Sample == 0 {
		return errors.New("--sample: 0 counts no documents (1 counts all)")
	}
	ctx := context.Background()
	p, s := beam.NewPipelineWithRoot()
	if err := twopoint.Build(ctx, s, o); err != nil {
		return err
	}
	return beamx.Run(ctx, p)
}
