package law

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/l2m-lab/l2m/internal/thorough"
	"github.com/l2m-lab/l2m/stats"
)

// gaussian is the stationary Gaussian process of docs/law.md, whose mutual
// information is B·(2 − 2^β)·ell^β exactly at every ell: partial
// autocorrelations α_k with −½ ln(1 − α_k²) = −B·[(k+1)^β − 2k^β + (k−1)^β],
// signs at random (★ docs/method.md).
type gaussian struct {
	beta, b  float64
	variance []float64   // innovation variances v_k
	predict  [][]float64 // predict[k][j]: coefficient of x_{t−1−j} at order k; nil when not needed
}

func newGaussian(beta, b float64, length int, predictors bool, seed uint64) gaussian {
	rng := rand.New(rand.NewPCG(seed, 0))
	g := gaussian{beta: beta, b: b, variance: []float64{1}, predict: [][]float64{nil}}
	at := func(k int) float64 { return math.Pow(float64(k), beta) } // 0^β = 0
	for k := 1; k < length; k++ {
		c := -b * (at(k+1) - 2*at(k) + at(k-1))
		alpha := math.Sqrt(-math.Expm1(-2 * c))
		if rng.IntN(2) == 0 {
			alpha = -alpha
		}
		g.variance = append(g.variance, g.variance[k-1]*(1-alpha*alpha))
		if predictors { // Durbin–Levinson
			last := g.predict[k-1]
			row := make([]float64, k)
			for j := range k - 1 {
				row[j] = last[j] - alpha*last[k-2-j]
			}
			row[k-1] = alpha
			g.predict = append(g.predict, row)
		}
	}
	return g
}

func (g gaussian) information(ell float64) float64 {
	return g.b * (2 - math.Pow(2, g.beta)) * math.Pow(ell, g.beta)
}

// window returns, for every dyadic split ell up to half the window, the
// log-densities ln p(Y|X), ln p(Y) and ln p of the first ell values in one
// simulated window. Without predictors ln p(Y) is left out.
func (g gaussian) window(rng *rand.Rand) (joint, marginal, first []float64) {
	length := len(g.variance)
	x, cumulative := make([]float64, length), make([]float64, length+1)
	mean := func(y []float64, t int) float64 {
		m := 0.0
		for j, c := range g.predict[t] {
			m += c * y[t-1-j]
		}
		return m
	}
	density := func(z2 float64, t int) float64 { return -0.5*math.Log(2*math.Pi*g.variance[t]) - z2/2 }
	exact := len(g.predict) == length
	for t := range length {
		z := rng.NormFloat64()
		if exact {
			x[t] = mean(x, t) + math.Sqrt(g.variance[t])*z
		}
		cumulative[t+1] = cumulative[t] + density(z*z, t)
	}
	for ell := 2; 2*ell <= length; ell *= 2 {
		joint = append(joint, cumulative[2*ell]-cumulative[ell])
		first = append(first, cumulative[ell])
		if exact {
			y, m := x[ell:2*ell], 0.0
			for t := range ell {
				e := y[t] - mean(y, t)
				m += density(e*e/g.variance[t], t)
			}
			marginal = append(marginal, m)
		}
	}
	return joint, marginal, first
}

// sample scores windows, each its own document, with the exact law.
func (g gaussian) sample(rng *rand.Rand, windows int, estimator string) Data {
	d := Data{}
	for ell := 2; 2*ell <= len(g.variance); ell *= 2 {
		d.L = append(d.L, 2*float64(ell))
	}
	p := len(d.L)
	plus, minus := make([][]float64, windows), make([][]float64, windows)
	for w := range windows {
		joint, marginal, first := g.window(rng)
		plus[w], minus[w] = joint, marginal
		if estimator == "block" {
			minus[w] = first
		}
	}
	if estimator == "direct" { // alternate windows; linearised as mi.Series
		half := [2]float64{float64((windows + 1) / 2), float64(windows / 2)}
		mean := [2][]float64{make([]float64, p), make([]float64, p)}
		for w := range windows {
			for i := range p {
				mean[w%2][i] += [2][]float64{plus[w], minus[w]}[w%2][i] / half[w%2]
			}
		}
		for w := range windows {
			h := w % 2
			f := float64(windows) / half[h] * math.Sqrt(half[h]/(half[h]-1)*float64(windows-1)/float64(windows))
			for i := range p {
				theta := mean[0][i] - mean[1][i]
				if h == 0 {
					plus[w][i] = theta + f*(plus[w][i]-mean[0][i])
				} else {
					plus[w][i] = theta - f*(minus[w][i]-mean[1][i])
				}
				minus[w][i] = 0
			}
		}
	}
	d.I = make([]float64, p)
	for w := range windows {
		sums, counts := make([]float64, p), make([]float64, p)
		for i := range p {
			sums[i], counts[i] = plus[w][i]-minus[w][i], 1
			d.I[i] += sums[i] / float64(windows)
		}
		d.Sums, d.Counts = append(d.Sums, sums), append(d.Counts, counts)
	}
	return d
}

// record is what repeated simulation of one case found.
type record struct {
	runs, fitted, covered, coveredA int
	bias, spread, se, misfits       float64
	verdicts                        map[Verdict]int
}

func (r record) coverage() float64 { return float64(r.covered) / float64(r.fitted) }

// simulate analyses fresh data again and again.
func simulate(t *testing.T, runs, draws int, beta, logA float64, sample func(rng *rand.Rand) Data) record {
	t.Helper()
	r := record{runs: runs, verdicts: map[Verdict]int{}}
	var estimates []float64
	for i := range runs {
		a, err := Analyze(sample(rand.New(rand.NewPCG(uint64(i), 77))), Options{Draws: draws, Seed: uint64(i)})
		if err != nil {
			t.Fatal(err)
		}
		r.verdicts[a.Verdict]++
		if a.Power == nil {
			continue
		}
		r.fitted++
		p, _ := a.Power.Param("beta")
		q, _ := a.Power.Param("A")
		if p.Interval.Contains(beta) {
			r.covered++
		}
		if q.Interval.Contains(math.Exp(logA)) {
			r.coveredA++
		}
		if a.Power.P < 0.05 {
			r.misfits++
		}
		estimates = append(estimates, p.Value)
		r.bias += (p.Value - beta)
		r.se += p.SE
	}
	n := float64(r.fitted)
	r.bias /= n
	r.se /= n
	r.misfits /= n
	for _, e := range estimates {
		r.spread += (e - beta - r.bias) * (e - beta - r.bias) / n
	}
	r.spread = math.Sqrt(r.spread)
	return r
}

// share is how often a verdict was reached.
func share(r record, v Verdict) float64 { return float64(r.verdicts[v]) / float64(r.runs) }

// within checks a share of runs against an interval widened by three binomial
// standard errors.
func within(t *testing.T, what string, share float64, runs int, lo, hi float64) {
	t.Helper()
	if slack := 3 * math.Sqrt(0.05*0.95/float64(runs)); share < lo-slack || share > hi+slack {
		t.Errorf("%s: %.3f of %d runs, want %.2f … %.2f (± %.3f)", what, share, runs, lo, hi, slack)
	}
}

// TestGaussianSimulator holds the simulator's means against the closed form.
func TestGaussianSimulator(t *testing.T) {
	g := newGaussian(0.76, 0.5, 64, true, 1)
	for _, estimator := range []string{"paired", "block", "direct"} {
		d := g.sample(rand.New(rand.NewPCG(1, 1)), 4000, estimator)
		theta, cov := make([]float64, len(d.L)), stats.NewSym(len(d.L))
		stats.Covariance(d.Sums, d.Counts, nil, theta, cov)
		for i, l := range d.L {
			near(t, fmt.Sprintf("%s at L = %g", estimator, l), d.I[i], g.information(l/2), 4.5*math.Sqrt(cov.At(i, i)))
		}
	}
}

// TestCoverage repeats whole analyses on exact power laws. The block estimator
// needs innovations alone, so it is cheap at length 1,024; L2M_LONG=1 runs the
// table of docs/law.md.
func TestCoverage(t *testing.T) {
	runs := 120
	if !thorough.Tests() {
		runs = 40
	}
	for _, c := range []struct {
		beta    float64
		windows int
	}{{0.5, 100}, {0.76, 50}, {0.9, 100}} {
		g := newGaussian(c.beta, 0.5, 1024, false, 1)
		logA := math.Log(g.information(0.5))
		r := simulate(t, runs, 200, c.beta, logA, func(rng *rand.Rand) Data { return g.sample(rng, c.windows, "block") })
		name := fmt.Sprintf("block, β = %g, %d windows", c.beta, c.windows)
		t.Logf("%s: %+v", name, r)
		within(t, name+": coverage of β", r.coverage(), r.fitted, 0.93, 0.97)
		within(t, name+": coverage of A", float64(r.coveredA)/float64(r.fitted), r.fitted, 0.93, 0.97)
		within(t, name+": residual test", 1-r.misfits, r.fitted, 0.93, 0.97)
		near(t, name+": bias", r.bias, 0, 0.01+3*r.spread/math.Sqrt(float64(r.fitted)))
		if held := r.verdicts[PowerLawHolds]; held < runs/2 {
			t.Errorf("%s: the power law held in %d of %d runs", name, held, runs)
		}
	}
}

// TestNoFalseLaw: without information a law is claimed in at most 5 % of runs.
func TestNoFalseLaw(t *testing.T) {
	runs := 120
	if !thorough.Tests() {
		runs = 40
	}
	for _, c := range []struct {
		windows int
		rho     float64
	}{{6, 0.5}, {12, 0}, {25, 0.97}, {100, 0.7}} {
		r := simulate(t, runs, 50, 0, 0, func(rng *rand.Rand) Data {
			return noisy(rng, c.windows, dyadic(9), func(float64) float64 { return 0 }, math.Sqrt, c.rho)
		})
		name := fmt.Sprintf("%d windows, correlation %g (%v)", c.windows, c.rho, r.verdicts)
		within(t, name+": power laws", share(r, PowerLawHolds), runs, 0, 0.05)
		within(t, name+": nothing found", share(r, NoInformation), runs, 0.95, 1)
	}
}

// TestSaturationIsSeen: bounded information is not called a power law.
func TestSaturationIsSeen(t *testing.T) {
	runs := 60
	bounded := func(l float64) float64 { return 0.3 * (1 - math.Exp(-l/12)) }
	r := simulate(t, runs, 50, 0, 0, func(rng *rand.Rand) Data {
		return noisy(rng, 300, dyadic(9), bounded, func(float64) float64 { return 0.3 }, 0.7)
	})
	within(t, fmt.Sprintf("rejected (%v)", r.verdicts), share(r, PowerLawRejected), runs, 0.95, 1)
}

// TestCoverageTable makes the table of docs/law.md (L2M_LONG=1, half an hour
// on two cores).
func TestCoverageTable(t *testing.T) {
	if os.Getenv("L2M_LONG") == "" {
		t.Skip("set L2M_LONG=1 to repeat the simulation behind docs/law.md")
	}
	const runs = 500
	for _, beta := range []float64{0.5, 0.76, 0.9} {
		g := newGaussian(beta, 0.5, 1024, true, 1)
		logA := math.Log(g.information(0.5))
		for _, estimator := range []string{"paired", "block", "direct"} {
			for _, windows := range []int{25, 100, 400} {
				t.Run(fmt.Sprintf("%s/%g/%d", estimator, beta, windows), func(t *testing.T) {
					t.Parallel()
					r := simulate(t, runs, 1000, beta, logA, func(rng *rand.Rand) Data { return g.sample(rng, windows, estimator) })
					t.Logf("%-7s β %.2f windows %3d: bias %+.4f spread %.4f mean SE %.4f coverage of β %.3f of A %.3f misfit<0.05 %.3f verdicts %v",
						estimator, beta, windows, r.bias, r.spread, r.se, r.coverage(), float64(r.coveredA)/float64(r.fitted), r.misfits, r.verdicts)
					if windows >= 100 {
						within(t, "coverage of β", r.coverage(), r.fitted, 0.93, 0.97)
					}
				})
			}
		}
	}
}
