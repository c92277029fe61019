package corpus

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
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

// document is a distinct document of the corpus.
type document struct {
	hash   [sha256.Size]byte
	bytes  int64
	record source.Place
	file   int32
	copy   int32 // number among the documents with the same hash, from 0
}

// Corpus is an index of distinct documents, sorted by hash.
type Corpus struct {
	opts       Options
	files      []file
	docs       []document
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
	if len(c.docs) == 0 {
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

// batch is the number of documents in a chunk: a corpus may have millions, and a
// single growing slice would take more than twice their memory.
const batch = 4096

// indexed is the index of one file.
type indexed struct {
	docs    [][]document
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
	var docs []document
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
		if docs = append(docs, doc); len(docs) == batch {
			r.docs = append(r.docs, slices.Clone(docs))
			docs = docs[:0]
		}
		return nil
	})
	if err != nil {
		return indexed{}, err
	}
	r.docs = append(r.docs, docs)
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
	total := 0
	inFolder := map[string]bool{} // folders in which there are files of records
	for i, r := range all {
		if f := c.files[i]; f.found && r.report.Records() {
			inFolder[filepath.Dir(f.name)] = true
		}
	}
	for i := range all {
		// A README beside records is not a document.
		if f := c.files[i]; f.found && records[f.root] && !all[i].report.Records() && isCard(f.name) && len(f.members) == 0 {
			all[i] = indexed{report: &source.Report{}}
			all[i].report.Skip(skipCard, f.name)
		}
		r := &all[i]
		if records[c.files[i].root] {
			r.dropCards()
		}
		if f := c.files[i]; f.found && inFolder[filepath.Dir(f.name)] && r.report.Text() {
			c.loose.Add(f.name)
		}
		c.report.Add(r.report)
		if r.notUTF8 {
			c.notUTF8++
			if name := c.files[i].name; c.firstBad == "" || name < c.firstBad {
				c.firstBad = name
			}
		}
		for _, b := range r.docs {
			total += len(b)
		}
	}
	c.docs = make([]document, 0, total)
	for i := range all {
		for _, b := range all[i].docs {
			c.docs = append(c.docs, b...)
		}
		all[i].docs = nil
	}
	// Of copies the first in file order stays, which only decides the name that
	// is shown.
	slices.SortFunc(c.docs, func(a, b document) int {
		if order := bytes.Compare(a.hash[:], b.hash[:]); order != 0 {
			return order
		}
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.record, b.record))
	})
	if c.opts.KeepDuplicates {
		for i := 1; i < len(c.docs); i++ {
			if c.docs[i].hash == c.docs[i-1].hash {
				c.docs[i].copy = c.docs[i-1].copy + 1
			}
		}
	} else {
		c.docs = slices.CompactFunc(c.docs, func(a, b document) bool { return a.hash == b.hash })
		c.duplicates = total - len(c.docs)
	}
	for _, d := range c.docs {
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
func (c *Corpus) Documents() int { return len(c.docs) }

// Bytes is the total length of the distinct documents.
func (c *Corpus) Bytes() int64 { return c.bytes }

// Longest is the length of the longest document, in bytes.
func (c *Corpus) Longest() int64 {
	var n int64
	for _, d := range c.docs {
		n = max(n, d.bytes)
	}
	return n
}

// Lengths yields the length of every document, in bytes.
func (c *Corpus) Lengths() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for _, d := range c.docs {
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
	d := c.docs[i]
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
	for _, d := range c.docs {
		h.Write(d.hash[:])
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// draw is a pseudo-random number in [0,1) that depends only on the document's
// content, the seed and the purpose.
func (d *document) draw(seed uint64, purpose string) float64 {
	first := *d
	first.copy = 0 // copies fall on the same side
	return float64(first.seed(seed, purpose)>>11) / (1 << 53)
}

// seed mixes the document's content into a seed. Copies have different seeds.
func (d *document) seed(seed uint64, purpose string) uint64 {
	h := sha256.New()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	h.Write(b[:])
	io.WriteString(h, purpose)
	h.Write(d.hash[:])
	if d.copy > 0 {
		binary.LittleEndian.PutUint64(b[:], uint64(d.copy))
		h.Write(b[:])
	}
	return binary.LittleEndian.Uint64(h.Sum(nil))
}

// visit streams the given documents file by file, several files in parallel, so
// that calls of visitor are concurrent.
func (c *Corpus) visit(ctx context.Context, docs []int32, visitor func(doc int, r io.Reader) error) error {
	order := slices.Clone(docs)
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(c.docs[a].file, c.docs[b].file), cmp.Compare(c.docs[a].record, c.docs[b].record))
	})
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Workers)
	for len(order) > 0 && ctx.Err() == nil {
		n := 1
		for n < len(order) && c.docs[order[n]].file == c.docs[order[0]].file {
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
	f := c.files[c.docs[wanted[0]].file]
	_, err := f.documents(ctx, c.opts, func(d source.Document) error {
		doc := int(wanted[0])
		if d.Place != c.docs[doc].record {
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
