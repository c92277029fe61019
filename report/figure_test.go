package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/font/sfnt"
	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/pagetest"
	"github.com/l2m-lab/l2m/internal/sample"
)

func TestFiguresAreDeterministic(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	formats := []string{"svg", "pdf", "png"}
	if testing.Short() {
		formats = formats[:2] // drawing pixels is slow under the race detector
	}
	for _, d := range dirs {
		r := sample.Result()
		r.Series = r.Series[:2] // enough figures, fewer seconds
		if err := Figures(d, r, formats); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dirs[0], "*"))
	if err != nil || len(files) < 7*len(formats) {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, f := range files {
		a, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dirs[1], filepath.Base(f)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs between two runs", filepath.Base(f))
		}
		switch filepath.Ext(f) {
		case ".png":
			if _, err := png.Decode(bytes.NewReader(a)); err != nil {
				t.Errorf("%s: %v", f, err)
			}
		case ".pdf":
			if !bytes.HasPrefix(a, []byte("%PDF-")) || !bytes.Contains(a[len(a)-16:], []byte("%%EOF")) {
				t.Errorf("%s is no PDF", f)
			}
		case ".svg":
			d := xml.NewDecoder(bytes.NewReader(a))
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s: %v", f, err)
				}
			}
		}
	}
}

func TestFiguresRefuseUnknownFormats(t *testing.T) {
	if err := Figures(t.TempDir(), sample.Result(), []string{"jpeg"}); err == nil || !strings.Contains(err.Error(), `unknown format "jpeg"`) {
		t.Errorf("error %v", err)
	}
}

// Every letter of every label must exist in the typeface that PNG and PDF use:
// a missing one would vanish without a word.
func TestTypefaceHoldsEveryLetter(t *testing.T) {
	r := sample.Result()
	r.Series[0].Points[3].Value = -1
	r.Series[0].Law.Power.Params[0].Value, r.Series[0].Law.Power.Params[0].SE = 2.3e-9, 1e-10 // written as a power of ten
	f := newFaces()
	var buf sfnt.Buffer
	labels := 0
	for _, fig := range ResultFigures(r) {
		for _, it := range fig.layout(fileFrame).items {
			if it.kind != label {
				continue
			}
			labels++
			for _, s := range it.text {
				face := f.face(it.size, s.Style)
				for _, c := range s.Text {
					if g, err := face.Face.GlyphIndex(&buf, c); err != nil || g == 0 {
						t.Errorf("%s: no letter %q (%U) for %q", fig.ID, c, c, s.Text)
					}
				}
			}
		}
	}
	if labels < 100 {
		t.Errorf("only %d labels", labels)
	}
}

// Labels must lie inside the drawing and, apart from those inside the plot,
// must not overlap each other.
func TestLabelsHaveRoom(t *testing.T) {
	f := newFaces()
	for _, fr := range []frame{wideFrame, narrowFrame, fileFrame} {
		for _, fig := range ResultFigures(sample.Result()) {
			s := fig.layout(fr)
			type placed struct {
				box
				text string
			}
			var boxes []placed
			for _, it := range s.items {
				if it.kind != label || it.unit == "bits" {
					continue
				}
				w := f.width(it.text, it.size)
				left := it.points[0].x
				switch it.anchor {
				case middle:
					left -= w / 2
				case end:
					left -= w
				}
				b := placed{box{left, it.points[0].y - 0.7*it.size, left + w, it.points[0].y}, it.text.String()}
				if b.left < -1 || b.right > s.w+1 || b.top < -1 || b.bottom > s.h+1 {
					t.Errorf("%s at width %g: %q leaves the drawing: %+v", fig.ID, fr.w, b.text, b.box)
				}
				for _, o := range boxes {
					if b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom {
						t.Errorf("%s at width %g: %q overlaps %q", fig.ID, fr.w, b.text, o.text)
					}
				}
				boxes = append(boxes, b)
			}
		}
	}
}

// An estimate that has no logarithm is drawn, hollow, in the strip at the
// bottom.
func TestNonPositiveEstimatesAreDrawn(t *testing.T) {
	r := sample.Result()
	r.Series[0].Points[0].Value = -0.5
	r.Series[0].Points[1].Value = 0
	s := newFigureSet(r).law().layout(wideFrame)
	drawn, inStrip := 0, 0
	strip := s.plot.bottom - wideFrame.font*stripHeight
	for _, it := range s.items {
		if it.kind != symbol {
			continue
		}
		drawn++
		if p := it.points[0]; p.y > strip && p.y < s.plot.bottom {
			inStrip++
			if !it.open {
				t.Error("a value that is not positive is drawn as if it were")
			}
		}
	}
	if drawn != len(r.Series[0].Points) || inStrip != 2 {
		t.Errorf("%d of %d points drawn, %d in the strip, want 2", drawn, len(r.Series[0].Points), inStrip)
	}
}

// Bits and nats share one geometry: a tick at x bits stands where x·ln 2 nats
// are.
func TestTicksInBits(t *testing.T) {
	for _, a := range []Axis{{Scale: Log10}, {Scale: Linear}} {
		for _, k := range a.ticks(3, 4000, nlog2, 8) {
			if k.label == "" {
				continue
			}
			v, _, ok := pagetest.Shown(k.label)
			if !ok || math.Abs(info.Nats(k.at).Bits()-v) > 1e-9*math.Abs(v) {
				t.Errorf("scale %d: tick %q stands at %g bits", a.Scale, k.label, info.Nats(k.at).Bits())
			}
		}
	}
}

func TestTicksProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Axis{Scale: Scale(rapid.IntRange(0, 2).Draw(t, "scale"))}
		lo := math.Exp(rapid.Float64Range(-20, 20).Draw(t, "ln lo"))
		hi := lo * math.Exp(rapid.Float64Range(0.1, 30).Draw(t, "ln hi/lo"))
		most := rapid.IntRange(2, 14).Draw(t, "most")
		ts := a.ticks(lo, hi, 1, most)
		labels := map[string]bool{}
		for i, k := range ts {
			if slack := 1e-6 * map[bool]float64{true: hi - lo, false: lo}[a.Scale == Linear]; k.at < lo-slack || k.at > hi*(1+1e-6) {
				t.Fatalf("tick %g outside %g … %g", k.at, lo, hi)
			}
			if i > 0 && k.at <= ts[i-1].at {
				t.Fatalf("tick %g after %g", k.at, ts[i-1].at)
			}
			if k.label != "" && labels[k.label] {
				t.Fatalf("label %q twice in %g … %g", k.label, lo, hi)
			}
			if k.label != "" {
				labels[k.label] = true
			}
		}
		if len(labels) > 2*most+2 {
			t.Fatalf("%d labels, asked for about %d", len(labels), most)
		}
	})
}

func TestSpreadKeepsOrderAndGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		ys := rapid.SliceOfN(rapid.Float64Range(0, 300), n, n).Draw(t, "y")
		for i := 1; i < n; i++ {
			ys[i] = math.Max(ys[i], ys[i-1])
		}
		var at []*float64
		for i := range ys {
			at = append(at, &ys[i])
		}
		spread(at, 15, 0, 300, func(p *float64) *float64 { return p })
		for i := range ys {
			if i > 0 && ys[i]-ys[i-1] < 15-1e-9 {
				t.Fatalf("gap of %g in %v", ys[i]-ys[i-1], ys)
			}
			if ys[i] < -1e-9 || ys[i] > 300+1e-9 {
				t.Fatalf("%g outside in %v", ys[i], ys)
			}
		}
	})
}

func TestClipLineStaysInside(t *testing.T) {
	b := box{0, 0, 10, 10}
	coordinate := rapid.Float64Range(-20, 30)
	rapid.Check(t, func(t *rapid.T) {
		var line []xy
		for range rapid.IntRange(0, 8).Draw(t, "n") {
			line = append(line, xy{coordinate.Draw(t, "x"), coordinate.Draw(t, "y")})
		}
		for _, piece := range clipLine(line, b) {
			for _, p := range piece {
				if p.x < -1e-9 || p.x > 10+1e-9 || p.y < -1e-9 || p.y > 10+1e-9 {
					t.Fatalf("%v outside", p)
				}
			}
		}
	})
	got := clipLine([]xy{{-10, 5}, {5, 5}, {5, 20}, {7, 20}, {7, 5}}, b)
	if len(got) != 2 || len(got[0]) != 3 || got[0][0] != (xy{0, 5}) || got[0][2] != (xy{5, 10}) || got[1][0] != (xy{7, 10}) {
		t.Errorf("pieces %v", got)
	}
}
