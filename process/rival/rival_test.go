package rival

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mathext"
	"pgregory.net/rapid"
)

// published are the truths of the tasks as the benchmark prints them, and the
// largest error of KSG at 1,000 samples that is not a defect: its bias grows
// with dimension.
var published = []struct{ truth, ksg float64 }{{0.413339, 0.12}, {1.021651, 0.15}, {1.624265, 1.2}, {1.0 / 3, 0.12}}

func sample(seed uint64, n int, draw func(*rand.Rand) (x, y []float64)) (x, y [][]float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for range n {
		a, b := draw(rng)
		x, y = append(x, a), append(y, b)
	}
	return x, y
}

func TestClosedFormTasks(t *testing.T) {
	for i, task := range Tasks() {
		if math.Abs(task.Truth-published[i].truth) > 1e-6 {
			t.Errorf("%s: truth %v, published %v", task.Name, task.Truth, published[i].truth)
		}
		x, y := task.Sample(rand.New(rand.NewPCG(uint64(i), 1)), 1000)
		ksg, err := KSG(t.Context(), x, y, 5)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(float64(ksg.Value)-task.Truth) > published[i].ksg {
			t.Errorf("%s: KSG %v ± %v, truth %v", task.Name, ksg.Value, ksg.SE, task.Truth)
		}
		if !task.Gaussian {
			continue
		}
		cca, err := CCA(x, y, true)
		if err != nil {
			t.Fatal(err)
		}
		// The variance of the plug-in is about Σρ²/N and (dx·dy)/(2N²); five of it.
		se := math.Sqrt(task.Truth/1000 + float64(len(x[0])*len(y[0]))/2e6)
		if math.Abs(float64(cca.Value)-task.Truth) > 5*se {
			t.Errorf("%s: CCA %v, truth %v, standard error %v", task.Name, cca.Value, task.Truth, se)
		}
	}
}

// The correction removes the bias of independent vectors exactly: the mean over
// many small samples is 0, the plug-in's far above.
func TestCCACorrection(t *testing.T) {
	const reps = 400
	var plain, corrected, ss float64
	for i := range uint64(reps) {
		x, y := sample(i, 30, func(rng *rand.Rand) (x, y []float64) {
			v := make([]float64, 10)
			for j := range v {
				v[j] = rng.NormFloat64()
			}
			return v[:5], v[5:]
		})
		a, err1 := CCA(x, y, false)
		b, err2 := CCA(x, y, true)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		plain += float64(a.Value) / reps
		corrected += float64(b.Value) / reps
		ss += float64(b.Value*b.Value) / reps
	}
	se := math.Sqrt(ss / reps)
	if math.Abs(corrected) > 4*se || plain < 0.3 {
		t.Errorf("independent vectors: corrected %v ± %v, plug-in %v", corrected, se, plain)
	}
}

// The tree must find what a loop over all points finds.
func TestTree(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n, d := rapid.IntRange(2, 120).Draw(r, "n"), rapid.IntRange(1, 5).Draw(r, "d")
		points := make([][]float64, n)
		for i := range points {
			for range d {
				// Few values, so that there are ties.
				points[i] = append(points[i], float64(rapid.IntRange(0, 9).Draw(r, "x")))
			}
		}
		tree := newTree(points)
		i, k := rapid.IntRange(0, n-1).Draw(r, "i"), rapid.IntRange(1, min(6, n-1)).Draw(r, "k")
		var all []float64
		for j := range points {
			if j != i {
				all = append(all, distance(points[i], points[j]))
			}
		}
		kth := nth(all, k)
		if got := tree.neighbour(i, k); got != kth {
			t.Fatalf("neighbour %d of point %d is at %v, want %v", k, i, got, kth)
		}
		radius := float64(rapid.IntRange(0, 10).Draw(r, "r"))
		count := 0
		for _, x := range all {
			if x < radius {
				count++
			}
		}
		if got := tree.within(i, radius); got != count {
			t.Fatalf("%d points within %v, want %d", got, radius, count)
		}
	})
}

func nth(x []float64, k int) float64 {
	y := append([]float64(nil), x...)
	for i := range k {
		for j := i + 1; j < len(y); j++ {
			if y[j] < y[i] {
				y[i], y[j] = y[j], y[i]
			}
		}
	}
	return y[k-1]
}

// With the exact critic InfoNCE lies below the truth and below ln N,
// leave-one-out above the truth (both in expectation).
func TestContrastiveBounds(t *testing.T) {
	const n, rho = 400, 0.9
	truth := -0.5 * math.Log(1-rho*rho)
	rng := rand.New(rand.NewPCG(1, 1))
	x, y := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
		y[i] = rho*x[i] + math.Sqrt(1-rho*rho)*rng.NormFloat64()
	}
	exact := func(j, i int) float64 { e := y[i] - rho*x[j]; return -e * e / (2 * (1 - rho*rho)) }
	nce, loo, err := Contrastive(t.Context(), n, exact)
	if err != nil {
		t.Fatal(err)
	}
	if v := float64(nce.Value); v > truth+4*float64(nce.SE) || v < truth-0.15 {
		t.Errorf("InfoNCE %v ± %v, truth %v", nce.Value, nce.SE, truth)
	}
	if v := float64(loo.Value); v < truth-4*float64(loo.SE) || v > truth+0.15 {
		t.Errorf("leave-one-out %v ± %v, truth %v", loo.Value, loo.SE, truth)
	}
	// 60 such pairs side by side, 50 nats: InfoNCE saturates at ln N.
	nce, _, err = Contrastive(t.Context(), n, func(j, i int) float64 {
		if i == j {
			return 50
		}
		return 0
	})
	if err != nil || math.Abs(float64(nce.Value)-math.Log(n)) > 1e-6 {
		t.Errorf("InfoNCE of very dependent pairs %v (%v), want ln %d", nce.Value, err, n)
	}
}

// KSG cannot say more than ψ(N) + ψ(k) − 2ψ(1), reached when no neighbour
// shares either marginal.
func TestKSGCeiling(t *testing.T) {
	x, y := sample(1, 200, func(rng *rand.Rand) (x, y []float64) { a := rng.NormFloat64(); return []float64{a}, []float64{a} })
	e, err := KSG(t.Context(), x, y, 3)
	if err != nil {
		t.Fatal(err)
	}
	if top := mathext.Digamma(200) + mathext.Digamma(3) - 2*mathext.Digamma(1); float64(e.Value) > top {
		t.Errorf("KSG says %v, above its ceiling %v", e.Value, top)
	}
}

func TestBadSamples(t *testing.T) {
	one, two := [][]float64{{1}, {2}, {3}}, [][]float64{{1}, {2}}
	for _, c := range [][2][][]float64{{one, two}, {nil, nil}, {{{}}, {{}}}, {{{1}, {2, 3}}, two}, {{{1}, {math.NaN()}}, two}} {
		if _, err := KSG(t.Context(), c[0], c[1], 1); err == nil {
			t.Errorf("KSG accepts %v, %v", c[0], c[1])
		}
		if _, err := CCA(c[0], c[1], false); err == nil {
			t.Errorf("CCA accepts %v, %v", c[0], c[1])
		}
	}
	if _, err := KSG(t.Context(), one, one, 3); err == nil {
		t.Error("3 neighbours among 3 samples")
	}
	same := [][]float64{{1}, {1}, {1}, {1}}
	if _, err := KSG(t.Context(), same, same, 1); err == nil {
		t.Error("KSG accepts discrete samples")
	}
	if _, err := CCA(same, same, false); err == nil {
		t.Error("CCA accepts a singular covariance")
	}
	if _, err := CCA(two, two, false); err == nil {
		t.Error("CCA accepts fewer samples than coordinates")
	}
}
