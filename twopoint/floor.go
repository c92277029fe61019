package twopoint

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/mi"
)

// shuffled shuffles pairs, which measures the estimator's bias, and calls estimate
// with the counts of each distance at which this is called for; formula are the other
// distances at which there are pairs.
//
// For Grassberger's estimator the bias follows from the marginals, far more surely
// than one shuffle tells: the first and the last distance that is fitted are shuffled,
// and if what is read there does not bear this out, all are. Where there are few
// pairs, which costs little, they are shuffled anyway: of a handful, the marginals do
// not tell.
func shuffled(ctx context.Context, f *count.File, o Options, estimate func(i int, p mi.PairCounts) error) (formula []int, err error) {
	var rest []int // of which the marginals do not tell
	for i, d := range f.Distances {
		switch {
		case d.Pairs == 0:
		case o.Estimator == string(mi.Grassberger) && !fewPairs(d, f):
			formula = append(formula, i)
		default:
			rest = append(rest, i)
		}
	}
	var ends []int
	if len(formula) > 0 {
		ends = slices.Compact([]int{formula[0], formula[len(formula)-1]})
	}
	stage, done := o.Progress.Stage("shuffling", "distances"), 0
	deal := func(i int, pairs int64, use func(mi.PairCounts) error) error {
		stage(int64(done), int64(len(ends)+len(rest)), 0)
		p := pairCountsOf(f.Distances[i])
		err := shuffle(ctx, &p, f.Distances[i].Distance, pairs, o)
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
	bornOut := true
	for _, i := range ends {
		err := deal(i, dealtPairs, func(p mi.PairCounts) error {
			holds, err := floorHolds(p)
			bornOut = bornOut && holds
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	pairs := int64(dealtPairs)
	switch {
	case !bornOut:
		rest, formula = append(formula, rest...), nil
	case len(formula) > 0:
		pairs = dealtFew // those beyond the last that is fitted
	}
	for _, i := range rest {
		if err := deal(i, pairs, func(p mi.PairCounts) error { return estimate(i, p) }); err != nil {
			return nil, err
		}
	}
	return formula, nil
}

// dealtPairs is about how many pairs are dealt at a distance, in up to mostDeals
// shuffles: the more there are, the less noise there is in what they read. dealtFew
// is enough where nothing is fitted.
const (
	dealtPairs = 1 << 25
	dealtFew   = 1 << 22
	mostDeals  = 16
)

// shuffle shuffles the pairs of a distance, and of the blocks where the estimator
// needs those.
func shuffle(ctx context.Context, p *mi.PairCounts, distance int, pairs int64, o Options) error {
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
	if err := deal(p, min(max(pairs/n, 1), mostDeals), 0); err != nil {
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
