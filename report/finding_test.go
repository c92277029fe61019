package report

import (
	"testing"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
)

// Where a check withdraws the verdict, the estimates are said to follow a power law only
// if it fits them: those of shuffled words were off theirs by a factor of 29.
func TestWithdrawnLaw(t *testing.T) {
	for _, c := range []struct {
		p    float64
		says bool
	}{{1e-9, false}, {0.4, true}} {
		fit := &law.Fit{P: c.p, Params: []law.Param{
			{Name: "A", Estimate: info.Estimate{Value: 1.62, SE: 0.1}}, {Name: "beta", Estimate: info.Estimate{Value: 0.175, SE: 0.02}},
		}}
		f := find(&result.Result{
			Findings: []check.Finding{{Code: check.LearningCurve, Severity: check.Withdraws, Sentence: "This is the model's learning curve"}},
			Series: []result.Series{{
				Series: mi.Series{Estimator: mi.Paired, Ratio: 2, Points: []mi.Point{{Ell: 2, Length: 4}}},
				Law:    &law.Analysis{Power: fit, Verdict: law.Undecided},
			}},
		})
		if says := f.formula != nil && f.exponent != nil; says != c.says {
			t.Errorf("residuals of p = %g: the finding has the formula %q", c.p, f.formula.String())
		}
	}
}
