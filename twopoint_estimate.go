package l2m

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/token"
)

// estimateTwoPoint turns counts into information and fits its decay.
func estimateTwoPoint(ctx context.Context, f *count.File, o TwoPointOptions) (*report.TwoPoint, error) {
	t := &report.TwoPoint{Estimator: o.Estimator, Tokens: f.Tokens, Corrected: !o.KeepFloor}
	width := token.Width(f.Alphabet)
	counts := make([]mi.PairCounts, len(f.Distances))
	for i, d := range f.Distances {
		counts[i] = pairCountsOf(d)
	}
	if err := floors(ctx, counts, f, o); err != nil {
		return nil, err
	}
	estimates, err := estimateAll(ctx, counts, t.Corrected, o)
	if err != nil {
		return nil, err
	}
	var points, norms []mi.DecayPoint
	blocks := false
	for i, d := range f.Distances {
		e := estimates[i]
		if d.Pairs == 0 {
			continue // longer than every document
		}
		blocks = blocks || len(e.Without) >= 2
		point := report.TwoPointPoint{
			Distance: d.Distance, Pairs: e.Pairs, Value: e.Value, SE: e.SE, Floor: e.Floor, Limit: e.Limit, Attenuation: e.Attenuation,
		}
		switch {
		case d.Distance < width:
			point.LeftOut = mi.SharedLetters
		case fewPairs(d, f):
			point.LeftOut = mi.FewPairs
		case e.Below:
			point.LeftOut = mi.BelowFloor
		}
		if len(d.Table) > 0 {
			c, err := mi.Covariance(d.Table, f.Vocabulary)
			if err != nil {
				return nil, fmt.Errorf("distance %d: %w", d.Distance, err)
			}
			point.Covariance = &c
			norms = append(norms, c.Point(d.Distance, point.LeftOut))
		}
		t.Points = append(t.Points, point)
		points = append(points, mi.DecayPoint{Distance: d.Distance, Value: e.Value, SE: e.SE, Without: e.Without, LeftOut: point.LeftOut})
	}
	if len(t.Points) == 0 {
		return nil, errors.New("no document is long enough for a pair at the smallest distance")
	}
	t.Law, t.Warnings = mi.FitDecay(points, level)
	if len(norms) > 0 {
		t.CovarianceLaw, _ = mi.FitDecay(norms, level)
	}
	if lost := t.Points[0].Attenuation; lost >= 0.03 {
		t.Warnings = append(t.Warnings, info.Warning{
			Code: "attenuated",
			Text: fmt.Sprintf("most pairs are too rare to tell dependence from chance: up to about %.0f %% of a weak one is lost with what shuffled pairs read, at all distances alike", 100*lost),
			Fix:  "count more text, or take values for too small by as much; the exponent is hardly touched",
		})
	}
	if !blocks {
		why, fix := "pairs were not counted by blocks of documents", "count with --blocks"
		if len(f.Distances[0].Without) > 0 {
			why, fix = "there is too little text for blocks of it", "count more text"
		}
		t.Warnings = append(t.Warnings, info.Warning{
			Code: "no-blocks",
			Text: "the errors are those of independent pairs, because " + why + ": pairs of a text depend on one another, and the true errors can be many times as large",
			Fix:  fix,
		})
	}
	return t, nil
}

// fewPairs says whether fewer than half of the tokens have another at a distance.
func fewPairs(d count.Distance, f *count.File) bool { return 2*d.Pairs < f.Tokens }

// pairCountsOf is what estimators need of the counts at a distance.
func pairCountsOf(d count.Distance) mi.PairCounts {
	of := func(c count.Counts) mi.PairCounts {
		return mi.PairCounts{Left: c.Left, Right: c.Right, Pairs: c.Joint}
	}
	p := of(d.Counts)
	for _, w := range d.Without {
		if w.Pairs == 0 {
			p.Without = nil // one block has all the pairs: nothing to compare
			break
		}
		p.Without = append(p.Without, of(w))
	}
	return p
}

// estimateAll estimates the information at every distance at which there are pairs.
func estimateAll(ctx context.Context, counts []mi.PairCounts, subtract bool, o TwoPointOptions) ([]mi.TwoPointEstimate, error) {
	out := make([]mi.TwoPointEstimate, len(counts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(o.Workers, runtime.GOMAXPROCS(0)))
	for i, c := range counts {
		if c.Pairs.Total() == 0 {
			continue
		}
		g.Go(func() (err error) {
			if err = ctx.Err(); err == nil {
				out[i], err = mi.TwoPoint(c, mi.TwoPointOptions{Estimator: mi.EntropyEstimator(o.Estimator), SubtractFloor: subtract})
			}
			return err
		})
	}
	return out, g.Wait()
}

// floors adds shuffled pairs to the counts, which measure the estimator's bias. For
// Grassberger's estimator the bias follows from the marginals, far more surely than
// one shuffle tells: the first and the last distance that is fitted are shuffled, and
// if what is read there does not bear this out, all are. A handful of pairs at a
// distance beyond would not.
func floors(ctx context.Context, counts []mi.PairCounts, f *count.File, o TwoPointOptions) error {
	stage := o.Progress.stage("shuffling", "distances")
	var with []int // distances at which there are pairs
	for i, d := range f.Distances {
		if d.Pairs > 0 {
			with = append(with, i)
		}
	}
	if len(with) == 0 {
		return nil
	}
	if o.Estimator == string(mi.Grassberger) {
		bornOut, last := true, with[0]
		for _, i := range with {
			if !fewPairs(f.Distances[i], f) {
				last = i
			}
		}
		for n, i := range []int{with[0], last} {
			stage(int64(n), 2, 0)
			p := counts[i]
			if err := shuffle(ctx, &p, f.Distances[i].Distance, o); err != nil {
				return fmt.Errorf("distance %d: %w", f.Distances[i].Distance, err)
			}
			ok, err := floorHolds(p)
			if err != nil {
				return fmt.Errorf("distance %d: %w", f.Distances[i].Distance, err)
			}
			bornOut = bornOut && ok
		}
		stage(2, 2, 0)
		if bornOut {
			return nil
		}
	}
	for n, i := range with {
		stage(int64(n), int64(len(with)), 0)
		if err := shuffle(ctx, &counts[i], f.Distances[i].Distance, o); err != nil {
			return fmt.Errorf("distance %d: %w", f.Distances[i].Distance, err)
		}
	}
	stage(int64(len(with)), int64(len(with)), 0)
	return nil
}

// dealtPairs is about how many pairs are dealt at a distance, in up to mostDeals
// shuffles: the more there are, the less noise there is in what they read.
const (
	dealtPairs = 1 << 25
	mostDeals  = 16
)

// shuffle shuffles the pairs of a distance, and of the blocks where the estimator
// needs those.
func shuffle(ctx context.Context, p *mi.PairCounts, distance int, o TwoPointOptions) error {
	n := p.Pairs.Total()
	deal := func(p *mi.PairCounts, deals int64, purpose uint64) error {
		p.Shuffled = nil
		for k := range deals {
			h, err := count.Shuffled(ctx, p.Left, p.Right, o.Seed+uint64(distance)<<20+purpose<<10+uint64(k), o.Workers)
			if err != nil {
				return err
			}
			p.Shuffled = append(p.Shuffled, h)
		}
		return nil
	}
	if err := deal(p, min(max(dealtPairs/n, 1), mostDeals), 0); err != nil {
		return err
	}
	for b := range p.Without {
		if o.Estimator == string(mi.Grassberger) {
			break
		}
		if err := deal(&p.Without[b], 1, uint64(1+b)); err != nil {
			return err
		}
	}
	return nil
}

// floorHolds says whether shuffled pairs read what IndependentFloor says, to a fifth
// of the noise of independent pairs and three standard errors of the reading.
func floorHolds(p mi.PairCounts) (bool, error) {
	p.Without = nil
	read, err := mi.TwoPoint(p, mi.TwoPointOptions{})
	if err != nil {
		return false, err
	}
	independent, err := mi.IndependentFloor(p.Left, p.Right)
	if err != nil {
		return false, err
	}
	noise := float64(mi.IndependentSE(p.Left, p.Right))
	return math.Abs(float64(read.Floor-independent)) <= noise*(0.2+3/math.Sqrt(float64(len(p.Shuffled)))), nil
}
