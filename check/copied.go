package check

import (
	"iter"
	"math"
)

const (
	shingle        = 64 // tokens
	sampleShingles = 32 // one shingle in 32 is looked at, chosen by content and so the same ones in both texts
	// commonShingle is the number of occurrences in the training text above which a
	// shingle is common text (a licence header, the period of periodic text) and no
	// sign of a copy.
	commonShingle = 8
	// leastSurprise is the surprise of a shingle, in nats by the frequencies of its
	// tokens, below which chance repeats it in a gigabyte of text: zeros with rare ones.
	leastSurprise = 30
)

// Copied is the share of the evaluated text's shingles (runs of 64 tokens) that occur
// in the training text, but not often and not by chance ★. Near-duplicates share most of their
// shingles, wherever they differ. training yields pieces of the training text.
func Copied[T, U ~byte | ~uint16 | ~int32 | ~uint32 | ~int](training iter.Seq2[[]T, error], windows iter.Seq[[]U]) (float64, error) {
	seen := map[uint64]int{}
	for text, err := range training {
		if err != nil {
			return 0, err
		}
		for h := range shingles(text) {
			seen[h]++
		}
	}
	return share(windows, func(h uint64) (copied, counts bool) {
		n := seen[h]
		return n > 0 && n <= commonShingle, true
	}), nil
}

// share is the share of the shingles of windows that are copied, of those that count
// and surprise.
func share[U ~byte | ~uint16 | ~int32 | ~uint32 | ~int](windows iter.Seq[[]U], look func(h uint64) (copied, counts bool)) float64 {
	frequency, total := map[U]float64{}, 0.0
	for text := range windows {
		for _, x := range text {
			frequency[x]++
		}
		total += float64(len(text))
	}
	copied, all := 0, 0
	for text := range windows {
		surprise := make([]float64, len(text)+1) // summed up
		for i, x := range text {
			surprise[i+1] = surprise[i] - math.Log(frequency[x]/total)
		}
		for h, end := range shingles(text) {
			is, counts := look(h)
			if !counts {
				continue
			}
			all++
			if is && surprise[end]-surprise[end-shingle] >= leastSurprise {
				copied++
			}
		}
	}
	return float64(copied) / float64(max(1, all))
}

// shingles yields hashes of the sampled shingles of a text, and where they end: rolling polynomial hashes
// modulo 2⁶⁴ [Karp & Rabin 1987], mixed before sampling.
func shingles[T ~byte | ~uint16 | ~int32 | ~uint32 | ~int](text []T) iter.Seq2[uint64, int] {
	const base = 0x9e3779b97f4a7c15
	top := uint64(1)
	for range shingle {
		top *= base
	}
	return func(yield func(uint64, int) bool) {
		h := uint64(0)
		for i, x := range text {
			h = h*base + uint64(x) + 1
			if i >= shingle {
				h -= top * (uint64(text[i-shingle]) + 1)
			}
			if i < shingle-1 {
				continue
			}
			m := h ^ h>>31
			m *= 0xbf58476d1ce4e5b9
			m ^= m >> 27
			if m%sampleShingles == 0 && !yield(m, i+1) {
				return
			}
		}
	}
}
