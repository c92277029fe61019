package corpus

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	Progress func(done, total int64) // bytes of files as they stand on disk
}

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
	spooled    string // file that holds standard input
}

// Index reads every document once. It fails on the first file that cannot be
// read; binary, hidden and vendored files of folders are skipped and counted.
// Close the Corpus when it is no longer needed.
func Index(ctx context.Context, paths []string, o Options) (_ *Corpus, err error) {
	if o.Field == "" {
		o.Field = "text"
	}
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
		f, err := c.spool(ctx)
		if err != nil {
			return nil, err
		}
		c.files = append(c.files, f)
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

// spool copies standard input into a file, since it is read more than once.
func (c *Corpus) spool(ctx context.Context) (file, error) {
	if c.opts.Stdin == nil {
		return file{}, errors.New("standard input is not connected")
	}
	if c.opts.Format == Parquet {
		return file{}, errors.New("standard input cannot hold Parquet, which is not read in order (save it to a file)")
	}
	out, err := os.CreateTemp(c.opts.SpoolDir, "l2m-stdin-*")
	if err != nil {
		return file{}, fmt.Errorf("keeping standard input: %w", err)
	}
	c.spooled = out.Name()
	n, err := io.Copy(out, contextReader{ctx, c.opts.Stdin})
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return file{}, fmt.Errorf("keeping standard input in %s: %w", filepath.Dir(c.spooled), err)
	}
	f := file{path: c.spooled, name: "standard input", size: n, form: c.opts.Format, comp: sniff, named: true}
	if f.form == Auto {
		f.form = Text
	}
	return f, nil
}

// Close removes what was kept of standard input.
func (c *Corpus) Close() error {
	if c.spooled == "" {
		return nil
	}
	path := c.spooled
	c.spooled = ""
	return os.Remove(path)
}

// read indexes all files, several at a time.
func (c *Corpus) read(ctx context.Context) error {
	var total int64
	for _, f := range c.files {
		total += f.size
	}
	type found struct {
		docs    []document
		skipped map[string]int
	}
	parts := make([]found, len(c.files))
	var mu sync.Mutex
	var done int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Workers)
	for i, f := range c.files {
		g.Go(func() error {
			skipped := map[string]int{}
			h := sha256.New()
			err := f.records(ctx, c.opts.Field, func() { skipped[skipNullRows]++ }, func(r record) error {
				h.Reset()
				n, err := io.Copy(h, r.r)
				if err != nil {
					return err
				}
				if n == 0 {
					skipped[skipEmpty]++
					return nil
				}
				d := document{bytes: n, record: r.number, file: int32(i)}
				h.Sum(d.hash[:0])
				parts[i].docs = append(parts[i].docs, d)
				return nil
			})
			if errors.Is(err, errBinary) {
				skipped[skipBinary]++
				err = nil
			}
			parts[i].skipped = skipped
			mu.Lock()
			defer mu.Unlock()
			done += f.size
			c.opts.Progress(done, total)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, p := range parts {
		c.docs = append(c.docs, p.docs...)
		for reason, n := range p.skipped {
			c.skipped[reason] += n
		}
	}
	// Among copies the first stays: it only decides which name is shown.
	slices.SortStableFunc(c.docs, func(a, b document) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	before := len(c.docs)
	c.docs = slices.CompactFunc(c.docs, func(a, b document) bool { return a.hash == b.hash })
	c.duplicates = before - len(c.docs)
	for _, d := range c.docs {
		c.bytes += d.bytes
	}
	return nil
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

// Duplicates is the number of exact copies that were dropped.
func (c *Corpus) Duplicates() int { return c.duplicates }

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

// visit streams the documents for which want is true, file by file in the
// order of the files; several files at a time, so visitor calls are concurrent.
func (c *Corpus) visit(ctx context.Context, want func(doc int) bool, visitor func(doc int, r io.Reader) error) error {
	byFile := make([]map[int64]int, len(c.files))
	for i, d := range c.docs {
		if want(i) {
			if byFile[d.file] == nil {
				byFile[d.file] = map[int64]int{}
			}
			byFile[d.file][d.record] = i
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Workers)
	for i, f := range c.files {
		wanted := byFile[i]
		if wanted == nil {
			continue
		}
		g.Go(func() error {
			f.named = true // it was not binary when it was indexed
			left := len(wanted)
			err := f.records(ctx, c.opts.Field, func() {}, func(r record) error {
				doc, ok := wanted[r.number]
				if !ok {
					return nil
				}
				if err := visitor(doc, r.r); err != nil {
					return err
				}
				if left--; left == 0 {
					return errEnough
				}
				return nil
			})
			if err == nil && left > 0 {
				err = fmt.Errorf("%s: %w", f.name, errChanged)
			}
			if errors.Is(err, errEnough) {
				err = nil
			}
			return err
		})
	}
	return g.Wait()
}

var (
	errEnough  = errors.New("all wanted records were read")
	errChanged = errors.New("the file has changed while it was being read (leave it alone and start again)")
)
