package mixer

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/l2m-lab/l2m/lab/graph"
)

// carried has all tokens of a window and the state left by the window before: the
// training form of truncated back-propagation. Extra tokens around the window take
// states in and out of the kernels of the training form: token i before it writes row i
// of a state under the key e_i, and token i after it reads that row with the query e_i.
type carried struct {
	whole
	state func(shape ...int) *graph.Node // the next one of the window before
	next  []*graph.Node
}

// CheckCarried says whether Continue builds the model: no layer may keep keys of
// individual tokens, and no position may be counted from the start of a window.
func (c Config) CheckCarried() error {
	for _, t := range c.Types {
		if slices.Contains([]string{fullAttention.name, slidingAttention.name, logLinear.name, powerLawMemory.name, memoryCaching.name}, t) {
			return fmt.Errorf("%s does not have a state of constant size that one window could leave to the next", t)
		}
	}
	if c.counted() {
		return fmt.Errorf("positions %s are counted from the start of a window, which is not the start of the text (choose none)", c.Place)
	}
	return nil
}

// Continue builds the model as Forward does, for tokens that follow those of an earlier
// window: state returns the next of that window's states, zeros at the beginning of a
// text, and next are those of this window, in the same order and shapes.
func (c Config) Continue(g *graph.Graph, x *graph.Node, state func(shape ...int) *graph.Node) (y *graph.Node, next []*graph.Node) {
	s := &carried{whole: whole{g: g}, state: state}
	y, _ = c.build(g, s, x, nil)
	return y, s.next
}

// borders are the tokens before and after a window through which a recurrence with a
// state of n×p numbers a head gets and leaves that state.
type borders struct {
	s    *carried
	size int         // tokens on either side: a multiple of the chunk leaves the window's chunks as they are
	unit *graph.Node // rows of the identity, then zeros, [1 size 1 n]
	n    int
}

func (s *carried) borders(n, chunk int) borders {
	c := 1 << (bits.Len(uint(chunk)) - 1)
	b := borders{s: s, n: n, size: (n + c - 1) / c * c}
	unit := make([]float32, b.size*n)
	for i := range n {
		unit[i*n+i] = 1
	}
	b.unit = s.g.Constant(unit, 1, b.size, 1, n)
	return b
}

// around is x [B L …] between what the tokens before and after it have; nil for zeros.
func (b borders) around(before, x, after *graph.Node) *graph.Node {
	shape := slices.Clone(x.Shape)
	shape[1] = b.size
	side := func(y *graph.Node) *graph.Node {
		if y == nil {
			return b.s.g.Fill(0, shape...)
		}
		return b.s.g.Broadcast(y, shape...)
	}
	return b.s.g.Concat(1, side(before), x, side(after))
}

// values puts the rows of the state before v [B L H p].
func (b borders) values(v *graph.Node) *graph.Node {
	B, H, p := v.Shape[0], v.Shape[2], v.Shape[3]
	rows := b.s.g.Transpose(b.s.state(B, H, b.n, p), 0, 2, 1, 3)
	return b.around(b.s.g.Pad(rows, []int{0, 0, 0, 0}, []int{B, b.size, H, p}), v, nil)
}

// window keeps the state that y ends with and returns the rest of y.
func (b borders) window(y *graph.Node) *graph.Node {
	T := y.Shape[1] - 2*b.size
	b.s.next = append(b.s.next, b.s.g.Transpose(b.s.g.Cut(y, 1, b.size+T, b.n), 0, 2, 1, 3))
	return b.s.g.Cut(y, 1, b.size, T)
}

func (s *carried) decayed(q, k, v, a *graph.Node, chunk int) *graph.Node {
	b := s.borders(k.Shape[3], chunk)
	return b.window(s.g.Decayed(b.around(nil, q, b.unit), b.around(b.unit, k, nil), b.values(v), b.around(nil, a, nil), chunk))
}

func (s *carried) decayedKeys(q, k, v, a *graph.Node, chunk int) *graph.Node {
	b := s.borders(k.Shape[3], chunk)
	return b.window(s.g.DecayedKeys(b.around(nil, q, b.unit), b.around(b.unit, k, nil), b.values(v), b.around(nil, a, nil), chunk))
}

func (s *carried) delta(q, k, v, a, share *graph.Node, chunk int) *graph.Node {
	b := s.borders(k.Shape[3], chunk)
	return b.window(s.g.Delta(b.around(nil, q, b.unit), b.around(b.unit, k, nil), b.values(v), b.around(nil, a, nil), b.around(s.g.Fill(1), share, nil), chunk))
}

func (s *carried) scan(a, b *graph.Node) *graph.Node {
	shape := slices.Clone(b.Shape)
	shape[1] = 1
	h := s.g.Scan(s.g.Concat(1, s.g.Fill(0, shape...), a), s.g.Concat(1, s.state(shape...), b))
	T := b.Shape[1]
	s.next = append(s.next, s.g.Cut(h, 1, T, 1))
	return s.g.Cut(h, 1, 1, T)
}

func (s *carried) conv(x, w, bias *graph.Node) *graph.Node {
	B, T, before := x.Shape[0], x.Shape[1], w.Shape[0]-1
	if before == 0 {
		return s.whole.conv(x, w, bias)
	}
	x = s.g.Concat(1, s.state(B, before, x.Shape[2]), x)
	s.next = append(s.next, s.g.Cut(x, 1, T, before))
	return s.g.Cut(s.g.ShortConv(x, w, bias), 1, before, T)
}
