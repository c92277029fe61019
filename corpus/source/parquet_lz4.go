package source

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// unpackedParquet is a Parquet file with an uncompressed copy of one column at its end:
// parquet-go v0.32.0 loses the result of decompressing LZ4_RAW (decompress in column.go
// drops the codec's buffer if it has the right size).
type unpackedParquet struct {
	at   io.ReaderAt
	old  int64 // length of at, in bytes
	tail *os.File
	size int64 // total length in bytes
	end  func()
}

func (u *unpackedParquet) Close() { u.end() }

func (u *unpackedParquet) ReadAt(p []byte, off int64) (int, error) {
	if off >= u.old {
		return u.tail.ReadAt(p, off-u.old)
	}
	first := p[:min(int64(len(p)), u.old-off)]
	n, err := u.at.ReadAt(first, off)
	if n < len(p) && n == len(first) {
		k, err := u.tail.ReadAt(p[n:], 0)
		return n + k, err
	}
	return n, err
}

// withoutLZ4 writes the pages of a column, uncompressed, and the metadata for them to a
// temporary file.
func withoutLZ4(at io.ReaderAt, size int64, p *parquet.File, leaf parquet.LeafColumn, dir string) (_ *unpackedParquet, err error) {
	tmp, err := os.CreateTemp(dir, "l2m-unpacked-*")
	if err != nil {
		return nil, err
	}
	u := &unpackedParquet{at: at, old: size, tail: tmp, end: discard(tmp)}
	defer func() {
		if err != nil {
			u.Close()
		}
	}()
	out := &counter{w: bufio.NewWriterSize(tmp, 1<<18)}
	meta := *p.Metadata()
	meta.RowGroups = append([]format.RowGroup(nil), meta.RowGroups...)
	for i := range meta.RowGroups {
		group := &meta.RowGroups[i]
		group.Columns = append([]format.ColumnChunk(nil), group.Columns...)
		chunk := &group.Columns[leaf.ColumnIndex]
		if !isLZ4(chunk.MetaData.Codec) {
			continue
		}
		if err := unpackChunk(at, size, out, &chunk.MetaData); err != nil {
			return nil, fmt.Errorf("row group %d: %w", i+1, err)
		}
		chunk.OffsetIndexOffset, chunk.OffsetIndexLength, chunk.ColumnIndexOffset, chunk.ColumnIndexLength = 0, 0, 0, 0
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		return nil, err
	}
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	if _, err := out.Write(append(footer, "PAR1"...)); err != nil {
		return nil, err
	}
	u.size = size + out.n
	return u, out.w.Flush()
}

type counter struct {
	w *bufio.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// unpackChunk writes the pages of a column chunk, uncompressed, to out, which continues
// the file after old bytes, and updates the metadata.
func unpackChunk(at io.ReaderAt, old int64, out *counter, m *format.ColumnMetaData) error {
	begin, dataAt, dictionaryAt := out.n, int64(-1), int64(-1)
	if err := eachPage(at, old, m, func(h *format.PageHeader, pos int64) error {
		packed := make([]byte, h.CompressedPageSize)
		if _, err := at.ReadAt(packed, pos); err != nil && err != io.EOF {
			return err
		}
		page, err := unpackPage(h, packed, m.Codec)
		if err != nil {
			return err
		}
		if h.Type == format.DictionaryPage {
			dictionaryAt = old + out.n
		} else if dataAt < 0 {
			dataAt = old + out.n
		}
		header, err := thrift.Marshal(new(thrift.CompactProtocol), h)
		if err != nil {
			return err
		}
		if _, err := out.Write(header); err != nil {
			return err
		}
		_, err = out.Write(page)
		return err
	}); err != nil {
		return err
	}
	m.Codec, m.TotalCompressedSize, m.TotalUncompressedSize = format.Uncompressed, out.n-begin, out.n-begin
	m.DataPageOffset, m.DictionaryPageOffset, m.IndexPageOffset = max(dataAt, 0), max(dictionaryAt, 0), 0
	return nil
}

// unpackPage decompresses a page and updates its header. The levels of version 2 pages
// are not compressed.
func unpackPage(h *format.PageHeader, packed []byte, codec format.CompressionCodec) ([]byte, error) {
	levels := 0
	if h.DataPageHeaderV2.Valid {
		v2 := &h.DataPageHeaderV2.V
		levels = int(v2.RepetitionLevelsByteLength) + int(v2.DefinitionLevelsByteLength)
		if levels < 0 || levels > len(packed) || levels > int(h.UncompressedPageSize) {
			return nil, errors.New("a page is shorter than its levels")
		}
		if v2.IsCompressed.Valid && !v2.IsCompressed.V {
			return packed, nil
		}
		v2.IsCompressed.V, v2.IsCompressed.Valid = false, true
	}
	// A byte of LZ4 decodes to at most 255 bytes [LZ4 block format].
	body := packed[levels:]
	if want := int64(h.UncompressedPageSize) - int64(levels); want > 255*int64(len(body)) {
		return nil, fmt.Errorf("a page of %d bytes cannot hold the %d it claims", len(body), want)
	}
	page := make([]byte, h.UncompressedPageSize)
	copy(page, packed[:levels])
	n, err := 0, errors.New("no Hadoop frame")
	if codec == format.Lz4 {
		n, err = uncompressHadoop(body, page[levels:])
	}
	if err != nil {
		n, err = lz4.UncompressBlock(body, page[levels:])
	}
	if err != nil || n != len(page)-levels {
		return nil, fmt.Errorf("its LZ4 data is damaged (%d of %d bytes)", n, len(page)-levels)
	}
	h.CompressedPageSize = int32(len(page))
	h.CRC = 0
	return page, nil
}

// uncompressHadoop decompresses what Hadoop and Spark call LZ4: blocks, each preceded
// by its length and its compressed length [Parquet, Compression.md]. Other programs
// wrote LZ4_RAW under that name.
func uncompressHadoop(packed, page []byte) (n int, err error) {
	for len(packed) > 0 {
		if len(packed) < 8 {
			return n, io.ErrUnexpectedEOF
		}
		want, length := int64(binary.BigEndian.Uint32(packed)), int64(binary.BigEndian.Uint32(packed[4:]))
		if packed = packed[8:]; length > int64(len(packed)) || want > int64(len(page)-n) {
			return n, io.ErrUnexpectedEOF
		}
		k, err := lz4.UncompressBlock(packed[:length], page[n:n+int(want)])
		if err != nil || int64(k) != want {
			return n, fmt.Errorf("a block of %d bytes in place of %d: %w", k, want, err)
		}
		n, packed = n+k, packed[length:]
	}
	return n, nil
}
