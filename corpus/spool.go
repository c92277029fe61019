package corpus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/l2m-lab/l2m/internal/tempfile"
)

// spoolPrefix begins the names of spool files.
const spoolPrefix = "l2m-stdin-"

// spool copies an input that can be read only once to a file, since documents are
// read more than once. It removes the spool files of killed processes. When ctx
// ends it returns at once, even if open or reading still blocks.
func (c *Corpus) spool(ctx context.Context, open func() (io.ReadCloser, error), name string) (path string, n int64, err error) {
	dir := cmp.Or(c.opts.SpoolDir, os.TempDir())
	tempfile.RemoveAbandoned(dir, spoolPrefix, "")
	out, err := tempfile.Create(dir, spoolPrefix, "", 0o600)
	if err != nil {
		return "", 0, fmt.Errorf("copying %s: %w", name, err)
	}
	c.spooled = append(c.spooled, out)
	type result struct {
		n   int64
		err error
	}
	done := make(chan result, 1)
	go func() {
		r, err := open()
		if err != nil {
			done <- result{0, err}
			return
		}
		defer r.Close()
		// Without this, reading a pipe that nobody writes to would never end.
		stop := context.AfterFunc(ctx, func() { r.Close() })
		defer stop()
		n, err := io.Copy(out, contextReader{ctx, r})
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		n, err = r.n, r.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		return "", 0, fmt.Errorf("copying %s to %s: %w", name, dir, err)
	}
	return out.Name(), n, nil
}

func (c *Corpus) spoolStdin(ctx context.Context) (file, error) {
	if c.opts.Stdin == nil {
		return file{}, errors.New("standard input is not connected")
	}
	f := file{name: "standard input", root: -1}
	var err error
	f.path, f.size, err = c.spool(ctx, func() (io.ReadCloser, error) { return io.NopCloser(c.opts.Stdin), nil }, f.name)
	return f, err
}

// spoolPipe copies a named pipe, such as a shell makes for <(command), to a file.
func (c *Corpus) spoolPipe(ctx context.Context, f *file) error {
	pipe := f.path
	open := func() (io.ReadCloser, error) { return os.Open(pipe) } // waits for a writer
	path, n, err := c.spool(ctx, open, f.name)
	if err != nil {
		return err
	}
	f.path, f.size, f.mtime = path, n, time.Time{} // mtime was the pipe's
	return nil
}

// Close removes the copies of standard input and pipes.
func (c *Corpus) Close() error {
	var errs []error
	for _, f := range c.spooled {
		errs = append(errs, f.Close(), os.Remove(f.Name()))
	}
	c.spooled = nil
	return errors.Join(errs...)
}
