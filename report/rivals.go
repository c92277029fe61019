package report

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/l2m-lab/l2m/result"
)

// RivalsHTML writes the page of a comparison of estimators.
func RivalsHTML(w io.Writer, r *result.Rivals) error {
	data, err := result.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing the page of the comparison of estimators: %w", err)
	}
	fig := rivalsFigure(r)
	page := &Page{
		Kind: "calibrate", Subject: "rival estimators", Tone: Neutral, Hero: fig, Data: data, DataName: "rivals.json", Version: r.Version, Command: "l2m calibrate --rivals",
		Verdict: Plain("Estimators without a model of the sequence fail as dimension grows."),
		Lead:    Plain("Every task has a known answer. Means over repetitions; a task that an estimator cannot do is in the table with the reason."),
	}
	t := &Table{ID: "points", Columns: []Column{
		{Head: Plain("process"), Wide: true}, {Head: Plain("L"), Numeric: true}, {Head: Plain("dimensions"), Numeric: true}, {Head: Plain("estimator")},
		{Head: Plain("samples"), Numeric: true}, {Head: Plain("true nats"), Numeric: true}, {Head: Plain("estimate"), Numeric: true}, {Head: Plain("spread"), Numeric: true}, {Head: Plain("remark"), Wide: true},
	}}
	for i, p := range r.Points {
		whole := func(n int, field string) Phrase {
			return Phrase{{Text: strconv.Itoa(n), Ref: fmt.Sprintf(".points[%d].%s", i, field)}}
		}
		number := func(v float64, field string) Phrase {
			return Value(v, 0, fmt.Sprintf(".points[%d].%s", i, field))
		}
		row := []Phrase{
			Plain(p.Process), whole(p.Length, "length"), whole(p.Dimensions, "dimensions"), Plain(p.Estimator), whole(p.Samples, "samples"),
			number(p.Truth, "truth"), number(p.Mean, "mean"), number(p.Spread, "spread"), Plain(p.Error),
		}
		if p.Error != "" {
			row[6], row[7] = Plain("–"), nil
		}
		t.Rows = append(t.Rows, row)
	}
	page.Sections = []Section{{ID: "table", Title: "All estimates", Blocks: []Block{t}}}
	return page.HTML(w)
}

// RivalsFigures are the figures of a comparison of estimators.
func RivalsFigures(r *result.Rivals) []*Figure { return []*Figure{rivalsFigure(r)} }

// rivalsFigure draws estimates of the Gaussian tasks against the truth.
func rivalsFigure(r *result.Rivals) *Figure {
	f := &Figure{
		ID: "rivals", Title: "Only estimators that know the sequence follow it to thousands of nats",
		Caption: Plain("Hierarchical Gaussian of the L²M paper with c = 3 at L = 4 … 16,384, from 1,024 on also 64 copies side by side. Means over repetitions, bars hold 95 % of single estimates; on the dashed line estimate and truth agree. Curves end where an estimator cannot be computed."),
		X:       Axis{Label: "exact information", Unit: "nats", Nats: true, Scale: Log10},
		Y:       Axis{Label: "estimate", Unit: "nats", Nats: true, Scale: Log10},
	}
	index := map[string]int{}
	lo, hi := math.Inf(1), 0.0
	for j, p := range r.Points {
		if p.Error != "" || !isGaussianTask(p.Process) {
			continue
		}
		i, known := index[p.Estimator]
		if !known {
			i = len(f.Curves)
			index[p.Estimator] = i
			f.Curves = append(f.Curves, Curve{Name: p.Estimator, Label: p.Estimator, Hue: HueOf(i), Marker: MarkerOf(i), Line: Solid, Bars: true})
		}
		f.Curves[i].Points = append(f.Curves[i].Points, Point{X: p.Truth, Y: p.Mean, Lo: p.Mean - 1.96*p.Spread, Hi: p.Mean + 1.96*p.Spread, Ref: fmt.Sprintf(".points[%d].mean", j)})
		lo, hi = min(lo, p.Truth), max(hi, p.Truth)
	}
	f.Curves = append(f.Curves, Curve{Name: "truth", Hue: Grey, Line: Dashed, Quiet: true, Points: []Point{{X: lo, Y: lo}, {X: hi, Y: hi}}})
	return f
}

func isGaussianTask(spec string) bool { return len(spec) > 12 && spec[:12] == "hierarchical" }
