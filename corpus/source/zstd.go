package source

import (
	"bufio"
	"encoding/binary"
	"errors"
	"math"

	"github.com/klauspost/compress/zstd"
)

// maxWindow is the largest Zstandard window that is read, in bytes: that of zstd
// --long=31.
const maxWindow = 1 << 31

const (
	zstdMagic = "\x28\xb5\x2f\xfd"
	maxBlock  = 128 << 10 // longest content of a block [RFC 8878, 3.1.1.2.4]
)

func newZstd(in *bufio.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(&zstdFrames{in: in}, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
}

// zstdFrames reduces the window of short frames to what their blocks can hold: the
// decoder allocates it, and a file of a few bytes may claim 2 GB.
type zstdFrames struct {
	in       *bufio.Reader
	head     []byte // of a frame, to be read
	left     int64  // bytes to copy unchanged
	inside   bool   // within a frame
	last     bool   // its last block was read
	checksum bool   // a checksum follows
}

func (z *zstdFrames) Read(p []byte) (int, error) {
	for {
		switch {
		case len(z.head) > 0:
			n := copy(p, z.head)
			z.head = z.head[n:]
			return n, nil
		case z.left > 0:
			n, err := z.in.Read(p[:min(int64(len(p)), z.left)])
			z.left -= int64(n)
			return n, err
		case !z.inside:
			if err := z.frame(); err != nil {
				return 0, err
			}
		case z.last:
			if z.inside = false; z.checksum {
				z.left = 4
			}
		default:
			b, err := z.in.Peek(3)
			if err != nil {
				z.left = math.MaxInt64 // the decoder reports what is wrong
				continue
			}
			z.left, z.last = zstdBlockLength(b)
		}
	}
}

// zstdBlockLength is the length of a block with its header, and whether it is the last
// of its frame.
func zstdBlockLength(b []byte) (n int64, last bool) {
	header := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
	if n = int64(header >> 3); header>>1&3 == 1 { // one byte, repeated
		n = 1
	}
	return 3 + n, header&1 == 1
}

// frame reads the header of a frame [RFC 8878, 3.1.1.1].
func (z *zstdFrames) frame() error {
	b, err := z.in.Peek(z.in.Size())
	if len(b) == 0 {
		return err
	}
	z.left = math.MaxInt64 // if it is not a frame
	if len(b) < 8 {
		return nil
	}
	if b[0]&0xf0 == 0x50 && string(b[1:4]) == "\x2a\x4d\x18" { // skippable frame, with any content
		z.left = 8 + int64(binary.LittleEndian.Uint32(b[4:]))
		return nil
	}
	said := b[4]
	single := said>>5&1 == 1
	contentAt := 5 + [4]int{0, 1, 2, 4}[said&3]
	if !single {
		contentAt++
	}
	content := [4]int{0, 2, 4, 8}[said>>6]
	if single && content == 0 {
		content = 1
	}
	length := contentAt + content
	if string(b[:4]) != zstdMagic || len(b) < length {
		return nil
	}
	z.head = append([]byte(nil), b[:length]...)
	z.left, z.inside, z.last, z.checksum = 0, true, false, said>>2&1 == 1
	holds, known := zstdHolds(b[length:])
	switch {
	case !known:
	case !single:
		e := byte(0)
		for int64(1)<<(10+e) < holds {
			e++
		}
		z.head[5] = min(z.head[5], e<<3)
	case content == 8 && binary.LittleEndian.Uint64(b[contentAt:]) > uint64(holds), content == 4 && int64(binary.LittleEndian.Uint32(b[contentAt:])) > holds:
		return errors.New("a frame claims more than its blocks hold")
	}
	_, err = z.in.Discard(length)
	return err
}

// zstdHolds bounds the content of a frame by the number of its blocks, if all are in b.
func zstdHolds(b []byte) (n int64, known bool) {
	for len(b) >= 3 {
		length, last := zstdBlockLength(b)
		n += maxBlock
		if last {
			return n, true
		}
		b = b[min(length, int64(len(b))):]
	}
	return 0, false
}
