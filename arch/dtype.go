package arch

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// DType is a storage format of state elements.
type DType struct {
	Name string
	// Block elements take BlockBytes bytes together: 1 and 2 for float16, 32
	// and 18 for llama.cpp's q4_0 (a 16-bit scale for 32 four-bit numbers).
	Block, BlockBytes int64
}

// dtypes lists the formats of caches. The block formats are those of ggml
// (ggml-common.h).
var dtypes = []DType{
	{"bfloat16", 1, 2}, {"float16", 1, 2}, {"float32", 1, 4}, {"float8", 1, 1}, {"int8", 1, 1}, {"int4", 2, 1},
	{"q8_0", 32, 34}, {"q5_1", 32, 24}, {"q5_0", 32, 22}, {"q4_1", 32, 20}, {"q4_0", 32, 18},
}

// BFloat16 is the default storage format: two bytes per element.
func BFloat16() DType { return dtypes[0] }

// ParseDType finds a format by name; bf16, f16, fp16, half, f32, fp32, float, fp8 and
// f8 are other spellings.
func ParseDType(name string) (DType, error) {
	n := strings.ToLower(strings.TrimPrefix(name, "torch."))
	switch n {
	case "bf16":
		n = "bfloat16"
	case "f16", "fp16", "half":
		n = "float16"
	case "f32", "fp32", "float":
		n = "float32"
	case "f8", "fp8", "float8_e4m3fn", "float8_e5m2":
		n = "float8"
	}
	var known []string
	for _, d := range dtypes {
		if d.Name == n {
			return d, nil
		}
		known = append(known, d.Name)
	}
	return DType{}, fmt.Errorf("unknown storage format %q (%s)", name, strings.Join(known, ", "))
}

// Bits is the mean number of bits of one element.
func (d DType) Bits() float64 { return float64(8*d.BlockBytes) / float64(d.Block) }

// Storage is the formats of a state. Zero values mean defaults.
type Storage struct {
	KV    DType // keys, values and latents; zero: bfloat16
	Index DType // index keys and partly filled blocks; zero: as KV
	State DType // recurrent states; zero: float32 where the reference implementation keeps that, else as KV
	Conv  DType // past columns of convolutions; zero: as State where it is set, else as KV
}

// of is the format of a kind of elements.
func (st Storage) of(k stored) DType {
	kv := st.KV
	if kv == (DType{}) {
		kv = BFloat16()
	}
	if k.dtype != "" {
		if d, err := ParseDType(k.dtype); err == nil {
			return d
		}
	}
	asked := DType{}
	switch k.kind {
	case Recurrent:
		asked = st.State
	case Conv:
		if asked = st.Conv; asked == (DType{}) {
			asked = st.State
		}
	case Other:
		asked = st.Index
	}
	switch {
	case asked != DType{}:
		return asked
	case k.float32:
		return dtypes[2]
	}
	return kv
}

// Type is the format that a part is stored in.
func (st Storage) Type(p Part) DType { return st.of(stored{p.Kind, p.Float32, p.DType}) }

// Bytes is the size of the state when elements are kept as d, except those
// that the reference implementation keeps in float32, which take four bytes
// each. Partly filled blocks of a block format are not rounded up.
func (s State) Bytes(d DType) (int64, error) { return s.BytesIn(Storage{KV: d}) }

// BytesIn is the size of the state in the formats of st. Partly filled blocks of
// a block format are not rounded up.
func (s State) BytesIn(st Storage) (int64, error) {
	byType := map[DType]int64{}
	if s.stored == nil { // made by hand: only the counts are known
		byType[st.of(stored{kind: KV})] = s.Total - s.Float32
		byType[dtypes[2]] += s.Float32
	}
	for k, n := range s.stored {
		byType[st.of(k)] += n // no more than Total
	}
	sum := int64(0)
	for d, n := range byType {
		bytes, ok := d.size(n)
		if !ok || !add(&sum, bytes) {
			return 0, fmt.Errorf("%d elements of %s do not fit in 63 bits of bytes", n, d.Name)
		}
	}
	return sum, nil
}

// Size is the size of n elements in bytes, rounded up to whole blocks; it fails if it
// does not fit in 63 bits.
func (d DType) Size(n int64) (int64, error) {
	bytes, ok := d.size(n)
	if !ok || n < 0 {
		return 0, fmt.Errorf("%d elements of %s do not fit in 63 bits of bytes", n, d.Name)
	}
	return bytes, nil
}

// size is the bytes of n elements, false when they do not fit in 63 bits.
func (d DType) size(n int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(n), uint64(d.BlockBytes))
	if hi >= uint64(d.Block) {
		return 0, false
	}
	quotient, rest := bits.Div64(hi, lo, uint64(d.Block))
	if rest > 0 {
		quotient++
	}
	return int64(quotient), quotient <= math.MaxInt64
}
