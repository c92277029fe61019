package twopoint

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

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

// givenCounts reads the file of counts that was named, and opens the run directory.
// The file may be in that directory; counts that the run made itself are refused.
func givenCounts(_ context.Context, r *result.Result, o Options) (*count.File, *rundir.Dir, error) {
	counts, err := readCounts(o.Counts)
	if err != nil {
		return nil, nil, err
	}
	r.Corpus = result.Corpus{Paths: []string{o.Counts}, Documents: int(counts.Documents), Tokenizer: counts.Alphabet, Fingerprint: counts.Key}
	own := filepath.Join(o.Out, rundir.Counts)
	opts := rundir.Options{Fresh: o.Fresh, Command: o.Command()}
	a, errOwn := os.Stat(own)
	b, err := os.Stat(o.Counts)
	same := errOwn == nil && err == nil && os.SameFile(a, b)
	if same {
		opts.Fresh, opts.Keep = false, rundir.Counts
	}
	run, err := rundir.Open(o.Out, rundir.TwoPoint, opts)
	if err != nil {
		return nil, run, err
	}
	if !same && run.Has(rundir.Counts) {
		return nil, run, fmt.Errorf("%s already holds counts (discard them with --fresh, or choose another --out)", o.Out)
	}
	return counts, run, nil
}

// countWarnings are those about the counts themselves.
func countWarnings(f *count.File) []info.Warning {
	var w []info.Warning
	if f.Sample < 1 {
		w = append(w, info.Warning{
			Code: "sampled", Text: fmt.Sprintf("only a random sample of the documents, a share of %g, was counted", f.Sample), Fix: "leave out --sample for exact counts",
		})
	}
	return w
}

// countDocuments counts the documents, unless the run directory already holds their
// counts, and describes them in r.
func countDocuments(ctx context.Context, r *result.Result, o Options) (_ *count.File, run *rundir.Dir, err error) {
	stream, err := openStream(o.Tokens)
	if err != nil {
		return nil, run, err
	}
	stage := o.Progress.Stage("reading", "B")
	c, err := corpus.Index(ctx, o.Paths, corpus.Options{
		Format: corpus.Format(o.Format), Field: o.Field, MaxRecord: o.MaxRecord, Strict: o.Strict, KeepDuplicates: o.KeepDuplicates, Stdin: o.Stdin, Workers: o.Workers,
		Progress: func(done, total int64) { stage(done, total, 0) },
	})
	if err != nil {
		return nil, run, err
	}
	defer c.Close()
	r.Corpus = result.Corpus{
		Paths: o.Paths, Documents: c.Documents(), Bytes: c.Bytes(), Evaluation: c.Documents(),
		Duplicates: c.Duplicates(), Skipped: c.Skipped(), Read: c.Report().String(), Tokenizer: stream.Name(), Fingerprint: c.Fingerprint(),
	}
	r.Warnings = append(r.Warnings, c.Warnings()...)
	if w := encodingWarning(c, stream); w != nil {
		r.Warnings = append(r.Warnings, *w)
	}
	opts := count.Options{
		Distances: o.Distances, Vocabulary: stream.Size(), Sample: o.Sample, Seed: o.Seed,
		Blocks: o.Blocks, BlockTokens: count.DefaultBlockTokens,
		Memory: besideIndex(o.Memory, c), TokenBytes: tokenBytes(stream), Workers: o.Workers, SpillDir: filepath.Join(o.Out, rundir.Counting),
	}.Divide(sizesOf(c))
	all := opts.Distances
	if len(all) == 0 {
		// A token has at least one byte.
		all = dyadicDistances(token.Width(stream.Name()), c.Longest())
		opts.Distances = fitting(all, opts)
	}
	if len(opts.Distances) == 0 {
		return nil, run, fmt.Errorf("the longest document has %s: there are no pairs to count", info.Plural(int(c.Longest()), "byte"))
	}
	id := countsID{c.Fingerprint(), stream.Fingerprint()}
	if run, err = rundir.Open(o.Out, rundir.TwoPoint, rundir.Options{Fresh: o.Fresh, Command: o.Command()}); err != nil {
		return nil, run, err
	}
	file, err := storedCounts(run, o, opts, id)
	if err == nil && file == nil {
		opts.Tables = keepTables(opts)
		opts.Key = id.key(opts)
		file, err = countAgain(ctx, run, c, stream, opts, o)
	}
	if err != nil {
		return nil, run, withIndex(err, c)
	}
	switch last := file.Distances[len(file.Distances)-1]; {
	case last.Pairs > 0 && last.Distance < slices.Max(all):
		r.Warnings = append(r.Warnings, info.Warning{
			Code: "distances-left-out",
			Text: fmt.Sprintf("pairs at distances above %d were not counted: they do not fit into memory", last.Distance),
			Fix:  "raise --memory",
		})
	case o.Distances != nil && last.Pairs == 0:
		i := slices.IndexFunc(file.Distances, func(d count.Distance) bool { return d.Pairs == 0 })
		r.Warnings = append(r.Warnings, info.Warning{
			Code: "no-pairs",
			Text: fmt.Sprintf("no document is long enough for pairs at distance %d or more", file.Distances[i].Distance),
		})
	}
	if smallVocabulary(opts) && file.Distances[0].Table == nil {
		r.Warnings = append(r.Warnings, info.Warning{
			Code: "no-covariance",
			Text: "the tables of all pairs did not fit into memory, so there is no covariance",
			Fix:  "raise --memory, with --fresh",
		})
	}
	return file, run, nil
}

// besideIndex is what the index of the documents leaves of the memory, at least a byte.
func besideIndex(memory int64, c *corpus.Corpus) int64 {
	return max(1, cmp.Or(memory, defaultMemory)-c.Memory())
}

// withIndex adds the index of the documents to the memory that an error asks for.
func withIndex(err error, c *corpus.Corpus) error {
	if e := (*count.MemoryError)(nil); errors.As(err, &e) {
		index := c.Memory()
		e.Limit, e.Need = e.Limit+index, e.Need+index
		if e.Ample > 0 {
			e.Ample += index
		}
		if 10*index > e.Need { // worth a word
			e.For = fmt.Sprintf("an index of %s and %s", info.Plural(c.Documents(), "document"), e.For)
		}
	}
	return err
}

// defaultMemory is for counting, the index of the documents included.
const defaultMemory = 1 << 30

// encodingWarning warns that words may be cut because text is not UTF-8. It does not
// matter for bytes and sequences.
func encodingWarning(c *corpus.Corpus, stream token.Stream) *info.Warning {
	n, first := c.NotUTF8()
	if _, subwords := stream.(*vocabulary.Stream); n == 0 || !subwords && stream.Size() != 0 {
		return nil
	}
	files := fmt.Sprintf("%d files hold", n)
	if n == 1 {
		files = "one file holds"
	}
	return &info.Warning{
		Code: "not-utf8",
		Text: fmt.Sprintf("%s bytes that are not UTF-8, which cut words into pieces; the first is %s", files, first),
		Fix:  "if it is text, leave out --format bytes: other encodings are recognised",
	}
}

// fitting are as many of the shortest distances as fit into memory.
func fitting(all []int, o count.Options) []int {
	for n := len(all); n > 0; n-- {
		o.Distances = all[:n]
		if o.Check() == nil {
			return o.Distances
		}
	}
	return all[:min(1, len(all))] // counting reports the error
}

// countsID identifies what is counted: documents and tokens.
type countsID struct{ documents, tokens string }

// key identifies counts: what is counted, and the options that change the
// histograms.
func (id countsID) key(o count.Options) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%v\n%d\n%d\n%g\n%d", id.documents, id.tokens,
		o.Distances, o.Blocks, o.BlockTokens, o.Sample, o.Seed))
	return fmt.Sprintf("%x", sum)
}

// storedCounts returns the counts in the run directory; nil if there are none or they
// lack distances that now fit into memory. Counts of something else are an error.
func storedCounts(run *rundir.Dir, o Options, opts count.Options, id countsID) (*count.File, error) {
	if !run.Has(rundir.Counts) {
		return nil, nil
	}
	counts, err := readCounts(run.Path(rundir.Counts))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w (--fresh counts again)", err)
	}
	asked := len(opts.Distances)
	opts.Distances = nil
	for _, d := range counts.Distances {
		opts.Distances = append(opts.Distances, d.Distance)
	}
	switch {
	case id.key(opts) != counts.Key, o.Distances != nil && !slices.Equal(opts.Distances, slices.Compact(slices.Sorted(slices.Values(o.Distances)))):
		return nil, fmt.Errorf("%s holds counts of other documents or made with other options (discard them with --fresh, or choose another --out)", o.Out)
	case o.Distances == nil && len(opts.Distances) < asked:
		return nil, nil
	}
	// A run killed after writing the counts left its intermediate files.
	return counts, run.Discard(rundir.Counting + "/")
}

// countAgain counts, and stores the counts in the run directory.
func countAgain(ctx context.Context, run *rundir.Dir, c *corpus.Corpus, stream token.Stream, opts count.Options, o Options) (*count.File, error) {
	if _, err := run.Folder(rundir.Counting); err != nil {
		return nil, err
	}
	counts, err := countPairs(ctx, c, stream, opts, o.Progress)
	if errors.Is(err, corpus.ErrChanged) {
		// The intermediate counts may be of a half-changed file.
		return nil, errors.Join(err, count.Clean(opts.SpillDir))
	}
	if err != nil {
		return nil, err
	}
	if counts.Documents == 0 {
		return nil, fmt.Errorf("a sample of %g contains none of the %s (use a larger --sample)", o.Sample, info.Plural(c.Documents(), "document"))
	}
	// Results of other counts must not stay beside these.
	if err := run.DiscardAllBut(rundir.Counting + "/"); err != nil {
		return nil, err
	}
	file := &count.File{Alphabet: stream.Name(), Key: opts.Key, Result: *counts}
	if err := run.Write(rundir.Face{Name: rundir.Counts, Write: file.Write}); err != nil {
		return nil, err
	}
	return file, run.Discard(rundir.Counting + "/")
}

// smallVocabulary reports whether the vocabulary is small enough for covariances,
// which need a table of all pairs.
func smallVocabulary(o count.Options) bool {
	return o.Vocabulary > 0 && o.Vocabulary <= count.DefaultTables
}

// keepTables reports whether to keep the tables of all pairs: they must be wanted and
// fit into memory.
func keepTables(o count.Options) bool {
	v := int64(o.Vocabulary)
	return smallVocabulary(o) && 8*v*v*int64(len(o.Distances)*max(1, o.Blocks)) <= o.Memory/2
}
