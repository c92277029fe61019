package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/arch/serving"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// auditTables are the tables of an audit. The page's data hold the audit under the
// path base: empty, or ".audit" in the results of a run.
type auditTables struct {
	audited
	base string
}

// ref is where a model stands in the data.
func (a auditTables) ref(m *arch.Audit) string {
	return fmt.Sprintf("%s.models[%d]", a.base, slices.Index(a.Models, m))
}

// numberAt is a shortened number that stands in the data at ref.
func numberAt(v float64, ref string) prose.Phrase { return prose.Phrase{{Text: short(v), Ref: ref}} }

// bytesAt is a size in bytes that stands in the data at ref.
func bytesAt(n int64, ref string) prose.Phrase { return prose.Phrase{{Text: prose.Size(n), Ref: ref}} }

// capacityColumns are columns for the capacities, after one for that at which every
// bit is used.
func (a auditTables) capacityColumns(over string) []page.Column {
	columns := []page.Column{{Head: prose.Plain("every bit"), Numeric: true, Over: over}}
	for i := range a.Capacities {
		columns = append(columns, page.Column{Head: prose.Plain(a.capacityNats(i)), Numeric: true, Over: over})
	}
	return columns
}

// states lists what all models keep and from where on that is too small, grouped by
// how it grows.
func (a auditTables) states() *page.Table {
	t := &page.Table{ID: "states-table", Columns: []page.Column{{Head: prose.Plain("model"), Wide: true}, {Head: prose.Plain("type"), PageOnly: true}}}
	for i, L := range a.Lengths {
		c := page.Column{Head: prose.Plain(prose.Count(L)), Numeric: true, Over: "elements at L"}
		if i > 0 && i < len(a.Lengths)-1 {
			c.Drop = i
		}
		t.Columns = append(t.Columns, c)
	}
	fixed, grows := page.Number("fixed part"), page.Number("growing part")
	fixed.PageOnly, grows.PageOnly = true, true
	t.Columns = append(append(t.Columns, page.Number("bytes"), fixed, grows), a.capacityColumns("too small from L =")...)
	beyond, until := false, false
	groups := a.byClass()
	for _, class := range arch.Classes() {
		if len(groups[class]) == 0 {
			continue
		}
		heading := upperFirst(classHeading(class))
		never := !slices.ContainsFunc(groups[class], func(m *arch.Audit) bool { return slices.ContainsFunc(m.Crossovers, meetsLaw) })
		if never {
			heading += neverWords(a.audited)
		}
		t.Rows = append(t.Rows, []prose.Phrase{prose.Plain(fmt.Sprintf("%s (%s)", heading, prose.Plural(len(groups[class]), "model", "models")))})
		for _, m := range groups[class] {
			row := []prose.Phrase{prose.Plain(m.Name), prose.Styled(prose.Muted, m.Type)}
			for j := range a.Lengths {
				if j >= len(m.States) {
					row = append(row, nil)
					continue
				}
				s := m.States[j]
				cell := numberAt(float64(s.Total), fmt.Sprintf("%s.states[%d].total", a.ref(m), j))
				if m.MaxLength > 0 && s.Length > m.MaxLength {
					cell, beyond = prose.Join(cell, prose.Plain(prose.Superscript(1))), true
				}
				row = append(row, cell)
			}
			bytes := prose.Phrase{}
			if last := len(m.States) - 1; last >= 0 {
				bytes = bytesAt(m.States[last].Bytes, fmt.Sprintf("%s.states[%d].bytes", a.ref(m), last))
			}
			row = append(row, bytes, numberAt(float64(m.Growth.Fixed), a.ref(m)+".growth.fixed"), a.growing(m))
			for j, x := range m.Crossovers {
				cell := prose.Plain(crossoverCell(x))
				if x.At != nil && *x.At > 1 {
					cell[0].Ref = fmt.Sprintf("%s.crossovers[%d].at", a.ref(m), j)
				}
				if never {
					cell = nil
				}
				row = append(row, cell)
				until = until || x.From != nil && *x.From > 2
			}
			t.Rows = append(t.Rows, row)
		}
	}
	if beyond {
		t.Notes = append(t.Notes, prose.Superscript(1)+" longer than the model declares")
	}
	if until {
		t.Notes = append(t.Notes, "<: too small up to that length, never beyond it")
	}
	return t
}

// growing says in a cell how the part of a state that grows does so.
func (a auditTables) growing(m *arch.Audit) prose.Phrase {
	g := m.Growth
	switch {
	case g.PerToken > 0:
		return prose.Join(numberAt(g.PerToken, a.ref(m)+".growth.per_token"), prose.Plain(" a token"))
	case g.PerDouble > 0:
		return prose.Join(numberAt(float64(g.PerDouble), a.ref(m)+".growth.per_doubling"), prose.Plain(" a doubling"))
	case g.Class == arch.Power:
		return prose.Plain("like L^" + prose.Significant(g.Exponent, 3))
	case g.SaturateAt > 0:
		return prose.Join(prose.Plain("up to L = "), numberAt(float64(g.SaturateAt), a.ref(m)+".growth.saturates_at"))
	}
	return prose.Plain("none")
}

// intervals lists the intervals of the crossovers, nil when there is none.
func (a auditTables) intervals() *page.Table {
	t := &page.Table{ID: "intervals", Caption: prose.Plain(prose.Exact(math.Round(1000*a.Level)/10) + " % intervals of the length beyond which a state is too small"),
		Columns: append([]page.Column{{Head: prose.Plain("model"), Wide: true}}, a.capacityColumns("")...)}
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
	return numberAt(*v, ref)
}

// fixed lists how large a state of fixed size must be up to some lengths.
func (a auditTables) fixed(question int) *page.Table {
	t := &page.Table{ID: fmt.Sprintf("fixed-%d", question), Caption: prose.Plain("A state of fixed size that is large enough up to L would have to hold, in elements"), Columns: []page.Column{page.Number("up to L =")}}
	for i := range a.Capacities {
		t.Columns = append(t.Columns, page.Number("at "+a.capacityNats(i)+" each"))
	}
	for j, n := range a.Questions[question].Series {
		row := []prose.Phrase{prose.Plain(prose.Count(n.Length))}
		for k, e := range n.Elements {
			row = append(row, numberAt(e, fmt.Sprintf("%s.questions[%d].series[%d].elements[%d]", a.base, question, j, k)))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// needs compares each model with the need at the most demanding capacity.
func (a auditTables) needs(question int) *page.Table {
	least := a.leastCapacity()
	t := &page.Table{ID: fmt.Sprintf("needs-%d", question), Caption: prose.Plain(fmt.Sprintf("Models at %s tokens, at %s per element", prose.Count(a.Questions[question].Length), a.capacityLabel(least))),
		Columns: []page.Column{{Head: prose.Plain("model"), Wide: true}, page.Number("keeps"), page.Number("÷ needed"),
			{Head: prose.Plain("window not ruled out"), Numeric: true, Short: "window"}, {Head: prose.Plain("attention layers not ruled out"), Numeric: true, Short: "attention"}}}
	groups := a.byClass()
	for _, class := range arch.Classes() {
		for _, m := range groups[class] {
			n, base := m.Needs[question], fmt.Sprintf("%s.needs[%d]", a.ref(m), question)
			at := n.At[least+1] // the first is the hard one
			window, layers := notRuledOut(at)
			t.Rows = append(t.Rows, []prose.Phrase{prose.Plain(m.Name), numberAt(float64(n.State), base+".state"), numberAt(at.Factor, fmt.Sprintf("%s.at_capacities[%d].factor", base, least+1)), prose.Plain(window), prose.Plain(layers)})
		}
	}
	return t
}

// notRuledOut words the smallest window and the smallest number of attention
// layers that the condition does not rule out.
func notRuledOut(at arch.NeedAt) (window, layers string) {
	window, layers = "–", "–"
	if at.Window > 0 {
		window = "≥ " + prose.Count(at.Window)
	}
	switch {
	case at.Attention == 0:
		layers = "no bound"
	case at.Attention > 0:
		layers = fmt.Sprintf("≥ %d of %d", at.Attention, at.Layers)
	}
	return window, layers
}

// fits lists what fits in memory, and those models that could not be planned.
func (a auditTables) fits() (t *page.Table, failed []result.ModelPlan) {
	p := a.Memory
	t = &page.Table{ID: "fit-table", Caption: prose.Plain("At " + memoryQuestion(p)), Columns: []page.Column{
		{Head: prose.Plain("model"), Wide: true}, page.Text("fits"), page.Number("weights"), page.Number("cache"),
		{Head: prose.Plain("longest context"), Numeric: true, Short: "longest"}, {Head: prose.Plain("largest batch"), Numeric: true, Short: "batch"},
	}}
	engines := []serving.Engine{serving.VLLM, serving.LlamaCpp, serving.Transformers}
	for i, name := range []string{"vLLM", "llama.cpp", "Transformers"} {
		t.Columns = append(t.Columns, page.Column{Head: prose.Plain(name), Numeric: true, Over: "what these allocate", Drop: 1 + i, PageOnly: engines[i] == serving.Transformers})
	}
	t.Columns = append(t.Columns, page.Column{Head: prose.Plain("read per token"), Numeric: true, PageOnly: true})
	if p.Bandwidth > 0 {
		t.Columns = append(t.Columns, page.Column{Head: prose.Plain("tokens/s at most"), Numeric: true, PageOnly: true})
	}
	for i, m := range p.Models {
		if m.Error != "" {
			failed = append(failed, m)
			continue
		}
		base := fmt.Sprintf("%s.memory.models[%d]", a.base, i)
		x := m.Needed()
		weights := prose.Plain("?")
		if m.Known {
			weights = bytesAt(m.Weights, base+".weights")
		}
		row := []prose.Phrase{prose.Plain(withoutOwner(m.Model)), prose.Plain(fitsWord(m)), weights, bytesAt(x.Total, base+".engines[0].total"),
			prose.Plain(atMost(m, x.Longest)), prose.Plain(atMost(m, x.Sequences))}
		for _, engine := range engines {
			cell := prose.Plain("–")
			if j := slices.IndexFunc(m.Engines, func(e serving.EngineFit) bool { return e.Engine == engine }); j >= 0 {
				cell = bytesAt(m.Engines[j].Total, fmt.Sprintf("%s.engines[%d].total", base, j))
			}
			row = append(row, cell)
		}
		row = append(row, bytesAt(m.Read.Bytes, base+".read.bytes"))
		if p.Bandwidth > 0 {
			row = append(row, prose.Phrase{{Text: prose.Significant(m.Read.PerSecond, 3), Ref: base + ".read.per_second"}})
		}
		t.Rows = append(t.Rows, row)
	}
	return t, failed
}

// grid is the table of contexts and batches of one model.
func (a auditTables) grid(model int) *page.Table {
	p := a.Memory
	m := p.Models[model]
	t := &page.Table{ID: fmt.Sprintf("grid-%d", model), Caption: prose.Plain("Cache in bytes; what does not fit is in parentheses"), Columns: []page.Column{page.Number("context")}}
	for _, b := range p.Batches {
		t.Columns = append(t.Columns, page.Number("batch "+prose.Count(b)))
	}
	for j, L := range p.Contexts {
		row := []prose.Phrase{prose.Plain(prose.Count(L))}
		for k := range p.Batches {
			at := j*len(p.Batches) + k
			cell := bytesAt(m.Table[at].Total, fmt.Sprintf("%s.memory.models[%d].table[%d].total", a.base, model, at))
			if !m.Table[at].Fits {
				cell = prose.Join(prose.Plain("("), cell, prose.Plain(")"))
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
