package check

import "iter"

// Shingles are runs of so many tokens; one in sampleShingles is looked at, chosen by
// its content, so that the same ones are chosen on both sides.
const (
	shingle        = 64
	sampleShingles = 32
	// commonShingle is the number of times in the training text from which a
	// shingle is a phrase of the language (a licence at the head of files, the
	// period of periodic text) and no sign of a copy.
	commonShingle = 8
)

// Copied is the share of the evaluated text whose shingles stand word for word in
// the training text, but not often ★: near-duplicates share most of theirs, whatever
// was changed between. training yields stretches of symbols.
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

// shingles yields the hashes of the sampled shingles of a text: rolling polynomial
// hashes modulo 2⁶⁴ [Karp & Rabin 1987], mixed before they are sampled.
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
