package train

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// ar1 is a Gaussian process whose law is known in closed form: x_t = ρ·x_{t−1} + √(1−ρ²)·z_t.
const ar1Spec, rho = "pacf:alpha=0.8", 0.8

func ar1(n, length int) (x []float32) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		last := 0.0
		for t := range length {
			s := math.Sqrt(1 - rho*rho)
			if t == 0 {
				s = 1
			}
			last = rho*last + s*rng.NormFloat64()
			x = append(x, float32(last))
		}
	}
	return x
}

// A model that predicts with another coefficient r and deviation s loses, after the
// first token, ln(s/σ) + (σ² + (ρ−r)²·x²)/2s² − ½ with σ² = 1−ρ², and x² is 1 in the mean.
func TestPredictionsOfNumbers(t *testing.T) {
	const n, length, r, s = 4000, 6, 0.5, 0.7
	data, err := OpenData(ar1Spec)
	if err != nil {
		t.Fatal(err)
	}
	p := Predictions{Sequences: n, Length: length, Copies: 1, X: ar1(n, length)}
	right := p
	for i := range p.X {
		mean, sd := 0.0, 1.0
		exact, own := 0.0, 1.0
		if i%length > 0 {
			last := float64(p.X[i-1])
			mean, sd = r*last, s
			exact, own = rho*last, math.Sqrt(1-rho*rho)
		}
		p.Mean, p.Deviation = append(p.Mean, float32(mean)), append(p.Deviation, float32(sd))
		right.Mean, right.Deviation = append(right.Mean, float32(exact)), append(right.Deviation, float32(own))
		d := (float64(p.X[i]) - mean) / sd
		p.LogProbs = append(p.LogProbs, float32(-math.Log(sd)-0.5*math.Log(2*math.Pi)-d*d/2))
	}
	laws := p
	laws.LogProbs = nil
	e, err := EvaluatePredictions(context.Background(), data, laws)
	if err != nil {
		t.Fatal(err)
	}
	v := 1 - rho*rho
	want := math.Log(s/math.Sqrt(v)) + (v+(rho-r)*(rho-r))/(2*s*s) - 0.5
	// x² has the standard deviation √2, so its mean over n samples √(2/n).
	tolerance := 5 * (rho - r) * (rho - r) / (2 * s * s) * math.Sqrt(2.0/n)
	for i, got := range e.ByPosition {
		if i == 0 && math.Abs(got) > 1e-6 || i > 0 && math.Abs(got-want) > tolerance {
			t.Errorf("token %d: %v, want %v ± %v", i, got, want, tolerance)
		}
	}
	if gain := -0.5 * math.Log(v); math.Abs(*e.Gap-want/gain) > tolerance/gain {
		t.Errorf("gap %v, want %v", *e.Gap, want/gain)
	}
	if e, err := EvaluatePredictions(context.Background(), data, right); err != nil || math.Abs(*e.Gap) > 1e-5 {
		t.Errorf("the exact law has the gap %v (%v)", *e.Gap, err)
	}
	// Log-probabilities estimate the same divergence, with the noise of the sample.
	sampled, err := EvaluatePredictions(context.Background(), data, Predictions{Sequences: n, Length: length, Copies: 1, X: p.X, LogProbs: p.LogProbs})
	if err != nil {
		t.Fatal(err)
	}
	for i := range length {
		if d := sampled.ByPosition[i] - sampled.Exact[i] - e.ByPosition[i]; math.Abs(d) > 0.06 {
			t.Errorf("token %d: sampled divergence differs by %v", i, d)
		}
	}
}

// Sequences of another process are refused.
func TestPredictionsOfAnotherProcess(t *testing.T) {
	data, err := OpenData("pacf:alpha=0.7")
	if err != nil {
		t.Fatal(err)
	}
	x := ar1(400, 16)
	one := make([]float32, len(x))
	for i := range one {
		one[i] = 1
	}
	_, err = EvaluatePredictions(context.Background(), data, Predictions{Sequences: 400, Length: 16, Copies: 1, X: x, Mean: x, Deviation: one})
	if err == nil || !strings.Contains(err.Error(), "no sample of this process") {
		t.Errorf("%v", err)
	}
}
