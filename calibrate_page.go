package l2m

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/rundir"
)

// write writes the document and its faces.
func (r *Calibration) write(run *rundir.Dir) error {
	faces, err := r.faces(nil)
	if err != nil {
		return err
	}
	return run.Write(append([]rundir.Face{{Name: rundir.Calibrate.Document, Write: r.WriteJSON}}, faces...)...)
}

// faces are the page and the figures.
func (r *Calibration) faces(formats []string) ([]rundir.Face, error) {
	var data bytes.Buffer
	if err := r.WriteJSON(&data); err != nil {
		return nil, err
	}
	page, figures := r.page(data.Bytes())
	return append([]rundir.Face{{Name: rundir.Report, Write: page.HTML}}, figureFaces(figures, formats)...), nil
}

// page is the HTML face of a calibration; figures are those it shows.
func (r *Calibration) page(data []byte) (p *report.Page, figures []*report.Figure) {
	p = &report.Page{
		Kind: "calibrate", Subject: fmt.Sprintf("%d simulated corpora for each of %d combinations", r.Options.Repetitions, len(r.Cells)),
		Verdict: report.Plain("Nothing was fitted."), Tone: report.Neutral,
		Lead: report.Plain("Processes of exactly known information, scored by their own exact law unless said otherwise, estimated and fitted many times by the code of l2m measure."),
		Data: data, DataName: "calibration.json", Version: r.Version, Command: r.Command,
	}
	if c := r.Coverage; c != nil {
		p.Verdict = report.Join(percent(c.Coverage, ".coverage.coverage"), report.Plain(" of the 95\u00a0% intervals of the exponent hold the truth."))
		p.Facts = append(p.Facts,
			report.Fact{Label: "intervals of β", Value: report.Phrase{{Text: strconv.Itoa(c.Of), Ref: ".coverage.of"}}, Note: report.Plain("over all estimators and undamaged models")},
			report.Fact{Label: "hold the truth", Value: report.Phrase{{Text: strconv.Itoa(c.Covered), Ref: ".coverage.covered"}}, Note: report.Plain("a perfect method: 95\u00a0% of them, give or take chance")})
	}
	var tabs []report.Tab
	for i, e := range r.estimators() {
		f := r.truthFigure(e)
		figures = append(figures, f)
		if i == 0 {
			p.Hero = f
			continue
		}
		tabs = append(tabs, report.Tab{Label: e, Figure: f})
	}
	if len(tabs) > 0 {
		p.Sections = append(p.Sections, report.Section{ID: "truth", Title: "True against estimated information", Blocks: []report.Block{report.Tabs{ID: "truth-tabs", Figures: tabs}}})
	}
	if damage := r.damageFigures(); len(damage) > 0 {
		for _, t := range damage {
			figures = append(figures, t.Figure)
		}
		p.Sections = append(p.Sections, report.Section{ID: "damage", Title: "What damage to the model does to the exponent", Blocks: []report.Block{report.Tabs{ID: "damage-tabs", Figures: damage}}})
	}
	p.Sections = append(p.Sections, report.Section{ID: "tables", Title: "Bias, spread and coverage", Blocks: r.tables()})
	return p, figures
}

// percent writes a share, which stands in the data at ref.
func percent(share float64, ref string) report.Phrase {
	return report.Phrase{{Text: fmt.Sprintf("%.1f\u00a0%%", 100*share), Ref: ref}}
}

// estimators are the names of all that were run, in order.
func (r *Calibration) estimators() []string {
	var out []string
	for _, c := range r.Cells {
		for _, e := range c.Estimators {
			if !slices.Contains(out, string(e.Estimator)) {
				out = append(out, string(e.Estimator))
			}
		}
	}
	return out
}

// truthFigure draws means over repetitions, with the spread of single
// estimates, against the truth.
func (r *Calibration) truthFigure(estimator string) *report.Figure {
	f := &report.Figure{
		ID: "truth-" + estimator, Title: "Estimates by " + estimator + " against the truth",
		Caption: report.Plain("Points are means over the simulated corpora, bars hold 95 % of single estimates (± 1.96 spreads); on the dashed line estimate and truth agree."),
		X:       report.Axis{Label: "exact I(ℓ;L)", Unit: "nats", Nats: true, Scale: report.Log10},
		Y:       report.Axis{Label: "estimate", Unit: "nats", Nats: true, Scale: report.Log10},
	}
	lo, hi := math.Inf(1), 0.0
	n := 0
	for i, c := range r.Cells {
		if c.Damage != "none" {
			continue
		}
		for j, e := range c.Estimators {
			if string(e.Estimator) != estimator || len(e.Points) == 0 || !(e.Points[0].Truth > noInformation) {
				continue
			}
			curve := report.Curve{Name: c.name(), Label: c.Process.Kind, Hue: report.HueOf(n), Marker: report.MarkerOf(n), Bars: true}
			for k, p := range e.Points {
				curve.Points = append(curve.Points, report.Point{
					X: p.Truth, Y: p.Mean, Lo: max(p.Mean-1.96*p.Spread, p.Truth/100), Hi: p.Mean + 1.96*p.Spread,
					XText: fmt.Sprintf("L = %d, exact %.4g nats", p.Length, p.Truth), Ref: fmt.Sprintf(".cells[%d].estimators[%d].points[%d].mean", i, j, k),
				})
				lo, hi = min(lo, p.Truth), max(hi, p.Truth)
			}
			f.Curves = append(f.Curves, curve)
			n++
		}
	}
	if n > 0 {
		f.Curves = append(f.Curves, report.Curve{Name: "truth", Hue: report.Grey, Line: report.Dashed, Quiet: true, Points: []report.Point{{X: lo, Y: lo}, {X: hi, Y: hi}}})
	}
	return f
}

func (c CalibrationCell) name() string {
	name := c.Process.Spec + ", " + strconv.Itoa(c.Windows) + " windows"
	if c.Damage != "none" {
		name += ", " + c.Damage
	}
	return name
}

// damageFigures draws the bias of β against the size of each kind of damage.
func (r *Calibration) damageFigures() []report.Tab {
	kinds := map[string]map[string][]report.Point{} // kind → curve → points
	for i, c := range r.Cells {
		kind, value, found := strings.Cut(c.Damage, "=")
		x, err := strconv.ParseFloat(value, 64)
		if !found || err != nil {
			continue // none, or several at once
		}
		if kinds[kind] == nil {
			kinds[kind] = map[string][]report.Point{}
		}
		for j, e := range c.Estimators {
			if e.Beta == nil {
				continue
			}
			name := string(e.Estimator) + ", " + c.Process.Spec
			kinds[kind][name] = append(kinds[kind][name], report.Point{
				X: x, Y: e.Beta.Bias, Lo: e.Beta.Bias - 1.96*e.Beta.BiasSE, Hi: e.Beta.Bias + 1.96*e.Beta.BiasSE, Ref: fmt.Sprintf(".cells[%d].estimators[%d].beta.bias", i, j),
			})
		}
	}
	units := map[string]string{"order": "tokens", "memory": "numbers", "temperature": "", "smoothing": "", "bos": ""}
	var tabs []report.Tab
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		f := &report.Figure{
			ID: "damage-" + kind, Title: "Bias of the exponent, model damaged by " + kind,
			Caption: report.Plain("Mean of β over simulated corpora less the true β, with its 95 % interval."),
			X:       report.Axis{Label: kind, Unit: units[kind]}, Y: report.Axis{Label: "bias of β", Zero: true},
			Guides: []report.Guide{{At: 0, Label: report.Plain("no bias"), Hue: report.Grey}},
		}
		if kind == "order" || kind == "memory" {
			f.X.Scale = report.Log2
		}
		for i, name := range slices.Sorted(maps.Keys(kinds[kind])) {
			points := kinds[kind][name]
			slices.SortFunc(points, func(a, b report.Point) int { return cmpFloat(a.X, b.X) })
			estimator, _, _ := strings.Cut(name, ",")
			f.Curves = append(f.Curves, report.Curve{Name: name, Label: estimator, Hue: report.HueOf(i), Marker: report.MarkerOf(i), Line: report.Solid, Bars: true, Points: points})
		}
		tabs = append(tabs, report.Tab{Label: kind, Figure: f})
	}
	return tabs
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// tables are one table for each cell.
func (r *Calibration) tables() []report.Block {
	head := func(s string) report.Column { return report.Column{Head: report.Plain(s), Numeric: true} }
	var out []report.Block
	for i, c := range r.Cells {
		t := &report.Table{
			ID: "cell-" + strconv.Itoa(i), Caption: report.Plain(c.name()), Notes: c.Notes,
			Columns: []report.Column{{Head: report.Plain("estimator")}, head("true β"), head("bias"), head("spread"), head("RMSE"), head("95 % holds"), head("A holds"), {Head: report.Plain("verdicts"), Wide: true}, {Head: report.Plain("best law"), Wide: true}},
		}
		for j, e := range c.Estimators {
			row := []report.Phrase{report.Plain(string(e.Estimator))}
			if b := e.Beta; b == nil || e.A == nil {
				row = append(row, report.Plain("–"), nil, nil, nil, nil, nil)
			} else {
				base := fmt.Sprintf(".cells[%d].estimators[%d].", i, j)
				row = append(row, report.Value(b.Truth, 0, base+"beta.truth"),
					report.Join(report.Value(b.Bias, b.BiasSE, base+"beta.bias"), report.Plain(" ± "), report.Value(b.BiasSE, b.BiasSE, base+"beta.bias_se")),
					report.Value(b.Spread, b.BiasSE, base+"beta.spread"), report.Value(b.RMSE, b.BiasSE, base+"beta.rmse"),
					percent(b.Coverage, base+"beta.coverage"), percent(e.A.Coverage, base+"a.coverage"))
			}
			row = append(row, report.Plain(Tally(e.Verdicts)), report.Plain(Tally(e.Best)))
			t.Rows = append(t.Rows, row)
		}
		out = append(out, t)
	}
	return out
}

// Tally lists how often each word was said, most frequent first.
func Tally[K ~string](m map[K]int) string {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b K) int {
		if m[a] != m[b] {
			return m[b] - m[a]
		}
		return strings.Compare(string(a), string(b))
	})
	words := make([]string, len(keys))
	for i, k := range keys {
		name := string(k)
		if name == "" {
			name = "none"
		}
		words[i] = fmt.Sprintf("%s %d", name, m[k])
	}
	return strings.Join(words, ", ")
}
