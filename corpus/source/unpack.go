package source

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/therootcompany/xz"
)

// maxDepth is the maximum nesting of compressions and archives.
const maxDepth = 4

// maxDictionary is the largest xz dictionary that is read, in bytes: that of xz -9. All
// of it is allocated, however short the file.
const maxDictionary = 1 << 26

// compression is a compressed file format.
type compression struct {
	name    string
	magic   string
	endings []string
	open    func(in *bufio.Reader) (io.Reader, func(), error)
}

func nothing() {}

var compressions = []compression{
	{"gzip", "\x1f\x8b\x08", []string{".gz", ".gzip", ".bgz", ".tgz"}, func(in *bufio.Reader) (io.Reader, func(), error) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, err
		}
		z.Multistream(false)
		return &gzipMembers{z, in}, func() { z.Close() }, nil
	}},
	{"Zstandard", zstdMagic, []string{".zst", ".zstd", ".tzst"}, func(in *bufio.Reader) (io.Reader, func(), error) {
		z, err := newZstd(in)
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}},
	{"bzip2", "BZh", []string{".bz2", ".tbz", ".tbz2"}, func(in *bufio.Reader) (io.Reader, func(), error) {
		return bzip2.NewReader(in), nothing, nil
	}},
	{"xz", "\xfd7zXZ\x00", []string{".xz", ".txz"}, func(in *bufio.Reader) (io.Reader, func(), error) {
		z, err := xz.NewReader(in, maxDictionary)
		return z, nothing, err
	}},
	{"LZ4", "\x04\x22\x4d\x18", []string{".lz4"}, func(in *bufio.Reader) (io.Reader, func(), error) {
		return lz4.NewReader(in), nothing, nil
	}},
}

// packing recognizes compression by the first bytes of a file; nil if there is none.
func packing(head []byte) *compression {
	for i := range compressions {
		c := &compressions[i]
		if !bytes.HasPrefix(head, []byte(c.magic)) {
			continue
		}
		// Text may begin with these letters; a block or the end of data follows them in
		// bzip2.
		if c.magic == "BZh" && (len(head) < 10 || head[4] != '1' && head[4] != 0x17 || string(head[4:10]) != "1AY&SY" && string(head[4:10]) != "\x17\x72\x45\x38\x50\x90") {
			continue
		}
		return c
	}
	// Frames without data may precede the first one with data, in Zstandard [RFC 8878,
	// 3.1.2] and LZ4.
	if len(head) >= 8 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18" {
		length := 8 + int64(binary.LittleEndian.Uint32(head[4:]))
		if length < int64(len(head)) {
			return packing(head[length:])
		}
		return &compressions[1]
	}
	return nil
}

// trimEnding removes the extension of the compression from a name.
func (c *compression) trimEnding(name string) string {
	lower := strings.ToLower(name)
	for _, e := range c.endings {
		if strings.HasSuffix(lower, e) {
			name = name[:len(name)-len(e)]
			if e[1] == 't' {
				name += ".tar"
			}
			break
		}
	}
	return name
}

var errJunk = errors.New("something that is not gzip follows its compressed data")

// gzipMembers reads all members of a gzip file. Like gzip it skips zero bytes at the
// end, which tapes and block devices leave.
type gzipMembers struct {
	z  *gzip.Reader
	in *bufio.Reader
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if n > 0 || err != io.EOF {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		for padding := false; ; padding = true {
			b, err := g.in.ReadByte()
			if err != nil {
				return 0, err // including io.EOF
			}
			if b == 0 {
				continue
			}
			if padding {
				return 0, errJunk
			}
			if err := g.in.UnreadByte(); err != nil {
				return 0, err
			}
			break
		}
		if magic, err := g.in.Peek(2); err == io.EOF || err == nil && string(magic) != "\x1f\x8b" {
			return 0, errJunk
		}
		if err := g.z.Reset(g.in); err != nil {
			return 0, err
		}
		g.z.Multistream(false)
	}
}

// unpacking adds the file and its compression to errors.
type unpacking struct {
	r    io.Reader
	name string
	c    *compression
}

func (u *unpacking) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, damaged(u.name, u.c, err)
}

// damaged explains an error of a decompressor.
func damaged(name string, c *compression, err error) error {
	const cut = "the file ends in the middle of its compressed data (copy or download it again)"
	switch {
	case explained(err):
		return err // of the file, or of an outer compression
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, xz.ErrBuf):
		return &ReadError{name, cut, err}
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return &Refusal{name, "its Zstandard window is longer than 2 GB", groupArchive, "zstd -dc --long=31 FILE | l2m … -"}
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return &Refusal{name, "compressed with a Zstandard dictionary, which is not in it", groupArchive, "zstd -dc -D DICTIONARY FILE | l2m … -"}
	case errors.Is(err, errJunk):
		return &ReadError{name, fmt.Sprintf("%v (copy or download it again; gzip -dc %s | l2m … - leaves it out)", err, shellName(name)), err}
	case errors.Is(err, xz.ErrMemlimit):
		return &Refusal{name, fmt.Sprintf("its xz dictionary is longer than %d MB", maxDictionary>>20), groupArchive, "xz -dc FILE | l2m … -"}
	case errors.Is(err, xz.ErrOptions), errors.Is(err, xz.ErrUnsupportedCheck):
		return &Refusal{name, "compressed with an unsupported filter or check of xz", groupArchive, "xz -dc FILE | l2m … -"}
	}
	return &ReadError{name, fmt.Sprintf("its %s data is damaged: %v (copy or download it again)", c.name, err), err}
}

// explained reports whether an error already names the file.
func explained(err error) bool {
	_, refused := errors.AsType[*Refusal](err)
	_, read := errors.AsType[*ReadError](err)
	return refused || read
}
