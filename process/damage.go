package process

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/l2m-lab/l2m/lm"
)

// Damage makes a model worse than exact in a known way, to see the effect on an
// estimated law. Fields may be combined; the zero value changes nothing.
type Damage struct {
	// Order k > 0: only the last k tokens are used (the best prediction from them, with
	// partial autocorrelations beyond k set to 0), like a short context window.
	Order int
	// Memory k > 0: only the k numbers with the most information about the rest of the
	// window are known of the past (the first k canonical coordinates), for windows of
	// at most Horizon tokens, like a small state.
	Memory  int
	Horizon int // tokens; needed with Memory, at most 512
	// Temperature: predictions are p^(1/T), normalised; below 1 is overconfident, above
	// 1 underconfident. 0 means 1.
	Temperature float64
	// Smoothing ε: predictions are (1−ε)·p + ε·(the law of a single token).
	Smoothing float64
	// BOS b > 0: the model behaves as if a document started: the variance of its
	// prediction of token t of its input is multiplied by 1 + b·e^(−t/8), t from 0.
	// Only first tokens are affected, as by the beginning-of-sequence token of a
	// language model.
	BOS float64
	// Model is the directory of a trained model to use instead of the process's own
	// law, "" for none; it excludes all other damage. The caller opens it.
	Model string
}

// bosReach is the number of tokens over which the effect of BOS fades.
const bosReach = 8

// maxHorizon bounds the windows of Damage.Memory, which needs a singular value
// decomposition for every position.
const maxHorizon = 512

// ParseDamage parses "none", "model=DIRECTORY", or a list NAME=VALUE,… of order,
// memory, temperature, smoothing and bos. The caller sets the horizon of memory.
func ParseDamage(text string) (Damage, error) {
	var d Damage
	if text == "" || text == "none" {
		return d, nil
	}
	if dir, ok := strings.CutPrefix(text, "model="); ok {
		if dir == "" {
			return d, fmt.Errorf("damage %q: name the directory of a trained model", text)
		}
		d.Model = dir
		return d, nil
	}
	for _, part := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		x, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return d, fmt.Errorf("damage %q: %q is not a number", text, value)
		}
		switch name {
		case "order", "memory":
			if x != math.Trunc(x) || !(x >= 1 && x <= 1<<20) {
				return d, fmt.Errorf("damage %q: %s is not a whole number from 1", text, name)
			}
			if name == "order" {
				d.Order = int(x)
			} else {
				d.Memory = int(x)
			}
		case "temperature":
			d.Temperature = x
		case "smoothing":
			d.Smoothing = x
		case "bos":
			d.BOS = x
		default:
			return d, fmt.Errorf("damage %q: unknown kind %q (order, memory, temperature, smoothing, bos or model)", text, name)
		}
	}
	return d, d.check()
}

func (d Damage) check() error {
	switch {
	case d.Order < 0 || d.Memory < 0 || d.Order > 0 && d.Memory > 0:
		return errors.New("damage: order and memory exclude each other and are not negative")
	case d.Temperature != 0 && !(d.Temperature > 0 && d.Temperature < 1e6):
		return fmt.Errorf("damage: temperature %g is not positive", d.Temperature)
	case !(d.Smoothing >= 0 && d.Smoothing < 1):
		return fmt.Errorf("damage: smoothing %g is not between 0 and 1", d.Smoothing)
	case !(d.BOS >= 0 && d.BOS < 1e6):
		return fmt.Errorf("damage: bos %g is negative", d.BOS)
	}
	return nil
}

// String is the damage in the syntax of ParseDamage.
func (d Damage) String() string {
	if d.Model != "" {
		return "model=" + d.Model
	}
	var words []string
	add := func(name string, x float64) {
		if x != 0 {
			words = append(words, name+"="+number(x))
		}
	}
	add("order", float64(d.Order))
	add("memory", float64(d.Memory))
	add("temperature", d.Temperature)
	add("smoothing", d.Smoothing)
	add("bos", d.BOS)
	if words == nil {
		return "none"
	}
	return strings.Join(words, ",")
}

// Damaged returns the process's model with the damage applied.
func (g *Gaussian) Damaged(d Damage) (lm.Model[float64], error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if d.Model != "" {
		return nil, fmt.Errorf("damage %q is another model, not one of the process", d)
	}
	if d == (Damage{}) {
		return g.Model(), nil
	}
	temperature := d.Temperature
	if temperature == 0 {
		temperature = 1
	}
	m := &gaussianModel{info: modelInfo(g.desc), g: g, order: d.Order}
	m.info.Name += " damaged by " + d.String()
	m.info.Fingerprint = fingerprint(m.info.Name + " horizon " + strconv.Itoa(d.Horizon))
	if d.Memory > 0 {
		var err error
		if m.limited, err = newLimitedMemory(g, d.Memory, d.Horizon); err != nil {
			return nil, err
		}
		m.info.Context = d.Horizon // the state was not chosen for longer windows
	}
	m.emit = func(n int, e, v, x float64) float64 {
		v *= temperature * (1 + d.BOS*math.Exp(-float64(n)/bosReach))
		lp := gaussianLogDensity(e, v)
		if d.Smoothing == 0 {
			return lp
		}
		a := math.Log1p(-d.Smoothing) + lp
		b := math.Log(d.Smoothing) + gaussianLogDensity(x, g.variance)
		return max(a, b) + math.Log1p(math.Exp(-math.Abs(a-b)))
	}
	return m, nil
}

// limitedMemory predicts from the best k canonical coordinates of the past. In
// terms of the standardised innovations z of the past the exact prediction of
// token t is row t of the Cholesky factor of the covariance; the state is
// U_kᵀ·z, U_k the first left singular vectors of the whitened covariance of
// past and rest of the window, so that the prediction from it is (U_k·U_kᵀ·row)·z.
type limitedMemory struct {
	rows [][]float64 // [t][j < t]
	v    []float64   // variance of the error
}

func newLimitedMemory(g *Gaussian, k, horizon int) (*limitedMemory, error) {
	if horizon < 2 || horizon > maxHorizon {
		return nil, fmt.Errorf("damage: memory needs a window length between 2 and %d, not %d", maxHorizon, horizon)
	}
	cov, err := g.Covariance(horizon)
	if err != nil {
		return nil, err
	}
	c, err := cholesky(cov, 0, horizon)
	if err != nil {
		return nil, err
	}
	var l mat.TriDense
	c.LTo(&l)
	m := &limitedMemory{}
	for t := range horizon {
		row := make([]float64, t)
		for j := range row {
			row[j] = l.At(t, j)
		}
		v := l.At(t, t) * l.At(t, t)
		if t > k {
			u, err := pastDirections(&l, t, horizon, k)
			if err != nil {
				return nil, err
			}
			var s, p mat.VecDense
			r := mat.NewVecDense(t, row)
			s.MulVec(u.T(), r)
			p.MulVec(u, &s)
			// What the state does not hold is error: |row|² − |U_kᵀ·row|².
			v += math.Max(0, mat.Dot(r, r)-mat.Dot(&s, &s))
			row = append([]float64(nil), p.RawVector().Data...)
		}
		m.rows = append(m.rows, row)
		m.v = append(m.v, v)
	}
	return m, nil
}

// pastDirections returns U_k (t×k) at position t, from the Cholesky factor of
// the window.
func pastDirections(l *mat.TriDense, t, horizon, k int) (mat.Matrix, error) {
	n := horizon - t
	w := mat.NewDense(n, t, nil)
	ly := mat.NewTriDense(n, mat.Lower, nil) // stationary: the future's own factor is the beginning of l
	for i := range n {
		for j := range t {
			w.Set(i, j, l.At(t+i, j))
		}
		for j := range i + 1 {
			ly.SetTri(i, j, l.At(i, j))
		}
	}
	var x mat.Dense
	if err := x.Solve(ly, w); err != nil {
		return nil, fmt.Errorf("damage: whitening the future of token %d: %w", t, err)
	}
	var svd mat.SVD
	if !svd.Factorize(&x, mat.SVDThinV) {
		return nil, fmt.Errorf("damage: the canonical coordinates at token %d did not converge", t)
	}
	var v mat.Dense
	svd.VTo(&v)
	return v.Slice(0, t, 0, min(k, n)), nil
}

// errors returns the errors of prediction from the limited memory, and their
// variances, of tokens; z are the standardised innovations of all tokens of the
// sequence, these being the last.
func (m *limitedMemory) errors(z, tokens []float64) (e, v []float64) {
	before := len(z) - len(tokens)
	e, v = make([]float64, len(tokens)), make([]float64, len(tokens))
	for i, x := range tokens {
		n := before + i
		e[i] = x - dot(m.rows[n], z)
		v[i] = m.v[n]
	}
	return e, v
}
