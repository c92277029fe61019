package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law/decay"
	"github.com/l2m-lab/l2m/result"
)

// twoPoint shows I(d) with the noise floor and the fitted decay.
func (s figureSet) twoPoint() *figure.Figure {
	t := s.r.TwoPoint
	if t == nil || len(t.Points) == 0 {
		return nil
	}
	fig := &figure.Figure{
		ID:      figureTwoPoint,
		Title:   "What one " + singular(s.unit) + " tells about another at a distance",
		X:       s.lengthAxis("distance d"),
		Y:       informationAxis("two-point mutual information I(d)"),
		Caption: prose.Join(prose.Plain("Two "+s.unit+" only, "), prose.Styled(prose.Math, "d"), prose.Plain(" apart, not stretches of text. How fast it decays does not determine how the information between whole stretches grows.")),
	}
	floor := figure.Curve{Name: "shuffled pairs", Label: "shuffled pairs", Hue: figure.Grey, Line: figure.Dashed}
	limit := figure.Curve{Name: "noise", Label: "noise", Hue: figure.Grey, Line: figure.Dotted, Band: true, Extends: true}
	hollow := false
	c := figure.Curve{Name: "two-point information", Hue: figure.Blue, Marker: figure.Dot, Bars: true}
	for j, p := range t.Points {
		q := figure.Point{X: float64(p.Distance), Y: float64(p.Value),
			Lo: float64(p.Value) - info.Z95*float64(p.SE), Hi: float64(p.Value) + info.Z95*float64(p.SE),
			XText: fmt.Sprintf("d = %s %s", prose.Count(p.Distance), s.unit), Ref: fmt.Sprintf(".twopoint.points[%d].nats", j)}
		if p.LeftOut != "" {
			q.Open, q.Note = true, p.LeftOut.String()+"; not fitted"
		} else if t.Law != nil && j < len(t.Law.Used) && !t.Law.Used[j] {
			q.Open, q.Note = true, "not used by the fit"
		}
		c.Points = append(c.Points, q)
		hollow = hollow || q.Open
		if p.Floor > 0 && p.LeftOut != decay.FewPairs { // which would stretch the axis
			floor.Points = append(floor.Points, figure.Point{X: float64(p.Distance), Y: float64(p.Floor)})
		}
		if y := float64(p.Limit); y > 0 {
			// All below is shaded: the lower end is off the axis.
			limit.Points = append(limit.Points, figure.Point{X: float64(p.Distance), Y: y, Hi: y, Lo: 1e-12 * y})
		}
	}
	say := func(s string) { fig.Caption = append(fig.Caption, prose.Span{Text: s}) }
	if len(limit.Points) > 1 {
		fig.Curves = append(fig.Curves, limit)
		if t.Corrected || !floorMatters(t) {
			say(" Shaded: not distinguishable from zero, two standard errors.")
		} else {
			say(" Shaded: not distinguishable from zero, two standard errors above the dashed line.")
		}
	}
	if len(floor.Points) > 1 && floorMatters(t) {
		fig.Curves = append(fig.Curves, floor)
		if t.Corrected {
			say(" Dashed grey: the estimate on shuffled pairs, which is subtracted from the points.")
		} else {
			say(" Dashed grey: the estimate on shuffled pairs.")
		}
	}
	if hollow {
		say(" Hollow points were not fitted.")
	}
	if d := t.Law; d != nil && prose.Finite(d.A) && prose.Finite(d.Alpha) && d.A > 0 {
		lo, hi := span(c.Points)
		fig.Curves = append(fig.Curves, s.decayCurve(d, c.Points))
		if r := d.Better(); r != nil {
			rival := figure.Curve{Name: r.Name(), Label: strings.TrimSuffix(r.Family, "-power"), Hue: figure.HueOf(1), Line: figure.Dashed, Extends: true}
			for _, x := range logGrid(lo, hi) {
				rival.Points = append(rival.Points, figure.Point{X: x, Y: float64(r.At(x))})
			}
			fig.Curves = append(fig.Curves, rival)
			say(" Dashed red: " + r.Name() + ", which describes the points better.")
		}
		fig.Notes = append(fig.Notes, figure.Note{Corner: figure.TopRight, Hue: figure.Blue, Large: d.Holds(), Text: decayFormula(d)})
		if d.AlphaInterval != nil {
			fig.Notes = append(fig.Notes, figure.Note{Corner: figure.TopRight, Hue: figure.Grey, Text: prose.Plain("α in " + interval(d.AlphaInterval, 0, "").String() + " (" + level(d.AlphaInterval) + ")")})
		}
		if d.DoF > 0 {
			fig.Notes = append(fig.Notes, figure.Note{Corner: figure.TopRight, Hue: figure.Grey, Text: prose.Plain("χ²/dof " + reduced(d.Chi2, d.DoF))})
		}
	}
	fig.Curves = append(fig.Curves, c)
	return fig
}

// pairsLead says how far the information falls, and why it is no power law.
func (b pageBuilder) pairsLead() prose.Phrase {
	t := b.r.TwoPoint
	if t == nil || t.Law == nil {
		return nil
	}
	var ends []int // the first point that is fitted, and the last
	for i, p := range t.Points {
		if p.LeftOut == "" {
			ends = append(ends[:min(len(ends), 1)], i)
		}
	}
	if len(ends) < 2 {
		return nil
	}
	at := func(i int) (d, v prose.Phrase) {
		p, base := t.Points[i], fmt.Sprintf(".twopoint.points[%d]", i)
		return prose.Phrase{{Text: prose.Count(p.Distance), Ref: base + ".distance"}}, prose.Amount(p.Value, p.SE, base+".nats")
	}
	from, most := at(ends[0])
	to, least := at(ends[1])
	verb := "falls"
	if !t.Law.Decays() {
		verb = "goes"
	}
	lead := prose.Join(prose.Plain("From "), from, prose.Plain(" to "), to, prose.Plain(" "+b.unit+" it "+verb+" from "), most, prose.Plain(" to "), least, prose.Plain(" "), prose.Unit(""), prose.Plain("."))
	if b.find.reason != "" {
		lead = prose.Join(lead, prose.Plain(" "+b.find.reason))
	}
	return append(lead, b.rejected()...)
}

// covariance shows the decay of the norm of the lag covariance.
func (s figureSet) covariance() *figure.Figure {
	t := s.r.TwoPoint
	if t == nil || !hasCovariance(t) {
		return nil
	}
	fig := &figure.Figure{
		ID:     figureCovariance,
		Title:  "The strongest linear link at a distance",
		X:      s.lengthAxis("distance d"),
		Y:      figure.Axis{Label: "norm of the covariance", Scale: figure.Log10},
		Aspect: 0.5,
		Caption: prose.Plain("The largest singular value of the covariance of the two ends, written as vectors with a 1 for the " + singular(s.unit) + " that is there. Unlike information it is linear in the dependence, so it decays about half as fast." +
			" Shaded: up to twice what independent ends would show, where much of it is noise. Hollow points were not fitted. Bars are 95 % intervals of independent pairs, which are too short."),
	}
	c := figure.Curve{Name: "norm of the covariance", Hue: figure.Blue, Marker: figure.Dot, Bars: true}
	noise := figure.Curve{Name: "noise", Label: "noise", Hue: figure.Grey, Line: figure.Dotted, Band: true, Extends: true}
	for j, p := range t.Points {
		if p.Covariance == nil {
			continue
		}
		v := p.Covariance
		q := figure.Point{X: float64(p.Distance), Y: v.Norm, Lo: v.Norm - info.Z95*v.SE, Hi: v.Norm + info.Z95*v.SE,
			XText: fmt.Sprintf("d = %s %s", prose.Count(p.Distance), s.unit), Ref: fmt.Sprintf(".twopoint.points[%d].covariance.norm", j)}
		if reason := decay.OfNorm(*v, p.Distance, p.LeftOut).LeftOut; reason != "" {
			q.Open, q.Note = true, reason.String()+"; not fitted"
		}
		c.Points = append(c.Points, q)
		limit := v.Limit()
		noise.Points = append(noise.Points, figure.Point{X: q.X, Y: limit, Hi: limit, Lo: 1e-12 * limit})
	}
	fig.Curves = append(fig.Curves, noise)
	if d := t.CovarianceLaw; d != nil {
		fig.Curves = append(fig.Curves, s.decayCurve(d, c.Points))
		text := prose.Join(prose.Plain("best single power law "), prose.Phrase{{Text: prose.Significant(d.A, 2), Ref: ".twopoint.covariance_law.a"}}, prose.Plain(" · "), prose.Styled(prose.Math, "d"), prose.Phrase{{Text: decayPower(d), Style: prose.Sup, Ref: ".twopoint.covariance_law.alpha"}})
		if d.Floor > 0 {
			text = append(text, prose.Span{Text: " + "}, prose.Span{Text: prose.Significant(d.Floor, 2), Ref: ".twopoint.covariance_law.floor"})
		}
		if d.Holds() {
			text = text[1:]
		}
		fig.Notes = append(fig.Notes, figure.Note{Corner: figure.TopRight, Hue: figure.Blue, Large: true, Text: text})
		if d.AlphaInterval != nil {
			fig.Notes = append(fig.Notes, figure.Note{Corner: figure.TopRight, Hue: figure.Grey, Text: prose.Plain(interval(d.AlphaInterval, 0, "").String() + " (" + level(d.AlphaInterval) + ")")})
		}
	}
	fig.Curves = append(fig.Curves, c)
	return fig
}

// decayCurve is the line of a decay over the distances of points.
func (s figureSet) decayCurve(d *decay.Law, points []figure.Point) figure.Curve {
	lo, hi := span(points)
	fit := figure.Curve{Name: "fit", Hue: figure.Blue, Line: figure.Solid, Extends: true}
	for _, x := range logGrid(lo, hi) {
		fit.Points = append(fit.Points, figure.Point{X: x, Y: float64(d.At(x)) + d.Floor})
	}
	return fit
}

// pairs is the section on pairs at a distance.
func (b pageBuilder) pairs() page.Section {
	s := page.Section{ID: "pairs", Title: "Two " + b.unit + " at a distance"}
	f := b.twoPoint()
	if f == nil {
		return s
	}
	if b.law() != nil {
		s.Blocks = append(s.Blocks, page.Draw(f))
	}
	t := pairsTable(b.r.TwoPoint)
	if b.law() == nil {
		s.Blocks = append(s.Blocks, t) // the main numbers of the page
	} else {
		s.Blocks = append(s.Blocks, page.Details{Summary: "Table of the two-point estimates", Blocks: []page.Block{t}})
	}
	if f := b.covariance(); f != nil {
		s.Blocks = append(s.Blocks, page.Draw(f))
	}
	return s
}

// pairsTable lists two-point information by distance.
func pairsTable(p *result.TwoPoint) *page.Table {
	nats := page.Column{Head: prose.Join(prose.Plain("I(d) ("), prose.Unit(""), prose.Plain(")")), Numeric: true, Short: "I(d), nats"}
	se := page.Column{Head: prose.Plain("standard error"), Numeric: true, Short: "±"}
	t := &page.Table{ID: "twopoint", Caption: prose.Plain("Two-point mutual information (" + p.Estimator + " estimator)"),
		Columns: []page.Column{page.Number("d"), nats, se, page.Number("noise")}}
	floor, covariance := hasFloor(p), hasCovariance(p)
	if floor {
		t.Columns = append(t.Columns, page.Column{Head: prose.Plain("shuffled pairs"), Numeric: true, Short: "shuffled", Drop: 1, PageOnly: !floorMatters(p)})
	}
	if covariance {
		t.Columns = append(t.Columns, page.Column{Head: prose.Plain("covariance ‖C(d)‖"), Numeric: true, PageOnly: true})
	}
	t.Columns = append(t.Columns, page.Column{Head: prose.Plain("pairs"), Numeric: true, Drop: 2}, page.Text("not fitted"))
	for j, q := range p.Points {
		base := fmt.Sprintf(".twopoint.points[%d]", j)
		row := []prose.Phrase{{{Text: prose.Count(q.Distance), Ref: base + ".distance"}}, prose.Amount(q.Value, q.SE, base+".nats"),
			amount2(q.SE, base+".se"), amount2(q.Limit, base+".limit")}
		if floor {
			row = append(row, amount2(q.Floor, base+".floor"))
		}
		if covariance {
			norm := prose.Plain("–")
			if c := q.Covariance; c != nil {
				norm = prose.Phrase{{Text: prose.Significant(c.Norm, 3), Ref: base + ".covariance.norm"}}
			}
			row = append(row, norm)
		}
		t.Rows = append(t.Rows, append(row, prose.Phrase{{Text: prose.Count(q.Pairs), Ref: base + ".pairs"}}, prose.Styled(prose.Muted, q.LeftOut.String())))
	}
	return t
}

// counted is how many documents pairs were counted of.
func counted(r *result.Result) int {
	if r.TwoPoint != nil && r.TwoPoint.Documents > 0 {
		return int(r.TwoPoint.Documents)
	}
	return r.Corpus.Documents
}

// floorMatters says whether the estimator reads enough on shuffled pairs to be
// shown.
func floorMatters(t *result.TwoPoint) bool {
	return slices.ContainsFunc(t.Points, func(p result.TwoPointPoint) bool { return p.Floor > p.Limit/10 })
}

// hasCovariance says whether the norm of the lag covariance is known.
func hasCovariance(t *result.TwoPoint) bool {
	return slices.ContainsFunc(t.Points, func(p result.TwoPointPoint) bool { return p.Covariance != nil })
}

// hasFloor says whether shuffled pairs were counted.
func hasFloor(t *result.TwoPoint) bool {
	return slices.ContainsFunc(t.Points, func(p result.TwoPointPoint) bool { return p.Floor != 0 })
}
