package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// AuditText writes what a person wants to know in ten seconds: how many models
// keep up, and a table grouped by how their state grows. Up to three models are
// described in detail.
func AuditText(w io.Writer, a *result.Audit, opts TextOptions) error {
	t := auditText{terminal: newTerminal(opts), a: audited{a}}
	t.head()
	t.memory()
	if len(a.Models) > 0 {
		t.out.WriteString("\n")
		t.table(t.tables().states(), 0)
	}
	if len(a.Models) > 0 && len(a.Models) <= 3 {
		for i := range a.Models {
			t.detail(a.Models[i])
		}
	}
	t.questions()
	t.foot()
	_, err := io.WriteString(w, t.out.String())
	return err
}

type auditText struct {
	*terminal
	a audited
}

func (t *auditText) tables() auditTables { return auditTables{audited: t.a} }

// audited is an audit as its faces ask it.
type audited struct{ *result.Audit }

// tally counts the verdicts.
func (a audited) tally() (keeps, falls, open int) {
	for _, m := range a.Models {
		switch m.Verdict {
		case arch.KeepsUp:
			keeps++
		case arch.FallsBehind:
			falls++
		default:
			open++
		}
	}
	return keeps, falls, open
}

// growthHeadline says which models keep up with the law.
func (a audited) growthHeadline() (string, page.Tone) {
	keeps, falls, open := a.tally()
	n := len(a.Models)
	if n == 0 {
		return "No model could be audited", page.Doubtful
	}
	always := " at every length"
	if e := a.Evidence; e != nil && e.To > 0 {
		always = fmt.Sprintf(", if the law holds beyond L = %s", prose.Count(int64(e.To)))
	}
	switch {
	case n == 1 && keeps == 1 && always == " at every length":
		return a.Models[0].Name + " keeps up at every length: " + a.Models[0].Reason, page.Good
	case n == 1 && keeps == 1:
		return a.Models[0].Name + " keeps up: " + a.Models[0].Reason + always, page.Good
	case n == 1 && falls == 1:
		return a.Models[0].Name + " falls behind: " + a.Models[0].Reason + strings.TrimPrefix(always, " at every length"), page.Bad
	case n == 1:
		return a.Models[0].Name + ": " + a.Models[0].Reason, page.Doubtful
	case keeps == n:
		return fmt.Sprintf("All %d models keep up with the law%s", n, always), page.Good
	}
	s := fmt.Sprintf("%d of %d models %s with the law%s, %d %s behind", keeps, n, agree(keeps, "keeps up", "keep up"), always, falls, agree(falls, "falls", "fall"))
	if open > 0 {
		s += fmt.Sprintf(", %d undecided", open)
	}
	return s, page.Neutral
}

// lawLine names the law.
func (a audited) lawLine() string {
	s := fmt.Sprintf("law: I(L) = %s·L^%s nats, L in tokens", prose.Significant(a.Law.A, 4), prose.Significant(a.Law.Beta, 3))
	if a.Law.Source != "" {
		s += " · " + a.Law.Source
	}
	if !a.Law.Known() {
		s += " · no interval is known"
	}
	return s + a.evidenceWords(" · ")
}

// evidenceWords says what the law rests on where that is little, after a
// separator.
func (a audited) evidenceWords(separator string) string {
	e := a.Evidence
	if e == nil {
		return ""
	}
	s := ""
	if e.To > 0 {
		s += separator + fmt.Sprintf("what is read beyond L = %s is marked ~", prose.Count(int64(e.To)))
	}
	if e.Documents > 0 && e.Documents < arch.FewDocuments {
		s += separator + fmt.Sprintf("from only %s", prose.Plural(e.Documents, "document", "documents"))
	}
	if e.Rejected() && !strings.Contains(a.Law.Source, "reject") {
		s += separator + "the data reject a single power law"
	}
	return s
}

func (t *auditText) head() {
	s, tone := t.a.headline()
	codes := []text.Color{text.Bold}
	switch tone {
	case page.Good:
		codes = append(codes, text.FgGreen)
	case page.Bad:
		codes = append(codes, text.FgRed)
	}
	t.paragraph(s, 2, codes...)
	if t.a.leadGrowth() != "" {
		s, _ = t.a.growthHeadline()
		t.paragraph(s, 2)
	}
	t.paragraph(t.a.lawLine(), 2)
}

// classHeading says what a growth class means for the verdict.
func classHeading(c arch.Class) string {
	return map[arch.Class]string{
		arch.Linear:      "linear: the state grows like L",
		arch.Mixed:       "mixed: some layers grow like L, the rest is bounded",
		arch.Power:       "power: the state grows like a power of L",
		arch.Logarithmic: "logarithmic: the state grows like ln L",
		arch.Saturating:  "saturating: the state stops growing at its window",
		arch.Constant:    "constant: the state has a fixed size",
	}[c]
}

// byClass lists the models class by class, the largest first.
func (a audited) byClass() map[arch.Class][]*arch.Audit {
	out := map[arch.Class][]*arch.Audit{}
	for _, m := range a.Models {
		out[m.Growth.Class] = append(out[m.Growth.Class], m)
	}
	last := func(m *arch.Audit) int64 {
		if len(m.States) == 0 {
			return 0
		}
		return m.States[len(m.States)-1].Total
	}
	for _, ms := range out {
		slices.SortStableFunc(ms, func(x, y *arch.Audit) int {
			return cmp.Or(cmp.Compare(last(y), last(x)), strings.Compare(x.Name, y.Name))
		})
	}
	return out
}

// meetsLaw reports whether a state is too small at some length, or may be.
func meetsLaw(x arch.Crossover) bool { return x.Unknown || x.At != nil || x.From != nil && *x.From > 2 }

// neverWords says of a class that no state of it is ever too small.
func neverWords(a audited) string {
	if e := a.Evidence; e != nil && e.To > 0 {
		return "; never too small if the law holds"
	}
	return "; never too small"
}

func crossoverCell(x arch.Crossover) string {
	mark := ""
	if x.Beyond {
		mark = "~"
	}
	switch {
	case x.Unknown:
		return "open"
	case x.At == nil && x.From != nil && *x.From > 2:
		return mark + "<" + short(*x.From) // too small up to there
	case x.At == nil:
		return mark + "never"
	case *x.At <= 1:
		return "always"
	}
	return mark + short(*x.At)
}

// short writes a number in at most five characters: 1.02k, 33.8G, 4e15.
func short(v float64) string {
	if v > 0 && v < 0.995 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	for _, u := range []struct {
		unit float64
		name string
	}{{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}, {1e12, "T"}} {
		x := v / u.unit
		switch {
		case u.unit == 1 && v < 1000 && v == math.Trunc(v):
			return strconv.FormatFloat(v, 'f', -1, 64)
		case x < 9.995:
			return strconv.FormatFloat(x, 'f', 2, 64) + u.name
		case x < 99.95:
			return strconv.FormatFloat(x, 'f', 1, 64) + u.name
		case x < 999.5:
			return strconv.FormatFloat(x, 'f', 0, 64) + u.name
		}
	}
	s := strconv.FormatFloat(v, 'e', 0, 64)
	return strings.Replace(s, "e+", "e", 1)
}

// item is a paragraph that is indented as a whole.
func (t *auditText) item(s string) {
	for i, l := range wrap(printable(s), t.opts.Width-2, 2) {
		t.out.WriteString(map[bool]string{true: "  ", false: "    "}[i == 0] + l + "\n")
	}
}

// detail describes one model: its layers, its state by kind, its intervals.
func (t *auditText) detail(m *arch.Audit) {
	t.out.WriteString("\n" + t.colour(printable(m.Name), text.Bold) + fmt.Sprintf(" (%s), %s\n", printable(m.Type), m.Growth))
	for _, g := range m.Layers {
		what := "nothing"
		if len(g.Parts) > 0 {
			var parts []string
			for _, p := range g.Parts {
				parts = append(parts, partText(p))
			}
			what = strings.Join(parts, "; ")
		}
		t.item(fmt.Sprintf("%s: %s", prose.Plural(len(g.Layers), "layer", "layers"), what))
	}
	for _, s := range m.States {
		var kinds []string
		for _, k := range arch.Kinds() {
			if n := s.Elements.Of(k); n > 0 {
				kinds = append(kinds, string(k)+" "+prose.Count(n))
			}
		}
		line := fmt.Sprintf("L = %s: %s elements, %s", prose.Count(s.Length), prose.Count(s.Total), prose.Size(s.Bytes))
		if len(kinds) > 1 {
			line += " (" + strings.Join(kinds, ", ") + ")"
		}
		t.item(line)
	}
	for _, x := range m.Crossovers {
		if x.Interval == nil || x.At == nil {
			continue
		}
		what := fmt.Sprintf("at %s nats per element", prose.Exact(x.Capacity))
		if x.Hard {
			what = "even with every bit used"
		}
		t.item(fmt.Sprintf("too small from L = %s %s (%s %% interval %s … %s)", short(*x.At), what,
			prose.Exact(math.Round(1000*x.Interval.Level)/10), lengthOrNever(x.Interval.Lo, ""), lengthOrNever(x.Interval.Hi, "")))
	}
}

// partText is what a part keeps, in words and elements.
func partText(p arch.Part) string {
	s := p.What
	switch p.Rule {
	case arch.PerToken:
		s += fmt.Sprintf(": %s per token", prose.Count(p.Width))
	case arch.PerBlock:
		s += fmt.Sprintf(": %s per %s tokens", prose.Count(p.Width), prose.Count(p.N))
	case arch.Bounded:
		s += fmt.Sprintf(": %s per token, at most %s tokens", prose.Count(p.Width), prose.Count(p.N))
	case arch.Tail:
		s += fmt.Sprintf(": %s per token of at most %s", prose.Count(p.Width), prose.Count(p.N-1))
	case arch.Log:
		s += fmt.Sprintf(": %s per doubling", prose.Count(p.Width))
	default:
		s += fmt.Sprintf(": %s", prose.Count(p.Width))
	}
	if p.Float32 {
		s += " in float32"
	}
	return s
}

// questions answers --length.
func (t *auditText) questions() {
	for i, q := range t.a.Questions {
		last := q.Series[len(q.Series)-1]
		t.out.WriteString("\n" + t.colour(fmt.Sprintf("What %s tokens need", prose.Count(q.Length)), text.Bold) + "\n")
		line := fmt.Sprintf("the past carries %s nats about the future", prose.Round(float64(last.Information), 0))
		if last.Interval.Level > 0 {
			line += fmt.Sprintf(" (%s … %s)", prose.Round(last.Interval.Lo, 0), prose.Round(last.Interval.Hi, 0))
		}
		t.paragraph(line+fmt.Sprintf("; ten times the length needs %s times the state", prose.Significant(q.PerTenfold, 3)), 2)
		t.paragraph("a state of fixed size would have to hold, in elements:", 2)
		t.table(t.tables().fixed(i), 0)
		if len(t.a.Models) > 0 {
			t.paragraph(fmt.Sprintf("at %s per element:", t.a.capacityLabel(t.a.leastCapacity())), 2)
			t.table(t.tables().needs(i), 0)
			t.paragraph(notRuledOutWords, 2)
		}
	}
}

// notRuledOutWords explain the table of needs.
const notRuledOutWords = "÷ needed: above 1 the state is larger than the law asks for. window and attention: with a shorter window, or with fewer attention layers and the others recurrent, the condition rules the model out. It does not vouch for what it does not rule out; “no bound” is not advice."

// capacityWords says what the capacities mean.
func (a audited) capacityWords() string {
	s := "every bit: every bit of the state carries information about the future, which no model comes near; "
	measured := false
	for i, c := range a.Capacities {
		name := a.measuredOn(i)
		measured = measured || name != ""
		switch {
		case name != "":
			s += fmt.Sprintf("%s: what %s carried at least; ", a.capacityNats(i), name)
		case c >= 1:
			s += fmt.Sprintf("%s: each stored number carries %s bits; ", a.capacityNats(i), prose.Significant(c/math.Ln2, 2))
		default:
			s += fmt.Sprintf("%s: %s numbers carry one nat; ", a.capacityNats(i), prose.Significant(1/c, 2))
		}
	}
	s = strings.TrimSuffix(s, "; ") + ". "
	if !measured {
		s += "What a model reaches has to be measured (l2m compare --config, then --capacity DIR). "
	}
	return s + "The law is a necessary condition, not a promise of quality."
}

func (t *auditText) foot() {
	a := t.a
	t.out.WriteString("\n")
	if len(a.Models) > 0 {
		t.paragraph(fmt.Sprintf("elements: numbers kept, batch 1; bytes: at L = %s with elements as %s (float32 where the model's own code keeps it). "+
			"too small from L =: the length beyond which the state cannot hold I(L) if every bit is used, or if each element carries that many nats.", prose.Count(a.Lengths[len(a.Lengths)-1]), a.DType), 2)
		t.paragraph(a.capacityWords(), 2)
	}
	for _, n := range a.notes() {
		t.paragraph(n, 2, text.FgYellow)
	}
	for _, f := range a.Failures {
		t.paragraph("not audited: "+f.Path+": "+f.Error, 2, text.FgRed)
	}
}

// notes are the caveats: of the audit, and of models, with the models that
// they hold for.
func (a audited) notes() []string {
	var order []string
	holds := map[string][]string{}
	add := func(w info.Warning, model string) {
		s := sentence(w)
		if _, seen := holds[s]; !seen {
			order = append(order, s)
		}
		holds[s] = append(holds[s], model)
	}
	for _, w := range a.Warnings {
		add(w, "")
	}
	for _, m := range a.Models {
		for _, w := range m.Warnings {
			if w.Code == "window-not-used" && len(a.Models) > 3 {
				continue
			}
			add(w, m.Name)
		}
	}
	var out []string
	for _, s := range order {
		names := holds[s]
		switch {
		case names[0] == "":
			out = append(out, s)
		case len(names) > 3:
			out = append(out, fmt.Sprintf("%s and %d others: %s", strings.Join(names[:2], ", "), len(names)-2, s))
		default:
			out = append(out, strings.Join(names, ", ")+": "+s)
		}
	}
	return out
}
