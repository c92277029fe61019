package corpus

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// unsupported is how the library calls a compression that it lacks.
const unsupported = "UNSUPPORTED"

// parquet yields the strings of one column of raw, one document per row.
func (f file) parquet(ctx context.Context, raw io.ReaderAt, column string, null func(), yield func(record) error) (err error) {
	if f.comp != plain {
		return fmt.Errorf("%s: Parquet inside gzip or Zstandard cannot be read in place (unpack it)", f.name)
	}
	// The library panics on some damaged files.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: damaged Parquet file: %v", f.name, p)
		}
	}()
	p, err := parquet.OpenFile(raw, f.size)
	if err != nil {
		return fmt.Errorf("%s: not a readable Parquet file: %w", f.name, err)
	}
	leaf, ok := p.Schema().Lookup(column) // a name may have dots in it
	if !ok {
		leaf, ok = p.Schema().Lookup(strings.Split(column, ".")...)
	}
	if !ok {
		var names []string
		for _, path := range p.Schema().Columns() {
			names = append(names, strings.Join(path, "."))
		}
		return fmt.Errorf("%s: no column %q (columns: %s); choose one with --field", f.name, column, strings.Join(names, ", "))
	}
	if leaf.Node.Type().Kind() != parquet.ByteArray {
		return fmt.Errorf("%s: column %q holds %s, not text; choose another with --field", f.name, column, leaf.Node.Type())
	}
	if leaf.MaxRepetitionLevel > 0 {
		return fmt.Errorf("%s: column %q holds lists; a column with one text per row is wanted", f.name, column)
	}
	for _, group := range p.Metadata().RowGroups {
		codec := group.Columns[leaf.ColumnIndex].MetaData.Codec
		if parquet.LookupCompressionCodec(codec).String() == unsupported {
			return fmt.Errorf("%s: column %q is compressed with %s, which is not read (write the file again with Zstandard or Snappy)", f.name, column, codec)
		}
	}
	row := int64(0)
	for _, group := range p.RowGroups() {
		if err := columnValues(ctx, group.ColumnChunks()[leaf.ColumnIndex], func(v parquet.Value) error {
			row++
			if v.IsNull() {
				null()
				return nil
			}
			return yield(record{number: row, r: bytes.NewReader(v.ByteArray())})
		}); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%s: row %d: %w", f.name, row+1, err)
		}
		if f.progress != nil {
			f.progress(int64(float64(f.size) * float64(group.NumRows()) / float64(p.NumRows())))
		}
	}
	return nil
}

func columnValues(ctx context.Context, chunk parquet.ColumnChunk, yield func(parquet.Value) error) error {
	pages := chunk.Pages()
	defer pages.Close()
	values := make([]parquet.Value, 64)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		page, err := pages.ReadPage()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		in := page.Values()
		for {
			n, err := in.ReadValues(values)
			for _, v := range values[:n] {
				if err := yield(v); err != nil {
					return err
				}
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
		}
		parquet.Release(page)
	}
}
