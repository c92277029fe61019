// Package npy reads and writes arrays in NumPy's file format .npy, versions 1 to 3
// (numpy.lib.format): magic, version, the length of a Python dictionary, that
// dictionary, and the elements.
package npy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

const magic = "\x93NUMPY"

// Header says what an array holds.
type Header struct {
	Kind    string // "<f4": byte order, letter of the type and bytes, as NumPy writes it
	Fortran bool   // first index varies fastest
	Shape   []int
}

// Size is the number of elements.
func (h Header) Size() int {
	n := 1
	for _, s := range h.Shape {
		n *= s
	}
	return n
}

// Bytes begin a file of format version 1 whose elements, in C order, follow. The data
// start at a multiple of 64 bytes.
func (h Header) Bytes() []byte {
	var shape strings.Builder
	for i, n := range h.Shape {
		if i > 0 {
			shape.WriteString(", ")
		}
		shape.WriteString(strconv.Itoa(n))
	}
	if len(h.Shape) == 1 {
		shape.WriteString(",")
	}
	text := "{'descr': '" + h.Kind + "', 'fortran_order': False, 'shape': (" + shape.String() + "), }"
	const before = len(magic) + 4
	text += strings.Repeat(" ", 63-(before+len(text))%64) + "\n"
	out := append([]byte(magic), 1, 0)
	out = binary.LittleEndian.AppendUint16(out, uint16(len(text)))
	return append(out, text...)
}

// maxHeader bounds the dictionary; NumPy's own limit for files of others is 10,000.
const maxHeader = 10_000

// maxElements keeps sizes within an int on all machines that matter.
const maxElements = 1 << 40

var (
	descr   = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	fortran = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	shape   = regexp.MustCompile(`'shape'\s*:\s*\(([0-9,\sL]*)\)`)
)

// ReadHeader reads what stands before the elements. Arrays of Python objects, which
// only Python can read, and records are refused.
func ReadHeader(r io.Reader) (Header, error) {
	var h Header
	start := make([]byte, len(magic)+2)
	if _, err := io.ReadFull(r, start); err != nil || string(start[:len(magic)]) != magic {
		return h, errors.New("it is not a NumPy array (.npy)")
	}
	width := 2
	if version := start[len(magic)]; version == 2 || version == 3 {
		width = 4
	} else if version != 1 {
		return h, fmt.Errorf("version %d of NumPy's file format is not known", version)
	}
	var length [4]byte
	if _, err := io.ReadFull(r, length[:width]); err != nil {
		return h, fmt.Errorf("its header is cut off: %w", noEOF(err))
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > maxHeader {
		return h, fmt.Errorf("its header of %d bytes is too long: the array has named fields, or is damaged", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, fmt.Errorf("its header is cut off: %w", noEOF(err))
	}
	kind, order, dims := descr.FindSubmatch(text), fortran.FindSubmatch(text), shape.FindSubmatch(text)
	if kind == nil || order == nil || dims == nil {
		return h, fmt.Errorf("its header is %q: only plain arrays of numbers can be read", bytes.TrimSpace(text[:min(len(text), 80)]))
	}
	h.Kind, h.Fortran = string(kind[1]), string(order[1]) == "True"
	if h.Kind == "|O" {
		return h, errors.New("it holds Python objects, such as lists of different lengths (save all values as one array of numbers, and their lengths as another)")
	}
	total := 1
	for word := range strings.SplitSeq(string(dims[1]), ",") {
		word = strings.TrimSuffix(strings.TrimSpace(word), "L")
		if word == "" {
			continue
		}
		n, err := strconv.Atoi(word)
		if err != nil || n < 0 || n > maxElements || n > 0 && total > maxElements/n {
			return h, fmt.Errorf("its shape (%s) is too large", dims[1])
		}
		total *= n
		h.Shape = append(h.Shape, n)
	}
	return h, nil
}

// noEOF makes an end in the middle of something an error of its own.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// element decodes one element from the bytes of it.
type element struct {
	bytes int
	float func([]byte) float64
	whole func([]byte) int64
}

func (h Header) element() (element, error) {
	if len(h.Kind) < 2 {
		return element{}, fmt.Errorf("elements of type %q cannot be read", h.Kind)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if h.Kind[0] == '>' {
		order = binary.BigEndian
	}
	switch h.Kind[1:] {
	case "f2":
		return element{2, func(b []byte) float64 { return half(order.Uint16(b)) }, nil}, nil
	case "f4":
		return element{4, func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }, nil}, nil
	case "f8":
		return element{8, func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }, nil}, nil
	case "b1", "u1":
		return element{1, nil, func(b []byte) int64 { return int64(b[0]) }}, nil
	case "i1":
		return element{1, nil, func(b []byte) int64 { return int64(int8(b[0])) }}, nil
	case "u2":
		return element{2, nil, func(b []byte) int64 { return int64(order.Uint16(b)) }}, nil
	case "i2":
		return element{2, nil, func(b []byte) int64 { return int64(int16(order.Uint16(b))) }}, nil
	case "u4":
		return element{4, nil, func(b []byte) int64 { return int64(order.Uint32(b)) }}, nil
	case "i4":
		return element{4, nil, func(b []byte) int64 { return int64(int32(order.Uint32(b))) }}, nil
	case "i8", "u8":
		return element{8, nil, func(b []byte) int64 { return int64(order.Uint64(b)) }}, nil
	}
	return element{}, fmt.Errorf("elements of type %q cannot be read (use float16, float32, float64 or whole numbers)", h.Kind)
}

// half is the value of an IEEE 754 half-precision number.
func half(bits uint16) float64 {
	sign, exponent, fraction := 1.0, int(bits>>10&31), float64(bits&1023)
	if bits>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	}
	return sign * math.Ldexp(1+fraction/1024, exponent-15)
}

// ReadFloats reads the elements that follow a header, in C order, as float32. known is
// the number of bytes that are certainly there, 0 if that is not known: no more is
// allocated ahead of reading.
func ReadFloats(r io.Reader, h Header, known int64) ([]float32, error) {
	e, err := h.element()
	if err != nil {
		return nil, err
	}
	if e.float == nil {
		return nil, fmt.Errorf("its elements are of type %s, not floating-point numbers", h.Kind)
	}
	convert := func(b []byte) float32 { return float32(e.float(b)) }
	if h.Kind == "<f4" {
		convert = func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
	}
	return read(r, h, e.bytes, known, convert)
}

// ReadInts reads whole numbers as ReadFloats reads floating-point ones.
func ReadInts(r io.Reader, h Header, known int64) ([]int64, error) {
	e, err := h.element()
	if err != nil {
		return nil, err
	}
	if e.whole == nil {
		return nil, fmt.Errorf("its elements are of type %s, not whole numbers", h.Kind)
	}
	return read(r, h, e.bytes, known, e.whole)
}

func read[T any](r io.Reader, h Header, bytes int, known int64, convert func([]byte) T) ([]T, error) {
	n := h.Size()
	out := make([]T, 0, max(min(int64(n), 1<<16), min(int64(n), known/int64(bytes))))
	in := bufio.NewReaderSize(r, 1<<20)
	buf := make([]byte, bytes<<12)
	for len(out) < n {
		chunk := buf[:min(len(buf), bytes*(n-len(out)))]
		if _, err := io.ReadFull(in, chunk); err != nil {
			return nil, fmt.Errorf("its elements are cut off, %d of %d are there: %w", len(out), n, noEOF(err))
		}
		for i := 0; i < len(chunk); i += bytes {
			out = append(out, convert(chunk[i:]))
		}
	}
	if _, err := in.ReadByte(); err == nil {
		return nil, fmt.Errorf("more bytes follow its %d elements", n)
	}
	if h.Fortran && len(h.Shape) > 1 {
		out = transposed(out, h.Shape)
	}
	return out, nil
}

// transposed puts elements whose first index varies fastest in C order.
func transposed[T any](from []T, shape []int) []T {
	out := make([]T, len(from))
	index := make([]int, len(shape))
	for i := range out {
		at, stride := 0, 1
		for d, n := range shape {
			at += stride * index[d]
			stride *= n
		}
		out[i] = from[at]
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out
}
