package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/shell"
	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// calibrationHTML writes the page of a calibration.
func calibrationHTML(w io.Writer, doc *result.Calibration) error {
	data, err := result.Marshal(doc)
	if err != nil {
		return fmt.Errorf("writing the page of the calibration: %w", err)
	}
	p, _ := calibrated{doc}.page(data)
	return p.HTML(w)
}

// calibrationFigures are the figures of a calibration.
func calibrationFigures(doc *result.Calibration) []*figure.Figure {
	_, figures := calibrated{doc}.page(nil)
	return figures
}

// calibrated is a calibration as its faces ask it.
type calibrated struct{ *result.Calibration }

// page is the page of a calibration; figures are those it shows.
func (r calibrated) page(data []byte) (p *page.Page, figures []*figure.Figure) {
	p = &page.Page{
		Kind: "calibrate", Subject: prose.Plural(r.Options.Repetitions, "simulated corpus", "simulated corpora") + " for each of " + prose.Plural(len(r.Cells), "combination", "combinations"),
		Verdict: prose.Plain("Nothing was fitted."), Tone: page.Neutral,
		Lead: prose.Plain("Processes whose information is known exactly, scored by their own exact law unless stated otherwise, estimated and fitted many times by the code of l2m measure."),
		Data: data, DataName: "calibration.json", Version: r.Version, Command: r.Command,
	}
	if c := r.Coverage; c != nil {
		p.Verdict, p.Tone = append(r.headline(), prose.Span{Text: "."}), r.tone()
		p.Facts = append(p.Facts,
			page.Fact{Label: "intervals of β", Value: prose.Phrase{{Text: strconv.Itoa(c.Of), Ref: ".coverage.of"}}, Note: prose.Plain("over all estimators and undamaged models")},
			page.Fact{Label: "contain the truth", Value: prose.Phrase{{Text: strconv.Itoa(c.Covered), Ref: ".coverage.covered"}}, Note: prose.Plain("a perfect method: 95\u00a0% of them, give or take chance")})
		if w := r.weakest(); w != nil {
			p.Facts = append(p.Facts, page.Fact{Label: "weakest combination", Value: percent(w.beta.Coverage, w.ref+".coverage"),
				Note: prose.Plain(fmt.Sprintf("%s on %s: %d of %d intervals; 95\u00a0%% for its share: %.0f … %.0f\u00a0%%", w.estimator, w.cell, w.beta.Covered, w.beta.Of, 100*w.beta.CoverageCI.Lo, 100*w.beta.CoverageCI.Hi))})
		}
	}
	var tabs []page.Tab
	for i, e := range r.estimators() {
		f := r.truthFigure(e)
		figures = append(figures, f)
		if i == 0 {
			p.Hero = f
			continue
		}
		tabs = append(tabs, page.Tab{Label: e, Figure: f})
	}
	if len(tabs) > 0 {
		p.Sections = append(p.Sections, page.Section{ID: "truth", Title: "True against estimated information", Blocks: []page.Block{page.Tabs{ID: "truth-tabs", Figures: tabs}}})
	}
	if damage := r.damageFigures(); len(damage) > 0 {
		for _, t := range damage {
			figures = append(figures, t.Figure)
		}
		p.Sections = append(p.Sections, page.Section{ID: "damage", Title: "What damage to the model does to the exponent", Blocks: []page.Block{page.Tabs{ID: "damage-tabs", Figures: damage}}})
	}
	if t := r.headlineTable(); len(t.Rows) > 0 {
		p.Sections = append(p.Sections, page.Section{ID: "headlines", Title: "What runs say first", Blocks: []page.Block{t}})
	}
	p.Sections = append(p.Sections, page.Section{ID: "tables", Title: "Bias, spread and coverage", Blocks: r.tables()})
	return p, figures
}

// weakCell is an estimator on a process, with what became of its intervals of β.
type weakCell struct {
	estimator, cell, ref string
	beta                 *result.ParameterCalibration
}

// weakest is the combination of an undamaged model whose intervals of β contain
// the truth least often, nil without any.
func (r calibrated) weakest() *weakCell {
	var w *weakCell
	for i, c := range r.Cells {
		for j, e := range c.Estimators {
			if b := e.Beta; c.Damage == "none" && b != nil && b.Of > 0 && (w == nil || b.CoverageCI.Hi < w.beta.CoverageCI.Hi) {
				w = &weakCell{string(e.Estimator), cellName(c), fmt.Sprintf(".cells[%d].estimators[%d].beta", i, j), b}
			}
		}
	}
	return w
}

// failing reports whether the weakest combination contains the truth too seldom for
// chance.
func (r calibrated) failing() bool {
	w := r.weakest()
	return w != nil && w.beta.CoverageCI.Hi < info.DefaultLevel
}

// headline says how often intervals contain the truth, and does not pass over
// a combination in which they do so too seldom.
func (r calibrated) headline() prose.Phrase {
	s := prose.Join(percent(r.Coverage.Coverage, ".coverage.coverage"), prose.Plain(" of the 95\u00a0% intervals of the exponent contain the truth"))
	if w := r.weakest(); r.failing() {
		s = prose.Join(s, prose.Plain(", but only "), percent(w.beta.Coverage, w.ref+".coverage"), prose.Plain(" by "+w.estimator+" on "+w.cell))
	}
	return s
}

func (r calibrated) tone() page.Tone {
	if r.failing() {
		return page.Doubtful
	}
	return page.Neutral
}

// CalibrationHeadline is the finding of a calibration as a sentence; "" where nothing
// was fitted.
func CalibrationHeadline(c *result.Calibration) string {
	if c.Coverage == nil {
		return ""
	}
	return calibrated{c}.headline().String()
}

// percent writes a share, which stands in the data at ref.
func percent(share float64, ref string) prose.Phrase {
	return prose.Phrase{{Text: fmt.Sprintf("%.1f\u00a0%%", 100*share), Ref: ref}}
}

// estimators are the names of all that were run, in order.
func (r calibrated) estimators() []string {
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
func (r calibrated) truthFigure(estimator string) *figure.Figure {
	f := &figure.Figure{
		ID: "truth-" + estimator, Title: "Estimates by " + estimator + " against the truth",
		Caption: prose.Plain("Points are means over the simulated corpora, bars span 95 % of single estimates (± 1.96 spreads); on the dashed line estimate and truth agree."),
		X:       figure.Axis{Label: "exact I(ℓ;L)", Unit: "nats", Nats: true, Scale: figure.Log10},
		Y:       figure.Axis{Label: "estimate", Unit: "nats", Nats: true, Scale: figure.Log10},
	}
	lo, hi := math.Inf(1), 0.0
	n := 0
	for i, c := range r.Cells {
		if c.Damage != "none" {
			continue
		}
		for j, e := range c.Estimators {
			if string(e.Estimator) != estimator || len(e.Points) == 0 || !(e.Points[0].Truth > result.NoInformation) {
				continue
			}
			curve := figure.Curve{Name: cellName(c), Label: c.Process.Kind, Hue: figure.HueOf(n), Marker: figure.MarkerOf(n), Bars: true}
			for k, p := range e.Points {
				curve.Points = append(curve.Points, figure.Point{
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
		f.Curves = append(f.Curves, figure.Curve{Name: "truth", Hue: figure.Grey, Line: figure.Dashed, Quiet: true, Points: []figure.Point{{X: lo, Y: lo}, {X: hi, Y: hi}}})
	}
	return f
}

func cellName(c result.CalibrationCell) string {
	name := c.Process.Spec + ", " + strconv.Itoa(c.Windows) + " windows"
	if c.Damage != "none" {
		name += ", " + c.Damage
	}
	return name
}

// damageFigures draws the bias of β against the size of each kind of damage.
func (r calibrated) damageFigures() []page.Tab {
	kinds := map[string]map[string][]figure.Point{} // kind → curve → points
	for i, c := range r.Cells {
		kind, value, found := strings.Cut(c.Damage, "=")
		x, err := strconv.ParseFloat(value, 64)
		if !found || err != nil || kind == "model" {
			continue // none, several at once, or a trained model, which has no size
		}
		if kinds[kind] == nil {
			kinds[kind] = map[string][]figure.Point{}
		}
		for j, e := range c.Estimators {
			if e.Beta == nil {
				continue
			}
			name := string(e.Estimator) + ", " + c.Process.Spec
			kinds[kind][name] = append(kinds[kind][name], figure.Point{
				X: x, Y: e.Beta.Bias, Lo: e.Beta.Bias - 1.96*e.Beta.BiasSE, Hi: e.Beta.Bias + 1.96*e.Beta.BiasSE, Ref: fmt.Sprintf(".cells[%d].estimators[%d].beta.bias", i, j),
			})
		}
	}
	units := map[string]string{"order": "tokens", "memory": "numbers", "temperature": "", "smoothing": "", "bos": ""}
	var tabs []page.Tab
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		f := &figure.Figure{
			ID: "damage-" + kind, Title: "Bias of the exponent, model damaged by " + kind,
			Caption: prose.Plain("Mean of β over simulated corpora less the true β, with its 95 % interval."),
			X:       figure.Axis{Label: kind, Unit: units[kind]}, Y: figure.Axis{Label: "bias of β", Zero: true},
			Guides: []figure.Guide{{At: 0, Label: prose.Plain("no bias"), Hue: figure.Grey}},
		}
		if kind == "order" || kind == "memory" {
			f.X.Scale = figure.Log2
		}
		for i, name := range slices.Sorted(maps.Keys(kinds[kind])) {
			points := kinds[kind][name]
			slices.SortFunc(points, func(a, b figure.Point) int { return cmp.Compare(a.X, b.X) })
			estimator, _, _ := strings.Cut(name, ",")
			f.Curves = append(f.Curves, figure.Curve{Name: name, Label: estimator, Hue: figure.HueOf(i), Marker: figure.MarkerOf(i), Line: figure.Solid, Bars: true, Points: points})
		}
		tabs = append(tabs, page.Tab{Label: kind, Figure: f})
	}
	return tabs
}

// tables are those of each cell.
func (r calibrated) tables() []page.Block {
	var out []page.Block
	for i := range r.Cells {
		out = append(out, r.cellTable(i))
		if t := r.efficiencyTable(i); t != nil {
			out = append(out, t)
		}
	}
	return out
}

// modelOf is the model of a cell in words.
func modelOf(damage string) string {
	switch {
	case damage == "none":
		return "exact"
	case damage == "model=bytemix":
		return "built-in predictor"
	}
	return damage
}

// headlineTable has a row for each cell: the first estimate, the findings and the
// verdict.
func (r calibrated) headlineTable() *page.Table {
	t := &page.Table{
		ID:      "headlines-table",
		Caption: prose.Plain("At " + r.longest() + ": the mean estimate and the median half-width of its 95 % interval. Bracket: the median ends; outside: the truth is not in it. Silent: the interval misses the truth and no check finds anything."),
		Columns: []page.Column{{Head: prose.Plain("process"), Wide: true}, page.Text("model"), page.Number("exact"), page.Number("estimate"), page.Number("coverage"),
			{Head: prose.Plain("bracket"), Numeric: true, Drop: 2}, {Head: prose.Plain("outside"), Numeric: true, Drop: 3}, page.Number("flagged"), page.Number("silent"), {Head: prose.Plain("findings"), Wide: true}, {Head: prose.Plain("verdicts"), Wide: true, Drop: 1}},
	}
	for i, c := range r.Cells {
		h := c.Headline
		if h == nil || h.Of == 0 {
			continue
		}
		base := fmt.Sprintf(".cells[%d].headline.", i)
		count := func(n int, name string) prose.Phrase { return prose.Phrase{{Text: strconv.Itoa(n), Ref: base + name}} }
		t.Rows = append(t.Rows, []prose.Phrase{
			prose.Plain(c.Process.Spec), prose.Plain(modelOf(c.Damage)),
			prose.Value(h.Truth, h.MeanSE, base+"truth"), prose.Join(prose.Value(h.Mean, h.MeanSE, base+"mean"), prose.Plain(" ± "+prose.Significant(h.Width/2, 2))),
			percent(h.Coverage, base+"coverage"), limits(h, base), count(h.Outside, "outside"), count(h.Flagged, "flagged"), count(h.Silent, "silent"), prose.Plain(tally(h.Findings)), prose.Plain(tally(h.Verdicts)),
		})
	}
	return t
}

// longest names the length of the first estimates.
func (r calibrated) longest() string {
	length := 0
	for _, c := range r.Cells {
		if h := c.Headline; h != nil && h.Of > 0 {
			if length != 0 && length != h.Length {
				return "the longest length"
			}
			length = h.Length
		}
	}
	return "L = " + prose.Count(length)
}

// limits are the median ends of the bracket.
func limits(h *result.CalibrationHeadline, base string) prose.Phrase {
	lower := prose.Phrase{{Text: prose.Significant(h.Lower, 3), Ref: base + "lower"}, {Text: " … "}}
	if h.Upper == 0 {
		return lower
	}
	return prose.Join(lower, prose.Phrase{{Text: prose.Significant(h.Upper, 3), Ref: base + "upper"}})
}

// cellTable says how every estimator did in one cell.
func (r calibrated) cellTable(cell int) *page.Table {
	number := func(head, over string, drop int) page.Column {
		return page.Column{Head: prose.Plain(head), Over: over, Numeric: true, Drop: drop}
	}
	c := r.Cells[cell]
	t := &page.Table{
		ID: "cell-" + strconv.Itoa(cell), Caption: prose.Plain(cellName(c)), Notes: slices.Clone(c.Notes),
		Columns: []page.Column{page.Text("estimator"), number("true", "β", 0), number("bias", "β", 0), number("spread", "β", 0), number("RMSE", "β", 5), number("coverage", "β", 0),
			number("true", "A", 4), number("bias", "A", 4), number("coverage", "A", 3), number("coverage of I", "", 2),
			{Head: prose.Plain("verdicts"), Wide: true}, {Head: prose.Plain("best law"), Wide: true, Drop: 1}},
	}
	inexact := false
	for j, e := range c.Estimators {
		base := fmt.Sprintf(".cells[%d].estimators[%d].", cell, j)
		row := []prose.Phrase{prose.Plain(string(e.Estimator)), prose.Plain("–"), nil, nil, nil, nil, nil, nil, nil}
		if b, a := e.Beta, e.A; b != nil && a != nil {
			row = append(row[:1], prose.Value(b.Truth, 0, base+"beta.truth"), bias(b.Summary, base+"beta."), prose.Value(b.Spread, b.BiasSE, base+"beta.spread"),
				prose.Value(b.RMSE, b.BiasSE, base+"beta.rmse"), coverage(b.Summary, base+"beta."),
				prose.Value(a.Truth, 0, base+"a.truth"), bias(a.Summary, base+"a."), coverage(a.Summary, base+"a."))
			if !b.Exact {
				row[1], inexact = prose.Join(row[1], prose.Plain(" "+prose.Superscript(1))), true
			}
		}
		lo, hi := 1.0, 0.0
		for _, p := range e.Points {
			lo, hi = min(lo, p.Coverage), max(hi, p.Coverage)
		}
		best := tally(e.Best)
		if e.Bounded > 0 {
			best += fmt.Sprintf(" (bounded %d)", e.Bounded)
		}
		t.Rows = append(t.Rows, append(row, prose.Plain(fmt.Sprintf("%.0f – %.0f\u00a0%%", 100*lo, 100*hi)), prose.Plain(tally(e.Verdicts)), prose.Plain(best)))
	}
	if inexact {
		t.Notes = append([]string{prose.Superscript(1) + " the exact curve is not a power law: this is the power law fitted to it with the weights of the estimates"}, t.Notes...)
	}
	return t
}

// bias writes a bias with its standard error.
func bias(s result.Summary, base string) prose.Phrase {
	return prose.Join(prose.Value(s.Bias, s.BiasSE, base+"bias"), prose.Plain(" ± "), prose.Value(s.BiasSE, s.BiasSE, base+"bias_se"))
}

// coverage writes which share of intervals contain the truth, and how well that is
// known.
func coverage(s result.Summary, base string) prose.Phrase {
	return prose.Join(percent(s.Coverage, base+"coverage"), prose.Plain(fmt.Sprintf(" (%.0f – %.0f)", 100*s.CoverageCI.Lo, 100*s.CoverageCI.Hi)))
}

// efficiencyTable compares schemes in one cell, nil where none were compared.
func (r calibrated) efficiencyTable(cell int) *page.Table {
	c := r.Cells[cell]
	if len(c.Efficiency) == 0 || c.Damage != "none" {
		return nil
	}
	t := &page.Table{ID: "efficiency-" + strconv.Itoa(cell), Columns: []page.Column{page.Text("scheme"), page.Number("spread of β"), page.Number("tokens"), page.Number("tokens at equal error")}}
	for k, e := range c.Efficiency {
		base := fmt.Sprintf(".cells[%d].efficiency[%d].", cell, k)
		t.Rows = append(t.Rows, []prose.Phrase{prose.Plain(e.Scheme), {{Text: prose.Fixed(e.Spread, 4), Ref: base + "spread"}}, {{Text: prose.Count(e.Tokens), Ref: base + "tokens"}},
			{{Text: prose.Significant(e.Relative, 3) + "×", Ref: base + "relative"}}})
	}
	return t
}

// CalibrationText writes how often intervals contain the truth, and the tables of
// every cell.
func CalibrationText(w io.Writer, doc *result.Calibration, opts TextOptions) error {
	r, t := calibrated{doc}, newTerminal(opts)
	if r.Coverage != nil {
		t.paragraph(r.headline().String()+".", 2, text.Bold)
	}
	t.paragraph(fmt.Sprintf("%s, windows of %s tokens, 95\u00a0%% intervals from %s bootstrap draws",
		prose.Plural(r.Options.Repetitions, "repetition", "repetitions"), prose.Count(r.Options.Length), prose.Count(r.Options.Draws)), 2)
	whole := true
	for i, c := range r.Cells {
		t.out.WriteString("\n")
		t.paragraph(cellName(c), 2, text.Bold)
		whole = t.table(r.cellTable(i), 0) && whole
		if e := r.efficiencyTable(i); e != nil {
			t.out.WriteString("\n")
			t.table(e, 0)
		}
	}
	if h := r.headlineTable(); len(h.Rows) > 0 {
		t.out.WriteString("\n")
		t.paragraph("What runs say first", 2, text.Bold)
		t.paragraph(h.Caption.String(), 2)
		whole = t.table(h, 0) && whole
	}
	if opts.Run != "" {
		t.out.WriteString("\n")
		s := "run kept in " + shell.Quote(opts.Run) + ": calibration.json, report.html"
		if !whole {
			s += ", with the columns that have no room here"
		}
		t.paragraph(s, 2, text.Faint)
	}
	_, err := io.WriteString(w, t.out.String())
	return err
}

// tally lists how often each word was said, most frequent first.
func tally[K ~string](m map[K]int) string {
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
