package mixer

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/l2m-lab/l2m/lab/graph"
)

// memoryCaching is linear attention that keeps the states of past segments (Memory
// Caching, arXiv 2602.24281, its gated residual variant), with segments that grow with
// distance ★. The past is cut into aligned blocks of 2^i tokens, one for each bit that is
// set in the number of past tokens. A block of n tokens is ⌈memory_scale·n^memory_exponent⌉
// segments, at most n, each with one matrix, the sum of its tokens' keys times values;
// where two full blocks become one, neighbouring segments are added up. A query reads
// every matrix with a weight, a softmax over segments of how a second query agrees with
// the mean key of the segment.
//
// It keeps heads·head_dim·(head_dim + 1) numbers a segment: the matrix, and the sum of keys.
var memoryCaching = mechanism{name: "memory_caching", limited: true, check: checkCaching, mix: func(s scope, seq sequence, x *graph.Node) *graph.Node {
	g := s.g
	h, size, d := s.c.heads()
	kv := s.c.keyHeads()
	q, u := s.split(g.SiLU(s.linear("q.weight", x, d)), h), s.split(s.linear("u.weight", x, d), h)
	k, v := s.split(g.SiLU(s.linear("k.weight", x, kv*size)), kv), s.split(s.linear("v.weight", x, kv*size), kv)
	y := seq.segments(g.Scale(q, 1/math.Sqrt(float64(size))), u, k, v, s.segments())
	return s.output("o.weight", s.merge(s.rms("norm", y)), s.c.Hidden)
}}

func checkCaching(c *Config) error {
	if err := c.checkHeads(c.Hidden); err != nil {
		return err
	}
	return c.checkMemory()
}

// segments is how blocks are cut into segments. Level i is that of blocks of 2^i tokens.
type segments struct {
	counts [][]float32   // tokens of each segment, by level
	joins  []*graph.Node // [segments from]: which of two blocks of the level below are added up; nil at level 0
}

func (s scope) segments() *segments {
	m := &segments{counts: [][]float32{{1}}, joins: []*graph.Node{nil}}
	for i := 1; i < bits.Len(uint(s.c.Longest-1)); i++ {
		before := slices.Concat(m.counts[i-1], m.counts[i-1])
		n, from := s.c.slots(1<<i), len(before)
		join, counts := make([]float32, n*from), make([]float32, n)
		for j, tokens := range before {
			join[j*n/from*from+j], counts[j*n/from] = 1, counts[j*n/from]+tokens
		}
		m.counts, m.joins = append(m.counts, counts), append(m.joins, s.g.Constant(join, n, from))
	}
	return m
}

// joined makes the segments of a level of those of pairs of blocks of the level below,
// x [B blocks from G numbers].
func (m *segments) joined(g *graph.Graph, level int, x *graph.Node) *graph.Node {
	B, blocks, from, G := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	n := len(m.counts[level])
	y := g.Dot(g.Broadcast(m.joins[level], B*blocks, n, from), g.Reshape(x, B*blocks, from, -1), false, false)
	return g.Reshape(y, B, blocks, n, G, -1)
}

// outer is what one token adds to a segment: keys [B T G size] times values and a 1, as
// [B T G size·(size + 1)].
func outer(g *graph.Graph, k, v *graph.Node) *graph.Node {
	B, T, G, size := k.Shape[0], k.Shape[1], k.Shape[2], k.Shape[3]
	v = g.Concat(3, v, g.Fill(1, B, T, G, 1))
	return g.Reshape(g.Mul(g.Reshape(k, B, T, G, size, 1), g.Reshape(v, B, T, G, 1, size+1)), B, T, G, -1)
}

// readers are queries [B blocks rows H size] as [B·blocks G rows·H/G size], where the
// heads that read one group lie together.
func readers(g *graph.Graph, q *graph.Node, G int) *graph.Node {
	B, blocks, rows, H, size := q.Shape[0], q.Shape[1], q.Shape[2], q.Shape[3], q.Shape[4]
	q = g.Transpose(g.Reshape(q, B*blocks, rows, G, H/G, size), 0, 2, 1, 3, 4)
	return g.Reshape(q, B*blocks, G, rows*(H/G), size)
}

// read undoes readers: [B·blocks G rows·H/G n] to [B blocks rows H n].
func read(g *graph.Graph, y *graph.Node, B, H int) *graph.Node {
	N, G, n := y.Shape[0], y.Shape[1], y.Shape[3]
	y = g.Transpose(g.Reshape(y, N, G, -1, H/G, n), 0, 2, 1, 3, 4)
	return g.Reshape(y, B, N/B, -1, H, n)
}

// agreement is that of u [B blocks rows H size] with the mean keys of the segments x
// [B blocks n G size·(size + 1)] of its block, [B blocks rows H n].
func agreement(g *graph.Graph, u, x *graph.Node, counts []float32) *graph.Node {
	B, blocks, n, G := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	size := u.Shape[4]
	keys := g.Cut(g.Reshape(x, B*blocks, n, G, size, size+1), 4, size, 1)
	keys = g.Div(g.Reshape(g.Transpose(keys, 0, 2, 1, 3, 4), B*blocks, G, n, size), g.Constant(counts, n, 1))
	return g.Scale(read(g, g.Dot(readers(g, u, G), keys, false, true), B, u.Shape[3]), 1/math.Sqrt(float64(size)))
}

// blend adds up the segments x [B blocks n G numbers] with weights [B blocks rows H n],
// [B blocks rows H numbers].
func blend(g *graph.Graph, weights, x *graph.Node) *graph.Node {
	B, blocks, n, G := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	x = g.Transpose(g.Reshape(x, B*blocks, n, G, -1), 0, 2, 1, 3)
	return read(g, g.Dot(readers(g, weights, G), x, false, false), B, weights.Shape[3])
}

// apply is q [B T H size] times blended matrices [B T H size·(size + 1)].
func apply(g *graph.Graph, q, x *graph.Node) *graph.Node {
	B, T, H, size := q.Shape[0], q.Shape[1], q.Shape[2], q.Shape[3]
	x = g.Cut(g.Reshape(x, B, T, H, size, size+1), 4, 0, size)
	return g.Reshape(g.Dot(g.Reshape(q, B, T, H, 1, size), x, false, false), B, T, H, size)
}

// segments reads whole levels at once: tokens in the right halves of pairs of blocks read
// the segments of the left halves, and their own.
func (w whole) segments(q, u, k, v *graph.Node, m *segments) *graph.Node {
	g := w.g
	B, T, H, G, size := q.Shape[0], q.Shape[1], q.Shape[2], k.Shape[2], q.Shape[3]
	levels := bits.Len(uint(T - 1))
	if levels > len(m.counts) {
		panic(&graph.ShapeError{Text: fmt.Sprintf("a sequence of %d tokens is longer than max_position_embeddings", T)})
	}
	n := 1 << levels // later tokens change nothing for earlier ones
	pad := func(x *graph.Node) *graph.Node {
		return g.Pad(x, []int{0, 0, 0, 0}, []int{B, n, x.Shape[2], x.Shape[3]})
	}
	q, u, k, v = pad(q), pad(u), pad(k), pad(v)
	right := func(x *graph.Node, level int) *graph.Node {
		x = g.Reshape(x, B, n>>(level+1), 2, 1<<level, H, x.Shape[3])
		return g.Reshape(g.Cut(x, 2, 1, 1), B, n>>(level+1), 1<<level, H, -1)
	}
	// across puts what the tokens of right halves have, [B pairs rows H numbers], among
	// all, with a number for the others.
	across := func(x *graph.Node, others float64) *graph.Node {
		x = g.Reshape(x, B, x.Shape[1], 1, x.Shape[2], H, x.Shape[4])
		x = g.Concat(2, g.Fill(others, x.Shape...), x)
		return g.Reshape(x, B, n, H, -1)
	}
	own := g.Reshape(outer(g, k, v), B, n, 1, G, -1)
	logits := []*graph.Node{g.Reshape(agreement(g, g.Reshape(u, B, n, 1, H, size), own, []float32{1}), B, n, H, 1)}
	below, left := own, []*graph.Node{}
	for i := range levels {
		if i > 0 {
			below = m.joined(g, i, below)
		}
		below = g.Reshape(below, B, n>>(i+1), 2*len(m.counts[i]), G, -1)
		seen := g.Cut(below, 2, 0, len(m.counts[i]))
		left = append(left, seen)
		logits = append(logits, across(agreement(g, right(u, i), seen, m.counts[i]), graph.Hidden))
	}
	weights := softmax(g, g.Concat(3, logits...))
	blended := g.Reshape(blend(g, g.Reshape(g.Cut(weights, 3, 0, 1), B, n, 1, H, 1), own), B, n, H, -1)
	at := 1
	for i, x := range left {
		part := g.Cut(weights, 3, at, len(m.counts[i]))
		blended = g.Add(blended, across(blend(g, right(part, i), x), 0))
		at += len(m.counts[i])
	}
	return g.Cut(apply(g, q, blended), 1, 0, T)
}

// segments holds at most one block for each level. After the last token that positions
// allow nothing is kept.
func (s *step) segments(q, u, k, v *graph.Node, m *segments) *graph.Node {
	g := s.g
	B, H, G := q.Shape[0], q.Shape[2], k.Shape[2]
	held := make([]*graph.Node, len(m.counts)) // [B 1 n G numbers]
	if s.at > 0 {
		copy(held, s.state[len(s.next):])
	}
	block := g.Reshape(outer(g, k, v), B, 1, 1, G, -1)
	seen, counts := []*graph.Node{block}, []float32{1}
	for i, x := range held {
		if x != nil {
			seen, counts = append(seen, x), append(counts, m.counts[i]...)
		}
	}
	all := g.Concat(2, seen...)
	weights := softmax(g, agreement(g, g.Reshape(u, B, 1, 1, H, -1), all, counts))
	y := apply(g, q, g.Reshape(blend(g, weights, all), B, 1, H, -1))
	if s.at+1 < 1<<len(m.counts) {
		i := 0
		for ; held[i] != nil; i++ {
			block = m.joined(g, i+1, g.Concat(2, held[i], block))
			held[i] = nil
		}
		held[i] = block
	}
	for _, x := range held {
		s.keep(x)
	}
	return y
}
