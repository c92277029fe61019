package figure_test

import (
	"testing"

	"github.com/l2m-lab/l2m/internal/sample"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/prose"
)

// Every label of every figure can be read, on screens, phones and paper.
func TestLabelsCanBeRead(t *testing.T) {
	r := sample.Result()
	powers := sample.Result()
	powers.Series[0].Points[3].Value = -1
	powers.Series[0].Law.Power.Params[0].Value, powers.Series[0].Law.Power.Params[0].SE = 2.3e-9, 1e-10 // written as a power of ten
	figures := append(report.ResultFigures(r), report.ResultFigures(powers)...)
	figures = append(figures, report.ComparisonFigures(sample.Comparison())...)
	for _, slope := range []float64{-1, 1} {
		figures = append(figures, leaving(slope))
	}
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

// leaving has three curves that leave the plot side by side.
func leaving(slope float64) *figure.Figure {
	fig := &figure.Figure{ID: "leaving", Title: "Curves that leave", X: figure.Axis{Label: "x", Scale: figure.Linear}, Y: figure.Axis{Label: "y", Scale: figure.Linear},
		Curves: []figure.Curve{{Name: "points", Points: []figure.Point{{X: 0, Y: 0.9}, {X: 10, Y: 1.1}}}}}
	for i, name := range []string{"logarithm", "saturation", "another law"} {
		fig.Curves = append(fig.Curves, figure.Curve{Name: name, Label: name, Hue: figure.HueOf(i), Extends: true,
			Points: []figure.Point{{X: float64(i) / 3, Y: 1}, {X: 5 + float64(i)/3, Y: 1 + slope}}})
	}
	return fig
}

// A note at the top makes room for a curve or a guide that lies there.
func TestNotesMakeRoom(t *testing.T) {
	flat := func(y float64) *figure.Figure {
		return &figure.Figure{ID: "flat", X: figure.Axis{Label: "x", Scale: figure.Linear}, Y: figure.Axis{Label: "y", Scale: figure.Linear},
			Notes:  []figure.Note{{Text: prose.Plain("a formula"), Corner: figure.TopRight}},
			Curves: []figure.Curve{{Name: "level", Points: []figure.Point{{X: 0, Y: y}, {X: 10, Y: y}}}, {Name: "rest", Points: []figure.Point{{X: 0, Y: 0}, {X: 1, Y: 1}}}}}
	}
	for _, y := range []float64{0.9, 0.93, 0.96, 0.99, 1} {
		if figure.NoteIsCrossed(flat(y)) {
			t.Errorf("the curve at %g runs through the note", y)
		}
	}
}
