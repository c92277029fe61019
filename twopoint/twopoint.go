package twopoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// Options says what to count and how to estimate. The zero value of a field asks for
// its default.
type Options struct {
	Paths          []string // files, folders, globs; "-" is Stdin
	Stdin          io.Reader
	Format         string // of the files: see corpus/source.Format; "" recognises it
	Field          string // JSON field or table column with the text, a path with dots; "" means "text"
	MaxRecord      int64  // longest record read, bytes; 0 means 256 MB
	Strict         bool   // fail on unreadable files in folders and archives instead of skipping them
	KeepDuplicates bool   // keep exact copies of documents

	// Counts names a file of counts (count.File) to use instead of Paths, written by
	// an earlier run or by the pipeline in beam/.
	Counts string

	Out     string   // run directory
	Fresh   bool     // discard an earlier run in Out
	Figures []string // formats of the static figures: "svg", "png", "pdf"; nil means all
	// Faces makes the files shown beside the result, figures in the given formats;
	// nil: none.
	Faces func(r *result.Result, formats []string) []rundir.Face

	Tokens    string  // "" or "bytes", "words", "dna", "dna:K", "protein", or a file: tokenizer.json or .tiktoken
	Distances []int   // tokens; nil means 1, 2, 4, … up to the longest document
	Sample    float64 // share of the documents to count; 0 means all
	Blocks    int     // blocks of documents for jackknife errors, at least 2; 0 means 16, negative none

	Estimator string // of entropies; "" means grassberger
	KeepFloor bool   // do not subtract the noise floor, the estimate on shuffled pairs

	Seed     uint64
	Memory   int64 // bytes for the index of the documents and for counting; 0 means 1 GiB
	Workers  int   // 0 means GOMAXPROCS; does not change the result
	Progress info.ProgressFunc
}

func (o Options) withDefaults() Options {
	if o.Tokens == "" {
		o.Tokens = "bytes"
	}
	if o.Estimator == "" {
		o.Estimator = string(mi.Grassberger)
	}
	if o.Blocks == 0 {
		o.Blocks = count.DefaultBlocks
	}
	o.Blocks = max(o.Blocks, 0)
	if o.Sample == 0 {
		o.Sample = 1
	}
	if o.Figures == nil {
		o.Figures = rundir.Formats()
	}
	return o
}

// Validate says what is wrong with the options, if anything.
func (o Options) Validate() error {
	o = o.withDefaults()
	if err := (count.Options{Distances: append([]int{1}, o.Distances...), Blocks: o.Blocks, Workers: 1}).Check(); err != nil && !errors.As(err, new(*count.MemoryError)) {
		return err
	}
	if _, err := corpus.ParseFormat(o.Format); err != nil {
		return err
	}
	switch {
	case len(o.Paths) == 0 && o.Counts == "":
		return errors.New("nothing to count: name files or folders, or a file of counts")
	case len(o.Paths) != 0 && o.Counts != "":
		return errors.New("name either documents or a file of counts, not both")
	case o.Out == "":
		return errors.New("no run directory named")
	case !slices.Contains(mi.EntropyEstimators(), mi.EntropyEstimator(o.Estimator)):
		return fmt.Errorf("unknown estimator %q (choose from %v)", o.Estimator, mi.EntropyEstimators())
	case o.Blocks == 1:
		return errors.New("--blocks 1 leaves nothing when the block is left out (use at least 2, or 0 for none)")
	case !(o.Sample > 0 && o.Sample <= 1):
		return fmt.Errorf("a sample of %g is not a share between 0 and 1", o.Sample)
	}
	for _, d := range o.Distances {
		if d < 1 {
			return fmt.Errorf("distance %d is below 1", d)
		}
	}
	for _, f := range o.Figures {
		if !slices.Contains(rundir.Formats(), f) {
			return fmt.Errorf("unknown figure format %q (%s)", f, strings.Join(rundir.Formats(), ", "))
		}
	}
	return checkTokens(o.Tokens)
}

// Run measures the two-point mutual information I(w_i; w_{i+d}) of documents of any
// size:
//
//  1. count the pairs at every distance d, exactly,
//  2. estimate the information from the counts, subtract the estimate on shuffled
//     pairs (the noise floor), with jackknife errors over blocks of documents,
//  3. fit the law of its decay.
//
// The counts stay in the run directory: the same call continues an interrupted run,
// and a change of only the estimator needs no new counts.
func Run(ctx context.Context, o Options) (*result.Result, error) {
	o = o.withDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	r := &result.Result{
		Schema: result.Schema, Verb: "twopoint", Command: o.Command(), Version: info.BuildVersion().Short(),
	}
	count := countDocuments
	if o.Counts != "" {
		count = givenCounts
	}
	counts, run, err := count(ctx, r, o)
	defer run.Close()
	if err != nil {
		return nil, err
	}
	r.Warnings = append(countWarnings(counts), r.Warnings...)
	if r.TwoPoint, err = o.estimation().run(ctx, counts); err != nil {
		return nil, err
	}
	if err := result.Store(run, r, rundir.Faces(o.Faces, r, o.Figures)); err != nil {
		return nil, err
	}
	return r, nil
}

// checkTokens checks that tokens is a stream's name or an existing file.
func checkTokens(tokens string) error {
	_, err := token.ParseStream(tokens)
	if err == nil {
		return nil
	}
	if _, missing := os.Stat(tokens); missing != nil {
		return fmt.Errorf("%w; there is no vocabulary file of that name either (tokenizer.json or .tiktoken)", err)
	}
	return nil
}

// openStream opens a stream by name, or a vocabulary file.
func openStream(tokens string) (token.Stream, error) {
	if s, err := token.ParseStream(tokens); err == nil {
		return s, nil
	}
	v, err := vocabulary.Open(tokens)
	if err != nil {
		return nil, err
	}
	return vocabulary.NewStream(v), nil
}
