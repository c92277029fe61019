package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/l2m-lab/l2m/corpus/source"
)

// Read streams the documents of one file whose content is r, as [Index] reads a file
// that the user has named: for files that are not in the file system of this machine.
// Of o, Format, Field, MaxRecord, Strict and SpoolDir matter. Parquet and ZIP files,
// which are not read in order, are kept in SpoolDir meanwhile.
//
// What visitor leaves of a document is skipped. A document may be empty; records
// without text are passed over.
func Read(ctx context.Context, r io.Reader, name string, o Options, visitor func(doc io.Reader) error) error {
	_, err := source.Read(ctx, source.Input{Name: name, R: r}, o.source(), func(d source.Document) error { return visitor(d.Text) })
	return err
}

func (o Options) source() source.Options {
	return source.Options{Format: o.Format, Field: o.Field, MaxRecord: o.MaxRecord, Strict: o.Strict, TempDir: o.SpoolDir}
}

// documents reads the documents of a file one after another. What visit leaves of one
// is skipped.
func (f file) documents(ctx context.Context, o Options, visit func(source.Document) error) (*source.Report, error) {
	raw, err := os.Open(f.path)
	if err != nil {
		return nil, &source.ReadError{Name: f.name, Text: cause(err).Error(), Err: fmt.Errorf("%w: %w", errUnreadable, err)}
	}
	defer raw.Close()
	if err := f.unchanged(raw); err != nil {
		return nil, err
	}
	in := source.Input{Name: f.name, R: counted{raw, f.progress}, At: raw, Size: f.size, Found: f.found}
	report, err := source.Read(ctx, in, o.source(), visit)
	// What is read of a file that changes may look like anything.
	if changed := f.unchanged(raw); changed != nil && ctx.Err() == nil {
		return nil, changed
	}
	return report, err
}

// errUnreadable says that a file could not be opened.
var errUnreadable = errors.New("unreadable")

// unchanged says whether the file is still as it was when it was found.
func (f file) unchanged(raw *os.File) error {
	if f.mtime.IsZero() {
		return nil
	}
	st, err := raw.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", printable(f.name), cause(err))
	}
	if st.Size() != f.size || !st.ModTime().Equal(f.mtime) {
		return fmt.Errorf("%s: %w", printable(f.name), ErrChanged)
	}
	return nil
}

// counted tells how many bytes are read.
type counted struct {
	r    io.Reader
	tell func(n int64)
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.tell != nil && n > 0 {
		c.tell(int64(n))
	}
	return n, err
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
