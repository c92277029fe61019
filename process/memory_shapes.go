package process

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"
)

// Memory is a way of keeping fewer numbers than tokens, all linear in the
// tokens.
type Memory struct {
	Shape Shape
	// A and B: a stretch of w tokens (Fenwick) holds about A·w^B numbers; a slot
	// (Segments) at distance d stands for A·d^(1−B) tokens.
	A, B float64
	// Power and Offset (Pattern): tokens at distances round(k^Power) + Offset.
	Power  float64
	Offset int
	Tokens int // Window
}

// Shape names a memory.
type Shape string

// The shapes, and the constructions that Study.Hold tries of each.
const (
	// Fenwick cuts the past into stretches of 1, 1, 2, 4, 8, … tokens by distance.
	// "best": each keeps the round(A·w^B) directions that tell most about the
	// future of the cut. "merged", which can be built as tokens come: aligned
	// blocks of 2^j tokens are merged from their halves and keep the ⌈A·2^(B·j)⌉
	// best directions within what their halves kept, chosen when the block ends;
	// at the cut the blocks of the binary digits of its position are held.
	Fenwick Shape = "fenwick"
	// Segments keep one number per segment: "mean", the "best" single direction,
	// or the "newest" token.
	Segments Shape = "segments"
	// Window keeps the last tokens.
	Window Shape = "window"
	// Pattern is what a sparse pattern of attention reads: tokens at distances
	// that grow like a power. It is no bound on a cache: what a pattern reads
	// later must be held until then.
	Pattern Shape = "pattern"
)

// ParseMemory reads fenwick:A,B, segments:A,B, window:K, pattern:k^P,
// pattern:k^1/B or pattern:k^P+1.
func ParseMemory(spec string) (Memory, error) {
	name, rest, _ := strings.Cut(spec, ":")
	m := Memory{Shape: Shape(name)}
	var err error
	switch m.Shape {
	case Fenwick, Segments:
		a, b, found := strings.Cut(rest, ",")
		if !found {
			return m, fmt.Errorf("memory %q: want %s:A,B, such as %s:1.5,0.76", spec, name, name)
		}
		if m.A, err = strconv.ParseFloat(a, 64); err != nil || !(m.A > 0 && m.A <= 1e6) {
			return m, fmt.Errorf("memory %q: factor %q is not a number between 0 and 1e6", spec, a)
		}
		if m.B, err = strconv.ParseFloat(b, 64); err != nil || !(m.B >= 0 && m.B <= 1) {
			return m, fmt.Errorf("memory %q: exponent %q is not a number from 0 to 1", spec, b)
		}
	case Window:
		if m.Tokens, err = strconv.Atoi(rest); err != nil || m.Tokens < 1 {
			return m, fmt.Errorf("memory %q: %q is not a number of tokens", spec, rest)
		}
	case Pattern:
		power, found := strings.CutPrefix(rest, "k^")
		power, plus := strings.CutSuffix(power, "+1")
		if plus {
			m.Offset = 1
		}
		one, divided := strings.CutPrefix(power, "1/")
		m.Power, err = strconv.ParseFloat(one, 64)
		if divided {
			m.Power = 1 / m.Power
		}
		if err != nil || !found || !(m.Power >= 1 && m.Power <= 64) {
			return m, fmt.Errorf("memory %q: want pattern:k^P with P from 1 to 64, or pattern:k^1/B", spec)
		}
	default:
		return m, fmt.Errorf("memory %q: unknown shape %q (fenwick, segments, window or pattern)", spec, name)
	}
	return m, nil
}

// String is the memory as ParseMemory reads it.
func (m Memory) String() string {
	switch m.Shape {
	case Window:
		return "window:" + strconv.Itoa(m.Tokens)
	case Pattern:
		s := "pattern:k^" + number(m.Power)
		if m.Offset > 0 {
			s += "+1"
		}
		return s
	}
	return string(m.Shape) + ":" + number(m.A) + "," + number(m.B)
}

// Hold computes the information in a memory, for each construction of its shape.
func (s *Study) Hold(m Memory) ([]Captured, error) {
	type construction struct {
		name  string
		build func(Memory) ([]kept, error)
	}
	var tries []construction
	switch m.Shape {
	case Fenwick:
		tries = []construction{{"best", s.stretches}, {"merged", s.merged}}
	case Segments:
		for _, name := range []string{"mean", "best", "newest"} {
			tries = append(tries, construction{name, func(m Memory) ([]kept, error) { return s.segments(m, name) }})
		}
	case Window:
		n := min(m.Tokens, s.Ell)
		tries = []construction{{"newest", func(Memory) ([]kept, error) { return s.tokens(func(d int) bool { return d <= n }), nil }}}
	case Pattern:
		seen := map[int]bool{}
		for k := 1 - m.Offset; ; k++ {
			d := int(math.Round(math.Pow(float64(k), m.Power))) + m.Offset
			if d > s.Ell {
				break
			}
			seen[d] = true
		}
		tries = []construction{{"newest", func(Memory) ([]kept, error) { return s.tokens(func(d int) bool { return seen[d] }), nil }}}
	default:
		return nil, errors.New("a memory without a shape")
	}
	var out []Captured
	for _, t := range tries {
		c, err := s.try(m, t.name, t.build)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// tokens keeps the tokens at the distances (1 is the last) that keep names.
func (s *Study) tokens(keep func(d int) bool) []kept {
	var collect func(b block) kept
	collect = func(b block) kept {
		if b.level > 0 {
			h := b.halves()
			return s.join(b, [2]kept{collect(h[0]), collect(h[1])})
		}
		if !keep(s.Ell - b.start()) {
			return kept{}
		}
		return s.whole(b.start(), b.end())
	}
	var groups []kept
	for _, b := range blocksOf(0, s.Ell) {
		if k := collect(b); k.count > 0 {
			groups = append(groups, k)
		}
	}
	return groups
}

// stretches is the construction "best" of Fenwick.
func (s *Study) stretches(m Memory) ([]kept, error) {
	var groups []kept
	for d, w := 0, 1; d < s.Ell; d, w = d+w, max(1, d+w) {
		from, to := max(0, s.Ell-d-w), s.Ell-d
		n := min(to-from, max(1, int(math.Round(m.A*math.Pow(float64(w), m.B)))))
		k, err := s.best(s.whole(from, to), &s.future, n)
		if err != nil {
			return nil, err
		}
		k.idle = n - k.count
		groups = append(groups, k)
	}
	return groups, nil
}

// segments keeps one number each of segments that grow with distance.
func (s *Study) segments(m Memory, how string) ([]kept, error) {
	var groups []kept
	for d := 0; d < s.Ell; {
		w := max(1, int(math.Round(m.A*math.Pow(float64(d+1), 1-m.B))))
		from, to := max(0, s.Ell-d-w), s.Ell-d
		d += w
		var k kept
		var err error
		switch how {
		case "best":
			k, err = s.best(s.whole(from, to), &s.future, 1)
		case "mean":
			k = s.mean(from, to)
		default:
			k = s.whole(to-1, to)
		}
		if err != nil {
			return nil, err
		}
		groups = append(groups, k)
	}
	return groups, nil
}

// mean keeps the sum of tokens from..to−1, which carries what their mean does.
func (s *Study) mean(from, to int) kept {
	ones := func(n int) *mat.Dense {
		x := mat.NewDense(n, 1, nil)
		for i := range n {
			x.Set(i, 0, 1)
		}
		return x
	}
	var sum func(b block) kept
	sum = func(b block) kept {
		if b.level == 0 {
			return s.whole(b.start(), b.end())
		}
		h := b.halves()
		return s.join(b, [2]kept{sum(h[0]), sum(h[1])}).transform(ones(2))
	}
	out := kept{count: 1}
	noise := 0.0
	for _, b := range blocksOf(from, to) {
		k := sum(b)
		out.parts = append(out.parts, k.parts[0])
		if k.noise != nil {
			noise += k.noise.At(0, 0)
		}
	}
	out.noise = mat.NewDense(1, 1, []float64{noise})
	return out
}

// horizon is the least number of tokens after a block by which its directions
// are chosen: twice the block, where that is more.
const horizon = 1024

// merged is the construction "merged" of Fenwick.
func (s *Study) merged(m Memory) ([]kept, error) {
	var build func(b block) (kept, error)
	build = func(b block) (kept, error) {
		if b.level == 0 {
			return s.whole(b.start(), b.end()), nil
		}
		to := min(s.Length, b.end()+max(horizon, 2<<b.level))
		key := [2]int{b.level, to - b.end()}
		if k, known := s.same[key]; known {
			return kept{parts: []part{{b, k.parts[0].b}}, noise: k.noise, count: k.count}, nil
		}
		var halves [2]kept
		for i, h := range b.halves() {
			var err error
			if halves[i], err = build(h); err != nil {
				return kept{}, err
			}
		}
		future, err := s.side(b.end(), to)
		if err != nil {
			return kept{}, err
		}
		width := int(math.Ceil(m.A * math.Pow(2, m.B*float64(b.level))))
		k, err := s.best(s.join(b, halves), future, width)
		if err == nil && s.c.stationary() {
			s.same[key] = k
		}
		return k, err
	}
	var groups []kept
	at := 0
	for level := bits.Len(uint(s.Ell)) - 1; level >= 0; level-- {
		if s.Ell>>level&1 == 0 {
			continue
		}
		k, err := build(block{level, at >> level})
		if err != nil {
			return nil, err
		}
		groups = append(groups, k)
		at += 1 << level
	}
	return groups, nil
}
