package cpu

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestVectorLoopsAreTheirDefinition compares every loop with float64, at all
// lengths of the tail.
func TestVectorLoopsAreTheirDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	f := func(x float32) float64 { return float64(x) }
	for _, set := range sets() {
		v := newVec(set)
		for n := 1; n < 40; n++ {
			a, b, c, d := random(rng, n), random(rng, n), random(rng, n), random(rng, n)
			c[0] = 0
			check := func(name string, tolerance float64, run func(d []float32), want func(i int) float64) {
				t.Helper()
				got := append([]float32(nil), d...)
				run(got)
				for i := range got {
					if w := want(i); !(math.Abs(f(got[i])-w) <= tolerance*(1+math.Abs(w))) {
						t.Fatalf("%s, %s of %d numbers: number %d is %v, want %v", set, name, n, i, got[i], w)
					}
				}
			}
			const exact = 1e-7
			check("add", exact, func(d []float32) { v.add(d, a, b) }, func(i int) float64 { return f(a[i]) + f(b[i]) })
			check("sub", exact, func(d []float32) { v.sub(d, a, b) }, func(i int) float64 { return f(a[i]) - f(b[i]) })
			check("mul", exact, func(d []float32) { v.mul(d, a, b) }, func(i int) float64 { return f(a[i]) * f(b[i]) })
			check("div", exact, func(d []float32) { v.div(d, a, b) }, func(i int) float64 { return f(a[i]) / f(b[i]) })
			check("max", 0, func(d []float32) { v.max(d, a, b) }, func(i int) float64 { return max(f(a[i]), f(b[i])) })
			check("fma", 3e-7, func(d []float32) { v.fma(d, a, b) }, func(i int) float64 { return f(d[i]) + f(a[i])*f(b[i]) })
			check("axpy", 3e-7, func(d []float32) { v.axpy(d, a, 3) }, func(i int) float64 { return f(d[i]) + 3*f(a[i]) })
			check("scale", 3e-7, func(d []float32) { v.scale(d, a, 3, 2) }, func(i int) float64 { return 3*f(a[i]) + 2 })
			check("sqrt", exact, func(d []float32) { v.exp(d, a); v.sqrt(d, d) }, func(i int) float64 { return math.Exp(f(a[i]) / 2) })
			check("exp", 3e-7, func(d []float32) { v.exp(d, a) }, func(i int) float64 { return math.Exp(f(a[i])) })
			check("tanh", 3e-7, func(d []float32) { v.tanh(d, a) }, func(i int) float64 { return math.Tanh(f(a[i])) })
			check("less", 0, func(d []float32) { v.less(d, a, b) }, func(i int) float64 {
				if a[i] < b[i] {
					return 1
				}
				return 0
			})
			check("sel", 0, func(d []float32) { v.sel(d, c, a, b) }, func(i int) float64 {
				if c[i] != 0 {
					return f(a[i])
				}
				return f(b[i])
			})
			sum, dot, top := 0.0, 0.0, math.Inf(-1)
			for i := range a {
				sum, dot, top = sum+f(a[i]), dot+f(a[i])*f(b[i]), max(top, f(a[i]))
			}
			for name, x := range map[string][2]float64{
				"sum": {f(v.sum(a)), sum}, "dot": {f(v.dot(a, b)), dot}, "maxOf": {f(v.maxOf(a)), top},
			} {
				if math.Abs(x[0]-x[1]) > 1e-5 {
					t.Fatalf("%s, %s of %d numbers: %v, want %v", set, name, n, x[0], x[1])
				}
			}
		}
	}
}

// TestExpAtTheEnds: nothing overflows into another number, and NaN stays.
func TestExpAtTheEnds(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, set := range sets() {
		d := make([]float32, 8)
		newVec(set).exp(d, []float32{-1e30, -inf, -100, 0, 88, nan, -87, 1})
		if d[0] != 0 || d[1] != 0 || d[2] > 1e-40 || d[3] != 1 || !(d[4] > 1.6e38) || d[5] == d[5] || !(d[6] > 1e-38) {
			t.Errorf("%s: %v", set, d)
		}
	}
}
