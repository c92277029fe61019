package mi

import (
	"errors"
	"math"

	"github.com/l2m-lab/l2m/info"
)

// NGramEntropy is the entropy of n successive tokens of some documents, by
// Grassberger's estimator.
type NGramEntropy struct {
	EntropyEstimate // with the standard error over documents
	// Rising is how much less half of the documents give: an undersampled entropy
	// still rises by about that when the text is doubled.
	Rising info.Nats
}

// ngramBlocks is into how many blocks a single document is cut for an error.
const ngramBlocks = 16

// NGram estimates the entropy of n = 1 or 2 successive tokens of documents, pairs
// within a document only.
func NGram[T ~uint32](documents [][]T, n int) (NGramEntropy, error) {
	if len(documents) == 1 {
		documents = blocks(documents[0], ngramBlocks)
	}
	var half [][]T
	for i := 0; i < len(documents); i += 2 {
		half = append(half, documents[i])
	}
	part, _, err := countNGrams(half, n)
	if err != nil {
		return NGramEntropy{}, err
	}
	out, counts, err := countNGrams(documents, n)
	if err != nil {
		return NGramEntropy{}, err
	}
	// The estimate is the mean of ln N − G over the n-grams: see Entropy.
	sums, sizes := make([][]float64, len(documents)), make([][]float64, len(documents))
	for i, d := range documents {
		sum, size := 0.0, 0.0
		for key := range ngrams(d, n) {
			sum += math.Log(float64(out.N)) - grassbergerG(counts[key])
			size++
		}
		sums[i], sizes[i] = []float64{sum}, []float64{size}
	}
	if _, cov := ratioMean(sums, sizes); cov != nil {
		out.SE = info.Nats(math.Sqrt(cov[0][0]))
	}
	return NGramEntropy{out, out.Value - part.Value}, nil
}

// blocks cuts a sequence into n pieces of about the same length.
func blocks[T any](tokens []T, n int) [][]T {
	out := make([][]T, n)
	for i := range out {
		out[i] = tokens[i*len(tokens)/n : (i+1)*len(tokens)/n]
	}
	return out
}

func countNGrams[T ~uint32](documents [][]T, n int) (EntropyEstimate, map[uint64]int64, error) {
	if n < 1 || n > 2 {
		return EntropyEstimate{}, nil, errors.New("n-grams are of 1 or 2 tokens")
	}
	counts := map[uint64]int64{}
	for _, d := range documents {
		for key := range ngrams(d, n) {
			counts[key]++
		}
	}
	values := make([]int64, 0, len(counts))
	for _, c := range counts {
		values = append(values, c)
	}
	e, err := Entropy(info.HistogramOf(values), Grassberger)
	return e, counts, err
}

// ngrams yields the successive n-grams of a sequence as numbers.
func ngrams[T ~uint32](tokens []T, n int) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for i := n - 1; i < len(tokens); i++ {
			key := uint64(tokens[i])
			if n == 2 {
				key |= uint64(tokens[i-1]) << 32
			}
			if !yield(key) {
				return
			}
		}
	}
}
