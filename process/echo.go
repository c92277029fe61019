package process

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Echo is the plainest process of symbols whose information grows like a power
// of the length, alike at every scale: in each aligned block of n = first,
// 2·first, 4·first, … tokens (first a power of two) k(n) = (n/first)^growth
// tokens, rounded, of the second half repeat those at the same place in the
// first half. All others are fresh, equally likely symbols. No token takes part
// in two repetitions, so that for every cut ★
//
//	I(past; future) = ln(symbols) · (repetitions whose two tokens lie on either side)
//
// and I(L/2; L) = k(L)·ln(symbols) at powers of two. Which tokens repeat which
// is fixed: what a memory has to learn is where to look, not what to look for.
//
// The places are chosen from the smallest blocks upward, in each as evenly as
// possible among the tokens that are not taken yet. first is the smallest
// power of two for which there are always enough.
type Echo struct {
	desc   Description
	k      int
	growth float64
	first  int // tokens of the smallest block with a repetition

	mu   sync.Mutex
	lags []int32 // by position: how far back the repeated token is; 0 for a fresh one
}

// maxEcho bounds the table of places.
const maxEcho = 1 << 24

// NewEcho makes a process of repetitions whose number grows like the length to
// the power of growth (0 to 0.95), of equally likely symbols (2 to 1,024).
func NewEcho(symbols int, growth float64) (*Echo, error) {
	if symbols < 2 || symbols > maxStates {
		return nil, fmt.Errorf("echo: %d symbols are not between 2 and %d", symbols, maxStates)
	}
	if !(growth >= 0 && growth <= 0.95) {
		return nil, fmt.Errorf("echo: growth = %g is not between 0 and 0.95", growth)
	}
	p := &Echo{k: symbols, growth: growth, first: 4}
	for p.taken() > 1 {
		p.first *= 2
	}
	p.desc = Description{
		Kind: "echo", Title: "repetitions at every scale, their number a power of the length",
		Spec:  "echo:symbols=" + strconv.Itoa(symbols) + ",growth=" + number(growth),
		Token: Symbol, Alphabet: symbols, Shift: DyadicShift, Beta: &p.growth,
		Lengths: fmt.Sprintf("powers of 2 from %d on, rounded to whole tokens", p.first), LengthBase: 2, MaxLength: maxEcho,
		Params: []Param{
			{"symbols", strconv.Itoa(symbols), "equally likely symbols"},
			{"growth", number(growth), "exponent of the number of repetitions, between 0 and 0.95"},
		},
	}
	return p, nil
}

// repetitions is k(n), of a block of n tokens at its own scale.
func (p *Echo) repetitions(n float64) float64 {
	if n < float64(p.first) {
		return 0
	}
	return math.Round(math.Pow(n/float64(p.first), p.growth))
}

// taken is the share of all tokens that take part in a repetition, two for each.
func (p *Echo) taken() float64 {
	const far = 50 // from where on rounding is far below the last digit
	sum := 0.0
	for j := range far {
		n := math.Ldexp(1, j)
		sum += 2 * p.repetitions(n) / n
	}
	n := math.Ldexp(1, far)
	return sum + 2*math.Pow(n/float64(p.first), p.growth)/n/(1-math.Exp2(p.growth-1))
}

// lagsOf returns the lags of at least so many tokens.
func (p *Echo) lagsOf(length int) []int32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if length <= len(p.lags) {
		return p.lags
	}
	lags, free := []int32{0}, []int{0}
	for half := 1; half < length; half *= 2 {
		lags = append(lags, lags...)
		count := int(p.repetitions(float64(2 * half)))
		rest, chosen := make([]int, 0, 2*len(free)), 0
		for i, at := range free {
			// Number j of count is the one in the middle of the j-th of count equal shares.
			if chosen < count && i == (2*chosen+1)*len(free)/(2*count) {
				lags[half+at] = int32(half)
				chosen++
				continue
			}
			rest = append(rest, at)
		}
		for _, at := range rest[:len(rest):len(rest)] {
			rest = append(rest, half+at)
		}
		free = rest
	}
	p.lags = lags
	return lags
}

// Describe implements Truth.
func (p *Echo) Describe() Description { return p.desc }

// BipartiteMI implements Truth: the repetitions across the cut are counted.
func (p *Echo) BipartiteMI(ell, L int) (info.Nats, error) {
	if err := checkSplit(ell, L); err != nil {
		return 0, err
	}
	if L > maxEcho {
		return 0, notExact("repetitions are counted for at most %d tokens, not %d", maxEcho, L)
	}
	count := 0
	for i, lag := range p.lagsOf(L)[ell:L] {
		if lag > 0 && i < int(lag) {
			count++
		}
	}
	return info.Nats(float64(count) * math.Log(float64(p.k))), nil
}

// TwoPointMI implements Truth: it depends on the position.
func (p *Echo) TwoPointMI(int) (info.Nats, bool) { return 0, false }

// EntropyRate implements Truth: that of the fresh tokens.
func (p *Echo) EntropyRate() info.Nats {
	return info.Nats((1 - p.taken()/2) * math.Log(float64(p.k)))
}

// Held is how many repetitions of a process Echo a memory of slots can answer.
type Held struct {
	Memory      string `json:"memory"`      // in the syntax of ParseMemory
	Length      int    `json:"length"`      // tokens of the sequence
	Slots       int    `json:"slots"`       // kept before the last token
	Repetitions int    `json:"repetitions"` // in the sequence
	Held        int    `json:"held"`        // whose first token a slot still holds when it is repeated
}

// heldChunk is the number of last tokens that are kept one by one.
const heldChunk = 4

// Held computes for a memory of Fenwick shape how many repetitions it can answer at best
// if a slot holds one symbol: a block of n = 4, 8, … tokens keeps ⌈A·n^B⌉ symbols of
// those that its halves kept.
//
// A repetition at lag h is read from the block of h tokens that holds its first token,
// and needs a slot in every block up to that one. The answer is that of the greedy
// choice, shortest lags first ★: where the shortest finds a full block, all that fill the
// lowest full one have lags as long, hence pass all further blocks of its path, and any
// of them can give way to it.
func (p *Echo) Held(m Memory, length int) (Held, error) {
	h := Held{Memory: m.String(), Length: length}
	if m.Shape != Fenwick {
		return h, fmt.Errorf("memory %s: of repetitions, only what slots of fenwick:A,B hold is known", m)
	}
	if length < 2 || length > maxEcho {
		return h, fmt.Errorf("memory %s: %d tokens are not between 2 and %d", m, length, maxEcho)
	}
	slots := func(n int) int { return int(min(float64(n), math.Ceil(m.A*math.Pow(float64(n), m.B)))) }
	past := length - 1
	h.Slots = past % heldChunk
	for n := heldChunk; n <= past; n *= 2 {
		if past&n != 0 {
			h.Slots += slots(n)
		}
	}
	lags := p.lagsOf(length)[:length]
	taken := map[[2]int]int{} // slots by size and number of the block
	for lag := 1; lag < length; lag *= 2 {
		for at, l := range lags {
			if int(l) != lag {
				continue
			}
			h.Repetitions++
			fits := true
			for n := heldChunk; n <= lag && fits; n *= 2 {
				fits = taken[[2]int{n, (at - lag) / n}] < slots(n)
			}
			if !fits {
				continue
			}
			h.Held++
			for n := heldChunk; n <= lag; n *= 2 {
				taken[[2]int{n, (at - lag) / n}]++
			}
		}
	}
	return h, nil
}

// Sample implements Process.
func (p *Echo) Sample(rng *rand.Rand, length int) []token.ID {
	out := make([]token.ID, length)
	lags := p.lagsOf(length)
	for t := range out {
		if lag := int(lags[t]); lag > 0 {
			out[t] = out[t-lag]
		} else {
			out[t] = token.ID(rng.IntN(p.k))
		}
	}
	return out
}

// Model implements Process.
func (p *Echo) Model() lm.Model[token.ID] {
	return &forward[token.ID]{info: modelInfo(p.desc), start: func() filter[token.ID] { return &echoFilter{p: p} }}
}

// echoFilter holds the tokens so far: those that it shares with the filter it was forked
// from, and its own.
type echoFilter struct {
	p           *Echo
	shared, own []token.ID
}

func (f *echoFilter) fork() filter[token.ID] {
	if len(f.shared) == 0 {
		return &echoFilter{p: f.p, shared: f.own[:len(f.own):len(f.own)]}
	}
	return &echoFilter{p: f.p, shared: f.shared, own: append([]token.ID(nil), f.own...)}
}

func (f *echoFilter) step(tok token.ID) (float64, error) {
	if int64(tok) >= int64(f.p.k) {
		return 0, fmt.Errorf("symbol %d is outside the alphabet of %d", tok, f.p.k)
	}
	t := len(f.shared) + len(f.own)
	if t >= maxEcho {
		return 0, fmt.Errorf("sequences have at most %d tokens", maxEcho)
	}
	lp := -math.Log(float64(f.p.k))
	if lag := int(f.p.lagsOf(t + 1)[t]); lag > 0 {
		at, past := t-lag, f.shared
		if at >= len(past) {
			at, past = at-len(past), f.own
		}
		if lp = 0; past[at] != tok {
			lp = math.Inf(-1)
		}
	}
	f.own = append(f.own, tok)
	return lp, nil
}
