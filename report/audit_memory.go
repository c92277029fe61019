package report

import (
	"fmt"
	"math"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/l2m-lab/l2m/arch/serving"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// memoryQuestion is what was asked, in words.
func memoryQuestion(p *result.MemoryPlan) string {
	context := "the context that each model declares"
	if p.Context > 0 {
		context = prose.Count(p.Context) + " tokens"
	}
	s := fmt.Sprintf("%s × %s on %s", context, prose.Plural(int(min(p.Batch, math.MaxInt32)), "sequence", "sequences"), deviceMemory(p.Memory))
	if p.Devices > 1 {
		s += fmt.Sprintf(" × %d", p.Devices)
	}
	return s
}

// deviceMemory writes the memory of a device the way it was asked for: whole GiB
// where it is whole.
func deviceMemory(n int64) string {
	if n%(1<<30) == 0 {
		return prose.Count(n>>30) + " GiB"
	}
	return prose.Size(n)
}

// longest writes the longest context.
func longest(n int64) string {
	switch n {
	case 0:
		return "none"
	case serving.Unbounded:
		return "any"
	}
	return prose.Count(n)
}

// memoryText is the plan as a table for terminals.
func (t *auditText) memory() {
	p := t.a.Memory
	if p == nil {
		return
	}
	t.out.WriteString("\n" + t.colour(fmt.Sprintf("What fits: %s (%.0f %% used at most, keys and values as %s)", memoryQuestion(p), 100*p.Utilization, p.KVType), 1) + "\n")
	// On a narrow terminal the engines' columns give way.
	const columns, engineColumns, narrowest = 50, 21, 24
	engines := t.opts.Width >= narrowest+columns+engineColumns
	room := t.opts.Width - columns
	if engines {
		room -= engineColumns
	}
	name := narrowest
	for _, m := range p.Models {
		name = max(name, min(room, text.StringWidthWithoutEscSequences(withoutOwner(m.Model))+3))
	}
	row := func(first string, cells ...string) {
		line := text.Pad(text.Snip("  "+first, name-1, "…"), name, ' ')
		for i, width := range []int{10, 10, 7, 13, 10, 10, 11} {
			if i < len(cells) && (i < 5 || engines) {
				line += text.AlignRight.Apply(cells[i], width)
			}
		}
		t.out.WriteString(line + "\n")
	}
	row("", "weights", "cache", "fits", "longest", "batch", "vLLM", "llama.cpp")
	for _, m := range p.Models {
		if m.Error != "" {
			t.paragraph(m.Model+": "+m.Error, 2)
			continue
		}
		x := m.Needed()
		weights := prose.Size(m.Weights)
		if !m.Known {
			weights = "?"
		}
		cells := []string{weights, prose.Size(x.Total), fitsWord(m), atMost(m, x.Longest), atMost(m, x.Sequences)}
		for _, e := range m.Engines[1:] {
			if e.Engine == serving.VLLM || e.Engine == serving.LlamaCpp {
				cells = append(cells, prose.Size(e.Total))
			}
		}
		row(printable(withoutOwner(m.Model)), cells...)
	}
	t.paragraph("weights and cache: bytes on each device. longest: the longest context at this batch; batch: the largest at this context. vLLM, llama.cpp: what they allocate. cache, ≤, ?: the weights are not known and not counted, so only the cache is known to fit (--weights).", 2)
}

// memorySection is the plan in the page: who fits, what engines allocate, and the
// table of contexts and batches of each model.
func (a auditPage) memorySection() page.Section {
	p := a.Memory
	s := page.Section{ID: "fits", Title: "What fits"}
	t := &page.Table{ID: "fit-table", Caption: prose.Plain("At " + memoryQuestion(p))}
	t.Columns = []page.Column{
		{Head: prose.Plain("model"), Wide: true}, page.Text("fits"), page.Number("weights"), page.Number("cache"),
		page.Number("longest context"), page.Number("largest batch"), page.Number("vLLM"), page.Number("llama.cpp"), page.Number("Transformers"), page.Number("read per token"),
	}
	if p.Bandwidth > 0 {
		t.Columns = append(t.Columns, page.Number("tokens/s at most"))
	}
	for i, m := range p.Models {
		if m.Error != "" || len(m.Engines) < 4 {
			s.Blocks = append(s.Blocks, page.WarningBlock{Where: m.Model, Text: "not planned: " + m.Error})
			continue
		}
		base := fmt.Sprintf("%s.memory.models[%d]", a.base, i)
		x := m.Needed()
		weights := prose.Plain("not known")
		if m.Known {
			weights = prose.Phrase{{Text: prose.Size(m.Weights), Ref: base + ".weights"}}
		}
		row := []prose.Phrase{prose.Plain(m.Model), prose.Plain(fitsWord(m)), weights, {{Text: prose.Size(x.Total), Ref: base + ".engines[0].total"}},
			prose.Plain(atMost(m, x.Longest)), prose.Plain(atMost(m, x.Sequences))}
		for j := range m.Engines[1:] {
			row = append(row, prose.Phrase{{Text: prose.Size(m.Engines[j+1].Total), Ref: fmt.Sprintf("%s.engines[%d].total", base, j+1)}})
		}
		row = append(row, prose.Phrase{{Text: prose.Size(m.Read.Bytes), Ref: base + ".read.bytes"}})
		if p.Bandwidth > 0 {
			row = append(row, prose.Phrase{{Text: prose.Significant(m.Read.PerSecond, 3), Ref: base + ".read.per_second"}})
		}
		t.Rows = append(t.Rows, row)
	}
	s.Blocks = append(s.Blocks, t, page.Prose{Text: prose.Plain(fmt.Sprintf("Bytes on each device; %.0f %% of its memory may be used, weights included. Where these are not known they are not counted: “cache” means that only the cache is known to fit, and ≤ that weights will lessen the number. Cache is what must be kept; the engines’ columns are what they allocate: "+
		"vLLM whole blocks and a window with a batch of tokens, llama.cpp all cells of the context at the start and recurrent states in float32, Transformers a column more in convolutions. "+
		"Read per token are weights and caches, which bounds the speed of a step.", 100*p.Utilization))})
	for i, m := range p.Models {
		if len(m.Table) == len(p.Contexts)*len(p.Batches) && len(m.Table) > 0 {
			s.Blocks = append(s.Blocks, page.Details{Summary: m.Model + " · context × batch", Blocks: []page.Block{memoryGrid(p, i, fmt.Sprintf("%s.memory.models[%d]", a.base, i))}})
		}
	}
	return s
}

// memoryGrid is the table of contexts and batches of one model.
func memoryGrid(p *result.MemoryPlan, i int, base string) *page.Table {
	m := p.Models[i]
	t := &page.Table{ID: fmt.Sprintf("grid-%d", i), Caption: prose.Plain("Cache in bytes; what does not fit is in parentheses")}
	t.Columns = []page.Column{page.Number("context")}
	for _, b := range p.Batches {
		t.Columns = append(t.Columns, page.Number("batch "+prose.Count(b)))
	}
	for j, L := range p.Contexts {
		row := []prose.Phrase{prose.Plain(prose.Count(L))}
		for k := range p.Batches {
			at := j*len(p.Batches) + k
			cell := prose.Phrase{{Text: prose.Size(m.Table[at].Total), Ref: fmt.Sprintf("%s.table[%d].total", base, at)}}
			if !m.Table[at].Fits {
				cell = prose.Join(prose.Plain("("), cell, prose.Plain(")"))
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// memoryFacts are the tiles of the plan: how many fit, the longest contexts of
// those, and what the law asks for.
func (a audited) memoryFacts() []page.Fact {
	p := a.Memory
	if p == nil {
		return nil
	}
	var facts []page.Fact
	fit, planned, label := 0, 0, "fit"
	var far, near *result.ModelPlan
	for i := range p.Models {
		m := &p.Models[i]
		if m.Error != "" {
			continue
		}
		planned++
		x := m.Needed()
		if !x.Fits {
			continue
		}
		fit++
		if !m.Known {
			label = "fit, weights that are not known left out"
		}
		if far == nil || x.Longest > far.Needed().Longest {
			far = m
		}
		if near == nil || x.Longest < near.Needed().Longest {
			near = m
		}
	}
	facts = append(facts, page.Fact{Label: label, Value: prose.Plain(fmt.Sprintf("%d of %d", fit, planned)), Note: prose.Plain(memoryQuestion(p))})
	if far != nil {
		facts = append(facts,
			page.Fact{Label: "longest context of those that fit", Value: prose.Plain(atMost(*far, far.Needed().Longest)), Note: prose.Plain(shortName(far.Model))},
			page.Fact{Label: "shortest of these", Value: prose.Plain(atMost(*near, near.Needed().Longest)), Note: prose.Plain(shortName(near.Model))})
	}
	if p.Context > 0 && a.Evidence.Answers(float64(p.Context)) == nil {
		nats := float64(a.Law.At(float64(p.Context))) * float64(p.Batch)
		mark := ""
		if a.Evidence.Beyond(float64(p.Context)) {
			mark = "~"
		}
		facts = append(facts, page.Fact{
			Label: "the law asks at least", Value: prose.Plain(mark + prose.Size(int64(math.Ceil(nats/math.Ln2/8)))),
			Note: prose.Plain(fmt.Sprintf("if every bit were used; %s%s at %s nats an element of %s", mark, prose.Size(int64(2*nats/a.Capacities[a.leastCapacity()])), prose.Exact(a.Capacities[a.leastCapacity()]), "two bytes")),
		})
	}
	return facts
}
