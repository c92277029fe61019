package figure_test

import (
	"testing"

	"github.com/l2m-lab/l2m/internal/sample"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/report/figure"
)

// Every label of every figure can be read, on screens, phones and paper.
func TestLabelsCanBeRead(t *testing.T) {
	r := sample.Result()
	powers := sample.Result()
	powers.Series[0].Points[3].Value = -1
	powers.Series[0].Law.Power.Params[0].Value, powers.Series[0].Law.Power.Params[0].SE = 2.3e-9, 1e-10 // written as a power of ten
	figures := append(report.ResultFigures(r), report.ResultFigures(powers)...)
	figures = append(figures, report.ComparisonFigures(sample.Comparison())...)
	labels := 0
	for _, fig := range figures {
		problems, n := figure.Unreadable(fig)
		for _, p := range problems {
			t.Error(p)
		}
		labels += n
	}
	if labels < 300 {
		t.Errorf("only %d labels", labels)
	}
}
