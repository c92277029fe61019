package check

import (
	"encoding/binary"
	"errors"
	"iter"
	"maps"
	"slices"
)

// sketchSize bounds the shingles in a sketch: 256 KB.
const sketchSize = 1 << 15

// Sketch is a sample of the shingles of a training text, which a saved model carries
// to be told later what it was trained on: those with the smallest hashes, in order
// (a bottom-k sketch [Cohen & Kaplan 2007]).
type Sketch []uint64

// NewSketch takes the sketch of the pieces of a training text, without the shingles
// that are common in it.
func NewSketch[T ~byte | ~uint16 | ~int32 | ~uint32 | ~int](training iter.Seq2[[]T, error]) (Sketch, error) {
	seen := map[uint64]int{}
	for text, err := range training {
		if err != nil {
			return nil, err
		}
		for h := range shingles(text) {
			seen[h]++
		}
	}
	maps.DeleteFunc(seen, func(_ uint64, n int) bool { return n > commonShingle })
	s := Sketch(slices.Sorted(maps.Keys(seen)))
	return s[:min(len(s), sketchSize)], nil
}

// CopiedFrom is about the share that Copied returns for the training text of a sketch.
func CopiedFrom[U ~byte | ~uint16 | ~int32 | ~uint32 | ~int](s Sketch, windows iter.Seq[[]U]) float64 {
	if len(s) == 0 {
		return 0
	}
	last := ^uint64(0)
	if len(s) == sketchSize {
		last = s[len(s)-1]
	}
	return share(windows, func(h uint64) (copied, counts bool) {
		_, copied = slices.BinarySearch(s, h)
		return copied, h <= last
	})
}

// Bytes is the sketch as ParseSketch reads it.
func (s Sketch) Bytes() []byte {
	var b []byte
	for _, h := range s {
		b = binary.LittleEndian.AppendUint64(b, h)
	}
	return b
}

// ParseSketch reads what Bytes wrote.
func ParseSketch(b []byte) (Sketch, error) {
	if len(b)%8 != 0 || len(b) > 8*sketchSize {
		return nil, errors.New("the sketch of the training text is damaged")
	}
	var s Sketch
	for ; len(b) > 0; b = b[8:] {
		s = append(s, binary.LittleEndian.Uint64(b))
	}
	if !slices.IsSorted(s) {
		return nil, errors.New("the sketch of the training text is damaged")
	}
	return s, nil
}
