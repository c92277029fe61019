package process

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/info"
)

// Signs is a rule for the signs of partial autocorrelations. They leave the
// bipartite information unchanged and change everything else: two-point
// information, and how large a state must be.
type Signs struct {
	Rule SignRule
	Seed uint64 // of RandomSigns
	List []int8 // of ListedSigns, ±1; repeated cyclically
}

// SignRule names a rule for signs.
type SignRule string

// The rules.
const (
	PlusSigns        SignRule = "plus"        // all +
	AlternatingSigns SignRule = "alternating" // +, −, +, …
	RandomSigns      SignRule = "random"      // fair coins from Signs.Seed
	ListedSigns      SignRule = "list"        // Signs.List
)

// PowerGaussianOptions are the parameters of NewPowerGaussian.
type PowerGaussianOptions struct {
	Beta     float64 // exponent, 0 < Beta < 1
	B        float64 // > 0, nats; 0 means 0.5
	Variance float64 // of a token, > 0; 0 means 1
	Signs    Signs   // zero value: all +
}

// NewPowerGaussian makes the stationary Gaussian process whose bipartite
// information is an exact power law at every length ★:
//
//	I(ell; 2·ell) = B·(2 − 2^β)·ell^β nats
//
// by c_k = −½ ln(1 − α_k²) = −B·[(k+1)^β − 2k^β + (k−1)^β]. The entropy rate is
// ½ ln(2πe·Variance) − B.
func NewPowerGaussian(o PowerGaussianOptions) (*Gaussian, error) {
	if o.B == 0 {
		o.B = 0.5
	}
	if o.Variance == 0 {
		o.Variance = 1
	}
	if o.Signs.Rule == "" {
		o.Signs.Rule = PlusSigns
	}
	if !(o.Beta > 0 && o.Beta < 1) {
		return nil, fmt.Errorf("powergauss: exponent beta = %g is not between 0 and 1 (exclusive)", o.Beta)
	}
	if !(o.B > 0) || math.IsInf(o.B, 1) {
		return nil, fmt.Errorf("powergauss: b = %g is not a positive number of nats", o.B)
	}
	if !(o.Variance > 0) || math.IsInf(o.Variance, 1) {
		return nil, fmt.Errorf("powergauss: variance %g is not positive", o.Variance)
	}
	// α_1 is the largest; at c_1 beyond 18 nats it rounds to 1.
	if c := o.B * (2 - math.Exp2(o.Beta)); c > 16 {
		return nil, fmt.Errorf("powergauss: b = %g makes neighbours share %.3g nats, more than double precision can hold (choose b ≤ %.3g)",
			o.B, c, 16/(2-math.Exp2(o.Beta)))
	}
	sign, err := o.Signs.sequence()
	if err != nil {
		return nil, fmt.Errorf("powergauss: %w", err)
	}
	beta := o.Beta
	spec := "powergauss:beta=" + number(o.Beta) + ",b=" + number(o.B) + ",signs=" + o.Signs.String()
	if o.Variance != 1 {
		spec += ",variance=" + number(o.Variance)
	}
	return &Gaussian{
		desc: Description{
			Kind: "powergauss", Spec: spec, Title: "stationary Gaussian with an exact power law of bipartite information",
			Token: Number, Shift: Stationary, Beta: &beta, Lengths: "every length", MaxLength: maxQuadratic,
			Params: []Param{
				{"beta", number(o.Beta), "exponent of the law, between 0 and 1"},
				{"b", number(o.B), "prefactor B in nats: I(L/2;L) = B(2−2^β)(L/2)^β"},
				{"signs", o.Signs.String(), "signs of the partial autocorrelations: plus, alternating, random, random@SEED, or a list such as +-+"},
				{"variance", number(o.Variance), "variance of a token"},
			},
		},
		variance: o.Variance,
		entropy:  info.Nats(0.5*math.Log(2*math.Pi*math.E*o.Variance) - o.B),
		partial: func(n int) ([]float64, error) {
			alpha := make([]float64, n+1)
			s := sign(n)
			for k := 1; k <= n; k++ {
				// α = √(1 − e^(−2c))
				alpha[k] = s[k-1] * math.Sqrt(-math.Expm1(-2*o.B*secondDifference(k, beta)))
			}
			return alpha, nil
		},
	}, nil
}

// secondDifference is 2k^β − (k+1)^β − (k−1)^β for k ≥ 1, without cancellation:
// at large k by its series in 1/k.
func secondDifference(k int, beta float64) float64 {
	x := float64(k)
	if k < 100 {
		return 2*math.Pow(x, beta) - math.Pow(x+1, beta) - math.Pow(x-1, beta)
	}
	// −2·k^β·Σ_{i≥1} binom(β, 2i)·k^(−2i)
	term, sum := 1.0, 0.0
	for i := 1; i <= 6; i++ {
		j := float64(2 * i)
		term *= (beta - j + 2) * (beta - j + 1) / (j * (j - 1)) / (x * x)
		sum += term
	}
	return -2 * math.Pow(x, beta) * sum
}

// sequence returns a function that gives the first n signs.
func (s Signs) sequence() (func(n int) []float64, error) {
	switch s.Rule {
	case PlusSigns:
		return func(n int) []float64 { return signs(n, func(int) bool { return false }) }, nil
	case AlternatingSigns:
		return func(n int) []float64 { return signs(n, func(i int) bool { return i%2 == 1 }) }, nil
	case RandomSigns:
		return func(n int) []float64 {
			rng := rand.New(rand.NewPCG(s.Seed, 0x5167))
			return signs(n, func(int) bool { return rng.Uint64()>>63 == 1 })
		}, nil
	case ListedSigns:
		if len(s.List) == 0 {
			return nil, fmt.Errorf("the list of signs is empty")
		}
		list := append([]int8(nil), s.List...)
		for i, x := range list {
			if x != 1 && x != -1 {
				return nil, fmt.Errorf("sign %d of the list is %d, not 1 or -1", i+1, x)
			}
		}
		return func(n int) []float64 { return signs(n, func(i int) bool { return list[i%len(list)] < 0 }) }, nil
	}
	return nil, fmt.Errorf("unknown rule for signs %q (plus, alternating, random, or a list such as +-+)", s.Rule)
}

func signs(n int, negative func(i int) bool) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 1
		if negative(i) {
			out[i] = -1
		}
	}
	return out
}

// String is the rule as ParseSigns reads it.
func (s Signs) String() string {
	switch s.Rule {
	case "":
		return string(PlusSigns)
	case RandomSigns:
		return "random@" + strconv.FormatUint(s.Seed, 10)
	case ListedSigns:
		var b strings.Builder
		for _, x := range s.List {
			if x < 0 {
				b.WriteByte('-')
			} else {
				b.WriteByte('+')
			}
		}
		return b.String()
	}
	return string(s.Rule)
}

// ParseSigns reads "plus", "alternating", "random", "random@SEED" or a list of
// the characters + and -, which is repeated.
func ParseSigns(text string) (Signs, error) {
	switch {
	case text == "plus", text == "alternating", text == "random":
		return Signs{Rule: SignRule(text)}, nil
	case strings.HasPrefix(text, "random@"):
		seed, err := strconv.ParseUint(text[len("random@"):], 10, 64)
		if err != nil {
			return Signs{}, fmt.Errorf("%q: the seed is not a whole number", text)
		}
		return Signs{Rule: RandomSigns, Seed: seed}, nil
	case text != "" && strings.Trim(text, "+-") == "":
		list := make([]int8, len(text))
		for i, c := range []byte(text) {
			list[i] = 1
			if c == '-' {
				list[i] = -1
			}
		}
		return Signs{Rule: ListedSigns, List: list}, nil
	}
	return Signs{}, fmt.Errorf("%q is none of plus, alternating, random, random@SEED or a list such as +-+", text)
}

// number prints a float so that it can be read back exactly.
func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
