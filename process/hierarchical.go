package process

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
)

// HierarchicalOptions are the parameters of NewHierarchical.
type HierarchicalOptions struct {
	Base int // b: tokens per row; 0 means 4 (or the size of Mixing)
	// Inherit is the number of columns c that come from the layer above, from
	// the finest layer upward and repeated cyclically: {3} is the paper's β =
	// log_4 3, {2, 3} alternates. 0 ≤ c < Base. nil means {3}.
	Inherit []int
	// Correlation of any two tokens of a row, above −1/(Base−1) and below 1;
	// nil means −1/Base, which for Base 4 is the paper's mixing matrix.
	Correlation *float64
	// Mixing replaces the matrix made from Base and Correlation: b×b,
	// invertible, rows of length 1. Its first c columns meet the inherited ones.
	Mixing [][]float64
	// Addition is the number of tokens of a sequence, a power of Base up to 2,048, in
	// which the paper's addition step (its Eq. C.23) follows the mixing of every layer;
	// 0 means no such step. The step changes the last token of a row by the first of
	// the next, so that a sequence is not the beginning of a longer one. Truth is
	// computed from dense matrices.
	Addition int
}

// Hierarchical is the hierarchical Gaussian process of the L²M paper (its
// Appendix C): rows of b tokens are a b×b mixture of c independent copies of
// the same process one layer up, and of b−c fresh standard normal numbers. The
// first n tokens have the same law however many layers there are, so that the
// process goes on forever. Exactly ★
//
//	I(b·m; b·n) = c·I'(m; n)
//
// with I' the information of the layer above, hence I(L/2; L) ∝ L^(log_b c) at
// L = b, b², b³, … (docs/processes.md).
type Hierarchical struct {
	desc     Description
	b        int
	m, inv   []float64 // mixing matrix and its inverse, row by row
	inherit  []int
	addition int       // tokens; 0: no addition step
	joints   [][]joint // of the addition step, by depth
}

// joint is where a row of a layer meets the next: the last token u of one and the first
// v of the other become own·u + other·v and own·v + other·u. That is symmetric, and
// brings their correlation from r to 2/5 times the sum of those of the last and of the
// first two tokens of a row, plus r/5 [l2m, eq. C.23].
type joint struct{ own, other float64 }

// maxDense is the longest sequence whose covariance matrix is factorised.
const maxDense = 2048

// NewHierarchical makes the hierarchical Gaussian process.
func NewHierarchical(o HierarchicalOptions) (*Hierarchical, error) {
	if len(o.Mixing) > 0 {
		if o.Base != 0 && o.Base != len(o.Mixing) {
			return nil, fmt.Errorf("hierarchical: the mixing matrix has %d rows, the base is %d", len(o.Mixing), o.Base)
		}
		o.Base = len(o.Mixing)
	}
	if o.Base == 0 {
		o.Base = 4
	}
	if o.Inherit == nil {
		o.Inherit = []int{3}
	}
	if o.Base < 2 || o.Base > 64 {
		return nil, fmt.Errorf("hierarchical: base %d is not between 2 and 64", o.Base)
	}
	if len(o.Inherit) == 0 {
		return nil, errors.New("hierarchical: the list of inherited columns is empty")
	}
	for _, c := range o.Inherit {
		if c < 0 || c >= o.Base {
			return nil, fmt.Errorf("hierarchical: %d inherited columns are not between 0 and %d (one column of each row must be fresh)", c, o.Base-1)
		}
	}
	h := &Hierarchical{b: o.Base, inherit: append([]int(nil), o.Inherit...), addition: o.Addition}
	if n := h.addition; n != 0 {
		for n > 1 && n%h.b == 0 {
			n /= h.b
		}
		if n != 1 || h.addition < h.b || h.addition > maxDense {
			return nil, fmt.Errorf("hierarchical: addition in sequences of %d tokens, which is not a power of the base %d from %d to %d", h.addition, h.b, h.b, maxDense)
		}
	}
	correlation := -1 / float64(o.Base)
	if o.Correlation != nil {
		correlation = *o.Correlation
	}
	if !(correlation > -1/float64(o.Base-1) && correlation < 1) {
		return nil, fmt.Errorf("hierarchical: correlation %g is not above %g and below 1", correlation, -1/float64(o.Base-1))
	}
	exchangeable := true
	if o.Mixing != nil {
		flat, err := flatten(o.Mixing)
		if err != nil {
			return nil, fmt.Errorf("hierarchical: mixing matrix: %w", err)
		}
		h.m, exchangeable = flat, false
	} else {
		h.m = mixing(o.Base, correlation)
	}
	var inv mat.Dense
	if err := inv.Inverse(mat.NewDense(h.b, h.b, append([]float64(nil), h.m...))); err != nil {
		return nil, fmt.Errorf("hierarchical: the mixing matrix cannot be inverted reliably: %w", err)
	}
	h.inv = inv.RawMatrix().Data
	h.join()
	h.describe(correlation, exchangeable)
	return h, nil
}

func (h *Hierarchical) describe(correlation float64, exchangeable bool) {
	words := make([]string, len(h.inherit))
	beta := 0.0
	for i, c := range h.inherit {
		words[i] = strconv.Itoa(c)
		beta += math.Log(max(1, float64(c))) / math.Log(float64(h.b)) / float64(len(h.inherit))
		if c == 0 {
			beta = math.Inf(-1)
		}
	}
	beta = max(0, beta)
	spec := "hierarchical:base=" + strconv.Itoa(h.b) + ",c=" + strings.Join(words, "/")
	params := []Param{
		{"base", strconv.Itoa(h.b), "tokens per row, b"},
		{"c", strings.Join(words, "/"), "inherited columns, from the finest layer upward, repeated; β = log_b c"},
	}
	if exchangeable {
		spec += ",corr=" + number(correlation)
		params = append(params, Param{"corr", number(correlation), "correlation of two tokens of a row"})
	} else {
		spec += ",mixing=" + list64(h.m)
	}
	params = append(params, Param{"addition", strconv.Itoa(h.addition), "tokens of a sequence in which neighbouring rows are joined (the paper's Eq. C.23); 0: they are not"})
	shift := NotStationary
	if exchangeable && h.addition == 0 && bits.OnesCount(uint(h.b)) == 1 {
		shift = DyadicShift
	}
	longest, lengths := maxLinear, fmt.Sprintf("L = %d, %d, %d, … (powers of the base)", h.b, h.b*h.b, h.b*h.b*h.b)
	if h.addition > 0 {
		spec += ",addition=" + strconv.Itoa(h.addition)
		longest, lengths = h.addition, "in the limit; see truth for the exact curve"
	}
	h.desc = Description{
		Kind: "hierarchical", Spec: spec, Title: "hierarchical Gaussian of the L²M paper",
		Token: Number, Params: params, Shift: shift, Beta: &beta,
		LengthBase: h.b, MaxLength: longest, Lengths: lengths,
	}
}

// mixing is the matrix with rows of length 1, correlation kappa between any
// two rows, and a constant last column: √(1−κ) times an orthonormal basis of
// the vectors that sum to 0 (for b = 4 the signs of the paper), and
// √((1+(b−1)κ)/b).
func mixing(b int, kappa float64) []float64 {
	m := make([]float64, b*b)
	g := math.Sqrt(1 - kappa)
	for i := range b {
		m[i*b+b-1] = math.Sqrt((1 + float64(b-1)*kappa) / float64(b))
	}
	if b == 4 {
		for i, row := range [4][3]float64{{1, 1, 1}, {-1, 1, -1}, {-1, -1, 1}, {1, -1, -1}} {
			for k, s := range row {
				m[i*4+k] = s * g / 2
			}
		}
		return m
	}
	for k := 1; k < b; k++ { // Helmert's basis
		norm := math.Sqrt(float64(k * (k + 1)))
		for i := range k {
			m[i*b+k-1] = g / norm
		}
		m[k*b+k-1] = -g * float64(k) / norm
	}
	return m
}

func flatten(rows [][]float64) ([]float64, error) {
	var out []float64
	for i, row := range rows {
		if len(row) != len(rows) {
			return nil, fmt.Errorf("row %d has %d entries, there are %d rows", i+1, len(row), len(rows))
		}
		s := 0.0
		for _, x := range row {
			s += x * x
		}
		if !(math.Abs(s-1) < 1e-9) {
			return nil, fmt.Errorf("row %d has squared length %g, not 1: tokens would not have variance 1", i+1, s)
		}
		out = append(out, row...)
	}
	return out, nil
}

// join computes the addition step of every layer, the coarsest first.
func (h *Hierarchical) join() {
	if h.addition == 0 {
		return
	}
	depths := 0
	for n := h.addition; n > 1; n /= h.b {
		depths++
	}
	h.joints = make([][]joint, depths)
	row := h.gram(0, h.b)
	ends := row[(h.b-2)*h.b+h.b-1] + row[1]
	for d, rows := depths-1, 1; d >= 0; d, rows = d-1, rows*h.b {
		above, last := h.covariance(d+1, rows), h.gram(0, h.columns(d))[(h.b-1)*h.b]
		for i := range rows - 1 {
			r := last * above[i][i+1]
			t := 2*ends/5 + r/5
			sum, difference := math.Sqrt((1+t)/(1+r)), math.Sqrt((1-t)/(1-r))
			h.joints[d] = append(h.joints[d], joint{(sum + difference) / 2, (sum - difference) / 2})
		}
	}
}

// Describe implements Truth.
func (h *Hierarchical) Describe() Description { return h.desc }

// columns is the number of inherited columns at a depth; 0 is the finest.
func (h *Hierarchical) columns(depth int) int { return h.inherit[depth%len(h.inherit)] }

// BipartiteMI implements Truth: as long as both ell and L are multiples of b it
// goes one layer up, where the numbers are b times smaller and the information
// c times; the rest is a dense determinant of at most 2,048 tokens.
func (h *Hierarchical) BipartiteMI(ell, L int) (info.Nats, error) {
	if err := checkSplit(ell, L); err != nil {
		return 0, err
	}
	if h.addition > 0 {
		if L > h.addition {
			return 0, notExact("sequences have %d tokens (--addition)", h.addition)
		}
		return denseMI(leading(h.covariance(0, h.addition), L), ell)
	}
	factor, depth := 1.0, 0
	for ell%h.b == 0 && L%h.b == 0 {
		factor *= float64(h.columns(depth))
		ell, L, depth = ell/h.b, L/h.b, depth+1
	}
	if factor == 0 {
		return 0, nil
	}
	if L > maxDense {
		return 0, notExact("the split lies inside a row %d layers up, where a dense determinant of %d tokens would be needed (at most %d; choose multiples of a high power of %d)", depth, L, maxDense, h.b)
	}
	mi, err := denseMI(h.covariance(depth, L), ell)
	return info.Nats(factor) * mi, err
}

// TwoPointMI implements Truth: the process is not stationary, so it is not
// defined.
func (h *Hierarchical) TwoPointMI(int) (info.Nats, bool) { return 0, false }

// EntropyRate implements Truth. A row of n·b tokens has the entropy of c
// sequences of n tokens one layer up, of its fresh numbers, and ln|det M| per
// row. With the addition step, which multiplies densities where rows meet, it is the
// entropy per token of a whole sequence.
func (h *Hierarchical) EntropyRate() info.Nats {
	b := float64(h.b)
	logDet, _ := mat.LogDet(mat.NewDense(h.b, h.b, append([]float64(nil), h.m...)))
	fresh := float64(gaussianEntropy(1))
	total, factor := 0.0, 1.0
	for d := 0; factor > 1e-18; d++ {
		if h.addition > 0 && d == len(h.joints) { // one number
			total += factor * fresh
			break
		}
		c := float64(h.columns(d))
		total += factor * (logDet + (b-c)*fresh) / b
		if h.addition > 0 {
			for _, j := range h.joints[d] {
				total += factor * math.Log(j.own*j.own-j.other*j.other) / (b * float64(len(h.joints[d])+1))
			}
		}
		factor *= c / b
	}
	return info.Nats(total)
}

// Covariance returns the covariance of the first n tokens.
func (h *Hierarchical) Covariance(n int) ([][]float64, error) {
	if n > 4*maxDense {
		return nil, notExact("a covariance matrix of %d tokens is too large (at most %d)", n, 4*maxDense)
	}
	if h.addition == 0 {
		return h.covariance(0, n), nil
	}
	if n > h.addition {
		return nil, notExact("sequences have %d tokens (--addition)", h.addition)
	}
	return leading(h.covariance(0, h.addition), n), nil
}

// covariance of the first n tokens at a depth: the c inherited columns carry
// the covariance of the layer above, the fresh ones that within a row. With the addition
// step, n must be the number of tokens there.
func (h *Hierarchical) covariance(depth, n int) [][]float64 {
	if n == 1 {
		return [][]float64{{1}}
	}
	rows := (n + h.b - 1) / h.b
	above := h.covariance(depth+1, rows)
	c := h.columns(depth)
	inherited, fresh := h.gram(0, c), h.gram(c, h.b)
	size := rows * h.b
	out := make([][]float64, size)
	for s := range out {
		out[s] = make([]float64, size)
		for t := range out[s] {
			at := (s%h.b)*h.b + t%h.b
			v := inherited[at] * above[s/h.b][t/h.b]
			if s/h.b == t/h.b {
				v += fresh[at]
			}
			out[s][t] = v
		}
	}
	if h.addition > 0 {
		for i, j := range h.joints[depth] {
			u, v := (i+1)*h.b-1, (i+1)*h.b
			for t := range size {
				out[u][t], out[v][t] = j.of(out[u][t], out[v][t])
			}
			for s := range out {
				out[s][u], out[s][v] = j.of(out[s][u], out[s][v])
			}
		}
	}
	out = out[:n]
	for s := range out {
		out[s] = out[s][:n]
	}
	return out
}

func (j joint) of(u, v float64) (float64, float64) { return j.own*u + j.other*v, j.own*v + j.other*u }

// gram is M·Mᵀ restricted to columns from..to−1.
func (h *Hierarchical) gram(from, to int) []float64 {
	g := make([]float64, h.b*h.b)
	for i := range h.b {
		for j := range h.b {
			for k := from; k < to; k++ {
				g[i*h.b+j] += h.m[i*h.b+k] * h.m[j*h.b+k]
			}
		}
	}
	return g
}

// Sample implements Process, O(length) time and memory: layer after layer,
// coarsest first.
func (h *Hierarchical) Sample(rng *rand.Rand, length int) []float64 {
	if length < 1 {
		return nil
	}
	whole := length
	if h.addition > 0 {
		whole = h.addition
	}
	sizes, copies := []int{whole}, []int{1} // by depth
	for sizes[len(sizes)-1] > 1 {
		d := len(sizes) - 1
		sizes = append(sizes, (sizes[d]+h.b-1)/h.b)
		copies = append(copies, copies[d]*h.columns(d))
	}
	deepest := len(sizes) - 1
	layer := make([]float64, copies[deepest]) // [copy][token]
	for i := range layer {
		layer[i] = rng.NormFloat64()
	}
	if deepest == 0 {
		return layer
	}
	u := make([]float64, h.b)
	for d := deepest - 1; d >= 0; d-- {
		c, rows := h.columns(d), sizes[d+1]
		out := make([]float64, copies[d]*sizes[d])
		full := make([]float64, rows*h.b)
		for k := range copies[d] {
			for i := range rows {
				for j := range u {
					if j < c {
						u[j] = layer[(k*c+j)*rows+i]
					} else {
						u[j] = rng.NormFloat64()
					}
				}
				for r := range h.b {
					full[i*h.b+r] = dot(h.m[r*h.b:(r+1)*h.b], u)
				}
			}
			if h.addition > 0 {
				for i, j := range h.joints[d] {
					u, v := (i+1)*h.b-1, (i+1)*h.b
					full[u], full[v] = j.of(full[u], full[v])
				}
			}
			copy(out[k*sizes[d]:(k+1)*sizes[d]], full)
		}
		layer = out
	}
	return layer[:length]
}

// Model implements Process.
func (h *Hierarchical) Model() lm.Model[float64] {
	if h.addition > 0 {
		return newDenseModel(h.desc, func(n int) [][]float64 { return leading(h.covariance(0, h.addition), n) })
	}
	return &forward[float64]{info: modelInfo(h.desc), start: func() filter[float64] { return newHierarchicalFilter(h) }}
}
