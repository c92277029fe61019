package llama

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// take reads the wanted log-probabilities from llama.cpp's logits, on all cores.
func (w *walk) take() error {
	size := w.m.info.Vocabulary
	type row struct {
		logits []float32
		want   []target
	}
	var rows []row
	for i, want := range w.want {
		if len(want) == 0 {
			continue
		}
		logits, err := llama.GetLogitsIth(w.m.ctx, int32(i), size)
		if err != nil || logits == nil {
			return fmt.Errorf("llama.cpp returned no logits for token %d of a batch%s", i, complaints())
		}
		rows = append(rows, row{logits, want})
	}
	workers := min(runtime.GOMAXPROCS(0), len(rows))
	errs := make([]error, workers)
	var group sync.WaitGroup
	for k := range workers {
		group.Go(func() {
			for i := k; i < len(rows); i += workers {
				norm := logSumExp(rows[i].logits)
				for _, t := range rows[i].want {
					// rounding may put a probability near 1 above it
					v := min(float64(rows[i].logits[t.token])-norm, 0)
					if math.IsNaN(v) || math.IsInf(v, 0) {
						errs[k] = fmt.Errorf("the model gives token %d the log-probability %v: its weights or its computation are broken", t.token, v)
						return
					}
					*t.out = float32(v)
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// logSumExp is ln Σ e^x, to about 2e-7.
func logSumExp(x []float32) float64 {
	top := largest(x)
	if math.IsInf(float64(top), 0) {
		return math.NaN()
	}
	return float64(top) + math.Log(sumExp(x, top))
}

// largestGeneric is the largest of x, without NaN.
func largestGeneric(x []float32) float32 {
	top := float32(math.Inf(-1))
	second := top // two chains of comparisons in parallel
	for i := 0; i+1 < len(x); i += 2 {
		if x[i] > top {
			top = x[i]
		}
		if x[i+1] > second {
			second = x[i+1]
		}
	}
	if n := len(x); n%2 == 1 && x[n-1] > top {
		top = x[n-1]
	}
	if second > top {
		top = second
	}
	return top
}

// sumExpGeneric is Σ e^(x-top) if no x is above top. It is NaN if one x is.
func sumExpGeneric(x []float32, top float32) float64 {
	// e^d = 2^k · 2^(j/64) · e^r: the middle factor from a table, the last from its
	// series, since 0 ≤ -r < ln 2 / 64. Two sums, to be added in parallel.
	const (
		scale = 64 * math.Log2E
		least = -700 * scale // e^-700 is negligible
	)
	var a, b float64
	for len(x) >= 2 {
		d, e := float64(x[0]-top)*scale, float64(x[1]-top)*scale
		if d < least {
			d = least
		}
		if e < least {
			e = least
		}
		n, m := int64(d), int64(e)
		r, s := (d-float64(n))*(1/scale), (e-float64(m))*(1/scale)
		a += roots[n&63] * (1 + r*(1+r*(1.0/2+r*(1.0/6)))) * math.Float64frombits(uint64(n>>6+1023)<<52)
		b += roots[m&63] * (1 + s*(1+s*(1.0/2+s*(1.0/6)))) * math.Float64frombits(uint64(m>>6+1023)<<52)
		x = x[2:]
	}
	for _, v := range x {
		a += math.Exp(float64(v - top))
	}
	return a + b
}

// roots are 2^(j/64).
var roots = func() (t [64]float64) {
	for j := range t {
		t[j] = math.Exp2(float64(j) / 64)
	}
	return t
}()
