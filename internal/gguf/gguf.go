// Package gguf reads the metadata of GGUF files (ggml, docs/gguf.md), versions 2 and 3
// in either byte order.
package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// Magic begins every GGUF file.
const Magic = "GGUF"

const (
	maxKeys     = 65_536
	maxKeyBytes = 65_535 // by the specification
	maxNesting  = 4      // of arrays
)

// Limits say what of a file is kept. Memory does not depend on lengths that a file
// claims: what is longer is read past, and is nil among the values.
type Limits struct {
	Bytes   int64 // in all; more are an error
	String  int   // of a string, bytes
	Numbers int   // of an array of numbers or truth values, elements
	Strings bool  // keep arrays of strings
}

// kind is the type of a value (gguf.h, gguf_type).
type kind uint32

const (
	kindUint8 kind = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
)

// width is the size of a scalar in bytes, 0 for strings, arrays and unknown types.
func (t kind) width() int64 {
	switch t {
	case kindUint8, kindInt8, kindBool:
		return 1
	case kindUint16, kindInt16:
		return 2
	case kindUint32, kindInt32, kindFloat32:
		return 4
	case kindUint64, kindInt64, kindFloat64:
		return 8
	}
	return 0
}

// Metadata reads the values of a file by key and stops before the tensors. A value is a
// bool, a uint64, an int64, a float32, a float64, a string (which may be no valid UTF-8),
// a []string, or a []any of numbers or truth values; or nil, see Limits.
func Metadata(r io.Reader, l Limits) (map[string]any, error) {
	g := &reader{r: bufio.NewReaderSize(&io.LimitedReader{R: r, N: l.Bytes}, 64<<10), order: binary.LittleEndian, limits: l}
	var head [8]byte
	if err := g.fill(head[:]); err != nil {
		return nil, err
	}
	if string(head[:4]) != Magic {
		return nil, errors.New("not a GGUF file")
	}
	version := g.order.Uint32(head[4:])
	if version&0xffff == 0 { // written by a big-endian machine
		g.order = binary.BigEndian
		version = g.order.Uint32(head[4:])
	}
	if version != 2 && version != 3 {
		return nil, fmt.Errorf("GGUF version %d (2 and 3 are known)", version)
	}
	if _, err := g.uint(8); err != nil { // number of tensors, not needed
		return nil, err
	}
	count, err := g.uint(8)
	if err != nil {
		return nil, err
	}
	if count > maxKeys {
		return nil, fmt.Errorf("the file claims %d metadata keys; more than %d are refused", count, maxKeys)
	}
	all := map[string]any{}
	for i := range count {
		key, err := g.key()
		if err == nil {
			if _, twice := all[key]; twice {
				return nil, fmt.Errorf("key %q occurs twice: it is undefined which one applies", key)
			}
			all[key], err = g.keyed(key)
		}
		if err != nil {
			return nil, fmt.Errorf("metadata entry %d of %d: %w", i+1, count, err)
		}
	}
	return all, nil
}

type reader struct {
	r      *bufio.Reader
	order  binary.ByteOrder
	limits Limits
	read   int64
	buf    [8]byte // of uint
}

// tooLarge is the error for too much metadata.
func (g *reader) tooLarge() error {
	return fmt.Errorf("the metadata is larger than %d MiB", g.limits.Bytes>>20)
}

func (g *reader) fill(b []byte) error {
	n, err := io.ReadFull(g.r, b)
	g.read += int64(n)
	return g.end(err)
}

// end explains an end of file.
func (g *reader) end(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if g.read >= g.limits.Bytes {
			return g.tooLarge()
		}
		return fmt.Errorf("the file ends after %d bytes, within its metadata", g.read)
	}
	return err
}

// skip reads past n bytes.
func (g *reader) skip(n uint64) error {
	if n > uint64(g.limits.Bytes) {
		return g.tooLarge()
	}
	done, err := g.r.Discard(int(n))
	g.read += int64(done)
	return g.end(err)
}

func (g *reader) uint(width int64) (uint64, error) {
	b := g.buf[:]
	if err := g.fill(b[:width]); err != nil {
		return 0, err
	}
	switch width {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(g.order.Uint16(b)), nil
	case 4:
		return uint64(g.order.Uint32(b)), nil
	}
	return g.order.Uint64(b), nil
}

func (g *reader) key() (string, error) {
	n, err := g.uint(8)
	if err != nil {
		return "", err
	}
	if n > maxKeyBytes {
		return "", fmt.Errorf("a key claims %d bytes; the format allows %d", n, maxKeyBytes)
	}
	b := make([]byte, n)
	if err := g.fill(b); err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", errors.New("a key is not valid UTF-8")
	}
	return string(b), nil
}

// keyed reads the value of a key.
func (g *reader) keyed(key string) (any, error) {
	t, err := g.uint(4)
	if err != nil {
		return nil, err
	}
	v, err := g.value(kind(t))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return v, nil
}

func (g *reader) value(t kind) (any, error) {
	switch t {
	case kindString:
		return g.string()
	case kindArray:
		return g.array(1)
	}
	if t.width() == 0 {
		return nil, fmt.Errorf("unknown value type %d", t)
	}
	bits, err := g.uint(t.width())
	return t.scalar(bits), err
}

// string reads a string, nil for one that is too long.
func (g *reader) string() (any, error) {
	n, err := g.uint(8)
	if err != nil {
		return nil, err
	}
	if n > uint64(g.limits.String) {
		return nil, g.skip(n)
	}
	b := make([]byte, n)
	if err := g.fill(b); err != nil {
		return nil, err
	}
	return string(b), nil
}

// scalar interprets bits.
func (t kind) scalar(bits uint64) any {
	switch t {
	case kindBool:
		return bits != 0
	case kindInt8:
		return int64(int8(bits))
	case kindInt16:
		return int64(int16(bits))
	case kindInt32:
		return int64(int32(bits))
	case kindInt64:
		return int64(bits)
	case kindFloat32:
		return math.Float32frombits(uint32(bits))
	case kindFloat64:
		return math.Float64frombits(bits)
	}
	return bits
}

func (g *reader) array(nesting int) (any, error) {
	t, err := g.uint(4)
	if err != nil {
		return nil, err
	}
	n, err := g.uint(8)
	if err != nil {
		return nil, err
	}
	element := kind(t)
	switch width := element.width(); {
	case width > 0 && n <= uint64(g.limits.Numbers):
		list := []any{}
		for range n {
			bits, err := g.uint(width)
			if err != nil {
				return nil, err
			}
			list = append(list, element.scalar(bits))
		}
		return list, nil
	case width > 0:
		if n > uint64(g.limits.Bytes) {
			return nil, g.tooLarge()
		}
		return nil, g.skip(n * uint64(width))
	case element == kindString && g.limits.Strings:
		return g.strings(n)
	case element == kindString:
		for range n { // ends with the file: every string takes at least 8 bytes
			size, err := g.uint(8)
			if err == nil {
				err = g.skip(size)
			}
			if err != nil {
				return nil, err
			}
		}
		return nil, nil
	case element == kindArray && nesting < maxNesting:
		for range n {
			if _, err := g.array(nesting + 1); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case element == kindArray:
		return nil, fmt.Errorf("arrays nested more than %d deep", maxNesting)
	}
	return nil, fmt.Errorf("an array of unknown type %d", t)
}

func (g *reader) strings(n uint64) (any, error) {
	list := []string{}
	for range n {
		s, err := g.string()
		if err != nil {
			return nil, err
		}
		text, ok := s.(string)
		if !ok {
			return nil, fmt.Errorf("element %d has more than %d bytes", len(list), g.limits.String)
		}
		list = append(list, text)
	}
	return list, nil
}
