package report

import (
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/stats"
)

// TestCalibrationHeadline: a mean over all combinations does not hide one whose
// intervals contain the truth too seldom for chance.
func TestCalibrationHeadline(t *testing.T) {
	beta := func(covered, of int) *result.ParameterCalibration {
		b := &result.ParameterCalibration{}
		b.Covered, b.Of, b.Coverage, b.CoverageCI = covered, of, float64(covered)/float64(of), stats.ClopperPearson(covered, of, 0.95)
		return b
	}
	for _, c := range []struct {
		covered int
		damage  string
		want    string
	}{
		{95, "none", "97.5\u00a0% of the 95\u00a0% intervals of the exponent contain the truth"},
		{60, "none", "80.0\u00a0% of the 95\u00a0% intervals of the exponent contain the truth, but only 60.0\u00a0% by direct on iid, 40 windows"},
		{60, "order=4", "80.0\u00a0% of the 95\u00a0% intervals of the exponent contain the truth"}, // damaged on purpose
	} {
		doc := &result.Calibration{Coverage: &result.CalibrationCoverage{Covered: 100 + c.covered, Of: 200, Coverage: float64(100+c.covered) / 200}}
		for _, damage := range []string{"none", c.damage} {
			cell := result.CalibrationCell{Damage: damage, Windows: 40}
			cell.Process.Spec = "iid"
			cell.Estimators = []result.EstimatorCalibration{{Estimator: "paired", Beta: beta(100, 100)}}
			if damage == c.damage && len(doc.Cells) > 0 {
				cell.Estimators = []result.EstimatorCalibration{{Estimator: "direct", Beta: beta(c.covered, 100)}}
			}
			doc.Cells = append(doc.Cells, cell)
		}
		if got := CalibrationHeadline(doc); got != c.want {
			t.Errorf("%d covered, %s: %q, want %q", c.covered, c.damage, got, c.want)
		}
		var page strings.Builder
		if err := calibrationHTML(&page, doc); err != nil || !strings.Contains(page.String(), "weakest combination") {
			t.Errorf("the page does not name the weakest combination (%v)", err)
		}
	}
	if got := CalibrationHeadline(&result.Calibration{}); got != "" {
		t.Errorf("%q where nothing was fitted", got)
	}
}
