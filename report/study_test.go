package report

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/result"
)

// grid is a study of two models of a family with three seeds each, and of one that was
// measured.
func grid() *result.Study {
	s := &result.Study{
		Name: "s", Question: "Which?", Planned: 8,
		Models:  []result.StudyModel{{Name: "large", Family: "window"}, {Name: "small", Family: "window"}, {Name: "alone"}},
		Panels:  []result.StudyPanel{{Name: "p", Label: "P"}},
		Figures: []result.StudyFigure{{ID: "state", X: result.ByState, Panels: []string{"p"}}, {ID: "exponent", X: result.ByGap, Y: result.MeasuredExponent, Panels: []string{"p"}}},
	}
	for i, gap := range []float64{0.1, 0.2, 0.4} {
		small := 2 * gap
		s.Cells = append(s.Cells,
			result.StudyCell{Panel: "p", Model: "large", Seed: uint64(i), State: 64, Length: 4, Gap: &gap, Seconds: float64(i)},
			result.StudyCell{Panel: "p", Model: "small", Seed: uint64(i), State: 16, Length: 4, Gap: &small})
	}
	gap, exponent, upper := 0.3, 0.5, 2.0
	s.Cells = append(s.Cells, result.StudyCell{Name: "p-alone-seed1", Panel: "p", Model: "alone", State: 8, Length: 4, Gap: &gap, Measured: &result.StudyMeasured{
		Nats: 1, Exact: 1.5, Exponent: &exponent, Interval: &info.Interval{Lo: 0.4, Hi: 0.6}, ExactExponent: 0.75, Lower: 0.5, Upper: &upper, Findings: []string{"falling"},
	}})
	return s
}

// The points of a figure are means over seeds with their range, those of a family one
// curve in the order of their size.
func TestStudyFiguresShowSeeds(t *testing.T) {
	figures := studyFigures(grid())
	if len(figures) != 2 || len(figures[0].Curves) != 2 {
		t.Fatalf("%+v", figures)
	}
	window := figures[0].Curves[0]
	if window.Name != "window" || len(window.Points) != 2 || window.Points[0].X != 16 || window.Points[1].X != 64 {
		t.Fatalf("%+v", window)
	}
	if p := window.Points[1]; math.Abs(p.Y-0.7/3) > 1e-15 || p.Lo != 0.1 || p.Hi != 0.4 {
		t.Errorf("%+v", p)
	}
	measured := figures[1].Curves
	if len(measured) != 1 || len(measured[0].Points) != 1 {
		t.Fatalf("%+v", measured)
	}
	want := figure.Point{X: 0.3, Y: 0.5, Lo: 0.4, Hi: 0.6, Open: true, Note: "p-alone-seed1", Ref: ".cells[6].measured.exponent"}
	if measured[0].Points[0] != want || figures[1].Guides[0].At != 0.75 {
		t.Errorf("%+v, %+v", measured[0].Points[0], figures[1].Guides)
	}
}

// The table says how many models there are, times of those seeds of which they are
// known, and what was measured.
func TestStudyText(t *testing.T) {
	var b bytes.Buffer
	if err := StudyText(&b, grid(), TextOptions{Width: 120}); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{"Which? (7 of 8 models are trained.)", "large 64 23 % 10 % 40 % 3 2", "small 16 47 % 20 % 80 % 3 –", "p-alone-seed1 30 % 1.00 1.50 0.50 0.40 … 0.60 0.75 yes"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

// A figure by length shows every evaluated length, one by state a chosen one; accuracies
// are drawn on a linear axis, and the table keeps to the length of the cells.
func TestStudyFiguresAtFurtherLengths(t *testing.T) {
	s := &result.Study{
		Name: "s", Planned: 2, Models: []result.StudyModel{{Name: "m"}}, Panels: []result.StudyPanel{{Name: "p"}},
		Figures: []result.StudyFigure{{ID: "length", X: result.ByLength, Panels: []string{"p"}}, {ID: "state", X: result.ByState, Panels: []string{"p"}, Length: 16}, {ID: "own", X: result.ByState, Panels: []string{"p"}}},
	}
	for i, right := range []float64{0.8, 1} {
		half := right / 2
		s.Cells = append(s.Cells, result.StudyCell{Panel: "p", Model: "m", Seed: uint64(i), Length: 8, State: 70, Accuracy: &right,
			Others: []result.StudyEvaluation{{Length: 16, State: 150, Accuracy: &half}}})
	}
	var got []string
	for _, f := range studyFigures(s) {
		for _, p := range f.Curves[0].Points {
			got = append(got, fmt.Sprintf("%s %g: %.2f (%.2f … %.2f)", f.ID, p.X, p.Y, p.Lo, p.Hi))
		}
		if f.Y.Scale != figure.Linear || f.Y.Label != "right" {
			t.Errorf("%s: %+v", f.ID, f.Y)
		}
	}
	want := []string{"length 8: 0.90 (0.80 … 1.00)", "length 16: 0.45 (0.40 … 0.50)", "state 150: 0.45 (0.40 … 0.50)", "own 70: 0.90 (0.80 … 1.00)"}
	if !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
	var b bytes.Buffer
	if err := StudyText(&b, s, TextOptions{Width: 120}); err != nil || strings.Contains(b.String(), "150") || !strings.Contains(b.String(), "70") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
