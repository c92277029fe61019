package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/law/decay"
	"github.com/l2m-lab/l2m/result"
)

// HTML writes the report of a run as one self-contained page; see Page.
func HTML(w io.Writer, r *result.Result) error {
	p, err := resultPage(r)
	if err != nil {
		return err
	}
	return p.HTML(w)
}

// ResultFigures describes the figures of a run, for other programs to draw.
func ResultFigures(r *result.Result) []*figure.Figure { return newFigureSet(r).all() }

// resultPage describes the report of a run.
func resultPage(r *result.Result) (*page.Page, error) {
	doc, err := result.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("writing the report: %w", err)
	}
	b := pageBuilder{figureSet: newFigureSet(r)}
	p := &page.Page{
		Kind:     r.Verb,
		Subject:  b.subject(),
		Verdict:  prose.Plain(b.find.verdict()),
		Tone:     b.find.tone,
		Formula:  b.formula(),
		Lead:     b.lead(),
		Facts:    b.facts(),
		Hero:     b.law(),
		Data:     doc,
		DataName: "results.json",
		Command:  r.Command,
		Version:  r.Version,
	}
	p.Warnings, p.Folded = b.warnings()
	for _, s := range []page.Section{b.fits(), b.audit(), b.shape(), b.cut(), b.pairs(), b.position(), b.method(), b.numbers(), b.provenance()} {
		if len(s.Blocks) > 0 {
			p.Sections = append(p.Sections, s)
		}
	}
	if p.Hero == nil {
		p.Hero = b.twoPoint() // pairs leaves it out then
	}
	return p, nil
}

// pageBuilder builds the parts of a run's page.
type pageBuilder struct{ figureSet }

// subject says what was measured.
func (b pageBuilder) subject() string {
	c := b.r.Corpus
	s := strings.Join(c.Paths, ", ")
	if runes := []rune(s); len(runes) > 120 {
		s = string(runes[:117]) + "…"
	}
	if c.Bytes > 0 {
		s += " · " + prose.Plural(c.Documents, "document", "documents") + ", " + prose.Size(c.Bytes)
	}
	return s
}

// lead says how sure the finding is.
func (b pageBuilder) lead() prose.Phrase {
	var t prose.Phrase
	say := func(parts ...prose.Phrase) { t = append(t, prose.Join(parts...)...) }
	if b.find.series < 0 {
		return b.pairsLead()
	}
	s := b.r.Series[b.find.series]
	if e := b.find.exponent; e != nil {
		base := strings.TrimSuffix(paramRef(fmt.Sprintf(".series[%d].law.power", b.find.series), s.Law.Power, e), ".value")
		if iv := e.Interval; iv != nil {
			lies := "The exponent lies between "
			if b.find.tone == page.Bad {
				lies = "The exponent of the best single power law lies between "
			}
			say(prose.Plain(lies), prose.Value(iv.Lo, e.SE, base+".interval.lo"), prose.Plain(" and "), prose.Value(iv.Hi, e.SE, base+".interval.hi"),
				prose.Plain(fmt.Sprintf(" (%s interval%s). ", level(iv), b.over(s.Clusters))))
		}
		if b.find.tone != page.Bad {
			say(b.doubling(s, e)...)
		}
	}
	if b.find.reason != "" {
		say(prose.Plain(strings.TrimSuffix(upperFirst(b.find.reason), ".") + "."))
	}
	if p := bracket(b.r); p != nil {
		say(prose.Plain(" "), p)
	}
	return append(t, b.rejected()...)
}

// doubling says what the exponent means.
func (b pageBuilder) doubling(s result.Series, e *law.Param) []prose.Phrase {
	first := strings.TrimSuffix(part(s.Ratio), " of a window")
	return []prose.Phrase{prose.Plain("Doubling the length multiplies what the first " + first + " tells about the rest by " + prose.Significant(growth(e.Value), 3) + ". ")}
}

func upperFirst(s string) string {
	for i, r := range s {
		return strings.ToUpper(string(r)) + s[i+len(string(r)):]
	}
	return s
}

// over names the n resampling units of an interval; an interval that was not made by
// resampling has none.
func (b pageBuilder) over(n int) string {
	switch {
	case n == 0:
		return ""
	case b.r.Windows.ClusterKind == "block":
		return " over " + prose.Plural(n, "block", "blocks") + " of one document"
	}
	return " over " + prose.Plural(n, "document", "documents")
}

func (b pageBuilder) facts() []page.Fact {
	var facts []page.Fact
	if i := b.find.series; i >= 0 {
		s := b.r.Series[i]
		base := fmt.Sprintf(".series[%d]", i)
		if e := b.find.exponent; e != nil {
			f := page.Fact{Label: "exponent β", Value: prose.Value(e.Value, e.SE, paramRef(base+".law.power", s.Law.Power, e)), Note: prose.Plain("no interval is known")}
			if b.find.tone == page.Bad {
				f.Label = "exponent β of the rejected law"
			}
			if e.Interval != nil {
				ref := strings.TrimSuffix(paramRef(base+".law.power", s.Law.Power, e), "value") + "interval"
				f.Note = prose.Join(prose.Plain(level(e.Interval)+": "), interval(e.Interval, e.SE, ref))
			}
			facts = append(facts, f)
		}
		n := len(s.Points) - 1
		last := s.Points[n]
		f := page.Fact{Label: fmt.Sprintf("I at L = %s %s", prose.Count(last.Length), b.unit),
			Value: prose.Join(prose.Amount(last.Value, last.SE, fmt.Sprintf("%s.points[%d].nats", base, n)), prose.Plain(" "), prose.Unit(""))}
		if i := last.Interval; i != nil {
			ref := fmt.Sprintf("%s.points[%d].interval.", base, n)
			f.Note = prose.Join(prose.Plain(level(i)+": "), prose.Amount(info.Nats(i.Lo), last.SE, ref+"lo"), prose.Plain(" … "), prose.Amount(info.Nats(i.Hi), last.SE, ref+"hi"))
		}
		facts = append(facts, f)
		// Where the law is rejected, its weight would read as support.
		if p := s.Law.Power; p != nil && len(s.Law.Rivals) > 0 && b.find.tone != page.Bad {
			best := s.Law.Rivals[0]
			facts = append(facts, page.Fact{Label: "weight against rival laws", Value: prose.Phrase{{Text: weight(p.Weight), Ref: base + ".law.power.weight"}},
				Note: prose.Join(prose.Plain("best rival: "+familyName(best.Family)+", "), prose.Phrase{{Text: weight(best.Weight), Ref: base + ".law.rivals[0].weight"}})})
		}
	}
	if w := b.r.Windows; w.Count > 0 {
		facts = append(facts, page.Fact{Label: "measured on", Value: prose.Phrase{{Text: prose.Count(w.Documents), Ref: ".windows.documents"}, {Text: map[bool]string{true: " document", false: " documents"}[w.Documents == 1]}},
			Note: prose.Phrase{{Text: prose.Count(w.Count), Ref: ".windows.count"}, {Text: " windows of "}, {Text: prose.Count(w.Length), Ref: ".windows.length"}, {Text: " " + b.unit}}})
	}
	if l := b.r.Loss; l.BitsPerByte > 0 {
		facts = append(facts, page.Fact{Label: "loss of the model", Value: prose.Phrase{{Text: prose.Significant(l.BitsPerByte, 4), Ref: ".loss.bits_per_byte"}, {Text: " " + lossUnit(b.r)}},
			Note: prose.Plain(b.r.Model.Name)})
	}
	if t := b.r.TwoPoint; t != nil && t.Law != nil {
		f := page.Fact{Label: "two-point decay", Value: prose.Join(prose.Styled(prose.Math, "d"), prose.Phrase{{Text: decayPower(t.Law), Style: prose.Sup, Ref: ".twopoint.law.alpha"}}), Note: prose.Plain("no interval is known")}
		if !t.Law.Holds() {
			f.Label = "two-point decay, rejected as one power law"
		}
		if iv := t.Law.AlphaInterval; iv != nil {
			f.Note = prose.Join(prose.Plain(level(iv)+" of α: "), interval(iv, 0, ".twopoint.law.alpha_interval"))
		}
		facts = append(facts, f)
		if best := t.Law.BestRival(); best != nil && t.Law.Holds() {
			i := slices.IndexFunc(t.Law.Rivals, func(r decay.Rival) bool { return r.Family == best.Family })
			facts = append(facts, page.Fact{Label: "two-point: weight of a power law", Value: prose.Plain(weight(t.Law.PowerWeight())),
				Note: prose.Join(prose.Plain("best rival: "+best.Name()+", "), prose.Phrase{{Text: weight(best.Weight), Ref: fmt.Sprintf(".twopoint.law.rivals[%d].weight", i)}})})
		}
	}
	return facts
}

// formula is the law that the first screen shows large; a rejected one is only
// mentioned in the lead, and one that a check withdraws not there either.
func (b pageBuilder) formula() prose.Phrase {
	if b.find.tone == page.Bad || b.find.withdrawn {
		return nil
	}
	return b.find.formula
}

// rejected says which power law was rejected.
func (b pageBuilder) rejected() prose.Phrase {
	if b.find.tone != page.Bad || b.find.formula == nil {
		return nil
	}
	return prose.Join(prose.Plain(" The best single power law, "), b.find.formula, prose.Plain(", is rejected."))
}

// warnings gathers the caveats of the run, its series and its two-point law;
// one that several series share is told once. Those of single estimators other
// than the headline are to be folded away.
func (b pageBuilder) warnings() (first, folded []page.WarningBlock) {
	type caveat struct {
		w      info.Warning
		series []int
		where  string
	}
	var list []*caveat
	add := func(where string, series int, ws []info.Warning) {
		for _, w := range ws {
			i := slices.IndexFunc(list, func(x *caveat) bool { return x.w == w })
			if i < 0 {
				list = append(list, &caveat{w: w, where: where})
				i = len(list) - 1
			}
			if series >= 0 && !slices.Contains(list[i].series, series) {
				list[i].series = append(list[i].series, series)
			}
		}
	}
	add("", -1, b.r.Warnings)
	for i, s := range b.r.Series {
		add("", i, seriesWarnings(s))
	}
	if t := b.r.TwoPoint; t != nil {
		add("two-point", -1, t.Warnings)
		if t.Law != nil {
			add("two-point", -1, t.Law.Warnings)
		}
	}
	for _, x := range list {
		block := page.WarningBlock{Where: x.where, Text: x.w.Text, Fix: x.w.Fix}
		if len(x.series) > 0 {
			block.Where = b.seriesNames(x.series)
		}
		if len(x.series) == 0 || slices.Contains(x.series, b.find.series) {
			first = append(first, block)
		} else {
			folded = append(folded, block)
		}
	}
	return first, folded
}

// seriesNames names several series: "vCLUB" for all ratios of an estimator.
func (b pageBuilder) seriesNames(list []int) string {
	var names []string
	for _, i := range list {
		name, whole := seriesName(b.r.Series[i]), true
		for j, s := range b.r.Series {
			whole = whole && (s.Estimator != b.r.Series[i].Estimator || slices.Contains(list, j))
		}
		if whole {
			name = estimatorName(b.r.Series[i].Estimator)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 3 {
		return strings.Join(names[:2], "; ") + fmt.Sprintf(" and %d more", len(names)-2)
	}
	return strings.Join(names, "; ")
}

// fits is the section of all estimators and ratios.
func (b pageBuilder) fits() page.Section {
	s := page.Section{ID: "estimators", Title: "Every estimator, every ratio"}
	if given(b.r) {
		s.Title = "The fit"
	} else if tabs := b.estimators(); len(tabs) > 0 {
		s.Blocks = append(s.Blocks, page.Tabs{ID: "t-estimators", Figures: tabs[:min(len(tabs), page.MaxTabs)]})
	}
	var fitted []int
	for i, x := range b.r.Series {
		if x.Law != nil {
			fitted = append(fitted, i)
		}
	}
	if len(fitted) > 0 {
		s.Blocks = append(s.Blocks, fitTable(b.r, fitted, nil))
	}
	return s
}

// fitTable lists the power laws of some series; notes, if any, numbers the caveats
// of each.
func fitTable(r *result.Result, series []int, notes *footnotes) *page.Table {
	how := ", fitted with the full covariance of the estimates"
	if given(r) {
		how = ""
	}
	t := &page.Table{ID: "fits", Caption: prose.Join(prose.Plain("Power laws I = A·L"), prose.Styled(prose.Sup, "β"), prose.Plain(how)),
		Columns: []page.Column{page.Text("estimator"), page.Number("L/ℓ"), page.Number("exponent β"), page.Number("95 % interval"),
			{Head: prose.Join(prose.Plain("A ("), prose.Unit(""), prose.Plain(")")), Numeric: true, Short: "A"}, {Head: prose.Plain("χ²/dof"), Numeric: true, Drop: 1},
			{Head: prose.Plain("p"), Numeric: true, PageOnly: true}, {Head: prose.Plain("weight"), Numeric: true, PageOnly: true}, {Head: prose.Plain("verdict"), Short: "law"}}}
	dash := prose.Plain("–")
	for _, i := range series {
		x := r.Series[i]
		base := fmt.Sprintf(".series[%d].law.power", i)
		row := []prose.Phrase{prose.Plain(estimatorName(x.Estimator)), prose.Plain(fmt.Sprint(x.Ratio)), dash, dash, dash, dash, dash, dash, dash}
		var p *law.Fit
		if x.Law != nil {
			p, row[8] = x.Law.Power, prose.Plain(verdictWord(x.Law.Verdict))
		}
		if p != nil {
			if e := param(p, "beta"); e != nil {
				ref := paramRef(base, p, e)
				row[2], row[3] = prose.Value(e.Value, e.SE, ref), interval(e.Interval, e.SE, strings.TrimSuffix(ref, "value")+"interval")
			}
			if a := param(p, "A"); a != nil {
				row[4] = prose.Amount(info.Nats(a.Value), info.Nats(a.SE), paramRef(base, p, a))
			}
			row[5] = prose.Plain(reduced(p.Chi2, p.DoF))
			row[6] = prose.Phrase{{Text: probability(p.P), Ref: base + ".p"}}
			row[7] = prose.Phrase{{Text: weight(p.Weight), Ref: base + ".weight"}}
		}
		if notes != nil {
			if m := notes.mark(seriesWarnings(x)); m != "" {
				row[8] = prose.Join(row[8], prose.Plain(" "+m))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// shape is the section on whether a power law is the right law.
func (b pageBuilder) shape() page.Section {
	s := page.Section{ID: "shape", Title: "Is it a power law?"}
	if f := b.deviation(); f != nil {
		s.Blocks = append(s.Blocks, page.Draw(f))
	}
	if f := b.local(); f != nil {
		s.Blocks = append(s.Blocks, page.Draw(f))
	}
	if b.find.series < 0 {
		return s
	}
	i := b.find.series
	a := b.r.Series[i].Law
	t := &page.Table{ID: "rivals", Caption: prose.Plain("Laws fitted to " + seriesName(b.r.Series[i])),
		Columns: []page.Column{page.Text("law"), page.Text("formula"), page.Text("parameters"), page.Number("χ²"), page.Number("dof"),
			page.Number("p"), page.Number("AICc"), page.Number("weight")}}
	row := func(f law.Fit, base string) {
		var parts []string
		for _, p := range f.Params {
			parts = append(parts, paramName(p.Name)+" = "+prose.Round(p.Value, p.SE))
		}
		t.Rows = append(t.Rows, []prose.Phrase{prose.Plain(familyName(f.Family)), familyFormula(f.Family), prose.Plain(strings.Join(parts, ", ")),
			{{Text: prose.Significant(f.Chi2, 3), Ref: base + ".chi2"}}, {{Text: prose.Count(f.DoF), Ref: base + ".dof"}}, {{Text: probability(f.P), Ref: base + ".p"}},
			{{Text: prose.Fixed(f.AICc, 1), Ref: base + ".aicc"}}, {{Text: weight(f.Weight), Ref: base + ".weight"}}})
	}
	if a.Power != nil {
		row(*a.Power, fmt.Sprintf(".series[%d].law.power", i))
	}
	for k, f := range a.Rivals {
		row(f, fmt.Sprintf(".series[%d].law.rivals[%d]", i, k))
	}
	if len(t.Rows) > 0 {
		t.Notes = []string{"Weight: the probability, among these laws alone, that the law predicts new data of this kind best (Akaike weight). Parameters in nats. A p below 0.01 says that the law does not fit, whatever its weight."}
		s.Blocks = append(s.Blocks, t)
	}
	return s
}

func (b pageBuilder) cut() page.Section {
	s := page.Section{ID: "cut", Title: "Where to cut"}
	if f := b.triangle(); f != nil {
		s.Blocks = append(s.Blocks, page.Draw(f))
	}
	return s
}

// amount2 is an amount of information with two significant digits.
func amount2(v info.Nats, ref string) prose.Phrase {
	return prose.Phrase{{Text: prose.Significant(float64(v), 2), Bits: prose.Significant(v.Bits(), 2), Ref: ref}}
}

func (b pageBuilder) position() page.Section {
	s := page.Section{ID: "position", Title: "Loss by position"}
	f := b.loss()
	if f == nil {
		return s
	}
	s.Blocks = append(s.Blocks, page.Draw(f))
	t := &page.Table{ID: "loss", Columns: []page.Column{page.Number("position"), {Head: prose.Join(prose.Plain("loss ("), prose.Unit(" per "+singular(b.unit)), prose.Plain(")")), Numeric: true}, page.Number("standard error")}}
	for j, p := range b.r.Loss.Positions {
		base := fmt.Sprintf(".loss.positions[%d]", j)
		at := prose.Phrase{{Text: prose.Count(p.From), Ref: base + ".from"}}
		if p.To > p.From {
			at = append(at, prose.Span{Text: " – "}, prose.Span{Text: prose.Count(p.To), Ref: base + ".to"})
		}
		t.Rows = append(t.Rows, []prose.Phrase{at, prose.Amount(info.Nats(p.Mean), info.Nats(p.SE), base+".mean"), amount2(info.Nats(p.SE), base+".se")})
	}
	s.Blocks = append(s.Blocks, page.Details{Summary: "Table of the loss by position", Blocks: []page.Block{t}})
	return s
}
