package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// unsupported is the library's name for a compression that it lacks.
const unsupported = "UNSUPPORTED"

// parquet reads a column of strings, one document per row. If rows are lists, the
// strings of a row are joined by newlines.
func (r *reader) parquet(in Input, at io.ReaderAt, size int64) (err error) {
	// The library panics on some damaged files.
	inVisit := false
	defer func() {
		if p := recover(); p != nil {
			if inVisit {
				panic(p)
			}
			err = &ReadError{in.Name, fmt.Sprintf("damaged Parquet file: %v", p), nil}
		}
	}()
	p, err := openParquet(at, size)
	switch {
	case err != nil && strings.Contains(err.Error(), "DecryptionConfig"):
		return &Refusal{in.Name, "an encrypted Parquet file", groupData, "write it again without encryption"}
	case err != nil:
		return &ReadError{in.Name, fmt.Sprintf("not a readable Parquet file: %s (copy or download it again)", brief(err)), err}
	}
	leaf, err := r.parquetColumn(in, p)
	if err != nil {
		return err
	}
	for i, group := range p.Metadata().RowGroups {
		if group.NumRows == 0 {
			continue // it need not have a page
		}
		if err := verifyPages(at, size, &group.Columns[leaf.ColumnIndex].MetaData); err != nil {
			return &ReadError{in.Name, fmt.Sprintf("row group %d: %v (copy or download it again)", i+1, err), err}
		}
	}
	if usesLZ4(p, leaf) {
		plain, err := withoutLZ4(at, size, p, leaf, r.o.TempDir)
		if err != nil {
			return &ReadError{in.Name, fmt.Sprintf("reading column %q: %s", r.o.Field, brief(err)), err}
		}
		defer plain.Close()
		if p, err = openParquet(plain, plain.size); err != nil {
			return &ReadError{in.Name, fmt.Sprintf("reading column %q: %s", r.o.Field, brief(err)), err}
		}
	}
	rows := &parquetRows{r: r, in: in, list: leaf.MaxRepetitionLevel > 0, full: leaf.MaxDefinitionLevel, inVisit: &inVisit}
	for _, group := range p.RowGroups() {
		if group.NumRows() == 0 {
			continue
		}
		if err := rows.read(group.ColumnChunks()[leaf.ColumnIndex]); err != nil {
			return err
		}
	}
	return rows.end()
}

// openParquet opens a file whose footer is what it claims to be.
func openParquet(at io.ReaderAt, size int64) (*parquet.File, error) {
	var end [8]byte
	if size < int64(len(end)) {
		return nil, io.ErrUnexpectedEOF
	}
	if _, err := at.ReadAt(end[:], size-int64(len(end))); err != nil && err != io.EOF {
		return nil, err
	}
	if string(end[4:]) == "PAR1" {
		n := int64(binary.LittleEndian.Uint32(end[:]))
		if n > size-12 {
			return nil, errors.New("its footer is longer than the file")
		}
		if err := verifyFooter(at, size, n); err != nil {
			return nil, err
		}
	}
	return parquet.OpenFile(at, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
}

// scaffolding are the names of the groups that encode lists in Parquet.
var scaffolding = []string{"list", "element", "item", "array", "bag", "array_element", "key_value"}

// parquetColumn finds the column of the field. Names may have dots in them, and paths
// need not name the groups that encode lists.
func (r *reader) parquetColumn(in Input, p *parquet.File) (parquet.LeafColumn, error) {
	schema := p.Schema()
	leaf, ok := schema.Lookup(r.o.Field)
	if !ok {
		leaf, ok = schema.Lookup(strings.Split(r.o.Field, ".")...)
	}
	var names []string
	for _, path := range schema.Columns() {
		plain := slices.DeleteFunc(slices.Clone(path), func(s string) bool { return slices.Contains(scaffolding, s) })
		names = append(names, strings.Join(plain, "."))
		if !ok && names[len(names)-1] == r.o.Field {
			leaf, ok = schema.Lookup(path...)
		}
	}
	switch same := slices.Index(names, r.o.Field); {
	case !ok:
		return leaf, r.lacking(in, "column", names)
	case same >= 0 && slices.Contains(names[same+1:], r.o.Field):
		return leaf, r.twice(in)
	}
	if leaf.Node.Type().Kind() != parquet.ByteArray {
		return leaf, &Refusal{in.Name, fmt.Sprintf("column %q holds %s, not text; choose another with --field", r.o.Field, leaf.Node.Type()), "without text in the field", ""}
	}
	for _, group := range p.Metadata().RowGroups {
		codec := group.Columns[leaf.ColumnIndex].MetaData.Codec
		if !isLZ4(codec) && parquet.LookupCompressionCodec(codec).String() == unsupported {
			return leaf, &Refusal{in.Name, fmt.Sprintf("column %q is compressed with %s, which is not supported (write the file again with Zstandard or Snappy)", r.o.Field, codec), "in an unsupported compression", ""}
		}
	}
	return leaf, nil
}

func isLZ4(c format.CompressionCodec) bool { return c == format.Lz4Raw || c == format.Lz4 }

func usesLZ4(p *parquet.File, leaf parquet.LeafColumn) bool {
	for _, group := range p.Metadata().RowGroups {
		if isLZ4(group.Columns[leaf.ColumnIndex].MetaData.Codec) {
			return true
		}
	}
	return false
}

// parquetRows assembles rows from the values of a column.
type parquetRows struct {
	r       *reader
	in      Input
	list    bool
	full    int // definition level of a value that is not null
	inVisit *bool

	row    int64 // from 1
	pieces []byte
	some   bool // the row has text
	begun  bool
}

func (p *parquetRows) read(chunk parquet.ColumnChunk) error {
	pages := chunk.Pages()
	defer pages.Close()
	values := make([]parquet.Value, 64)
	for {
		if err := p.r.ctx.Err(); err != nil {
			return err
		}
		page, err := pages.ReadPage()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return p.damaged(err)
		}
		in := page.Values()
		for {
			n, err := in.ReadValues(values)
			for _, v := range values[:n] {
				if err := p.value(v); err != nil {
					return err
				}
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return p.damaged(err)
			}
		}
		parquet.Release(page)
	}
}

func (p *parquetRows) damaged(err error) error {
	if p.r.ctx.Err() != nil {
		return p.r.ctx.Err()
	}
	return &ReadError{p.in.Name, fmt.Sprintf("row %d: %s", p.row+1, brief(err)), err}
}

// value adds a value, which begins or continues a row.
func (p *parquetRows) value(v parquet.Value) error {
	if v.RepetitionLevel() == 0 {
		if err := p.end(); err != nil {
			return err
		}
		p.row++
		p.begun = true
	}
	if v.IsNull() || v.DefinitionLevel() < p.full {
		return nil
	}
	if p.some {
		p.pieces = append(p.pieces, '\n')
	}
	p.some = true
	p.pieces = append(p.pieces, v.ByteArray()...)
	return nil
}

// end passes on the complete row.
func (p *parquetRows) end() error {
	if !p.begun {
		return nil
	}
	text, some := p.pieces, p.some
	p.pieces, p.some, p.begun = p.pieces[:0], false, false
	return p.r.value(p.in, p.row, text, some, p.inVisit)
}

// value passes on the text of a row of Parquet or Arrow.
func (r *reader) value(in Input, row int64, text []byte, some bool, inVisit *bool) error {
	switch {
	case !some:
		r.report.Pass(passNull, in.Name, 1)
		return nil
	case !isUnicode(text):
		r.report.Pass(passNotText, in.Name, 1)
		return nil
	}
	*inVisit = true
	err := r.yieldText(row, text)
	*inVisit = false
	return err
}
