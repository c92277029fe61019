package process

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
)

// Gaussian is a stationary Gaussian process with mean 0, held by its partial
// autocorrelations. With c_k = −½ ln(1 − α_k²),
//
//	I(m past; n next) = Σ_{k=1}^{m+n−1} c_k · min(k, m, n, m+n−k)   ★
//
// whatever the signs of the α_k (docs/processes.md). It is safe for concurrent
// use.
type Gaussian struct {
	desc     Description
	variance float64 // of a token
	entropy  info.Nats
	derived  bool // partial takes O(n²) time
	// partial returns α_0 = 0, α_1 … α_n. It is called under mu with growing n
	// and must always return the same numbers.
	partial func(n int) ([]float64, error)
	// covariance, where there is a closed form, is the autocovariance at lag d.
	covariance func(d int) float64

	mu    sync.Mutex
	table atomic.Pointer[lattice]
	rho   atomic.Pointer[[]float64]
}

// maxTable bounds the lengths whose information is added up lag by lag.
const maxTable = 1 << 24

// maxAutocorrelationLag bounds the lags at which an autocorrelation is computed
// from partial autocorrelations, O(d²) time.
const maxAutocorrelationLag = 1 << 16

// lattice returns the table for sequences of n tokens.
func (g *Gaussian) lattice(n int) (*lattice, error) {
	if t := g.table.Load(); t != nil && len(t.alpha) >= n {
		return t, nil
	}
	longest := maxTable
	if g.derived {
		longest = maxDerived
	}
	if n > longest {
		return nil, notExact("%s is known for at most %d tokens, not %d", g.desc.Spec, longest, n)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.table.Load(); t != nil && len(t.alpha) >= n {
		return t, nil
	}
	size := 256
	for size < n {
		size *= 2
	}
	alpha, err := g.partial(size - 1)
	if err != nil {
		return nil, err
	}
	t := newLattice(g.variance, alpha)
	g.table.Store(t)
	return t, nil
}

// known returns the table for n ≤ MaxLength, which the constructor has proved
// to exist.
func (g *Gaussian) known(n int) *lattice {
	t, err := g.lattice(n)
	if err != nil {
		panic("process: " + err.Error())
	}
	return t
}

// Describe implements Truth.
func (g *Gaussian) Describe() Description { return g.desc }

// EntropyRate implements Truth: ½ ln(2πe·v), v the variance of a token given
// all the past.
func (g *Gaussian) EntropyRate() info.Nats { return g.entropy }

// Variance is the variance of a token.
func (g *Gaussian) Variance() float64 { return g.variance }

// PartialAutocorrelations returns α_1 … α_n.
func (g *Gaussian) PartialAutocorrelations(n int) []float64 {
	return append([]float64(nil), g.known(n + 1).alpha[1:n+1]...)
}

// BipartiteMI implements Truth, O(L) time.
func (g *Gaussian) BipartiteMI(ell, L int) (info.Nats, error) {
	if err := checkSplit(ell, L); err != nil {
		return 0, err
	}
	t, err := g.lattice(L)
	if err != nil {
		return 0, err
	}
	n := L - ell
	total := 0.0
	for k := 1; k < L; k++ {
		total += -0.5 * math.Log1p(-t.alpha[k]*t.alpha[k]) * float64(min(k, ell, n, L-k))
	}
	return info.Nats(total), nil
}

// Autocorrelations returns ρ_0 … ρ_n. n is at most 65,536 for processes that
// are given by partial autocorrelations.
func (g *Gaussian) Autocorrelations(n int) ([]float64, error) {
	if g.covariance != nil {
		rho := make([]float64, n+1)
		for d := range rho {
			rho[d] = g.covariance(d) / g.variance
		}
		return rho, nil
	}
	if n > maxAutocorrelationLag {
		return nil, notExact("the autocorrelation at lag %d takes O(lag²) time; the largest lag is %d", n, maxAutocorrelationLag)
	}
	if g.derived && n >= maxDerived {
		return nil, notExact("autocorrelations of %s are known at lags below %d", g.desc.Spec, maxDerived)
	}
	if r := g.rho.Load(); r != nil && len(*r) > n {
		return append([]float64(nil), (*r)[:n+1]...), nil
	}
	size := 64
	for size < n {
		size *= 2
	}
	if g.derived {
		size = min(size, maxDerived-1)
	}
	rho := g.known(size + 1).autocorrelations(size)
	g.rho.Store(&rho)
	return append([]float64(nil), rho[:n+1]...), nil
}

// TwoPointMI implements Truth: −½ ln(1 − ρ_d²).
func (g *Gaussian) TwoPointMI(d int) (info.Nats, bool) {
	if d < 1 {
		return 0, false
	}
	rho, err := g.Autocorrelations(d)
	if err != nil {
		return 0, false
	}
	return info.Nats(-0.5 * math.Log1p(-rho[d]*rho[d])), true
}

// Covariance returns the covariance of n consecutive tokens, row by row.
func (g *Gaussian) Covariance(n int) ([][]float64, error) {
	rho, err := g.Autocorrelations(n - 1)
	if err != nil {
		return nil, err
	}
	c := make([][]float64, n)
	for i := range c {
		c[i] = make([]float64, n)
		for j := range c[i] {
			c[i][j] = g.variance * rho[max(i-j, j-i)]
		}
	}
	return c, nil
}

// Sample implements Process, O(length²) time and O(length) memory.
func (g *Gaussian) Sample(rng *rand.Rand, length int) []float64 {
	return g.sampleBatch([]*rand.Rand{rng}, length)[0]
}

func (g *Gaussian) sampleBatch(rngs []*rand.Rand, length int) [][]float64 {
	if length < 1 {
		return make([][]float64, len(rngs))
	}
	return g.known(length).sample(rngs, length)
}

// batchSize shares the rows of Durbin–Levinson among so many sequences that
// their cost vanishes, within some 16 MB.
func (g *Gaussian) batchSize(length int) int { return min(64, max(8, (2<<20)/length)) }

// Model implements Process.
func (g *Gaussian) Model() lm.Model[float64] {
	return &gaussianModel{info: modelInfo(g.desc), g: g, emit: func(_ int, e, v, _ float64) float64 { return gaussianLogDensity(e, v) }}
}

// gaussianModel scores by the lattice filter.
type gaussianModel struct {
	info    lm.Info
	g       *Gaussian
	order   int            // partial autocorrelations beyond are taken to be 0; 0 means all are used
	limited *limitedMemory // nil: the whole past is known
	// emit is ln q of a token of value x that has n tokens before it, error of
	// prediction e, and variance v of that error.
	emit func(n int, e, v, x float64) float64
}

// Info implements lm.Model.
func (m *gaussianModel) Info() lm.Info { return m.info }

// LogProbs implements lm.Model.
func (m *gaussianModel) LogProbs(ctx context.Context, r lm.Request[float64]) (lm.Scores, error) {
	order, err := branchOrder(r)
	if err != nil {
		return lm.Scores{}, err
	}
	longest := len(r.Tokens)
	if err := finite(r.Tokens); err != nil {
		return lm.Scores{}, fmt.Errorf("sequence: %w", err)
	}
	var at []int
	for _, b := range order {
		longest = max(longest, r.Branches[b].At+len(r.Branches[b].Tokens))
		if len(at) == 0 || at[len(at)-1] != r.Branches[b].At {
			at = append(at, r.Branches[b].At)
		}
		if err := finite(r.Branches[b].Tokens); err != nil {
			return lm.Scores{}, fmt.Errorf("branch %d: %w", b, err)
		}
	}
	if m.info.Context > 0 && longest > m.info.Context {
		return lm.Scores{}, fmt.Errorf("a sequence of %d tokens is longer than this model's context of %d", longest, m.info.Context)
	}
	t, err := m.g.lattice(longest)
	if err != nil {
		return lm.Scores{}, err
	}
	if m.order > 0 && len(t.alpha) > m.order+1 {
		cut := make([]float64, len(t.alpha))
		copy(cut, t.alpha[:m.order+1])
		t = newLattice(m.g.variance, cut)
	}
	s := lm.Scores{Branches: make([][]float32, len(r.Branches))}
	e, states := t.innovations(r.Tokens, at)
	s.Tokens = m.logDensities(t, nil, e, r.Tokens)
	for _, b := range order {
		for at[0] < r.Branches[b].At {
			at, states = at[1:], states[1:]
		}
		tokens := r.Branches[b].Tokens
		s.Branches[b] = m.logDensities(t, e[:at[0]], t.continued(states[0], tokens), tokens)
		if err := ctx.Err(); err != nil {
			return lm.Scores{}, err
		}
	}
	return s, ctx.Err()
}

// logDensities scores tokens of innovations e that follow a past of innovations
// past.
func (m *gaussianModel) logDensities(t *lattice, past, e, tokens []float64) []float32 {
	out := make([]float32, len(e))
	v := t.v[len(past):]
	if m.limited != nil {
		z := make([]float64, 0, len(past)+len(e))
		for _, part := range [][]float64{past, e} {
			for _, x := range part {
				z = append(z, x/math.Sqrt(t.v[len(z)]))
			}
		}
		e, v = m.limited.errors(z, tokens)
	}
	for i := range e {
		out[i] = float32(m.emit(len(past)+i, e[i], v[i], tokens[i]))
	}
	return out
}

// finite refuses tokens that no Gaussian process emits.
func finite(tokens []float64) error {
	for i, x := range tokens {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("token %d is %v, not a finite number", i, x)
		}
	}
	return nil
}
