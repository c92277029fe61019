package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/stat"

	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// StudyFaces are the files made of a study.
func StudyFaces(s *result.Study, formats []string) []rundir.Face {
	return append([]rundir.Face{face(rundir.Report, s, StudyHTML)}, figureFaces(studyFigures(s), formats)...)
}

// StudyHeadline is the question of a study, and how far it is.
func StudyHeadline(s *result.Study) string { return trainedGrid{s}.headline().String() }

// StudyHTML writes the page of a study.
func StudyHTML(w io.Writer, s *result.Study) error {
	data, err := result.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing the page of the study: %w", err)
	}
	r := trainedGrid{s}
	p := &page.Page{
		Kind: "study", Subject: s.Name, Tone: page.Neutral, Verdict: r.headline(), Lead: prose.Plain(s.About),
		Data: data, DataName: rundir.Study.Document, Version: s.Version, Command: s.Command,
	}
	seconds := 0.0
	for i := range s.Cells {
		seconds += s.Cells[i].Seconds
	}
	spent := prose.Significant(seconds/3600, 2) + " h"
	if seconds < 3600 {
		spent = prose.Significant(seconds/60, 2) + " min"
	}
	p.Facts = []page.Fact{
		{Label: "trained models", Value: prose.Plain(strconv.Itoa(len(s.Cells))), Note: prose.Plain(fmt.Sprintf("of %d", s.Planned))},
		{Label: "time", Value: prose.Plain(spent), Note: prose.Plain("of one processor core")},
	}
	var figures []page.Block
	for i, f := range studyFigures(s) {
		if i == 0 {
			p.Hero = f
			continue
		}
		figures = append(figures, page.Draw(f))
	}
	if len(figures) > 0 {
		p.Sections = append(p.Sections, page.Section{ID: "figures", Title: "Figures", Blocks: figures})
	}
	if len(s.Cells) > 0 {
		p.Sections = append(p.Sections, page.Section{ID: "models", Title: "Models", Blocks: []page.Block{r.table()}})
	}
	if t := r.capacities(); len(t.Rows) > 0 {
		p.Sections = append(p.Sections, page.Section{ID: "capacity", Title: "What a number of the state carried", Blocks: []page.Block{t}})
	}
	if t := r.measured(); len(t.Rows) > 0 {
		p.Sections = append(p.Sections, page.Section{ID: "measured", Title: "What l2m measure finds with these models", Blocks: []page.Block{t}})
	}
	return p.HTML(w)
}

// StudyText writes the table of a study.
func StudyText(w io.Writer, s *result.Study, opts TextOptions) error {
	t := newTerminal(opts)
	r := trainedGrid{s}
	t.paragraph(fmt.Sprintf("%s: %s", s.Name, r.headline()), 2)
	if len(s.Cells) > 0 {
		t.out.WriteString("\n")
		t.table(r.table(), 0)
	}
	for _, more := range []*page.Table{r.capacities(), r.measured()} {
		if len(more.Rows) > 0 {
			t.out.WriteString("\n")
			t.table(more, 0)
		}
	}
	_, err := io.WriteString(w, t.out.String())
	return err
}

// trainedGrid is a study as its faces ask it.
type trainedGrid struct{ *result.Study }

func (r trainedGrid) headline() prose.Phrase {
	question := cmp.Or(r.Question, "A grid of small models.")
	if len(r.Cells) < r.Planned {
		question += fmt.Sprintf(" (%d of %d models are trained.)", len(r.Cells), r.Planned)
	}
	return prose.Plain(question)
}

// group is evaluations that differ in their seeds only.
type group struct {
	model        string
	length       int
	further      bool  // not the length of the cells
	cells        []int // of the study
	mean, lo, hi float64
	state        int64
	tokens       int64
	operations   float64
	seconds      float64 // of the cells of which it is known
	timed        int     // number of those
}

// groups are the groups of a panel, in the order of the models; models that were not
// trained are left out.
func (r trainedGrid) groups(panel string) []*group {
	var out []*group
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.Panel != panel {
			continue
		}
		add := func(e result.StudyEvaluation, further bool) {
			v := e.Value()
			at := slices.IndexFunc(out, func(g *group) bool { return g.model == c.Model && g.length == e.Length })
			if at < 0 {
				at = len(out)
				out = append(out, &group{model: c.Model, length: e.Length, further: further, lo: v, hi: v, state: e.State, tokens: c.Tokens, operations: c.Operations})
			}
			g, n := out[at], float64(len(out[at].cells))
			g.cells = append(g.cells, i)
			g.mean = (n*g.mean + v) / (n + 1)
			if c.Seconds > 0 {
				g.seconds, g.timed = g.seconds+c.Seconds, g.timed+1
			}
			g.lo, g.hi = min(g.lo, v), max(g.hi, v)
		}
		add(c.Evaluation(), false)
		for _, e := range c.Others {
			add(e, true)
		}
	}
	place := map[string]int{} // a model that the file does not name comes first
	for i, m := range r.Models {
		place[m.Name] = i + 1
	}
	slices.SortStableFunc(out, func(a, b *group) int { return cmp.Compare(place[a.model], place[b.model]) })
	return out
}

// own are the groups at the lengths of the cells.
func (r trainedGrid) own(panel string) []*group {
	return slices.DeleteFunc(r.groups(panel), func(g *group) bool { return g.further })
}

// value is a gap, an accuracy or a loss in words.
func (r trainedGrid) value(v float64) string {
	if r.losses() {
		return prose.Significant(v, 4)
	}
	return prose.Significant(100*v, 2) + "\u00a0%"
}

// table lists what was trained, panel by panel.
func (r trainedGrid) table() *page.Table {
	t := &page.Table{
		ID: "models-table", Caption: prose.Plain("Mean over seeds, and the lowest and highest seed."),
		Columns: []page.Column{page.Text("model"), page.Number("numbers kept"), page.Number(r.what()), page.Number("lowest"), page.Number("highest"), page.Number("seeds"), page.Number("CPU s")},
	}
	for _, p := range r.Panels {
		groups := r.own(p.Name)
		if len(groups) == 0 {
			continue
		}
		t.Rows = append(t.Rows, []prose.Phrase{prose.Plain(cmp.Or(p.Label, p.Name))})
		for _, g := range groups {
			at, seconds := fmt.Sprintf(".cells[%d].", g.cells[0]), "–"
			if g.timed > 0 {
				seconds = strconv.FormatFloat(g.seconds/float64(g.timed), 'f', 0, 64)
			}
			t.Rows = append(t.Rows, []prose.Phrase{
				prose.Plain(g.model), {{Text: prose.Count(g.state), Ref: at + "state"}}, prose.Plain(r.value(g.mean)), prose.Plain(r.value(g.lo)),
				prose.Plain(r.value(g.hi)), prose.Plain(strconv.Itoa(len(g.cells))), prose.Plain(seconds),
			})
		}
	}
	return t
}

// capacities lists what a number of each state carried at least.
func (r trainedGrid) capacities() *page.Table {
	t := &page.Table{
		ID: "capacity-table", Caption: prose.Plain("At that of the evaluated lengths where it is most; means over seeds, and the lowest and highest seed. Nats are a lower bound of the information about the values, given the keys."),
		Columns: []page.Column{page.Text("model"), page.Number("tokens"), page.Number("pairs told"), page.Number("recalled"), page.Number("nats"), page.Number("numbers kept"), page.Number("nats a number"), page.Number("lowest"), page.Number("highest"), page.Number("seeds")},
	}
	for _, p := range r.Panels {
		found := r.Capacities(p.Name)
		if len(found) == 0 {
			continue
		}
		t.Rows = append(t.Rows, []prose.Phrase{prose.Plain(cmp.Or(p.Label, p.Name))})
		for _, c := range found {
			row := []prose.Phrase{prose.Plain(c.Model)}
			for _, text := range []string{
				strconv.Itoa(c.Length), strconv.Itoa(c.Told), prose.Significant(c.Pairs, 2), prose.Significant(c.Nats, 2), prose.Count(c.Elements),
				prose.Significant(c.Mean, 2), prose.Significant(c.Lowest, 2), prose.Significant(c.Highest, 2), strconv.Itoa(c.Seeds),
			} {
				row = append(row, prose.Plain(text))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// what names the value of the cells.
func (r trainedGrid) what() string {
	switch {
	case r.tasks():
		return "right"
	case r.losses():
		return "loss, nats"
	}
	return "gap"
}

// losses reports whether only the losses of the models are known.
func (r trainedGrid) losses() bool {
	return len(r.Cells) > 0 && r.Cells[0].Gap == nil && r.Cells[0].Accuracy == nil
}

// tasks reports whether the models answer questions.
func (r trainedGrid) tasks() bool {
	return len(r.Cells) > 0 && r.Cells[0].Gap == nil && r.Cells[0].Accuracy != nil
}

// studyFigures are the figures of which something is there.
func studyFigures(s *result.Study) []*figure.Figure {
	var out []*figure.Figure
	for _, f := range s.Figures {
		r := trainedGrid{s}
		draw := r.draw
		switch f.X {
		case result.ByGap:
			draw = r.drawMeasured
		case result.ByPosition:
			draw = r.drawPositions
		}
		if drawn := draw(f); len(drawn.Curves) > 0 && !slices.ContainsFunc(out, func(o *figure.Figure) bool { return o.ID == f.ID }) {
			out = append(out, drawn)
		}
	}
	return out
}

// axes are the axes by what a figure is drawn against.
var axes = map[string]figure.Axis{
	result.ByState:  {Label: "numbers that the model keeps", Scale: figure.Log2},
	result.ByLength: {Label: "length L", Unit: "tokens", Scale: figure.Log2},
	result.ByCost:   {Label: "operations a token", Scale: figure.Log10},
	result.ByTokens: {Label: "trained on", Unit: "tokens", Scale: figure.Log2},
}

// draw draws a figure: a curve for each model, or for each family against the size of
// the state.
func (r trainedGrid) draw(f result.StudyFigure) *figure.Figure {
	scale := figure.Log10
	if r.tasks() || r.losses() {
		scale = figure.Linear
	}
	fig := &figure.Figure{
		ID: f.ID, Title: f.Title, X: axes[f.X], Y: figure.Axis{Label: r.what(), Scale: scale},
		Caption: prose.Plain(cmp.Or(f.Caption, "Points are means over seeds; bars reach from the lowest to the highest.")),
	}
	byName := map[string]*figure.Curve{}
	var order []string
	for _, p := range f.Panels {
		for _, g := range r.groups(p) {
			if len(f.Models) > 0 && !slices.Contains(f.Models, g.model) || !shows(f, g) {
				continue
			}
			name := g.model
			if f.X == result.ByState || f.X == result.ByCost {
				name = r.family(g.model)
				if len(f.Panels) > 1 {
					name += ", " + r.label(p)
				}
			}
			c := byName[name]
			if c == nil {
				c = &figure.Curve{Name: name, Label: name, Line: figure.Solid, Bars: true}
				byName[name] = c
				order = append(order, name)
			}
			c.Points = append(c.Points, r.point(f.X, g))
		}
	}
	for i, name := range order {
		c := byName[name]
		c.Hue, c.Marker = figure.HueOf(i), figure.MarkerOf(i)
		if i == 6 { // there are six colours
			c.Hue = figure.Ink
		}
		slices.SortStableFunc(c.Points, func(a, b figure.Point) int { return cmp.Compare(a.X, b.X) })
		fig.Curves = append(fig.Curves, *c)
	}
	return fig
}

// drawPositions draws the losses of a text by position: a curve for each model.
func (r trainedGrid) drawPositions(f result.StudyFigure) *figure.Figure {
	fig := &figure.Figure{
		ID: f.ID, Title: f.Title, X: figure.Axis{Label: "position", Unit: "tokens", Scale: figure.Log2}, Y: figure.Axis{Label: "loss", Unit: "nats", Nats: true},
		Caption: prose.Plain(cmp.Or(f.Caption, "Points are means over positions 1, 2, 3–4, 5–8 and so on and over seeds; bars reach from the lowest seed to the highest.")),
	}
	for _, p := range f.Panels {
		for _, g := range r.own(p) {
			if len(f.Models) > 0 && !slices.Contains(f.Models, g.model) {
				continue
			}
			i := len(fig.Curves)
			c := figure.Curve{Name: g.model, Label: g.model, Line: figure.Solid, Bars: true, Hue: figure.HueOf(i), Marker: figure.MarkerOf(i)}
			for k := range r.Cells[g.cells[0]].Octaves {
				var losses []float64
				for _, cell := range g.cells {
					if o := r.Cells[cell].Octaves; k < len(o) {
						losses = append(losses, o[k])
					}
				}
				c.Points = append(c.Points, figure.Point{X: max(1, math.Exp2(float64(k)-0.5)), Y: stat.Mean(losses, nil), Lo: slices.Min(losses), Hi: slices.Max(losses), Note: g.model})
			}
			if len(c.Points) > 0 {
				fig.Curves = append(fig.Curves, c)
			}
		}
	}
	return fig
}

// shows reports whether a figure shows the length of a group.
func shows(f result.StudyFigure, g *group) bool {
	if f.Length > 0 {
		return g.length == f.Length
	}
	return f.X == result.ByLength || !g.further
}

func (r trainedGrid) point(x string, g *group) figure.Point {
	p := figure.Point{Y: g.mean, Lo: g.lo, Hi: g.hi, Note: fmt.Sprintf("%s, %s", g.model, prose.Plural(len(g.cells), "seed", "seeds"))}
	switch x {
	case result.ByState:
		p.X = float64(g.state)
	case result.ByLength:
		p.X = float64(g.length)
	case result.ByCost:
		p.X = g.operations
	case result.ByTokens:
		p.X = float64(g.tokens)
	}
	return p
}

func (r trainedGrid) family(model string) string {
	for _, m := range r.Models {
		if m.Name == model {
			return cmp.Or(m.Family, model)
		}
	}
	return model
}

func (r trainedGrid) label(panel string) string {
	for _, p := range r.Panels {
		if p.Name == panel {
			return cmp.Or(p.Label, panel)
		}
	}
	return panel
}
