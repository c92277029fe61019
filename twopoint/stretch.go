package twopoint

import "math/rand/v2"

// stretch is a part of a document, in bytes.
type stretch struct{ from, bytes int64 }

// leastStretch is the shortest stretch worth reading for long distances, bytes.
const leastStretch = 64 << 10

// drawStretches draws about budget bytes, and no more, from documents of the given
// lengths: a stretch of each at a random place, or of only some documents if those of
// all would be too short.
func drawStretches(lengths []int64, budget int64, seed uint64) []stretch {
	total := int64(0)
	for _, n := range lengths {
		total += n
	}
	rng := rand.New(rand.NewPCG(seed, uint64(len(lengths))))
	out := make([]stretch, len(lengths))
	for _, doc := range rng.Perm(len(lengths)) {
		n := lengths[doc]
		want := min(max(int64(float64(n)*float64(budget)/float64(total)), leastStretch), n, budget)
		if want == 0 {
			continue
		}
		budget, total = budget-want, total-n
		out[doc] = stretch{rng.Int64N(n - want + 1), want}
		if budget == 0 {
			break
		}
	}
	return out
}
