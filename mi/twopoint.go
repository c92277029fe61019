package mi

import (
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/info"
)

// PairCounts are the counts of pairs (w_i, w_{i+d}) at one distance d.
type PairCounts struct {
	Left, Right Histogram // of w_i and of w_{i+d} over the same pairs
	Pairs       Histogram // of the pairs themselves

	// Shuffled is the histogram of as many pairs with the same marginals but
	// drawn across documents, so that they are independent: it measures the
	// estimator's bias. nil when there is none.
	Shuffled Histogram

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
	FloorSE info.Nats // noise of an estimate around the floor when the ends are independent
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
// deviations of independent pairs, sqrt(pairs seen/2)/N (that of χ²/2N with as
// many degrees of freedom as different pairs were seen), and by two jackknife
// standard errors where there are any.
func TwoPoint(c PairCounts, opts TwoPointOptions) (TwoPointEstimate, error) {
	e := opts.Estimator
	if e == "" {
		e = Grassberger
	}
	var out TwoPointEstimate
	n := c.Pairs.Total()
	for _, h := range []struct {
		name string
		h    Histogram
	}{{"left ends", c.Left}, {"right ends", c.Right}, {"shuffled pairs", c.Shuffled}} {
		if m := h.h.Total(); m != n && (h.h != nil || h.name != "shuffled pairs") {
			return out, fmt.Errorf("two-point information: %d %s for %d pairs", m, h.name, n)
		}
	}
	left, err := Entropy(c.Left, e)
	if err != nil {
		return out, fmt.Errorf("left ends: %w", err)
	}
	right, err := Entropy(c.Right, e)
	if err != nil {
		return out, fmt.Errorf("right ends: %w", err)
	}
	pairs, err := Entropy(c.Pairs, e)
	if err != nil {
		return out, fmt.Errorf("pairs: %w", err)
	}
	out.Pairs = n
	out.Value = left.Value + right.Value - pairs.Value
	out.SE, out.Method = info.Nats(math.Hypot(math.Hypot(float64(left.SE), float64(right.SE)), float64(pairs.SE))), "bound"
	seen := pairs.Distinct
	if c.Shuffled != nil {
		shuffled, err := Entropy(c.Shuffled, e)
		if err != nil {
			return out, fmt.Errorf("shuffled pairs: %w", err)
		}
		out.Floor = left.Value + right.Value - shuffled.Value
		seen = shuffled.Distinct
	}
	out.FloorSE = info.Nats(math.Sqrt(float64(seen)/2) / float64(n))
	noise := out.FloorSE
	if len(c.Without) >= 2 {
		values, above := make([]float64, len(c.Without)), make([]float64, len(c.Without))
		for b, without := range c.Without {
			part, err := TwoPoint(PairCounts{Left: without.Left, Right: without.Right, Pairs: without.Pairs, Shuffled: without.Shuffled}, TwoPointOptions{Estimator: e})
			if err != nil {
				return out, fmt.Errorf("without block %d: %w", b, err)
			}
			if without.Shuffled == nil && c.Shuffled != nil && e == Grassberger {
				if part.Floor, err = IndependentFloor(without.Left, without.Right); err != nil {
					return out, fmt.Errorf("without block %d: %w", b, err)
				}
			}
			values[b], above[b] = float64(part.Value), float64(part.Value-part.Floor)
		}
		// A block that has many rare words of its own moves the value and the
		// floor alike, so what stands above the floor is known better.
		seAbove := info.Nats(jackknife(above))
		if opts.SubtractFloor {
			values = above
		}
		out.SE, out.Method = info.Nats(jackknife(values)), "jackknife"
		for _, v := range values {
			out.Without = append(out.Without, info.Nats(v))
		}
		noise = max(noise, seAbove)
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
