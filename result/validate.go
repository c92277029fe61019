package result

import (
	"fmt"
	"slices"

	"github.com/l2m-lab/l2m/mi"
)

// Validate says what is wrong with a result, naming the field as a jq path:
// unknown names, lists whose lengths disagree, impossible lengths and counts.
func (r *Result) Validate() error {
	for i, s := range r.Series {
		at := fmt.Sprintf(".series[%d]", i)
		if err := knownEstimator(at, s.Estimator); err != nil {
			return err
		}
		if s.Ratio < 2 {
			return fmt.Errorf("%s.ratio is %d; a window is at least twice its first part", at, s.Ratio)
		}
		if len(s.Cov) != 0 && len(s.Cov) != len(s.Points) {
			return fmt.Errorf("%s.cov has %d rows for %d points", at, len(s.Cov), len(s.Points))
		}
		for j, row := range s.Cov {
			if len(row) != len(s.Points) {
				return fmt.Errorf("%s.cov[%d] has %d columns for %d points", at, j, len(row), len(s.Points))
			}
		}
		for j, p := range s.Points {
			if p.Ell < 1 || p.Length <= p.Ell {
				return fmt.Errorf("%s.points[%d]: ℓ = %d does not cut a window of %d", at, j, p.Ell, p.Length)
			}
			if p.SE < 0 {
				return fmt.Errorf("%s.points[%d].se is negative", at, j)
			}
		}
		if s.Law != nil && len(s.Law.Used) != 0 && len(s.Law.Used) != len(s.Points) {
			return fmt.Errorf("%s.law.used has %d entries for %d points", at, len(s.Law.Used), len(s.Points))
		}
	}
	for j, p := range r.Triangle {
		if p.Ell < 1 || p.Length <= p.Ell || p.SE < 0 {
			return fmt.Errorf(".triangle[%d]: ell %d, length %d, standard error %g cannot be", j, p.Ell, p.Length, float64(p.SE))
		}
	}
	if b := r.Bracket; b != nil && (b.Ell < 1 || b.Length <= b.Ell) {
		return fmt.Errorf(".bracket: ℓ = %d does not cut a window of %d", b.Ell, b.Length)
	}
	for j, p := range r.Loss.Positions {
		if p.From < 1 || p.To < p.From || p.SE < 0 {
			return fmt.Errorf(".loss.positions[%d]: positions %d to %d, standard error %g cannot be", j, p.From, p.To, p.SE)
		}
	}
	if t := r.TwoPoint; t != nil {
		if !slices.Contains(mi.EntropyEstimators(), mi.EntropyEstimator(t.Estimator)) {
			return fmt.Errorf(".twopoint.estimator is %q, which this version of l2m does not know (choose from %v)", t.Estimator, mi.EntropyEstimators())
		}
		for j, p := range t.Points {
			if p.Distance < 1 || p.SE < 0 || p.Pairs < 0 {
				return fmt.Errorf(".twopoint.points[%d]: distance %d, pairs %d, standard error %g cannot be", j, p.Distance, p.Pairs, float64(p.SE))
			}
		}
		if t.Law != nil && len(t.Law.Used) != 0 && len(t.Law.Used) != len(t.Points) {
			return fmt.Errorf(".twopoint.law.used has %d entries for %d points", len(t.Law.Used), len(t.Points))
		}
	}
	return nil
}
