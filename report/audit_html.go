package report

import (
	"fmt"
	"io"
	"math"
	"strings"

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
		Kind: "audit", Verdict: prose.Plain(AuditHeadline(audit) + "."), Tone: tone, Hero: auditFigure(audit),
		Formula: prose.Join(prose.Styled(prose.Math, "I"), prose.Plain("("), prose.Styled(prose.Math, "L"), prose.Plain(") = "), prose.Phrase{{Text: prose.Significant(a.Law.A, 4), Ref: ".law.a"}}, prose.Plain(" · "), prose.Styled(prose.Math, "L"), prose.Phrase{{Text: prose.Significant(a.Law.Beta, 3), Style: prose.Sup, Ref: ".law.beta"}}, prose.Plain(" nats")),
		Lead:    prose.Plain("The law of the data: " + a.lawSource() + ". A model can follow it at every length only if what it keeps of the past grows at least as fast." + a.leadGrowth()),
		Data:    doc, DataName: "audit.json", Command: a.Command, Version: a.Version,
	}
	if a.answersMemory() { // the law is not what was asked
		p.Formula, p.Points, p.Hero = nil, whichFit(a.Memory), memoryFigure(a.Memory)
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
	in := auditTables{a, ""}
	if a.Memory != nil {
		p.Sections = append(p.Sections, in.memorySection())
	}
	models := in.modelSection()
	if a.answersMemory() {
		models.Blocks = append([]page.Block{page.Draw(auditFigure(audit))}, models.Blocks...)
	}
	p.Sections = append(p.Sections, models)
	if len(a.Questions) > 0 {
		p.Sections = append(p.Sections, in.questionSection())
	}
	p.Sections = append(p.Sections, a.layerSection(), a.meaningSection())
	return p.HTML(w)
}

// auditSection is an audit as a chapter of another page, whose data hold it under
// the path base: the figure and the tables under it.
func auditSection(doc *result.Audit, base string) page.Section {
	a := audited{doc}
	s := auditTables{a, base}.modelSection()
	s.ID, s.Title = "audit", "What models keep of such text"
	s.Blocks = append([]page.Block{page.Prose{Text: prose.Plain(AuditHeadline(doc) + ".")}, page.Draw(auditFigure(doc))}, s.Blocks...)
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
	if a.answersMemory() || a.answersLength() {
		return facts // the lead says in passing which models keep up
	}
	keeps, falls, open := a.tally()
	always := "keep up at every length"
	if e := a.Evidence; e != nil && e.To > 0 {
		always = "keep up if the law holds"
	}
	facts = append(facts, []page.Fact{
		{Label: always, Value: prose.Plain(prose.Count(keeps)), Note: prose.Plain("the state grows at least like the law")},
		{Label: "fall behind", Value: prose.Plain(prose.Count(falls)), Note: prose.Plain("beyond some length the state is too small")},
	}...)
	if open > 0 {
		facts = append(facts, page.Fact{Label: "undecided", Value: prose.Plain(prose.Count(open)), Note: prose.Plain("the interval of the exponent contains the growth of the state")})
	}
	return append(facts, a.soonest()...)
}

// soonest is the tile of the model that is the first to be too small at the most
// demanding capacity.
func (a audited) soonest() []page.Fact {
	least := a.leastCapacity()
	soonest, at := "", math.Inf(1)
	for _, m := range a.Models {
		if len(m.Crossovers) <= least+1 {
			continue
		}
		if x := m.Crossovers[least+1]; x.At != nil && *x.At < at { // the first is the hard one
			soonest, at = m.Name, *x.At
		}
	}
	if soonest == "" {
		return nil
	}
	return []page.Fact{{
		Label: "first to be too small", Value: prose.Plain("from L = " + a.beyondMark(at) + short(at)),
		Note: prose.Plain(fmt.Sprintf("%s, at %s per element", soonest, a.capacityLabel(least))),
	}}
}

// modelSection is the table of all models.
func (a auditTables) modelSection() page.Section {
	s := page.Section{ID: "models", Title: "What each model keeps"}
	if len(a.Models) > 0 {
		s.Blocks = append(s.Blocks, a.states())
	}
	if t := a.intervals(); t != nil {
		s.Blocks = append(s.Blocks, t)
	}
	s.Blocks = append(s.Blocks, page.Prose{Text: prose.Plain("“elements at L” are those kept after L tokens; “too small from L =” is the length beyond which the state is too small " +
		"if every bit of it is used, or if each element carries that many nats.")}, page.Prose{Text: prose.Plain("Elements are the stored numbers needed to process the next token, at batch 1. " +
		"Bytes are at the longest length, with elements as " + a.DType + " except where the model's own code keeps float32.")})
	for _, n := range a.notes() {
		s.Blocks = append(s.Blocks, page.WarningBlock{Text: n})
	}
	return s
}

func (a auditTables) questionSection() page.Section {
	s := page.Section{ID: "lengths", Title: "What a length needs"}
	for i, q := range a.Questions {
		last := q.Series[len(q.Series)-1]
		s.Blocks = append(s.Blocks, page.Prose{Text: prose.Join(
			prose.Plain(fmt.Sprintf("At %s tokens the past carries ", prose.Count(q.Length))), prose.Amount(last.Information, 0, fmt.Sprintf("%s.questions[%d].series[%d].information", a.base, i, len(q.Series)-1)), prose.Plain(" "), prose.Unit(""),
			prose.Plain(fmt.Sprintf(" about the future; ten times the length needs %s times the state.", prose.Significant(q.PerTenfold, 3))))},
			a.fixed(i), a.needs(i), page.Prose{Text: prose.Plain(upperFirst(notRuledOutWords))})
	}
	return s
}

// leastCapacity is the index of the most demanding capacity: of those that were
// measured, where there are any.
func (a audited) leastCapacity() int {
	least := 0
	for i, c := range a.Capacities {
		measured, before := a.measuredOn(i) != "", a.measuredOn(least) != ""
		if measured && !before || measured == before && c < a.Capacities[least] {
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
