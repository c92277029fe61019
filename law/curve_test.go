package law

import (
	"math"
	"testing"
)

// The parameters that a fit states draw the curve that was fitted: what the
// solver saw, from its own basis functions in scaled lengths.
func TestAtIsTheFittedCurve(t *testing.T) {
	lengths, y, cov := scipyCase()
	w, ok := cov.Inverse()
	if !ok {
		t.Fatal("not positive definite")
	}
	q := newProblem(lengths, y, w)
	for _, s := range rivals(q.x[0], q.x[len(q.x)-1]) {
		fit, ok := q.curve(s)
		if !ok {
			t.Errorf("%s was not fitted", s.family)
			continue
		}
		f := Fit{Family: s.family, Params: s.params(fit.shape, fit.coefficients, q.scale)}
		for i, x := range q.x {
			want := 0.0
			for c, b := range fit.coefficients {
				want += b * s.basis(fit.shape, x, c)
			}
			got, ok := f.At(lengths[i])
			if !ok || math.Abs(float64(got)-want) > 1e-9*math.Max(1, math.Abs(want)) {
				t.Errorf("%s at %v: %v (%t), fitted %v", s.family, lengths[i], got, ok, want)
			}
		}
	}
	power, ok := q.power()
	if !ok {
		t.Fatal("no power law")
	}
	f := Fit{Family: Power, Params: []Param{param("A", power.a*math.Pow(q.scale, -power.beta)), param("beta", power.beta)}}
	for i, x := range q.x {
		got, ok := f.At(lengths[i])
		if want := power.a * math.Pow(x, power.beta); !ok || math.Abs(float64(got)-want) > 1e-9*want {
			t.Errorf("power at %v: %v (%t), fitted %v", lengths[i], got, ok, want)
		}
	}
}

func TestAtSaysWhenThereIsNoCurve(t *testing.T) {
	for _, f := range []Fit{
		{Family: Power, Params: []Param{param("A", 1)}},
		{Family: "unheard of"},
		{},
		{Family: Power, Params: []Param{param("A", 1e308), param("beta", 900)}},
	} {
		if v, ok := f.At(1e6); ok {
			t.Errorf("%+v is %v", f, v)
		}
	}
	if v, ok := (&Fit{Family: Zero}).At(8); v != 0 || !ok {
		t.Errorf("no information: %v, %t", v, ok)
	}
}
