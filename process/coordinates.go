package process

import (
	"fmt"
	"math/bits"

	"gonum.org/v1/gonum/mat"
)

// block is an aligned range of 2^level tokens, from token index·2^level.
type block struct{ level, index int }

func (b block) start() int { return b.index << b.level }
func (b block) end() int   { return (b.index + 1) << b.level }
func (b block) halves() [2]block {
	return [2]block{{b.level - 1, 2 * b.index}, {b.level - 1, 2*b.index + 1}}
}

// blocksOf cuts tokens from..to−1 into the fewest aligned blocks, in order.
func blocksOf(from, to int) []block {
	var out []block
	for from < to {
		level := bits.Len(uint(to-from)) - 1
		if from > 0 {
			level = min(level, bits.TrailingZeros(uint(from)))
		}
		out = append(out, block{level, from >> level})
		from += 1 << level
	}
	return out
}

// coordinates are sufficient statistics: for each aligned block a vector u that has the
// same information about everything outside the block as its tokens. Linear numbers
// kept of a block are Bᵀu + ε, with ε independent of everything outside.
type coordinates interface {
	// size is the dimension of u.
	size(b block) int
	// covariance of u of two blocks that are disjoint or the same.
	covariance(a, b block) *mat.Dense
	// halve writes u of the two halves of b, concatenated, as A·u + f with f
	// independent of everything outside b: it returns A, and the covariance of f (nil
	// if f is 0). A nil A is the identity.
	halve(b block) (A, f *mat.Dense)
	// stationary reports whether the covariance depends on the distance alone.
	stationary() bool
}

// coordinatesOf a Gaussian process for sequences of L tokens: by structure for
// the hierarchical process, token by token otherwise.
func coordinatesOf(p Covarier, L int) (coordinates, error) {
	if h, ok := p.(*Hierarchical); ok && h.reducible() {
		if L > maxReduced {
			return nil, notExact("memories of %s are computed for at most %d tokens, not %d", h.desc.Spec, maxReduced, L)
		}
		return treeCoordinates{h, bits.Len(uint(h.b)) - 1}, nil
	}
	if L > 2*maxDense {
		return nil, notExact("%d tokens need a dense factorisation of that size (at most %d)", L, 2*maxDense)
	}
	cov, err := p.Covariance(L)
	if err != nil {
		return nil, err
	}
	return tokenCoordinates{cov, p.Describe().Shift == Stationary}, nil
}

// maxReduced bounds the length at which a hierarchical process is reduced to
// its statistics: L^β numbers for each side of the cut, dense from there on.
const maxReduced = 1 << 14

// tokenCoordinates are the tokens themselves.
type tokenCoordinates struct {
	cov    [][]float64
	shifts bool
}

func (c tokenCoordinates) size(b block) int                { return 1 << b.level }
func (c tokenCoordinates) halve(b block) (A, f *mat.Dense) { return nil, nil }
func (c tokenCoordinates) stationary() bool                { return c.shifts }
func (c tokenCoordinates) covariance(a, b block) *mat.Dense {
	out := mat.NewDense(1<<a.level, 1<<b.level, nil)
	for i := range 1 << a.level {
		out.SetRow(i, c.cov[a.start()+i][b.start():b.end()])
	}
	return out
}

// treeCoordinates reduce the hierarchical process of base 2^bits ★. A complete
// row of b tokens is an invertible mixture of c tokens one layer up and of b−c
// fresh numbers, which tell nothing about anything outside the row. So a block
// of 2^level = 2^r·b^k tokens, r < bits, counts outside only by the 2^r tokens
// at depth k of each of its c^k copies: L^β numbers or so in place of L. u lists
// them copy by copy.
type treeCoordinates struct {
	h    *Hierarchical
	bits int
}

// reducible reports whether treeCoordinates apply.
func (h *Hierarchical) reducible() bool {
	for _, c := range h.inherit {
		if c == 0 {
			return false
		}
	}
	return h.addition == 0 && bits.OnesCount(uint(h.b)) == 1
}

func (c treeCoordinates) stationary() bool { return false }

// at returns the depth of a block's statistic, the number of copies there, and the
// number of tokens of each.
func (c treeCoordinates) at(b block) (depth, copies, tokens int) {
	depth, copies = b.level/c.bits, 1
	for d := range depth {
		copies *= c.h.columns(d)
	}
	return depth, copies, 1 << (b.level % c.bits)
}

func (c treeCoordinates) size(b block) int {
	_, copies, tokens := c.at(b)
	return copies * tokens
}

// covariance: a token at depth k is Σ_j M[row, j]·(token one layer up of copy j)
// and fresh numbers, so that it is carried up to the depth of the other block,
// where equal copies have the covariance of the process there and different
// ones none.
func (c treeCoordinates) covariance(a, b block) *mat.Dense {
	depth, _, tokens := c.at(a)
	above, copies, others := c.at(b)
	if depth > above {
		var t mat.Dense
		t.CloneFrom(c.covariance(b, a).T())
		return &t
	}
	out := mat.NewDense(c.size(a), c.size(b), nil)
	for i := range tokens {
		token := a.index*tokens + i
		weights := []float64{1} // of the copies above that come from one copy
		for d := depth; d < above; d++ {
			row := c.h.m[token%c.h.b*c.h.b:]
			next := make([]float64, 0, len(weights)*c.h.columns(d))
			for _, w := range weights {
				for _, x := range row[:c.h.columns(d)] {
					next = append(next, w*x)
				}
			}
			weights, token = next, token/c.h.b
		}
		for j := range others {
			r := c.h.correlation(above, token, b.index*others+j)
			for q := range copies {
				out.Set(q/len(weights)*tokens+i, q*others+j, r*weights[q%len(weights)])
			}
		}
	}
	return out
}

// correlation of tokens s and t of one copy at a depth.
func (h *Hierarchical) correlation(depth, s, t int) float64 {
	if s == t {
		return 1
	}
	x, y := h.m[s%h.b*h.b:], h.m[t%h.b*h.b:]
	if s/h.b == t/h.b {
		return dot(x[:h.b], y)
	}
	return dot(x[:h.columns(depth)], y) * h.correlation(depth+1, s/h.b, t/h.b)
}

func (c treeCoordinates) halve(b block) (A, f *mat.Dense) {
	_, copies, tokens := c.at(block{b.level - 1, 0}) // of each half
	A = mat.NewDense(2*copies*tokens, c.size(b), nil)
	at := func(copy, token int) int { return (token/tokens*copies+copy)*tokens + token%tokens }
	if b.level%c.bits > 0 { // halves of a row: the same tokens in another order
		for q := range copies {
			for t := range 2 * tokens {
				A.Set(at(q, t), q*2*tokens+t, 1)
			}
		}
		return A, nil
	}
	depth, _, _ := c.at(block{b.level - 1, 0})
	base, columns := c.h.b, c.h.columns(depth)
	fresh := c.h.gram(columns, base)
	f = mat.NewDense(2*copies*tokens, 2*copies*tokens, nil)
	for q := range copies {
		for s := range base {
			for j := range columns {
				A.Set(at(q, s), q*columns+j, c.h.m[s*base+j])
			}
			for t := range base {
				f.Set(at(q, s), at(q, t), fresh[s*base+t])
			}
		}
	}
	return A, f
}

// gather returns the covariance of the coordinates of blocks with those of others.
func gather(c coordinates, blocks, others []block) *mat.Dense {
	rows, columns := 0, 0
	for _, b := range blocks {
		rows += c.size(b)
	}
	for _, b := range others {
		columns += c.size(b)
	}
	out := mat.NewDense(rows, columns, nil)
	i := 0
	for _, a := range blocks {
		j := 0
		for _, b := range others {
			out.Slice(i, i+c.size(a), j, j+c.size(b)).(*mat.Dense).Copy(c.covariance(a, b))
			j += c.size(b)
		}
		i += c.size(a)
	}
	return out
}

// factorise returns the Cholesky factorization of a covariance matrix.
func factorise(m *mat.Dense, what string) (*mat.Cholesky, error) {
	n, _ := m.Dims()
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			s.SetSym(i, j, m.At(i, j))
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(s) {
		return nil, fmt.Errorf("the covariance of %s is not positive definite", what)
	}
	return &chol, nil
}
