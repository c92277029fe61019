package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// The Parquet library allocates whatever lengths lists, strings and pages claim, so
// what does not fit into the file is refused first.

// errShort says that Thrift data continues beyond the available bytes.
var errShort = errors.New("its metadata claims more than the file holds")

// thriftWalker skips values in Thrift's compact protocol.
type thriftWalker struct {
	b   []byte
	pos int
}

// Types of the compact protocol [Thrift specification, thrift-compact-protocol.md].
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftInt    = 6 // and 4, 5
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9 // and 10, a set
	thriftMap    = 11
	thriftStruct = 12
	thriftUUID   = 13
)

// thriftLength is the length of the structure at the beginning of b; errShort if it
// does not end within b.
func thriftLength(b []byte) (int, error) {
	w := &thriftWalker{b: b}
	err := w.structure(0)
	return w.pos, err
}

func (w *thriftWalker) skip(n uint64) error {
	if n > uint64(len(w.b)-w.pos) {
		return errShort
	}
	w.pos += int(n)
	return nil
}

func (w *thriftWalker) byte() (byte, error) {
	if w.pos >= len(w.b) {
		return 0, errShort
	}
	w.pos++
	return w.b[w.pos-1], nil
}

func (w *thriftWalker) varint() (uint64, error) {
	v, n := binary.Uvarint(w.b[w.pos:])
	if n < 0 {
		return 0, errors.New("a number of more than 64 bits")
	}
	if n == 0 {
		return 0, errShort
	}
	w.pos += n
	return v, nil
}

func (w *thriftWalker) structure(depth int) error {
	const deepest = 32
	if depth > deepest {
		return errors.New("metadata nested too deeply")
	}
	for {
		head, err := w.byte()
		if err != nil || head == 0 {
			return err
		}
		if head>>4 == 0 { // the number of the field follows
			if _, err := w.varint(); err != nil {
				return err
			}
		}
		if kind := head & 15; kind == thriftTrue || kind == thriftFalse {
			continue
		}
		if err := w.value(head&15, depth); err != nil {
			return err
		}
	}
}

func (w *thriftWalker) value(kind byte, depth int) error {
	switch kind {
	case thriftTrue, thriftFalse, thriftByte:
		return w.skip(1)
	case 4, 5, thriftInt:
		_, err := w.varint()
		return err
	case thriftDouble:
		return w.skip(8)
	case thriftUUID:
		return w.skip(16)
	case thriftBinary:
		n, err := w.varint()
		if err != nil {
			return err
		}
		return w.skip(n)
	case thriftList, thriftList + 1:
		head, err := w.byte()
		if err != nil {
			return err
		}
		n := uint64(head >> 4)
		if n == 15 {
			if n, err = w.varint(); err != nil {
				return err
			}
		}
		return w.elements(n, depth, head&15)
	case thriftMap:
		n, err := w.varint()
		if err != nil || n == 0 {
			return err
		}
		kinds, err := w.byte()
		if err != nil {
			return err
		}
		return w.elements(n, depth, kinds>>4, kinds&15)
	case thriftStruct:
		return w.structure(depth + 1)
	}
	return fmt.Errorf("metadata of an unknown type %d", kind)
}

// elements skips n values of some types. None is empty, so there cannot be more of them
// than bytes.
func (w *thriftWalker) elements(n uint64, depth int, kinds ...byte) error {
	for range n {
		for _, kind := range kinds {
			before := w.pos
			if err := w.value(kind, depth+1); err != nil {
				return err
			}
			if kind == thriftStruct && w.pos == before+1 {
				return errors.New("metadata without content")
			}
		}
	}
	return nil
}

// verifyFooter checks the metadata of a file, the n bytes before its last eight.
func verifyFooter(at io.ReaderAt, size, n int64) error {
	b := make([]byte, n)
	if _, err := at.ReadAt(b, size-8-n); err != nil && err != io.EOF {
		return err
	}
	_, err := thriftLength(b)
	return err
}

// eachPage visits the page headers of a column chunk and their positions.
func eachPage(at io.ReaderAt, size int64, m *format.ColumnMetaData, visit func(h *format.PageHeader, at int64) error) error {
	from := m.DataPageOffset
	if m.DictionaryPageOffset > 0 && m.DictionaryPageOffset < from {
		from = m.DictionaryPageOffset
	}
	if m.TotalCompressedSize < 0 || from < 0 || from > size-m.TotalCompressedSize {
		return errors.New("the metadata points beyond the end of the file")
	}
	for end := from + m.TotalCompressedSize; from < end; {
		h, n, err := pageHeader(at, from, end)
		if err != nil {
			return fmt.Errorf("page header: %w", err)
		}
		from += n
		if h.CompressedPageSize < 0 || h.UncompressedPageSize < 0 || int64(h.CompressedPageSize) > end-from {
			return errors.New("a page is longer than its column chunk")
		}
		next := from + int64(h.CompressedPageSize)
		if err := visit(h, from); err != nil { // visit may change the header
			return err
		}
		from = next
	}
	return nil
}

// pageHeader reads the header of a page and returns its length.
func pageHeader(at io.ReaderAt, from, end int64) (*format.PageHeader, int64, error) {
	for most := int64(512); ; most *= 8 {
		b := make([]byte, min(most, end-from))
		if _, err := at.ReadAt(b, from); err != nil && err != io.EOF {
			return nil, 0, err
		}
		n, err := thriftLength(b)
		if err == errShort && most < min(maxMetadata, end-from) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		var h format.PageHeader
		err = thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(bytes.NewReader(b[:n]))).Decode(&h)
		return &h, int64(n), err
	}
}

// expansion is the largest number of bytes that a compressed byte decodes to, by the
// longest copy of a compression. Those not listed have no useful bound.
var expansion = map[format.CompressionCodec]int64{
	format.Uncompressed: 1,
	format.Snappy:       64,      // a copy of 64 bytes takes two or three
	format.Gzip:         1032,    // a copy of 258 bytes takes two bits
	format.Lz4Raw:       255,     // a byte of length
	format.Lz4:          255,     //
	format.Zstd:         1 << 15, // a block of four bytes for 128 KB
	format.Brotli:       1 << 22, // a copy of 16 MB takes few bytes
}

// maxPageValues bounds the null rows of a page, which take no bytes.
const maxPageValues = 1 << 24

// verifyPages checks the lengths that the pages of a column chunk claim.
func verifyPages(at io.ReaderAt, size int64, m *format.ColumnMetaData) error {
	return eachPage(at, size, m, func(h *format.PageHeader, _ int64) error {
		packed, claimed := int64(h.CompressedPageSize), int64(h.UncompressedPageSize)
		if most, known := expansion[m.Codec]; known && claimed > most*packed {
			return fmt.Errorf("a page of %d bytes cannot hold the %d it claims", packed, claimed)
		}
		values := max(h.DataPageHeader.V.NumValues, h.DataPageHeaderV2.V.NumValues, h.DictionaryPageHeader.V.NumValues)
		if int64(values) > max(maxPageValues, 8*claimed) {
			return fmt.Errorf("a page of %d bytes claims %d values", packed, values)
		}
		return nil
	})
}
