package report

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/l2m-lab/l2m/report/prose"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/l2m-lab/l2m/result"
)

// compared is a comparison as its faces ask it.
type compared struct{ *result.Comparison }

// names are the runs' models, told apart by directory where they are called
// alike.
func (c compared) names() []string {
	seen := map[string]int{}
	for _, r := range c.Runs {
		seen[r.Model]++
	}
	var out []string
	for _, r := range c.Runs {
		name := r.Model
		if seen[name] > 1 {
			name += " (" + r.Run + ")"
		}
		out = append(out, printable(name))
	}
	return out
}

// headline is the finding as a sentence.
func (c compared) headline() string {
	names := c.names()
	first := c.Runs[0]
	var parts []string
	for i, r := range c.Runs[1:] {
		n := len(r.Information)
		if n == 0 || r.Information[n-1].Lost == nil {
			continue
		}
		p := r.Information[n-1]
		verb := "as much as"
		lo, hi := p.Lost.Bounds()
		switch {
		case lo > 0:
			verb = prose.Fixed(p.Lost.Value, 0) + " % less than"
		case hi < 0:
			verb = prose.Fixed(-p.Lost.Value, 0) + " % more than"
		}
		parts = append(parts, fmt.Sprintf("%s takes %s %s from %s %ss of past", names[i+1], verb, names[0], prose.Count(int64(math.Round(p.Ell))), c.Unit))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%s models were compared on the same text; the first is %s", prose.Count(len(c.Runs)), printable(first.Model))
	}
	return strings.Join(parts, "; ")
}

// unpaired is the number of runs that scored other windows than the first.
func (c compared) unpaired() (n int) {
	if c.Paired {
		return 0
	}
	for _, r := range c.Runs[1:] {
		if !r.Paired {
			n++
		}
	}
	return n
}

// own is what the runs themselves count.
func (c compared) own() string {
	if c.Paired {
		return c.Unit
	}
	return "token"
}

// stopText says where a model stops gaining.
func stopText(s result.Stop, unit string) string {
	switch {
	case s.Reason != "":
		return "unclear where it stops gaining: " + s.Reason
	case !s.Found:
		return fmt.Sprintf("gains up to %s %ss, the longest measured", prose.Count(s.Longest), unit)
	case s.Hi == 0:
		return fmt.Sprintf("stops gaining at %s %ss (%s or more)", stopNumber(s.At), unit, stopNumber(s.Lo))
	}
	return fmt.Sprintf("stops gaining at %s %ss (%s … %s)", stopNumber(s.At), unit, stopNumber(s.Lo), stopNumber(s.Hi))
}

func stopNumber(v float64) string { return prose.Count(int64(math.Round(v))) }

// ComparisonText writes what a person wants to know in ten seconds.
func ComparisonText(w io.Writer, doc *result.Comparison, opts TextOptions) error {
	c, t := compared{doc}, newTerminal(opts)
	t.paragraph(c.headline()+".", 2, text.Bold)
	how := "on the same windows"
	if n := c.unpaired(); n == len(c.Runs)-1 {
		how = "each run's documents resampled by themselves"
	} else if n > 0 {
		how = fmt.Sprintf("%d of the others on other windows", n)
	}
	t.paragraph(fmt.Sprintf("%s, windows of %s %ss, %s; intervals of %s %%", prose.Plural(c.Documents, "document", "documents"), prose.Count(c.Length), c.own(), how, prose.Fixed(100*c.Level, 0)), 2, text.Faint)
	names := c.names()
	t.out.WriteString("\n")
	t.table(c.modelTable(), 0)
	t.out.WriteString("\n")
	for i, r := range c.Runs {
		s := names[i] + ": " + stopText(r.Stop, c.own())
		if k := r.Capacity; k != nil {
			s += fmt.Sprintf("; an element of its state carries at least %s nats (%s elements after %s tokens, %s): l2m audit --capacity %s",
				prose.Round(k.NatsPerElement.Value, k.NatsPerElement.SE), prose.Count(int64(k.Elements)), prose.Count(k.Ell), printable(k.Config), strings.ReplaceAll(prose.Significant(k.NatsPerElement.Value, 3), "\u202f", ""))
		}
		t.paragraph(s, 2)
	}
	if c.Models != nil {
		if c.Models.Reason == "" {
			t.out.WriteString("\n")
			t.table(c.lossTable(), 0)
			t.out.WriteString("\n")
		}
		t.paragraph(c.lossSentence(), 2)
	}
	for _, warning := range c.Warnings {
		t.paragraph(sentence(warning), 2, text.FgYellow)
	}
	_, err := io.WriteString(w, t.out.String())
	return err
}
