package process

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/jsonfile"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// HiddenMarkov is a stationary hidden Markov chain over symbols: a hidden state
// moves by Transition and emits a symbol by Emission. Its information is
// bounded: a power law must be rejected on it. Markov chains (every state
// emits its own symbol) and independent symbols (one state) are special cases.
type HiddenMarkov struct {
	desc       Description
	transition [][]float64 // [from][to]
	emission   [][]float64 // [state][symbol]
	stationary []float64
	visible    bool // state = symbol
	blocks     *blockEntropies
}

// HiddenMarkovOptions describe a hidden Markov chain; it is also the JSON form
// of its description file.
type HiddenMarkovOptions struct {
	Transition [][]float64 `json:"transition"`         // rows sum to 1
	Emission   [][]float64 `json:"emission,omitempty"` // rows sum to 1; absent: every state emits its own symbol
}

// NewHiddenMarkov makes a hidden Markov chain that starts from its stationary
// distribution, which must be unique. At most 1,024 states and symbols.
func NewHiddenMarkov(o HiddenMarkovOptions) (*HiddenMarkov, error) {
	h := &HiddenMarkov{visible: len(o.Emission) == 0}
	n := len(o.Transition)
	var err error
	if h.transition, err = stochastic("transition", o.Transition, n); err != nil {
		return nil, fmt.Errorf("hmm: %w", err)
	}
	if h.visible {
		h.emission = make([][]float64, n)
		for i := range h.emission {
			h.emission[i] = make([]float64, n)
			h.emission[i][i] = 1
		}
	} else {
		if len(o.Emission) != n {
			return nil, fmt.Errorf("hmm: %d states have transitions and %d emissions", n, len(o.Emission))
		}
		if h.emission, err = stochastic("emission", o.Emission, len(o.Emission[0])); err != nil {
			return nil, fmt.Errorf("hmm: %w", err)
		}
	}
	if h.stationary, err = stationaryOf(h.transition); err != nil {
		return nil, fmt.Errorf("hmm: %w", err)
	}
	kind, title := "hmm", "hidden Markov chain"
	if h.visible {
		kind, title = "markov", "Markov chain"
	}
	spec := kind + ":transition=" + matrixText(h.transition)
	params := []Param{{"transition", matrixText(h.transition), "probabilities of moving from each state (row) to each; rows separated by ;"}}
	if !h.visible {
		spec += ",emission=" + matrixText(h.emission)
		params = append(params, Param{"emission", matrixText(h.emission), "probabilities of each state (row) to emit each symbol"})
	}
	h.desc = Description{
		Kind: kind, Spec: spec, Title: title, Token: Symbol, Alphabet: len(h.emission[0]),
		Shift: Stationary, Beta: new(float64), Params: params, MaxLength: maxLinear,
	}
	h.blocks = &blockEntropies{h: h}
	return h, nil
}

// NewStickyHiddenMarkov makes a symmetric hidden Markov chain of n states that
// keeps its state with probability stay and emits the state's own symbol with
// probability clear; otherwise it moves to, or emits, any of the others alike.
func NewStickyHiddenMarkov(states int, stay, clear float64) (*HiddenMarkov, error) {
	if states < 2 || states > 64 {
		return nil, fmt.Errorf("sticky: %d states are not between 2 and 64", states)
	}
	if !(stay > 0 && stay < 1) || !(clear >= 0 && clear <= 1) {
		return nil, fmt.Errorf("sticky: stay = %g and clear = %g must be probabilities, stay strictly between 0 and 1", stay, clear)
	}
	square := func(p float64) [][]float64 {
		m := make([][]float64, states)
		for i := range m {
			m[i] = make([]float64, states)
			for j := range m[i] {
				m[i][j] = (1 - p) / float64(states-1)
				if i == j {
					m[i][j] = p
				}
			}
		}
		return m
	}
	h, err := NewHiddenMarkov(HiddenMarkovOptions{Transition: square(stay), Emission: square(clear)})
	if err != nil {
		return nil, err
	}
	h.desc.Kind, h.desc.Title = "sticky", "hidden Markov chain that tends to keep its state"
	h.desc.Spec = "sticky:states=" + strconv.Itoa(states) + ",stay=" + number(stay) + ",clear=" + number(clear)
	h.desc.Params = []Param{
		{"states", strconv.Itoa(states), "hidden states, and symbols"},
		{"stay", number(stay), "probability of keeping the state"},
		{"clear", number(clear), "probability of emitting the state's own symbol"},
	}
	return h, nil
}

// NewIID makes independent symbols with the given probabilities.
func NewIID(probabilities []float64) (*HiddenMarkov, error) {
	h, err := NewHiddenMarkov(HiddenMarkovOptions{Transition: [][]float64{{1}}, Emission: [][]float64{probabilities}})
	if err != nil {
		return nil, fmt.Errorf("iid: %w", err)
	}
	text := list64(h.emission[0])
	h.desc.Kind, h.desc.Title, h.desc.Spec = "iid", "independent symbols", "iid:p="+text
	h.desc.Params = []Param{{"p", text, "probabilities of the symbols, separated by /"}}
	return h, nil
}

// ReadHiddenMarkov reads the JSON description {"transition": [[…]], "emission":
// [[…]]}.
func ReadHiddenMarkov(r io.Reader, name string) (*HiddenMarkov, error) {
	var o HiddenMarkovOptions
	if err := jsonfile.Decode(r, 64<<20, &o); err != nil {
		return nil, fmt.Errorf("reading the hidden Markov chain %s: %w", name, err)
	}
	h, err := NewHiddenMarkov(o)
	if err != nil {
		return nil, fmt.Errorf("reading the hidden Markov chain %s: %w", name, err)
	}
	return h, nil
}

func openHiddenMarkov(path string) (*HiddenMarkov, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the description of a hidden Markov chain: %w", err)
	}
	defer f.Close()
	return ReadHiddenMarkov(f, path)
}

// maxStates bounds states and symbols of a chain.
const maxStates = 1024

// stochastic checks and copies a matrix whose rows are probability
// distributions over columns columns. Rows that sum to 1 only
// roughly are scaled.
func stochastic(name string, m [][]float64, columns int) ([][]float64, error) {
	if len(m) == 0 || columns == 0 {
		return nil, fmt.Errorf("the %s matrix is empty", name)
	}
	if len(m) > maxStates || columns > maxStates {
		return nil, fmt.Errorf("the %s matrix is %d×%d; at most %d states and symbols are supported", name, len(m), columns, maxStates)
	}
	out := make([][]float64, len(m))
	for i, row := range m {
		if len(row) != columns {
			return nil, fmt.Errorf("%s row %d has %d entries, not %d", name, i+1, len(row), columns)
		}
		s := 0.0
		for j, p := range row {
			if !(p >= 0 && p <= 1) {
				return nil, fmt.Errorf("%s row %d, entry %d is %g, not a probability", name, i+1, j+1, p)
			}
			s += p
		}
		if math.Abs(s-1) > 1e-6 {
			return nil, fmt.Errorf("%s row %d sums to %g, not 1", name, i+1, s)
		}
		out[i] = make([]float64, columns)
		for j, p := range row {
			out[i][j] = p
			if math.Abs(s-1) > 1e-12 { // more than rounding
				out[i][j] = p / s
			}
		}
	}
	return out, nil
}

// stationaryOf solves π = πT.
func stationaryOf(t [][]float64) ([]float64, error) {
	n := len(t)
	a := mat.NewDense(n, n, nil)
	b := mat.NewVecDense(n, nil)
	for i := range n {
		for j := range n {
			a.Set(j, i, t[i][j])
		}
	}
	for i := range n {
		a.Set(i, i, a.At(i, i)-1)
	}
	for i := range n { // one equation is redundant: Σπ = 1 in its place
		a.Set(n-1, i, 1)
	}
	b.SetVec(n-1, 1)
	var x mat.VecDense
	if err := x.SolveVec(a, b); err != nil {
		return nil, errors.New("the chain has no unique stationary distribution (its states fall into parts that never meet)")
	}
	pi := make([]float64, n)
	s := 0.0
	for i := range pi {
		pi[i] = math.Max(0, x.AtVec(i))
		s += pi[i]
	}
	for i := range pi {
		pi[i] /= s
	}
	return pi, nil
}

func matrixText(m [][]float64) string {
	rows := make([]string, len(m))
	for i, r := range m {
		rows[i] = list64(r)
	}
	return strings.Join(rows, ";")
}

// Describe implements Truth.
func (h *HiddenMarkov) Describe() Description { return h.desc }

// Sample implements Process.
func (h *HiddenMarkov) Sample(rng *rand.Rand, length int) []token.ID {
	out := make([]token.ID, length)
	state := draw(rng, h.stationary)
	for i := range out {
		if i > 0 {
			state = draw(rng, h.transition[state])
		}
		out[i] = token.ID(draw(rng, h.emission[state]))
	}
	return out
}

// draw draws an index from a distribution.
func draw(rng *rand.Rand, p []float64) int {
	u := rng.Float64()
	last := 0
	for i, x := range p {
		if x > 0 {
			last = i
			if u -= x; u < 0 {
				return i
			}
		}
	}
	return last
}

// Model implements Process: the forward recursion.
func (h *HiddenMarkov) Model() lm.Model[token.ID] {
	return &forward[token.ID]{info: modelInfo(h.desc), start: func() filter[token.ID] {
		return &forwardFilter{h: h, belief: h.stationary}
	}}
}

// forwardFilter holds the distribution of the state that emits the next symbol.
type forwardFilter struct {
	h      *HiddenMarkov
	belief []float64 // never changed in place
}

func (f *forwardFilter) fork() filter[token.ID] { return &forwardFilter{f.h, f.belief} }

func (f *forwardFilter) step(tok token.ID) (float64, error) {
	if int64(tok) >= int64(len(f.h.emission[0])) {
		return 0, fmt.Errorf("symbol %d is outside the alphabet of %d", tok, len(f.h.emission[0]))
	}
	next := make([]float64, len(f.belief))
	p := 0.0
	for s, b := range f.belief {
		if w := b * f.h.emission[s][tok]; w > 0 {
			p += w
			for to, q := range f.h.transition[s] {
				next[to] += w * q
			}
		}
	}
	if p == 0 {
		// Ruled out. What follows is as after the stationary state.
		f.belief = f.h.stationary
		return math.Inf(-1), nil
	}
	for i := range next {
		next[i] /= p
	}
	f.belief = next
	return math.Log(p), nil
}

// TwoPointMI implements Truth: from the joint distribution of symbols d apart.
func (h *HiddenMarkov) TwoPointMI(d int) (info.Nats, bool) {
	if d < 1 {
		return 0, false
	}
	n, v := len(h.transition), len(h.emission[0])
	power := mat.NewDense(n, n, nil)
	power.Pow(mat.NewDense(n, n, flat(h.transition)), d)
	joint := mat.NewDense(n, v, nil)
	e := mat.NewDense(n, v, flat(h.emission))
	joint.Mul(power, e) // P(second symbol | first state)
	marginal := make([]float64, v)
	pair := make([]float64, v*v)
	for s, p := range h.stationary {
		for a, q := range h.emission[s] {
			marginal[a] += p * q
			for b := range v {
				pair[a*v+b] += p * q * joint.At(s, b)
			}
		}
	}
	mi := 0.0
	for a, p := range marginal {
		for b, q := range marginal {
			if x := pair[a*v+b]; x > 0 {
				mi += x * math.Log(x/(p*q))
			}
		}
	}
	return info.Nats(math.Max(0, mi)), true
}

func flat(m [][]float64) []float64 {
	var out []float64
	for _, r := range m {
		out = append(out, r...)
	}
	return out
}
