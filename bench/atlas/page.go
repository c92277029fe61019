package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/law/decay"
	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// page writes the figure, and the tables between the marks of atlas.md.
func (a *atlas) page() error {
	found := map[string]*result.Result{}
	for _, j := range jobs(entries) {
		r, err := a.load(j.name)
		if err != nil {
			return err
		}
		if r != nil {
			found[j.name] = r
		}
	}
	var picture bytes.Buffer
	if err := drawing(entries, found).Encode(&picture, "svg"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(a.docs, "atlas", "laws.svg"), picture.Bytes(), 0o644); err != nil {
		return err
	}
	name := filepath.Join(a.docs, "atlas.md")
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for mark, table := range map[string]string{
		"sources": sources(entries, found), "laws": laws(entries, found),
		"controls": compared(entries, found), "pairs": pairs(entries, found),
	} {
		if text, err = between(text, mark, table); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return os.WriteFile(name, text, 0o644)
}

// between replaces what stands between the two marks of a table.
func between(text []byte, mark, table string) ([]byte, error) {
	start, end := []byte("<!-- "+mark+" -->\n"), []byte("<!-- end of "+mark+" -->")
	before, rest, ok := bytes.Cut(text, start)
	_, after, closed := bytes.Cut(rest, end)
	if !ok || !closed {
		return nil, fmt.Errorf("no marks %s… %s", start, end)
	}
	return bytes.Join([][]byte{before, start, []byte("\n" + table + "\n"), end, after}, nil), nil
}

// table is a Markdown table.
type table struct{ strings.Builder }

func newTable(heads ...string) *table {
	t := &table{}
	t.row(heads...)
	t.row(strings.Split(strings.Repeat("---,", len(heads)-1)+"---", ",")...)
	return t
}

func (t *table) row(cells ...string) {
	fmt.Fprintf(t, "| %s |\n", strings.Join(cells, " | "))
}

// sources says what the entries are.
func sources(entries []entry, found map[string]*result.Result) string {
	t := newTable("name", "what", "licence", "documents", "size", "windows")
	for _, e := range entries {
		r := found[e.name]
		if r == nil {
			continue
		}
		t.row("["+e.name+"](atlas/"+e.name+".json)", e.title, e.licence, prose.Count(r.Corpus.Documents), prose.Size(r.Corpus.Bytes),
			fmt.Sprintf("%d of %s %ss", r.Windows.Count, prose.Count(r.Windows.Length), letter(e)))
	}
	return t.String()
}

// letter is what one symbol of an entry is called.
func letter(e entry) string {
	return map[string]string{"dna": "base", "protein": "residue"}[e.tokens] + map[string]string{"bytes": "byte"}[e.tokens]
}

// laws has the law of each text as it is.
func laws(entries []entry, found map[string]*result.Result) string {
	t := newTable("text", "bits per symbol", "I(512; 1,024), nats", "between, at the longest L", "over all lengths", "β at the long lengths", "law there", "last doubling")
	for _, e := range entries {
		r, ranged := found[e.name], found[e.name+".range"]
		if r == nil || ranged == nil {
			continue
		}
		t.row(e.name, bits(r), at(r, 1024), bounds(r), overall(r), exponent(ranged), verdict(ranged), last(r))
	}
	return t.String()
}

// compared has the changed texts and the other predictors, each below the text
// as it is.
func compared(entries []entry, found map[string]*result.Result) string {
	t := newTable("text", "change, or predictor", "trained on", "bits per symbol", "I(512; 1,024), nats", "β at the long lengths", "law there", "last doubling")
	for _, e := range entries {
		plain := found[e.name+".range"]
		if plain == nil || len(e.control)+len(e.vary) == 0 {
			continue
		}
		name := e.name // in the first row
		row := func(what, run string) {
			if r := found[run]; r != nil {
				if name != "" {
					t.row(name, "", prose.Size(plain.Model.TrainingBytes), bits(plain), at(plain, 1024), exponent(plain), verdict(plain), last(plain))
					name = ""
				}
				t.row("", what, prose.Size(r.Model.TrainingBytes), bits(r), at(r, 1024), exponent(r), verdict(r), last(r))
			}
		}
		for _, c := range e.control {
			row(changes[c].what, e.name+"."+c)
		}
		for _, v := range e.vary {
			row(strings.ReplaceAll(v.name, "-", " "), e.name+"."+v.name)
		}
	}
	return t.String()
}

// pairs has the two-point information and the lag covariance.
func pairs(entries []entry, found map[string]*result.Result) string {
	t := newTable("text", "I(1), nats", "I(64)", "I(4,096)", "noise at 4,096", "decay of I(d)", "‖C(1)‖", "‖C(64)‖", "decay of ‖C(d)‖")
	for _, e := range entries {
		r := found[e.name+".twopoint"]
		if r == nil {
			continue
		}
		p := r.TwoPoint
		cells := []string{e.name}
		for _, d := range []int{1, 64, 4096} {
			cells = append(cells, point(p, d, func(q result.TwoPointPoint) string { return prose.Round(float64(q.Value), float64(q.SE)) }))
		}
		cells = append(cells, point(p, 4096, func(q result.TwoPointPoint) string { return prose.Significant(float64(q.Limit), 2) }), decaying(p.Law))
		for _, d := range []int{1, 64} {
			cells = append(cells, point(p, d, func(q result.TwoPointPoint) string {
				if q.Covariance == nil {
					return "–"
				}
				return prose.Significant(q.Covariance.Norm, 3)
			}))
		}
		t.row(append(cells, decaying(p.CovarianceLaw))...)
	}
	return t.String()
}

// point shows the estimate at a distance.
func point(p *result.TwoPoint, d int, show func(result.TwoPointPoint) string) string {
	for _, q := range p.Points {
		if q.Distance == d {
			return show(q)
		}
	}
	return "–"
}

// decaying is a law of decay in short, or the rival that describes it better.
func decaying(l *decay.Law) string {
	if l == nil {
		return "–"
	}
	if b := l.Better(); b != nil {
		if beyond, ok := b.Params["alpha_beyond"]; ok {
			return fmt.Sprintf("%s to d ≈ %s, then %s", power(b.Params["alpha"]), prose.Significant(b.Params["break"], 2), power(beyond))
		}
		return string(b.Family)
	}
	s := power(l.Alpha)
	if i := l.AlphaInterval; i != nil {
		s += " (" + interval(i) + ")"
	}
	if l.Scatter > 0.25 {
		s += fmt.Sprintf(", %.0f %% off", 100*l.Scatter)
	}
	return s
}

func power(alpha float64) string { return "d^" + prose.Fixed(-alpha, 2) }

func interval(i *info.Interval) string {
	return prose.Fixed(i.Lo, 2) + " … " + prose.Fixed(i.Hi, 2)
}

// bits is the loss in bits per symbol, per byte for tokens of a language model.
func bits(r *result.Result) string {
	if r.Loss.BitsPerByte > 0 {
		return prose.Fixed(r.Loss.BitsPerByte, 3)
	}
	return prose.Fixed(float64(info.Nats(r.Loss.NatsPerToken).Bits()), 3)
}

// at is the estimate at a length.
func at(r *result.Result, length int) string {
	for _, p := range r.Series[0].Points {
		if p.Length == length {
			return prose.Round(float64(p.Value), float64(p.SE)) + " ± " + prose.Significant(float64(p.SE), 2)
		}
	}
	return "–"
}

// bounds are the ends that the information at the longest length lies between.
func bounds(r *result.Result) string {
	b := r.Bracket
	if b == nil || b.Upper == nil {
		return "–"
	}
	return prose.Significant(max(float64(b.Lower.Limit), 0), 2) + " … " + prose.Significant(float64(b.Upper.Limit), 2)
}

// overall is the verdict over all lengths, and what was found about the run.
func overall(r *result.Result) string {
	a := r.Series[0].Law
	s := verdict(r)
	if a != nil && a.Verdict == law.PowerLawHolds && a.From > 0 {
		s = "power law from L = " + prose.Count(int(a.From))
	}
	for _, f := range r.Findings {
		s += ", `" + string(f.Code) + "`"
	}
	return s
}

// verdict is the verdict in a few words.
func verdict(r *result.Result) string {
	a := r.Series[0].Law
	if a == nil {
		return "withdrawn"
	}
	return map[law.Verdict]string{
		law.PowerLawHolds: "power law", law.PowerLawRejected: "rejected", law.Undecided: "undecided", law.NoInformation: "nothing measurable",
	}[a.Verdict]
}

// exponent is β with its interval.
func exponent(r *result.Result) string {
	a := r.Series[0].Law
	if a == nil || a.Power == nil {
		return "–"
	}
	p, _ := a.Power.Param("beta")
	s := prose.Fixed(p.Value, 2)
	if p.Interval != nil {
		s += " (" + interval(p.Interval) + ")"
	}
	return s
}

// last is the local exponent of the last doubling of the length.
func last(r *result.Result) string {
	a := r.Series[0].Law
	if a == nil || len(a.Local) == 0 {
		return "–"
	}
	l := a.Local[len(a.Local)-1]
	s := prose.Fixed(l.Exponent, 2)
	if l.Interval != nil {
		s += " (" + interval(l.Interval) + ")"
	}
	return s
}

// hues are the colours of domains.
var hues = map[string]figure.Hue{
	"language": figure.Blue, "code": figure.Green, "records": figure.Ochre, "DNA": figure.Vermilion, "protein": figure.Purple,
}

// drawing shows the information of all texts against the length.
func drawing(entries []entry, found map[string]*result.Result) *figure.Figure {
	f := &figure.Figure{
		ID: "laws", Title: "How much the first half of a text tells about the second, against its length",
		Caption: prose.Plain("Estimates of the built-in predictor (paired, L/ℓ = 2). Colours are domains."),
		X:       figure.Axis{Label: "window length L", Unit: "bytes, bases or residues", Scale: figure.Log2},
		Y:       figure.Axis{Label: "I(L/2; L)", Unit: "nats", Nats: true, Scale: figure.Log10},
		Aspect:  0.9,
	}
	inGroup := map[string]int{}
	for _, e := range entries {
		r := found[e.name]
		if r == nil {
			continue
		}
		c := figure.Curve{Name: e.name, Label: e.name, Hue: hues[e.group], Marker: figure.MarkerOf(inGroup[e.group]), Line: figure.Solid}
		inGroup[e.group]++
		for _, p := range r.Series[0].Points {
			c.Points = append(c.Points, figure.Point{X: float64(p.Length), Y: float64(p.Value), Lo: float64(p.Value), Hi: float64(p.Value)})
		}
		f.Curves = append(f.Curves, c)
	}
	return f
}
