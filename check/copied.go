package check

import "iter"

const (
	shingle        = 64 // tokens
	sampleShingles = 32 // one shingle in 32 is looked at, chosen by content and so the same ones in both texts
	// commonShingle is the number of occurrences in the training text above which a
	// shingle is common text (a licence header, the period of periodic text) and no
	// sign of a copy.
	commonShingle = 8
)

// Copied is the share of the evaluated text's shingles (runs of 64 tokens) that occur
// in the training text, but not often ★. Near-duplicates share most of their
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
	copied, all := 0, 0
	for text := range windows {
		for h := range shingles(text) {
			all++
			if n := seen[h]; n > 0 && n <= commonShingle {
				copied++
			}
		}
	}
	if all == 0 {
		return 0, nil
	}
	return float64(copied) / float64(all), nil
}

// shingles yields hashes of the sampled shingles of a text: rolling polynomial hashes
// modulo 2⁶⁴ [Karp & Rabin 1987], mixed before sampling.
func shingles[T ~byte | ~uint16 | ~int32 | ~uint32 | ~int](text []T) iter.Seq[uint64] {
	const base = 0x9e3779b97f4a7c15
	top := uint64(1)
	for range shingle {
		top *= base
	}
	return func(yield func(uint64) bool) {
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
			if m%sampleShingles == 0 && !yield(m) {
				return
			}
		}
	}
}
