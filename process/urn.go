package process

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/mathext"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Urn is a Dirichlet urn: the frequencies of k symbols are drawn once per
// sequence from a symmetric Dirichlet distribution, the tokens are independent
// given them. Seen from outside it is Pólya's urn, the most regular
// exchangeable process. All the past tells is the frequencies, so that ★
//
//	I(n past; n next) → (k−1)/2 · ln n + constant
//
// and a predictor that learns them within the window is the right one.
type Urn struct {
	desc          Description
	k             int
	concentration float64 // Dirichlet parameter of each symbol
}

// maxUrn bounds the lengths whose information is computed, in O(L) time.
const maxUrn = 1 << 22

// NewUrn makes a Dirichlet urn of k symbols (1 to 1,024), each of the given
// Dirichlet parameter (0.001 to 10⁶): 1 makes all frequencies alike likely,
// small values favour few symbols, large ones equal frequencies.
func NewUrn(symbols int, concentration float64) (*Urn, error) {
	if symbols < 1 || symbols > maxStates {
		return nil, fmt.Errorf("urn: %d symbols are not between 1 and %d", symbols, maxStates)
	}
	if !(concentration >= 1e-3 && concentration <= 1e6) {
		return nil, fmt.Errorf("urn: concentration = %g is not between 0.001 and 1e6", concentration)
	}
	return &Urn{k: symbols, concentration: concentration, desc: Description{
		Kind: "urn", Title: "Dirichlet urn: symbols of unknown frequencies",
		Spec:  "urn:symbols=" + strconv.Itoa(symbols) + ",concentration=" + number(concentration),
		Token: Symbol, Alphabet: symbols, Shift: Stationary, Beta: new(float64), MaxLength: maxLinear,
		Params: []Param{
			{"symbols", strconv.Itoa(symbols), "symbols k"},
			{"concentration", number(concentration), "Dirichlet parameter of each symbol"},
		},
	}}, nil
}

// Describe implements Truth.
func (u *Urn) Describe() Description { return u.desc }

// learned is the information of n tokens about the frequencies θ,
//
//	I(θ; w) = k·E[q(N; α) + ln Γ(α)] − q(n; kα) − ln Γ(kα),  q(x; a) = x·ψ(x+a) − ln Γ(x+a) − x
//
// with N the count of one symbol, which is beta-binomial ★: E ln p(w|θ) from
// the posterior means of ln θ_i, E ln p(w) from p(w) = Γ(kα)/Γ(n+kα)·Π
// Γ(n_i+α)/Γ(α). q is small, so that little cancels. Given θ tokens are
// independent, so that block entropies are H(n) = n·h + I(θ; w).
func (u *Urn) learned(n int) float64 {
	if u.k == 1 {
		return 0
	}
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	q := func(x, a float64) float64 { return x*mathext.Digamma(x+a) - lg(x+a) - x }
	a, rest, N := u.concentration, float64(u.k-1)*u.concentration, float64(n)
	// ln P(N = 0), and from one count to the next.
	lp := lg(N+rest) - lg(rest) - lg(N+a+rest) + lg(a+rest)
	mean, total := 0.0, 0.0
	for j := 0.0; j <= N; j++ {
		p := math.Exp(lp)
		mean += p * q(j, a)
		total += p
		lp += math.Log((N - j) / (j + 1) * (j + a) / (N - j - 1 + rest))
	}
	return float64(u.k)*(mean/total+lg(a)) - q(N, a+rest) - lg(a+rest)
}

// BipartiteMI implements Truth: from what either side and both tell about
// the frequencies, O(L) time.
func (u *Urn) BipartiteMI(ell, L int) (info.Nats, error) {
	if err := checkSplit(ell, L); err != nil {
		return 0, err
	}
	if L > maxUrn {
		return 0, notExact("the information of an urn is summed for at most %d tokens, not %d", maxUrn, L)
	}
	return info.Nats(math.Max(0, u.learned(ell)+u.learned(L-ell)-u.learned(L))), nil
}

// TwoPointMI implements Truth: the same at every distance, as tokens can be
// exchanged.
func (u *Urn) TwoPointMI(d int) (info.Nats, bool) {
	if d < 1 {
		return 0, false
	}
	mi, err := u.BipartiteMI(1, 2)
	return mi, err == nil
}

// EntropyRate implements Truth: the mean entropy of the frequencies,
// ψ(kα+1) − ψ(α+1).
func (u *Urn) EntropyRate() info.Nats {
	return info.Nats(mathext.Digamma(float64(u.k)*u.concentration+1) - mathext.Digamma(u.concentration+1))
}

// Sample implements Process: a token repeats one of the t before it with
// probability t/(t+kα), and is any symbol otherwise.
func (u *Urn) Sample(rng *rand.Rand, length int) []token.ID {
	out := make([]token.ID, length)
	total := float64(u.k) * u.concentration
	for t := range out {
		if rng.Float64()*(float64(t)+total) < float64(t) {
			out[t] = out[rng.IntN(t)]
		} else {
			out[t] = token.ID(rng.IntN(u.k))
		}
	}
	return out
}

// Model implements Process: (n_i + α)/(t + kα) after t tokens, n_i of symbol i.
func (u *Urn) Model() lm.Model[token.ID] {
	return &forward[token.ID]{info: modelInfo(u.desc), start: func() filter[token.ID] {
		return &urnFilter{u: u, counts: make([]float64, u.k)}
	}}
}

type urnFilter struct {
	u      *Urn
	counts []float64
	t      float64
}

func (f *urnFilter) fork() filter[token.ID] { return &urnFilter{f.u, slices.Clone(f.counts), f.t} }

func (f *urnFilter) step(tok token.ID) (float64, error) {
	if int64(tok) >= int64(f.u.k) {
		return 0, fmt.Errorf("symbol %d is outside the alphabet of %d", tok, f.u.k)
	}
	a := f.u.concentration
	lp := math.Log((f.counts[tok] + a) / (f.t + float64(f.u.k)*a))
	f.counts[tok]++
	f.t++
	return lp, nil
}
