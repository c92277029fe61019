package source

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/klauspost/compress/zstd"
)

// No length or count in a header is allocated: files of a few bytes that claim
// gigabytes. 24 MB are more than any reader needs for what is there.
func TestClaimsAllocateNothing(t *testing.T) {
	const most = 24 << 20
	for _, c := range claims() {
		t.Run(c.name, func(t *testing.T) {
			o := Options{TempDir: t.TempDir()}
			readAll(content(c.name, c.data[:len(c.data)/2]), o) // what is allocated once
			for _, in := range []Input{content(c.name, c.data), {Name: c.name, R: strings.NewReader(c.data)}} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				docs, _, err := readAll(in, o)
				runtime.ReadMemStats(&after)
				if read := err == nil && len(docs) > 0; read != c.read {
					t.Errorf("documents %.40q, error %v", docs, err)
				}
				if n := after.TotalAlloc - before.TotalAlloc; n > most {
					t.Errorf("%d MB allocated for %d bytes", n>>20, len(c.data))
				}
			}
		})
	}
}

type claim struct {
	name, data string
	read       bool // the claim does not keep the file from being read
}

func claims() []claim {
	const warc = "WARC/1.0\r\nWARC-Type: response\r\nContent-Length: "
	chunked := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nx"
	huge := "\xff\xff\xff\xff\xff\xff\xff\x3f"
	return []claim{
		{"name.gz", "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\xff\xffabc", false},
		{"window.zst", "\x28\xb5\x2f\xfd\x00\xa8" + zstdBlock("a text"), true},
		{"windows.zst", strings.Repeat("\x28\xb5\x2f\xfd\x00\xa8"+zstdBlock("a text"), 3), true},
		{"single.zst", "\x28\xb5\x2f\xfd\xa0\xff\xff\xff\x70" + zstdBlock("a text"), false},
		{"content.zst", "\x28\xb5\x2f\xfd\xe0" + huge + zstdBlock("a text"), false},
		{"dictionary.xz", xzOf("a text", "\x21\x01\x28"), false},
		{"content.lz4", "\x04\x22\x4d\x18\x4c\x70" + huge + "\x00\x06\x00\x00\x80a text", false},
		{"block.lz4", "\x04\x22\x4d\x18\x40\x70\xdf\xff\xff\xff\x7fa text", false},
		{"size.zip", zipClaim(zip.Store), false},
		{"window.zip", zipClaim(zstd.ZipMethodWinZip), false},
		{"size.tar", tarClaim('0', "a text"), false},
		{"name.tar", tarClaim(tar.TypeGNULongName, "a text"), false},
		{"pax.tar", tarClaim(tar.TypeXHeader, "30 path=x"), false},
		{"sparse.tar", tarClaim(tar.TypeGNUSparse, "a text"), false},
		{"footer.parquet", "PAR1" + strings.Repeat("x", 100) + "\xff\xff\xff\x7fPAR1", false},
		{"list.parquet", parquetFooter("\x15\x04\x19\xfc\xff\xff\xff\xff\x07"), false},                   // elements of the schema
		{"string.parquet", parquetFooter("\x15\x04\x19\x1c\x48\xff\xff\xff\xff\x07ab"), false},           // bytes of a name
		{"groups.parquet", parquetFooter("\x15\x04\x19\x0c\x16\x00\x19\xfc\xff\xff\xff\xff\x07"), false}, // groups of rows
		{"metadata.arrow", "\xff\xff\xff\xff\xf8\xff\xff\x0f\x10\x00\x00\x00" + strings.Repeat("x", 100), false},
		{"body.arrow", arrowOf(false)[:8+int(binary.LittleEndian.Uint32([]byte(arrowOf(false)[4:])))+200], false},
		{"fields.arrow", arrowClaim(1, false), false},
		{"children.arrow", arrowClaim(1, true), false},
		{"nodes.arrow", arrowClaim(3, false), false},
		{"a.warc", warc + "9000000000000\r\n\r\nx", false},
		{"chunk.warc", warc + "104\r\n\r\n" + chunked + "\r\n\r\n", false},
		{"dump.xml", `<mediawiki><page><revision><text bytes="9000000000000">x</text></revision></page></mediawiki>`, true},
		{"a.npy", "\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (900000000000,), }", false},
	}
}

// zstdBlock is the last block of a frame, which holds s as it is [RFC 8878, 3.1.1.2].
func zstdBlock(s string) string {
	return string(binary.LittleEndian.AppendUint32(nil, uint32(len(s))<<3|1)[:3]) + s
}

// zipClaim is an archive whose file claims 2⁴⁰ bytes.
func zipClaim(method uint16) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.CreateRaw(&zip.FileHeader{Name: "a.txt", Method: method, CompressedSize64: 15, UncompressedSize64: 1 << 40})
	io.WriteString(f, "\x28\xb5\x2f\xfd\x00\xa8"+zstdBlock("a text"))
	w.Close()
	return b.String()
}

// tarClaim is an archive that begins with a file of 2⁴⁰ bytes.
func tarClaim(kind byte, body string) string {
	h := make([]byte, 512)
	copy(h, "a.txt")
	copy(h[100:], "0000644\x000000000\x000000000\x00")
	h[124], h[130] = 0x80, 1 // 2⁴⁰ in base 256
	copy(h[136:], "00000000000\x00        ")
	h[156] = kind
	copy(h[257:], "ustar  \x00")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	for i := range 6 {
		h[148+5-i] = '0' + byte(sum>>(3*i)&7)
	}
	return string(h) + body
}

// parquetFooter is a file of nothing but metadata, in Thrift's compact protocol.
func parquetFooter(thrift string) string {
	return "PAR1" + thrift + string(binary.LittleEndian.AppendUint32(nil, uint32(len(thrift)))) + "PAR1"
}

// arrowClaim is a stream whose message holds a vector of 2²⁸ elements: the fields of a
// schema, those within a field, or the columns of rows.
func arrowClaim(header byte, nested bool) string {
	b := flatbuffers.NewBuilder(0)
	claim := func() flatbuffers.UOffsetT {
		b.StartVector(4, 0, 4)
		b.PrependInt32(0)
		return b.EndVector(0x0ffffff0)
	}
	list := claim()
	if nested {
		b.StartObject(7)
		b.PrependUOffsetTSlot(5, list, 0)
		field := b.EndObject()
		b.StartVector(4, 1, 4)
		b.PrependUOffsetT(field)
		list = b.EndVector(1)
	}
	b.StartObject(5)
	b.PrependUOffsetTSlot(1, list, 0)
	inner := b.EndObject()
	b.StartObject(5)
	b.PrependInt16Slot(0, 4, 0)
	b.PrependByteSlot(1, header, 0)
	b.PrependUOffsetTSlot(2, inner, 0)
	b.Finish(b.EndObject())
	meta := string(b.FinishedBytes())
	meta += strings.Repeat("\x00", -len(meta)&7)
	return "\xff\xff\xff\xff" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(meta)))) + meta
}
