package report

import (
	"fmt"
	"io"
	"strconv"

	"gonum.org/v1/gonum/stat"

	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// LabFaces are the files made of a training.
func LabFaces(l *result.Lab, formats []string) []rundir.Face {
	return append([]rundir.Face{face(rundir.Report, l, LabHTML)}, figureFaces(labFigures(l), formats)...)
}

// LabHeadline is the finding of a training as a sentence; "" where the model was
// not evaluated.
func LabHeadline(l *result.Lab) string { return trainedModel{l}.headline().String() }

// LabHTML writes the page of a training, or of the evaluation of a model that was
// trained elsewhere.
func LabHTML(w io.Writer, l *result.Lab) error {
	data, err := result.Marshal(l)
	if err != nil {
		return fmt.Errorf("writing the page of the training: %w", err)
	}
	r := trainedModel{l}
	p := &page.Page{
		Kind: "lab", Subject: l.Name + " on " + l.Data, Tone: page.Neutral, Verdict: r.headline(),
		Lead: prose.Plain("A small model, evaluated on sequences that it was not trained on."),
		Data: data, DataName: rundir.Lab.Document, Version: l.Version, Command: l.Command,
	}
	if l.Parameters > 0 {
		p.Facts = []page.Fact{
			{Label: "parameters", Value: prose.Phrase{{Text: prose.Count(l.Parameters), Ref: ".parameters"}}},
			{Label: "tokens", Value: prose.Phrase{{Text: prose.Count(l.Tokens), Ref: ".tokens"}}, Note: prose.Plain("of training")},
		}
		if l.Seconds > 0 {
			p.Facts = append(p.Facts, page.Fact{
				Label: "speed", Value: prose.Plain(prose.Count(int64(float64(l.Tokens)/l.Seconds)) + " tokens a second"),
				Note: prose.Join(prose.Plain("of one core; "), prose.Phrase{{Text: prose.Significant(l.Seconds, 3), Ref: ".cpu_seconds"}}, prose.Plain("\u00a0s of processor time with evaluations")),
			})
		}
	} else {
		p.Lead = prose.Plain("A model that was trained elsewhere, by what it predicts of the sequences.")
	}
	if len(p.Verdict) == 0 {
		p.Verdict = prose.Plain("The model was not evaluated.")
	}
	curves := []page.Block{}
	for _, f := range labFigures(l) {
		if f.ID == positionsFigure {
			p.Hero = f
			continue
		}
		curves = append(curves, page.Draw(f))
	}
	p.Sections = []page.Section{{ID: "evaluations", Title: "Evaluations", Blocks: []page.Block{r.table(0)}}}
	if len(curves) > 0 {
		p.Sections = append(p.Sections, page.Section{ID: "training", Title: "Training", Blocks: curves})
	}
	return p.HTML(w)
}

// labFigures are the figures of a training.
func labFigures(l *result.Lab) []*figure.Figure {
	var out []*figure.Figure
	r := trainedModel{l}
	if f := r.positions(); f != nil {
		out = append(out, f)
	}
	if len(l.Curve) > 1 {
		out = append(out,
			r.curve("training-loss", "How the loss fell", "loss", "nats", "loss", func(s result.LabStretch) float64 { return s.Loss }),
			r.curve("gradient-norm", "How large gradients were", "norm of the gradient", "", "gradient_norm", func(s result.LabStretch) float64 { return s.Norm }))
	}
	return out
}

const positionsFigure = "loss-by-position"

// rounded is information, nats, that is 0 but for rounding: that of the first
// token in nothing.
const rounded = 1e-12

// trainedModel is a training as its faces ask it.
type trainedModel struct{ *result.Lab }

func (r trainedModel) headline() prose.Phrase {
	e, i := r.Last()
	at := fmt.Sprintf(".evaluations[%d].", i)
	switch {
	case e == nil:
		return nil
	case e.Gap != nil:
		gap := prose.Phrase{{Text: fmt.Sprintf("%.2f\u00a0%%", 100**e.Gap), Ref: at + "gap"}}
		return prose.Join(prose.Plain("The model misses "), gap, prose.Plain(fmt.Sprintf(" of what the past says about the next token, at L\u00a0=\u00a0%d.", e.Length)))
	case e.Accuracy != nil:
		return prose.Join(percent(*e.Accuracy, at+"accuracy"), prose.Plain(fmt.Sprintf(" of the answers are right, at L\u00a0=\u00a0%d.", e.Length)))
	}
	if e.Divergence != nil {
		return prose.Plain(fmt.Sprintf("The model loses %s nats a token more than the exact law, at L\u00a0=\u00a0%d.", prose.Round(stat.Mean(e.Divergence, nil), 0), e.Length))
	}
	return prose.Join(prose.Plain("The model's loss is "), prose.Value(e.Loss, 0, at+"loss"), prose.Plain(fmt.Sprintf(" nats a token, at L\u00a0=\u00a0%d.", e.Length)))
}

// positions draws the loss of each token beside what is known exactly, nil where
// not all tokens count.
func (r trainedModel) positions() *figure.Figure {
	e, at := r.Last()
	if e == nil || len(e.ByPosition) == 0 {
		return nil
	}
	f := &figure.Figure{
		ID: positionsFigure, Title: "Loss by position",
		Caption: prose.Plain("Mean over the evaluated sequences of what the model loses at each position."),
		X:       figure.Axis{Label: "position", Unit: "tokens", Scale: figure.Log2}, Y: figure.Axis{Label: "loss", Unit: "nats", Nats: true},
	}
	add := func(name, field string, values []float64, line figure.Stroke) {
		c := figure.Curve{Name: name, Label: name, Hue: figure.HueOf(len(f.Curves)), Marker: figure.NoMarker, Line: line}
		for t, y := range values {
			if y > rounded || f.Y.Scale == figure.Linear {
				c.Points = append(c.Points, figure.Point{X: float64(t + 1), Y: y, Lo: y, Hi: y, Ref: fmt.Sprintf(".evaluations[%d].%s[%d]", at, field, t)})
			}
		}
		if len(c.Points) > 0 {
			f.Curves = append(f.Curves, c)
		}
	}
	if e.Gain != nil {
		f.Y.Scale = figure.Log10
		f.Caption = prose.Plain("Divergence of the model from the exact law at each position, and the information that the past holds there: what a model that knows nothing would lose.")
	}
	if e.Divergence != nil {
		f.Caption = prose.Plain("Mean over the evaluated sequences of what the model and the exact law lose at each position, and the divergence of the model's law of the next token from the exact one: their difference without the chance of which token came.")
		if e.Gain != nil {
			f.Caption = prose.Join(f.Caption, prose.Plain(" Dashed too: the information that the past holds about the token, which a model that knows nothing of it would lose."))
		}
	}
	add("model", "by_position", e.ByPosition, figure.Solid)
	add("in the past", "gain", e.Gain, figure.Dashed)
	add("exact law", "exact", e.Exact, figure.Dashed)
	add("divergence", "divergence", e.Divergence, figure.Solid)
	if len(f.Curves) == 0 {
		return nil
	}
	return f
}

func (r trainedModel) curve(id, title, label, unit, field string, of func(result.LabStretch) float64) *figure.Figure {
	f := &figure.Figure{
		ID: id, Title: title, Caption: prose.Plain("Means over stretches of steps; curve.csv has every step."),
		X: figure.Axis{Label: "step", Scale: figure.Log10}, Y: figure.Axis{Label: label, Unit: unit, Nats: unit == "nats", Scale: figure.Log10},
	}
	c := figure.Curve{Name: label, Hue: figure.HueOf(0), Marker: figure.NoMarker, Line: figure.Solid}
	for i, s := range r.Curve {
		y := of(s)
		c.Points = append(c.Points, figure.Point{X: float64(s.Step), Y: y, Lo: y, Hi: y, Ref: fmt.Sprintf(".curve[%d].%s", i, field)})
	}
	f.Curves = []figure.Curve{c}
	return f
}

// LabText writes the evaluations at the end of a training.
func LabText(w io.Writer, l *result.Lab, opts TextOptions) error {
	t := newTerminal(opts)
	head := fmt.Sprintf("%s: %d parameters, %d steps, %d tokens", l.Name, l.Parameters, l.Steps, l.Tokens)
	if l.Parameters == 0 { // trained elsewhere
		head = l.Name + " on " + l.Data
	}
	t.paragraph(head, 2)
	t.out.WriteString("\n")
	t.table(trainedModel{l}.table(l.Steps), 0)
	_, err := io.WriteString(w, t.out.String())
	return err
}

// table lists the evaluations after the step from and later.
func (r trainedModel) table(from int) *page.Table {
	t := &page.Table{ID: "evaluations-table", Columns: []page.Column{
		page.Number("step"), page.Number("L"), page.Number("sequences"), page.Number("loss, nats"), page.Number("exact"), page.Number("divergence"), page.Number("gap"), page.Number("right"),
	}}
	for i, e := range r.Evaluations {
		if e.Step < from {
			continue
		}
		at := fmt.Sprintf(".evaluations[%d].", i)
		whole := func(n int, field string) prose.Phrase { return prose.Phrase{{Text: strconv.Itoa(n), Ref: at + field}} }
		row := []prose.Phrase{whole(e.Step, "step"), whole(e.Length, "length"), whole(e.Sequences, "sequences"), prose.Value(e.Loss, 0, at+"loss"), prose.Plain("–"), prose.Plain("–"), prose.Plain("–"), prose.Plain("–")}
		if e.Exact != nil {
			row[4] = prose.Plain(prose.Round(stat.Mean(e.Exact, nil), 0))
		}
		if e.Divergence != nil {
			row[5] = prose.Plain(prose.Round(stat.Mean(e.Divergence, nil), 0))
		}
		if e.Gap != nil {
			row[6] = prose.Phrase{{Text: fmt.Sprintf("%.2f\u00a0%%", 100**e.Gap), Ref: at + "gap"}}
		}
		if e.Accuracy != nil {
			row[7] = percent(*e.Accuracy, at+"accuracy")
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
