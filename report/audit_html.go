package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// AuditHTML writes the page of an audit: the finding, one figure of all states
// against length with the law beside them, and the tables under it.
func AuditHTML(w io.Writer, audit *result.Audit) error {
	a := audited{audit}
	doc, err := result.Marshal(audit)
	if err != nil {
		return fmt.Errorf("writing the audit page: %w", err)
	}
	_, tone := a.headline()
	p := &page.Page{
		Kind: "audit", Verdict: prose.Plain(AuditHeadline(audit) + "."), Tone: tone, Hero: AuditFigure(audit),
		Formula: prose.Join(prose.Styled(prose.Math, "I"), prose.Plain("("), prose.Styled(prose.Math, "L"), prose.Plain(") = "), prose.Phrase{{Text: prose.Significant(a.Law.A, 4), Ref: ".law.a"}}, prose.Plain(" · "), prose.Styled(prose.Math, "L"), prose.Phrase{{Text: prose.Significant(a.Law.Beta, 3), Style: prose.Sup, Ref: ".law.beta"}}, prose.Plain(" nats")),
		Lead:    prose.Plain("The law of the data: " + a.lawSource() + ". A model can follow it at every length only if what it keeps of the past grows at least as fast." + a.leadGrowth()),
		Data:    doc, DataName: "audit.json", Command: a.Command, Version: a.Version,
	}
	if a.answersMemory() { // the law is not what was asked
		p.Formula, p.Lead = nil, prose.Join(prose.Plain(whichFit(a.Memory)), p.Lead)
	}
	if len(a.Models) > 1 {
		p.Subject = prose.Plural(len(a.Models), "model", "models")
	}
	p.Facts = a.facts()
	for _, warning := range a.Warnings {
		p.Warnings = append(p.Warnings, page.WarningBlock{Text: warning.Text, Fix: warning.Fix})
	}
	for _, f := range a.Failures {
		p.Warnings = append(p.Warnings, page.WarningBlock{Where: f.Path, Text: "not audited: " + f.Error})
	}
	in := auditPage{a, ""}
	if a.Memory != nil {
		p.Sections = append(p.Sections, in.memorySection())
	}
	p.Sections = append(p.Sections, in.modelSection())
	if len(a.Questions) > 0 {
		p.Sections = append(p.Sections, in.questionSection())
	}
	p.Sections = append(p.Sections, a.layerSection(), a.meaningSection())
	return p.HTML(w)
}

// auditPage is an audit in a page whose data hold it under a path: empty, or
// ".audit" in the results of a run.
type auditPage struct {
	audited
	base string
}

// auditSection is an audit as a chapter of another page, whose data hold it under
// the path base: the figure and the tables under it.
func auditSection(doc *result.Audit, base string) page.Section {
	a := audited{doc}
	s := auditPage{a, base}.modelSection()
	s.ID, s.Title = "audit", "What models keep of such text"
	s.Blocks = append([]page.Block{page.Prose{Text: prose.Plain(AuditHeadline(doc) + ".")}, page.Draw(AuditFigure(doc))}, s.Blocks...)
	for _, f := range a.Failures {
		s.Blocks = append(s.Blocks, page.WarningBlock{Where: f.Path, Text: "not audited: " + f.Error})
	}
	return s
}

// audit is the chapter of a measured run that was given configurations.
func (b pageBuilder) audit() page.Section {
	if b.r.Audit == nil {
		return page.Section{}
	}
	return auditSection(b.r.Audit, ".audit")
}

func (a audited) lawSource() string {
	s := a.Law.Source
	if s == "" {
		s = "not named"
	}
	if !a.Law.Known() {
		s += "; its uncertainty is not known"
	}
	return s + a.evidenceWords("; ")
}

func (a audited) facts() []page.Fact {
	facts := append(a.memoryFacts(), a.lengthFacts()...)
	keeps, falls, open := a.tally()
	always := "keep up at every length"
	if e := a.Evidence; e != nil && e.To > 0 {
		always = "keep up if the law goes on"
	}
	facts = append(facts, []page.Fact{
		{Label: always, Value: prose.Plain(prose.Count(keeps)), Note: prose.Plain("the state grows at least like the law")},
		{Label: "fall behind", Value: prose.Plain(prose.Count(falls)), Note: prose.Plain("beyond some length the state is too small")},
	}...)
	if open > 0 {
		facts = append(facts, page.Fact{Label: "cannot be told", Value: prose.Plain(prose.Count(open)), Note: prose.Plain("the interval of the exponent contains the growth of the state")})
	}
	var soonest *arch.Audit
	at := math.Inf(1)
	for _, m := range a.Models {
		if x := m.Crossovers[0]; x.At != nil && *x.At < at {
			soonest, at = m, *x.At
		}
	}
	if soonest != nil && !a.answersMemory() && !a.answersLength() {
		mark := ""
		if a.Evidence.Beyond(at) {
			mark = "~"
		}
		facts = append(facts, page.Fact{
			Label: "first to be too small, every bit used", Value: prose.Plain("L = " + mark + short(at)), Note: prose.Plain(soonest.Name),
		})
	}
	return facts
}

// modelSection has one table for each growth class.
func (a auditPage) modelSection() page.Section {
	s := page.Section{ID: "models", Title: "What each model keeps"}
	groups := a.byClass()
	for _, class := range arch.Classes() {
		ms := groups[class]
		if len(ms) == 0 {
			continue
		}
		meets := false
		for _, m := range ms {
			for _, x := range m.Crossovers {
				meets = meets || meetsLaw(x)
			}
		}
		caption := strings.ToUpper(classHeading(class)[:1]) + classHeading(class)[1:]
		if !meets {
			caption += neverWords(a.audited)
		}
		t := &page.Table{ID: "models-" + string(class), Caption: prose.Plain(fmt.Sprintf("%s (%s)", caption, prose.Plural(len(ms), "model", "models")))}
		t.Columns = append(t.Columns, page.Column{Head: prose.Plain("model"), Wide: true})
		for i, L := range a.Lengths {
			head := prose.Count(L)
			if i == 0 {
				head = "L = " + head
			}
			t.Columns = append(t.Columns, page.Number(head))
		}
		t.Columns = append(t.Columns, page.Number("bytes"))
		if meets {
			t.Columns = append(t.Columns, page.Number("every bit"))
			for _, c := range a.Capacities {
				t.Columns = append(t.Columns, page.Number(prose.Exact(c)+" nats"))
			}
		}
		beyond := false
		for _, m := range ms {
			row := []prose.Phrase{prose.Join(prose.Plain(m.Name+" "), prose.Styled(prose.Muted, m.Type))}
			at := a.ref(m)
			for j, st := range m.States {
				cell := prose.Phrase{{Text: short(float64(st.Total)), Ref: fmt.Sprintf("%s.states[%d].total", at, j)}}
				if m.MaxLength > 0 && st.Length > m.MaxLength {
					cell = prose.Join(cell, prose.Styled(prose.Sup, "1"))
					beyond = true
				}
				row = append(row, cell)
			}
			bytes := prose.Phrase{}
			if n := len(m.States); n > 0 {
				bytes = prose.Phrase{{Text: prose.Size(m.States[n-1].Bytes), Ref: fmt.Sprintf("%s.states[%d].bytes", at, n-1)}}
			}
			row = append(row, bytes)
			if meets {
				for j, x := range m.Crossovers {
					cell := prose.Plain(crossoverCell(x))
					if x.At != nil && *x.At > 1 {
						cell = prose.Plain(short(*x.At))
						if x.Beyond {
							cell = prose.Join(prose.Plain("~"), cell)
						}
						cell[len(cell)-1].Ref = fmt.Sprintf("%s.crossovers[%d].at", at, j)
					}
					row = append(row, cell)
				}
			}
			t.Rows = append(t.Rows, row)
		}
		if beyond {
			t.Notes = []string{prose.Superscript(1) + " longer than the model declares"}
		}
		s.Blocks = append(s.Blocks, t)
	}
	if t := a.intervalTable(); t != nil {
		s.Blocks = append(s.Blocks, t)
	}
	s.Blocks = append(s.Blocks, page.Prose{Text: prose.Plain("Under L stand the elements kept after so many tokens; under “every bit” and “nats” the length from which on the state is too small, " +
		"if every bit of it were used, or if an element carried so many nats.")}, page.Prose{Text: prose.Plain("Elements are stored numbers, batch 1, that must be at hand to process the next token; " +
		"bytes are those at the longest length, with elements as " + a.DType + " except where the model's own code keeps float32.")})
	for _, n := range a.notes() {
		s.Blocks = append(s.Blocks, page.WarningBlock{Text: n})
	}
	return s
}

// intervalTable lists the intervals of the crossovers, nil when there is none.
func (a auditPage) intervalTable() *page.Table {
	t := &page.Table{ID: "intervals", Caption: prose.Plain(prose.Exact(math.Round(1000*a.Level)/10) + " % intervals of the length from which on a state is too small")}
	t.Columns = []page.Column{{Head: prose.Plain("model"), Wide: true}, page.Number("every bit")}
	for _, c := range a.Capacities {
		t.Columns = append(t.Columns, page.Number(prose.Exact(c)+" nats"))
	}
	groups := a.byClass()
	for _, class := range arch.Classes() {
		for _, m := range groups[class] {
			row, any := []prose.Phrase{prose.Plain(m.Name)}, false
			for j, x := range m.Crossovers {
				cell := prose.Plain("–")
				if iv := x.Interval; iv != nil && (iv.Lo != nil || iv.Hi != nil) {
					base := fmt.Sprintf("%s.crossovers[%d].interval.", a.ref(m), j)
					cell, any = prose.Join(lengthOrNever(iv.Lo, base+"lo"), prose.Plain(" … "), lengthOrNever(iv.Hi, base+"hi")), true
				}
				row = append(row, cell)
			}
			if any {
				t.Rows = append(t.Rows, row)
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// lengthOrNever is an end of an interval of lengths.
func lengthOrNever(v *float64, ref string) prose.Phrase {
	if v == nil {
		return prose.Plain("never")
	}
	return prose.Phrase{{Text: short(*v), Ref: ref}}
}

// ref is where a model stands in the document.
func (a auditPage) ref(m *arch.Audit) string {
	return fmt.Sprintf("%s.models[%d]", a.base, slices.Index(a.Models, m))
}

func (a auditPage) questionSection() page.Section {
	s := page.Section{ID: "lengths", Title: "What a length needs"}
	for i, q := range a.Questions {
		last := q.Series[len(q.Series)-1]
		s.Blocks = append(s.Blocks, page.Prose{Text: prose.Join(
			prose.Plain(fmt.Sprintf("At %s tokens the past holds ", prose.Count(q.Length))), prose.Amount(last.Information, 0, fmt.Sprintf("%s.questions[%d].series[%d].information", a.base, i, len(q.Series)-1)), prose.Plain(" "), prose.Unit(""),
			prose.Plain(fmt.Sprintf(" about the future; ten times the length needs %s times the state.", prose.Significant(q.PerTenfold, 3))))})
		t := &page.Table{ID: fmt.Sprintf("fixed-%d", i), Caption: prose.Plain("A state of fixed size that is large enough up to L would have to hold, in elements")}
		t.Columns = []page.Column{page.Number("up to L")}
		for _, c := range a.Capacities {
			t.Columns = append(t.Columns, page.Number("at "+prose.Exact(c)+" nats/element"))
		}
		for j, n := range q.Series {
			row := []prose.Phrase{prose.Plain(prose.Count(n.Length))}
			for k, e := range n.Elements {
				row = append(row, prose.Phrase{{Text: short(e), Ref: fmt.Sprintf("%s.questions[%d].series[%d].elements[%d]", a.base, i, j, k)}})
			}
			t.Rows = append(t.Rows, row)
		}
		s.Blocks = append(s.Blocks, t, a.needTable(i))
	}
	return s
}

// needTable compares each model with the need at the most demanding capacity.
func (a auditPage) needTable(question int) *page.Table {
	least := a.leastCapacity()
	t := &page.Table{ID: fmt.Sprintf("needs-%d", question), Caption: prose.Plain(fmt.Sprintf("Models at %s tokens, at %s nats per element", prose.Count(a.Questions[question].Length), prose.Exact(a.Capacities[least])))}
	t.Columns = []page.Column{
		{Head: prose.Plain("model"), Wide: true}, page.Number("keeps"), page.Number("÷ needed"),
		page.Number("window not ruled out"), page.Number("attention layers not ruled out"),
	}
	groups := a.byClass()
	for _, class := range arch.Classes() {
		for _, m := range groups[class] {
			n, base := m.Needs[question], fmt.Sprintf("%s.needs[%d]", a.ref(m), question)
			at := n.At[least+1]
			window, layers := notRuledOut(at, prose.Count[int64])
			t.Rows = append(t.Rows, []prose.Phrase{prose.Plain(m.Name), {{Text: short(float64(n.State)), Ref: base + ".state"}}, {{Text: short(at.Factor), Ref: fmt.Sprintf("%s.at_capacities[%d].factor", base, least+1)}}, prose.Plain(window), prose.Plain(layers)})
		}
	}
	return t
}

// leastCapacity is the index of the most demanding capacity.
func (a audited) leastCapacity() int {
	least := 0
	for i, c := range a.Capacities {
		if c < a.Capacities[least] {
			least = i
		}
	}
	return least
}

// layerSection says, folded away, what every layer of every model keeps.
func (a audited) layerSection() page.Section {
	s := page.Section{ID: "layers", Title: "Layer by layer"}
	for _, m := range a.Models {
		var items []prose.Phrase
		for _, g := range m.Layers {
			what := "nothing"
			if len(g.Parts) > 0 {
				var parts []string
				for _, p := range g.Parts {
					parts = append(parts, partText(p))
				}
				what = strings.Join(parts, "; ")
			}
			items = append(items, prose.Plain(fmt.Sprintf("%s (%s): %s", prose.Plural(len(g.Layers), "layer", "layers"), ranges(g.Layers), what)))
		}
		s.Blocks = append(s.Blocks, page.Details{Summary: m.Name + " · " + m.Growth.String(), Blocks: []page.Block{
			page.List{Items: items}, page.Prose{Text: prose.Join(prose.Plain("Read from: "), prose.Styled(prose.Muted, m.Reference))},
		}})
	}
	return s
}

// ranges writes ascending numbers as "0–3, 7, 9–10".
func ranges(ns []int) string {
	var out []string
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		s := fmt.Sprint(ns[i])
		if j > i {
			s += "–" + fmt.Sprint(ns[j])
		}
		out = append(out, s)
		i = j + 1
	}
	return strings.Join(out, ", ")
}

func (a audited) meaningSection() page.Section {
	return page.Section{ID: "meaning", Title: "What this means", Blocks: []page.Block{
		page.Prose{Text: prose.Plain("The information that a model's past can carry about its future is at most its history state times what one element carries (L²M, arXiv 2503.04725). " +
			"So a state that grows more slowly than the law is too small beyond some length, however well the model is trained.")},
		page.Prose{Text: prose.Plain(a.capacityWords())},
	}}
}
