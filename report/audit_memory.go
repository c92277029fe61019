package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/arch/serving"
	"github.com/l2m-lab/l2m/report/figure"
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
// where it is whole, with the decimal size that the tables count in.
func deviceMemory(n int64) string {
	if n%(1<<30) == 0 {
		return prose.Count(n>>30) + " GiB (" + prose.Size(n) + ")"
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
	fits, failed := t.tables().fits()
	t.table(fits, 0)
	for _, m := range failed {
		t.paragraph(m.Model+": "+m.Error, 2)
	}
	t.paragraph("weights and cache: bytes on each device. longest: the longest context at this batch; batch: the largest at this context. vLLM, llama.cpp: what they allocate. cache, ≤, ?: the weights are unknown and not counted, so only the cache is known to fit (give --weights).", 2)
}

// memorySection is the plan in the page: who fits, what engines allocate, and the
// table of contexts and batches of each model.
func (a auditTables) memorySection() page.Section {
	p := a.Memory
	s := page.Section{ID: "fits", Title: "What fits"}
	t, failed := a.fits()
	for _, m := range failed {
		s.Blocks = append(s.Blocks, page.WarningBlock{Where: m.Model, Text: "not planned: " + m.Error})
	}
	s.Blocks = append(s.Blocks, t, page.Prose{Text: prose.Plain(fmt.Sprintf("Bytes on each device; %.0f %% of its memory may be used, weights included. Where these are unknown (?) they are not counted: “cache” means that only the cache is known to fit, and ≤ that weights will reduce the number. Cache is what must be kept. The engines’ columns are what they allocate: "+
		"vLLM whole blocks, and for windows a batch of tokens more; llama.cpp all cells of the context at the start, and recurrent states in float32; Transformers one more column for convolutions. "+
		"Read per token are weights and caches, which bounds the speed of a step.", 100*p.Utilization))})
	for i, m := range p.Models {
		if len(m.Table) == len(p.Contexts)*len(p.Batches) && len(m.Table) > 0 {
			s.Blocks = append(s.Blocks, page.Details{Summary: m.Model + " · context × batch", Blocks: []page.Block{a.grid(i)}})
		}
	}
	return s
}

// memoryFigure draws what each model takes of a device against the context, at the
// batch that was asked for, and how much there is.
func memoryFigure(p *result.MemoryPlan) *figure.Figure {
	const gb = 1e9
	usable := p.Utilization * float64(p.Memory)
	f := &figure.Figure{
		ID: "memory", Title: "What each model takes of a device",
		Caption: prose.Plain("Weights, which are fixed, and the cache of " + prose.Plural(p.Batch, "sequence", "sequences") + ", which grows with the context. Dotted: models whose weights are not known, the cache alone."),
		X:       figure.Axis{Label: "context", Unit: "tokens", Scale: figure.Log2},
		Y:       figure.Axis{Label: "memory of a device", Unit: "GB", Scale: figure.Log10},
		Guides:  []figure.Guide{{At: usable / gb, Label: prose.Plain("may be used"), Hue: figure.Ink}},
		Aspect:  0.75,
	}
	if p.Context > 0 {
		f.Guides = append(f.Guides, figure.Guide{At: float64(p.Context), Vertical: true, Label: prose.Plain("asked"), Hue: figure.Ink})
	}
	n := 0
	for _, m := range p.Models {
		if m.Error != "" {
			continue
		}
		c := figure.Curve{Name: m.Model, Label: shortName(m.Model), Hue: figure.HueOf(n), Marker: figure.MarkerOf(n + n/6), Line: figure.Solid}
		if !m.Known {
			c.Line = figure.Dotted
		}
		n++
		for _, cell := range m.Table {
			if y := (usable - float64(m.Available) + float64(cell.Total)) / gb; cell.Batch == p.Batch && y > 0 {
				c.Points = append(c.Points, figure.Point{X: float64(cell.Context), Y: y, Lo: y, Hi: y, XText: prose.Count(cell.Context) + " tokens"})
			}
		}
		f.Curves = append(f.Curves, c)
	}
	return f
}

// memoryFacts are the tiles of the plan: how many fit, the longest contexts of
// those, and what the law asks for.
func (a audited) memoryFacts() []page.Fact {
	p := a.Memory
	if p == nil {
		return nil
	}
	by := byFit(p)
	fits := slices.Concat(by["yes"], by["cache"])
	label := "fit"
	if len(by["cache"]) > 0 {
		label = "fit, or their caches do"
	}
	facts := []page.Fact{{Label: label, Value: prose.Plain(fmt.Sprintf("%d of %d", len(fits), len(fits)+len(by["no"]))), Note: prose.Plain(memoryQuestion(p))}}
	if len(fits) > 0 {
		room := func(m *result.ModelPlan) float64 {
			return float64(m.Available-m.Needed().Total) / float64(p.Memory)
		}
		far := slices.MaxFunc(fits, func(a, b *result.ModelPlan) int { return cmp.Compare(a.Needed().Longest, b.Needed().Longest) })
		tight := slices.MinFunc(fits, func(a, b *result.ModelPlan) int { return cmp.Compare(room(a), room(b)) })
		facts = append(facts,
			page.Fact{Label: "longest context of those that fit", Value: prose.Plain(atMost(*far, far.Needed().Longest)), Note: prose.Plain(shortName(far.Model))},
			page.Fact{Label: "the tightest leaves free", Value: prose.Plain(prose.Fixed(100*room(tight), 0) + "\u00a0%"), Note: prose.Plain(shortName(tight.Model) + ", which goes up to " + atMost(*tight, tight.Needed().Longest) + " tokens")})
	}
	if p.Context > 0 && a.Evidence.Answers(float64(p.Context)) == nil {
		nats := float64(a.Law.At(float64(p.Context))) * float64(p.Batch)
		mark := ""
		if a.Evidence.Beyond(float64(p.Context)) {
			mark = "~"
		}
		facts = append(facts, page.Fact{
			Label: "the law asks at least", Value: prose.Plain(mark + prose.Size(int64(math.Ceil(nats/math.Ln2/8)))),
			Note: prose.Plain(fmt.Sprintf("if every bit were used; %s%s at %s an element of two bytes", mark, prose.Size(int64(2*nats/a.Capacities[a.leastCapacity()])), a.capacityLabel(a.leastCapacity()))),
		})
	}
	return facts
}
