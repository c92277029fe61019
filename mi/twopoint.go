package mi

import (
	"cmp"
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/info"
)

// PairCounts are the counts of pairs (w_i, w_{i+d}) at one distance d.
type PairCounts struct {
	Left, Right info.Histogram // of w_i and of w_{i+d} over the same pairs
	Pairs       info.Histogram // of the pairs themselves

	// Shuffled is the histogram of as many pairs with the same marginals but
	// drawn across documents, so that they are independent: it measures the
	// estimator's bias. nil when there is none.
	Shuffled info.Histogram

	// FloorExcess, in place of Shuffled and for Grassberger's estimator only, is by
	// how much shuffled pairs of nearly the same marginals read more than
	// IndependentFloor says. It is small, and changes far less than the floor does.
	FloorExcess *info.Nats

	// Without[b] are the counts with block b of the documents left out, for the
	// standard error by delete-one-block jackknife; nil when there are none.
	// Their Shuffled serves the error above the floor; Grassberger's estimator
	// does without, by IndependentFloor.
	Without []PairCounts
}

// TwoPointOptions chooses how two-point information is estimated.
type TwoPointOptions struct {
	Estimator     EntropyEstimator // "" means Grassberger
	SubtractFloor bool             // subtract what the estimator reads on shuffled pairs
}

// TwoPointEstimate is the mutual information of the two ends of a pair.
type TwoPointEstimate struct {
	Pairs int64     // number of pairs N
	Value info.Nats // with the floor subtracted if that was asked for
	SE    info.Nats // standard error of Value; see Method

	// Method of SE: "jackknife" over blocks of documents; or "bound": the
	// standard errors of the three entropies in quadrature, for independent
	// pairs. The entropies are positively correlated, so the bound is too wide,
	// but it knows nothing of the dependence inside documents.
	Method string

	// Without[b] is Value with block b of the documents left out; nil without
	// blocks.
	Without []info.Nats

	Floor   info.Nats // what the estimator reads on shuffled pairs; 0 without them
	FloorSE info.Nats // noise of an estimate around the floor when the ends are independent; see IndependentSE
	// Limit is what Value must exceed to count as above the floor: two standard
	// errors, on top of the floor where that is not subtracted.
	Limit info.Nats
	Below bool // Value ≤ Limit: indistinguishable from the floor

	// Attenuation is about the share of a weak dependence that is lost when the
	// floor is subtracted; see the function. 0 for estimators other than
	// Grassberger's.
	Attenuation float64
}

// TwoPoint estimates I(w_i; w_{i+d}) = H(w_i) + H(w_{i+d}) − H(w_i, w_{i+d}).
//
// A value counts as above the floor when it exceeds it by two standard
// deviations of independent pairs (FloorSE), and by two jackknife standard
// errors where there are any.
func TwoPoint(c PairCounts, opts TwoPointOptions) (TwoPointEstimate, error) {
	e := cmp.Or(opts.Estimator, Grassberger)
	var out TwoPointEstimate
	if c.FloorExcess != nil && e != Grassberger {
		return out, fmt.Errorf("two-point information: FloorExcess is for %s's estimator, not for %s", Grassberger, e)
	}
	r, err := c.read(e)
	if err != nil {
		return out, err
	}
	out.Pairs, out.Value, out.Floor = r.pairs, r.value, r.floor
	out.SE, out.Method = r.se, "bound"
	out.FloorSE = IndependentSE(c.Left, c.Right)
	noise := out.FloorSE
	if len(c.Without) >= 2 {
		excess := c.FloorExcess
		if c.Shuffled != nil && e == Grassberger {
			independent, err := IndependentFloor(c.Left, c.Right)
			if err != nil {
				return out, err
			}
			excess = new(r.floor - independent)
		}
		values, above := make([]float64, len(c.Without)), make([]float64, len(c.Without))
		for b, without := range c.Without {
			without.FloorExcess = excess
			part, err := without.read(e)
			if err != nil {
				return out, fmt.Errorf("without block %d: %w", b, err)
			}
			values[b], above[b] = float64(part.value), float64(part.value-part.floor)
		}
		// A block that has many rare words of its own moves the value and the
		// floor alike, so what stands above the floor is known better.
		noise = max(noise, info.Nats(jackknife(above)))
		if opts.SubtractFloor {
			values = above
		}
		out.SE, out.Method = info.Nats(jackknife(values)), "jackknife"
		for _, v := range values {
			out.Without = append(out.Without, info.Nats(v))
		}
	}
	out.Limit = 2 * noise
	if opts.SubtractFloor {
		out.Value -= out.Floor
		if e == Grassberger {
			out.Attenuation = Attenuation(c.Left, c.Right)
		}
	} else {
		out.Limit += out.Floor
	}
	out.Below = out.Value <= out.Limit
	return out, nil
}

// reading is what an estimator reads off counts of pairs, as they are and shuffled.
type reading struct {
	pairs            int64
	value, se, floor info.Nats
}

// read reads the counts, without the blocks.
func (c PairCounts) read(e EntropyEstimator) (r reading, err error) {
	r.pairs = c.Pairs.Total()
	var left, right, pairs, shuffled EntropyEstimate
	for _, part := range []struct {
		name string
		h    info.Histogram
		to   *EntropyEstimate
	}{{"left ends", c.Left, &left}, {"right ends", c.Right, &right}, {"pairs", c.Pairs, &pairs}, {"shuffled pairs", c.Shuffled, &shuffled}} {
		if part.h == nil && part.to == &shuffled {
			continue
		}
		if n := part.h.Total(); n != r.pairs {
			return r, fmt.Errorf("two-point information: %d %s for %d pairs", n, part.name, r.pairs)
		}
		if *part.to, err = Entropy(part.h, e); err != nil {
			return r, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	r.value = left.Value + right.Value - pairs.Value
	r.se = info.Nats(math.Hypot(math.Hypot(float64(left.SE), float64(right.SE)), float64(pairs.SE)))
	switch {
	case c.Shuffled != nil:
		r.floor = left.Value + right.Value - shuffled.Value
	case c.FloorExcess != nil:
		if r.floor, err = IndependentFloor(c.Left, c.Right); err != nil {
			return r, err
		}
		r.floor += *c.FloorExcess
	}
	return r, nil
}

// jackknife is the delete-one standard error sqrt((B−1)/B Σ (θ_b − θ̄)²)
// [Efron & Stein 1981].
func jackknife(values []float64) float64 {
	b, mean, total := float64(len(values)), 0.0, 0.0
	for _, v := range values {
		mean += v / b
	}
	for _, v := range values {
		total += (v - mean) * (v - mean)
	}
	return math.Sqrt((b - 1) / b * total)
}
