package mi

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
)

// markov is a Gaussian Markov chain x_t = ρ·x_{t−1} + sqrt(1−ρ²)·z_t scored by
// its own law. Past and future share one canonical pair of correlation ρ, so
// I(X;Y) = −½ ln(1−ρ²) at every ell, and I plus the lautum information is
// ρ²/(1−ρ²).
type markov struct {
	rho             float64
	length, windows int
	contexts        int
	seed            uint64
}

func (m markov) Length() int { return m.length }

func (m markov) Each(yield func(Window) error) error {
	rng := rand.New(rand.NewPCG(m.seed, 0))
	sd := math.Sqrt(1 - m.rho*m.rho)
	normal := func(x, mean, sd float64) float32 {
		z := (x - mean) / sd
		return float32(-z*z/2 - math.Log(sd) - 0.5*math.Log(2*math.Pi))
	}
	for c := range m.windows {
		x := make([]float64, m.length)
		w := Window{Cluster: c, Joint: make([]float32, m.length), Marginal: map[int][]float32{}, Cross: map[int][][]float32{}}
		for t := range x {
			if t == 0 {
				x[0] = rng.NormFloat64()
				w.Joint[0] = normal(x[0], 0, 1)
				continue
			}
			x[t] = m.rho*x[t-1] + sd*rng.NormFloat64()
			w.Joint[t] = normal(x[t], m.rho*x[t-1], sd)
		}
		for ell := 2; 2*ell <= m.length; ell *= 2 {
			y := append([]float32{normal(x[ell], 0, 1)}, w.Joint[ell+1:2*ell]...)
			w.Marginal[ell] = y
			for range m.contexts { // only the last value of a context matters
				cross := append([]float32{normal(x[ell], m.rho*rng.NormFloat64(), sd)}, w.Joint[ell+1:2*ell]...)
				w.Cross[ell] = append(w.Cross[ell], cross)
			}
		}
		if err := yield(w); err != nil {
			return err
		}
	}
	return nil
}

// TestAgainstTruth: with the exact model every estimator hits its limit within
// 4.5 standard errors.
func TestAgainstTruth(t *testing.T) {
	const rho = 0.6
	information := -0.5 * math.Log(1-rho*rho)
	lautum := rho*rho/(1-rho*rho) - information
	s := collect(t, markov{rho, 16, 4000, 32, 1}, CollectOptions{})
	for e, want := range map[Estimator]float64{
		Paired: information, Direct: information, Block: information,
		VCLUB: information + lautum,
	} {
		for _, p := range series(t, s, e, 2).Points {
			if !(math.Abs(float64(p.Value)-want) < 4.5*float64(p.SE)) {
				t.Errorf("%s at ell = %d: %v ± %v, want %v", e, p.Ell, p.Value, p.SE, want)
			}
		}
	}
	paired, block := series(t, s, Paired, 2), series(t, s, Block, 2)
	for i := range paired.Points {
		if paired.Points[i].SE > block.Points[i].SE {
			t.Errorf("paired is noisier (%v) than block (%v)", paired.Points[i].SE, block.Points[i].SE)
		}
	}
	// Finite K: infonce below, leave-one-out and auxiliary above the truth, and
	// near it with 32 contexts for so little information.
	for i := range paired.Points {
		lower, upper := series(t, s, InfoNCE, 2).Points[i], series(t, s, LeaveOneOut, 2).Points[i]
		slack := 4.5 * float64(lower.SE)
		if float64(lower.Value) > information+slack || float64(upper.Value) < information-slack {
			t.Errorf("bounds %v … %v do not hold the truth %v", lower.Value, upper.Value, information)
		}
		if float64(upper.Value-lower.Value) > 0.1 {
			t.Errorf("bounds %v … %v are wide with 32 contexts", lower.Value, upper.Value)
		}
	}
}

// TestStandardErrors: the spread of repeated estimates is what the standard
// errors say. With 300 repeats the ratio is known to ±4 %.
func TestStandardErrors(t *testing.T) {
	const repeats = 300
	for _, e := range []Estimator{Direct, Paired, Block} {
		var sum, square, variance float64
		for r := range repeats {
			s, err := Collect(context.Background(), markov{0.6, 8, 60, 0, uint64(100 + r)}, CollectOptions{Seed: uint64(r)})
			if err != nil {
				t.Fatal(err)
			}
			p := series(t, s, e, 2).Points[1]
			sum += float64(p.Value)
			square += float64(p.Value * p.Value)
			variance += float64(p.SE*p.SE) / repeats
		}
		mean := sum / repeats
		spread := square/repeats - mean*mean
		if ratio := math.Sqrt(variance / spread); ratio < 0.86 || ratio > 1.16 {
			t.Errorf("%s: standard errors are %.3f times the spread", e, ratio)
		}
	}
}
