// Package decay fits how two-point information falls with distance: A·d^−α + c and its
// rivals, a power law without a constant, a broken power law and an exponential.
//
// Two-point information of text deviates from any law by far more than its sampling
// error. So the scatter about the law is fitted too, and intervals are the wider of the
// likelihood's curvature and a jackknife over blocks of documents (see [Fit]).
package decay

import (
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/stats"
)

// Point is two-point information at one distance.
type Point struct {
	Distance int
	Value    info.Nats
	SE       info.Nats
	// Without[b] is Value with block b of the documents left out, with the same blocks
	// at all distances; may be nil.
	Without []info.Nats
	LeftOut LeftOut // why it is shown but not fitted; "" if it is fitted
}

// OfNorm converts the norm of a covariance of pairs at distance d to a point. It is
// left out for the given reason, if any, and below the noise limit.
func OfNorm(c mi.LagCovariance, d int, reason LeftOut) Point {
	if reason == BelowFloor {
		reason = "" // of information
	}
	if reason == "" && c.Norm < c.Limit() {
		reason = BelowFloor
	}
	return Point{Distance: d, Value: info.Nats(c.Norm), SE: info.Nats(c.SE), LeftOut: reason}
}

// LeftOut is the reason for which a point is shown but not fitted.
type LeftOut string

// Reasons.
const (
	BelowFloor    LeftOut = "below-floor"    // not distinguishable from the noise floor
	SharedLetters LeftOut = "shared-letters" // the two tokens have letters in common
	FewPairs      LeftOut = "few-pairs"      // fewer than half of the tokens have another at that distance
	BelowZero     LeftOut = "below-zero"     // below what shuffled pairs read, by more than the noise
	FewBlocks     LeftOut = "few-blocks"     // nearly all pairs are in a few blocks of documents: the error is unknown
)

// String is the reason in words.
func (l LeftOut) String() string {
	switch l {
	case BelowFloor:
		return "under the noise floor"
	case SharedLetters:
		return "letters in common"
	case FewPairs:
		return "few pairs"
	case BelowZero:
		return "below shuffled pairs"
	case FewBlocks:
		return "of a few documents"
	}
	return string(l)
}

// Law is a fit of A·d^−α + c to two-point mutual information.
type Law struct {
	A             float64        `json:"a"`     // nats at d = 1
	Alpha         float64        `json:"alpha"` // decay exponent
	Floor         float64        `json:"floor"` // c of A·d^−α + c, nats; 0 ≤ c < min
	AInterval     *info.Interval `json:"a_interval,omitempty"`
	AlphaInterval *info.Interval `json:"alpha_interval,omitempty"`
	Chi2          float64        `json:"chi2"`    // squared residuals over squared sampling errors, without Scatter
	DoF           int            `json:"dof"`     // number of points minus that of A, α, c
	Scatter       float64        `json:"scatter"` // τ: scatter of points about the law beyond sampling error, as a fraction of the law
	Used          []bool         `json:"used"`    // which distances were fitted
	Weight        float64        `json:"weight"`  // Akaike weight of A·d^−α + c among all families
	Rivals        []Rival        `json:"rivals,omitempty"`
	Warnings      []info.Warning `json:"warnings,omitempty"`
}

// At is the fitted law at distance d, without the constant c, in nats.
func (f *Law) At(d float64) info.Nats { return info.Nats(f.A * math.Pow(d, -f.Alpha)) }

// Better returns the rival that has at least 19 times the weight of a power law, with
// or without a constant; nil if there is none.
func (f *Law) Better() *Rival {
	if r := f.BestRival(); r != nil && r.Weight >= 19*f.PowerWeight() {
		return r
	}
	return nil
}

// BestRival is the rival, other than a power law without a constant, that fits best;
// nil if there is none.
func (f *Law) BestRival() *Rival {
	for i, r := range f.Rivals { // best first
		if r.Family != "power" {
			return &f.Rivals[i]
		}
	}
	return nil
}

// PowerWeight is the Akaike weight of a power law, with or without a constant.
func (f *Law) PowerWeight() float64 {
	w := f.Weight
	for _, r := range f.Rivals {
		if r.Family == "power" {
			w += r.Weight
		}
	}
	return w
}

// farOff is the scatter from which points are said not to follow the law.
const farOff = 0.25

// Holds reports whether the points follow A·d^−α + c: no rival is better, and the
// scatter is below a quarter.
func (f *Law) Holds() bool { return f.Better() == nil && f.Scatter < farOff }

// Decays reports whether α is significantly above zero, or just above zero if it has no
// interval.
func (f *Law) Decays() bool {
	return f.Alpha > 0 && (f.AlphaInterval == nil || f.AlphaInterval.Lo > 0)
}

// Fit fits A·d^−α + c, 0 ≤ c < the smallest value, and its rivals to the points that
// are not left out. Points are sorted by distance.
//
// The likelihood is normal with variance SE_i² + (τ·f_i)², where f is the fitted decay:
// large corpora have sampling errors far smaller than the deviation of any text from a
// power law, and then the fitted scatter τ weights points equally on the log scale.
// Intervals are the wider of two: one from the curvature of that likelihood
// (Gauss–Newton, Student's t), which knows the scatter but takes the errors of points
// to be independent; and, if there are blocks, one from fits without each block, which
// includes the correlation of errors between distances. The result is nil if fewer than
// four points are left; warnings then say why.
func Fit(points []Point, level float64) (*Law, []info.Warning) {
	out := &Law{Used: make([]bool, len(points)), Warnings: leftOut(points)}
	var p data
	for i, x := range points {
		if x.LeftOut != "" || !(x.Value > 0) || x.Distance < 1 {
			continue
		}
		out.Used[i] = true
		p.add(x)
	}
	if len(p.d) < 4 {
		return nil, append(out.Warnings, info.Warning{
			Code: "too-few-distances",
			Text: fmt.Sprintf("%s left to fit; a decay needs four", few(len(p.d))),
			Fix:  "count more text, or more distances",
		})
	}
	families := families(p.lowest())
	main := families[0].fit(p)
	if main == nil || !finiteParams(families[0].params(main.theta)) {
		return nil, append(out.Warnings, info.Warning{Code: "no-convergence", Text: "the decay A·d^−α + c could not be fitted"})
	}
	params := families[0].params(main.theta)
	out.A, out.Alpha, out.Floor = params["a"], params["alpha"], params["floor"]
	if out.Floor < 1e-6*p.lowest() {
		out.Floor = 0 // its lower bound, which the fit only approaches
	}
	out.Scatter = main.scatter
	out.DoF = len(p.d) - 3
	for i := range p.d {
		if p.se[i] > 0 {
			r := (p.y[i] - families[0].at(main.theta, p.d[i])) / p.se[i]
			out.Chi2 += r * r
		}
	}
	main.intervals(out, families[0], p, level)
	out.compare(main, families[1:], p)
	switch r := out.Better(); {
	case r != nil:
		out.Warnings = append(out.Warnings, info.Warning{
			Code: "rival",
			Text: fmt.Sprintf("another decay describes the points better than A·d^−α + c, from which they depart by %.0f %%: %s", 100*out.Scatter, r.Name()),
			Fix:  "quote that one, or give the range of distances with the exponent",
		})
	case !out.Holds():
		out.Warnings = append(out.Warnings, info.Warning{
			Code: "misfit",
			Text: fmt.Sprintf("the points depart from A·d^−α + c by %.0f %%, far beyond their errors, and the other decays do no better", 100*out.Scatter),
			Fix:  "show the points, or give the range of distances with the exponent",
		})
	}
	return out, nil
}

// compare fits the rivals and computes all weights.
func (f *Law) compare(main *result, rivals []family, p data) {
	aicc := []float64{main.aicc}
	for _, family := range rivals {
		if r := family.fit(p); r != nil && !math.IsInf(r.aicc, 0) && finiteParams(family.params(r.theta)) {
			f.Rivals = append(f.Rivals, Rival{Family: family.name, Params: family.params(r.theta), AICc: r.aicc})
			aicc = append(aicc, r.aicc)
		}
	}
	// With too few points for AICc the weight of the main fit is 0 if there are rivals,
	// else 1.
	w := stats.AkaikeWeights(aicc)
	f.Weight = w[0]
	for i := range f.Rivals {
		f.Rivals[i].Weight = w[i+1]
	}
	slices.SortStableFunc(f.Rivals, func(a, b Rival) int {
		switch {
		case a.AICc < b.AICc:
			return -1
		case a.AICc > b.AICc:
			return 1
		}
		return 0
	})
}

// leftOut says which points were not fitted, and why.
func leftOut(points []Point) []info.Warning {
	var out []info.Warning
	below, negative, few, blocks := 0, 0, 0, 0
	for _, p := range points {
		switch p.LeftOut {
		case SharedLetters:
			if len(out) == 0 {
				out = append(out, info.Warning{
					Code: "shared-letters",
					Text: "tokens so near that they have letters in common tell each other these letters; such distances were not fitted",
				})
			}
		case FewPairs:
			if few == 0 {
				few = p.Distance
			}
		case FewBlocks:
			if blocks == 0 {
				blocks = p.Distance
			}
		case BelowZero:
			negative++
		case BelowFloor:
			below++
		default:
			if !(p.Value > 0) {
				below++
			}
		}
	}
	if below > 0 {
		out = append(out, info.Warning{
			Code: "below-floor",
			Text: fmt.Sprintf("%s not above the noise floor and not fitted", ofDistances(below, len(points))),
			Fix:  "count more text to lower the floor",
		})
	}
	if negative > 0 {
		out = append(out, info.Warning{
			Code: "below-zero",
			Text: fmt.Sprintf("%s below what shuffled pairs read by more than the noise: information is not negative, so the estimator's bias differs between pairs that depend and such that do not", ofDistances(negative, len(points))),
			Fix:  "count more text, or use the estimator grassberger",
		})
	}
	if few > 0 {
		out = append(out, info.Warning{
			Code: "few-pairs",
			Text: fmt.Sprintf("from d = %d on, fewer than half of the tokens have another at that distance: what stands there is of the longest documents only, or of the ends of one, and was not fitted", few),
			Fix:  "give longer documents",
		})
	}
	if blocks > 0 {
		out = append(out, info.Warning{
			Code: "few-blocks",
			Text: fmt.Sprintf("from d = %d on, nearly all pairs are of a few documents: how much others would differ cannot be told, and what stands there was not fitted", blocks),
			Fix:  "give more long documents",
		})
	}
	return out
}

// few is a subject and its verb: "no distance is", "only 3 distances are".
func few(n int) string {
	switch n {
	case 0:
		return "no distance is"
	case 1:
		return "only one distance is"
	}
	return fmt.Sprintf("only %d distances are", n)
}

// ofDistances is the subject and verb of a sentence about n of all distances.
func ofDistances(n, all int) string {
	switch {
	case n == all && n == 1:
		return "the distance is"
	case n == all:
		return fmt.Sprintf("all %d distances are", all)
	case n == 1:
		return fmt.Sprintf("one of %d distances is", all)
	}
	return fmt.Sprintf("%d of %d distances are", n, all)
}
