package check

import (
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
)

// leastExcess is the share of the estimate from which an excess of the loss matters.
const leastExcess = 0.1

const tooSmall = "The estimates may be too small: even with the past the model predicts worse than a simple predictor"

// simplerBetter compares the model's loss of second parts with that of a simple
// predictor ★, both from a fresh start and after the first parts. Either of the model is
// above an entropy, and above the simple predictor's only if it is too large. What the
// model loses from a fresh start it counts as information, what it loses after the
// first parts it takes off.
func (d Data) simplerBetter() *Finding {
	p, ok := d.series(mi.Paired)
	if !ok {
		return nil
	}
	var fresh, after, net []excess
	for _, s := range d.Simple {
		i := slices.IndexFunc(p.Points, func(q mi.Point) bool { return q.Ell == s.Ell })
		j := slices.IndexFunc(d.Starts, func(l mi.StartLoss) bool { return l.Ell == s.Ell })
		if i < 0 || j < 0 || len(d.Starts[j].Sums) != len(s.Fresh) {
			continue
		}
		l, q := d.Starts[j], p.Points[i]
		compare := func(of func(c int) float64) excess {
			value, se := combine(len(s.Fresh), func(c int) (float64, float64) { return of(c), l.Counts[c] })
			return excess{q.Length, value, se, float64(q.Value)}
		}
		large := func(e excess) excess {
			if e.value < max(matters(q), s.Chance) {
				e.value = 0
			}
			return e
		}
		fresh = append(fresh, large(compare(func(c int) float64 { return l.Sums[c] - s.Fresh[c] })))
		after = append(after, large(compare(func(c int) float64 { return l.Sums[c] - p.Sums[c][i] - s.After[c] })))
		net = append(net, compare(func(c int) float64 { return p.Sums[c][i] - s.Fresh[c] + s.After[c] }))
	}
	f := &Finding{Code: SimplerBetter, Severity: Qualifies, Fix: d.better()}
	say := func(e *excess, where string) {
		f.Detail = fmt.Sprintf("%s the model loses %.2g ± %.1g nats more on %d tokens than a predictor from the last few tokens that knows the other documents; the estimate there, at L = %d, is %.3g nats",
			where, e.value, e.se, e.length/2, e.length, e.of)
	}
	if e := worst(fresh, p.Clusters, 1); e != nil {
		say(e, "from a fresh start")
		beyond := func(sign float64) bool {
			return slices.ContainsFunc(net, func(e excess) bool { return sign*e.value > info.Z95*e.se })
		}
		switch last := p.Points[len(p.Points)-1]; {
		case worst(net, p.Clusters, 1) != nil && e.value > matters(last):
			f.Severity, f.Sentence = Withdraws, "Only an upper bound: without its past the model predicts worse than a simple predictor, and that counts as information"
		case beyond(1) || worst(after, p.Clusters, 1) == nil:
			f.Sentence = "Estimates at short lengths may be too large: without its past the model predicts worse than a simple predictor"
		case beyond(-1):
			f.Sentence = tooSmall
		default:
			f.Sentence = "The model predicts worse than a simple predictor, by as much with the past as without, which cancels if it is so at all lengths"
		}
		return f
	}
	if e := worst(after, p.Clusters, 1); e != nil {
		say(e, "after the first part of a window")
		f.Sentence = tooSmall
		return f
	}
	return nil
}

// matters is the excess from which an estimate is off by more than its error.
func matters(p mi.Point) float64 {
	return max(float64(p.SE), leastExcess*math.Abs(float64(p.Value)))
}

// shortContext says where a model cannot see all of the past.
func (d Data) shortContext() *Finding {
	s := d.Series[0]
	last := s.Points[len(s.Points)-1]
	if d.Context == 0 || last.Ell <= d.Context {
		return nil
	}
	from := slices.IndexFunc(s.Points, func(p mi.Point) bool { return p.Ell > d.Context })
	return &Finding{
		Code: ShortContext, Severity: Withdraws,
		Sentence: fmt.Sprintf("Only a lower bound of the text's information from L = %d on: the model sees no more than %d tokens of the past", s.Points[from].Length, d.Context),
		Detail:   fmt.Sprintf("of %d tokens of the past at L = %d the model sees %d", last.Ell, last.Length, d.Context),
		Fix:      "measure with a longer context",
	}
}
