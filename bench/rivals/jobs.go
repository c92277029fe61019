package main

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/bytemix"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/token"
)

// task is a process at a length.
type task struct {
	truth  process.Truth
	one    process.Process[float64] // the process that truth has copies of; nil for symbols
	copies int
	length int
}

// work bounds the cost of an estimate: distances times dimensions, or tokens scored.
const (
	workPairs  = 1e9
	workTokens = 4e6
)

// job is one estimator on one task.
type job struct {
	row row // the known part
	// run estimates from samples, or from as many as it can afford.
	run func(ctx context.Context, samples int, seed uint64) (value float64, used int, err error)
}

// jobs are all combinations.
func jobs(largest int) ([]job, error) {
	processes, err := tasks(largest)
	if err != nil {
		return nil, err
	}
	var out []job
	for _, t := range processes {
		mi, err := t.truth.BipartiteMI(t.length/2, t.length)
		if err != nil {
			return nil, err
		}
		add := func(name string, run func(context.Context, task, int, uint64) (float64, int, error)) {
			out = append(out, job{
				row{estimator: name, process: t.truth.Describe().Spec, length: t.length, dimensions: t.length * t.copies, truth: float64(mi)},
				func(ctx context.Context, samples int, seed uint64) (float64, int, error) {
					return run(ctx, t, samples, seed)
				},
			})
		}
		add("paired, exact model", pairedExact)
		if t.one == nil {
			add("universal code", universalCode)
			continue
		}
		add("KSG", ksgOf)
		add("CCA", ccaOf(false))
		add("CCA, bias corrected", ccaOf(true))
		add("InfoNCE, exact critic", bounds(false))
		add("leave-one-out, exact critic", bounds(true))
	}
	for _, t := range closedForms() {
		add := func(name string, measure func(ctx context.Context, x, y [][]float64) (estimate, error)) {
			x, y := t.draw(process.NewRand(0, 0))
			out = append(out, job{
				row{estimator: name, process: t.name, dimensions: len(x) + len(y), truth: t.truth},
				func(ctx context.Context, samples int, seed uint64) (float64, int, error) {
					x, y := t.sample(process.NewRand(seed, 0), samples)
					e, err := measure(ctx, x, y)
					return e.value, samples, err
				},
			})
		}
		add("KSG", func(ctx context.Context, x, y [][]float64) (estimate, error) { return ksg(ctx, x, y, 3) })
		add("CCA, bias corrected", func(_ context.Context, x, y [][]float64) (estimate, error) { return cca(x, y, true) })
	}
	return out, nil
}

// tasks are hierarchical Gaussians of growing length, from 1,024 on also 64
// copies of them, and symbols.
func tasks(largest int) ([]task, error) {
	var out []task
	for _, copies := range []int{1, 64} {
		for L := 4; L <= largest; L *= 4 {
			if copies == 1 && L > 4096 || copies > 1 && L < 1024 {
				continue
			}
			one, err := process.NewHierarchical(process.HierarchicalOptions{Inherit: []int{3}})
			if err != nil {
				return nil, err
			}
			t := task{truth: one, one: one, copies: copies, length: L}
			if copies > 1 {
				if t.truth, err = process.NewStack(one, copies); err != nil {
					return nil, err
				}
			}
			out = append(out, t)
		}
	}
	for _, spec := range []string{"sticky:states=2,stay=0.99,clear=0.75", "santafe:beta=0.75"} {
		p, err := process.Parse(spec)
		if err != nil {
			return nil, err
		}
		for L := 64; L <= largest; L *= 4 {
			out = append(out, task{truth: p, copies: 1, length: L})
		}
	}
	return out, nil
}

// pairedExact is ln p(Y|X) − ln p(Y) on as many windows as the budget allows.
func pairedExact(ctx context.Context, t task, samples int, seed uint64) (float64, int, error) {
	n := min(samples, max(4, workTokens/(t.length*t.copies)))
	if t.one == nil {
		v, err := pairedMean(ctx, t.truth.(process.Process[token.ID]), t.length, n, seed)
		return v, n, err
	}
	// Copies are independent: sum over copies of windows of one.
	v, err := pairedMean(ctx, t.one, t.length, n*t.copies, seed)
	return v * float64(t.copies), n, err
}

func pairedMean[T any](ctx context.Context, p process.Process[T], length, n int, seed uint64) (float64, error) {
	m := p.Model()
	total := 0.0
	err := process.Samples(ctx, p, seed, length, n, 1, func(_ int, w []T) error {
		v, err := gain(ctx, m, w[:length/2], w[length/2:])
		total += v
		return err
	})
	return total / float64(n), err
}

// gain is ln q(y|x) − ln q(y).
func gain[T any](ctx context.Context, m lm.Model[T], x, y []T) (float64, error) {
	s, err := m.LogProbs(ctx, lm.Request[T]{Tokens: append(append([]T(nil), x...), y...), Branches: []lm.Branch[T]{{Tokens: y}}})
	if err != nil {
		return 0, err
	}
	total := 0.0
	for i, v := range s.Branches[0] {
		total += float64(s.Tokens[len(x)+i]) - float64(v)
	}
	return total, nil
}

// pairs draws X and Y as vectors.
func (t task) pairs(ctx context.Context, n int, seed uint64) (x, y [][]float64, err error) {
	half := t.length / 2
	err = process.Samples(ctx, t.one, seed, t.length, n*t.copies, 1, func(i int, w []float64) error {
		if i%t.copies == 0 {
			x, y = append(x, nil), append(y, nil)
		}
		x[len(x)-1], y[len(y)-1] = append(x[len(x)-1], w[:half]...), append(y[len(y)-1], w[half:]...)
		return nil
	})
	return x, y, err
}

func (t task) affordable(n, dimensions int) error {
	if float64(n)*float64(n)*float64(dimensions) > workPairs {
		return fmt.Errorf("%d² distances in %d dimensions: not tried", n, dimensions)
	}
	return nil
}

func ksgOf(ctx context.Context, t task, n int, seed uint64) (float64, int, error) {
	if err := t.affordable(n, t.length*t.copies); err != nil {
		return 0, n, err
	}
	x, y, err := t.pairs(ctx, n, seed)
	if err != nil {
		return 0, n, err
	}
	e, err := ksg(ctx, x, y, 3)
	return e.value, n, err
}

func ccaOf(corrected bool) func(context.Context, task, int, uint64) (float64, int, error) {
	return func(ctx context.Context, t task, n int, seed uint64) (float64, int, error) {
		if d := t.length * t.copies; n <= d {
			return 0, n, fmt.Errorf("%d samples cannot determine the covariance of %d coordinates", n, d)
		}
		x, y, err := t.pairs(ctx, n, seed)
		if err != nil {
			return 0, n, err
		}
		e, err := cca(x, y, corrected)
		return e.value, n, err
	}
}

// bounds runs the bounds in canonical coordinates, in which X and Y are
// pairs of correlation 2/3 (docs/processes.md): ln p(y|x)/p(y), and with it the
// bounds, is the same in any coordinates.
func bounds(leaveOneOut bool) func(context.Context, task, int, uint64) (float64, int, error) {
	return func(ctx context.Context, t task, n int, seed uint64) (float64, int, error) {
		d := t.copies
		for L := t.length; L > 4; L /= 4 {
			d *= 3
		}
		if err := t.affordable(n, d); err != nil {
			return 0, n, err
		}
		const rho = 2.0 / 3
		rng := process.NewRand(seed, 0)
		x, y := make([]float64, n*d), make([]float64, n*d)
		for i := range x {
			x[i] = rng.NormFloat64()
			y[i] = rho*x[i] + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		}
		nce, loo, err := contrastive(ctx, n, func(j, i int) float64 {
			s := 0.0
			b := y[i*d : (i+1)*d]
			for k, a := range x[j*d : (j+1)*d] {
				e := b[k] - rho*a
				s += e * e
			}
			return -s / (2 * (1 - rho*rho))
		})
		if leaveOneOut {
			return loo.value, n, err
		}
		return nce.value, n, err
	}
}

// universalCode is C(X) + C(Y) − C(XY) of texts, where C is the code length of the
// untrained built-in predictor.
func universalCode(ctx context.Context, t task, samples int, seed uint64) (float64, int, error) {
	n := min(samples, 20, max(4, 200_000/t.length))
	p := t.truth.(process.Process[token.ID])
	model, err := bytemix.New(bytemix.Options{TableBits: 16, Workers: 1})
	if err != nil {
		return 0, n, err
	}
	total := 0.0
	err = process.Samples(ctx, p, seed, t.length, n, 1, func(_ int, w []token.ID) error {
		v, err := gain(ctx, model, asBytes(w[:t.length/2]), asBytes(w[t.length/2:]))
		total += v
		return err
	})
	return total / float64(n), n, err
}

// asBytes writes symbols of small alphabets as letters, and facts as decimal numbers
// followed by a space.
func asBytes(w []token.ID) []token.ID {
	var out []token.ID
	for _, s := range w {
		if s < 2 {
			out = append(out, token.ID('a')+s)
			continue
		}
		for _, c := range strconv.Itoa(int(s)) {
			out = append(out, token.ID(c))
		}
		out = append(out, ' ')
	}
	return out
}
