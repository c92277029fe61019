package llama

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// take reads the wanted log-probabilities from the logits where llama.cpp left
// them, on all cores.
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
					// The rounding of a probability near 1 may end above it.
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

// logSumExp is ln Σ e^x, accurate to some 1e-7: each exponential to a unit in
// the last place of a float32, their sum in float64.
func logSumExp(x []float32) float64 {
	top := float32(math.Inf(-1))
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	if math.IsInf(float64(top), 0) {
		return math.NaN()
	}
	total := 0.0
	for len(x) > 0 {
		n := min(len(x), 64)
		var a, b float32 // short sums: few terms, little rounding
		i := 0
		for ; i+1 < n; i += 2 {
			a += exp32(x[i] - top)
			b += exp32(x[i+1] - top)
		}
		if i < n {
			a += exp32(x[i] - top)
		}
		total += float64(a) + float64(b)
		x = x[n:]
	}
	return float64(top) + math.Log(total)
}

// exp32 is e^x for x ≤ 0: 2^k·e^r with |r| ≤ ln 2 / 2 and a Taylor series of
// degree 7, whose remainder there is below 6e-9.
func exp32(x float32) float32 {
	if !(x > -87) {
		if x != x {
			return x
		}
		return 0
	}
	const (
		log2e = 1.4426950408889634
		hi    = 0.693359375 // ln 2 in two parts, so that k·hi is exact
		lo    = -2.12194440e-4
	)
	k := float32(int32(x*log2e - 0.5))
	r := x - k*hi - k*lo
	p := float32(1.0 / 5040)
	p = p*r + 1.0/720
	p = p*r + 1.0/120
	p = p*r + 1.0/24
	p = p*r + 1.0/6
	p = p*r + 0.5
	p = p*r + 1
	p = p*r + 1
	return p * math.Float32frombits(uint32(int32(k)+127)<<23)
}
