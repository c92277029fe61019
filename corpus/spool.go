package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// spool keeps what can be read only once in a file, since documents are read
// more than once.
func (c *Corpus) spool(ctx context.Context, r io.Reader, name string) (path string, n int64, err error) {
	out, err := os.CreateTemp(c.opts.SpoolDir, "l2m-stdin-*")
	if err != nil {
		return "", 0, fmt.Errorf("keeping %s: %w", name, err)
	}
	path = out.Name()
	c.spooled = append(c.spooled, path)
	n, err = io.Copy(out, contextReader{ctx, r})
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", 0, fmt.Errorf("keeping %s in %s: %w", name, filepath.Dir(path), err)
	}
	return path, n, nil
}

func (c *Corpus) spoolStdin(ctx context.Context) (file, error) {
	if c.opts.Stdin == nil {
		return file{}, errors.New("standard input is not connected")
	}
	if c.opts.Format == Parquet {
		return file{}, errors.New("standard input cannot hold Parquet, which is not read in order (save it to a file)")
	}
	f := file{name: "standard input", form: c.opts.Format, named: true}
	if f.form == Auto {
		f.form = Text
	}
	var err error
	f.path, f.size, err = c.spool(ctx, c.opts.Stdin, f.name)
	return f, err
}

// spoolPipe keeps the content of a named pipe, such as a shell makes for
// <(command).
func (c *Corpus) spoolPipe(ctx context.Context, f *file) error {
	in, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, errors.Unwrap(err))
	}
	defer in.Close()
	// A pipe that nobody writes to would never notice that it is over.
	stop := context.AfterFunc(ctx, func() { in.Close() })
	defer stop()
	f.path, f.size, err = c.spool(ctx, in, f.name)
	f.mtime = time.Time{} // of the pipe
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Close removes what was kept of standard input and of pipes.
func (c *Corpus) Close() error {
	var errs []error
	for _, path := range c.spooled {
		errs = append(errs, os.Remove(path))
	}
	c.spooled = nil
	return errors.Join(errs...)
}
