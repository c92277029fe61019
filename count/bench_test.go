package count_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/token"
)

// zipfTokens returns n tokens of a vocabulary of v with P(k) ∝ 1/(k+2.7)
// (Zipf–Mandelbrot, as words have), ids in random order, in which a token is
// with probability 1/4 a repetition of one a little before, so that near pairs
// are not independent.
func zipfTokens(n, v int, seed uint64) []token.ID {
	rng := rand.New(rand.NewPCG(seed, 0))
	perm := rng.Perm(v)
	norm := math.Log((float64(v) + 2.7) / 2.7)
	out := make([]token.ID, n)
	for i := range out {
		if i > 64 && rng.IntN(4) == 0 {
			out[i] = out[i-1-rng.IntN(64)]
			continue
		}
		k := int(2.7*math.Exp(rng.Float64()*norm) - 2.7)
		out[i] = token.ID(perm[min(k, v-1)])
	}
	return out
}

// cut divides tokens into n documents of equal length.
func cut(tokens []token.ID, n int) count.Documents {
	docs := make(count.Documents, n)
	for i := range docs {
		docs[i] = tokens[i*len(tokens)/n : (i+1)*len(tokens)/n]
	}
	return docs
}

var dyadic = []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}

// BenchmarkPairs counts 20 million word-like tokens of a vocabulary of 100,000
// at 13 distances. Mtok/s is million tokens per second and distance, Mtok/cpu-s
// the same per second of processor time.
func BenchmarkPairs(b *testing.B) {
	const n = 20_000_000
	tokens := zipfTokens(n, 100_000, 1)
	docs := cut(tokens, 200)
	for _, x := range []struct {
		name   string
		blocks int
		memory int64
	}{
		{"memory", 0, 1 << 30},
		{"memory,blocks=16", 16, 1 << 30},
		{"spill", 0, 96 << 20},
		{"spill,blocks=16", 16, 96 << 20},
	} {
		b.Run(x.name, func(b *testing.B) {
			o := count.Options{Distances: dyadic, Vocabulary: 100_000, Blocks: x.blocks, Memory: x.memory, SpillDir: b.TempDir()}
			start := cpuTime(b)
			var spilled int64
			for b.Loop() {
				r, err := count.Pairs(b.Context(), docs, o)
				if err != nil {
					b.Fatal(err)
				}
				spilled = r.Spilled
			}
			pairs := float64(n*len(dyadic)*b.N) / 1e6
			b.ReportMetric(pairs/b.Elapsed().Seconds(), "Mtok/s")
			b.ReportMetric(pairs/(cpuTime(b)-start).Seconds(), "Mtok/cpu-s")
			b.ReportMetric(float64(spilled)/float64(n*len(dyadic)), "spilled-B/tok")
		})
	}
}
