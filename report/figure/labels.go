package figure

import (
	"cmp"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/report/prose"
)

// tag is a direct label before it is placed.
type tag struct {
	text  prose.Phrase
	hue   Hue
	curve int // as in item
	at    xy  // end of what it names
	y     float64
}

// exit is the label of a curve that leaves the plot, and its line up to there.
type exit struct {
	*tag
	line []xy
}

// labels writes the direct labels in the right margin, pushed apart where they
// would overlap, with a leader to the curve where they had to move. A curve
// that runs out of the plot is labelled where it leaves.
func (l *layouter) labels() {
	size, p := l.fr.font, l.scene.plot
	var tags []*tag
	var exits []exit
	for _, g := range l.fig.Guides {
		if len(g.Label) > 0 && !g.Vertical {
			y := l.y.at(g.At)
			tags = append(tags, &tag{g.Label, g.Hue, 0, xy{p.right, y}, y})
		}
	}
	for i, c := range l.fig.Curves {
		if c.Label == "" {
			continue
		}
		var line, last []xy
		for _, q := range c.Points {
			if at := l.place(q.X, q.Y); at.finite() && (l.fig.Y.Scale == Linear || q.Y > 0) {
				line = append(line, at)
			}
		}
		for _, piece := range clipLine(line, p) {
			last = piece
		}
		if len(line) == 1 {
			last = line
		}
		if len(last) == 0 {
			continue
		}
		t := &tag{prose.Plain(c.Label), c.Hue, i + 1, last[len(last)-1], last[len(last)-1].y}
		if c.Extends && t.at.x < p.right-size*2 {
			exits = append(exits, exit{t, last})
			continue
		}
		tags = append(tags, t)
	}
	slices.SortStableFunc(tags, func(a, b *tag) int { return cmp.Compare(a.y, b.y) })
	spread(tags, size*1.22, p.top-size*0.3, p.bottom, func(t *tag) *float64 { return &t.y })
	x := p.right + size*1.1
	margin := make([]item, len(tags))
	for i, t := range tags {
		margin[i] = item{kind: label, text: t.text, points: []xy{{x, t.y + size*0.35}}, size: size, hue: t.hue, curve: t.curve, halo: true}
	}
	for _, e := range exits {
		l.exitLabel(e, margin)
	}
	for i, t := range tags {
		if math.Abs(t.y-t.at.y) > size*0.15 || t.at.x < p.right-size {
			l.add(item{kind: polyline, points: []xy{{t.at.x + size*0.45, t.at.y}, {p.right + size*0.25, t.at.y}, {x - size*0.25, t.y}}, hue: t.hue, width: 0.75, alpha: 0.6, curve: t.curve})
		}
		l.text(margin[i], t.text)
	}
}

// exitLabel writes the label of a curve to the right of where it leaves the
// plot at the top or the bottom, further inside the plot where another label stands
// already or will stand in the margin.
func (l *layouter) exitLabel(t exit, margin []item) {
	size, p := l.fr.font, l.scene.plot
	it := item{size: size, hue: t.hue, curve: t.curve, halo: true}
	top, bottom := p.top+size*2.2, p.bottom-size*0.6
	at, step := xy{y: math.Max(t.at.y, p.top) + size*2.2}, size*1.25
	if at.y > bottom {
		at.y, step = bottom, -step
	}
	for {
		at.x = t.at.x
		if x := rightmost(t.line, at.y-size*0.8, at.y); !math.IsInf(x, -1) {
			at.x = x
		}
		at.x += size * 0.6
		it.text, it.points = t.text, []xy{at}
		next := at.y + step
		if next < top || next > bottom || !l.taken(l.faces.extent(it), margin) {
			break
		}
		at.y = next
	}
	l.text(it, t.text)
}

// rightmost is how far right a line reaches at either of two heights, the edges
// of letters that must clear it; −∞ where it crosses neither.
func rightmost(line []xy, heights ...float64) float64 {
	x := math.Inf(-1)
	for _, y := range heights {
		for i := len(line) - 1; i > 0; i-- {
			a, b := line[i-1], line[i]
			if lo, hi := math.Min(a.y, b.y), math.Max(a.y, b.y); lo <= y && y <= hi && hi > lo {
				x = math.Max(x, a.x+(y-a.y)/(b.y-a.y)*(b.x-a.x))
			}
		}
	}
	return x
}

// taken says whether a label stands in the box.
func (l *layouter) taken(b box, margin []item) bool {
	for _, it := range slices.Concat(l.scene.items, margin) {
		if it.kind == label && b.overlaps(l.faces.extent(it)) {
			return true
		}
	}
	return false
}

// text adds a label, in both units when it has two.
func (l *layouter) text(it item, t prose.Phrase) {
	it.kind, it.text = label, t
	if !t.Dual() {
		l.add(it)
		return
	}
	it.unit = "nats"
	l.add(it)
	it.text, it.unit = t.Bits(), "bits"
	l.add(it)
}

// spread moves sorted positions apart to at least gap, within lo..hi, moving
// them as little as a forward and a backward pass can.
func spread[T any](ts []T, gap, lo, hi float64, at func(T) *float64) {
	// Groups that touch are centred on the mean of their wishes.
	type group struct {
		first, n int
		sum      float64 // of wish − offset
	}
	top := func(g group) float64 {
		return math.Max(lo, math.Min(g.sum/float64(g.n), hi-float64(g.n-1)*gap))
	}
	var gs []group
	for i, t := range ts {
		gs = append(gs, group{i, 1, *at(t)})
		for len(gs) > 1 {
			a, b := gs[len(gs)-2], gs[len(gs)-1]
			if top(a)+float64(a.n)*gap <= top(b) {
				break
			}
			a.sum += b.sum - float64(a.n*b.n)*gap
			a.n += b.n
			gs = append(gs[:len(gs)-2], a)
		}
	}
	for _, g := range gs {
		for k := range g.n {
			*at(ts[g.first+k]) = top(g) + float64(k)*gap
		}
	}
}
