package cpu

import "math"

// Set is an instruction set.
type Set int

// Instruction sets, from the slowest.
const (
	Plain  Set = iota // plain Go
	AVX2              // AVX2 and FMA
	AVX512            // AVX-512F
)

// String is the usual name.
func (s Set) String() string { return [...]string{"plain Go", "AVX2", "AVX-512"}[s] }

// Best is the widest instruction set that this processor and this build support.
func Best() Set { return best() }

// loops are vector loops over n numbers, n a positive multiple of 8.
type loops struct {
	add, sub, mul, div, max, fma, less func(d, a, b *float32, n int)
	sel                                func(d, c, a, b *float32, n int)
	scale                              func(d, a *float32, s, t float32, n int)
	axpy                               func(d, a *float32, s float32, n int)
	sqrt, exp                          func(d, a *float32, n int)
	sum, maxOf                         func(a *float32, n int) float32
	dot                                func(a, b *float32, n int) float32
}

// vec runs loops with one instruction set. All slices of a call have the length of the
// first; results may overwrite operands.
type vec struct{ loops *loops }

func newVec(s Set) vec {
	if s == Plain {
		return vec{}
	}
	return vec{vectors}
}

// head is the number of elements, of n, that vector loops process.
func (v vec) head(n int) int {
	if v.loops == nil {
		return 0
	}
	return n &^ 7
}

func (v vec) add(d, a, b []float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.add(&d[0], &a[0], &b[0], h)
	}
	for i := h; i < len(d); i++ {
		d[i] = a[i] + b[i]
	}
}

func (v vec) sub(d, a, b []float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.sub(&d[0], &a[0], &b[0], h)
	}
	for i := h; i < len(d); i++ {
		d[i] = a[i] - b[i]
	}
}

func (v vec) mul(d, a, b []float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.mul(&d[0], &a[0], &b[0], h)
	}
	for i := h; i < len(d); i++ {
		d[i] = a[i] * b[i]
	}
}

func (v vec) div(d, a, b []float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.div(&d[0], &a[0], &b[0], h)
	}
	for i := h; i < len(d); i++ {
		d[i] = a[i] / b[i]
	}
}

func (v vec) max(d, a, b []float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.max(&d[0], &a[0], &b[0], h)
	}
	for i := h; i < len(d); i++ {
		d[i] = max(a[i], b[i])
	}
}

// fma adds a·b to d.
func (v vec) fma(d, a, b []float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.fma(&d[0], &a[0], &b[0], h)
	}
	for i := h; i < len(d); i++ {
		d[i] += float32(a[i] * b[i])
	}
}

// less is 1 where a < b, else 0.
func (v vec) less(d, a, b []float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.less(&d[0], &a[0], &b[0], h)
	}
	for i := h; i < len(d); i++ {
		if a[i] < b[i] {
			d[i] = 1
		} else {
			d[i] = 0
		}
	}
}

// sel is a where c ≠ 0, else b.
func (v vec) sel(d, c, a, b []float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.sel(&d[0], &c[0], &a[0], &b[0], h)
	}
	for i := h; i < len(d); i++ {
		if c[i] != 0 {
			d[i] = a[i]
		} else {
			d[i] = b[i]
		}
	}
}

// scale is s·a + t.
func (v vec) scale(d, a []float32, s, t float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.scale(&d[0], &a[0], s, t, h)
	}
	for i := h; i < len(d); i++ {
		d[i] = float32(s*a[i]) + t
	}
}

// axpy adds s·a to d.
func (v vec) axpy(d, a []float32, s float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.axpy(&d[0], &a[0], s, h)
	}
	for i := h; i < len(d); i++ {
		d[i] += float32(s * a[i])
	}
}

func (v vec) sqrt(d, a []float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.sqrt(&d[0], &a[0], h)
	}
	for i := h; i < len(d); i++ {
		d[i] = float32(math.Sqrt(float64(a[i])))
	}
}

func (v vec) exp(d, a []float32) {
	h := v.head(len(d))
	if h > 0 {
		v.loops.exp(&d[0], &a[0], h)
	}
	if v.loops != nil && h < len(d) {
		var tail [8]float32 // the same function whatever the length
		n := copy(tail[:], a[h:len(d)])
		v.loops.exp(&tail[0], &tail[0], len(tail))
		copy(d[h:], tail[:n])
		return
	}
	for i := h; i < len(d); i++ {
		d[i] = float32(math.Exp(float64(a[i])))
	}
}

// twos are a block of an operand of div.
var twos = func() (t [loopBlock]float32) {
	for i := range t {
		t[i] = 2
	}
	return t
}()

// tanh is 1 − 2/(e^2a + 1), right to 1e−7.
func (v vec) tanh(d, a []float32) {
	v.scale(d, a, 2, 0)
	v.exp(d, d)
	v.scale(d, d, 1, 1)
	for from := 0; from < len(d); from += loopBlock {
		part := d[from:min(len(d), from+loopBlock)]
		v.div(part, twos[:], part)
	}
	v.scale(d, d, -1, 1)
}

func (v vec) log(d, a []float32) {
	for i := range d {
		d[i] = float32(math.Log(float64(a[i])))
	}
}

func (v vec) fill(d []float32, s float32) {
	for i := range d {
		d[i] = s
	}
}

func (v vec) sum(a []float32) float32 {
	var s float32
	h := v.head(len(a))
	if h > 0 {
		s = v.loops.sum(&a[0], h)
	}
	for _, x := range a[h:] {
		s += x
	}
	return s
}

func (v vec) dot(a, b []float32) float32 {
	var s float32
	h := v.head(len(a))
	if h > 0 {
		s = v.loops.dot(&a[0], &b[0], h)
	}
	for i := h; i < len(a); i++ {
		s += float32(a[i] * b[i])
	}
	return s
}

func (v vec) maxOf(a []float32) float32 {
	m := a[0]
	h := v.head(len(a))
	if h > 0 {
		m = v.loops.maxOf(&a[0], h)
	}
	for _, x := range a[h:] {
		m = max(m, x)
	}
	return m
}
