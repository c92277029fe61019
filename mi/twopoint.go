package mi

import (
	"cmp"
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/stats"
)

// PairCounts are the counts of pairs (w_i, w_{i+d}) at one distance d.
type PairCounts struct {
	Left, Right info.Histogram // of w_i and of w_{i+d} over the same pairs
	Pairs       info.Histogram // of the pairs themselves

	// Shuffled are histograms of as many pairs with the same marginals, but
	// independent: the estimate from them is, on average, the estimator's bias. Without
	// them, Grassberger's estimator uses IndependentFloor, and the bias of others is
	// unknown.
	Shuffled []info.Histogram

	// Without[b] are the counts without block b of the documents, for the standard
	// error by delete-one-block jackknife; may be nil. Grassberger's estimator does not
	// need their Shuffled.
	Without []PairCounts
}

// TwoPointOptions chooses how two-point information is estimated.
type TwoPointOptions struct {
	Estimator     EntropyEstimator // "" means Grassberger
	SubtractFloor bool             // subtract the floor: the estimate on shuffled pairs
}

// TwoPointEstimate is the mutual information of the two ends of a pair.
type TwoPointEstimate struct {
	Pairs int64     // number of pairs N
	Value info.Nats // with the floor subtracted if asked for
	SE    info.Nats // standard error of Value; see Method

	// Method of SE: Jackknife over blocks of documents; or Bound, without blocks or if
	// one block has all pairs: the standard errors of the three entropies in
	// quadrature, for independent pairs. The entropies are positively correlated, so
	// the bound is too wide, but it ignores the dependence within documents.
	Method string

	// Blocks is the effective number of blocks, (Σn)²/Σn² (Kish); 0 without blocks. A
	// jackknife over few blocks has a very uncertain error.
	Blocks float64

	// Without[b] is Value without block b of the documents, apart from parity effects;
	// nil without blocks.
	Without []info.Nats

	Floor   info.Nats // estimate on shuffled pairs; 0 if unknown
	FloorSE info.Nats // noise around the floor, including its own, if the ends are independent; see IndependentSE
	// Limit is what Value must exceed to count as above the floor: two standard errors,
	// plus the floor if it was not subtracted.
	Limit info.Nats
	Below bool // Value ≤ Limit: not distinguishable from the floor

	// Attenuation is approximately the share of a weak dependence lost by subtracting
	// the floor; see the function. Other estimators lose more.
	Attenuation float64
}

// Methods of standard errors.
const (
	Jackknife = "jackknife"
	Bound     = "bound"
)

// TwoPoint estimates I(w_i; w_{i+d}) = H(w_i) + H(w_{i+d}) − H(w_i, w_{i+d}).
//
// A value counts as above the floor if it exceeds it by two standard deviations of
// independent pairs (FloorSE), and by two jackknife standard errors if there are any.
func TwoPoint(c PairCounts, opts TwoPointOptions) (TwoPointEstimate, error) {
	e := cmp.Or(opts.Estimator, Grassberger)
	var out TwoPointEstimate
	r, err := c.read(e, grassbergerG)
	if err != nil {
		return out, err
	}
	out.Pairs, out.Value, out.Floor = r.pairs, r.value, r.floor
	out.SE, out.Method = r.se, Bound
	out.FloorSE = IndependentSE(c.Left, c.Right)
	if n := len(c.Shuffled); n > 0 {
		out.FloorSE *= info.Nats(math.Sqrt(1 + 1/float64(n)))
	}
	noise := out.FloorSE
	if out.Blocks, err = c.blocks(); err != nil {
		return out, err
	}
	if out.Blocks > 1 {
		values, above := make([]float64, len(c.Without)), make([]float64, len(c.Without))
		for b, without := range c.Without {
			// The parity of counts differs randomly between blocks, which the jackknife
			// would amplify.
			part, err := without.read(e, evenG)
			if err != nil {
				return out, fmt.Errorf("without block %d: %w", b, err)
			}
			values[b], above[b] = float64(part.value), float64(part.value-part.floor)
		}
		// A block with many rare words moves the value and the floor alike, so their
		// difference is known better.
		noise = max(noise, info.Nats(stats.Jackknife(above)))
		if opts.SubtractFloor {
			values = above
		}
		out.SE, out.Method = info.Nats(stats.Jackknife(values)), Jackknife
		if e == Grassberger {
			out.SE = info.Nats(math.Hypot(float64(out.SE), parityNoise(c.Pairs)))
		}
		for _, v := range values {
			out.Without = append(out.Without, info.Nats(v))
		}
	}
	out.Limit = 2 * noise
	if opts.SubtractFloor {
		out.Value -= out.Floor
		out.Attenuation = Attenuation(c.Left, c.Right)
	} else {
		out.Limit += out.Floor
	}
	out.Below = out.Value <= out.Limit
	return out, nil
}

// blocks is TwoPointEstimate.Blocks, 1 if a block has all pairs.
func (c PairCounts) blocks() (float64, error) {
	all := float64(c.Pairs.Total())
	sum, squares := 0.0, 0.0
	for b, without := range c.Without {
		n := all - float64(without.Pairs.Total())
		if sum += n; n < 0 || sum > all {
			return 0, fmt.Errorf("without block %d: it and the blocks before have %g of %g pairs", b, sum, all)
		}
		squares += n * n
	}
	if squares == 0 {
		return 0, nil
	}
	return sum * sum / squares, nil
}

// parityNoise is the part of the standard error of Grassberger's entropy that comes
// from the parity of counts: ½ for every count from evenFrom on, over N.
func parityNoise(h info.Histogram) float64 {
	cells := 0.0
	for _, b := range h {
		if b.Count >= evenFrom {
			cells += float64(b.Types)
		}
	}
	return math.Sqrt(cells) / 2 / float64(h.Total())
}

// reading is the estimate from pairs and from shuffled pairs.
type reading struct {
	pairs            int64
	value, se, floor info.Nats
}

// read reads the counts, without the blocks.
func (c PairCounts) read(e EntropyEstimator, g func(n int64) float64) (r reading, err error) {
	r.pairs = c.Pairs.Total()
	of := func(name string, h info.Histogram) EntropyEstimate {
		if err != nil {
			return EntropyEstimate{}
		}
		if n := h.Total(); n != r.pairs {
			err = fmt.Errorf("two-point information: %d %s for %d pairs", n, name, r.pairs)
			return EntropyEstimate{}
		}
		var out EntropyEstimate
		if out, err = entropy(h, e, g); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return out
	}
	left, right, pairs := of("left ends", c.Left), of("right ends", c.Right), of("pairs", c.Pairs)
	r.value = left.Value + right.Value - pairs.Value
	r.se = info.Nats(math.Hypot(math.Hypot(float64(left.SE), float64(right.SE)), float64(pairs.SE)))
	for _, h := range c.Shuffled {
		shuffled := of("shuffled pairs", h)
		r.floor += (left.Value + right.Value - shuffled.Value) / info.Nats(len(c.Shuffled))
	}
	if err == nil && len(c.Shuffled) == 0 && e == Grassberger {
		r.floor, err = independentFloor(c.Left, c.Right, g)
	}
	return r, err
}
