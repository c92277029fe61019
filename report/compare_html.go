package report

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/result"
)

// comparisonHTML writes the page of a comparison.
func comparisonHTML(w io.Writer, comparison *result.Comparison) error {
	c := compared{comparison}
	doc, err := result.Marshal(comparison)
	if err != nil {
		return fmt.Errorf("writing the page of the comparison: %w", err)
	}
	figures := ComparisonFigures(comparison)
	names := c.names()
	p := &page.Page{
		Kind: "compare", Verdict: prose.Plain(c.headline() + "."), Tone: page.Neutral, Hero: figures[0],
		Subject: prose.Plural(len(c.Runs), "run", "runs") + ", " + prose.Plural(c.Documents, "document", "documents"),
		Lead:    prose.Plain("What each model takes from the past: by how much the last ℓ " + c.Unit + "s reduce its loss on the next ℓ. A curve that turns flat belongs to a model that does not use what lies further back."),
		Data:    doc, DataName: "compare.json", Command: c.Command, Version: c.Version,
	}
	for i, r := range c.Runs {
		f := page.Fact{Label: names[i], Value: prose.Plain("gains throughout"), Note: prose.Plain("up to " + prose.Count(r.Stop.Longest) + " " + c.own() + "s, the longest context measured")}
		switch {
		case r.Stop.Reason != "":
			f.Value, f.Note = prose.Plain("–"), prose.Plain("where it stops gaining is unclear: "+r.Stop.Reason)
		case r.Stop.Found:
			f.Value = prose.Phrase{{Text: stopNumber(r.Stop.At), Ref: fmt.Sprintf(".runs[%d].stop.at", i)}, {Text: " " + c.own() + "s"}}
			hi := "more than the longest"
			if r.Stop.Hi > 0 {
				hi = stopNumber(r.Stop.Hi)
			}
			f.Note = prose.Plain("where it stops gaining; 95 %: " + stopNumber(r.Stop.Lo) + " … " + hi)
		}
		p.Facts = append(p.Facts, f)
	}
	for _, warning := range c.Warnings {
		p.Warnings = append(p.Warnings, page.WarningBlock{Text: warning.Text, Fix: warning.Fix})
	}
	p.Sections = []page.Section{c.tableSection(), {ID: "loss", Title: "Loss by position", Blocks: []page.Block{page.Draw(figures[1])}}}
	if len(figures) > 2 {
		p.Sections = append(p.Sections, page.Section{ID: "difference", Title: "Where the difference lies", Blocks: []page.Block{page.Draw(figures[2])}})
	}
	if c.Models != nil {
		p.Sections = append(p.Sections, c.lossSection())
	}
	p.Sections = append(p.Sections, c.numbersSection(), c.methodSection())
	return p.HTML(w)
}

// ComparisonFigures are the figures of a comparison.
func ComparisonFigures(doc *result.Comparison) []*figure.Figure {
	c := compared{doc}
	names := c.names()
	information := &figure.Figure{
		ID: "information", Title: "Information that each model takes from its past",
		Caption: prose.Plain("From the last ℓ " + c.Unit + "s about the next ℓ. Bands are 95 % intervals over documents; a vertical line marks where a model stops gaining."),
		X:       figure.Axis{Label: "context ℓ", Unit: c.Unit + "s", Scale: figure.Log2},
		Y:       informationAxis("I(ℓ; 2ℓ)"), Aspect: 0.7,
	}
	loss := &figure.Figure{
		ID: "loss", Title: "Loss by position",
		Caption: prose.Plain("Mean loss of the " + c.Unit + "s at a position of the window: what comes before it is all the context there is."),
		X:       figure.Axis{Label: "position", Unit: c.Unit + "s", Scale: figure.Log2},
		Y:       figure.Axis{Label: "loss", Unit: "nats per " + c.Unit, Nats: true}, Aspect: 0.6,
	}
	difference := &figure.Figure{
		ID: "difference", Title: "Loss against the first run",
		Caption: prose.Plain("Loss of each model minus that of " + names[0] + ". Above zero: worse. Bands are 95 % intervals of the difference."),
		X:       figure.Axis{Label: "position", Unit: c.Unit + "s", Scale: figure.Log2},
		Y:       figure.Axis{Label: "difference of loss", Unit: "nats per " + c.Unit, Nats: true, Zero: true}, Aspect: 0.5,
	}
	at := func(e info.Estimate, x float64, ref, text string) figure.Point {
		lo, hi := e.Bounds()
		return figure.Point{X: x, Y: e.Value, Lo: lo, Hi: hi, Ref: ref, XText: text}
	}
	for i, r := range c.Runs {
		curve := func(points []figure.Point) figure.Curve {
			return figure.Curve{Name: names[i], Label: shortName(names[i]), Hue: figure.HueOf(i), Marker: figure.MarkerOf(i), Line: figure.Solid, Band: true, Points: points}
		}
		var a, b, d []figure.Point
		for j, p := range r.Information {
			a = append(a, at(p.Nats, p.Ell, fmt.Sprintf(".runs[%d].information[%d].nats.value", i, j), "ℓ = "+prose.Count(int64(math.Round(p.Ell)))+" "+c.Unit+"s"))
		}
		for j, p := range r.Positions {
			middle := math.Sqrt(p.From * p.To)
			text := fmt.Sprintf("%ss %s to %s", c.Unit, prose.Count(int64(math.Round(p.From))), prose.Count(int64(math.Round(p.To))))
			b = append(b, at(p.Loss, middle, fmt.Sprintf(".runs[%d].positions[%d].loss.value", i, j), text))
			if p.Difference != nil {
				d = append(d, at(*p.Difference, middle, fmt.Sprintf(".runs[%d].positions[%d].difference.value", i, j), text))
			}
		}
		information.Curves = append(information.Curves, curve(a))
		loss.Curves = append(loss.Curves, curve(b))
		if len(d) > 0 {
			difference.Curves = append(difference.Curves, curve(d))
		}
		if r.Stop.Found {
			scale := 1.0
			if !c.Paired && r.BytesPerToken > 0 {
				scale = r.BytesPerToken
			}
			information.Guides = append(information.Guides, figure.Guide{At: scale * r.Stop.At, Vertical: true, Label: prose.Plain("stops gaining"), Hue: figure.HueOf(i)})
		}
	}
	figures := []*figure.Figure{information, loss}
	if len(difference.Curves) > 0 {
		figures = append(figures, difference)
	}
	return figures
}

func estimatePhrase(e *info.Estimate, ref string) prose.Phrase {
	if e == nil {
		return prose.Plain("–")
	}
	p := prose.Value(e.Value, e.SE, ref+".value")
	if i := e.Interval; i != nil {
		p = prose.Join(p, prose.Plain(" ("), prose.Value(i.Lo, e.SE, ref+".interval.lo"), prose.Plain(" … "), prose.Value(i.Hi, e.SE, ref+".interval.hi"), prose.Plain(")"))
	}
	return p
}

// plusMinus is an estimate with the half-width of its interval, with its sign if
// it is a difference.
func plusMinus(e *info.Estimate, difference bool, unit, ref string) prose.Phrase {
	if e == nil {
		return prose.Plain("–")
	}
	p := prose.Value(e.Value, e.SE, ref+".value")
	if difference && e.Value > 0 {
		p[0].Text = "+" + p[0].Text
	}
	if i := e.Interval; i != nil {
		p = prose.Join(p, prose.Plain(" ± "+prose.Round((i.Hi-i.Lo)/2, e.SE)))
	}
	return prose.Join(p, prose.Plain(unit))
}

// modelTable is the table of all models.
func (c compared) modelTable() *page.Table {
	t := &page.Table{ID: "models", Caption: prose.Plain(fmt.Sprintf("Models, in nats; differences are to the first. ± is half an interval of %s %%.", prose.Fixed(100*c.Level, 0))), Columns: []page.Column{
		{Head: prose.Plain("model"), Wide: true}, {Head: prose.Plain("loss per " + c.Unit), Numeric: true, Short: "nats/" + c.Unit}, page.Number("difference"),
		{Head: prose.Plain("taken from the longest past"), Numeric: true, Short: "nats from past"}, page.Number("lost"), {Head: prose.Plain("stops gaining"), Wide: true, PageOnly: true},
	}}
	names := c.names()
	for i, r := range c.Runs {
		ref := fmt.Sprintf(".runs[%d]", i)
		row := []prose.Phrase{prose.Plain(names[i]), plusMinus(&r.Loss, false, "", ref+".loss"), plusMinus(r.Difference, true, "", ref+".difference"), prose.Plain("–"), prose.Plain("–"), prose.Plain(stopText(r.Stop, c.own()))}
		if n := len(r.Information); n > 0 {
			at := fmt.Sprintf("%s.information[%d]", ref, n-1)
			row[3] = plusMinus(&r.Information[n-1].Nats, false, "", at+".nats")
			if lost := r.Information[n-1].Lost; lost != nil {
				row[4] = plusMinus(lost, true, " %", at+".lost")
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (c compared) tableSection() page.Section {
	names := c.names()
	capacities := slices.ContainsFunc(c.Runs, func(r result.ComparedRun) bool { return r.Capacity != nil })
	s := page.Section{ID: "models", Title: "The models", Blocks: []page.Block{c.modelTable()}}
	if capacities {
		k := &page.Table{ID: "capacity", Caption: prose.Plain("What an element of the history state carries at least: information taken from the past over elements kept of it, where that is largest. Use it with l2m audit --capacity."), Columns: []page.Column{
			{Head: prose.Plain("model"), Wide: true}, {Head: prose.Plain("configuration"), Wide: true}, page.Number("context ℓ, tokens"), page.Number("elements"), page.Number("nats per element"),
		}}
		for i, r := range c.Runs {
			if x := r.Capacity; x != nil {
				k.Rows = append(k.Rows, []prose.Phrase{prose.Plain(names[i]), prose.Plain(printable(x.Config)), prose.Plain(prose.Count(x.Ell)), prose.Plain(prose.Count(int64(x.Elements))),
					estimatePhrase(&x.NatsPerElement, fmt.Sprintf(".runs[%d].capacity.nats_per_element", i))})
			}
		}
		s.Blocks = append(s.Blocks, k)
	}
	return s
}

func (c compared) numbersSection() page.Section {
	t := &page.Table{ID: "numbers", Caption: prose.Plain("Information I(ℓ; 2ℓ) in nats, and what is lost against the first model in percent."), Columns: []page.Column{page.Number("ℓ, " + c.Unit + "s")}}
	names := c.names()
	for i := range c.Runs {
		t.Columns = append(t.Columns, page.Number(names[i]))
		if i > 0 {
			t.Columns = append(t.Columns, page.Number("lost, %"))
		}
	}
	for _, p := range c.Runs[0].Information {
		row := []prose.Phrase{prose.Plain(prose.Count(int64(math.Round(p.Ell))))}
		for i, r := range c.Runs {
			x, lost := prose.Plain("–"), prose.Plain("–")
			if k := slices.IndexFunc(r.Information, func(q result.ComparedPoint) bool { return q.Ell == p.Ell }); k >= 0 {
				ref := fmt.Sprintf(".runs[%d].information[%d]", i, k)
				x, lost = estimatePhrase(&r.Information[k].Nats, ref+".nats"), estimatePhrase(r.Information[k].Lost, ref+".lost")
			}
			row = append(row, x)
			if i > 0 {
				row = append(row, lost)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return page.Section{ID: "numbers", Title: "Length by length", Blocks: []page.Block{t}}
}

func (c compared) methodSection() page.Section {
	items := []prose.Phrase{
		prose.Plain("The information is the estimate “" + c.Runs[0].Estimator + "” of each run: the loss of the next ℓ " + c.Unit + "s without the last ℓ, minus their loss with them. It is what the model makes of the context, not what is in it."),
		prose.Plain("Where a model stops gaining: the curve is fitted by one that is free up to some length and constant from there on; which length is chosen by the Bayesian information criterion, and its interval comes from resampling documents. A model that gains slowly may seem to stop early when documents are few."),
	}
	if c.Paired {
		items = append(items, prose.Plain("All models were scored on the same windows, and documents are resampled together: what makes a text hard for all of them cancels in differences."))
	} else {
		items = append(items, prose.Plain("Not all models use the tokens of the first, so their windows differ: everything is per byte, by the mean length of a token. Their information is interpolated at the lengths of the first, and the differences carry the errors of both runs; runs of the same windows are compared document by document."))
	}
	return page.Section{ID: "method", Title: "How to read this, and what to distrust", Blocks: []page.Block{page.List{Items: items}}}
}
