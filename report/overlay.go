package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/result"
)

// Summary is what a line of a list of runs says about a run.
type Summary struct {
	Headline    string         // the finding as a sentence, without its full stop
	Formula     string         // the fitted law, marked where it is rejected; empty without one
	Exponent    *info.Estimate // β of the headline law, rejected or not; nil without one
	Documents   int
	Length      int     // the longest measured, in Unit; 0 for counts of pairs
	Unit        string  // "tokens", "bytes", …
	BitsPerByte float64 // loss of the model, 0 when it is not known
}

// Summarize sums a run up.
func Summarize(r *result.Result) Summary {
	f := find(r)
	s := Summary{Headline: f.headline, Documents: r.Windows.Documents, Unit: lengthUnit(r), BitsPerByte: r.Loss.BitsPerByte}
	if s.Documents == 0 {
		s.Documents = counted(r)
	}
	if f.series >= 0 {
		points := r.Series[f.series].Points
		s.Length = points[len(points)-1].Length
	}
	if f.exponent != nil {
		s.Exponent = &f.exponent.Estimate
	}
	if len(f.formula) > 0 {
		s.Formula = f.formula.String()
		if f.tone == page.Bad {
			s.Formula = "rejected: " + s.Formula
		}
		if t := r.TwoPoint; f.series < 0 && t != nil && t.Law.AlphaInterval != nil {
			s.Formula += ", " + level(t.Law.AlphaInterval) + " of α: " + interval(t.Law.AlphaInterval, 0, "").String()
		}
	}
	return s
}

// ExponentText writes an exponent with its interval: "0.76, 95 %: 0.74 … 0.78".
func ExponentText(e info.Estimate) string {
	s := prose.Round(e.Value, e.SE)
	if e.Interval != nil {
		s += ", " + level(e.Interval) + ": " + interval(e.Interval, e.SE, "").String()
	}
	return s
}

// AuditHeadline is the finding of an audit as a sentence.
func AuditHeadline(a *result.Audit) string {
	h, _ := audited{a}.headline()
	return strings.TrimSuffix(h, ".")
}

// ComparisonHeadline is the finding of a comparison as a sentence.
func ComparisonHeadline(c *result.Comparison) string {
	return strings.TrimSuffix(compared{c}.headline(), ".")
}

// Overlay shows the headline series of several runs, with intervals, in one figure and
// their laws in a table. names identify the runs. The runs may have different
// documents; lengths are in each run's own tokens.
func Overlay(names []string, results []*result.Result) (*page.Page, error) {
	if len(names) != len(results) || len(results) == 0 {
		return nil, errors.New("there are no runs to show together")
	}
	unit := lengthUnit(results[0])
	for _, r := range results {
		if lengthUnit(r) != unit {
			unit = "tokens of each run"
		}
	}
	fig := &figure.Figure{
		ID: "overlay", Title: "Information against length, run by run",
		Caption: prose.Plain("The headline estimate of each run with its 95 % intervals over documents. The runs share axes, not documents: l2m compare takes differences on the same text."),
		X:       figure.Axis{Label: "window length L", Unit: unit, Scale: figure.Log2},
		Y:       informationAxis("I(L/2; L)"), Aspect: 0.7,
	}
	pairs := &figure.Figure{
		ID: "overlay-pairs", Title: "Two-point information against distance, run by run",
		Caption: prose.Plain("What one token tells about another at a distance, with 95 % intervals. Hollow points are not distinguishable from noise."),
		X:       figure.Axis{Label: "distance d", Unit: unit, Scale: figure.Log2},
		Y:       informationAxis("I(d)"), Aspect: 0.7,
	}
	table := &page.Table{ID: "runs", Caption: prose.Plain("The headline law of each run."), Columns: []page.Column{
		{Head: prose.Plain("run"), Wide: true}, {Head: prose.Plain("text"), Wide: true}, {Head: prose.Plain("model"), Wide: true}, page.Number("documents"),
		page.Number("exponent β"), page.Number("95 %"), {Head: prose.Plain("law"), Wide: true},
		page.Number("decay α"),
	}}
	type entry struct {
		Run    string         `json:"run"`
		Result *result.Result `json:"result"`
	}
	var data []entry
	for i, r := range results {
		data = append(data, entry{names[i], r})
		o := overlaid{i, printable(names[i]), r, find(r)}
		fig.Curves = append(fig.Curves, o.information()...)
		pairs.Curves = append(pairs.Curves, o.pairs()...)
		table.Rows = append(table.Rows, o.row())
	}
	doc, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("showing runs together: %w", err)
	}
	p := &page.Page{
		Kind: "overlay", Subject: prose.Plural(len(results), "run", "runs"), Verdict: prose.Plain("Runs side by side."), Tone: page.Neutral,
		Version: results[0].Version,
		Lead:    prose.Plain("The information that the first half of a window tells about the second, as each run measured it."),
		Data:    doc, Sections: []page.Section{{ID: "runs", Title: "The runs", Blocks: []page.Block{table}}},
	}
	switch {
	case len(fig.Curves) > 0 && len(pairs.Curves) > 0:
		p.Hero = fig
		p.Sections = append(p.Sections, page.Section{ID: "pairs", Title: "Pairs at a distance", Blocks: []page.Block{page.Draw(pairs)}})
	case len(fig.Curves) > 0:
		p.Hero = fig
	case len(pairs.Curves) > 0:
		p.Hero = pairs
		p.Lead = prose.Plain("The information that single tokens carry about others at a distance, as each run measured it.")
	}
	return p, nil
}

// overlaid is one run of an overlay.
type overlaid struct {
	i    int // its place in the document
	name string
	r    *result.Result
	find finding
}

// at is the path of a field of the run in the document.
func (o overlaid) at(field string) string { return fmt.Sprintf(".[%d].result%s", o.i, field) }

// curve is a curve of the run through points, with their places in the document.
func (o overlaid) curve(points []figure.Point) figure.Curve {
	points = slices.Clone(points)
	for j := range points {
		points[j].Ref = o.at(points[j].Ref)
	}
	return figure.Curve{Name: o.name, Label: shortName(o.name), Hue: figure.HueOf(o.i), Marker: figure.MarkerOf(o.i), Line: figure.Solid, Points: points}
}

// information is the headline series, if there is one.
func (o overlaid) information() []figure.Curve {
	if o.find.series < 0 {
		return nil
	}
	c := o.curve(newFigureSet(o.r).seriesPoints(o.find.series))
	c.Band = true
	return []figure.Curve{c}
}

// pairs is the two-point information, if it was measured.
func (o overlaid) pairs() []figure.Curve {
	two := newFigureSet(o.r).twoPoint()
	if two == nil {
		return nil
	}
	c := o.curve(two.Curves[len(two.Curves)-1].Points) // the estimates come last
	c.Bars = true
	return []figure.Curve{c}
}

// row is the run's row of the table.
func (o overlaid) row() []prose.Phrase {
	r := o.r
	row := []prose.Phrase{
		prose.Plain(o.name), prose.Plain(printable(strings.Join(r.Corpus.Paths, " "))), prose.Plain(printable(r.Model.Name)), prose.Plain(prose.Count(r.Corpus.Documents)),
		prose.Plain("–"), prose.Plain("–"), prose.Plain("–"), prose.Plain("–"),
	}
	if o.find.series >= 0 {
		if a := r.Series[o.find.series].Law; a != nil {
			row[6] = prose.Plain(verdictWord(a.Verdict))
		}
	}
	if r.TwoPoint != nil && len(r.TwoPoint.Points) > 0 && r.TwoPoint.Law != nil {
		row[7] = prose.Phrase{{Text: prose.Significant(r.TwoPoint.Law.Alpha, 3), Ref: o.at(".twopoint.law.alpha")}}
	}
	if e := o.find.exponent; e != nil {
		ref := paramRef(o.at(fmt.Sprintf(".series[%d].law.power", o.find.series)), r.Series[o.find.series].Law.Power, e)
		row[4] = prose.Value(e.Value, e.SE, ref)
		if e.Interval != nil {
			row[5] = interval(e.Interval, e.SE, strings.TrimSuffix(ref, "value")+"interval")
		}
	}
	return row
}
