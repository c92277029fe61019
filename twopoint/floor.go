package twopoint

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/mi"
)

// shuffled measures the noise floor, the estimator's bias, on shuffled pairs where
// that is needed, and calls estimate with the counts of each such distance. It
// returns the other distances with pairs, whose floor follows from a formula.
//
// For Grassberger's estimator the formula needs only the marginals, and is far more
// precise than a shuffle. It is checked by shuffling the first and the last fitted
// distance; if it fails there, all distances are shuffled. Distances with few pairs,
// for which the formula does not hold, are always shuffled, which costs little.
func (o estimation) shuffled(ctx context.Context, f *count.File, estimate func(i int, p mi.PairCounts) error) (formula []int, err error) {
	var rest []int // to be shuffled
	for i, d := range f.Distances {
		switch {
		case d.Pairs == 0:
		case o.estimator == mi.Grassberger && !fewPairs(d, f):
			formula = append(formula, i)
		default:
			rest = append(rest, i)
		}
	}
	var ends []int
	if len(formula) > 0 {
		ends = slices.Compact([]int{formula[0], formula[len(formula)-1]})
	}
	stage, done := o.progress.Stage("shuffling", "distances"), 0
	shuffle := func(i int, pairs int64, use func(mi.PairCounts) error) error {
		stage(int64(done), int64(len(ends)+len(rest)), 0)
		p := pairCountsOf(f.Distances[i])
		err := o.shuffle(ctx, &p, f.Distances[i].Distance, pairs)
		if err == nil {
			err = use(p)
		}
		if err != nil {
			return fmt.Errorf("distance %d: %w", f.Distances[i].Distance, err)
		}
		done++
		stage(int64(done), int64(len(ends)+len(rest)), 0)
		return nil
	}
	confirmed := true
	for _, i := range ends {
		err := shuffle(i, shuffledPairs, func(p mi.PairCounts) error {
			holds, err := formulaHolds(p)
			confirmed = confirmed && holds
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	pairs := int64(shuffledPairs)
	switch {
	case !confirmed:
		rest, formula = append(formula, rest...), nil
	case len(formula) > 0:
		pairs = shuffledFew // the rest is not fitted
	}
	for _, i := range rest {
		if err := shuffle(i, pairs, func(p mi.PairCounts) error { return estimate(i, p) }); err != nil {
			return nil, err
		}
	}
	return formula, nil
}

const (
	shuffledPairs = 1 << 25 // about as many shuffled pairs per distance: more make the floor less noisy
	shuffledFew   = 1 << 22 // for distances that are not fitted
	mostShuffles  = 16      // of one distance
)

// shuffle shuffles the pairs of a distance until there are about pairs of them, and
// those of its blocks if the estimator needs that.
func (o estimation) shuffle(ctx context.Context, p *mi.PairCounts, distance int, pairs int64) error {
	n := p.Pairs.Total()
	repeat := func(p *mi.PairCounts, times int64, purpose uint64) error {
		p.Shuffled = nil
		for k := range times {
			h, err := count.Shuffled(ctx, p.Left, p.Right, o.seed+uint64(distance)<<20+purpose<<10+uint64(k), o.workers)
			if err != nil {
				return err
			}
			p.Shuffled = append(p.Shuffled, h)
		}
		return nil
	}
	if err := repeat(p, min(max(pairs/n, 1), mostShuffles), 0); err != nil {
		return err
	}
	if o.estimator == mi.Grassberger {
		return nil
	}
	for b := range p.Without {
		if err := repeat(&p.Without[b], 1, uint64(1+b)); err != nil {
			return err
		}
	}
	return nil
}

// formulaHolds reports whether the estimate on shuffled pairs agrees with
// mi.IndependentFloor to within a fifth of the noise of independent pairs plus three
// standard errors of the estimate.
func formulaHolds(p mi.PairCounts) (bool, error) {
	p.Without = nil
	measured, err := mi.TwoPoint(p, mi.TwoPointOptions{})
	if err != nil {
		return false, err
	}
	independent, err := mi.IndependentFloor(p.Left, p.Right)
	if err != nil {
		return false, err
	}
	noise := float64(mi.IndependentSE(p.Left, p.Right))
	return math.Abs(float64(measured.Floor-independent)) <= noise*(0.2+3/math.Sqrt(float64(len(p.Shuffled)))), nil
}
