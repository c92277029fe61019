package report

import (
	"fmt"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// lossTable is the law as a function of the loss.
func (c compared) lossTable() *page.Table {
	t := &page.Table{ID: "law-by-loss", Caption: prose.Plain("The power law of what each model takes from its past, fitted over all lengths, and of the line through the models at a lower loss. ± is half an interval."), Columns: []page.Column{
		{Head: prose.Plain("law"), Wide: true}, {Head: prose.Plain("loss per " + c.own()), Numeric: true, Short: "nats/" + c.own()}, page.Number("exponent β"), page.Number("A"),
		{Head: prose.Plain("nats at the longest length"), Numeric: true, Short: "nats"},
	}}
	names := c.names()
	row := func(name string, l *result.LossLaw, ref string) {
		r := []prose.Phrase{prose.Plain(name), plusMinus(&l.Loss, false, "", ref+".loss")}
		for _, e := range []struct {
			name string
			of   *info.Estimate
		}{{"beta", &l.Beta}, {"a", &l.A}, {"nats", &l.Nats}} {
			r = append(r, plusMinus(e.of, false, "", ref+"."+e.name))
		}
		t.Rows = append(t.Rows, r)
	}
	m := c.Models
	for i := range m.Runs {
		row(names[m.Runs[i].Run], &m.Runs[i], fmt.Sprintf(".models.runs[%d]", i))
	}
	row("line, at the lowest loss", m.Lowest, ".models.lowest")
	if m.Ideal != nil {
		row("line, at --ideal-loss", m.Ideal, ".models.ideal")
	}
	return t
}

// lossSentence says what a lower loss would show.
func (c compared) lossSentence() string {
	m := c.Models
	if m.Reason != "" {
		return "The law as a function of the models' loss: no answer, " + m.Reason + "."
	}
	s := fmt.Sprintf("A loss lower by 0.1 nats per %s changes the information at the longest length by %s nats, and the exponent by %s.",
		c.own(), ofTenth(m.Gain), ofTenth(m.BetaGain))
	switch e := m.Missing; {
	case e != nil:
		by, word := *e, "higher"
		if e.Value < 0 {
			by, word = e.Scale(-1), "lower"
		}
		s += fmt.Sprintf(" At the loss of a perfect model the exponent is %s, %s than that of the best model here by %s.", between(m.Ideal.Beta), word, between(by))
	case m.Ideal != nil:
		s += " At the loss of a perfect model nothing that follows a law is left on the line: what these models take is their own doing, or the line does not reach so far."
	default:
		s += " How much of the exponent is the models' depends on the loss of a perfect model, which these runs do not tell: give it with --ideal-loss."
	}
	if m.Reach > 1 {
		s += fmt.Sprintf(" That lies %s times as far below the best model as the worst is above it: take it as a guess.", prose.Fixed(m.Reach, 1))
	}
	if r := m.Residual; r.Run >= 0 && r.Nats.SE > 0 {
		if lo, hi := r.Nats.Bounds(); lo > 0 || hi < 0 {
			s += fmt.Sprintf(" But the models do not lie on a line: %s is %s nats off it, so that nothing about other losses follows from them.", c.names()[r.Run], between(r.Nats))
		}
	}
	return s
}

// ofTenth is a tenth of an estimate with its interval.
func ofTenth(e info.Estimate) string { return between(e.Scale(0.1)) }

// between is an estimate and its interval.
func between(e info.Estimate) string {
	s := prose.Round(e.Value, e.SE)
	if i := e.Interval; i != nil {
		s += " (" + prose.Round(i.Lo, e.SE) + " … " + prose.Round(i.Hi, e.SE) + ")"
	}
	return s
}

func (c compared) lossSection() page.Section {
	s := page.Section{ID: "law-by-loss", Title: "The law and the loss", Blocks: []page.Block{page.Prose{Text: prose.Plain(c.lossSentence())}}}
	if c.Models.Reason == "" {
		s.Blocks = append([]page.Block{c.lossTable()}, s.Blocks...)
		s.Blocks = append(s.Blocks, page.Prose{Text: prose.Plain(
			"In a family of models whose excess loss depends on the context in the same way, differing only in size, the information at each length lies on a line in the loss. The line is fitted by least squares through the models on the same windows; documents are resampled for all of them at once.")})
	}
	return s
}
