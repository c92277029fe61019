package twopoint

import "math/rand/v2"

// stretch is a part of a document, in bytes. Nothing is read of one without length.
type stretch struct{ from, bytes int64 }

// leastStretch is the length from which a stretch says something about long distances.
const leastStretch = 64 << 10

// drawStretches chooses about budget bytes, and no more, of documents of the given
// lengths: a part of each of them, at a random place, or of fewer of them, drawn at
// random, where parts of all would be short.
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
