package report

import (
	"fmt"
	"io"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// TruthText writes what is known exactly about a process: its information, and what the
// best state and structured memories hold of it.
func TruthText(w io.Writer, p *result.ProcessTruth, opts TextOptions) error {
	t := newTerminal(opts)
	fmt.Fprintf(&t.out, "%s\nentropy rate %.6g nats per token\n\n", printable(p.Process.Spec), float64(p.EntropyRate))
	t.table(bipartiteTable(p.Bipartite), 0)
	if len(p.TwoPoint) > 0 {
		t.out.WriteString("\n")
		t.table(twoPointTruthTable(p.TwoPoint), 0)
	}
	if f := p.Frontier; f != nil {
		fmt.Fprintf(&t.out, "\nthe best state of k numbers at L = %d (%d of them hold 90 %% of %s nats)\n", f.Length, f.Fractions["90%"], sixDigits(f.Information))
		t.table(stateTable(f), 0)
		t.out.WriteString("\nthe best memory of a given information about the past\n")
		t.table(bottleneckTable(f), 0)
	}
	if len(p.Memories) > 0 {
		fmt.Fprintf(&t.out, "\nmemories of %d tokens, of what the next %d depend on\n", p.Frontier.Ell, p.Frontier.Length-p.Frontier.Ell)
		t.table(memoryTable(p), 0)
	}
	if len(p.Held) > 0 {
		t.out.WriteString("\nrepetitions that slots of one symbol can answer\n")
		t.table(heldTable(p), 0)
	}
	for _, n := range p.Notes {
		t.out.WriteString("note: " + printable(n) + "\n")
	}
	_, err := io.WriteString(w, t.out.String())
	return err
}

// sixDigits are exact values, which have no error to round by.
func sixDigits(n info.Nats) string { return fmt.Sprintf("%.6g", float64(n)) }

// share is a part of the whole in per cent.
func share(part, whole info.Nats) string { return fmt.Sprintf("%.1f\u00a0%%", 100*float64(part/whole)) }

// cells is a row of a table.
func cells(words ...string) []prose.Phrase {
	row := make([]prose.Phrase, len(words))
	for i, w := range words {
		row[i] = prose.Plain(w)
	}
	return row
}

func bipartiteTable(truths []result.BipartiteTruth) *page.Table {
	t := &page.Table{Columns: []page.Column{page.Number("L"), page.Number("ℓ"), page.Number("I(ℓ;L) nats"), page.Number("bits"), page.Number("local exponent")}}
	for _, b := range truths {
		local := ""
		if b.Local != 0 {
			local = fmt.Sprintf("%.4f", b.Local)
		}
		t.Rows = append(t.Rows, cells(fmt.Sprint(b.Length), fmt.Sprint(b.Ell), sixDigits(b.Value), fmt.Sprintf("%.6g", b.Value.Bits()), local))
	}
	return t
}

func twoPointTruthTable(truths []result.TwoPointTruth) *page.Table {
	t := &page.Table{Columns: []page.Column{page.Number("distance"), page.Number("two-point nats"), page.Number("bits")}}
	for _, p := range truths {
		t.Rows = append(t.Rows, cells(fmt.Sprint(p.Distance), sixDigits(p.Value), fmt.Sprintf("%.6g", p.Value.Bits())))
	}
	return t
}

func heldTable(p *result.ProcessTruth) *page.Table {
	t := &page.Table{Columns: []page.Column{page.Text("memory"), page.Number("L"), page.Number("slots"), page.Number("repetitions"), page.Number("held"), page.Number("share")}}
	for _, h := range p.Held {
		t.Rows = append(t.Rows, cells(h.Memory, fmt.Sprint(h.Length), fmt.Sprint(h.Slots), fmt.Sprint(h.Repetitions), fmt.Sprint(h.Held), fmt.Sprintf("%.1f\u00a0%%", 100*float64(h.Held)/float64(max(1, h.Repetitions)))))
	}
	return t
}

func stateTable(f *result.FrontierTruth) *page.Table {
	t := &page.Table{Columns: []page.Column{page.Number("k"), page.Number("captured nats"), page.Number("share")}}
	for _, s := range f.States {
		t.Rows = append(t.Rows, cells(fmt.Sprint(s.Dimensions), sixDigits(s.Captured), share(s.Captured, f.Information)))
	}
	return t
}

func bottleneckTable(f *result.FrontierTruth) *page.Table {
	t := &page.Table{Columns: []page.Column{page.Number("memory nats"), page.Number("captured nats"), page.Number("share")}}
	for _, b := range f.Curve {
		t.Rows = append(t.Rows, cells(fmt.Sprintf("%.4g", float64(b.Memory)), sixDigits(b.Captured), share(b.Captured, f.Information)))
	}
	return t
}

// memoryTable has the information in each memory beside that in the best linear state
// and in the window of as many numbers.
func memoryTable(p *result.ProcessTruth) *page.Table {
	t := &page.Table{Columns: []page.Column{page.Text("memory"), page.Text("numbers chosen as"), page.Number("numbers"), page.Number("captured nats"),
		page.Number("share"), page.Number("best state"), page.Number("window")}}
	for _, m := range p.Memories {
		part := func(captured info.Nats) string { return fmt.Sprintf("%.3f", float64(captured/m.Information)) }
		nats := sixDigits(m.Nats)
		if m.Spread > 0 {
			nats += fmt.Sprintf(" ± %.2g", float64(m.Spread))
		}
		t.Rows = append(t.Rows, cells(m.Memory, m.Construct, fmt.Sprint(m.Numbers), nats, part(m.Nats), part(m.Frontier), part(m.Window)))
	}
	return t
}

// EvaluationText writes how well the built-in predictor predicts text, by position.
func EvaluationText(w io.Writer, e *result.ModelEvaluation, opts TextOptions) error {
	unit := map[string]string{"bytes": "byte", "dna": "base", "protein": "residue"}[e.Tokens]
	if unit == "" {
		unit = "token"
	}
	t := newTerminal(opts)
	fmt.Fprintf(&t.out, "%.4f bits/%s over %d windows of %d %ss from %d documents\n\n", e.BitsPerSymbol, unit, e.Windows, e.Length, unit, e.Documents)
	rows := &page.Table{Columns: []page.Column{page.Text("position"), page.Number("bits/" + unit), page.Number("±")}}
	for _, p := range e.Loss.Positions {
		rows.Rows = append(rows.Rows, cells(fmt.Sprintf("%d–%d", p.From, p.To), fmt.Sprintf("%.3f", p.Mean.Bits()), fmt.Sprintf("%.3f", p.SE.Bits())))
	}
	t.table(rows, 0)
	_, err := io.WriteString(w, t.out.String())
	return err
}
