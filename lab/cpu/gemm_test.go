package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// sets are the instruction sets of this machine.
func sets() []Set {
	var out []Set
	for s := Plain; s <= Best(); s++ {
		out = append(out, s)
	}
	return out
}

func random(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// TestProductsAreSumsOfProducts compares every kernel with three loops.
func TestProductsAreSumsOfProducts(t *testing.T) {
	for _, set := range sets() {
		g := newGemm(set)
		t.Run(set.String(), rapid.MakeCheck(func(t *rapid.T) {
			size := rapid.IntRange(1, 40)
			m := rapid.OneOf(size, rapid.Just(70)).Draw(t, "m")
			n := rapid.OneOf(size, size, size, rapid.Just(blockCols+5)).Draw(t, "n")
			k := rapid.OneOf(size, size, rapid.Just(blockDepth+9)).Draw(t, "k")
			ta, tb, add := rapid.Bool().Draw(t, "ta"), rapid.Bool().Draw(t, "tb"), rapid.Bool().Draw(t, "add")
			pad := rapid.IntRange(0, 3).Draw(t, "pad")
			rng := rand.New(rand.NewPCG(1, uint64(m)))
			la, lb, lc := k+pad, n+pad, n+pad
			ra, rb := m, k
			if ta {
				la, ra = m+pad, k
			}
			if tb {
				lb, rb = k+pad, n
			}
			a, b, c := random(rng, ra*la), random(rng, rb*lb), random(rng, m*lc)
			want := make([]float64, m*lc)
			for i, x := range c {
				want[i] = float64(x)
			}
			for i := range m {
				for j := range n {
					s := 0.0
					if add {
						s = want[i*lc+j]
					}
					for p := range k {
						at, bt := i*la+p, p*lb+j
						if ta {
							at = p*la + i
						}
						if tb {
							bt = j*lb + p
						}
						s += float64(a[at]) * float64(b[bt])
					}
					want[i*lc+j] = s
				}
			}
			g.mul(m, n, k, matrix{a, la, ta}, matrix{b, lb, tb}, c, lc, add)
			for i := range c {
				// A float32 sum of k products errs by about k·2⁻²⁴ of their size.
				if math.Abs(float64(c[i])-want[i]) > 2e-6*(math.Sqrt(float64(k))+math.Abs(want[i]))*8 {
					t.Fatalf("%d·%d·%d: number %d is %v, want %v", m, n, k, i, c[i], want[i])
				}
			}
		}))
	}
}

func BenchmarkProduct(b *testing.B) {
	for _, set := range sets() {
		for _, s := range [][3]int{{4096, 1024, 256}, {4096, 256, 1024}, {1024, 256, 256}, {64, 1024, 64}, {64, 64, 64}} {
			for _, kind := range []string{"NN", "NT", "TN"} {
				b.Run(fmt.Sprintf("%s/%v/%s", set, s, kind), func(b *testing.B) {
					m, n, k := s[0], s[1], s[2]
					rng := rand.New(rand.NewPCG(1, 2))
					x, y, z := matrix{random(rng, m*k), k, false}, matrix{random(rng, k*n), n, false}, make([]float32, m*n)
					if kind == "NT" {
						y.stride, y.transposed = k, true
					}
					if kind == "TN" {
						x.stride, x.transposed = m, true
					}
					g := newGemm(set)
					start := cpuTime()
					for b.Loop() {
						g.mul(m, n, k, x, y, z, n, false)
					}
					b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/(cpuTime()-start).Seconds()/1e9, "GFLOP/cpu-s")
				})
			}
		}
	}
}
