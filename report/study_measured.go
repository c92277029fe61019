package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/result"
)

// measured lists what l2m measure found with the models of a study, the worst model
// first.
func (r trainedGrid) measured() *page.Table {
	t := &page.Table{
		ID: "measured-table", Caption: prose.Plain("Estimates with the trained model in place of the exact one, the worst model first."),
		Columns: []page.Column{
			page.Text("model"), page.Number(r.what()), page.Number("I, nats"), page.Number("exact"), page.Number("exponent"), page.Text("95 % interval"), page.Number("exact"),
			page.Text("in bracket"), page.Text("verdict"), page.Text("checks that failed"),
		},
	}
	for _, i := range r.byValue() {
		c := &r.Cells[i]
		m, at := c.Measured, fmt.Sprintf(".cells[%d].", i)
		interval, bracket, exponent := "–", "no", prose.Plain("–")
		if m.Interval != nil {
			interval = prose.Fixed(m.Interval.Lo, 2) + " … " + prose.Fixed(m.Interval.Hi, 2)
		}
		if m.Brackets() {
			bracket = "yes"
		}
		if m.Exponent != nil {
			exponent = prose.Phrase{{Text: prose.Fixed(*m.Exponent, 2), Ref: at + "measured.exponent"}}
		}
		fixed := func(v float64, field string) prose.Phrase {
			return prose.Phrase{{Text: prose.Fixed(v, 2), Ref: at + "measured." + field}}
		}
		e, exact, exactExponent := c.Evaluation(), fixed(m.Exact, "exact_nats"), fixed(m.ExactExponent, "exact_exponent")
		of := "gap"
		if c.Gap == nil {
			of = "loss"
		}
		if m.Exact == 0 { // of a text
			exact, exactExponent, bracket = prose.Plain("–"), prose.Plain("–"), "–"
		}
		t.Rows = append(t.Rows, []prose.Phrase{
			prose.Plain(c.Name), {{Text: r.value(e.Value()), Ref: at + of}}, fixed(m.Nats, "nats"), exact, exponent,
			prose.Plain(interval), exactExponent, prose.Plain(bracket), prose.Plain(m.Verdict), prose.Plain(cmp.Or(strings.Join(m.Findings, ", "), "–")),
		})
	}
	return t
}

// byValue are the cells that were measured, the largest gap, or loss, first.
func (r trainedGrid) byValue() []int {
	var out []int
	value := func(i int) float64 { e := r.Cells[i].Evaluation(); return e.Value() }
	for i := range r.Cells {
		if r.Cells[i].Measured != nil {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(value(b), value(a)) })
	return out
}

// drawMeasured draws what was measured against the gap: a point for each trained model,
// hollow where a check failed.
func (r trainedGrid) drawMeasured(f result.StudyFigure) *figure.Figure {
	fig := &figure.Figure{
		ID: f.ID, Title: f.Title, X: figure.Axis{Label: "gap of the model", Scale: figure.Log10}, Y: figure.Axis{Label: "exponent β", Zero: true},
		Caption: prose.Plain(cmp.Or(f.Caption, "A point is one trained model, with the interval of l2m measure; it is hollow where a check of the run failed.")),
	}
	truth := 0.0
	for _, i := range r.byValue() {
		c := &r.Cells[i]
		if c.Gap == nil || !slices.Contains(f.Panels, c.Panel) || len(f.Models) > 0 && !slices.Contains(f.Models, c.Model) {
			continue
		}
		m := c.Measured
		p := figure.Point{X: *c.Gap, Open: len(m.Findings) > 0, Note: c.Name}
		switch {
		case f.Y == result.MeasuredInformation && m.Exact != 0:
			p.Y, p.Ref, truth = m.Nats/m.Exact, fmt.Sprintf(".cells[%d].measured.nats", i), 1
			p.Lo, p.Hi = p.Y, p.Y
		case f.Y == result.MeasuredExponent && m.Exponent != nil:
			p.Y, p.Ref, truth = *m.Exponent, fmt.Sprintf(".cells[%d].measured.exponent", i), m.ExactExponent
			p.Lo, p.Hi = p.Y, p.Y
			if m.Interval != nil {
				p.Lo, p.Hi = m.Interval.Lo, m.Interval.Hi
			}
		default:
			continue
		}
		at := slices.IndexFunc(fig.Curves, func(d figure.Curve) bool { return d.Name == c.Model })
		if at < 0 {
			at = len(fig.Curves)
			fig.Curves = append(fig.Curves, figure.Curve{Name: c.Model, Label: c.Model, Hue: figure.HueOf(at), Marker: figure.MarkerOf(at), Line: figure.NoLine, Bars: true})
		}
		fig.Curves[at].Points = append(fig.Curves[at].Points, p)
	}
	if f.Y == result.MeasuredInformation {
		fig.Y.Label = "estimated over exact information"
		fig.Caption = prose.Plain(cmp.Or(f.Caption, "A point is one trained model; it is hollow where a check of the run failed."))
	}
	if len(fig.Curves) > 0 {
		fig.Guides = []figure.Guide{{At: truth, Label: prose.Plain("exact"), Hue: figure.Grey}}
	}
	return fig
}
