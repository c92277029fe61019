package process

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/mathext"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Renewal is a stationary renewal process over two symbols: symbol 1 marks an
// event, and the gaps from one event to the next are independent with
//
//	P(gap > k) = S(k) = (1 + k/scale)^−γ,  γ > 1
//
// a heavy tail of finite mean. Memory reaches back arbitrarily far, and yet the
// information is bounded: past and future meet only in the age A of the last
// event and the wait R for the next ★. Written with a letter and a blank, words
// and structure coincide.
type Renewal struct {
	desc        Description
	tail, scale float64 // γ and the scale
	mean        float64 // of a gap

	mu     sync.Mutex
	events []float64 // P(event at d | event at 0); only ever replaced
}

// NewRenewal makes a renewal process of tail exponent γ (1.01 to 20) and scale
// (0.01 to 10⁶ tokens).
func NewRenewal(tail, scale float64) (*Renewal, error) {
	if !(tail >= 1.01 && tail <= 20) {
		return nil, fmt.Errorf("renewal: tail = %g is not between 1.01 and 20 (gaps need a finite mean)", tail)
	}
	if !(scale >= 0.01 && scale <= 1e6) {
		return nil, fmt.Errorf("renewal: scale = %g is not between 0.01 and 1e6", scale)
	}
	p := &Renewal{tail: tail, scale: scale, desc: Description{
		Kind: "renewal", Title: "renewal process: events after independent gaps with a heavy tail",
		Spec:  "renewal:tail=" + number(tail) + ",scale=" + number(scale),
		Token: Symbol, Alphabet: 2, Shift: Stationary, Beta: new(float64), MaxLength: maxLinear,
		Params: []Param{
			{"tail", number(tail), "exponent γ of P(gap > k) = (1 + k/scale)^−γ"},
			{"scale", number(scale), "length from which on the tail is a power law, tokens"},
		},
	}}
	p.mean = p.beyond(0)
	return p, nil
}

// Describe implements Truth.
func (p *Renewal) Describe() Description { return p.desc }

// survival is S(k) = P(gap > k).
func (p *Renewal) survival(k float64) float64 { return math.Exp(-p.tail * math.Log1p(k/p.scale)) }

// ends is P(gap = k | gap > k−1), k ≥ 1.
func (p *Renewal) ends(k float64) float64 {
	return -math.Expm1(-p.tail * math.Log1p(1/(p.scale+k-1)))
}

// gap is P(gap = k), k ≥ 1.
func (p *Renewal) gap(k float64) float64 { return p.survival(k-1) * p.ends(k) }

// beyond is Σ_{k≥n} S(k), a Hurwitz zeta function.
func (p *Renewal) beyond(n float64) float64 {
	return math.Pow(p.scale, p.tail) * mathext.Zeta(p.tail, p.scale+n)
}

// BipartiteMI implements Truth: that of the age of the last event and the wait
// for the next, both as far as they show in the window, O(L) time. With a + r
// the gap around the cut, P(A = a, R = r) = P(gap = a + r)/mean.
func (p *Renewal) BipartiteMI(ell, L int) (info.Nats, error) {
	if err := checkSplit(ell, L); err != nil {
		return 0, err
	}
	if L > maxTable {
		return 0, notExact("the information of a renewal process is summed for at most %d tokens, not %d", maxTable, L)
	}
	m, n := ell, L-ell
	term := func(x float64) float64 { // −P ln P of P = x/mean
		x /= p.mean
		return -x * math.Log(x)
	}
	side := func(n int) float64 { // entropy of min(A, n), and of min(R, n+1)
		h := term(p.beyond(float64(n)))
		for k := n - 1; k >= 0; k-- {
			h += term(p.survival(float64(k)))
		}
		return h
	}
	joint := term(p.beyond(float64(L)))
	for k := L - 1; k >= 1; k-- {
		joint += float64(min(k, m, n, L-k)) * term(p.gap(float64(k)))
		s := term(p.survival(float64(k)))
		if k >= m {
			joint += s
		}
		if k >= n {
			joint += s
		}
	}
	return info.Nats(math.Max(0, side(m)+side(n)-joint)), nil
}

// maxRenewalDistance bounds the distances of two-point information, O(d²) time.
const maxRenewalDistance = 1 << 14

// TwoPointMI implements Truth: P(event at d | event at 0) follows from the gaps
// by the renewal equation u(d) = Σ_k P(gap = k)·u(d−k).
func (p *Renewal) TwoPointMI(d int) (info.Nats, bool) {
	if d < 1 || d > maxRenewalDistance {
		return 0, false
	}
	u := p.renewals(d)[d]
	one := 1 / p.mean
	both := one * u
	mi := 0.0
	for _, c := range [][3]float64{{both, one, one}, {one - both, one, 1 - one}, {one - both, 1 - one, one}, {1 - 2*one + both, 1 - one, 1 - one}} {
		if c[0] > 0 {
			mi += c[0] * math.Log(c[0]/(c[1]*c[2]))
		}
	}
	return info.Nats(math.Max(0, mi)), true
}

func (p *Renewal) renewals(d int) []float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.events) > d {
		return p.events
	}
	size := 64
	for size <= d {
		size *= 2
	}
	gaps := make([]float64, size)
	for k := 1; k < size; k++ {
		gaps[k] = p.gap(float64(k))
	}
	u := make([]float64, size)
	u[0] = 1
	for t := 1; t < size; t++ {
		for k := 1; k <= t; k++ {
			u[t] += gaps[k] * u[t-k]
		}
	}
	p.events = u
	return u
}

// EntropyRate implements Truth: the entropy of a gap over its mean.
func (p *Renewal) EntropyRate() info.Nats {
	term := func(k float64) float64 {
		lp := -p.tail*math.Log1p((k-1)/p.scale) + math.Log(p.ends(k))
		return -lp * math.Exp(lp)
	}
	const direct, top = 4096, 1e15 // what is left beyond is below 10⁻¹² nats
	h := smoothSum(term, direct+1, top)
	for k := float64(direct); k >= 1; k-- {
		if x := term(k); !math.IsNaN(x) {
			h += x
		}
	}
	return info.Nats(h / p.mean)
}

// Sample implements Process: token by token up to the first event, gap by gap
// afterwards.
func (p *Renewal) Sample(rng *rand.Rand, length int) []token.ID {
	out := make([]token.ID, length)
	t := 0
	for ; t < length; t++ {
		if rng.Float64() < p.first(float64(t)) {
			break
		}
	}
	for t < length {
		out[t] = 1
		// P(gap > k) > u for every k below scale·(u^(−1/γ) − 1).
		u := 1 - rng.Float64()
		gap := math.Ceil(p.scale * math.Expm1(-math.Log(u)/p.tail))
		t += int(min(max(gap, 1), float64(length)))
	}
	return out
}

// first is the probability of an event after n tokens without any.
func (p *Renewal) first(n float64) float64 { return p.survival(n) / p.beyond(n) }

// Model implements Process: the probability of an event depends on the number
// of tokens since the last one, or since the beginning.
func (p *Renewal) Model() lm.Model[token.ID] {
	return &forward[token.ID]{info: modelInfo(p.desc), start: func() filter[token.ID] { return &renewalFilter{p: p} }}
}

type renewalFilter struct {
	p    *Renewal
	seen bool    // an event
	age  float64 // tokens after the last event, or from the beginning
}

func (f *renewalFilter) fork() filter[token.ID] { g := *f; return &g }

func (f *renewalFilter) step(tok token.ID) (float64, error) {
	if tok > 1 {
		return 0, fmt.Errorf("symbol %d is outside the alphabet of 2", tok)
	}
	q := f.p.ends(f.age + 1)
	if !f.seen {
		q = f.p.first(f.age)
	}
	if tok == 1 {
		f.seen, f.age = true, 0
		return math.Log(q), nil
	}
	f.age++
	return math.Log1p(-q), nil
}
