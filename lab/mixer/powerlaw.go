package mixer

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/lab/graph"
)

// powerLawMemory keeps, of each stretch of the past, about as many keys and
// values as a power of its length asks for ★. The past is cut into aligned
// blocks of memory_chunk·2^i tokens, one for each bit that is set in the number
// of whole chunks (a Fenwick tree). A block of n tokens holds
// ⌈memory_scale·n^memory_exponent⌉ slots, at most n, that are made from the
// slots of its two halves when it is full. A query reads, in one softmax, the
// tokens of its own chunk and the slots of the blocks before it. With scale and
// exponent 1 and merges that change nothing it is full attention.
var powerLawMemory = mechanism{name: powerLaw, limited: true, check: checkMemory, mix: func(s scope, seq sequence, x *graph.Node) *graph.Node {
	h, size, d := s.c.heads()
	m := s.memory()
	q := s.g.Scale(s.split(s.linear("q.weight", x, d), h), 1/math.Sqrt(float64(size)))
	kv := s.c.keyHeads()
	y := seq.memory(q, s.split(s.linear("kv.weight", x, 2*kv*size), kv), m)
	return s.output("o.weight", s.merge(y), s.c.Hidden)
}}

const powerLaw = "power_law_memory"

// The ways in which slots are made from those of two halves (memory_merge).
const (
	mergeLinear     = "linear"     // a learned matrix over slots for each level, which begins as means of neighbours
	mergeOrthogonal = "orthogonal" // the same, but it begins with random orthonormal rows
	mergeDense      = "dense"      // a learned matrix over the numbers of all slots together
	mergeAttention  = "attention"  // learned queries read them, with a learned bias for each slot
	mergeNested     = "nested"     // some are kept, the others dropped: the tokens that are left lie at distances like k^(1/exponent)
)

var merges = []string{mergeLinear, mergeOrthogonal, mergeDense, mergeAttention, mergeNested}

func checkMemory(c *Config) error {
	if err := c.checkHeads(c.Hidden); err != nil {
		return err
	}
	switch {
	case c.MemoryChunk < 1 || bits.OnesCount(uint(c.MemoryChunk)) != 1:
		return fmt.Errorf("memory_chunk is %d; want a power of two", c.MemoryChunk)
	case !slices.Contains(merges, c.Merge):
		return fmt.Errorf("memory_merge is %q; want one of %s", c.Merge, strings.Join(merges, ", "))
	}
	return c.checkMemory()
}

// checkMemory checks what mechanisms have in common whose blocks grow like a power.
func (c *Config) checkMemory() error {
	switch {
	case c.Place == "rope":
		return fmt.Errorf("slots have no position for rotary embeddings: positions must be none, learned or digits")
	case !(c.Scale > 0 && c.Scale <= 1<<20):
		return fmt.Errorf("memory_scale is %g; want above 0", c.Scale)
	case !(c.Exponent >= 0 && c.Exponent <= 1):
		return fmt.Errorf("memory_exponent is %g; want 0 to 1", c.Exponent)
	case c.Longest < 1:
		return fmt.Errorf("max_position_embeddings is not set: it says how many levels there are")
	}
	return nil
}

// memory is the slots of blocks. Level i is that of blocks of chunk·2^i tokens.
type memory struct {
	s     scope
	chunk int           // tokens
	slots []int         // of a block, by level
	shift []*graph.Node // [H slots 2·size], added to the keys and values of a level where they are read
	joins []join        // makes the slots of a level: of tokens, or of two blocks of the level below
}

// slots is how many a block of so many tokens holds.
func (c *Config) slots(tokens int) int {
	block := float64(tokens)
	return int(min(block, math.Ceil(c.Scale*math.Pow(2, c.Exponent*math.Log2(block)))))
}

// join holds the parameters of a merge.
type join struct {
	weights *graph.Node // [slots, from]: the matrix, or the bias of the queries
	dense   *graph.Node // [H slots·2·size, from·2·size]
	queries *graph.Node // [H slots size]
}

// levelsFor is the number of levels that sequences of n tokens read.
func levelsFor(n, chunk int) int { return bits.Len(uint((n - 1) / chunk)) }

func (s scope) memory() *memory {
	c := s.c
	m := &memory{s: s, chunk: c.MemoryChunk}
	from := c.MemoryChunk
	_, size, _ := c.heads()
	for i := range levelsFor(c.Longest, c.MemoryChunk) {
		n := c.slots(c.MemoryChunk << i)
		level := s.in(fmt.Sprint(i))
		j := join{}
		switch c.Merge {
		case mergeNested:
			j.weights = s.g.Constant(newest(n, from), n, from)
		case mergeLinear:
			j.weights = level.param("merge.weight", true, mixing(n, from, 1, evenly(n, from), 0.1/math.Sqrt(float64(from))), n, from)
		case mergeOrthogonal:
			j.weights = level.param("merge.weight", true, orthonormal(n, from), n, from)
		case mergeDense:
			j.dense = level.param("merge.weight", true, mixing(n, from, 2*size, evenly(n, from), 0.1/math.Sqrt(float64(from*2*size))), c.keyHeads(), n*2*size, from*2*size)
		default:
			j.weights = level.param("merge.bias", false, mixing(n, from, 1, 4, 0.1), n, from)
			j.queries = level.param("merge.queries", true, normal(0.1), c.keyHeads(), n, size)
		}
		m.slots, m.joins = append(m.slots, n), append(m.joins, j)
		m.shift = append(m.shift, level.param("shift", false, normal(0.2), c.keyHeads(), n, 2*size))
		from = 2 * n
	}
	return m
}

// mixing draws matrices [n·width from·width] whose rows share the columns evenly, in
// order, number by number where width is above 1: at where they do, and noise.
func mixing(n, from, width int, at, noise float64) func(*rand.Rand) float64 {
	i := -1
	return func(rng *rand.Rand) float64 {
		i = (i + 1) % (n * from * width * width)
		x := noise * rng.NormFloat64()
		row, column := i/(from*width), i%(from*width)
		if row%width == column%width && column/width*n/from == row/width {
			x += at
		}
		return x
	}
}

// evenly is the weight that keeps sums of independent numbers as large as they are, where
// n rows share the columns.
func evenly(n, from int) float64 { return 1 / math.Sqrt(math.Ceil(float64(from)/float64(n))) }

// orthonormal draws a matrix [n from] of random orthonormal rows (normal rows, made so by
// Gram and Schmidt), n at most from.
func orthonormal(n, from int) func(*rand.Rand) float64 {
	var x []float64
	return func(rng *rand.Rand) float64 {
		if len(x) == 0 {
			for i := range n {
				row := make([]float64, from)
				for j := range row {
					row[j] = rng.NormFloat64()
				}
				for range 2 { // the second time for what rounding left
					for k := range i {
						earlier := x[k*from:][:from]
						along := 0.0
						for j := range row {
							along += row[j] * earlier[j]
						}
						for j := range row {
							row[j] -= along * earlier[j]
						}
					}
				}
				norm := 0.0
				for _, v := range row {
					norm += v * v
				}
				for j := range row {
					row[j] /= math.Sqrt(norm)
				}
				x = append(x, row...)
			}
		}
		v := x[0]
		x = x[1:]
		return v
	}
}

// newest is a matrix [n from] that keeps the last of the columns that a row of
// mixing shares.
func newest(n, from int) []float32 {
	x := make([]float32, n*from)
	for i := range n {
		x[i*from+((i+1)*from-1)/n] = 1
	}
	return x
}

// merged makes the slots of a level, [B blocks slots H 2·size], from the tokens
// or slots x [B blocks from H 2·size] of each block.
func (m *memory) merged(level int, x *graph.Node) *graph.Node {
	g, j := m.s.g, m.joins[level]
	B, blocks, from, H, width := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], x.Shape[4]
	n := m.slots[level]
	if j.dense != nil {
		x = g.Reshape(g.Transpose(g.Reshape(x, B*blocks, from, H, width), 2, 0, 1, 3), H, B*blocks, from*width)
		y := g.Reshape(g.Dot(x, j.dense, false, true), H, B*blocks, n, width)
		return g.Reshape(g.Transpose(y, 1, 2, 0, 3), B, blocks, n, H, width)
	}
	if j.queries == nil {
		weights := g.Broadcast(j.weights, B*blocks, n, from) // small products, without transposed copies
		return g.Reshape(g.Dot(weights, g.Reshape(x, B*blocks, from, H*width), false, false), B, blocks, n, H, width)
	}
	size := width / 2
	x = g.Transpose(x, 0, 1, 3, 2, 4) // [B blocks H from 2·size]
	queries := g.Broadcast(g.Reshape(j.queries, 1, 1, H, n, size), B, blocks, H, n, size)
	logits := g.Dot(queries, g.Cut(x, 4, 0, size), false, true)
	logits = g.Add(g.Scale(logits, 1/math.Sqrt(float64(size))), j.weights)
	return g.Transpose(g.Dot(softmax(g, logits), x, false, false), 0, 1, 3, 2, 4)
}

// readable are the slots x [B blocks slots H 2·size] of a level as queries see
// them.
func (m *memory) readable(level int, x *graph.Node) *graph.Node {
	return m.s.g.Add(x, m.s.g.Transpose(m.shift[level], 1, 0, 2))
}

func softmax(g *graph.Graph, logits *graph.Node) *graph.Node {
	return g.Exp(g.Sub(logits, g.LogSumExp(logits)))
}

// memory merges whole levels at once. Queries in the right halves of pairs of
// blocks read the slots of the left halves.
func (w whole) memory(q, kv *graph.Node, m *memory) *graph.Node {
	g := w.g
	B, T, H, G := q.Shape[0], q.Shape[1], q.Shape[2], kv.Shape[2]
	levels := levelsFor(T, m.chunk)
	if levels > len(m.slots) {
		panic(&graph.ShapeError{Text: fmt.Sprintf("a sequence of %d tokens is longer than max_position_embeddings, %d", T, m.s.c.Longest)})
	}
	n := m.chunk << levels // later tokens change nothing for earlier ones
	pad := func(x *graph.Node) *graph.Node {
		return g.Pad(x, []int{0, 0, 0, 0}, []int{B, n, x.Shape[2], x.Shape[3]})
	}
	below := g.Reshape(pad(kv), B, n/m.chunk, m.chunk, G, -1)
	own, left := shared(g, below, H), []*graph.Node{}
	for i := range levels {
		slots := m.merged(i, below)
		below = g.Reshape(slots, B, slots.Shape[1]/2, 2*m.slots[i], G, -1)
		left = append(left, shared(g, m.readable(i, g.Cut(below, 2, 0, m.slots[i])), H))
	}
	return g.Cut(g.Blocks(pad(q), own, left), 1, 0, T)
}

// memory holds the tokens of the current chunk and at most one block for each level.
// After the last token that positions allow nothing is kept.
func (s *step) memory(q, kv *graph.Node, m *memory) *graph.Node {
	g := s.g
	B, H, G, size := q.Shape[0], q.Shape[2], kv.Shape[2], q.Shape[3]
	held := make([]*graph.Node, 1+len(m.slots)) // tokens, then blocks by level, [B 1 n H 2·size]
	if s.at > 0 {
		copy(held, s.state[len(s.next):])
	}
	old := slices.Clone(held)
	if held[0] = g.Reshape(kv, B, 1, 1, G, 2*size); old[0] != nil {
		held[0] = g.Concat(2, old[0], held[0])
	}
	seen := []*graph.Node{held[0]}
	for i, x := range held[1:] {
		if x != nil {
			seen = append(seen, m.readable(i, x))
		}
	}
	all := shared(g, g.Concat(2, seen...), H)
	all = g.Transpose(g.Reshape(all, B, -1, H, 2*size), 0, 2, 1, 3)
	logits := g.Dot(g.Reshape(q, B, H, 1, size), g.Cut(all, 3, 0, size), false, true)
	y := g.Dot(softmax(g, logits), g.Cut(all, 3, size, size), false, false)
	switch {
	case s.at+1 == m.chunk<<len(m.slots):
		held = old
	case held[0].Shape[2] == m.chunk:
		m.carry(held)
	}
	for _, x := range held {
		s.keep(x)
	}
	return g.Reshape(y, B, 1, H, size)
}

// carry turns a full chunk into a block, and two blocks of a level into one of the
// next, like adding one to a binary number.
func (m *memory) carry(held []*graph.Node) {
	block := m.merged(0, held[0])
	held[0] = nil
	i := 0
	for ; held[i+1] != nil; i++ {
		block = m.merged(i+1, m.s.g.Concat(2, held[i+1], block))
		held[i+1] = nil
	}
	held[i+1] = block
}
