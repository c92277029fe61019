// Command l2m-twopoint-beam counts pairs of tokens on any Beam runner; see
// docs/cluster.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/gcs"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"github.com/l2m-lab/l2m/beam/twopoint"
)

func main() {
	var o twopoint.Options
	flag.StringVar(&o.Input, "input", "", "glob of text, JSON Lines or Parquet files")
	flag.StringVar(&o.Output, "output", "counts.json", "file of counts to write")
	flag.StringVar(&o.Field, "field", "text", "JSON field or Parquet column that holds the text")
	flag.StringVar(&o.Tokens, "tokens", "words", "bytes, words, dna:K or protein")
	distances := flag.String("distances", "1,2,4,8,16,32,64,128,256,512,1024,2048,4096", "distances in tokens")
	flag.IntVar(&o.Blocks, "blocks", 0, "blocks of documents for jackknife errors; 0 means 16, -1 none")
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
	p, s := beam.NewPipelineWithRoot()
	if err := twopoint.Build(s, o); err != nil {
		return err
	}
	return beamx.Run(context.Background(), p)
}
