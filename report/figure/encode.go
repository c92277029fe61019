package figure

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"regexp"

	"golang.org/x/image/font/sfnt"
	fixedpoint "golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// pngDPI is the resolution of PNG files, in dots per inch.
const pngDPI = 200

// pdfDate is a date of a PDF's information dictionary. The writer puts the time
// of day there; a fixed date of the same length keeps the bytes the same.
var pdfDate = regexp.MustCompile(`\(D:\d{14}\)`)

// Encode writes the figure as "svg", "png" or "pdf", in the light palette and
// in nats, at the text width of a paper (6 inches). SVG keeps its letters as
// text; PDF draws them as outlines, so that β and ℓ need no font. The bytes
// depend on nothing but the figure.
func (fig *Figure) Encode(w io.Writer, format string) error {
	s := func() *scene { return fig.layout(fileFrame) }
	switch format {
	case "svg":
		_, err := w.Write(fig.svgFile())
		return err
	case "png":
		sc := s()
		c := vgimg.NewWith(vgimg.UseWH(vg.Length(sc.w), vg.Length(sc.h)), vgimg.UseDPI(pngDPI))
		if err := drawScene(c, sc, false); err != nil {
			return fmt.Errorf("drawing figure %s: %w", fig.ID, err)
		}
		_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
		return err
	case "pdf":
		sc := s()
		c := vgpdf.New(vg.Length(sc.w), vg.Length(sc.h))
		if err := drawScene(c, sc, true); err != nil {
			return fmt.Errorf("drawing figure %s: %w", fig.ID, err)
		}
		var b bytes.Buffer
		if _, err := c.WriteTo(&b); err != nil {
			return err
		}
		_, err := w.Write(pdfDate.ReplaceAll(b.Bytes(), []byte("(D:20000101000000)")))
		return err
	}
	return fmt.Errorf("drawing figure %s: unknown format %q (svg, png or pdf)", fig.ID, format)
}

// drawScene draws on a canvas of gonum/plot, whose origin is at the bottom
// left.
func drawScene(c vg.Canvas, s *scene, outlines bool) error {
	d := drawer{c: c, h: s.h, faces: newFaces(), outlines: outlines}
	c.SetColor(rgb(lightGround))
	c.Fill(d.path([]xy{{0, 0}, {s.w, 0}, {s.w, s.h}, {0, s.h}}, true))
	for _, it := range s.items {
		if it.unit == "bits" {
			continue
		}
		if err := d.item(it); err != nil {
			return err
		}
	}
	return nil
}

// drawer draws items of a scene of height h.
type drawer struct {
	c        vg.Canvas
	h        float64
	faces    *faces
	outlines bool
}

func (d *drawer) point(p xy) vg.Point {
	return vg.Point{X: vg.Length(p.x), Y: vg.Length(d.h - p.y)}
}

func (d *drawer) path(points []xy, closed bool) vg.Path {
	var p vg.Path
	for i, q := range points {
		if i == 0 {
			p.Move(d.point(q))
		} else {
			p.Line(d.point(q))
		}
	}
	if closed {
		p.Close()
	}
	return p
}

// paint mixes a hue with the white background: the formats have no use for
// transparency, and some printers stumble over it.
func (d *drawer) paint(h Hue, alpha float64) {
	c := rgb(lightPalette[h])
	mix := func(v uint8) uint8 { return uint8(math.Round(255 + alpha*(float64(v)-255))) }
	c.R, c.G, c.B = mix(c.R), mix(c.G), mix(c.B)
	d.c.SetColor(c)
}

func (d *drawer) item(it item) error {
	switch it.kind {
	case polyline:
		d.paint(it.hue, it.alpha)
		d.stroke(it)
		d.c.Stroke(d.path(it.points, false))
		d.c.SetLineDash(nil, 0)
	case polygon:
		c := rgb(lightPalette[it.hue])
		c.A = uint8(math.Round(255 * it.alpha)) // bands must let what is below show
		d.c.SetColor(c)
		d.c.Fill(d.path(it.points, true))
	case symbol:
		d.symbol(it)
	case label:
		return d.label(it)
	}
	return nil
}

func (d *drawer) stroke(it item) {
	w := vg.Length(it.width)
	d.c.SetLineWidth(w)
	switch it.stroke {
	case Dashed:
		d.c.SetLineDash([]vg.Length{4 * w, 2.6 * w}, 0)
	case Dotted:
		d.c.SetLineDash([]vg.Length{w, 2.4 * w}, 0)
	default:
		d.c.SetLineDash(nil, 0)
	}
}

func (d *drawer) symbol(it item) {
	at := it.points[0]
	var p vg.Path
	switch it.marker {
	case Dot:
		p.Move(d.point(xy{at.x + it.radius, at.y}))
		p.Arc(d.point(at), vg.Length(it.radius), 0, 2*math.Pi)
		p.Close()
	case Cross:
		r := it.radius
		p = d.path([]xy{{at.x - r, at.y - r}, {at.x + r, at.y + r}}, false)
		p = append(p, d.path([]xy{{at.x - r, at.y + r}, {at.x + r, at.y - r}}, false)...)
		d.paint(it.hue, it.alpha)
		d.c.SetLineWidth(vg.Length(it.width))
		d.c.Stroke(p)
		return
	default:
		shape := markerShape(it.marker, it.radius)
		for i := range shape {
			shape[i].x += at.x
			shape[i].y += at.y
		}
		p = d.path(shape, true)
	}
	if it.open {
		d.c.SetColor(rgb(lightGround))
		d.c.Fill(p)
		d.paint(it.hue, it.alpha)
		d.c.SetLineWidth(vg.Length(it.width))
		d.c.Stroke(p)
		return
	}
	d.paint(it.hue, it.alpha)
	d.c.Fill(p)
}

func (d *drawer) label(it item) error {
	runs, width := d.faces.layout(it.text, it.size)
	at := it.points[0]
	switch it.anchor {
	case middle:
		at.x -= width / 2
	case end:
		at.x -= width
	}
	if it.halo {
		d.c.SetColor(rgb(lightGround))
		d.c.Fill(d.path([]xy{{at.x - 1, at.y - it.size*0.85}, {at.x + width + 1, at.y - it.size*0.85}, {at.x + width + 1, at.y + it.size*0.25}, {at.x - 1, at.y + it.size*0.25}}, true))
	}
	d.paint(it.hue, it.alpha)
	for _, r := range runs {
		face := d.faces.face(r.size, r.span.Style)
		p := d.point(xy{at.x + r.dx, at.y + r.dy})
		if !d.outlines {
			d.c.FillString(face, p, r.span.Text)
			continue
		}
		glyphs, err := outline(face, r.size, p, r.span.Text)
		if err != nil {
			return fmt.Errorf("letters of %q: %w", r.span.Text, err)
		}
		d.c.Fill(glyphs)
	}
	return nil
}

// outline is the path of a text whose baseline starts at p.
func outline(face font.Face, size float64, p vg.Point, text string) (vg.Path, error) {
	const em = 1000 // precision: glyphs are loaded at this size and scaled
	var (
		path vg.Path
		buf  sfnt.Buffer
		f    = face.Face
		k    = size / em / 64
		at   = func(q fixedpoint.Point26_6) vg.Point {
			return vg.Point{X: p.X + vg.Length(float64(q.X)*k), Y: p.Y - vg.Length(float64(q.Y)*k)}
		}
	)
	for _, r := range text {
		g, err := f.GlyphIndex(&buf, r)
		if err != nil {
			return nil, err
		}
		segments, err := f.LoadGlyph(&buf, g, fixedpoint.I(em), nil)
		if err != nil {
			return nil, err
		}
		drawn := false
		for _, s := range segments {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				if drawn {
					path.Close()
				}
				path.Move(at(s.Args[0]))
				drawn = true
			case sfnt.SegmentOpLineTo:
				path.Line(at(s.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(at(s.Args[0]), at(s.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(at(s.Args[0]), at(s.Args[1]), at(s.Args[2]))
			}
		}
		if drawn {
			path.Close()
		}
		advance, err := f.GlyphAdvance(&buf, g, fixedpoint.I(em), 0)
		if err != nil {
			return nil, err
		}
		p.X += vg.Length(float64(advance) * k)
	}
	return path, nil
}
