package twopoint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// rows emits the texts of a Parquet file, which is held in memory: it is not read
// in order, and not every file system of Beam can read otherwise. Empty and null
// texts are passed over.
func (f *readFn) rows(name string, r io.Reader, emit func([]byte)) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("reading %s: %w", name, fmt.Errorf(format, args...))
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return fail("%w", err)
	}
	p, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return fail("not a readable Parquet file: %w", err)
	}
	leaf, ok := p.Schema().Lookup(f.Field) // a name may have dots in it
	if !ok {
		leaf, ok = p.Schema().Lookup(strings.Split(f.Field, ".")...)
	}
	switch {
	case !ok:
		return fail("no column %q (choose one with --field)", f.Field)
	case leaf.MaxRepetitionLevel > 0 || leaf.Node.Type().Kind() != parquet.ByteArray:
		return fail("column %q holds no text", f.Field)
	}
	for _, group := range p.RowGroups() {
		pages := group.ColumnChunks()[leaf.ColumnIndex].Pages()
		err := eachText(pages, emit)
		pages.Close()
		if err != nil {
			return fail("%w", err)
		}
	}
	return nil
}

func eachText(pages parquet.Pages, emit func([]byte)) error {
	buf := make([]parquet.Value, 256)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		values := page.Values()
		for {
			n, err := values.ReadValues(buf)
			for _, v := range buf[:n] {
				if !v.IsNull() && len(v.ByteArray()) > 0 {
					emit(bytes.Clone(v.ByteArray()))
				}
			}
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return err
			}
		}
		parquet.Release(page)
	}
}
