package process

import (
	"fmt"
	"math"
	"slices"
)

// hierarchicalFilter predicts a hierarchical Gaussian sequence token by token.
//
// Once a row is complete, its inverse mixture gives the tokens of the c copies
// of the layer above exactly. So before a row begins each copy predicts its
// next token as N(μ, v), v the same for all copies; the row is then
// N(M·(μ,0), M·diag(v,…,v,1,…,1)·Mᵀ), and the Cholesky factor of that
// covariance gives its conditional means and deviations one after the other.
// Time is O(1) per token on average (b² for each of Σ (c/b)^depth layers); the
// state holds b numbers for each of the c^depth copies, some L^β in all.
type hierarchicalFilter struct {
	h      *Hierarchical
	levels []level
	ready  bool // levels[0] holds the prediction of the next token
	token  [1]float64
}

// level is the state of all copies at one depth, which move in step.
type level struct {
	n        int       // tokens seen by each copy
	chol     []float64 // of the current row's covariance, b×b
	base     []float64 // [copy][place]: mean before anything of the row is seen
	z        []float64 // [copy][place]: standardised innovations of the row
	row      []float64 // [copy][place]: tokens of the row
	mean     []float64 // [copy]: of the next token
	variance float64   // of the next token
	up       []float64 // scratch: tokens of the layer above
}

func newHierarchicalFilter(h *Hierarchical) *hierarchicalFilter {
	return &hierarchicalFilter{h: h, levels: []level{newLevel(h.b, 1)}}
}

func newLevel(b, copies int) level {
	return level{
		chol: make([]float64, b*b), base: make([]float64, copies*b), z: make([]float64, copies*b),
		row: make([]float64, copies*b), mean: make([]float64, copies),
	}
}

// step implements filter.
func (f *hierarchicalFilter) step(x float64) (float64, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%v is not a finite number", x)
	}
	if !f.ready {
		f.predict(0)
	}
	top := &f.levels[0]
	lp := gaussianLogDensity(x-top.mean[0], top.variance)
	f.token[0] = x
	f.observe(0, f.token[:])
	f.ready = false
	return lp, nil
}

// predict fills mean and variance of the next token at a depth.
func (f *hierarchicalFilter) predict(depth int) {
	b, c := f.h.b, f.h.columns(depth)
	l := &f.levels[depth]
	place := l.n % b
	if place == 0 {
		v := 1.0
		if l.n > 0 && c > 0 {
			f.predict(depth + 1)
			v = f.levels[depth+1].variance
		}
		f.h.rowCholesky(l.chol, c, v)
		if l.n > 0 && c > 0 {
			mu := f.levels[depth+1].mean
			for k := range l.mean {
				for r := range b {
					l.base[k*b+r] = dot(mu[k*c:(k+1)*c], f.h.m[r*b:])
				}
			}
		}
	}
	for k := range l.mean {
		l.mean[k] = l.base[k*b+place] + dot(l.z[k*b:k*b+place], l.chol[place*b:])
	}
	sd := l.chol[place*b+place]
	l.variance = sd * sd
}

// observe takes in the next token of every copy at a depth.
func (f *hierarchicalFilter) observe(depth int, x []float64) {
	b, c := f.h.b, f.h.columns(depth)
	l := &f.levels[depth]
	place := l.n % b
	sd := l.chol[place*b+place]
	for k, v := range x {
		l.z[k*b+place] = (v - l.mean[k]) / sd
		l.row[k*b+place] = v
	}
	l.n++
	if place < b-1 || c == 0 {
		return
	}
	if l.up == nil {
		l.up = make([]float64, len(x)*c)
	}
	up := l.up
	for k := range x {
		for j := range c {
			up[k*c+j] = dot(f.h.inv[j*b:(j+1)*b], l.row[k*b:])
		}
	}
	if depth+1 == len(f.levels) {
		f.levels = append(f.levels, newLevel(b, len(up)))
		f.predict(depth + 1)
	}
	f.observe(depth+1, up)
}

// fork implements filter.
func (f *hierarchicalFilter) fork() filter[float64] {
	g := &hierarchicalFilter{h: f.h, levels: slices.Clone(f.levels), ready: f.ready}
	for i := range g.levels {
		l := &g.levels[i]
		l.chol, l.base, l.z = slices.Clone(l.chol), slices.Clone(l.base), slices.Clone(l.z)
		l.row, l.mean, l.up = slices.Clone(l.row), slices.Clone(l.mean), nil
	}
	return g
}

// rowCholesky writes the lower Cholesky factor of M·diag(v×c, 1×(b−c))·Mᵀ.
func (h *Hierarchical) rowCholesky(l []float64, c int, v float64) {
	b := h.b
	for i := range b {
		for j := 0; j <= i; j++ {
			s := 0.0
			for k := range b {
				w := 1.0
				if k < c {
					w = v
				}
				s += float64(w * float64(h.m[i*b+k]*h.m[j*b+k]))
			}
			for k := range j {
				s -= float64(l[i*b+k] * l[j*b+k])
			}
			if i == j {
				l[i*b+i] = math.Sqrt(s)
			} else {
				l[i*b+j] = s / l[j*b+j]
			}
		}
	}
}
