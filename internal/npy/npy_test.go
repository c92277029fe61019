package npy

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The bytes that numpy.save writes for np.array([[1, 2, 3], [4, 5, 6]], "<f4").
func TestBytesAreNumPys(t *testing.T) {
	want := "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" + strings.Repeat(" ", 58) + "\n"
	if got := string(Header{Kind: "<f4", Shape: []int{2, 3}}.Bytes()); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// IEEE 754 binary16: one, minus two, the largest, the least, a third as NumPy rounds it,
// and what is no number.
func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float64{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 1: math.Ldexp(1, -24), 0x3555: 0.333251953125, 0x8000: 0, 0xfc00: math.Inf(-1)} {
		if got := half(bits); got != want {
			t.Errorf("%#x is %v, want %v", bits, got, want)
		}
	}
	if !math.IsNaN(half(0x7e00)) {
		t.Error("0x7e00 is a number")
	}
}

// Elements come back in C order from files in either order of bytes and of indices.
func TestReadFloats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := rapid.SliceOfN(rapid.IntRange(1, 5), 1, 3).Draw(t, "shape")
		kind := rapid.SampledFrom([]string{"<f4", ">f4", "<f8", ">f8"}).Draw(t, "kind")
		h := Header{Kind: kind, Shape: shape, Fortran: rapid.Bool().Draw(t, "fortran")}
		var order binary.AppendByteOrder = binary.LittleEndian
		if kind[0] == '>' {
			order = binary.BigEndian
		}
		want := make([]float32, h.Size())
		for i := range want {
			want[i] = float32(i) - 2.5
		}
		var b []byte
		for i := range want {
			v := want[i]
			if h.Fortran { // the i-th element of the file has these indices, the first fastest
				at, rest := 0, i
				stride := h.Size()
				for _, n := range shape {
					stride /= n
					at += rest % n * stride
					rest /= n
				}
				v = want[at]
			}
			if kind[2] == '4' {
				b = order.AppendUint32(b, math.Float32bits(v))
			} else {
				b = order.AppendUint64(b, math.Float64bits(float64(v)))
			}
		}
		got, err := ReadFloats(bytes.NewReader(b), h, 0)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v (%v), want %v", got, err, want)
		}
	})
}

func FuzzReadHeader(f *testing.F) {
	f.Add(Header{Kind: "<f4", Shape: []int{2, 3}}.Bytes())
	f.Add(Header{Kind: "|O", Shape: []int{7}}.Bytes())
	f.Add([]byte("\x93NUMPY\x03\x00\x40\x00\x00\x00{'descr': '<i8', 'fortran_order': True, 'shape': (99999999999999, 9), }"))
	f.Fuzz(func(t *testing.T, content []byte) {
		h, err := ReadHeader(bytes.NewReader(content))
		if err != nil {
			return
		}
		if h.Size() < 0 || h.Size() > maxElements {
			t.Fatalf("%d elements of shape %v", h.Size(), h.Shape)
		}
		if again, err := ReadHeader(bytes.NewReader(h.Bytes())); err == nil && !slices.Equal(again.Shape, h.Shape) {
			t.Fatalf("%v becomes %v", h.Shape, again.Shape)
		}
		ReadFloats(io.LimitReader(bytes.NewReader(content), 1<<16), h, 0)
	})
}
