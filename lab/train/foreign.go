package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Predictions are what a model that was trained elsewhere says of each token of
// sequences of a process, given those before it: of numbers the mean and the standard
// deviation of a normal law, or, as of symbols, the logarithm of its density or
// probability at the token, nats.
type Predictions struct {
	Sequences, Length, Copies int          // of numbers: Copies independent ones at each position
	X                         []float32    // numbers [sequence, position, copy]
	Symbols                   [][]token.ID // in place of X
	Mean, Deviation           []float32    // as X
	LogProbs                  []float32    // as X, in place of both
}

// EvaluatePredictions compares predictions with the exact law of the process. Of means
// and deviations the loss is the Kullback–Leibler divergence of each prediction from
// the law of the number given its past, exact for these sequences; of log-probabilities
// it is −ln q, beside −ln p. Sequences that the process would hardly make are refused.
func EvaluatePredictions(ctx context.Context, data Data, p Predictions) (*Evaluation, error) {
	e := &Evaluation{Length: p.Length, Sequences: p.Sequences, ByPosition: make([]float64, p.Length)}
	var err error
	switch d := data.(type) {
	case *gaussian:
		err = d.foreign(e, p)
	case *symbols:
		err = d.foreign(ctx, e, p)
	default:
		err = errors.New("the exact law of this data is not known")
	}
	if err != nil {
		return nil, err
	}
	for _, l := range e.ByPosition {
		e.Loss += l / float64(p.Length)
	}
	return e, nil
}

// foreign finds z of every sequence, with which the exact law of x_t given its past is
// N(x_t − L_tt·z_t, L_tt²).
func (d *gaussian) foreign(e *Evaluation, p Predictions) error {
	if p.X == nil {
		return errors.New("the process has numbers, not symbols, for tokens")
	}
	if err := d.CheckLength(p.Length); err != nil {
		return err
	}
	f, err := d.factor(p.Length)
	if err != nil {
		return err
	}
	normal := p.LogProbs == nil
	if !normal {
		e.Exact = make([]float64, p.Length)
	}
	n, w := float64(p.Sequences*p.Copies), newWhiteness(p.Length)
	z := make([]float64, p.Length)
	for i := range p.Sequences {
		for c := range p.Copies {
			for t := range p.Length {
				at := (i*p.Length+t)*p.Copies + c
				x, sd, row := float64(p.X[at]), float64(f.deviation[t]), f.lower[t*p.Length:]
				mean := 0.0
				for s := range t {
					mean += float64(row[s]) * z[s]
				}
				z[t] = (x - mean) / sd
				if normal {
					e.ByPosition[t] += divergence(mean, sd, float64(p.Mean[at]), float64(p.Deviation[at])) / n
				} else {
					e.ByPosition[t] -= float64(p.LogProbs[at]) / n
					e.Exact[t] += (math.Log(sd) + 0.5*math.Log(2*math.Pi) + z[t]*z[t]/2) / n
				}
			}
			w.add(z)
		}
	}
	if !w.white() {
		return errors.New("x is no sample of this process: the errors of its exact predictions are not white noise of the stated variance")
	}
	e.Gain = f.gain
	if normal {
		e.measureGap()
	}
	return nil
}

// whiteness gathers what z must be if x is a sample of the process, independent
// standard normal numbers: sums of squares over dyadic stretches of positions, and of
// products of numbers at dyadic distances.
type whiteness struct {
	squares, products []float64 // by the binary logarithm of position + 1, of distance
	length            int
	sequences         float64
}

func newWhiteness(length int) *whiteness {
	n := bits.Len(uint(length))
	return &whiteness{squares: make([]float64, n), products: make([]float64, n), length: length}
}

func (w *whiteness) add(z []float64) {
	w.sequences++
	for t, v := range z {
		w.squares[bits.Len(uint(t+1))-1] += v * v
		for k := 0; 1<<k <= t; k++ {
			w.products[k] += v * z[t-1<<k]
		}
	}
}

// white reports whether all means are within six of their standard deviations, √(2/N)
// of squares and √(1/N) of products, which chance exceeds once in a hundred million.
// Means of few terms are left out: they are not normal.
func (w *whiteness) white() bool {
	const few, limit = 200, 6
	for k := range w.squares {
		stretch := min(1<<(k+1)-1, w.length) - (1<<k - 1)
		n := w.sequences * float64(stretch)
		if n >= few && math.Abs(w.squares[k]/n-1) > limit*math.Sqrt(2/n) {
			return false
		}
		n = w.sequences * float64(w.length-1<<k)
		if n >= few && math.Abs(w.products[k]/n) > limit/math.Sqrt(n) {
			return false
		}
	}
	return true
}

// divergence is the Kullback–Leibler divergence of N(m, s²) from N(mean, sd²), nats.
func divergence(mean, sd, m, s float64) float64 {
	return math.Log(s/sd) + (sd*sd+(mean-m)*(mean-m))/(2*s*s) - 0.5
}

func (d *symbols) foreign(ctx context.Context, e *Evaluation, p Predictions) error {
	if p.Symbols == nil || p.LogProbs == nil {
		return errors.New("the process has symbols: x holds whole numbers, and predictions are log-probabilities")
	}
	e.Exact = make([]float64, p.Length)
	model, n := d.p.Model(), float64(p.Sequences)
	for i, row := range p.Symbols {
		exact, err := model.LogProbs(ctx, lm.Request[token.ID]{Tokens: row})
		if err != nil {
			return fmt.Errorf("sequence %d: %w", i, err)
		}
		for t, l := range exact.Tokens {
			if math.IsInf(float64(l), 0) || math.IsNaN(float64(l)) {
				return fmt.Errorf("x is no sample of this process: its token %d of sequence %d is impossible after those before it", t, i)
			}
			e.Exact[t] -= float64(l) / n
			e.ByPosition[t] -= float64(p.LogProbs[i*p.Length+t]) / n
		}
	}
	return nil
}
