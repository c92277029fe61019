package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/internal/shell"
	"github.com/l2m-lab/l2m/result"
)

// TextOptions says how to write for a terminal.
type TextOptions struct {
	Color bool   // ANSI colours
	Width int    // columns; 0 means 80
	Run   string // the run directory, for the last line; empty leaves it out
	Next  string // a better command to measure with, and what it costs; empty: none
	Audit string // what the last line proposes to audit: the file of the model; empty means a config.json
}

// Text writes what a person wants to know in ten seconds: the finding as a
// sentence, one line of facts, a table of estimators, the rival laws, the
// two-point law, and footnotes that say what to distrust and what to do.
func Text(w io.Writer, r *result.Result, opts TextOptions) error {
	t := newTerminal(opts)
	t.r, t.find = r, find(r)
	t.verdict()
	t.facts()
	t.fits()
	t.rivals()
	t.twoPoint()
	t.footnotes()
	t.next()
	_, err := io.WriteString(w, t.out.String())
	return err
}

// terminal builds the text of one result.
type terminal struct {
	r     *result.Result
	opts  TextOptions
	find  finding
	notes footnotes
	out   strings.Builder
}

func newTerminal(opts TextOptions) *terminal {
	if opts.Width == 0 {
		opts.Width = 80
	}
	return &terminal{opts: opts}
}

func (t *terminal) colour(s string, c ...text.Color) string {
	if !t.opts.Color {
		return s
	}
	var codes []string
	for _, x := range c {
		codes = append(codes, strconv.Itoa(int(x)))
	}
	return "\x1b[" + strings.Join(codes, ";") + "m" + s + "\x1b[0m"
}

// paragraph writes words wrapped at the width; later lines are indented.
// No-break spaces keep a line together and are written as spaces.
func (t *terminal) paragraph(s string, indent int, c ...text.Color) {
	for i, l := range wrap(printable(s), t.opts.Width, indent) {
		if i > 0 {
			t.out.WriteString(strings.Repeat(" ", indent))
		}
		t.out.WriteString(t.colour(strings.ReplaceAll(l, "\u00a0", " "), c...) + "\n")
	}
}

// printable keeps control characters of file names from reaching the terminal.
func printable(s string) string { return screen.Printable(s) }

// wrap breaks a text at spaces. Lines after the first are indent shorter.
func wrap(s string, width, indent int) []string {
	var lines []string
	line, room := "", width
	for _, word := range strings.Split(s, " ") {
		switch {
		case line == "":
			line = word
		case text.StringWidthWithoutEscSequences(line)+1+text.StringWidthWithoutEscSequences(word) <= room:
			line += " " + word
		default:
			lines = append(lines, line)
			line, room = word, width-indent
		}
	}
	return append(lines, line)
}

func (t *terminal) verdict() {
	s := t.find.headline
	colour := map[page.Tone]text.Color{page.Good: text.FgGreen, page.Bad: text.FgRed, page.Doubtful: text.FgYellow}[t.find.tone]
	switch {
	case t.find.formula != nil && t.find.withdrawn:
		s += "; the estimates follow " + t.find.formula.String()
	case t.find.formula != nil && t.find.rejected:
		s += "; the best single one is " + t.find.formula.String()
	case t.find.formula != nil:
		s += ": " + t.find.formula.String()
	}
	if t.find.exponent != nil && t.find.exponent.Interval != nil {
		iv := t.find.exponent.Interval
		s += ", " + level(iv) + " interval of the exponent " + interval(iv, t.find.exponent.SE, "").String()
	}
	if t.find.caveat != "" {
		s += ". " + t.find.caveat + "."
	}
	codes := []text.Color{text.Bold}
	if colour != 0 {
		codes = append(codes, colour)
	}
	t.paragraph(s, 2, codes...)
	if t.find.reason != "" {
		t.paragraph(t.find.reason, 2)
	}
	if b := bracket(t.r); b != nil {
		t.paragraph(b.String(), 2)
	}
}

// facts is one line that says what the finding rests on.
func (t *terminal) facts() {
	r, unit := t.r, lengthUnit(t.r)
	var parts []string
	if r.Windows.Count > 0 {
		parts = append(parts, prose.Plural(r.Windows.Documents, "document", "documents"), prose.Plural(r.Windows.Count, "window", "windows"))
		if r.Windows.ClusterKind == "block" {
			parts[0] = prose.Plural(r.Windows.Documents, "document", "documents") + " in " + prose.Plural(r.Windows.Clusters, "block", "blocks")
		}
	} else if n := counted(r); n > 0 {
		parts = append(parts, prose.Plural(n, "document", "documents"))
	}
	if p := r.TwoPoint; p != nil && t.find.series < 0 {
		parts = append(parts, prose.Count(p.Tokens)+" "+unit, p.Estimator+" estimator")
	}
	if t.find.series >= 0 {
		p := r.Series[t.find.series].Points
		parts = append(parts, fmt.Sprintf("L = %s … %s %s", prose.Count(p[0].Length), prose.Count(p[len(p)-1].Length), unit))
	}
	if r.Model.Name != "" {
		parts = append(parts, "model "+modelName(r))
	}
	if r.Loss.BitsPerByte > 0 {
		parts = append(parts, prose.Significant(r.Loss.BitsPerByte, 4)+"\u00a0"+lossUnit(r))
	}
	if n := r.Corpus.Duplicates; n > 0 {
		parts = append(parts, prose.Plural(n, "duplicate", "duplicates")+" dropped")
	}
	skipped := 0
	for _, n := range r.Corpus.Skipped {
		skipped += n
	}
	if skipped > 0 && r.Corpus.Read == "" {
		parts = append(parts, prose.Plural(skipped, "file", "files")+" skipped")
	}
	if len(parts) > 0 {
		for i, p := range parts {
			parts[i] = strings.ReplaceAll(p, " ", "\u00a0")
		}
		t.paragraph(strings.Join(parts, ", "), 2)
	}
	if read := r.Corpus.Read; read != "" {
		t.paragraph("read: "+read, 2)
	}
}

// modelName is the model's name with the head of its fingerprint.
func modelName(r *result.Result) string {
	if f := r.Model.Fingerprint; f != "" && !strings.Contains(r.Model.Name, "@") {
		if i := strings.LastIndexByte(f, ':'); i >= 0 {
			f = f[i+1:]
		}
		return r.Model.Name + "@" + f[:min(len(f), 6)]
	}
	return r.Model.Name
}

// rows are the series of the table: the headline's ratio in every estimator,
// then its estimator at the other ratios.
func (t *terminal) rows() (rows []int, hidden int) {
	head := t.r.Series[t.find.series]
	rows = []int{t.find.series}
	for i, s := range t.r.Series {
		if i != t.find.series && s.Ratio == head.Ratio {
			rows = append(rows, i)
		}
	}
	for i, s := range t.r.Series {
		switch {
		case s.Ratio == head.Ratio:
		case s.Estimator == head.Estimator:
			rows = append(rows, i)
		default:
			hidden++
		}
	}
	return rows, hidden
}

func (t *terminal) fits() {
	if t.find.series < 0 {
		return
	}
	rows, hidden := t.rows()
	t.out.WriteString("\n")
	t.table(fitTable(t.r, rows, &t.notes), 1)
	if hidden > 0 {
		where := " in report.html"
		if t.opts.Run == "" {
			where = " left out"
		}
		t.paragraph(prose.Plural(hidden, "more series is", "more series are")+where, 0, text.Faint)
	}
}

// rivals compares the families fitted to the headline series.
func (t *terminal) rivals() {
	if t.find.series < 0 {
		return
	}
	a := t.r.Series[t.find.series].Law
	if a == nil || len(a.Rivals) == 0 {
		return
	}
	var parts []string
	if a.Power != nil {
		parts = append(parts, "power law\u00a0"+weight(a.Power.Weight))
	}
	negligible := 0
	for _, f := range a.Rivals {
		if f.Weight < 0.001 {
			negligible++
			continue
		}
		parts = append(parts, strings.ReplaceAll(familyName(f.Family)+" "+weight(f.Weight), " ", "\u00a0"))
	}
	switch {
	case negligible == 1:
		parts = append(parts, "one other <\u00a00.001")
	case negligible > 1:
		parts = append(parts, fmt.Sprintf("%d others <\u00a00.001", negligible))
	}
	t.out.WriteString("\n")
	t.paragraph("rival laws   "+strings.Join(parts, " · ")+" (Akaike\u00a0weights)", 13)
}

// twoPoint is the line of the two-point law.
func (t *terminal) twoPoint() {
	p := t.r.TwoPoint
	if p == nil {
		return
	}
	s := "two-point    "
	fitted, first, last := 0, 0, 0
	for _, q := range p.Points {
		if q.LeftOut == "" {
			if fitted++; first == 0 {
				first = q.Distance
			}
			last = q.Distance
		}
	}
	switch {
	case p.Law == nil:
		s += "no decay could be fitted"
	default:
		s += decayFormula(p.Law).String()
		if iv := p.Law.AlphaInterval; iv != nil {
			s += ", " + strings.ReplaceAll(level(iv)+": "+interval(iv, 0, "").String(), " ", "\u00a0")
		}
	}
	if p.Law != nil {
		s += fmt.Sprintf(" (d\u00a0=\u00a0%s\u00a0…\u00a0%s", prose.Count(first), prose.Count(last))
		if p.Law.DoF > 0 {
			s += "; χ²/dof\u00a0" + reduced(p.Law.Chi2, p.Law.DoF)
		}
		if n := len(p.Points); fitted < n {
			s += fmt.Sprintf("; %d of %d distances not fitted", n-fitted, n)
		}
		s += ")"
	}
	ws := append([]info.Warning(nil), p.Warnings...)
	if p.Law != nil {
		ws = append(ws, p.Law.Warnings...)
	}
	if m := t.notes.mark(ws); m != "" {
		s += " " + m
	}
	if t.find.series < 0 || t.r.Series[t.find.series].Law == nil || len(t.r.Series[t.find.series].Law.Rivals) == 0 {
		t.out.WriteString("\n")
	}
	t.paragraph(s, 13)
	if t.find.series < 0 {
		t.pairs()
	}
}

// pairs is the table of two-point information.
func (t *terminal) pairs() {
	p := t.r.TwoPoint
	t.out.WriteString("\n")
	whole := t.table(pairsTable(p), 0)
	note := "± one standard error · noise: up to there a value is not distinguishable from zero"
	if floorMatters(p) && whole {
		note += " · shuffled: the estimate on shuffled pairs"
		if p.Corrected {
			note += ", subtracted from I(d)"
		}
	}
	t.paragraph(note, 2, text.Faint)
}

// footnotes lists the warnings, those of the whole run last.
func (t *terminal) footnotes() {
	t.notes.mark(t.r.Warnings)
	if len(t.notes.list) == 0 {
		return
	}
	t.out.WriteString("\n")
	for i, w := range t.notes.list {
		t.paragraph(prose.Superscript(i+1)+" "+sentence(w), 2, text.FgYellow)
	}
}

// next says where the run is and what to do with it.
func (t *terminal) next() {
	if t.opts.Run == "" {
		return
	}
	run := shell.Quote(t.opts.Run)
	t.out.WriteString("\n")
	s := "run kept in " + run + " — open " + strings.TrimSuffix(run, "/") + "/report.html"
	if t.find.exponent != nil {
		audited := "config.json"
		if t.opts.Audit != "" {
			audited = shell.Quote(t.opts.Audit)
		}
		s += "; next: l2m audit " + audited + " --law " + run
		if t.r.Corpus.Tokenizer == "bytes" {
			s += " --bytes-per-token 4.4"
		}
	}
	t.paragraph(s, 2, text.Faint)
	if t.opts.Next != "" {
		t.paragraph("a real language model: "+t.opts.Next, 2, text.Faint)
	}
}
