package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	flatbuffers "github.com/google/flatbuffers/go"
)

// The Arrow library allocates whatever the metadata claims: numbers of fields and
// nodes, and uncompressed lengths. What does not fit into the file is refused first
// [Arrow columnar format, Message.fbs, Schema.fbs and File.fbs].

var errClaim = errors.New("its metadata claims more than the file holds")

// verifyArrow checks the metadata of a stream, or of the messages in the footer of a
// file.
func verifyArrow(at io.ReaderAt, size int64, stream bool) error {
	v := &arrowVerifier{at: at, size: size}
	if !stream {
		return v.file()
	}
	for pos := int64(0); pos < size; {
		next, err := v.message(pos)
		if err != nil || next < 0 {
			return err
		}
		pos = next
	}
	return nil
}

type arrowVerifier struct {
	at   io.ReaderAt
	size int64
	left int // tables that the current metadata may still have
}

// metadata reads n bytes of metadata.
func (v *arrowVerifier) metadata(at, n int64) ([]byte, error) {
	if at < 0 || n < 4 || n > min(maxMetadata, v.size-at) {
		return nil, errClaim
	}
	b := make([]byte, n)
	if _, err := v.at.ReadAt(b, at); err != nil && err != io.EOF {
		return nil, err
	}
	v.left = len(b) / 4
	return b, nil
}

// file checks the footer of a file and its messages.
func (v *arrowVerifier) file() error {
	const tail = 10 // the length of the footer, and the magic
	end, err := v.metadata(v.size-tail, tail)
	if err != nil {
		return err
	}
	n := int64(int32(binary.LittleEndian.Uint32(end)))
	b, err := v.metadata(v.size-tail-n, n)
	if err != nil {
		return err
	}
	footer := root(b)
	if err := v.schema(footer, 1); err != nil {
		return err
	}
	const block = 24 // offset, length of the metadata, padding, length of the body
	for _, field := range []int{2, 3} {
		blocks, from, err := vector(footer, field, block)
		if err != nil {
			return err
		}
		for i := range blocks {
			if _, err := v.message(int64(binary.LittleEndian.Uint64(b[from+i*block:]))); err != nil {
				return err
			}
		}
	}
	_, _, err = vector(footer, 4, 4)
	return err
}

// message checks a message and returns the position of the next one, -1 at the end of
// the stream.
func (v *arrowVerifier) message(pos int64) (next int64, err error) {
	if pos < 0 || pos > v.size-4 {
		return 0, errClaim
	}
	var head [8]byte
	k, err := v.at.ReadAt(head[:], pos)
	if err != nil && err != io.EOF {
		return 0, err
	}
	n, begin := int64(int32(binary.LittleEndian.Uint32(head[:]))), pos+4
	if n == -1 && k == len(head) { // since version 0.15 of the format
		n, begin = int64(int32(binary.LittleEndian.Uint32(head[4:]))), pos+8
	}
	if n == 0 {
		return -1, nil
	}
	b, err := v.metadata(begin, n)
	if err != nil {
		return 0, err
	}
	m := root(b)
	body := m.GetInt64Slot(slot(3), 0)
	if body < 0 || body > v.size-begin-n {
		return 0, io.ErrUnexpectedEOF
	}
	switch header := table(m, 2); m.GetByteSlot(slot(1), 0) {
	case 1:
		err = v.schemaTable(header)
	case 2:
		if batch := table(header, 1); batch != nil {
			err = v.batch(batch, begin+n, body)
		}
	case 3:
		err = v.batch(header, begin+n, body)
	}
	return begin + n + body, err
}

func (v *arrowVerifier) schema(parent *flatbuffers.Table, field int) error {
	return v.schemaTable(table(parent, field))
}

func (v *arrowVerifier) schemaTable(s *flatbuffers.Table) error {
	if s == nil {
		return nil
	}
	if _, _, err := vector(s, 2, 4); err != nil {
		return err
	}
	return v.fields(s, 1)
}

// fields checks a list of fields, and their children.
func (v *arrowVerifier) fields(parent *flatbuffers.Table, field int) error {
	n, from, err := vector(parent, field, 4)
	if v.left -= n; err == nil && v.left < 0 { // a table is used twice
		err = errClaim
	}
	if err != nil {
		return err
	}
	for i := range n {
		f := flatbuffers.Table{Bytes: parent.Bytes, Pos: parent.Indirect(flatbuffers.UOffsetT(from + 4*i))}
		if _, _, err := vector(&f, 6, 4); err != nil {
			return err
		}
		if err := v.fields(&f, 5); err != nil {
			return err
		}
	}
	return nil
}

// batch checks the columns of rows and their claimed uncompressed lengths.
func (v *arrowVerifier) batch(batch *flatbuffers.Table, body, length int64) error {
	if batch == nil {
		return errClaim
	}
	const pair = 16
	_, _, err1 := vector(batch, 1, pair)
	_, _, err2 := vector(batch, 4, 8)
	buffers, from, err := vector(batch, 2, pair)
	if err := errors.Join(err1, err2, err); err != nil {
		return err
	}
	packing := table(batch, 3)
	if packing == nil {
		return nil
	}
	ratio := int64(255) // largest expansion in LZ4
	if packing.GetByteSlot(slot(0), 0) == 1 {
		ratio = 1 << 15 // in Zstandard, a block of four bytes for 128 KB
	}
	for i := range buffers {
		at := int64(binary.LittleEndian.Uint64(batch.Bytes[from+i*pair:]))
		n := int64(binary.LittleEndian.Uint64(batch.Bytes[from+i*pair+8:]))
		if at < 0 || n < 0 || at > length || n > length-at {
			return errClaim
		}
		var claim [8]byte
		if n < 8 {
			continue
		}
		if _, err := v.at.ReadAt(claim[:], body+at); err != nil && err != io.EOF {
			return err
		}
		if c := int64(binary.LittleEndian.Uint64(claim[:])); c > ratio*n {
			return fmt.Errorf("%d packed bytes claim to hold %d", n, c)
		}
	}
	return nil
}

// root is the root table of a flat buffer.
func root(b []byte) *flatbuffers.Table {
	return &flatbuffers.Table{Bytes: b, Pos: flatbuffers.GetUOffsetT(b)}
}

// slot is the offset of a field in the vtable.
func slot(field int) flatbuffers.VOffsetT { return flatbuffers.VOffsetT(4 + 2*field) }

// table is a field that is a table itself, nil if absent.
func table(t *flatbuffers.Table, field int) *flatbuffers.Table {
	if t == nil {
		return nil
	}
	o := t.Offset(slot(field))
	if o == 0 {
		return nil
	}
	return &flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(t.Pos + flatbuffers.UOffsetT(o))}
}

// vector returns the number of elements of a field and their position.
func vector(t *flatbuffers.Table, field, size int) (n, from int, err error) {
	o := t.Offset(slot(field))
	if o == 0 {
		return 0, 0, nil
	}
	n, from = t.VectorLen(flatbuffers.UOffsetT(o)), int(t.Vector(flatbuffers.UOffsetT(o)))
	if n < 0 || from > len(t.Bytes) || n > (len(t.Bytes)-from)/size {
		return 0, 0, errClaim
	}
	return n, from, nil
}
