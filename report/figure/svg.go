package figure

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"

	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/info"
)

// svgWriter writes scenes as SVG, either for a page, where colours come from
// its style sheet (classes h0…, so that they follow light and dark) and points
// carry what the script shows, or as a file of its own in the light palette.
type svgWriter struct {
	bytes.Buffer
	fig   *Figure
	faces *faces
	page  bool
}

// num writes a coordinate to a hundredth.
func num(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// SVG is the figure for a page, drawn twice: for screens (class "wide") and for
// phones (class "narrow").
func (fig *Figure) SVG() []byte {
	return append(fig.svgInPage(wideFrame, "wide"), fig.svgInPage(narrowFrame, "narrow")...)
}

// svgInPage is the figure for a page: class is "wide" or "narrow".
func (fig *Figure) svgInPage(fr frame, class string) []byte {
	s := fig.layout(fr)
	w := &svgWriter{fig: fig, faces: newFaces(), page: true}
	fmt.Fprintf(w, `<svg class="%s" viewBox="0 0 %s %s" role="img" aria-label="%s" data-plot="%s %s %s %s">`,
		class, num(s.w), num(s.h), html.EscapeString(fig.Title),
		num(s.plot.left), num(s.plot.top), num(s.plot.right), num(s.plot.bottom))
	w.items(s)
	w.WriteString("</svg>")
	return w.Bytes()
}

// svgFile is the figure as a file of its own, in nats.
func (fig *Figure) svgFile() []byte {
	s := fig.layout(fileFrame)
	w := &svgWriter{fig: fig, faces: newFaces()}
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="%spt" height="%spt" viewBox="0 0 %s %s" font-family="Liberation Sans, Arial, Helvetica, sans-serif">
<title>%s</title>
<rect width="100%%" height="100%%" fill="#ffffff"/>
`, num(s.w), num(s.h), num(s.w), num(s.h), html.EscapeString(fig.Title))
	w.items(s)
	w.WriteString("</svg>\n")
	return w.Bytes()
}

// items writes everything in drawing order, the items of one curve that follow
// each other in a group.
func (w *svgWriter) items(s *scene) {
	open := 0
	for _, it := range s.items {
		if !w.page && it.unit == "bits" {
			continue
		}
		if it.curve != open {
			if open > 0 {
				w.WriteString("</g>")
			}
			open = it.curve
			if open > 0 {
				w.group(open)
			}
		}
		w.item(it)
		if !w.page {
			w.WriteByte('\n')
		}
	}
	if open > 0 {
		w.WriteString("</g>")
	}
}

func (w *svgWriter) group(curve int) {
	if !w.page {
		w.WriteString("<g>")
		return
	}
	fmt.Fprintf(w, `<g class="c" data-c="%d" data-name="%s">`, curve-1, html.EscapeString(w.fig.Curves[curve-1].Name))
}

// colour is the attribute that colours an item: of lines when stroke is set,
// otherwise of areas.
func (w *svgWriter) colour(h Hue, stroke bool) string {
	attr := "fill"
	if stroke {
		attr = "stroke"
	}
	if w.page {
		return fmt.Sprintf(`class="%c%d"`, attr[0], h)
	}
	return fmt.Sprintf(`%s="%s"`, attr, lightPalette[h])
}

func alpha(a float64) string {
	if a >= 1 {
		return ""
	}
	return ` opacity="` + num(a) + `"`
}

func dashes(s Stroke, width float64) string {
	switch s {
	case Dashed:
		return fmt.Sprintf(` stroke-dasharray="%s %s"`, num(width*4), num(width*2.6))
	case Dotted:
		return fmt.Sprintf(` stroke-dasharray="%s %s"`, num(width), num(width*2.4))
	}
	return ""
}

func (w *svgWriter) item(it item) {
	if w.page && it.unit != "" {
		fmt.Fprintf(w, `<g class="u-%s">`, it.unit)
		defer w.WriteString("</g>")
	}
	switch it.kind {
	case polyline:
		fmt.Fprintf(w, `<path d="%s" fill="none" %s stroke-width="%s" stroke-linejoin="round"%s%s/>`,
			path(it.points), w.colour(it.hue, true), num(it.width), dashes(it.stroke, it.width), alpha(it.alpha))
	case polygon:
		fmt.Fprintf(w, `<path d="%sZ" %s%s/>`, path(it.points), w.colour(it.hue, false), alpha(it.alpha))
	case symbol:
		w.symbol(it)
	case label:
		w.label(it)
	}
}

// symbol draws a marker: filled, or hollow (filled with the background).
func (w *svgWriter) symbol(it item) {
	at := it.points[0]
	fmt.Fprintf(w, `<g transform="translate(%s %s)"%s`, num(at.x), num(at.y), alpha(it.alpha))
	if w.page {
		w.hover(it)
	}
	w.WriteString(">")
	shape := path(markerShape(it.marker, it.radius)) + "Z"
	if it.marker == Dot {
		r := num(it.radius)
		shape = fmt.Sprintf("M-%s,0a%s,%s 0 1 0 %s,0a%s,%s 0 1 0 -%s,0Z", r, r, r, num(2*it.radius), r, r, num(2*it.radius))
	}
	switch {
	case it.marker == Cross:
		r := num(it.radius)
		fmt.Fprintf(w, `<path d="M-%s,-%sL%s,%sM-%s,%sL%s,-%s" fill="none" %s stroke-width="%s"/>`, r, r, r, r, r, r, r, r, w.colour(it.hue, true), num(it.width))
	case it.open && w.page:
		fmt.Fprintf(w, `<path d="%s" class="hollow s%d" stroke-width="%s"/>`, shape, it.hue, num(it.width))
	case it.open:
		fmt.Fprintf(w, `<path d="%s" fill="#ffffff" %s stroke-width="%s"/>`, shape, w.colour(it.hue, true), num(it.width))
	default:
		fmt.Fprintf(w, `<path d="%s" %s/>`, shape, w.colour(it.hue, false))
	}
	w.WriteString("</g>")
}

// hover writes what the script says about a point.
func (w *svgWriter) hover(it item) {
	c := w.fig.Curves[it.curve-1]
	p := c.Points[it.point-1]
	x := p.XText
	if x == "" {
		x = prose.Significant(p.X, 6)
		if w.fig.X.Unit != "" {
			x += " " + w.fig.X.Unit
		}
	}
	fmt.Fprintf(w, ` class="p" data-n="%s" data-x="%s" data-y="%s"`,
		html.EscapeString(c.Name), html.EscapeString(x), html.EscapeString(reading(p, w.fig.Y, false)))
	if w.fig.Y.Nats {
		fmt.Fprintf(w, ` data-b="%s"`, html.EscapeString(reading(p, w.fig.Y, true)))
	}
	if p.Note != "" {
		fmt.Fprintf(w, ` data-note="%s"`, html.EscapeString(p.Note))
	}
	if p.Ref != "" {
		fmt.Fprintf(w, ` data-ref="%s"`, html.EscapeString(p.Ref))
	}
}

// reading says the value of a point with its interval and unit.
func reading(p Point, a Axis, bits bool) string {
	per, unit := 1.0, a.Unit
	if bits {
		per, unit = nlog2, inBits(unit)
	}
	se := (p.Hi - p.Lo) / (2 * info.Z95) * per
	s := prose.Round(p.Y*per, se)
	if p.Lo != p.Hi {
		s += " (" + prose.Round(p.Lo*per, se) + " … " + prose.Round(p.Hi*per, se) + ")"
	}
	if unit != "" {
		s += " " + unit
	}
	return s
}

func (w *svgWriter) label(it item) {
	at := it.points[0]
	anchors := [...]string{"start", "middle", "end"}
	class := fmt.Sprintf(`fill="%s"`, lightPalette[it.hue])
	if it.halo {
		class += ` stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"`
	}
	if w.page {
		class = fmt.Sprintf(`class="f%d"`, it.hue)
		if it.halo {
			class = fmt.Sprintf(`class="f%d halo"`, it.hue)
		}
	}
	fmt.Fprintf(w, `<text x="%s" y="%s" font-size="%s" %s`, num(at.x), num(at.y), num(it.size), class)
	if it.anchor != start {
		fmt.Fprintf(w, ` text-anchor="%s"`, anchors[it.anchor])
	}
	w.WriteString(">")
	shift := 0.0
	for _, s := range it.text {
		dy, size := 0.0, 1.0
		switch s.Style {
		case prose.Sup:
			dy, size = -0.38, 0.72
		case prose.Sub:
			dy, size = 0.18, 0.72
		}
		attrs := ""
		if dy != shift {
			attrs += fmt.Sprintf(` dy="%s"`, num((dy-shift)*it.size))
			shift = dy
		}
		if size != 1 {
			attrs += fmt.Sprintf(` font-size="%s"`, num(size*it.size))
		}
		switch s.Style {
		case prose.Math:
			if w.page {
				attrs += ` class="math"`
			} else {
				attrs += ` font-family="Liberation Serif, Times New Roman, serif" font-style="italic"`
			}
		case prose.Strong:
			attrs += ` font-weight="bold"`
		}
		if attrs == "" {
			w.WriteString(html.EscapeString(s.Text))
			continue
		}
		fmt.Fprintf(w, `<tspan%s>%s</tspan>`, attrs, html.EscapeString(s.Text))
	}
	w.WriteString("</text>")
}

// path writes a polyline as path data.
func path(points []xy) string {
	var b bytes.Buffer
	for i, p := range points {
		if i == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte('L')
		}
		b.WriteString(num(p.x))
		b.WriteByte(',')
		b.WriteString(num(p.y))
	}
	return b.String()
}

// markerShape is the outline of a marker of the given radius; circles and
// crosses are drawn otherwise. Shapes are scaled to look of equal size.
func markerShape(m Marker, r float64) []xy {
	switch m {
	case Square:
		a := r * 0.88
		return []xy{{-a, -a}, {a, -a}, {a, a}, {-a, a}}
	case Diamond:
		a := r * 1.25
		return []xy{{0, -a}, {a, 0}, {0, a}, {-a, 0}}
	case Triangle:
		a := r * 1.2
		return []xy{{0, -a}, {a, a * 0.8}, {-a, a * 0.8}}
	case TriangleDown:
		a := r * 1.2
		return []xy{{0, a}, {-a, -a * 0.8}, {a, -a * 0.8}}
	}
	return nil
}
