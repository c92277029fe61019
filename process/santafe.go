package process

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// SantaFe is Dębowski's Santa Fe process [debowski]: token i is (K_i, Z_{K_i}),
// K_i independent with P(K = k) = k^(−1/β)/ζ(1/β), and Z_1, Z_2, … fair bits
// ("facts") drawn once for each sequence. A fact is news the first time it is
// told and known ever after, so that exactly
//
//	I(m past; n next) = ln 2 · Σ_k (1 − (1−p_k)^m)(1 − (1−p_k)^n)
//
// which tends to ln 2·(2 − 2^β)·Γ(1−β)·ζ(1/β)^(−β)·n^β for m = n.
//
// The token of fact k with bit z is 2(k−1) + z. Facts beyond MaxFacts share one
// pair of tokens and carry a fresh bit each time: they would hardly ever be
// told twice (the information lost is below ln 2·m·n·Σ_{k>MaxFacts} p_k²).
type SantaFe struct {
	desc Description
	s    float64 // 1/β
	zeta float64 // ζ(s)
	max  uint64  // MaxFacts
	tail float64 // P(K > max)
}

// SantaFeOptions are the parameters of NewSantaFe.
type SantaFeOptions struct {
	Beta     float64 // exponent, 0 < Beta < 1
	MaxFacts int     // facts that have tokens of their own; 0 means 2^30
}

// defaultFacts fits twice into the range of token.ID.
const defaultFacts = 1 << 30

// NewSantaFe makes a Santa Fe process.
func NewSantaFe(o SantaFeOptions) (*SantaFe, error) {
	if o.MaxFacts == 0 {
		o.MaxFacts = defaultFacts
	}
	if !(o.Beta >= 0.05 && o.Beta <= 0.95) {
		return nil, fmt.Errorf("santafe: exponent beta = %g is not between 0.05 and 0.95", o.Beta)
	}
	if o.MaxFacts < 1 || o.MaxFacts > defaultFacts {
		return nil, fmt.Errorf("santafe: %d facts are not between 1 and %d", o.MaxFacts, defaultFacts)
	}
	s := 1 / o.Beta
	p := &SantaFe{s: s, zeta: mathext.Zeta(s, 1), max: uint64(o.MaxFacts)}
	p.tail = mathext.Zeta(s, float64(p.max)+1) / p.zeta
	beta := o.Beta
	spec := "santafe:beta=" + number(o.Beta)
	if o.MaxFacts != defaultFacts {
		spec += ",facts=" + number(float64(o.MaxFacts))
		beta = 0 // all of finitely many facts are told in the end
	}
	p.desc = Description{
		Kind: "santafe", Spec: spec, Title: "Santa Fe process: random facts told again and again",
		Token: Symbol, Shift: Stationary, Beta: &beta, Lengths: "in the limit; see truth for the exact curve", MaxLength: maxLinear,
		Alphabet: 2*o.MaxFacts + 2,
		Params: []Param{
			{"beta", number(o.Beta), "exponent of the law, between 0.05 and 0.95"},
			{"facts", number(float64(o.MaxFacts)), "facts that have tokens of their own"},
		},
	}
	return p, nil
}

// Describe implements Truth.
func (p *SantaFe) Describe() Description { return p.desc }

func (p *SantaFe) prob(k float64) float64 { return math.Pow(k, -p.s) / p.zeta }

// BipartiteMI implements Truth: the sum over facts, its first million terms one
// by one (up to where they are smooth) and the rest by Euler–Maclaurin.
func (p *SantaFe) BipartiteMI(ell, L int) (info.Nats, error) {
	if err := checkSplit(ell, L); err != nil {
		return 0, err
	}
	m, n := float64(ell), float64(L-ell)
	term := func(k float64) float64 {
		l := math.Log1p(-p.prob(k))
		return math.Expm1(m*l) * math.Expm1(n*l)
	}
	top := float64(p.max)
	direct := min(top, 4096)
	sum := 0.0
	for k := direct; k >= 1; k-- {
		if p.prob(k) == 1 {
			sum++
			continue
		}
		sum += term(k)
	}
	if top > direct {
		sum += smoothSum(term, direct+1, top)
	}
	return info.Nats(math.Ln2 * sum), nil
}

// smoothSum is Σ_{k=a}^{b} f(k) of a function that is smooth in ln k for large
// a: the integral, half the end terms and the first correction.
func smoothSum(f func(float64) float64, a, b float64) float64 {
	// Simpson in x = ln k, 64 panels for each factor e.
	la, lb := math.Log(a), math.Log(b)
	panels := 2 * int(math.Ceil(32*(lb-la))+8)
	h := (lb - la) / float64(panels)
	s := 0.0
	for i := range panels + 1 {
		w := 2.0 + 2*float64(i%2)
		if i == 0 || i == panels {
			w = 1
		}
		k := math.Exp(la + float64(i)*h)
		s += w * k * f(k)
	}
	integral := s * h / 3
	slope := func(k float64) float64 {
		d := 1e-3 * k
		return (f(k+d) - f(k-d)) / (2 * d)
	}
	return integral + (f(a)+f(b))/2 + (slope(b)-slope(a))/12
}

// Asymptote is ln 2·(2 − 2^β)·Γ(1−β)·ζ(1/β)^(−β)·n^β, the limit of I(n; 2n).
func (p *SantaFe) Asymptote(n float64) info.Nats {
	beta := 1 / p.s
	return info.Nats(math.Ln2 * (2 - math.Exp2(beta)) * math.Gamma(1-beta) * math.Pow(p.zeta, -beta) * math.Pow(n, beta))
}

// TwoPointMI implements Truth: ln 2·Σ p_k², the same at every distance.
func (p *SantaFe) TwoPointMI(d int) (info.Nats, bool) {
	if d < 1 {
		return 0, false
	}
	mi, err := p.BipartiteMI(1, 2)
	return mi, err == nil
}

// EntropyRate implements Truth: the entropy of K, as almost every fact is known
// in the end (and ln 2 for those that have no token of their own).
func (p *SantaFe) EntropyRate() info.Nats {
	term := func(k float64) float64 {
		q := p.prob(k)
		return -q * math.Log(q)
	}
	top := float64(p.max)
	direct := min(top, 4096)
	h := 0.0
	for k := direct; k >= 1; k-- {
		h += term(k)
	}
	if top > direct {
		h += smoothSum(term, direct+1, top)
	}
	if p.tail > 0 {
		h += p.tail * (math.Ln2 - math.Log(p.tail))
	}
	return info.Nats(h)
}

// Sample implements Process.
func (p *SantaFe) Sample(rng *rand.Rand, length int) []token.ID {
	zipf := rand.NewZipf(rng, p.s, 1, p.max-1)
	facts := map[uint64]token.ID{}
	out := make([]token.ID, length)
	for i := range out {
		if rng.Float64() < p.tail {
			out[i] = token.ID(2*p.max + rng.Uint64()>>63)
			continue
		}
		k := zipf.Uint64()
		z, told := facts[k]
		if !told {
			z = token.ID(rng.Uint64() >> 63)
			facts[k] = z
		}
		out[i] = token.ID(2*k) + z
	}
	return out
}

// Model implements Process. A token that contradicts a fact told before has the
// log-probability −Inf.
func (p *SantaFe) Model() lm.Model[token.ID] {
	return &forward[token.ID]{info: modelInfo(p.desc), start: func() filter[token.ID] {
		return &santaFeFilter{p: p, facts: map[token.ID]token.ID{}}
	}}
}

// santaFeFilter knows the facts told so far; a fork looks up those of its
// parent, which does not move while the fork is in use.
type santaFeFilter struct {
	p      *SantaFe
	facts  map[token.ID]token.ID // fact → bit
	parent *santaFeFilter
}

func (f *santaFeFilter) fork() filter[token.ID] {
	return &santaFeFilter{p: f.p, facts: map[token.ID]token.ID{}, parent: f}
}

func (f *santaFeFilter) step(tok token.ID) (float64, error) {
	k, z := uint64(tok/2), tok%2
	if k > f.p.max {
		return 0, fmt.Errorf("symbol %d is outside the alphabet of %d", tok, 2*f.p.max+2)
	}
	if k == f.p.max {
		return math.Log(f.p.tail) - math.Ln2, nil
	}
	lp := -f.p.s*math.Log(float64(k+1)) - math.Log(f.p.zeta)
	for g := f; g != nil; g = g.parent {
		if known, told := g.facts[tok/2]; told {
			if known != z {
				return math.Inf(-1), nil
			}
			return lp, nil
		}
	}
	f.facts[tok/2] = z
	return lp - math.Ln2, nil
}
