package process

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Grammar is a random hierarchy: a probabilistic context-free grammar whose
// derivations are complete binary trees. Each of v symbols rewrites to one of
// its m pairs of symbols with equal probability, layer after layer; the leaves
// are the tokens. All v·m pairs differ, so that leaves determine the tree, and
// are the tokens. All v·m pairs differ, so that leaves determine the tree, and every
// symbol is equally frequent on either side, so that every node is uniform and the
// first n tokens have the same law however tall the tree is.
//
// Two-point information decays with distance like a power law; the bipartite
// information at ell = 2^k, L = 2·ell is ln(v/m), that of two siblings, and at
// other cuts at most that for each layer: it grows like ln L at best.
type Grammar struct {
	desc   Description
	v, m   int
	left   [][]token.ID // [parent][rule]
	right  [][]token.ID
	parent []int32 // [left·v+right]: parent, −1 if no rule makes the pair
}

// GrammarOptions are the parameters of NewGrammar.
type GrammarOptions struct {
	Symbols int    // v ≥ 2, at most 1,024
	Rules   int    // m: rules per symbol, 1 ≤ m ≤ v; m = v leaves no structure
	Seed    uint64 // of the rules
}

// NewGrammar draws a random hierarchy.
func NewGrammar(o GrammarOptions) (*Grammar, error) {
	if o.Symbols < 2 || o.Symbols > 1024 {
		return nil, fmt.Errorf("grammar: %d symbols are not between 2 and 1024", o.Symbols)
	}
	if o.Rules < 1 || o.Rules > o.Symbols {
		return nil, fmt.Errorf("grammar: %d rules per symbol are not between 1 and %d (as many as symbols, so that pairs can differ)", o.Rules, o.Symbols)
	}
	g := &Grammar{v: o.Symbols, m: o.Rules}
	rng := rand.New(rand.NewPCG(o.Seed, 0x6a3))
	label, shift := rng.Perm(g.v), rng.Perm(g.v)[:g.m]
	type pair struct{ a, b int }
	var pairs []pair
	for a := range g.v {
		for _, s := range shift {
			pairs = append(pairs, pair{a, label[(a+s)%g.v]})
		}
	}
	rng.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	g.parent = slices.Repeat([]int32{-1}, g.v*g.v)
	for x := range g.v {
		var l, r []token.ID
		for _, p := range pairs[x*g.m : (x+1)*g.m] {
			l, r = append(l, token.ID(p.a)), append(r, token.ID(p.b))
			g.parent[p.a*g.v+p.b] = int32(x)
		}
		g.left, g.right = append(g.left, l), append(g.right, r)
	}
	g.desc = Description{
		Kind: "grammar", Title: "random hierarchy (context-free grammar over complete binary trees)",
		Spec:  fmt.Sprintf("grammar:symbols=%d,rules=%d,variant=%d", o.Symbols, o.Rules, o.Seed),
		Token: Symbol, Alphabet: o.Symbols, Shift: DyadicShift, Beta: new(float64), MaxLength: maxLinear,
		Params: []Param{
			{"symbols", strconv.Itoa(o.Symbols), "symbols v"},
			{"rules", strconv.Itoa(o.Rules), "rules per symbol m, at most v"},
			{"variant", strconv.FormatUint(o.Seed, 10), "number of the draw of rules"},
		},
	}
	return g, nil
}

// Describe implements Truth.
func (g *Grammar) Describe() Description { return g.desc }

// EntropyRate implements Truth: a tree of n leaves is n − 1 choices among m
// rules.
func (g *Grammar) EntropyRate() info.Nats { return info.Nats(math.Log(float64(g.m))) }

// TwoPointMI implements Truth: it depends on the place in the tree.
func (g *Grammar) TwoPointMI(int) (info.Nats, bool) { return 0, false }

// Sample implements Process: from the root of the smallest tree that holds
// length tokens.
func (g *Grammar) Sample(rng *rand.Rand, length int) []token.ID {
	if length < 1 {
		return nil
	}
	layer := []token.ID{token.ID(rng.IntN(g.v))}
	for depth := bits.Len(uint(length - 1)); depth > 0; depth-- {
		size := (length + 1<<(depth-1) - 1) >> (depth - 1)
		next := make([]token.ID, 0, 2*len(layer))
		for _, x := range layer {
			r := rng.IntN(g.m)
			next = append(next, g.left[x][r], g.right[x][r])
		}
		layer = next[:min(size, len(next))]
	}
	return layer
}

// Model implements Process: the inside recursion along the left edge. A token
// that no tree allows has the log-probability −Inf.
func (g *Grammar) Model() lm.Model[token.ID] {
	return &forward[token.ID]{info: modelInfo(g.desc), start: func() filter[token.ID] {
		f := &grammarFilter{g: g}
		f.grow()
		return f
	}}
}

// grammarFilter holds, for the t tokens seen, the roots of the complete
// subtrees (one of 2^k leaves for each bit k set in t), and the distribution of
// the node of every level that the next token is under.
type grammarFilter struct {
	g     *Grammar
	t     uint64
	roots []token.ID  // [k]
	node  [][]float64 // [k]: of 2^k leaves; node[0] is the next token
}

// grow adds a level: its node is uniform before anything under it is seen.
func (f *grammarFilter) grow() {
	uniform := make([]float64, f.g.v)
	for i := range uniform {
		uniform[i] = 1 / float64(f.g.v)
	}
	f.roots = append(f.roots, 0)
	f.node = append(f.node, uniform)
}

func (f *grammarFilter) fork() filter[token.ID] {
	n := &grammarFilter{g: f.g, t: f.t, roots: slices.Clone(f.roots), node: slices.Clone(f.node)}
	for k := range n.node {
		n.node[k] = slices.Clone(n.node[k])
	}
	return n
}

func (f *grammarFilter) step(tok token.ID) (float64, error) {
	if int64(tok) >= int64(f.g.v) {
		return 0, fmt.Errorf("symbol %d is outside the alphabet of %d", tok, f.g.v)
	}
	p := f.node[0][tok]
	// Complete subtrees as in a binary counter.
	k := 0
	for ; f.t>>k&1 == 1; k++ {
		x := f.g.parent[int(f.roots[k])*f.g.v+int(tok)]
		if x < 0 {
			x = 0 // ruled out: p is 0, and nothing later means anything
		}
		tok = token.ID(x)
	}
	f.t++
	for len(f.node) <= k+1 {
		f.grow()
	}
	f.roots[k] = tok
	for ; k >= 0; k-- {
		f.descend(k)
	}
	return math.Log(p), nil
}

// descend computes the distribution of the level-k node from its parent's: the
// right child of a node whose left child is known, or the left child.
func (f *grammarFilter) descend(k int) {
	g, out := f.g, f.node[k]
	clear(out)
	total := 0.0
	for x, w := range f.node[k+1] {
		for r, a := range g.left[x] {
			switch {
			case f.t>>k&1 == 0:
				out[a] += w
				total += w
			case a == f.roots[k]:
				out[g.right[x][r]] += w
				total += w
			}
		}
	}
	if total == 0 {
		total = 1 // ruled out before
	}
	for i := range out {
		out[i] /= total
	}
}

// BipartiteMI implements Truth. Pairs of tokens are exchanged for their parents
// as long as both ell and L are even, which changes neither side's entropy by
// more than the free choices of rules; then the roots of the largest complete
// subtrees on either side are enumerated.
func (g *Grammar) BipartiteMI(ell, L int) (info.Nats, error) {
	if err := checkSplit(ell, L); err != nil {
		return 0, err
	}
	for ell%2 == 0 && L%2 == 0 {
		ell, L = ell/2, L/2
	}
	total := 0.0
	for _, part := range []struct {
		from, to int
		sign     float64
	}{{0, ell, 1}, {ell, L, 1}, {0, L, -1}} {
		h, err := g.entropy(part.from, part.to, L)
		if err != nil {
			return 0, err
		}
		total += part.sign * h
	}
	return info.Nats(math.Max(0, total)), nil
}

// entropy of tokens from..to−1 of a tree of at least L leaves: the joint
// entropy of the roots of the largest complete subtrees between, and ln m for
// each of the nodes under them.
func (g *Grammar) entropy(from, to, L int) (float64, error) {
	top := bits.Len(uint(L - 1))
	count, inner := 0, 0
	var cover func(start, level int)
	cover = func(start, level int) {
		size := 1 << level
		switch {
		case start >= to || start+size <= from:
		case start >= from && start+size <= to:
			count++
			inner += size - 1
		default:
			cover(start, level-1)
			cover(start+size/2, level-1)
		}
	}
	cover(0, top)
	if float64(count)*math.Log(float64(g.v)) > math.Log(1<<20) {
		return 0, notExact("the cut leaves %d subtrees of %d symbols to enumerate (choose a rounder length, or fewer symbols)", count, g.v)
	}
	roots := make([]int, count)
	h := float64(inner) * math.Log(float64(g.m))
	for {
		next := 0
		p := 0.0
		for _, x := range g.inside(0, top, from, to, roots, &next) {
			p += x / float64(g.v)
		}
		if p > 0 {
			h -= p * math.Log(p)
		}
		i := 0
		for ; i < count; i++ {
			if roots[i]++; roots[i] < g.v {
				break
			}
			roots[i] = 0
		}
		if i == count {
			return h, nil
		}
	}
}

// inside is the probability of the given roots under each symbol of a node.
func (g *Grammar) inside(start, level, from, to int, roots []int, next *int) []float64 {
	out := make([]float64, g.v)
	size := 1 << level
	switch {
	case start >= to || start+size <= from:
		for x := range out {
			out[x] = 1
		}
	case start >= from && start+size <= to:
		out[roots[*next]] = 1
		*next++
	default:
		l := g.inside(start, level-1, from, to, roots, next)
		r := g.inside(start+size/2, level-1, from, to, roots, next)
		for x := range out {
			for i, a := range g.left[x] {
				out[x] += l[a] * r[g.right[x][i]] / float64(g.m)
			}
		}
	}
	return out
}
