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
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Options says what to read.
type Options struct {
	Format   Format                  // Auto: by file name
	Field    string                  // JSON field or Parquet column; "" means "text"
	Stdin    io.Reader               // what the path "-" stands for
	SpoolDir string                  // where standard input is kept while the Corpus is open; "" means the system's temporary folder
	Workers  int                     // files read at a time; 0 means GOMAXPROCS; does not change the result
	Progress func(done, total int64) // bytes of files as they stand on disk; never called at the same time
}

// defaultField holds the text of a JSON object or of a row of Parquet.
const defaultField = "text"

// document is a distinct document of the corpus.
type document struct {
	hash   [sha256.Size]byte
	bytes  int64
	record int64
	file   int32
}

// Corpus is an index of distinct documents, in the order of their hashes.
type Corpus struct {
	opts       Options
	files      []file
	docs       []document
	bytes      int64
	duplicates int
	skipped    map[string]int
	strange    int        // files with what is not text in UTF-8
	stranger   string     // the first of them
	spooled    []*os.File // that hold standard input and pipes, locked
}

// Index reads every document once. It fails on the first file that cannot be
// read; binary, hidden and vendored files of folders are skipped and counted.
// Close the Corpus when it is no longer needed.
func Index(ctx context.Context, paths []string, o Options) (_ *Corpus, err error) {
	o.Field = cmp.Or(o.Field, defaultField)
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	c := &Corpus{opts: o}
	defer func() {
		if err != nil {
			c.Close()
			err = fmt.Errorf("reading documents: %w", err)
		}
	}()
	var named []string
	stdin := false
	for _, p := range paths {
		if p == "-" {
			stdin = true
			continue
		}
		named = append(named, p)
	}
	if c.files, c.skipped, err = list(named, o.Format); err != nil {
		return nil, err
	}
	if stdin {
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
	if len(c.skipped) == 0 {
		return ""
	}
	var parts []string
	for reason, n := range c.skipped {
		parts = append(parts, fmt.Sprintf("%d %s", n, reason))
	}
	slices.Sort(parts)
	return " (skipped: " + strings.Join(parts, ", ") + ")"
}

// batch is how many documents are noted before they join those of other files.
const batch = 4096

// read indexes all files, several at a time.
func (c *Corpus) read(ctx context.Context) error {
	p := progress{report: c.opts.Progress}
	for _, f := range c.files {
		p.total += f.size
	}
	var mu sync.Mutex
	// Batches, not one growing slice: a corpus may have millions of documents,
	// and growing would hold them more than twice.
	var batches [][]document
	join := func(docs []document, skipped map[string]int) {
		mu.Lock()
		defer mu.Unlock()
		if len(docs) > 0 {
			batches = append(batches, slices.Clone(docs))
		}
		for reason, n := range skipped {
			c.skipped[reason] += n
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Workers)
	for i, f := range c.files {
		g.Go(func() error {
			var docs []document
			skipped := map[string]int{}
			h := sha256.New()
			var text utf8Check
			strange := false
			counted := int64(0)
			f.progress = func(n int64) {
				n = min(n, f.size-counted)
				counted += n
				p.add(n)
			}
			err := f.records(ctx, c.opts.Field, func() { skipped[skipNullRows]++ }, func(r record) error {
				h.Reset()
				n, err := io.Copy(io.MultiWriter(h, &text), r.r)
				if err != nil {
					return err
				}
				strange = !text.next() || r.bad || strange
				if n == 0 {
					skipped[skipEmpty]++
					return nil
				}
				d := document{bytes: n, record: r.number, file: int32(i)}
				h.Sum(d.hash[:0])
				if docs = append(docs, d); len(docs) == batch {
					join(docs, nil)
					docs = docs[:0]
				}
				return nil
			})
			switch {
			case errors.Is(err, errBinary):
				skipped[skipBinary]++
				err = nil
			case errors.Is(err, errPacked):
				skipped[skipPacked]++
				err = nil
			}
			join(docs, skipped)
			if strange {
				mu.Lock()
				c.strange++
				if c.stranger == "" || f.name < c.stranger {
					c.stranger = f.name
				}
				mu.Unlock()
			}
			p.add(f.size - counted)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	total := 0
	for _, b := range batches {
		total += len(b)
	}
	c.docs = make([]document, 0, total)
	for i, b := range batches {
		c.docs = append(c.docs, b...)
		batches[i] = nil
	}
	// Among copies the first in the order of the files stays: it only decides
	// which name is shown.
	slices.SortFunc(c.docs, func(a, b document) int {
		if order := bytes.Compare(a.hash[:], b.hash[:]); order != 0 {
			return order
		}
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.record, b.record))
	})
	c.docs = slices.CompactFunc(c.docs, func(a, b document) bool { return a.hash == b.hash })
	c.duplicates = total - len(c.docs)
	for _, d := range c.docs {
		c.bytes += d.bytes
	}
	return nil
}

// progress adds up what the readers of files have read.
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

// Bytes is the length of all distinct documents.
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

// NotUTF8 is the number of files that hold what is not text in UTF-8, zero bytes among
// it, and the name of the first.
func (c *Corpus) NotUTF8() (files int, first string) { return c.strange, c.stranger }

// Skipped counts what was not read, by reason.
func (c *Corpus) Skipped() map[string]int {
	m := make(map[string]int, len(c.skipped))
	for reason, n := range c.skipped {
		m[reason] = n
	}
	return m
}

// Name is what to call document i: its file, and its record within the file.
func (c *Corpus) Name(i int) string {
	d := c.docs[i]
	name := c.files[d.file].name
	if d.record > 0 {
		name = fmt.Sprintf("%s:%d", name, d.record)
	}
	return name
}

// Fingerprint identifies the set of distinct documents, whatever their files
// are called and however they are stored.
func (c *Corpus) Fingerprint() string {
	h := sha256.New()
	for _, d := range c.docs {
		h.Write(d.hash[:])
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// draw is a pseudo-random number of a document, uniform in [0,1), that depends
// only on its content, the seed and the purpose.
func (d *document) draw(seed uint64, purpose string) float64 {
	return float64(d.seed(seed, purpose)>>11) / (1 << 53)
}

// seed mixes the content of the document into a seed.
func (d *document) seed(seed uint64, purpose string) uint64 {
	h := sha256.New()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	h.Write(b[:])
	io.WriteString(h, purpose)
	h.Write(d.hash[:])
	return binary.LittleEndian.Uint64(h.Sum(nil))
}

// visit streams the given documents, file by file in the order of the files;
// several files at a time, so visitor calls are concurrent.
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

// keysOf lists the documents of which something is wanted.
func keysOf[T any](byDoc map[int][]T) []int32 {
	docs := make([]int32, 0, len(byDoc))
	for doc := range byDoc {
		docs = append(docs, int32(doc))
	}
	return docs
}

// visitFile streams documents of one file, which come in the order of their
// records.
func (c *Corpus) visitFile(ctx context.Context, wanted []int32, visitor func(doc int, r io.Reader) error) error {
	f := c.files[c.docs[wanted[0]].file]
	f.named = true // it was not binary when it was indexed
	err := f.records(ctx, c.opts.Field, func() {}, func(r record) error {
		doc := int(wanted[0])
		if r.number != c.docs[doc].record {
			return nil
		}
		if err := visitor(doc, r.r); err != nil {
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
		return fmt.Errorf("%s: %w", f.name, ErrChanged)
	}
	return err
}

var errEnough = errors.New("all wanted records were read")

// ErrChanged says that a file is not what it was when it was indexed: what was read
// of it since may be anything.
var ErrChanged = errors.New("the file has changed while it was being read (leave it alone and start again)")
