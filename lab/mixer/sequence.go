package mixer

import (
	"math"

	"github.com/l2m-lab/l2m/lab/graph"
)

// sequence gives a mechanism access to the past.
type sequence interface {
	// position is that of the first current token, from 0.
	position() int
	attention(q, k, v *graph.Node, attr graph.AttentionAttr) *graph.Node
	decayed(q, k, v, a *graph.Node, chunk int) *graph.Node
	decayedKeys(q, k, v, a *graph.Node, chunk int) *graph.Node
	delta(q, k, v, a, b *graph.Node, chunk int) *graph.Node
	scan(a, b *graph.Node) *graph.Node
	conv(x, w, bias *graph.Node) *graph.Node
	memory(q, kv *graph.Node, m *memory) *graph.Node
	levels(q, k, v, a, weights *graph.Node, chunk int) *graph.Node
	segments(q, u, k, v *graph.Node, m *segments) *graph.Node
}

// whole has all tokens: the training form.
type whole struct{ g *graph.Graph }

func (whole) position() int { return 0 }

func (w whole) attention(q, k, v *graph.Node, attr graph.AttentionAttr) *graph.Node {
	H := q.Shape[2]
	return w.g.Attention(q, shared(w.g, k, H), shared(w.g, v, H), attr)
}

func (w whole) decayed(q, k, v, a *graph.Node, chunk int) *graph.Node {
	return w.g.Decayed(q, k, v, a, chunk)
}

func (w whole) decayedKeys(q, k, v, a *graph.Node, chunk int) *graph.Node {
	return w.g.DecayedKeys(q, k, v, a, chunk)
}

func (w whole) delta(q, k, v, a, b *graph.Node, chunk int) *graph.Node {
	return w.g.Delta(q, k, v, a, b, chunk)
}

func (w whole) scan(a, b *graph.Node) *graph.Node { return w.g.Scan(a, b) }

func (w whole) conv(x, w2, bias *graph.Node) *graph.Node { return w.g.ShortConv(x, w2, bias) }

// step has one token and the state left by earlier ones: the step form. Operations come
// in the same order at every token, so states are identified by number.
type step struct {
	g     *graph.Graph
	at    int
	state []*graph.Node // of the tokens before; nil in it: nothing is held yet
	next  []*graph.Node
}

func (s *step) position() int { return s.at }

// old takes the next state; zeros of the given shape before the first token.
func (s *step) old(shape ...int) *graph.Node {
	if s.at == 0 {
		return s.g.Fill(0, shape...)
	}
	return s.state[len(s.next)]
}

func (s *step) keep(n *graph.Node) { s.next = append(s.next, n) }

// grown appends the new token to those kept, along axis 1.
func (s *step) grown(x *graph.Node) *graph.Node {
	if s.at == 0 || s.state[len(s.next)] == nil {
		return x
	}
	return s.g.Concat(1, s.state[len(s.next)], x)
}

// visible drops the keys that the next query cannot see.
func (s *step) visible(x *graph.Node, attr graph.AttentionAttr) *graph.Node {
	most := attr.Window - 1 + attr.Sinks
	n := x.Shape[1]
	switch {
	case attr.Window == 0 || n <= most:
		return x
	case most == 0:
		return nil
	case attr.Sinks == 0:
		return s.g.Cut(x, 1, n-most, most)
	case attr.Window == 1:
		return s.g.Cut(x, 1, 0, attr.Sinks)
	}
	return s.g.Concat(1, s.g.Cut(x, 1, 0, attr.Sinks), s.g.Cut(x, 1, n-attr.Window+1, attr.Window-1))
}

func (s *step) attention(q, k, v *graph.Node, attr graph.AttentionAttr) *graph.Node {
	keys := s.grown(k)
	s.keep(s.visible(keys, attr))
	values := s.grown(v)
	s.keep(s.visible(values, attr))
	heads := func(x *graph.Node) *graph.Node { return s.g.Transpose(x, 0, 2, 1, 3) }
	keys, values = shared(s.g, keys, q.Shape[2]), shared(s.g, values, q.Shape[2])
	logits := s.g.Scale(s.g.Dot(heads(q), heads(keys), false, true), 1/math.Sqrt(float64(q.Shape[3])))
	weights := s.g.Exp(s.g.Sub(logits, s.g.LogSumExp(logits)))
	return heads(s.g.Dot(weights, heads(values), false, false))
}

// column is x [B 1 H n] as [B H n 1].
func (s *step) column(x *graph.Node) *graph.Node {
	return s.g.Reshape(x, x.Shape[0], x.Shape[2], x.Shape[3], 1)
}

// row is x [B 1 H n] as [B H 1 n].
func (s *step) row(x *graph.Node) *graph.Node {
	return s.g.Reshape(x, x.Shape[0], x.Shape[2], 1, x.Shape[3])
}

// perHead is x [B 1 H] as [B H 1 1].
func (s *step) perHead(x *graph.Node) *graph.Node {
	return s.g.Reshape(x, x.Shape[0], x.Shape[2], 1, 1)
}

// grouped repeats the groups of x [B 1 G n] for H heads.
func (s *step) grouped(x *graph.Node, H int) *graph.Node {
	return shared(s.g, x, H)
}

func (s *step) decayed(q, k, v, a *graph.Node, _ int) *graph.Node {
	H := v.Shape[2]
	return s.fading(s.grouped(q, H), s.grouped(k, H), v, s.perHead(a))
}

func (s *step) decayedKeys(q, k, v, a *graph.Node, _ int) *graph.Node {
	return s.fading(q, k, v, s.column(a))
}

// fading is linear attention whose state is multiplied by e^a before the current token
// is added.
func (s *step) fading(q, k, v, a *graph.Node) *graph.Node {
	state := s.g.Mul(s.old(v.Shape[0], v.Shape[2], k.Shape[3], v.Shape[3]), s.g.Exp(a))
	state = s.g.Add(state, s.g.Dot(s.column(k), s.row(v), false, false))
	s.keep(state)
	return s.g.Reshape(s.g.Dot(s.row(q), state, false, false), v.Shape...)
}

func (s *step) delta(q, k, v, a, b *graph.Node, _ int) *graph.Node {
	state := s.g.Mul(s.old(v.Shape[0], v.Shape[2], k.Shape[3], v.Shape[3]), s.g.Exp(s.perHead(a)))
	held := s.g.Dot(s.row(k), state, false, false)
	write := s.g.Mul(s.g.Sub(s.row(v), held), s.perHead(b))
	state = s.g.Add(state, s.g.Dot(s.column(k), write, false, false))
	s.keep(state)
	return s.g.Reshape(s.g.Dot(s.row(q), state, false, false), v.Shape...)
}

func (s *step) scan(a, b *graph.Node) *graph.Node {
	h := s.g.Add(s.g.Mul(a, s.old(b.Shape...)), b)
	s.keep(h)
	return h
}

func (s *step) conv(x, w, bias *graph.Node) *graph.Node {
	B, k, d := x.Shape[0], w.Shape[0], x.Shape[2]
	if k == 1 {
		return s.g.Add(s.g.Mul(x, w), bias)
	}
	columns := s.g.Concat(1, s.old(B, k-1, d), x)
	s.keep(s.g.Cut(columns, 1, 1, k-1))
	return s.g.Add(s.g.Sum(s.g.Mul(columns, w), 1), bias)
}

// Step builds the model for token number at (from 0), x [B 1] or [B 1 Vector], given
// the state that Step returned at the token before. The result is like that of Forward.
// A nil in a state is empty. The size of next, for a batch of 1, is the history state
// of package arch.
func (c Config) Step(g *graph.Graph, x *graph.Node, at int, state []*graph.Node) (y *graph.Node, next []*graph.Node) {
	s := &step{g: g, at: at, state: state}
	y, _ = c.build(g, s, x, nil)
	return y, s.next
}
