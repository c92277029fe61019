package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mathext"
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
	for i, task := range closedForms() {
		if math.Abs(task.truth-published[i].truth) > 1e-6 {
			t.Errorf("%s: truth %v, published %v", task.name, task.truth, published[i].truth)
		}
		x, y := task.sample(rand.New(rand.NewPCG(uint64(i), 1)), 1000)
		ksg, err := ksg(t.Context(), x, y, 5)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(ksg.value-task.truth) > published[i].ksg {
			t.Errorf("%s: KSG %v ± %v, truth %v", task.name, ksg.value, ksg.se, task.truth)
		}
		if !task.gaussian {
			continue
		}
		cca, err := cca(x, y, true)
		if err != nil {
			t.Fatal(err)
		}
		// The variance of the plug-in is about Σρ²/N and (dx·dy)/(2N²); five of it.
		se := math.Sqrt(task.truth/1000 + float64(len(x[0])*len(y[0]))/2e6)
		if math.Abs(cca.value-task.truth) > 5*se {
			t.Errorf("%s: CCA %v, truth %v, standard error %v", task.name, cca.value, task.truth, se)
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
		a, err1 := cca(x, y, false)
		b, err2 := cca(x, y, true)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		plain += a.value / reps
		corrected += b.value / reps
		ss += b.value * b.value / reps
	}
	se := math.Sqrt(ss / reps)
	if math.Abs(corrected) > 4*se || plain < 0.3 {
		t.Errorf("independent vectors: corrected %v ± %v, plug-in %v", corrected, se, plain)
	}
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
	nce, loo, err := contrastive(t.Context(), n, exact)
	if err != nil {
		t.Fatal(err)
	}
	if v := nce.value; v > truth+4*nce.se || v < truth-0.15 {
		t.Errorf("InfoNCE %v ± %v, truth %v", nce.value, nce.se, truth)
	}
	if v := loo.value; v < truth-4*loo.se || v > truth+0.15 {
		t.Errorf("leave-one-out %v ± %v, truth %v", loo.value, loo.se, truth)
	}
	// 60 such pairs side by side, 50 nats: InfoNCE saturates at ln N.
	nce, _, err = contrastive(t.Context(), n, func(j, i int) float64 {
		if i == j {
			return 50
		}
		return 0
	})
	if err != nil || math.Abs(nce.value-math.Log(n)) > 1e-6 {
		t.Errorf("InfoNCE of very dependent pairs %v (%v), want ln %d", nce.value, err, n)
	}
}

// KSG cannot say more than ψ(N) + ψ(k) − 2ψ(1), reached when no neighbour
// shares either marginal.
func TestKSGCeiling(t *testing.T) {
	x, y := sample(1, 200, func(rng *rand.Rand) (x, y []float64) { a := rng.NormFloat64(); return []float64{a}, []float64{a} })
	e, err := ksg(t.Context(), x, y, 3)
	if err != nil {
		t.Fatal(err)
	}
	if top := mathext.Digamma(200) + mathext.Digamma(3) - 2*mathext.Digamma(1); e.value > top {
		t.Errorf("KSG says %v, above its ceiling %v", e.value, top)
	}
}

func TestBadSamples(t *testing.T) {
	one, two := [][]float64{{1}, {2}, {3}}, [][]float64{{1}, {2}}
	for _, c := range [][2][][]float64{{one, two}, {nil, nil}, {{{}}, {{}}}, {{{1}, {2, 3}}, two}, {{{1}, {math.NaN()}}, two}} {
		if _, err := ksg(t.Context(), c[0], c[1], 1); err == nil {
			t.Errorf("KSG accepts %v, %v", c[0], c[1])
		}
		if _, err := cca(c[0], c[1], false); err == nil {
			t.Errorf("CCA accepts %v, %v", c[0], c[1])
		}
	}
	if _, err := ksg(t.Context(), one, one, 3); err == nil {
		t.Error("3 neighbours among 3 samples")
	}
	same := [][]float64{{1}, {1}, {1}, {1}}
	if _, err := ksg(t.Context(), same, same, 1); err == nil {
		t.Error("KSG accepts discrete samples")
	}
	if _, err := cca(same, same, false); err == nil {
		t.Error("CCA accepts a singular covariance")
	}
	if _, err := cca(two, two, false); err == nil {
		t.Error("CCA accepts fewer samples than coordinates")
	}
}

// The same rows on any number of cores; paired near the truth; CCA refuses 64
// coordinates from 60 samples.
func TestCompare(t *testing.T) {
	o := options{samples: 60, repetitions: 2, largest: 64, seed: 1}
	rows, err := compare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range rows {
		seen[r.estimator] = true
		if r.estimator == "paired, exact model" && !(math.Abs(r.mean-r.truth) < 1+r.truth) {
			t.Errorf("%+v", r)
		}
		if r.estimator == "CCA" && (r.length == 64) != (r.remark != "") {
			t.Errorf("%+v", r)
		}
	}
	if len(seen) != 7 {
		t.Errorf("estimators %v", seen)
	}
	if _, err := compare(t.Context(), options{}); err == nil {
		t.Error("options of nothing are taken")
	}
}
