package l2m

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/internal/filelock"
	"github.com/l2m-lab/l2m/internal/shell"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// TwoPointOptions says what to count and how to estimate. The zero value of a
// field asks for its default.
type TwoPointOptions struct {
	Paths  []string // files, folders, globs; "-" is Stdin
	Stdin  io.Reader
	Format string // how to read files: "" (by extension), "text", "jsonl", "parquet", "fasta"
	Field  string // JSON field or Parquet column that holds the text; "" is "text"

	// Counts, in place of Paths, is a file of counts that was written elsewhere
	// (count.File): by an earlier run, or by the pipeline in beam/.
	Counts string

	Out     string   // run directory
	Fresh   bool     // discard what an earlier run left in Out
	Figures []string // formats of the static figures: "svg", "png", "pdf"; nil means all

	Tokens    string  // "" or "bytes", "words", "dna", "dna:K", "protein", or a file: tokenizer.json or .tiktoken
	Distances []int   // tokens; nil means 1, 2, 4, … up to the longest document
	Sample    float64 // share of the documents to count; 0 means all
	Blocks    int     // blocks of documents for jackknife errors; 0 means 16, negative none

	Estimator string // of entropies; "" means grassberger
	KeepFloor bool   // do not subtract what the estimator reads on shuffled pairs

	Seed     uint64
	Memory   int64 // bytes for counting; 0 means 1 GiB
	Workers  int   // 0 means GOMAXPROCS; does not change the result
	Progress ProgressFunc
}

// countsName is the file of counts in a run directory, and spillName the folder
// of intermediate counts.
const (
	countsName = "counts.json"
	spillName  = "counting"

	twoPointLock = "twopoint.lock" // held while counting
)

func (o TwoPointOptions) withDefaults() TwoPointOptions {
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
		o.Figures = []string{"svg", "png", "pdf"}
	}
	return o
}

func (o TwoPointOptions) validate() error {
	switch {
	case len(o.Paths) == 0 && o.Counts == "":
		return errors.New("nothing to count: name files or folders, or a file of counts")
	case len(o.Paths) != 0 && o.Counts != "":
		return errors.New("documents and a file of counts exclude each other")
	case o.Out == "":
		return errors.New("no run directory named")
	case !slices.Contains(mi.EntropyEstimators(), mi.EntropyEstimator(o.Estimator)):
		return fmt.Errorf("unknown estimator %q (choose from %v)", o.Estimator, mi.EntropyEstimators())
	case !(o.Sample > 0 && o.Sample <= 1):
		return fmt.Errorf("a sample of %g is not a share between 0 and 1", o.Sample)
	}
	for _, d := range o.Distances {
		if d < 1 {
			return fmt.Errorf("distance %d is below 1", d)
		}
	}
	for _, f := range o.Figures {
		if f != "svg" && f != "png" && f != "pdf" {
			return fmt.Errorf("unknown figure format %q (svg, png or pdf)", f)
		}
	}
	_, err := openStream(o.Tokens)
	return err
}

// Command is the canonical command line that repeats the measurement: every
// option that changes the numbers and is not at its default.
func (o TwoPointOptions) Command() string {
	o = o.withDefaults()
	words := []string{"l2m", "twopoint"}
	flag := func(name, value string, set bool) {
		if set {
			words = append(words, name, shell.Quote(value))
		}
	}
	flag("--format", o.Format, o.Format != "")
	flag("--field", o.Field, o.Field != "")
	flag("--tokens", o.Tokens, o.Tokens != "bytes")
	if len(o.Distances) > 0 {
		var ds []string
		for _, d := range o.Distances {
			ds = append(ds, strconv.Itoa(d))
		}
		flag("--distances", strings.Join(ds, ","), true)
	}
	flag("--sample", formatFloat(o.Sample), o.Sample != 1)
	flag("--blocks", strconv.Itoa(o.Blocks), o.Blocks != count.DefaultBlocks)
	flag("--estimator", o.Estimator, o.Estimator != string(mi.Grassberger))
	if o.KeepFloor {
		words = append(words, "--subtract-floor=false")
	}
	flag("--seed", strconv.FormatUint(o.Seed, 10), o.Seed != 1)
	flag("--counts", o.Counts, o.Counts != "")
	for _, p := range o.Paths {
		words = append(words, shell.Quote(p))
	}
	return strings.Join(words, " ")
}

// TwoPoint measures the two-point mutual information I(w_i; w_{i+d}) of
// documents of any size, from exact counts of the pairs at every distance, with
// the estimator's floor on shuffled pairs, jackknife errors over blocks of
// documents, and the law of its decay.
//
// The run directory keeps the counts: the same call continues an interrupted
// one, and a change of the estimator alone does not count anything again.
func TwoPoint(ctx context.Context, o TwoPointOptions) (*report.Result, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return nil, err
	}
	lock, _, err := filelock.Acquire(filepath.Join(o.Out, twoPointLock))
	if err != nil {
		return nil, fmt.Errorf("opening the run %s: %w (wait for it, or choose another --out)", o.Out, err)
	}
	defer lock.Close()
	r := &report.Result{
		Schema: report.Schema, Verb: "twopoint", Command: o.Command(), Version: BuildVersion().Short(),
	}
	var counts *count.File
	if o.Counts != "" {
		if counts, err = readCounts(o.Counts); err != nil {
			return nil, err
		}
		r.Corpus = report.Corpus{Paths: []string{o.Counts}, Documents: int(counts.Documents), Tokenizer: counts.Alphabet, Fingerprint: counts.Key}
	} else if counts, err = countDocuments(ctx, r, o); err != nil {
		return nil, err
	}
	r.Warnings = append(countWarnings(counts), r.Warnings...)
	if r.TwoPoint, err = estimateTwoPoint(ctx, counts, o); err != nil {
		return nil, err
	}
	if err := writeRun(o.Out, r, o.Figures); err != nil {
		return nil, err
	}
	return r, nil
}

func readCounts(path string) (*count.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	counts, err := count.ReadFile(f)
	if err != nil {
		return nil, fmt.Errorf("reading counts: %s: %w", path, err)
	}
	return counts, nil
}

// countWarnings says what is special about counts, wherever they were made.
func countWarnings(f *count.File) []info.Warning {
	var w []info.Warning
	if f.BlockTokens > 0 && len(f.Distances) > 0 && len(f.Distances[0].Without) >= 2 {
		w = append(w, info.Warning{
			Code: "few-documents",
			Text: fmt.Sprintf("with %s only, the errors are from leaving out stretches of text in turn, and say how the information varies within what is here, not in others of its kind", several(int(f.Documents), "document")),
			Fix:  "give more documents",
		})
	}
	if f.Sample < 1 {
		w = append(w, info.Warning{
			Code: "sampled", Text: fmt.Sprintf("only a random share of %g of the documents was counted", f.Sample), Fix: "leave out --sample for exact counts",
		})
	}
	return w
}

// countDocuments counts what the run directory does not hold yet, and describes
// the documents in r.
func countDocuments(ctx context.Context, r *report.Result, o TwoPointOptions) (*count.File, error) {
	format, err := corpus.ParseFormat(o.Format)
	if err != nil {
		return nil, err
	}
	stage := o.Progress.stage("reading", "B")
	c, err := corpus.Index(ctx, o.Paths, corpus.Options{
		Format: format, Field: o.Field, Stdin: o.Stdin, Workers: o.Workers,
		Progress: func(done, total int64) { stage(done, total, 0) },
	})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stream, err := openStream(o.Tokens)
	if err != nil {
		return nil, err
	}
	r.Corpus = report.Corpus{
		Paths: o.Paths, Documents: c.Documents(), Bytes: c.Bytes(), Evaluation: c.Documents(),
		Duplicates: c.Duplicates(), Skipped: c.Skipped(), Tokenizer: stream.Name(), Fingerprint: c.Fingerprint(),
	}
	opts := count.Options{
		Distances: o.Distances, Vocabulary: stream.Size(), Sample: o.Sample, Seed: o.Seed,
		Blocks: o.Blocks, BlockTokens: count.DefaultBlockTokens,
		Memory: o.Memory, TokenBytes: tokenBytes(stream), Workers: o.Workers, SpillDir: filepath.Join(o.Out, spillName),
	}.Divide(c.Documents())
	all := true // distances up to the longest document
	if len(opts.Distances) == 0 {
		opts.Distances, all = defaultDistances(c, stream, opts)
	}
	if len(opts.Distances) == 0 {
		return nil, fmt.Errorf("the longest document has %s: there are no pairs to count", several(int(c.Longest()), "byte"))
	}
	opts.Tables = keepTables(opts)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%v\n%d\n%d\n%g\n%d\n%t", c.Fingerprint(), stream.Fingerprint(),
		opts.Distances, opts.Blocks, opts.BlockTokens, opts.Sample, opts.Seed, opts.Tables))
	key := fmt.Sprintf("%x", sum)
	opts.Key = key

	file, err := settleCounts(o, key)
	if err != nil {
		return nil, err
	}
	if file == nil {
		if file, err = countAnew(ctx, c, stream, opts, o); err != nil {
			return nil, err
		}
	}
	if last := file.Distances[len(file.Distances)-1]; !all && last.Pairs > 0 {
		r.Warnings = append(r.Warnings, info.Warning{
			Code: "distances-left-out",
			Text: fmt.Sprintf("there are pairs at distances beyond %d, but counting them does not fit into the memory", last.Distance),
			Fix:  "raise --memory",
		})
	}
	return file, nil
}

// defaultDistances are the powers of two up to the longest document at which
// tokens have no letters in common; all says whether the memory is enough for
// them.
func defaultDistances(c *corpus.Corpus, stream token.Stream, o count.Options) (ds []int, all bool) {
	// A token is a byte at least.
	ds = dyadicDistances(token.Width(stream.Name()), c.Longest())
	for n := len(ds); n > 0; n-- {
		o.Distances = ds[:n]
		if o.Check() == nil {
			return ds[:n], n == len(ds)
		}
	}
	return ds, true // counting says what is wrong
}

// countAnew counts, and leaves the counts in the run directory.
func countAnew(ctx context.Context, c *corpus.Corpus, stream token.Stream, opts count.Options, o TwoPointOptions) (*count.File, error) {
	counts, err := countPairs(ctx, c, stream, opts, o.Progress)
	if errors.Is(err, corpus.ErrChanged) {
		// What is kept may be of the file as it was not, and as it may be again.
		return nil, errors.Join(err, count.Clean(opts.SpillDir))
	}
	if err != nil {
		return nil, err
	}
	file := &count.File{Alphabet: stream.Name(), Key: opts.Key, Result: *counts}
	if err := atomicfile.WriteFile(filepath.Join(o.Out, countsName), 0o644, file.Write); err != nil {
		return nil, err
	}
	if err := count.Clean(opts.SpillDir); err != nil {
		return nil, err
	}
	if err := os.Remove(opts.SpillDir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return file, nil
}

// several is a number of things: "1 byte", "3 bytes".
func several(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// keepTables says whether the vocabulary is small enough to keep the tables of
// all pairs, for their covariance.
func keepTables(o count.Options) bool {
	v, memory := int64(o.Vocabulary), o.Memory
	if memory == 0 {
		memory = 1 << 30
	}
	return v > 0 && v <= 256 && 8*v*v*int64(len(o.Distances)*max(1, o.Blocks)) <= memory/2
}

// settleCounts returns the counts that the run directory holds under the key,
// nil if there are none. It refuses a directory that holds something else.
func settleCounts(o TwoPointOptions, key string) (*count.File, error) {
	path := filepath.Join(o.Out, countsName)
	if o.Fresh {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, count.Clean(filepath.Join(o.Out, spillName))
	}
	if _, err := os.Stat(filepath.Join(o.Out, "run.json")); err == nil {
		return nil, fmt.Errorf("%s is a run of l2m measure (name another directory with --out)", o.Out)
	}
	counts, err := readCounts(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, os.MkdirAll(o.Out, 0o755)
	case err != nil:
		return nil, fmt.Errorf("%w (--fresh counts again)", err)
	case counts.Key != key:
		return nil, fmt.Errorf("%s holds counts of other documents or of other options (--fresh discards them, --out names another directory)", o.Out)
	}
	return counts, nil
}

// openStream finds tokens by name, or the file of a vocabulary.
func openStream(tokens string) (token.Stream, error) {
	s, err := token.ParseStream(tokens)
	if err == nil {
		return s, nil
	}
	if _, missing := os.Stat(tokens); missing != nil {
		return nil, fmt.Errorf("%w; nor is there a vocabulary of that name (tokenizer.json or .tiktoken)", err)
	}
	v, err := vocabulary.Open(tokens)
	if err != nil {
		return nil, err
	}
	return vocabulary.NewStream(v), nil
}
