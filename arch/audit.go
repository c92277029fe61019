package arch

import (
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
)

// AuditOptions says what an audit should answer. Zero values mean defaults.
type AuditOptions struct {
	Lengths    []int64   // lengths in tokens at which to give the size; nil means 1,024, 4,096, 32,768 and 131,072
	DType      DType     // storage of everything not always kept in float32; zero means bfloat16
	Capacities []float64 // nats per element; nil means 1, 0.1 and 0.01
	Ask        []int64   // lengths in tokens for which to give the required size
	Level      float64   // of intervals; 0 means 0.95
	Evidence   *Evidence // evidence for the law; nil if unknown
}

func (o AuditOptions) withDefaults() AuditOptions {
	if o.Lengths == nil {
		o.Lengths = []int64{1024, 4096, 32768, 131072}
	}
	if o.DType == (DType{}) {
		o.DType = BFloat16()
	}
	if o.Capacities == nil {
		o.Capacities = []float64{1, 0.1, 0.01}
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	return o
}

// SizedState is a state with its size in bytes.
type SizedState struct {
	State
	Bytes int64 `json:"bytes"`
}

// Verdict is the answer of the L²M condition: a model can follow A·L^β at
// every length only if its history state grows at least like L^β.
type Verdict string

// The verdicts.
const (
	KeepsUp     Verdict = "keeps-up"     // the state grows at least like the law
	FallsBehind Verdict = "falls-behind" // beyond some length the state is too small
	Open        Verdict = "open"         // the interval of β contains the growth of the state
)

// Crossover is the length from which a state cannot hold the information that the past
// has about the future.
type Crossover struct {
	// Capacity is the number of nats per element. Hard marks the crossover at which
	// every bit of the state would be used; Capacity is then the mean over the state at
	// the first audited length.
	Capacity float64 `json:"capacity"`
	Hard     bool    `json:"hard,omitempty"`

	// At is in tokens; nil means that the state is never too small. 1 means that it is
	// too small from the first token.
	At *float64 `json:"at"`
	// From is the length from which a growing state is large enough, if it is too small
	// before.
	From *float64 `json:"from,omitempty"`

	Interval *CrossoverInterval `json:"interval,omitempty"` // nil if the law has no known uncertainty

	// Beyond marks a crossover outside the lengths at which the law was measured.
	Beyond bool `json:"beyond_measured,omitempty"`
	// Unknown means that At is not given, because the data reject the law and the
	// crossover would be beyond the measured lengths.
	Unknown bool `json:"unknown,omitempty"`
}

// CrossoverInterval is the interval of a crossover: the lengths at which the state
// meets the upper and the lower end of the law's interval.
type CrossoverInterval struct {
	Lo     *float64 `json:"lo"` // nil: never, even at the upper end of the law
	Hi     *float64 `json:"hi"` // nil: never, at the lower end of the law
	Level  float64  `json:"level"`
	Method string   `json:"method"`
}

// Audit is the result of an audit of one model.
type Audit struct {
	Name      string `json:"name"`
	Path      string `json:"path,omitempty"`
	Type      string `json:"model_type"`
	Family    string `json:"family"`
	Reference string `json:"reference"`
	MaxLength int64  `json:"max_length,omitempty"` // declared, tokens

	Growth     Growth         `json:"growth"`
	Verdict    Verdict        `json:"verdict"`
	Reason     string         `json:"reason"` // the verdict in a sentence
	States     []SizedState   `json:"states"`
	Crossovers []Crossover    `json:"crossovers"` // the hard one first
	Needs      []Need         `json:"needs,omitempty"`
	Layers     []Group        `json:"layers"`
	Warnings   []info.Warning `json:"warnings,omitempty"`
}

// Elements is the number of elements kept after L tokens, for any real L ≥ 1. Blocks of
// tokens count in proportion, without the block that is not full yet. State counts
// exactly.
func (a *Audit) Elements(L float64) float64 {
	m := Model{}
	for _, g := range a.Layers {
		for range g.Layers {
			m.Layers = append(m.Layers, Layer{g.Parts})
		}
	}
	return math.Exp(m.smooth(one).at(math.Log(L)))
}

// Audit compares the model with a law of the data. The law must be in tokens.
//
// The condition is I(L) ≤ capacity · elements(L): the history state bounds the mutual
// information between past and future that a model can represent (L²M, arXiv
// 2503.04725, theorem 1). The term ln M of the theorem, for the last token, which is
// passed on next to the state, is omitted: it is at most 13 nats.
func (m *Model) Audit(l law.PowerLaw, o AuditOptions) (*Audit, error) {
	o = o.withDefaults()
	if l.Unit != "token" {
		return nil, fmt.Errorf("auditing %s: the law counts in %ss, but a model's state is in tokens: convert the law first (LawPerToken)", m.Name, l.Unit)
	}
	if !(l.A > 0) || math.IsInf(l.A, 0) || math.IsNaN(l.Beta) || math.IsInf(l.Beta, 0) {
		return nil, fmt.Errorf("auditing %s: %g·L^%g is not a law", m.Name, l.A, l.Beta)
	}
	for _, c := range o.Capacities {
		if !(c > 0) || math.IsInf(c, 0) {
			return nil, fmt.Errorf("auditing %s: a capacity of %g nats per element is not positive", m.Name, c)
		}
	}
	if !(o.Level > 0 && o.Level < 1) {
		return nil, fmt.Errorf("auditing %s: interval level %g is not between 0 and 1", m.Name, o.Level)
	}
	a := &Audit{
		Name: m.Name, Type: m.Type, Family: m.Family, Reference: m.Reference, MaxLength: m.MaxLength,
		Growth: m.Growth(), Layers: m.Groups(), Warnings: m.Warnings,
	}
	for _, L := range o.Lengths {
		s, err := m.State(L)
		if err != nil {
			return nil, err
		}
		bytes, err := s.Bytes(o.DType)
		if err != nil {
			return nil, fmt.Errorf("auditing %s at L = %d: %w", m.Name, L, err)
		}
		a.States = append(a.States, SizedState{s, bytes})
	}
	a.Verdict, a.Reason = o.Evidence.verdict(a.Growth, l, o.Level)
	hard := o.Evidence.mark(m.crossover(l, o.Level, o.DType.nats))
	hard.Hard, hard.Capacity = true, m.meanCapacity(o.DType, o.Lengths)
	a.Crossovers = append(a.Crossovers, hard)
	for _, c := range o.Capacities {
		x := o.Evidence.mark(m.crossover(l, o.Level, func(Part) float64 { return c }))
		x.Capacity = c
		a.Crossovers = append(a.Crossovers, x)
	}
	for _, L := range o.Ask {
		if err := o.Evidence.Answers(float64(L)); err != nil {
			return nil, fmt.Errorf("auditing %s: %w", m.Name, err)
		}
		n, err := m.need(l, L, o)
		if err != nil {
			return nil, err
		}
		n.Beyond = o.Evidence.Beyond(float64(L))
		a.Needs = append(a.Needs, n)
	}
	return a, nil
}

// nats is the number of nats that the bits of one element can hold.
func (d DType) nats(p Part) float64 {
	if p.Float32 {
		return 32 * math.Ln2
	}
	return d.Bits() * math.Ln2
}

// meanCapacity is the mean of nats over the state at the first length.
func (m *Model) meanCapacity(d DType, lengths []int64) float64 {
	x := 0.0
	if len(lengths) > 0 && lengths[0] > 0 {
		x = math.Log(float64(lengths[0]))
	}
	nats := m.smooth(d.nats).at(x)
	if math.IsInf(nats, -1) {
		return d.Bits() * math.Ln2
	}
	return math.Exp(nats - m.smooth(func(Part) float64 { return 1 }).at(x))
}

// LawPerToken converts a law in bytes to one in tokens of bytesPerToken bytes:
// I = A·(b·L)^β = (A·b^β)·L^β. The covariance follows, with bytesPerToken taken
// as exact.
func LawPerToken(l law.PowerLaw, bytesPerToken float64) (law.PowerLaw, error) {
	if l.Unit != "byte" {
		return l, fmt.Errorf("the law already counts in %ss", l.Unit)
	}
	if !(bytesPerToken >= 1) || bytesPerToken > 1000 {
		return l, fmt.Errorf("%g bytes per token is not between 1 and 1,000", bytesPerToken)
	}
	b, c := math.Log(bytesPerToken), l.CovLogABeta
	cross := c[0][1] + b*c[1][1]
	l.CovLogABeta = [2][2]float64{{c[0][0] + b*(c[0][1]+c[1][0]) + b*b*c[1][1], cross}, {cross, c[1][1]}}
	l.A *= math.Pow(bytesPerToken, l.Beta)
	l.Unit = "token"
	l.Source += fmt.Sprintf(", at %g bytes per token", bytesPerToken)
	return l, nil
}
