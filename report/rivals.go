package report

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/result"
)

// rivalsHTML writes the page of a comparison of estimators.
func rivalsHTML(w io.Writer, r *result.Rivals) error {
	data, err := result.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing the page of the comparison of estimators: %w", err)
	}
	fig := rivalsFigure(r)
	p := &page.Page{
		Kind: "calibrate", Subject: "rival estimators", Tone: page.Neutral, Hero: fig, Data: data, DataName: "rivals.json", Version: r.Version, Command: "l2m calibrate --rivals",
		Verdict: prose.Plain("Estimators without a model of the sequence fail as dimension grows."),
		Lead:    prose.Plain("Every task has a known answer. Means over repetitions; a task that an estimator cannot do is in the table with the reason."),
	}
	t := &page.Table{ID: "points", Columns: []page.Column{
		{Head: prose.Plain("process"), Wide: true}, page.Number("L"), page.Number("dimensions"), page.Text("estimator"),
		page.Number("samples"), page.Number("true nats"), page.Number("estimate"), page.Number("spread"), {Head: prose.Plain("remark"), Wide: true},
	}}
	for i, p := range r.Points {
		whole := func(n int, field string) prose.Phrase {
			return prose.Phrase{{Text: strconv.Itoa(n), Ref: fmt.Sprintf(".points[%d].%s", i, field)}}
		}
		number := func(v float64, field string) prose.Phrase {
			return prose.Value(v, 0, fmt.Sprintf(".points[%d].%s", i, field))
		}
		row := []prose.Phrase{
			prose.Plain(p.Process), whole(p.Length, "length"), whole(p.Dimensions, "dimensions"), prose.Plain(p.Estimator), whole(p.Samples, "samples"),
			number(p.Truth, "truth"), number(p.Mean, "mean"), number(p.Spread, "spread"), prose.Plain(p.Error),
		}
		if p.Error != "" {
			row[6], row[7] = prose.Plain("–"), nil
		}
		t.Rows = append(t.Rows, row)
	}
	p.Sections = []page.Section{{ID: "table", Title: "All estimates", Blocks: []page.Block{t}}}
	return p.HTML(w)
}

// rivalsFigure draws estimates of the Gaussian tasks against the truth.
func rivalsFigure(r *result.Rivals) *figure.Figure {
	f := &figure.Figure{
		ID: "rivals", Title: "Only estimators that know the sequence follow it to thousands of nats",
		Caption: prose.Plain("Hierarchical Gaussian of the L²M paper with c = 3 at L = 4 … 16,384, from 1,024 on also 64 copies side by side. Means over repetitions, bars hold 95 % of single estimates; on the dashed line estimate and truth agree. Curves end where an estimator cannot be computed."),
		X:       figure.Axis{Label: "exact information", Unit: "nats", Nats: true, Scale: figure.Log10},
		Y:       figure.Axis{Label: "estimate", Unit: "nats", Nats: true, Scale: figure.Log10},
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
			f.Curves = append(f.Curves, figure.Curve{Name: p.Estimator, Label: p.Estimator, Hue: figure.HueOf(i), Marker: figure.MarkerOf(i), Line: figure.Solid, Bars: true})
		}
		f.Curves[i].Points = append(f.Curves[i].Points, figure.Point{X: p.Truth, Y: p.Mean, Lo: p.Mean - 1.96*p.Spread, Hi: p.Mean + 1.96*p.Spread, Ref: fmt.Sprintf(".points[%d].mean", j)})
		lo, hi = min(lo, p.Truth), max(hi, p.Truth)
	}
	f.Curves = append(f.Curves, figure.Curve{Name: "truth", Hue: figure.Grey, Line: figure.Dashed, Quiet: true, Points: []figure.Point{{X: lo, Y: lo}, {X: hi, Y: hi}}})
	return f
}

func isGaussianTask(spec string) bool { return len(spec) > 12 && spec[:12] == "hierarchical" }
