package process

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Repeat is text of a random period: a word of P independent, equally likely
// symbols, P uniform between two lengths, is drawn once per sequence and
// repeated forever, from a random place in it. Every token is news until the
// word has been seen twice, and none afterwards: the entropy rate is 0, and
// I(L/2;L) grows like L up to the length of the word and is the entropy of word
// and length from twice the longest word on. A predictor that knows this needs
// no training; any other has to learn the word within the window.
type Repeat struct {
	desc              Description
	k                 int
	shortest, longest int // tokens

	mu      sync.Mutex
	entropy map[int]float64 // of blocks of n tokens
}

// maxRepeat is the longest word: the sets of periods that a block can have are
// enumerated, some hundreds of them.
const maxRepeat = 63

// NewRepeat makes text of a random period: words of k symbols (2 to 1,024) and
// shortest to longest tokens (at most 63).
func NewRepeat(symbols, shortest, longest int) (*Repeat, error) {
	if symbols < 2 || symbols > maxStates {
		return nil, fmt.Errorf("repeat: %d symbols are not between 2 and %d", symbols, maxStates)
	}
	if shortest < 1 || longest < shortest || longest > maxRepeat {
		return nil, fmt.Errorf("repeat: words of %d to %d tokens (want 1 ≤ shortest ≤ longest ≤ %d)", shortest, longest, maxRepeat)
	}
	return &Repeat{k: symbols, shortest: shortest, longest: longest, entropy: map[int]float64{}, desc: Description{
		Kind: "repeat", Title: "a random word of random length, repeated forever",
		Spec:  fmt.Sprintf("repeat:symbols=%d,shortest=%d,longest=%d", symbols, shortest, longest),
		Token: Symbol, Alphabet: symbols, Shift: Stationary, Beta: new(float64), MaxLength: maxLinear,
		Params: []Param{
			{"symbols", strconv.Itoa(symbols), "equally likely symbols of the word"},
			{"shortest", strconv.Itoa(shortest), "shortest word, tokens"},
			{"longest", strconv.Itoa(longest), "longest word, tokens; lengths between are equally likely"},
		},
	}}, nil
}

// Describe implements Truth.
func (p *Repeat) Describe() Description { return p.desc }

// BipartiteMI implements Truth: from block entropies.
func (p *Repeat) BipartiteMI(ell, L int) (info.Nats, error) {
	if err := checkSplit(ell, L); err != nil {
		return 0, err
	}
	return info.Nats(math.Max(0, p.blockEntropy(ell)+p.blockEntropy(L-ell)-p.blockEntropy(L))), nil
}

// TwoPointMI implements Truth: tokens d apart are equal for sure when the
// period divides d, and independent otherwise.
func (p *Repeat) TwoPointMI(d int) (info.Nats, bool) {
	if d < 1 {
		return 0, false
	}
	divisors := 0
	for P := p.shortest; P <= p.longest; P++ {
		if d%P == 0 {
			divisors++
		}
	}
	k := float64(p.k)
	sure := float64(divisors) / float64(p.longest-p.shortest+1)
	equal := sure + (1-sure)/k
	mi := math.Log(k) + equal*math.Log(equal)
	if other := (1 - equal) / (k - 1); other > 0 {
		mi += (1 - equal) * math.Log(other)
	}
	return info.Nats(mi), true
}

// EntropyRate implements Truth: in the end everything is known.
func (p *Repeat) EntropyRate() info.Nats { return 0 }

// blockEntropy is the entropy of n tokens. The probability of a block depends
// on which of the periods it has (Σ k^−P over them, and k^−n for those that are
// not shorter than the block), so that blocks are counted by their sets of
// periods. Two periods P and Q imply gcd(P, Q) in blocks of P + Q tokens and
// more (Fine and Wilf), so that nothing changes beyond twice the longest word.
func (p *Repeat) blockEntropy(n int) float64 {
	n = min(n, 2*p.longest)
	p.mu.Lock()
	defer p.mu.Unlock()
	if h, known := p.entropy[n]; known {
		return h
	}
	k, weight := float64(p.k), 1/float64(p.longest-p.shortest+1)
	longer := float64(max(0, p.longest-max(n, p.shortest)+1)) * weight * math.Pow(k, -float64(n))
	h := 0.0
	for _, s := range p.periodSets(n) {
		q := longer
		for set := s.periods; set != 0; set &= set - 1 {
			q += weight * math.Pow(k, -float64(bits.TrailingZeros64(set)))
		}
		if q > 0 && s.blocks > 0 {
			h -= s.blocks * q * math.Log(q)
		}
	}
	p.entropy[n] = h
	return h
}

// periodSet is the set of the possible periods that some blocks have, bit P for
// period P, and the number of blocks that have these and no others.
type periodSet struct {
	periods uint64
	blocks  float64
}

// periodSets counts the blocks of n symbols by their periods below n: k to the
// number of classes of positions that the periods tie together, less the blocks
// that have further periods.
func (p *Repeat) periodSets(n int) []periodSet {
	classes := map[uint64]int{}
	var visit func(set uint64)
	visit = func(set uint64) {
		closed, count := p.closure(set, n)
		if _, seen := classes[closed]; seen {
			return
		}
		classes[closed] = count
		for P := p.shortest; P <= min(p.longest, n-1); P++ {
			if closed>>P&1 == 0 {
				visit(closed | 1<<P)
			}
		}
	}
	visit(0)
	var sets []periodSet
	for set, count := range classes {
		sets = append(sets, periodSet{set, math.Pow(float64(p.k), float64(count))})
	}
	slices.SortFunc(sets, func(a, b periodSet) int {
		return cmp.Or(bits.OnesCount64(b.periods)-bits.OnesCount64(a.periods), cmp.Compare(a.periods, b.periods))
	})
	for i := range sets {
		for _, more := range sets[:i] {
			if more.periods&sets[i].periods == sets[i].periods {
				sets[i].blocks -= more.blocks
			}
		}
	}
	return sets
}

// closure returns all periods that a block of n tokens has if it has those of
// set, and the number of classes into which positions fall.
func (p *Repeat) closure(set uint64, n int) (closed uint64, classes int) {
	class := make([]int, n) // the first position that must hold the same symbol
	for i := range class {
		class[i] = i
	}
	find := func(i int) int {
		for class[i] != i {
			i = class[i]
		}
		return i
	}
	classes = n
	for s := set; s != 0; s &= s - 1 {
		P := bits.TrailingZeros64(s)
		for i := P; i < n; i++ {
			if a, b := find(i-P), find(i); a != b {
				class[max(a, b)] = min(a, b)
				classes--
			}
		}
	}
	for P := p.shortest; P <= min(p.longest, n-1); P++ {
		implied := true
		for i := P; i < n && implied; i++ {
			implied = find(i-P) == find(i)
		}
		if implied {
			closed |= 1 << P
		}
	}
	return closed, classes
}

// Sample implements Process.
func (p *Repeat) Sample(rng *rand.Rand, length int) []token.ID {
	P := p.shortest + rng.IntN(p.longest-p.shortest+1)
	out := make([]token.ID, length)
	for t := range out {
		if t < P {
			out[t] = token.ID(rng.IntN(p.k))
		} else {
			out[t] = out[t-P]
		}
	}
	return out
}

// Model implements Process: the mixture over the periods that the past allows.
// A token that none of them allows has the log-probability −Inf.
func (p *Repeat) Model() lm.Model[token.ID] {
	return &forward[token.ID]{info: modelInfo(p.desc), start: func() filter[token.ID] {
		f := &repeatFilter{p: p}
		for P := p.shortest; P <= p.longest; P++ {
			f.alive |= 1 << P
		}
		return f
	}}
}

// repeatFilter holds the last tokens and the periods that are still possible.
type repeatFilter struct {
	p     *Repeat
	t     int
	past  [maxRepeat]token.ID // token i at i mod maxRepeat
	alive uint64              // bit P: the tokens so far have period P
}

func (f *repeatFilter) fork() filter[token.ID] { g := *f; return &g }

func (f *repeatFilter) step(tok token.ID) (float64, error) {
	if int64(tok) >= int64(f.p.k) {
		return 0, fmt.Errorf("symbol %d is outside the alphabet of %d", tok, f.p.k)
	}
	k := float64(f.p.k)
	first := bits.TrailingZeros64(f.alive)
	agree, total := 0.0, 0.0
	alive := f.alive
	for s := f.alive; s != 0; s &= s - 1 {
		P := bits.TrailingZeros64(s)
		// Proportional to the probability of the past under period P.
		w := math.Pow(k, float64(min(f.t, first)-min(f.t, P)))
		total += w
		switch {
		case P > f.t:
			agree += w / k
		case f.past[(f.t-P)%maxRepeat] == tok:
			agree += w
		default:
			alive &^= 1 << P
		}
	}
	f.past[f.t%maxRepeat] = tok
	f.t++
	f.alive = alive
	if total == 0 {
		return -math.Log(k), nil // ruled out before
	}
	return math.Log(agree / total), nil
}
