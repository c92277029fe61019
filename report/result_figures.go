package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
)

// Names of the figures of a run: files of its figures folder, and anchors of
// its report.
const (
	figureLaw        = "law"
	figureEstimators = "estimators" // with the ratio appended
	figureRatios     = "ratios"     // with the estimator appended
	figureDeviation  = "deviation"
	figureLocal      = "local-exponents"
	figureTriangle   = "triangle"
	figureTwoPoint   = "two-point"
	figureCovariance = "covariance"
	figureLoss       = "loss-by-position"
)

// figureSet builds the figures of a result.
type figureSet struct {
	r    *result.Result
	find finding
	unit string
}

func newFigureSet(r *result.Result) figureSet {
	return figureSet{r, find(r), lengthUnit(r)}
}

// all returns every figure there is, in the order of the report.
func (s figureSet) all() []*figure.Figure {
	var figs []*figure.Figure
	add := func(f *figure.Figure) {
		if f != nil {
			figs = append(figs, f)
		}
	}
	add(s.law())
	for _, t := range s.estimators() {
		add(t.Figure)
	}
	add(s.deviation())
	add(s.local())
	add(s.triangle())
	add(s.twoPoint())
	add(s.covariance())
	add(s.loss())
	return figs
}

func (s figureSet) lengthAxis(label string) figure.Axis {
	return figure.Axis{Label: label, Unit: s.unit, Scale: figure.Log2}
}

func informationAxis(label string) figure.Axis {
	return figure.Axis{Label: label, Unit: "nats", Nats: true, Scale: figure.Log10}
}

// seriesPoints are the estimates of a series with their 95 % intervals.
func (s figureSet) seriesPoints(i int) []figure.Point {
	series := s.r.Series[i]
	var points []figure.Point
	for j, e := range series.Points {
		p := figure.Point{X: float64(e.Length), Y: float64(e.Value), Ref: fmt.Sprintf(".series[%d].points[%d].nats", i, j)}
		p.Lo, p.Hi = p.Y, p.Y
		if bounds := series.Bounds(j); bounds != nil {
			p.Lo, p.Hi = bounds.Lo, bounds.Hi
		}
		p.XText = fmt.Sprintf("L = %s %s, ℓ = %s", prose.Count(e.Length), s.unit, prose.Count(e.Ell))
		if series.Law != nil && j < len(series.Law.Used) && !series.Law.Used[j] {
			p.Open, p.Note = true, "not used by the fit"
		}
		points = append(points, p)
	}
	return points
}

// span is the range of lengths of a series.
func span(points []figure.Point) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, p := range points {
		lo, hi = math.Min(lo, p.X), math.Max(hi, p.X)
	}
	return lo, hi
}

// law is the main figure: the headline's estimates and its law.
func (s figureSet) law() *figure.Figure {
	i := s.find.series
	if i < 0 {
		return nil
	}
	series := s.r.Series[i]
	points := s.seriesPoints(i)
	lo, hi := span(points)
	name := fmt.Sprintf("%s, L/ℓ = %d", estimatorName(series.Estimator), series.Ratio)
	fig := &figure.Figure{
		ID:     figureLaw,
		Title:  fmt.Sprintf("What the first %s tells about the rest", part(series.Ratio)),
		X:      s.lengthAxis("window length L"),
		Y:      informationAxis("mutual information I(" + fmt.Sprintf("L/%d; L)", series.Ratio)),
		Aspect: 0.68,
	}
	bars := "Bars"
	if s.find.exponent != nil && series.Law.Law != nil {
		bars = "Bars, and the band around the line,"
	}
	of := "95 % intervals over documents (" + estimatorName(series.Estimator) + " estimator)"
	if series.Estimator == mi.Given {
		of = "95 % intervals"
	}
	fig.Caption = prose.Plain("Both axes are logarithmic, so a power law is a straight line. " + bars + " are " + of + s.openNote(points) + ".")
	if s.find.exponent != nil {
		fig.Caption = prose.Join(fig.Caption, prose.Plain(" Dotted: β = 1, as if every "+singular(s.unit)+" added as much as the one before."))
		fig.Curves = append(fig.Curves,
			figure.Curve{Name: "β = 1", Label: "β = 1", Hue: figure.Grey, Line: figure.Dotted, Extends: true, Points: s.volumeGuide(points)},
			s.lawCurve(series.Law, lo, hi))
		fig.Notes = append(fig.Notes, figure.Note{Text: s.find.formula, Corner: figure.TopLeft, Hue: figure.Blue, Large: s.find.tone != page.Bad})
		if s.find.tone == page.Bad {
			fig.Notes = append(fig.Notes, figure.Note{Text: prose.Plain("rejected: the best single power law, dashed"), Corner: figure.TopLeft, Hue: figure.Vermilion})
		}
		if iv := s.find.exponent.Interval; iv != nil {
			fig.Notes = append(fig.Notes, figure.Note{Hue: figure.Grey, Corner: figure.TopLeft, Text: prose.Plain("β in " + interval(iv, s.find.exponent.SE, "").String() + " (" + level(iv) + ")")})
		}
	}
	fig.Curves = append(fig.Curves, figure.Curve{Name: name, Hue: figure.Blue, Marker: figure.Dot, Bars: true, Points: points})
	return fig
}

// lawCurve is the fitted power law with its 95 % interval.
func (s figureSet) lawCurve(a *law.Analysis, lo, hi float64) figure.Curve {
	c := figure.Curve{Name: "power law", Hue: figure.Blue, Line: figure.Solid, Points: trace(a.Power, lo, hi)}
	if a.Verdict == law.PowerLawRejected {
		c.Line = figure.Dashed
	}
	if a.Law == nil || !a.Law.Known() {
		return c
	}
	c.Band = true
	for i, p := range c.Points {
		iv := a.Law.Interval(p.X, 0.95)
		c.Points[i].Lo, c.Points[i].Hi = iv.Lo, iv.Hi
	}
	return c
}

// part names the first 1/r of a window.
func part(ratio int) string {
	switch ratio {
	case 2:
		return "half of a window"
	case 3:
		return "third of a window"
	case 4:
		return "quarter of a window"
	}
	return fmt.Sprintf("1/%d of a window", ratio)
}

// openNote explains hollow markers, when there are any.
func (s figureSet) openNote(points []figure.Point) string {
	out, negative := 0, 0
	for _, p := range points {
		switch {
		case p.Y <= 0:
			negative++
		case p.Open:
			out++
		}
	}
	text := ""
	if out > 0 {
		text += "; hollow points were not used by the fit"
	}
	if negative > 0 {
		text += fmt.Sprintf("; %s no logarithm and %s drawn hollow at the bottom", prose.Plural(negative, "estimate that is not positive has", "estimates that are not positive have"), map[bool]string{true: "is", false: "are"}[negative == 1])
	}
	return text
}

// volumeGuide is the line of slope 1 through the law at the first length.
func (s figureSet) volumeGuide(points []figure.Point) []figure.Point {
	lo, hi := span(points)
	v, ok := s.r.Series[s.find.series].Law.Power.At(lo)
	if !ok || v <= 0 {
		return nil
	}
	return []figure.Point{{X: lo, Y: float64(v)}, {X: hi, Y: float64(v) * hi / lo}}
}

// shown lists the series that a figure of all estimators draws. Leave-one-out
// has the numbers of auxiliary, so that it is left out beside it.
func (s figureSet) shown(keep func(result.Series) bool) []int {
	auxiliary := slices.ContainsFunc(s.r.Series, func(x result.Series) bool { return x.Estimator == mi.Auxiliary && len(x.Points) > 0 })
	var list []int
	for i, x := range s.r.Series {
		if len(x.Points) == 0 || !keep(x) || x.Estimator == mi.LeaveOneOut && auxiliary {
			continue
		}
		list = append(list, i)
	}
	return list
}

// estimators draws all estimators for each ratio, then all ratios of the
// headline's estimator.
func (s figureSet) estimators() []page.Tab {
	var ratios []int
	var names []mi.Estimator
	for _, x := range s.r.Series {
		if !slices.Contains(ratios, x.Ratio) {
			ratios = append(ratios, x.Ratio)
		}
		if !slices.Contains(names, x.Estimator) {
			names = append(names, x.Estimator)
		}
	}
	var tabs []page.Tab
	for _, q := range ratios {
		list := s.shown(func(x result.Series) bool { return x.Ratio == q })
		if len(list) == 0 {
			continue
		}
		fig := &figure.Figure{
			ID:    fmt.Sprintf("%s-ratio-%d", figureEstimators, q),
			Title: fmt.Sprintf("All estimators, the first %s against the rest", part(q)),
			X:     s.lengthAxis("window length L"),
			Y:     informationAxis(fmt.Sprintf("mutual information I(L/%d; L)", q)),
			Caption: prose.Plain("Bands are 95 % intervals over documents, point by point. The estimators err in different ways (see below); agreement in slope matters more than agreement in height." +
				" Hollow points were not used by the fit."),
			Aspect: 0.62,
		}
		for _, i := range list {
			k := slices.Index(names, s.r.Series[i].Estimator)
			name := estimatorName(s.r.Series[i].Estimator)
			fig.Curves = append(fig.Curves, figure.Curve{Name: name, Label: name, Hue: figure.HueOf(k), Marker: figure.MarkerOf(k), Line: figure.Solid, Band: true, Points: s.seriesPoints(i)})
		}
		tabs = append(tabs, page.Tab{Label: fmt.Sprintf("L/ℓ = %d", q), Figure: fig})
	}
	if len(ratios) < 2 {
		return tabs
	}
	for _, e := range names {
		list := s.shown(func(x result.Series) bool { return x.Estimator == e })
		if len(list) < 2 {
			continue
		}
		fig := &figure.Figure{
			ID:      fmt.Sprintf("%s-%s", figureRatios, e),
			Title:   fmt.Sprintf("%s at every ratio of window to past", estimatorName(e)),
			X:       s.lengthAxis("window length L"),
			Y:       informationAxis("mutual information I(ℓ; L)"),
			Caption: prose.Plain("The same estimator with the cut at a half, a third or a quarter of the window. A law with one exponent gives parallel lines."),
			Aspect:  0.62,
		}
		for k, i := range list {
			name := fmt.Sprintf("L/ℓ = %d", s.r.Series[i].Ratio)
			fig.Curves = append(fig.Curves, figure.Curve{Name: name, Label: name, Hue: figure.HueOf(k), Marker: figure.MarkerOf(k), Line: figure.Solid, Band: true, Points: s.seriesPoints(i)})
		}
		tabs = append(tabs, page.Tab{Label: estimatorName(e), Figure: fig})
	}
	return tabs
}

// deviation shows the estimates and the rival laws relative to the power law.
func (s figureSet) deviation() *figure.Figure {
	if s.find.exponent == nil {
		return nil
	}
	series := s.r.Series[s.find.series]
	power := series.Law.Power
	points := s.seriesPoints(s.find.series)
	lo, hi := span(points)
	fig := &figure.Figure{
		ID:    figureDeviation,
		Title: "What is left after the power law",
		X:     s.lengthAxis("window length L"),
		Y:     figure.Axis{Label: "estimate / power law", Scale: figure.Linear},
		Caption: prose.Plain("Each estimate divided by the fitted power law, with its 95 % interval; 1 is a perfect fit. The estimates of one run move together," +
			" so judge the fit by χ² below, not by counting bars."),
		Guides: []figure.Guide{{At: 1, Label: prose.Plain("power law"), Hue: figure.Blue}},
	}
	var relative []figure.Point
	for _, p := range points {
		v, ok := power.At(p.X)
		if !ok || v <= 0 {
			continue
		}
		p.Y, p.Lo, p.Hi = p.Y/float64(v), p.Lo/float64(v), p.Hi/float64(v)
		p.Ref = "" // a quotient, not a number of the document
		relative = append(relative, p)
	}
	if len(relative) == 0 {
		return nil
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range relative {
		low, high = math.Min(low, p.Lo), math.Max(high, p.Hi)
	}
	hue := 1
	var far []string
	for _, rival := range series.Law.Rivals {
		inside := 0
		for _, p := range relative {
			v, ok := rival.At(p.X)
			if w, _ := power.At(p.X); ok && float64(v/w) > low && float64(v/w) < high {
				inside++
			}
		}
		if 3*inside < 2*len(relative) {
			far = append(far, familyName(rival.Family))
			continue
		}
		var q []figure.Point
		for _, p := range trace(&rival, lo, hi) {
			if v, ok := power.At(p.X); ok && v > 0 {
				q = append(q, figure.Point{X: p.X, Y: p.Y / float64(v)})
			}
		}
		fig.Curves = append(fig.Curves, figure.Curve{Name: familyName(rival.Family), Label: shortFamily(rival.Family), Hue: figure.HueOf(hue), Line: figure.Dashed, Extends: true, Points: q})
		hue++
	}
	if len(fig.Curves) > 0 {
		fig.Caption = append(fig.Caption, prose.Span{Text: " Dashed: rival laws fitted to the same estimates."})
	}
	if len(far) > 0 {
		fig.Caption = append(fig.Caption, prose.Span{Text: " Too far off to be drawn: " + strings.Join(far, ", ") + "."})
	}
	fig.Curves = append(fig.Curves, figure.Curve{Name: "estimate / power law", Hue: figure.Blue, Marker: figure.Dot, Bars: true, Points: relative})
	return fig
}

// shortFamily names a family on a direct label.
func shortFamily(f law.Family) string {
	if f == law.OffsetPower {
		return "with offset"
	}
	return familyName(f)
}

// local shows the local exponents.
func (s figureSet) local() *figure.Figure {
	if s.find.series < 0 {
		return nil
	}
	series := s.r.Series[s.find.series]
	var points []figure.Point
	for j, e := range series.Law.Local {
		p := figure.Point{X: math.Sqrt(e.From * e.To), Y: e.Exponent, Lo: e.Exponent - info.Z95*e.SE, Hi: e.Exponent + info.Z95*e.SE,
			XText: fmt.Sprintf("from L = %s to %s", prose.Significant(e.From, 6), prose.Significant(e.To, 6)),
			Ref:   fmt.Sprintf(".series[%d].law.local[%d].exponent", s.find.series, j)}
		if e.Interval != nil {
			p.Lo, p.Hi = e.Interval.Lo, e.Interval.Hi
		}
		points = append(points, p)
	}
	if len(points) == 0 {
		return nil
	}
	fig := &figure.Figure{
		ID:      figureLocal,
		Title:   "The exponent between neighbouring lengths",
		X:       s.lengthAxis("window length L"),
		Y:       figure.Axis{Label: "local exponent d ln I / d ln L", Scale: figure.Linear},
		Caption: prose.Plain("A power law has the same exponent everywhere. A drift downwards says that growth slows: the text saturates, or the model stops using what lies further back. Bars are 95 % intervals."),
	}
	if s.find.exponent != nil {
		fig.Guides = append(fig.Guides, figure.Guide{At: s.find.exponent.Value, Label: prose.Plain("β = " + prose.Round(s.find.exponent.Value, s.find.exponent.SE)), Hue: figure.Blue})
	}
	fig.Curves = []figure.Curve{{Name: "local exponent", Hue: figure.Blue, Marker: figure.Dot, Bars: true, Points: points}}
	return fig
}

// triangle shows I(ℓ; L) over ℓ at the full window length.
func (s figureSet) triangle() *figure.Figure {
	if len(s.r.Triangle) == 0 {
		return nil
	}
	length := s.r.Triangle[0].Length
	fig := &figure.Figure{
		ID:      figureTriangle,
		Title:   "Past against future inside one window",
		X:       figure.Axis{Label: "cut ℓ", Unit: s.unit, Scale: figure.Linear, Zero: true, Max: float64(length), Step: float64(length) / 16},
		Y:       figure.Axis{Label: fmt.Sprintf("I(ℓ; L) at L = %s", prose.Count(length)), Unit: "nats", Nats: true, Scale: figure.Linear, Zero: true},
		Caption: prose.Plain("The window length is fixed and the cut moves. Past and future tell most about each other when neither is short. From the joint pass alone (block estimator); bands are 95 % intervals."),
	}
	c := figure.Curve{Name: "block", Hue: figure.Blue, Marker: figure.Dot, Line: figure.Solid, Band: true}
	for j, e := range s.r.Triangle {
		c.Points = append(c.Points, figure.Point{X: float64(e.Ell), Y: float64(e.Value),
			Lo: float64(e.Value) - info.Z95*float64(e.SE), Hi: float64(e.Value) + info.Z95*float64(e.SE),
			XText: fmt.Sprintf("ℓ = %s of L = %s %s", prose.Count(e.Ell), prose.Count(e.Length), s.unit),
			Ref:   fmt.Sprintf(".triangle[%d].nats", j)})
	}
	fig.Curves = []figure.Curve{c}
	if p := s.r.Peak; p != nil {
		text := fmt.Sprintf(" Largest at ℓ = %s", prose.Count(p.Ell))
		if p.From < p.To {
			text += fmt.Sprintf("; from %s to %s it is not distinguishable from the peak (two standard errors)", prose.Count(p.From), prose.Count(p.To))
		}
		fig.Caption = append(fig.Caption, prose.Span{Text: text + "."})
	}
	return fig
}

// loss shows the loss by position.
func (s figureSet) loss() *figure.Figure {
	if len(s.r.Loss.Positions) == 0 {
		return nil
	}
	fig := &figure.Figure{
		ID:      figureLoss,
		Title:   "What the model makes of a growing context",
		X:       s.lengthAxis("position in the window"),
		Y:       figure.Axis{Label: "loss per " + singular(s.unit), Unit: "nats", Nats: true, Scale: figure.Linear},
		Caption: prose.Plain("Mean negative log-probability of the " + s.unit + " at each position, in bins that grow with it. While the curve falls, the model still gains from what lies that far back; where it is flat, more context does not help it."),
	}
	c := figure.Curve{Name: "loss", Hue: figure.Blue, Marker: figure.Dot, Line: figure.Solid, Band: true}
	for j, p := range s.r.Loss.Positions {
		x := fmt.Sprintf("position %s", prose.Count(p.From))
		if p.To > p.From {
			x = fmt.Sprintf("positions %s to %s", prose.Count(p.From), prose.Count(p.To))
		}
		c.Points = append(c.Points, figure.Point{X: math.Sqrt(float64(p.From) * float64(p.To)), Y: p.Mean, Lo: p.Mean - info.Z95*p.SE, Hi: p.Mean + info.Z95*p.SE,
			XText: x, Ref: fmt.Sprintf(".loss.positions[%d].mean", j)})
	}
	fig.Curves = []figure.Curve{c}
	return fig
}
