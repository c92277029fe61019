package mi

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

// check reports impossible histograms.
func checkHistogram(h info.Histogram) error {
	for _, b := range h {
		if b.Count < 1 || b.Types < 0 {
			return fmt.Errorf("histogram of counts: %d symbols with %d occurrences is impossible", b.Types, b.Count)
		}
	}
	if h.Total() < 1 {
		return fmt.Errorf("histogram of counts: nothing was counted")
	}
	return nil
}

// EntropyEstimator names an estimator of entropy from counts.
type EntropyEstimator string

// The entropy estimators. n_i are the counts, N their sum, p_i = n_i/N.
const (
	Grassberger EntropyEstimator = "grassberger"  // ln N − (1/N) Σ n_i·G(n_i) [Grassberger 2003]
	PlugIn      EntropyEstimator = "plug-in"      // −Σ p_i ln p_i: biased downward by about (distinct − 1)/2N
	MillerMadow EntropyEstimator = "miller-madow" // plug-in + (distinct − 1)/2N [Miller 1955]
	ChaoShen    EntropyEstimator = "chao-shen"    // coverage-adjusted Horvitz–Thompson [Chao & Shen 2003]
)

// EntropyEstimators returns all estimators, the preferred one first.
func EntropyEstimators() []EntropyEstimator {
	return []EntropyEstimator{Grassberger, ChaoShen, MillerMadow, PlugIn}
}

// EntropyEstimate is an entropy from counts.
type EntropyEstimate struct {
	Value info.Nats
	// SE is the sampling standard error for independent observations,
	// sqrt([Σ p_i·s_i² − (Σ p_i·s_i)²]/N) with s_i the estimator's surprise of
	// symbol i: ln N − G(n_i) for Grassberger, −ln p_i for the others.
	SE       info.Nats
	N        int64 // observations
	Distinct int64 // different symbols
}

// Entropy estimates an entropy from a histogram of counts. Cost: one term per
// bin.
func Entropy(h info.Histogram, e EntropyEstimator) (EntropyEstimate, error) {
	return entropy(h, e, grassbergerG)
}

// entropy is Entropy with another G in Grassberger's estimator.
func entropy(h info.Histogram, e EntropyEstimator, g func(n int64) float64) (EntropyEstimate, error) {
	if err := checkHistogram(h); err != nil {
		return EntropyEstimate{}, err
	}
	total := h.Total()
	n := float64(total)
	surprise := func(count int64) float64 { return math.Log(n / float64(count)) }
	if e == Grassberger {
		surprise = func(count int64) float64 { return math.Log(n) - g(count) }
	}
	// Sums over bins by ascending count add small terms first.
	h = slices.Clone(h)
	slices.SortFunc(h, func(a, b info.Bin) int { return cmp.Compare(a.Count, b.Count) })
	first, second := 0.0, 0.0
	for _, b := range h {
		p := float64(b.Types) * (float64(b.Count) / n)
		s := surprise(b.Count)
		first += p * s
		second += p * s * s
	}
	out := EntropyEstimate{
		Value: info.Nats(first), N: total, Distinct: h.Types(),
		SE: info.Nats(math.Sqrt(max(0, second-first*first) / n)),
	}
	switch e {
	case Grassberger, PlugIn:
	case MillerMadow:
		out.Value += info.Nats(float64(out.Distinct-1) / (2 * n))
	case ChaoShen:
		out.Value = info.Nats(chaoShen(h, n))
	default:
		return EntropyEstimate{}, fmt.Errorf("unknown entropy estimator %q (choose from %v)", e, EntropyEstimators())
	}
	return out, nil
}

// grassbergerG is G(n) = ψ(n) + ½(−1)ⁿ[ψ((n+1)/2) − ψ(n/2)] for n ≥ 1. By the
// duplication formula ψ(2x) = ½ψ(x) + ½ψ(x+½) + ln 2 it equals ψ(m + ½) + ln 2
// with m = ⌊n/2⌋, which loses no digits.
func grassbergerG(n int64) float64 {
	return digamma(float64(n/2)+0.5) + math.Ln2
}

// evenG is G(n) for small n and ψ(n) beyond, its mean over even and odd n: n·G(n) is
// larger than n·ψ(n) by about ½ for one and smaller by ½ for the other.
func evenG(n int64) float64 {
	if n < evenFrom {
		return grassbergerG(n)
	}
	return digamma(float64(n))
}

// evenFrom is the count from which that ½ is right to 6 %: by ψ(2x) = ½(ψ(x)+ψ(x+½)) +
// ln 2, n·G(n) − n·ψ(n) is ½ + 1/4n and −½ − 1/4n to first order, 0.531 for n = 8 and
// −0.528 for n = 9. The parity of smaller counts is not random.
const evenFrom = 8

// digamma is ψ(x) for x > 0 to full precision (gonum's has 11 digits): the
// recursion ψ(x) = ψ(x+1) − 1/x up to x ≥ 10, and there the asymptotic series
// ln x − 1/2x − Σ B_2k/(2k·x^2k) [Abramowitz & Stegun 6.3.5, 6.3.18], whose
// first omitted term is below 1e−15.
func digamma(x float64) float64 {
	shift := 0.0
	for x < 10 {
		shift -= 1 / x
		x++
	}
	y := 1 / (x * x)
	series := y * (1./12 - y*(1./120-y*(1./252-y*(1./240-y*(1./132-y*(691./32760-y/12))))))
	return shift + math.Log(x) - 0.5/x - series
}

// chaoShen is −Σ Ĉp_i ln(Ĉp_i) / (1 − (1 − Ĉp_i)^N), Ĉ = 1 − f₁/N the
// coverage, f₁ the number of symbols seen once. When every symbol was seen
// once, f₁ = N−1 is used so that the coverage is not zero.
func chaoShen(h info.Histogram, n float64) float64 {
	once := 0.0
	for _, b := range h {
		if b.Count == 1 {
			once += float64(b.Types)
		}
	}
	if once == n {
		once = n - 1
	}
	coverage := 1 - once/n
	total := 0.0
	for _, b := range h {
		p := coverage * float64(b.Count) / n
		if p <= 0 || p >= 1 {
			continue // a single observation, or a single symbol: no surprise
		}
		seen := -math.Expm1(n * math.Log1p(-p))
		total -= float64(b.Types) * p * math.Log(p) / seen
	}
	return total
}
