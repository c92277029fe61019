package law

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestUnweightedRefitsThePaper fits what the L²M paper fits: its estimates on PG-19 as
// read off the figure of its official repository. The paper prints 2.27·L^0.76 and
// 3.26·L^0.71.
func TestUnweightedRefitsThePaper(t *testing.T) {
	for _, c := range []struct {
		name    string
		I       []float64
		A, beta float64
	}{
		{"direct", []float64{6.27, 10.9, 19.3, 32.0, 54.0, 87.5, 150.6, 256.5, 432.8, 752.3}, 2.27, 0.76},
		{"vclub", []float64{8.82, 14.42, 23.55, 37.90, 61.96, 98.0, 162.7, 264.7, 448.3, 769.2}, 3.26, 0.71},
	} {
		d := Data{I: c.I, Unit: "token"}
		for i := range c.I {
			d.L = append(d.L, math.Exp2(float64(i+2)))
		}
		a, err := Unweighted(d, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if a.Verdict != Undecided || math.Abs(a.Law.Beta-c.beta) > 0.005 || math.Abs(a.Law.A-c.A) > 0.02*c.A {
			t.Errorf("%s: %.4g·L^%.4g, %s; the paper has %g·L^%g", c.name, a.Law.A, a.Law.Beta, a.Verdict, c.A, c.beta)
		}
	}
}

// TestUnweightedCoverage: with independent relative errors of one size, the textbook
// case of the interval, it holds the exponent 95 times in 100.
func TestUnweightedCoverage(t *testing.T) {
	const runs, A, beta = 2000, 2.0, 0.7
	rng := rand.New(rand.NewPCG(7, 1))
	held, heldA := 0, 0
	for range runs {
		var d Data
		for k := 2; k < 9; k++ {
			l := math.Exp2(float64(k))
			d.L, d.I = append(d.L, l), append(d.I, A*math.Pow(l, beta)*math.Exp(0.1*rng.NormFloat64()))
		}
		a, err := Unweighted(d, Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := a.Power.Param("beta")
		if p.Interval.Lo <= beta && beta <= p.Interval.Hi {
			held++
		}
		if p, _ := a.Power.Param("A"); p.Interval.Lo <= A && A <= p.Interval.Hi {
			heldA++
		}
	}
	// Four standard errors of a share of 0.95 of 2,000: 0.019.
	for name, n := range map[string]int{"beta": held, "A": heldA} {
		if share := float64(n) / runs; math.Abs(share-0.95) > 0.02 {
			t.Errorf("%.3f of the intervals of %s hold it, want 0.95", share, name)
		}
	}
}

func TestUnweightedRefuses(t *testing.T) {
	if _, err := Unweighted(Data{L: []float64{1, 2, 4}, I: []float64{1, -1, 2}}, Options{}); err == nil {
		t.Error("an estimate below zero has no logarithm")
	}
	if a, err := Unweighted(Data{L: []float64{1, 2, 4}, I: []float64{1, -1, 2}}, Options{Range: [2]float64{2, 0}}); err == nil {
		t.Errorf("accepted: %+v", a)
	}
	a, err := Unweighted(Data{L: []float64{1, 2, 4}, I: []float64{1, 2, 3}}, Options{Range: [2]float64{2, 4}})
	if err != nil || a.Power != nil || a.Verdict != Undecided {
		t.Errorf("two lengths: %+v, %v", a, err)
	}
}
