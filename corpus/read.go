package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/l2m-lab/l2m/corpus/source"
)

// Read streams the documents of one file with content r, as [Index] reads a file
// that the user has named. It is for files that are not in this machine's file
// system. It uses the Format, Field, MaxRecord, Strict and SpoolDir of o; Parquet
// and ZIP files, which need random access, are copied to SpoolDir.
//
// visitor need not read a document to its end. A document may be empty; records
// without text are skipped.
func Read(ctx context.Context, r io.Reader, name string, o Options, visitor func(doc io.Reader) error) error {
	_, err := source.Read(ctx, source.Input{Name: name, R: r}, o.source(), func(d source.Document) error { return visitor(d.Text) })
	return err
}

func (o Options) source() source.Options {
	return source.Options{Format: o.Format, Field: o.Field, MaxRecord: o.MaxRecord, Strict: o.Strict, TempDir: o.SpoolDir}
}

// documents reads the documents of a file one after another. visit need not read
// one to its end.
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
	// A file that changes may fail in any way, so this error comes first.
	if changed := f.unchanged(raw); changed != nil && ctx.Err() == nil {
		return nil, changed
	}
	return report, err
}

// errUnreadable says that a file could not be opened.
var errUnreadable = errors.New("unreadable")

// unchanged returns ErrChanged if the file has changed since it was listed.
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

// counted reports the number of bytes read.
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

// contextReader fails when its context ends.
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
