// Package figure draws diagrams:
//
//  1. A Figure says what there is to see: axes, curves, guides, notes.
//  2. It is laid out for a screen, a phone or a paper.
//  3. It is written as SVG inside a page, or as an SVG, PNG or PDF file.
package figure

import (
	"github.com/l2m-lab/l2m/report/prose"
)

// Figure describes a diagram without saying how it is drawn. One description
// is drawn as SVG inside a page (Figure.SVG), where readers can hover, step
// through the points with the arrow keys and switch nats to bits, and as SVG,
// PNG and PDF files for papers (Figure.Encode). The text alone
// must be enough to understand it: curves carry direct labels, there is no
// legend.
type Figure struct {
	ID      string       // name of the file and anchor of the page: lower-case letters, digits, hyphens; unique in a page
	Title   string       // what there is to see, as a short sentence
	Caption prose.Phrase // how to read it, in plain words
	X, Y    Axis
	Curves  []Curve
	Guides  []Guide
	Notes   []Note
	Aspect  float64 // height / width of the wide drawing; 0 means 0.56
}

// Axis is one axis of a Figure.
type Axis struct {
	Label string // the quantity: "window length L"
	Unit  string // "bytes", "tokens", "nats", "nats per byte"; shown in brackets after the label
	// Nats says that values are amounts of information in nats; then Unit names
	// nats, and pages can show bits instead.
	Nats     bool
	Scale    Scale
	Min, Max float64 // what the axis must at least show; both zero: what the curves need
	// Zero asks a linear axis to include zero.
	Zero bool
	// Step is the distance between the ticks of a linear axis; 0 chooses one. It
	// is doubled as often as labels need.
	Step float64
}

// Scale maps values to positions on an Axis.
type Scale int

// The scales. A logarithmic axis has no place for values ≤ 0: such points are
// drawn hollow in a strip marked "≤ 0" at its lower end, never dropped.
const (
	Linear Scale = iota
	Log2         // logarithmic, ticks at powers of two: lengths
	Log10        // logarithmic, ticks at decades, or at 1, 2, 5 when there are few: information
)

// Hue numbers a colour of the palette, which is safe for colour-blind readers
// and has a light and a dark variant. Series of one figure should also differ
// in their Marker.
type Hue int

// The hues. Ink is the colour of text, Grey that of context.
const (
	Ink Hue = iota
	Blue
	Vermilion
	Green
	Purple
	Ochre
	Sky
	Grey
	hues int = iota
)

// HueOf walks through the hues that tell curves apart: HueOf(0) is the
// headline's.
func HueOf(i int) Hue { return Blue + Hue(i%6) }

// Marker is the shape drawn at the points of a Curve.
type Marker int

// The markers.
const (
	NoMarker Marker = iota
	Dot
	Square
	Diamond
	Triangle
	TriangleDown
	Cross
	markers int = iota
)

// MarkerOf walks through the markers: MarkerOf(0) is the headline's.
func MarkerOf(i int) Marker { return Dot + Marker(i%6) }

// Stroke is the style of a line.
type Stroke int

// The strokes.
const (
	NoLine Stroke = iota
	Solid
	Dashed
	Dotted
)

// Curve is a sequence of points of a Figure, drawn as any of: a line through
// them, markers at them, bars or a shaded band over their intervals.
type Curve struct {
	Name   string // said when a point is hovered: "paired, L/ℓ = 2"
	Label  string // written at the right end of the curve, in its colour; short; "" for none
	Hue    Hue
	Marker Marker
	Line   Stroke
	Band   bool // shade between Lo and Hi
	Bars   bool // draw an error bar from Lo to Hi at every point
	Quiet  bool // thin and pale: context for the others
	// Extends lets the curve run out of the plot: its points do not widen the
	// axes, and what falls outside is cut off.
	Extends bool
	Points  []Point
}

// runsOut says whether the curve ends outside of a range, so that its label has
// its place inside the plot.
func (c Curve) runsOut(lo, hi float64) bool {
	if !c.Extends || len(c.Points) == 0 {
		return false
	}
	y := c.Points[len(c.Points)-1].Y
	return y < lo || y > hi
}

// Point is one point of a Curve, with an interval for Y. Lo == Hi means that
// there is none.
type Point struct {
	X, Y   float64
	Lo, Hi float64
	Open   bool   // draw it hollow: not used by the fit, or under the noise floor
	Note   string // said after the values when hovered, such as "not fitted"
	Ref    string // where Y stands in the page's data: a jq path as in Span
	// XText replaces the value of X when hovered, such as "bytes 17 to 32".
	XText string
}

// Guide is a thin dashed line across the whole plot, labelled at its end.
type Guide struct {
	At       float64
	Vertical bool // at X = At; otherwise at Y = At
	Label    prose.Phrase
	Hue      Hue
}

// Note is a text inside the plot, in one of its corners or at a point.
type Note struct {
	Text   prose.Phrase
	Corner Corner
	Hue    Hue
	Large  bool
	X, Y   float64 // where the text starts, for AtPoint
}

// Corner places a Note.
type Corner int

// The corners, and AtPoint for a text at data coordinates.
const (
	TopLeft Corner = iota
	TopRight
	BottomLeft
	BottomRight
	AtPoint
)
