package figure

import (
	"math"

	"github.com/l2m-lab/l2m/report/prose"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
)

// xy is a position in a scene: x to the right, y downwards.
type xy struct{ x, y float64 }

func (p xy) finite() bool { return prose.Finite(p.x) && prose.Finite(p.y) }

// box is a rectangle of a scene.
type box struct{ left, top, right, bottom float64 }

// itemKind says how an item is drawn.
type itemKind int

const (
	polyline itemKind = iota
	polygon
	symbol
	label
)

// anchor says which end of a label stands at its position.
type anchor int

const (
	start anchor = iota
	middle
	end
)

// item is one drawn thing of a scene. The drawing order is the order of items.
type item struct {
	kind   itemKind
	points []xy
	hue    Hue
	alpha  float64 // opacity; 1 for solid
	width  float64 // of lines
	stroke Stroke
	marker Marker
	open   bool
	radius float64
	text   prose.Phrase
	size   float64 // of the font
	anchor anchor
	halo   bool   // separate the label from what is behind it
	unit   string // "nats" or "bits": only shown in that unit; "" for always
	curve  int    // 1-based index of the curve it belongs to; 0 for none
	point  int    // 1-based index of the point that a symbol stands for
}

// scene is a laid-out figure: a list of simple things to draw, in a coordinate
// system of w by h units with the origin at the top left.
type scene struct {
	w, h  float64
	plot  box // the area inside the axes
	items []item
}

// faces measures and supplies the typeface of figures, Liberation Sans (of the
// width of Arial and Helvetica). One value serves one drawing: fonts cache
// glyphs without locks.
type faces struct{ cache *font.Cache }

func newFaces() *faces { return &faces{font.NewCache(liberation.Collection())} }

func (f *faces) face(size float64, style prose.Style) font.Face {
	fnt := font.Font{Typeface: "Liberation", Variant: "Sans"}
	switch style {
	case prose.Math:
		fnt.Variant, fnt.Style = "Serif", xfont.StyleItalic
	case prose.Strong:
		fnt.Weight = xfont.WeightBold
	}
	return f.cache.Lookup(fnt, font.Points(size))
}

// run is a span of a label with its place.
type run struct {
	span prose.Span
	size float64
	dx   float64 // from the label's start
	dy   float64 // below the baseline
}

// layout places the spans of a text on one line and returns its width.
func (f *faces) layout(t prose.Phrase, size float64) (runs []run, width float64) {
	for _, s := range t {
		r := run{span: s, size: size, dx: width}
		switch s.Style {
		case prose.Sup:
			r.size, r.dy = size*0.72, -size*0.38
		case prose.Sub:
			r.size, r.dy = size*0.72, size*0.18
		}
		face := f.face(r.size, s.Style)
		runs = append(runs, r)
		width += face.Width(s.Text).Points()
	}
	return runs, width
}

func (f *faces) width(t prose.Phrase, size float64) float64 {
	_, w := f.layout(t, size)
	return w
}

// clipLine cuts a polyline at a box and returns the pieces inside.
func clipLine(points []xy, b box) [][]xy {
	var pieces [][]xy
	var piece []xy
	flush := func() {
		if len(piece) > 1 {
			pieces = append(pieces, piece)
		}
		piece = nil
	}
	for i := 1; i < len(points); i++ {
		p, q, ok := clipSegment(points[i-1], points[i], b)
		if !ok {
			flush()
			continue
		}
		if len(piece) == 0 || piece[len(piece)-1] != p {
			flush()
			piece = []xy{p}
		}
		piece = append(piece, q)
		if q != points[i] {
			flush()
		}
	}
	flush()
	return pieces
}

// clipSegment is the part of the segment p–q inside b (Liang–Barsky).
func clipSegment(p, q xy, b box) (xy, xy, bool) {
	t0, t1 := 0.0, 1.0
	dx, dy := q.x-p.x, q.y-p.y
	for _, e := range [][2]float64{{-dx, p.x - b.left}, {dx, b.right - p.x}, {-dy, p.y - b.top}, {dy, b.bottom - p.y}} {
		switch {
		case e[0] == 0 && e[1] < 0:
			return p, q, false
		case e[0] < 0:
			t0 = math.Max(t0, e[1]/e[0])
		case e[0] > 0:
			t1 = math.Min(t1, e[1]/e[0])
		}
	}
	if !(t0 <= t1) {
		return p, q, false
	}
	at := func(t float64) xy {
		switch t {
		case 0:
			return p
		case 1:
			return q
		}
		return xy{p.x + t*dx, p.y + t*dy}
	}
	return at(t0), at(t1), true
}

// clamp moves a position into a box along the vertical.
func (b box) clamp(p xy) xy {
	return xy{p.x, math.Min(math.Max(p.y, b.top), b.bottom)}
}

// overlaps says whether two boxes share more than an edge.
func (b box) overlaps(o box) bool {
	return b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom
}

// extent is the box of a label's capital letters.
func (f *faces) extent(it item) box {
	w, at := f.width(it.text, it.size), it.points[0]
	switch it.anchor {
	case middle:
		at.x -= w / 2
	case end:
		at.x -= w
	}
	return box{at.x, at.y - 0.7*it.size, at.x + w, at.y}
}
