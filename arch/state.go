package arch

import (
	"fmt"
	"math"
	"math/bits"
)

// Kind says what a part of the history state is.
type Kind string

// The kinds of history state.
const (
	KV        Kind = "kv"        // keys and values of every token
	Latent    Kind = "latent"    // compressed keys and values (multi-head latent attention)
	Window    Kind = "window"    // keys and values of the last tokens only
	Recurrent Kind = "recurrent" // recurrent, state-space or matrix memory
	Conv      Kind = "conv"      // past columns of a causal convolution, token shifts
	Other     Kind = "other"     // index keys of sparse attention, partly filled blocks
)

// Kinds lists all kinds in the order of reports.
func Kinds() []Kind { return []Kind{KV, Latent, Window, Recurrent, Conv, Other} }

// Rule says how many entries of a part are held after L tokens.
type Rule string

// The rules. N and Beta are the fields of Part.
const (
	Fixed    Rule = "fixed"     // 1
	PerToken Rule = "per-token" // L
	Bounded  Rule = "bounded"   // min(L, N)
	PerBlock Rule = "per-block" // ⌊L/N⌋
	Tail     Rule = "tail"      // L mod N: the tokens of a block that is not full yet
	After    Rule = "after"     // 1 from L = N on
	Log      Rule = "log"       // ⌊log₂ L⌋ + 1
	Slots    Rule = "slots"     // min(L, ⌊Scale·L^Beta⌋)
	Fenwick  Rule = "fenwick"   // Σ over the set bits j of L of min(2^j, ⌈Scale·2^(Beta·j)⌉), of blocks of N tokens and more
	Segments Rule = "segments"  // ⌊L/N⌋ + 1
	Beyond   Rule = "beyond"    // max(0, L − N), at most Cap
)

// Part is one component of a layer's history state: Width elements for each
// entry, and a rule for the number of entries.
type Part struct {
	Kind  Kind    `json:"kind"`
	What  string  `json:"what"`  // in words
	Width int64   `json:"width"` // elements per entry
	Rule  Rule    `json:"rule"`
	N     int64   `json:"n,omitempty"`     // entries (Bounded), tokens (PerBlock, Tail, After, Segments, Beyond, Fenwick)
	Beta  float64 `json:"beta,omitempty"`  // exponent (Slots, Fenwick)
	Scale float64 `json:"scale,omitempty"` // factor (Slots, Fenwick); 0 means 1/Beta in Slots
	Cap   int64   `json:"cap,omitempty"`   // most entries (Beyond), 0 for no bound

	// DType is the storage format of this part where a policy sets one, by the
	// name that ParseDType reads; "" leaves it to Storage.
	DType string `json:"dtype,omitempty"`

	// Float32 marks state that the reference implementation keeps in float32
	// whatever the type of weights and cache.
	Float32 bool `json:"float32,omitempty"`

	heads, key, val int64 // of attention: key–value heads, key and value size of each
	kernel          int64 // of a convolution
}

// KVHeads is the number of key–value heads of an attention part, 0 for others.
// Devices that share a layer share its heads.
func (p Part) KVHeads() int64 { return p.heads }

// Kernel is the width of the convolution whose past columns a part keeps, 0
// where it is not known. The part keeps Kernel − 1 of them; several libraries
// keep Kernel.
func (p Part) Kernel() int64 { return p.kernel }

// Entries is the number of entries after L ≥ 0 tokens, of Width elements each.
func (p Part) Entries(L int64) int64 { return p.entries(L) }

// Peak is the largest number of entries at any length up to L: what must be set
// aside for a sequence that grows to L. It differs from Entries where blocks are
// merged or started anew.
func (p Part) Peak(L int64) int64 {
	switch p.Rule {
	case Tail:
		return min(L, p.N-1)
	case Fenwick:
		// The largest sum is at L, or where one set bit of L is cleared and all
		// below it are set.
		best := p.entries(L)
		for j := range bits.Len64(uint64(L)) {
			if L>>j&1 == 1 {
				best = max(best, p.entries(L>>(j+1)<<(j+1)|(1<<j-1)))
			}
		}
		return best
	}
	return p.entries(L)
}

// Layer is the history state of one layer. A layer without parts keeps
// nothing (a feed-forward layer, or one that shares another's cache).
type Layer struct {
	Parts []Part `json:"parts"`
}

// Elements counts stored numbers by kind.
type Elements struct {
	KV        int64 `json:"kv"`
	Latent    int64 `json:"latent"`
	Window    int64 `json:"window"`
	Recurrent int64 `json:"recurrent"`
	Conv      int64 `json:"conv"`
	Other     int64 `json:"other"`
}

// Total is the sum over the kinds. State has checked that it does not
// overflow.
func (e Elements) Total() int64 {
	return e.KV + e.Latent + e.Window + e.Recurrent + e.Conv + e.Other
}

// Of returns the count of one kind.
func (e *Elements) Of(k Kind) int64 { return *e.of(k) }

func (e *Elements) of(k Kind) *int64 {
	switch k {
	case KV:
		return &e.KV
	case Latent:
		return &e.Latent
	case Window:
		return &e.Window
	case Recurrent:
		return &e.Recurrent
	case Conv:
		return &e.Conv
	default:
		return &e.Other
	}
}

// State is the history state after Length tokens, batch 1: what must be at
// hand to process the next token. The token being processed is not counted.
type State struct {
	Length   int64      `json:"length"` // tokens
	Elements Elements   `json:"elements"`
	Total    int64      `json:"total"`   // elements
	Float32  int64      `json:"float32"` // of them, kept in float32 by the reference implementation
	Layers   []Elements `json:"-"`       // by layer

	stored map[stored]int64 // elements by what decides their type
}

// stored is what decides the type that elements are stored in.
type stored struct {
	kind    Kind
	float32 bool
	dtype   string
}

// State returns the exact history state after L tokens. Counting starts at
// L = 0 (only what is allocated from the start). It fails when L is negative
// or a count does not fit in 63 bits.
func (m *Model) State(L int64) (State, error) {
	s := State{Length: L, Layers: make([]Elements, len(m.Layers)), stored: map[stored]int64{}}
	if L < 0 {
		return State{}, fmt.Errorf("state of %s: length %d is negative", m.Name, L)
	}
	for i, layer := range m.Layers {
		for _, p := range layer.Parts {
			n, ok := p.elements(L)
			if ok {
				ok = add(s.Layers[i].of(p.Kind), n) && add(s.Elements.of(p.Kind), n) && add(&s.Total, n)
			}
			if !ok {
				return State{}, fmt.Errorf("state of %s after %d tokens: layer %d alone or with those before it exceeds %d elements",
					m.Name, L, i, int64(math.MaxInt64))
			}
			s.stored[stored{p.Kind, p.Float32, p.DType}] += n // no more than Total
			if p.Float32 {
				s.Float32 += n
			}
		}
	}
	return s, nil
}

// elements is Width times the number of entries; false when it overflows.
func (p Part) elements(L int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(p.Width), uint64(p.entries(L)))
	return int64(lo), hi == 0 && lo <= math.MaxInt64
}

func (p Part) entries(L int64) int64 {
	switch p.Rule {
	case Fixed:
		return 1
	case PerToken:
		return L
	case Bounded:
		return min(L, p.N)
	case PerBlock:
		return L / p.N
	case Tail:
		return L % p.N
	case After:
		if L >= p.N {
			return 1
		}
		return 0
	case Log:
		return int64(bits.Len64(uint64(L)))
	case Slots:
		slots := p.factor() * math.Pow(float64(L), p.Beta)
		if slots >= float64(L) {
			return L
		}
		return int64(slots)
	case Fenwick:
		n := int64(0)
		for j := range bits.Len64(uint64(L)) {
			if L>>j&1 == 1 && int64(1)<<j >= p.N {
				n += p.slots(j)
			}
		}
		return n
	case Segments:
		return L/p.N + 1
	case Beyond:
		n := max(0, L-p.N)
		if p.Cap > 0 {
			n = min(n, p.Cap)
		}
		return n
	}
	panic("arch: part with rule " + string(p.Rule))
}

// factor is Scale, or what it stands for when it is 0.
func (p Part) factor() float64 {
	if p.Scale == 0 && p.Rule == Slots {
		return 1 / p.Beta
	}
	return p.Scale
}

// slots is the number of entries that a block of 2^j tokens keeps (Fenwick).
func (p Part) slots(j int) int64 {
	block := math.Ldexp(1, j)
	return int64(min(block, math.Ceil(p.Scale*math.Pow(2, p.Beta*float64(j)))))
}

// add adds n ≥ 0 to *sum; false when that overflows.
func add(sum *int64, n int64) bool {
	if n > math.MaxInt64-*sum {
		return false
	}
	*sum += n
	return true
}
