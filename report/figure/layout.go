package figure

import (
	"math"
	"slices"

	"github.com/l2m-lab/l2m/report/prose"
)

// frame is the size of a drawing and of its letters, in units of the scene.
type frame struct {
	w, h float64
	font float64
	pad  float64 // free at the left edge
}

// The frames: in pages one for screens and paper, one for phones; files have
// the text width of a paper, in points.
var (
	wideFrame   = frame{w: 690, h: 0, font: 13}
	narrowFrame = frame{w: 356, h: 300, font: 12}
	fileFrame   = frame{w: 430, h: 0, font: 9, pad: 3}
)

const nlog2 = 1 / math.Ln2 // bits per nat

// stripHeight is the height of the "≤ 0" strip in letters.
const stripHeight = 1.5

// layout turns a figure into a scene.
func (fig *Figure) layout(fr frame) *scene {
	if fr.h == 0 {
		aspect := fig.Aspect
		if aspect == 0 {
			aspect = 0.56
		}
		fr.h = fr.w * aspect
	}
	l := layouter{fig: fig, fr: fr, faces: newFaces(), scene: &scene{w: fr.w, h: fr.h}}
	l.axes()
	l.guides()
	l.curves()
	l.notes()
	l.labels() // after the notes, which they make way for
	return l.scene
}

// layouter holds the state of one layout.
type layouter struct {
	fig    *Figure
	fr     frame
	faces  *faces
	scene  *scene
	x, y   scale
	inner  box // where values are drawn: the plot without the "≤ 0" strip
	strip  bool
	labelW float64
}

func (l *layouter) add(it item) {
	if it.alpha == 0 {
		it.alpha = 1
	}
	it.text = prose.Raised(it.text)
	l.scene.items = append(l.scene.items, it)
}

// extent collects the values that an axis must show.
func (l *layouter) extent() (xs, ys []float64) {
	smallest := math.Inf(1)
	for _, c := range l.fig.Curves {
		for _, p := range c.Points {
			if !c.Extends && p.Y > 0 {
				smallest = math.Min(smallest, p.Y)
			}
		}
	}
	for _, c := range l.fig.Curves {
		if c.Extends {
			continue
		}
		for _, p := range c.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
			if p.Lo == p.Hi {
				continue
			}
			ys = append(ys, p.Hi)
			// An interval that reaches towards zero must not stretch a
			// logarithmic axis without end: it is cut at the edge.
			if l.fig.Y.Scale == Linear || p.Lo > smallest/4 {
				ys = append(ys, p.Lo)
			}
		}
	}
	for _, g := range l.fig.Guides {
		if g.Vertical {
			xs = append(xs, g.At)
		} else {
			ys = append(ys, g.At)
		}
	}
	return xs, ys
}

// axes chooses the plot area and draws grid, ticks and axis titles.
func (l *layouter) axes() {
	f, size := l.fig, l.fr.font
	xs, ys := l.extent()
	xlo, xhi := rangeOf(f.X, xs, 0.03)
	ylo, yhi := rangeOf(f.Y, ys, 0.05)
	for _, c := range f.Curves {
		for _, p := range c.Points {
			l.strip = l.strip || f.Y.Scale != Linear && p.Y <= 0
		}
	}

	plot := box{top: size * 2.3, bottom: l.fr.h - size*3.4}
	units := []string{""}
	if f.Y.Nats {
		units = []string{"nats", "bits"}
	}
	mostY := int((plot.bottom - plot.top) / (size * 2.4))
	ticks := map[string][]tick{}
	tickWidth := 0.0
	for _, u := range units {
		per := 1.0
		if u == "bits" {
			per = nlog2
		}
		ticks[u] = f.Y.ticks(ylo, yhi, per, mostY)
		for _, t := range ticks[u] {
			tickWidth = math.Max(tickWidth, l.faces.width(prose.Plain(t.label), size))
		}
	}
	if l.strip {
		tickWidth = math.Max(tickWidth, l.faces.width(prose.Plain("≤ 0"), size))
	}
	l.labelW = l.labelWidth(ylo, yhi)
	plot.left = l.fr.pad + tickWidth*1.06 + size*0.9
	plot.right = l.fr.w - size*0.8
	if l.labelW > 0 {
		plot.right = l.fr.w - l.labelW*1.08 - size*1.5
	}
	l.scene.plot = plot
	l.inner = plot
	if l.strip {
		l.inner.bottom -= size * stripHeight
	}
	l.x = scale{f.X.Scale, xlo, xhi, plot.left, plot.right}
	l.y = scale{f.Y.Scale, ylo, yhi, l.inner.bottom, l.inner.top}

	l.drawY(units, ticks)
	l.drawX(l.ticksX(xlo, xhi, plot.right-plot.left))
	l.text(item{points: []xy{{l.fr.pad, size * 1.05}}, size: size, hue: Ink}, axisTitle(f.Y))
}

// labelWidth is the width of the widest label right of the plot, 0 without labels.
func (l *layouter) labelWidth(ylo, yhi float64) float64 {
	most := 0.0
	for _, g := range l.fig.Guides {
		if !g.Vertical {
			most = math.Max(most, l.faces.width(g.Label, l.fr.font))
			most = math.Max(most, l.faces.width(g.Label.Bits(), l.fr.font))
		}
	}
	for _, c := range l.fig.Curves {
		if c.Label != "" && !c.runsOut(ylo, yhi) {
			most = math.Max(most, l.faces.width(prose.Plain(c.Label), l.fr.font))
		}
	}
	return most
}

// drawY draws the grid and ticks of the vertical axis, in each unit, and the strip for
// values ≤ 0.
func (l *layouter) drawY(units []string, ticks map[string][]tick) {
	plot, size := l.scene.plot, l.fr.font
	for _, u := range units {
		for _, t := range ticks[u] {
			y := l.y.at(t.at)
			if t.label == "" {
				l.add(item{kind: polyline, points: []xy{{plot.left - size*0.25, y}, {plot.left, y}}, hue: Grey, width: 0.75, alpha: 0.7, unit: u})
				continue
			}
			l.add(item{kind: polyline, points: []xy{{plot.left, y}, {plot.right, y}}, hue: Grey, width: 0.75, alpha: 0.28, unit: u})
			l.add(item{kind: label, points: []xy{{plot.left - size*0.55, y + size*0.35}}, text: prose.Plain(t.label), size: size, anchor: end, hue: Grey, unit: u})
		}
	}
	if l.strip {
		y := plot.bottom - size*stripHeight/2
		l.add(item{kind: polyline, points: []xy{{plot.left, l.inner.bottom}, {plot.right, l.inner.bottom}}, hue: Grey, width: 0.75, stroke: Dotted, alpha: 0.8})
		l.add(item{kind: label, points: []xy{{plot.left - size*0.55, y + size*0.35}}, text: prose.Plain("≤ 0"), size: size, anchor: end, hue: Grey})
	}
}

// drawX draws the horizontal axis with its title.
func (l *layouter) drawX(ticks []tick) {
	plot, size := l.scene.plot, l.fr.font
	for _, t := range ticks {
		x := l.x.at(t.at)
		length := size * 0.25
		if t.label != "" {
			length = size * 0.4
			l.add(item{kind: label, points: []xy{{x, plot.bottom + size*1.45}}, text: prose.Plain(t.label), size: size, anchor: middle, hue: Grey})
		}
		l.add(item{kind: polyline, points: []xy{{x, plot.bottom}, {x, plot.bottom + length}}, hue: Grey, width: 0.75})
	}
	l.add(item{kind: polyline, points: []xy{{plot.left, plot.bottom}, {plot.right, plot.bottom}}, hue: Grey, width: 1})

	l.add(item{kind: label, points: []xy{{(plot.left + plot.right) / 2, l.fr.h - size*0.6}}, text: axisTitle(l.fig.X), size: size, anchor: middle, hue: Ink})
}

// ticksX are the ticks of the horizontal axis: as many labels as fit.
func (l *layouter) ticksX(lo, hi, room float64) []tick {
	for most := 16; ; most-- {
		ts := l.fig.X.ticks(lo, hi, 1, most)
		need, labels := 0.0, 0
		for _, t := range ts {
			if t.label != "" {
				need = math.Max(need, l.faces.width(prose.Plain(t.label), l.fr.font))
				labels++
			}
		}
		if most <= 2 || float64(labels)*(need+1.3*l.fr.font) <= room {
			return ts
		}
	}
}

// axisTitle is the label with its unit.
func axisTitle(a Axis) prose.Phrase {
	if a.Unit == "" {
		return prose.Plain(a.Label)
	}
	s := prose.Span{Text: a.Label + " (" + a.Unit + ")"}
	if a.Nats {
		s.Bits = a.Label + " (" + inBits(a.Unit) + ")"
	}
	return prose.Phrase{s}
}

// inBits replaces the unit nats by bits at the front of a unit's name.
func inBits(unit string) string {
	if len(unit) >= 4 && unit[:4] == "nats" {
		return "bits" + unit[4:]
	}
	return unit
}

// place is the position of a point; values ≤ 0 on a logarithmic axis stand in
// the strip at the bottom.
func (l *layouter) place(px, py float64) xy {
	p := xy{l.x.at(px), l.y.at(py)}
	if l.fig.Y.Scale != Linear && py <= 0 {
		p.y = l.scene.plot.bottom - l.fr.font*stripHeight/2
		if !l.strip {
			p.y = l.scene.plot.bottom
		}
	}
	return p
}

func (l *layouter) guides() {
	size := l.fr.font
	for _, g := range l.fig.Guides {
		p := l.scene.plot
		if g.Vertical {
			x := l.x.at(g.At)
			l.add(item{kind: polyline, points: []xy{{x, p.top}, {x, p.bottom}}, hue: g.Hue, width: 1, stroke: Dashed, alpha: 0.8})
			a, dx := start, size*0.4
			if x > (p.left+p.right)/2 {
				a, dx = end, -size*0.4
			}
			l.add(item{kind: label, points: []xy{{x + dx, p.top + size*0.9}}, text: g.Label, size: size, anchor: a, hue: g.Hue, halo: true})
			continue
		}
		y := l.y.at(g.At)
		l.add(item{kind: polyline, points: []xy{{p.left, y}, {p.right, y}}, hue: g.Hue, width: 1, stroke: Dashed, alpha: 0.8})
	}
}

// curves draws bands under lines under bars under markers.
func (l *layouter) curves() {
	size := l.fr.font
	for i, c := range l.fig.Curves {
		if c.Band {
			l.band(i, c)
		}
	}
	for i, c := range l.fig.Curves {
		if c.Line == NoLine {
			continue
		}
		width := size * 0.14
		if c.Quiet {
			width = size * 0.09
		}
		var run []xy
		flush := func() {
			for _, piece := range clipLine(run, l.scene.plot) {
				l.add(item{kind: polyline, points: piece, hue: c.Hue, width: width, stroke: c.Line, curve: i + 1, alpha: quiet(c)})
			}
			run = nil
		}
		for _, p := range c.Points {
			at := l.place(p.X, p.Y)
			if l.fig.Y.Scale != Linear && p.Y <= 0 || !at.finite() {
				flush()
				continue
			}
			run = append(run, at)
		}
		flush()
	}
	for i, c := range l.fig.Curves {
		if !c.Bars {
			continue
		}
		for _, p := range c.Points {
			if p.Lo == p.Hi {
				continue
			}
			lo, hi := l.place(p.X, p.Lo), l.place(p.X, p.Hi)
			if p.Lo <= 0 && l.fig.Y.Scale != Linear {
				lo.y = l.scene.plot.bottom
			}
			a, b, ok := clipSegment(lo, hi, l.scene.plot)
			if ok && a.finite() && b.finite() {
				l.add(item{kind: polyline, points: []xy{a, b}, hue: c.Hue, width: size * 0.1, curve: i + 1, alpha: quiet(c) * 0.75})
			}
		}
	}
	for i, c := range l.fig.Curves {
		if c.Marker == NoMarker {
			continue
		}
		radius := size * 0.3
		if c.Quiet {
			radius = size * 0.22
		}
		for j, p := range c.Points {
			at := l.place(p.X, p.Y)
			if !at.finite() || c.Extends && l.scene.plot.clamp(at) != at {
				continue
			}
			open := p.Open || l.fig.Y.Scale != Linear && p.Y <= 0
			l.add(item{kind: symbol, points: []xy{at}, hue: c.Hue, marker: c.Marker, open: open, radius: radius, width: size * 0.12, curve: i + 1, point: j + 1, alpha: quiet(c)})
		}
	}
}

func quiet(c Curve) float64 {
	if c.Quiet {
		return 0.55
	}
	return 1
}

// band shades between the ends of a curve's intervals. Where an interval
// reaches down to zero on a logarithmic axis, shading would run to the bottom
// and hide the other curves: there a thin bar takes the place of the band.
func (l *layouter) band(i int, c Curve) {
	var upper, lower []xy
	flush := func() {
		if len(upper) > 1 {
			slices.Reverse(lower)
			l.add(item{kind: polygon, points: append(upper, lower...), hue: c.Hue, alpha: 0.16, curve: i + 1})
		}
		upper, lower = nil, nil
	}
	for _, p := range c.Points {
		hi, lo := l.place(p.X, p.Hi), l.place(p.X, p.Lo)
		if l.fig.Y.Scale != Linear && p.Lo <= 0 && p.Lo != p.Hi {
			flush()
			lo.y = l.scene.plot.bottom
			if a, b, ok := clipSegment(lo, hi, l.scene.plot); ok && a.finite() && b.finite() {
				l.add(item{kind: polyline, points: []xy{a, b}, hue: c.Hue, width: l.fr.font * 0.07, curve: i + 1, alpha: 0.45})
			}
			continue
		}
		if !hi.finite() || !lo.finite() {
			flush()
			continue
		}
		upper, lower = append(upper, l.scene.plot.clamp(hi)), append(lower, l.scene.plot.clamp(lo))
	}
	flush()
}

// crossed says whether a curve or a guide runs through the box.
func (l *layouter) crossed(b box) bool {
	return slices.ContainsFunc(l.scene.items, func(it item) bool {
		return it.kind == polyline && (it.curve > 0 || it.stroke == Dashed) && len(clipLine(it.points, b)) > 0
	})
}

// makeRoom moves a note down from the top of the plot, by at most three lines, if that
// keeps curves out of it, and returns by how much.
func (l *layouter) makeRoom(it *item, text prose.Phrase) float64 {
	moved := *it
	moved.text = text
	for step := range 7 {
		down := float64(step) * it.size / 2
		moved.points = []xy{{it.points[0].x, it.points[0].y + down}}
		room := l.faces.extent(moved)
		room.top, room.bottom = room.top-0.3*it.size, room.bottom+0.3*it.size // exponents, descenders
		if !l.crossed(room) {
			it.points = moved.points
			return down
		}
	}
	return 0
}

// notes writes texts inside the plot; those of one corner are stacked.
func (l *layouter) notes() {
	size, p := l.fr.font, l.scene.plot
	used := map[Corner]float64{} // height taken by earlier notes
	for _, n := range l.fig.Notes {
		it := item{size: size, hue: n.Hue, halo: true}
		if n.Large {
			it.size = size * 1.3
		}
		line := used[n.Corner]
		switch n.Corner {
		case TopLeft:
			it.points = []xy{{p.left + size*0.9, p.top + it.size + line}}
		case TopRight:
			it.points, it.anchor = []xy{{p.right - size*0.5, p.top + it.size + line}}, end
		case BottomLeft:
			it.points = []xy{{p.left + size*0.9, l.inner.bottom - size*0.7 - line}}
		case BottomRight:
			it.points, it.anchor = []xy{{p.right - size*0.5, l.inner.bottom - size*0.7 - line}}, end
		case AtPoint:
			it.points = []xy{l.place(n.X, n.Y)}
		}
		if n.Corner == TopLeft || n.Corner == TopRight {
			line += l.makeRoom(&it, n.Text)
		}
		used[n.Corner] = line + 1.55*it.size
		l.text(it, n.Text)
	}
}
