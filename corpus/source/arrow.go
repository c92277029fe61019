package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// maxBatch bounds the size of a record batch, and maxMetadata that of its description,
// in bytes.
const (
	maxBatch    = 2 << 30
	maxMetadata = 16 << 20
)

// arrow reads a column of strings from an Arrow IPC stream or file. If rows are lists,
// the strings of a row are joined by newlines.
func (r *reader) arrow(in Input, br *bufio.Reader, stream bool) (err error) {
	inVisit := false
	// The library panics on some damaged files.
	defer func() {
		if p := recover(); p != nil {
			if inVisit {
				panic(p)
			}
			err = &ReadError{in.Name, fmt.Sprintf("damaged Arrow file: %v", p), nil}
		}
	}()
	if !stream {
		head, _ := br.Peek(12)
		if stream = isArrowStream(head); !stream && !bytes.HasPrefix(head, []byte("ARROW1\x00\x00")) {
			return &Refusal{in.Name, "not Arrow IPC", "files that are not what their names say", "choose another --format"}
		}
	}
	return r.random(in, br, func(at io.ReaderAt, size int64) error {
		if err := verifyArrow(at, size, stream); err != nil {
			return r.badArrow(in, err)
		}
		if stream {
			return r.arrowStream(in, at, size, &inVisit)
		}
		return r.arrowFile(in, at, size, &inVisit)
	})
}

// arrowLimits bounds allocations by the size of the file, whatever lengths it claims.
func arrowLimits(most int64) []ipc.Option {
	return []ipc.Option{ipc.WithAllocator(&boundedMemory{}), ipc.WithMetadataSizeLimit(min(most, maxMetadata)), ipc.WithBodySizeLimit(most)}
}

func (r *reader) badArrow(in Input, err error) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	return &ReadError{in.Name, fmt.Sprintf("not readable Arrow data: %s (copy or download it again)", brief(err)), err}
}

func (r *reader) arrowStream(in Input, at io.ReaderAt, size int64, inVisit *bool) error {
	limits := arrowLimits(min(size, maxBatch))
	stream := bufio.NewReaderSize(io.NewSectionReader(at, 0, size), headSize)
	batches, err := ipc.NewReaderFromMessageReader(ipc.NewMessageReader(stream, limits...), limits...)
	if err != nil {
		return r.badArrow(in, err)
	}
	defer batches.Release()
	path, err := r.arrowColumn(in, batches.Schema())
	if err != nil {
		return err
	}
	row := int64(0)
	for batches.Next() {
		if row, err = r.arrowBatch(in, batches.RecordBatch(), path, row, inVisit); err != nil {
			return err
		}
	}
	if err := batches.Err(); err != nil && !errors.Is(err, io.EOF) {
		return r.badArrow(in, err)
	}
	return nil
}

func (r *reader) arrowFile(in Input, at io.ReaderAt, size int64, inVisit *bool) error {
	file, err := ipc.NewFileReader(io.NewSectionReader(at, 0, size), arrowLimits(min(size, maxBatch))...)
	if err != nil {
		return r.badArrow(in, err)
	}
	defer file.Close()
	path, err := r.arrowColumn(in, file.Schema())
	if err != nil {
		return err
	}
	row := int64(0)
	for i := range file.NumRecords() {
		batch, err := file.RecordBatchAt(i)
		if err != nil {
			return r.badArrow(in, err)
		}
		row, err = r.arrowBatch(in, batch, path, row, inVisit)
		batch.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// arrowBatch yields the rows of a batch; row is the number of the last row before it.
func (r *reader) arrowBatch(in Input, batch arrow.RecordBatch, path arrowPath, row int64, inVisit *bool) (int64, error) {
	column := batch.Column(path.index)
	for i := range int(batch.NumRows()) {
		row++
		pieces, some := cell(nil, column, i, path.rest)
		if err := r.value(in, row, []byte(strings.Join(pieces, "\n")), some, inVisit); err != nil {
			return row, err
		}
	}
	return row, r.ctx.Err()
}

// arrowPath is the index of a column, and the path within it if it is a structure.
type arrowPath struct {
	index int
	rest  []string
}

func (r *reader) arrowColumn(in Input, schema *arrow.Schema) (arrowPath, error) {
	var names []string
	for i, f := range schema.Fields() {
		if f.Name == r.o.Field {
			return r.arrowText(in, arrowPath{i, nil}, f.Type)
		}
		names = append(names, f.Name)
	}
	for i, f := range schema.Fields() {
		if rest, ok := strings.CutPrefix(r.o.Field, f.Name+"."); ok {
			return r.arrowText(in, arrowPath{i, strings.Split(rest, ".")}, f.Type)
		}
	}
	return arrowPath{}, r.lacking(in, "column", names)
}

// arrowText checks that a path leads to text.
func (r *reader) arrowText(in Input, path arrowPath, t arrow.DataType) (arrowPath, error) {
	rest := path.rest
	for {
		switch typed := t.(type) {
		case *arrow.DictionaryType:
			t = typed.ValueType
			continue
		case *arrow.RunEndEncodedType:
			t = typed.Encoded()
			continue
		case *arrow.StructType:
			if len(rest) == 0 {
				var names []string
				for _, f := range typed.Fields() {
					names = append(names, r.o.Field+"."+f.Name)
				}
				return path, r.lacking(in, "column", names)
			}
			f, ok := typed.FieldByName(rest[0])
			if !ok {
				return path, r.lacking(in, "column", []string{fmt.Sprint(t)})
			}
			t, rest = f.Type, rest[1:]
			continue
		case arrow.ListLikeType:
			t = typed.Elem()
			continue
		}
		switch t.ID() {
		case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW, arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW:
			if len(rest) == 0 {
				return path, nil
			}
		}
		return path, &Refusal{in.Name, fmt.Sprintf("column %q holds %s, not text; choose another with --field", r.o.Field, t), "without text in the field", ""}
	}
}

// cell appends the strings in one row of a column; some reports whether there is one.
func cell(pieces []string, column arrow.Array, i int, path []string) (_ []string, some bool) {
	if column.IsNull(i) {
		return pieces, false
	}
	switch c := column.(type) {
	case *array.String:
		return append(pieces, c.Value(i)), true
	case *array.LargeString:
		return append(pieces, c.Value(i)), true
	case *array.StringView:
		return append(pieces, c.Value(i)), true
	case *array.Binary:
		return append(pieces, string(c.Value(i))), true
	case *array.LargeBinary:
		return append(pieces, string(c.Value(i))), true
	case *array.BinaryView:
		return append(pieces, string(c.Value(i))), true
	case *array.Dictionary:
		return cell(pieces, c.Dictionary(), c.GetValueIndex(i), path)
	case *array.RunEndEncoded:
		return cell(pieces, c.Values(), c.GetPhysicalIndex(i), path)
	case *array.Struct:
		t := c.DataType().(*arrow.StructType)
		k, ok := t.FieldIdx(path[0])
		if !ok {
			return pieces, false
		}
		return cell(pieces, c.Field(k), i, path[1:])
	case array.ListLike:
		from, to := c.ValueOffsets(i)
		for j := from; j < to; j++ {
			more := false
			pieces, more = cell(pieces, c.ListValues(), int(j), path)
			some = some || more
		}
	}
	return pieces, some
}

// boundedMemory panics when a damaged file claims too much memory.
type boundedMemory struct {
	memory.GoAllocator
	held int
}

func (b *boundedMemory) grow(n int) {
	if b.held += n; n < 0 || b.held > 2*maxBatch {
		panic(fmt.Sprintf("its rows are written in batches that claim more than %d GB", 2*maxBatch>>30))
	}
}

func (b *boundedMemory) Allocate(n int) []byte {
	b.grow(n)
	return b.GoAllocator.Allocate(n)
}

func (b *boundedMemory) Reallocate(n int, old []byte) []byte {
	b.grow(n - len(old))
	return b.GoAllocator.Reallocate(n, old)
}

func (b *boundedMemory) Free(old []byte) {
	b.held -= len(old)
	b.GoAllocator.Free(old)
}
