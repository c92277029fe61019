package mixer

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

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
	d, h := s.c.Hidden, s.c.Heads
	m := s.memory()
	q := s.g.Scale(s.split(s.linear("q.weight", x, d), h), 1/math.Sqrt(float64(d/h)))
	y := seq.memory(q, s.split(s.linear("kv.weight", x, 2*d), h), m)
	return s.output("o.weight", s.merge(y), d)
}}

const powerLaw = "power_law_memory"

// The ways in which slots are made from those of two halves (memory_merge).
const (
	mergeLinear    = "linear"    // a learned matrix over slots for each level
	mergeAttention = "attention" // learned queries read them, with a learned bias for each slot
)

func checkMemory(c *Config) error {
	if err := c.checkHeads(c.Hidden); err != nil {
		return err
	}
	switch {
	case c.Place == "rope":
		return fmt.Errorf("slots have no position for rotary embeddings: positions must be none or learned")
	case !(c.Scale > 0 && c.Scale <= 1<<20):
		return fmt.Errorf("memory_scale is %g; want above 0", c.Scale)
	case !(c.Exponent >= 0 && c.Exponent <= 1):
		return fmt.Errorf("memory_exponent is %g; want 0 to 1", c.Exponent)
	case c.MemoryChunk < 1 || bits.OnesCount(uint(c.MemoryChunk)) != 1:
		return fmt.Errorf("memory_chunk is %d; want a power of two", c.MemoryChunk)
	case !slices.Contains([]string{mergeLinear, mergeAttention}, c.Merge):
		return fmt.Errorf("memory_merge is %q; want %s or %s", c.Merge, mergeLinear, mergeAttention)
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

// join holds the parameters of a merge.
type join struct {
	weights *graph.Node // [slots, from]: the matrix, or the bias of the queries
	queries *graph.Node // [H slots size]
}

// levelsFor is the number of levels that sequences of n tokens read.
func levelsFor(n, chunk int) int { return bits.Len(uint((n - 1) / chunk)) }

func (s scope) memory() *memory {
	c := s.c
	m := &memory{s: s, chunk: c.MemoryChunk}
	from, size := c.MemoryChunk, c.Hidden/c.Heads
	for i := range levelsFor(c.Longest, c.MemoryChunk) {
		block := float64(c.MemoryChunk << i)
		n := int(min(block, math.Ceil(c.Scale*math.Pow(2, c.Exponent*math.Log2(block)))))
		level := s.in(fmt.Sprint(i))
		j := join{}
		if c.Merge == mergeLinear {
			j.weights = level.param("merge.weight", true, mixing(n, from, 1/math.Sqrt(math.Ceil(float64(from)/float64(n))), 0.1/math.Sqrt(float64(from))), n, from)
		} else {
			j.weights = level.param("merge.bias", false, mixing(n, from, 4, 0.1), n, from)
			j.queries = level.param("merge.queries", true, normal(0.1), c.Heads, n, size)
		}
		m.slots, m.joins = append(m.slots, n), append(m.joins, j)
		m.shift = append(m.shift, level.param("shift", false, normal(0.2), c.Heads, n, 2*size))
		from = 2 * n
	}
	return m
}

// mixing draws a matrix [n from] whose rows share the columns evenly, in order:
// a number where they do, and noise.
func mixing(n, from int, at, noise float64) func(*rand.Rand) float64 {
	i := -1
	return func(rng *rand.Rand) float64 {
		i = (i + 1) % (n * from)
		x := noise * rng.NormFloat64()
		if i%from*n/from == i/from {
			x += at
		}
		return x
	}
}

// merged makes the slots of a level, [B H blocks slots 2·size], from the tokens
// or slots x [B H blocks from 2·size] of each block.
func (m *memory) merged(level int, x *graph.Node) *graph.Node {
	g, j := m.s.g, m.joins[level]
	B, H, blocks, from, width := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], x.Shape[4]
	n, R := m.slots[level], B*H*blocks
	x = g.Reshape(x, R, from, width)
	if j.queries == nil {
		columns := g.Reshape(g.Transpose(x, 1, 0, 2), from, R*width)
		rows := g.Reshape(g.Dot(j.weights, columns, false, false), n, R, width)
		return g.Reshape(g.Transpose(rows, 1, 0, 2), B, H, blocks, n, width)
	}
	size := width / 2
	queries := g.Broadcast(g.Reshape(j.queries, 1, H, 1, n, size), B, H, blocks, n, size)
	logits := g.Dot(g.Reshape(queries, R, n, size), g.Cut(x, 2, 0, size), false, true)
	logits = g.Add(g.Scale(logits, 1/math.Sqrt(float64(size))), j.weights)
	return g.Reshape(g.Dot(softmax(g, logits), x, false, false), B, H, blocks, n, width)
}

// readable are the slots x [B H blocks slots 2·size] of a level as queries see
// them.
func (m *memory) readable(level int, x *graph.Node) *graph.Node {
	h := m.shift[level]
	return m.s.g.Add(x, m.s.g.Reshape(h, h.Shape[0], 1, h.Shape[1], h.Shape[2]))
}

func softmax(g *graph.Graph, logits *graph.Node) *graph.Node {
	return g.Exp(g.Sub(logits, g.LogSumExp(logits)))
}

// memory reads, at each level, with the queries in the right halves of pairs of
// blocks the slots of the left halves: one batched product a level.
func (w whole) memory(q, kv *graph.Node, m *memory) *graph.Node {
	g := w.g
	B, T, H, size := q.Shape[0], q.Shape[1], q.Shape[2], q.Shape[3]
	levels := levelsFor(T, m.chunk)
	if levels > len(m.slots) {
		panic(&graph.ShapeError{Text: fmt.Sprintf("a sequence of %d tokens is longer than max_position_embeddings, %d", T, m.s.c.Longest)})
	}
	n := m.chunk << levels // later tokens change nothing for earlier ones
	heads := func(x *graph.Node) *graph.Node {
		x = g.Pad(x, []int{0, 0, 0, 0}, []int{B, n, H, x.Shape[3]})
		return g.Transpose(x, 0, 2, 1, 3)
	}
	q, kv = heads(q), heads(kv)
	own := reading{g: g, blocks: n / m.chunk, block: m.chunk, slots: g.Reshape(kv, B, H, n/m.chunk, m.chunk, 2*size)}
	parts := []reading{own}
	below := own.slots
	for i := range levels {
		blocks := n / (m.chunk << i)
		slots := m.merged(i, below)
		k := m.slots[i]
		left := g.Cut(g.Reshape(m.readable(i, slots), B, H, blocks/2, 2*k, 2*size), 3, 0, k)
		parts = append(parts, reading{g: g, blocks: blocks / 2, block: m.chunk << (i + 1), right: true, slots: left})
		below = g.Reshape(slots, B, H, blocks/2, 2*k, 2*size)
	}
	var logits []*graph.Node
	for _, p := range parts {
		logits = append(logits, p.logits(q))
	}
	weights, from := softmax(g, g.Concat(3, logits...)), 0
	var y *graph.Node
	for _, p := range parts {
		k := p.slots.Shape[3]
		part := p.values(g.Cut(weights, 3, from, k))
		if from += k; y == nil {
			y = part
		} else {
			y = g.Add(y, part)
		}
	}
	return g.Cut(g.Transpose(y, 0, 2, 1, 3), 1, 0, T)
}

// reading is what queries see of one level: those in a block of the sequence, or
// in its right half, read the slots that belong to it.
type reading struct {
	g             *graph.Graph
	blocks, block int         // number, tokens
	right         bool        // only the right halves read; else all, causally
	slots         *graph.Node // [B H blocks slots 2·size]
}

// shape gives the sizes of the product: batches of the queries that read, and
// slots.
func (r reading) shape() (batch, readers, slots, size int) {
	s := r.slots.Shape
	if readers = r.block; r.right {
		readers /= 2
	}
	return s[0] * s[1] * r.blocks, readers, s[3], s[4] / 2
}

// logits are those of all queries q [B H n size], [B H n slots].
func (r reading) logits(q *graph.Node) *graph.Node {
	g := r.g
	batch, readers, slots, size := r.shape()
	q = g.Cut(g.Reshape(q, batch, r.block, size), 1, r.block-readers, readers)
	keys := g.Cut(g.Reshape(r.slots, batch, slots, 2*size), 2, 0, size)
	x := g.Dot(q, keys, false, true)
	if r.right {
		x = g.Concat(1, g.Fill(graph.Hidden, batch, readers, slots), x)
	} else {
		past := g.Less(g.Iota(1, r.block, r.block), g.Shift(g.Iota(0, r.block, r.block), 1))
		x = g.Select(past, x, g.Fill(graph.Hidden))
	}
	return g.Reshape(x, r.slots.Shape[0], r.slots.Shape[1], -1, slots)
}

// values are what the weights [B H n slots] read, [B H n size].
func (r reading) values(weights *graph.Node) *graph.Node {
	g := r.g
	batch, readers, slots, size := r.shape()
	weights = g.Cut(g.Reshape(weights, batch, r.block, slots), 1, r.block-readers, readers)
	y := g.Dot(weights, g.Cut(g.Reshape(r.slots, batch, slots, 2*size), 2, size, size), false, false)
	y = g.Pad(y, []int{0, r.block - readers, 0}, []int{batch, r.block, size})
	return g.Reshape(y, r.slots.Shape[0], r.slots.Shape[1], -1, size)
}

// memory holds the tokens of the current chunk and at most one block for each level.
// After the last token that positions allow nothing is kept.
func (s *step) memory(q, kv *graph.Node, m *memory) *graph.Node {
	g := s.g
	B, H, size := q.Shape[0], q.Shape[2], q.Shape[3]
	held := make([]*graph.Node, 1+len(m.slots)) // tokens, then blocks by level, [B H 1 n 2·size]
	if s.at > 0 {
		copy(held, s.state[len(s.next):])
	}
	old := slices.Clone(held)
	if held[0] = g.Reshape(kv, B, H, 1, 1, 2*size); old[0] != nil {
		held[0] = g.Concat(3, old[0], held[0])
	}
	seen := []*graph.Node{held[0]}
	for i, x := range held[1:] {
		if x != nil {
			seen = append(seen, m.readable(i, x))
		}
	}
	all := g.Concat(3, seen...)
	all = g.Reshape(all, B, H, -1, 2*size)
	logits := g.Dot(g.Reshape(q, B, H, 1, size), g.Cut(all, 3, 0, size), false, true)
	y := g.Dot(softmax(g, logits), g.Cut(all, 3, size, size), false, false)
	switch {
	case s.at+1 == m.chunk<<len(m.slots):
		held = old
	case held[0].Shape[3] == m.chunk:
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
		block = m.merged(i+1, m.s.g.Concat(3, held[i+1], block))
		held[i+1] = nil
	}
	held[i+1] = block
}
