package corpus

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/l2m-lab/l2m/corpus/source"
)

// Options says what to read.
type Options struct {
	Format         Format                  // Auto: by content, then by name
	Field          string                  // JSON field or table column with the text; "" means "text"
	MaxRecord      int64                   // longest record in bytes, held in memory; 0 means 256 MiB
	Strict         bool                    // unreadable files in a folder or an archive are errors, not skipped
	KeepDuplicates bool                    // exact copies count as documents
	Stdin          io.Reader               // read for the path "-"
	SpoolDir       string                  // holds standard input while the Corpus is open; "" means the system's temporary folder
	Workers        int                     // files read in parallel; 0 means GOMAXPROCS; does not change the result
	Progress       func(done, total int64) // bytes on disk; never called concurrently
}

// Corpus is an index of distinct documents, sorted by hash.
type Corpus struct {
	opts       Options
	files      []file
	docs       documents
	bytes      int64
	duplicates int
	report     *source.Report
	notUTF8    int          // files with text that is not UTF-8
	firstBad   string       // the first of them
	loose      source.Tally // text files in folders of records
	spooled    []*os.File   // hold standard input and pipes, locked
}

// Index reads every document once. An unreadable file is an error if the user has
// named it or with Options.Strict; otherwise it is skipped and counted. Close the
// Corpus when it is no longer needed.
func Index(ctx context.Context, paths []string, o Options) (_ *Corpus, err error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	c := &Corpus{opts: o, report: &source.Report{}}
	defer func() {
		if err != nil {
			c.Close()
			err = fmt.Errorf("reading documents: %w", err)
		}
	}()
	var named []string
	for _, p := range paths {
		if p != "-" {
			named = append(named, p)
		}
	}
	if c.files, err = list(named, o.Strict, c.report); err != nil {
		return nil, err
	}
	if len(named) < len(paths) {
		f, err := c.spoolStdin(ctx)
		if err != nil {
			return nil, err
		}
		c.files = append(c.files, f)
	}
	for i := range c.files {
		if c.files[i].pipe {
			if err := c.spoolPipe(ctx, &c.files[i]); err != nil {
				return nil, err
			}
		}
	}
	if len(c.files) == 0 {
		return nil, fmt.Errorf("no files to read in %s%s", strings.Join(paths, ", "), c.skippedText())
	}
	if err := c.read(ctx); err != nil {
		return nil, err
	}
	if c.docs.n == 0 {
		return nil, fmt.Errorf("no documents in %s%s", strings.Join(paths, ", "), c.skippedText())
	}
	return c, nil
}

func (c *Corpus) skippedText() string {
	if len(c.report.Skipped)+len(c.report.Passed) == 0 {
		return ""
	}
	return " (" + c.report.String() + ")"
}

// indexed is the index of one file.
type indexed struct {
	docs    documents
	report  *source.Report
	notUTF8 bool
}

// read indexes all files, several in parallel.
func (c *Corpus) read(ctx context.Context) error {
	p := progress{report: c.opts.Progress}
	for _, f := range c.files {
		p.total += f.size
	}
	all := make([]indexed, len(c.files))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Workers)
	for i, f := range c.files {
		g.Go(func() error {
			counted := int64(0)
			f.progress = func(n int64) {
				n = min(n, f.size-counted)
				counted += n
				p.add(n)
			}
			var err error
			all[i], err = c.readFile(ctx, f, int32(i))
			p.add(f.size - counted)
			if reason := c.skips(ctx, f, err); reason != "" {
				all[i] = indexed{report: &source.Report{}}
				all[i].report.Skip(reason, f.name)
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	c.join(all)
	return nil
}

// skips is the reason to skip a file after err; "" if err must be returned.
func (c *Corpus) skips(ctx context.Context, f file, err error) string {
	if err == nil || !f.found || c.opts.Strict || ctx.Err() != nil {
		return ""
	}
	if refusal, ok := errors.AsType[*source.Refusal](err); ok {
		return refusal.Group
	}
	_, damaged := errors.AsType[*source.ReadError](err)
	switch {
	case errors.Is(err, errUnreadable):
		return source.SkipUnreadable
	case damaged:
		return source.SkipDamaged
	}
	return ""
}

// readFile indexes the documents of one file.
func (c *Corpus) readFile(ctx context.Context, f file, number int32) (r indexed, err error) {
	h := sha256.New()
	var text utf8Check
	empty := 0
	r.report, err = f.documents(ctx, c.opts, func(d source.Document) error {
		h.Reset()
		n, err := io.Copy(io.MultiWriter(h, &text), d.Text)
		if err != nil {
			return err
		}
		r.notUTF8 = !text.next() || r.notUTF8
		if n == 0 {
			empty++
			return nil
		}
		doc := document{bytes: n, record: d.Place, file: number}
		h.Sum(doc.hash[:0])
		r.docs.add(doc)
		return nil
	})
	if err != nil {
		return indexed{}, err
	}
	if empty > 0 {
		r.report.Pass(passEmpty, f.name, empty)
	}
	return r, nil
}

// join sorts the documents of all files by hash and drops copies.
func (c *Corpus) join(all []indexed) {
	records := map[int]bool{} // by root: there are records
	for i, r := range all {
		f := &c.files[i]
		f.members, f.sequence = r.report.Members, r.report.Sequences()
		records[f.root] = records[f.root] || r.report.Records()
	}
	inFolder := map[string]bool{} // folders in which there are files of records
	for i, r := range all {
		if f := c.files[i]; f.found && r.report.Records() {
			inFolder[filepath.Dir(f.name)] = true
		}
	}
	for i := range all {
		// A README or a lone object of JSON beside records is not a document.
		f := c.files[i]
		beside := inFolder[filepath.Dir(f.name)]
		card := isCard(f.name) || beside && all[i].report.Text() && strings.EqualFold(filepath.Ext(f.name), ".json")
		if f.found && records[f.root] && !all[i].report.Records() && card && len(f.members) == 0 {
			all[i] = indexed{report: &source.Report{}}
			all[i].report.Skip(skipCard, f.name)
		}
		r := &all[i]
		if records[f.root] {
			r.dropCards()
		}
		if f.found && beside && r.report.Text() && r.docs.n > 0 {
			c.loose.Add(f.name)
		}
		c.report.Add(r.report)
		if r.notUTF8 {
			c.notUTF8++
			if name := c.files[i].name; c.firstBad == "" || name < c.firstBad {
				c.firstBad = name
			}
		}
		c.docs.take(&r.docs)
	}
	// Of copies the first in file order stays, which only decides the name that
	// is shown.
	c.docs.sort()
	var last document
	before := c.docs.n
	c.docs.keep(func(d *document) bool {
		copied := d.hash == last.hash
		if copied && c.opts.KeepDuplicates {
			d.copy = last.copy + 1
		}
		last = *d
		return !copied || c.opts.KeepDuplicates
	})
	c.duplicates = before - c.docs.n
	for _, d := range c.docs.all() {
		c.bytes += d.bytes
	}
}

// progress sums the progress of all files.
type progress struct {
	mu          sync.Mutex
	done, total int64
	report      func(done, total int64)
}

func (p *progress) add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.report(p.done, p.total)
}

// Documents is the number of distinct documents.
func (c *Corpus) Documents() int { return c.docs.n }

// Memory is what the index takes, in bytes: 56 a document, and 8 for the order of a
// pass over them.
func (c *Corpus) Memory() int64 { return 64 * int64(c.docs.n) }

// Bytes is the total length of the distinct documents.
func (c *Corpus) Bytes() int64 { return c.bytes }

// Longest is the length of the longest document, in bytes.
func (c *Corpus) Longest() int64 {
	if c.docs.n == 0 {
		return 0
	}
	return c.docs.at(c.longest()).bytes
}

// longest is the index of the longest document of a corpus that has some.
func (c *Corpus) longest() int {
	longest := 0
	for i, d := range c.docs.all() {
		if d.bytes > c.docs.at(longest).bytes {
			longest = i
		}
	}
	return longest
}

// Lengths yields the length of every document, in bytes.
func (c *Corpus) Lengths() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for _, d := range c.docs.all() {
			if !yield(d.bytes) {
				return
			}
		}
	}
}

// Duplicates is the number of exact copies that were dropped.
func (c *Corpus) Duplicates() int { return c.duplicates }

// NotUTF8 is the number of files with text that is not UTF-8 or has zero bytes, and
// the name of the first.
func (c *Corpus) NotUTF8() (files int, first string) { return c.notUTF8, c.firstBad }

// Report says what was read, what was skipped and why.
func (c *Corpus) Report() *source.Report { return c.report }

// Skipped counts the files and records that were not read, by reason.
func (c *Corpus) Skipped() map[string]int {
	m := map[string]int{}
	for _, tallies := range []map[string]*source.Tally{c.report.Skipped, c.report.Passed} {
		for reason, t := range tallies {
			m[reason] += t.Count
		}
	}
	return m
}

// Name names document i by its file, and its record within the file.
func (c *Corpus) Name(i int) string {
	d := c.docs.at(i)
	f := &c.files[d.file]
	name := f.name
	if m := d.record.Member(); m > 0 && m <= len(f.members) {
		name = f.members[m-1]
	}
	if n := d.record.Number(); n > 0 {
		name = fmt.Sprintf("%s:%d", name, n)
	}
	return printable(name)
}

// Fingerprint identifies the set of distinct documents, independently of the names
// and formats of their files.
func (c *Corpus) Fingerprint() string {
	h := sha256.New()
	for _, d := range c.docs.all() {
		h.Write(d.hash[:])
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// visit streams the given documents file by file, several files in parallel, so
// that calls of visitor are concurrent.
func (c *Corpus) visit(ctx context.Context, docs []int32, visitor func(doc int, r io.Reader) error) error {
	order := slices.Clone(docs)
	slices.SortFunc(order, func(a, b int32) int {
		return c.docs.at(int(a)).compare(c.docs.at(int(b)))
	})
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Workers)
	for len(order) > 0 && ctx.Err() == nil {
		n := 1
		for n < len(order) && c.docs.at(int(order[n])).file == c.docs.at(int(order[0])).file {
			n++
		}
		wanted := order[:n]
		order = order[n:]
		g.Go(func() error { return c.visitFile(ctx, wanted, visitor) })
	}
	return g.Wait()
}

// documentsOf lists the keys of byDoc.
func documentsOf[T any](byDoc map[int][]T) []int32 {
	docs := make([]int32, 0, len(byDoc))
	for doc := range byDoc {
		docs = append(docs, int32(doc))
	}
	return docs
}

// visitFile streams the wanted documents of one file, sorted by record.
func (c *Corpus) visitFile(ctx context.Context, wanted []int32, visitor func(doc int, r io.Reader) error) error {
	f := c.files[c.docs.at(int(wanted[0])).file]
	_, err := f.documents(ctx, c.opts, func(d source.Document) error {
		doc := int(wanted[0])
		if d.Place != c.docs.at(doc).record {
			return nil
		}
		if err := visitor(doc, d.Text); err != nil {
			return err
		}
		if wanted = wanted[1:]; len(wanted) == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	if err == nil {
		return fmt.Errorf("%s: %w", printable(f.name), ErrChanged)
	}
	return err
}

var errEnough = errors.New("all wanted documents were read")

// ErrChanged says that a file has changed since it was indexed, so that anything
// read from it since is unreliable.
var ErrChanged = errors.New("the file changed while it was being read (do not modify it during a run, and start again)")
