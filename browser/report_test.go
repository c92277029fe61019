package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Pages load from a file, ask for nothing, do not complain, fit any window, and
// are readable in light and dark.
func TestReportsLookRight(t *testing.T) {
	dir := folder(t)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			file := filepath.Join(dir, kind, "report.html")
			st, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if st.Size() > 2<<20 {
				t.Errorf("the page has %d bytes", st.Size())
			}
			w := open(t)
			url := "file://" + file
			w.goTo(url, 1280, 900)
			for _, scheme := range []string{"light", "dark"} {
				w.media("", scheme)
				for _, width := range []int64{360, 400, 768, 1600} {
					where := fmt.Sprintf("%s, %d wide", scheme, width)
					w.do(chromedp.EmulateViewport(width, 900))
					w.none("overflow", where)
					w.none("collisions", where)
					w.none("hidden", where)
					w.none("contrast", where)
					w.shot(fmt.Sprintf("%s-%s-%d", kind, scheme, width))
				}
			}
			w.quiet("looks", url)
			if ground := ask[string](w, "getComputedStyle(document.body).backgroundColor"); ground == "rgb(255, 255, 255)" {
				t.Error("dark is white")
			}
		})
	}
}

// On paper everything but what needs a screen is there, in black on white.
func TestReportsPrint(t *testing.T) {
	dir := folder(t)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			w := open(t)
			w.media("print", "dark")
			w.goTo("file://"+filepath.Join(dir, kind, "report.html"), 680, 960) // the text width of A4 in CSS pixels
			w.none("overflow", "A4")
			w.none("collisions", "A4")
			w.none("hidden", "A4")
			seen := ask[struct {
				Ground      string
				Tabs, Shown int
				Switches    int
			}](w, `{Ground: getComputedStyle(document.body).backgroundColor, Tabs: document.querySelectorAll(".panels > div").length,
				Shown: [...document.querySelectorAll(".panels > div")].filter(look.visible).length, Switches: [...document.querySelectorAll(".chips, .unit, nav")].filter(look.visible).length}`)
			if seen.Ground != "rgb(255, 255, 255)" || seen.Shown != seen.Tabs || seen.Switches > 0 {
				t.Errorf("on paper: %+v", seen)
			}
			w.shot(kind + "-print")
			pdf := get(w, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
			if !strings.HasPrefix(string(pdf), "%PDF") || len(pdf) < 10_000 {
				t.Errorf("no PDF, %d bytes", len(pdf))
			}
			w.keep(kind+".pdf", pdf)
		})
	}
}

// Without script everything can still be read.
func TestReportsWithoutScript(t *testing.T) {
	dir := folder(t)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			w := open(t)
			w.goTo("file://"+filepath.Join(dir, kind, "report.html"), 1280, 900)
			with := get(w, chromedp.Text(chromedp.CSS("main .say")))
			call(w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			w.do(chromedp.Reload())
			if without := get(w, chromedp.Text(chromedp.CSS("main .say"))); without != with || len(with) < 60 {
				t.Errorf("with script the first screen says %q, without %q", with, without)
			}
			if box := get(w, chromedp.Dimensions(chromedp.CSS("figure svg"))); box.Height < 100 {
				t.Errorf("without script the figure is %d high", box.Height)
			}
		})
	}
}

// figure is a figure that can be seen.
type figure struct {
	ID, Variant string
	Points      int
}

// point is where a point of a figure is, and what the page knows of it.
type point struct {
	X, Y                   float64
	Name, Value, Bits, Ref string
}

// tip is the label at a point.
type tip struct {
	Hidden, Inside bool
	Text           string
}

func (w *window) tip() tip { w.t.Helper(); return ask[tip](w, "look.tip()") }

// hover moves the mouse.
func (w *window) hover(x, y float64) {
	w.t.Helper()
	w.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
}

// Pointing at a point shows its value; pointing elsewhere hides it.
func TestHover(t *testing.T) {
	dir := folder(t)
	for _, kind := range kinds {
		for _, width := range []int64{360, 1600} {
			t.Run(fmt.Sprintf("%s-%d", kind, width), func(t *testing.T) {
				w := open(t)
				url := "file://" + filepath.Join(dir, kind, "report.html")
				w.goTo(url, width, 900)
				figures := ask[[]figure](w, "look.figures()")
				if len(figures) == 0 {
					t.Fatal("no figure")
				}
				for i, f := range figures {
					if f.Points == 0 {
						t.Errorf("figure %s has no points", f.ID)
						continue
					}
					if want := map[int64]string{360: "narrow", 1600: "wide"}[width]; f.Variant != want {
						t.Errorf("figure %s is the %s one", f.ID, f.Variant)
					}
					for _, n := range []int{0, f.Points / 2, f.Points - 1} {
						p := ask[point](w, fmt.Sprintf("look.point(%q, %d)", f.ID, n))
						w.hover(p.X, p.Y)
						if tip := w.tip(); tip.Hidden || !tip.Inside || !strings.ContainsAny(tip.Text, "0123456789") {
							t.Errorf("%s, point %d (%s %s): %+v", f.ID, n, p.Name, p.Value, tip)
						}
						if i == 0 && n == f.Points/2 {
							w.glance(fmt.Sprintf("%s-hover-%d", kind, width))
						}
					}
				}
				w.hover(1, 1)
				if !w.tip().Hidden {
					t.Error("the tip stays")
				}
				w.quiet("hover", url)
			})
		}
	}
}

// A tap on a point shows its value after the finger has left, too; a tap elsewhere
// hides it.
func TestTouch(t *testing.T) {
	dir := folder(t)
	w := open(t)
	url := "file://" + filepath.Join(dir, "measure", "report.html")
	w.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch), chromedp.Navigate(url))
	p := ask[point](w, `look.point("law", 2)`)
	w.do(chromedp.TapXY(p.X, p.Y))
	if tip := w.tip(); tip.Hidden || !tip.Inside || !strings.Contains(tip.Text, p.Value) {
		t.Errorf("after a tap on %s: %+v", p.Value, tip)
	}
	w.glance("measure-touch")
	w.do(chromedp.TapXY(p.X, p.Y-300))
	if !w.tip().Hidden {
		t.Error("the tip stays after a tap elsewhere")
	}
	w.quiet("touch", url)
}

// Units, tabs and chips switch by mouse.
func TestSwitches(t *testing.T) {
	dir := folder(t)
	w := open(t)
	url := "file://" + filepath.Join(dir, "measure", "report.html")
	w.goTo(url, 1280, 900)

	w.click(`label[for="unit-bits"]`)
	if lead := get(w, chromedp.Text(chromedp.CSS(".lead"))); strings.Contains(lead, "nats") {
		t.Errorf("after the switch to bits: %s", lead)
	}
	p := ask[point](w, `look.point("law", 0)`)
	w.hover(p.X, p.Y)
	if tip := w.tip(); !strings.Contains(tip.Text, " bits") || !strings.Contains(tip.Text, p.Bits) || p.Bits == "" {
		t.Errorf("in bits the tip says %q, the point %q", tip.Text, p.Bits)
	}
	w.click(`label[for="unit-nats"]`)
	p = ask[point](w, `look.point("law", 0)`)
	w.hover(p.X, p.Y)
	if tip := w.tip(); !regexp.MustCompile(`^paired, L/ℓ = 2\nL = 4 bytes, ℓ = 2\n[\d.]+ \([\d.]+ … [\d.]+\) nats\n\.series\[0\]\.points\[0\]\.nats$`).MatchString(tip.Text) || !strings.Contains(tip.Text, p.Value) {
		t.Errorf("in nats the tip says %q, the point %+v", tip.Text, p)
	}

	panels := func() string {
		t.Helper()
		return ask[string](w, `[...document.querySelector(".panels").children].map(look.visible).join()`)
	}
	if before := panels(); !strings.HasPrefix(before, "true,false") {
		t.Errorf("tabs: %s", before)
	}
	w.click(".strip label:nth-child(2)")
	if after := panels(); !strings.HasPrefix(after, "false,true") {
		t.Errorf("tabs after a click: %s", after)
	}

	off := func() int { t.Helper(); return ask[int](w, `document.querySelectorAll("svg .c.off").length`) }
	w.click(".chips button:nth-child(2)")
	if off() == 0 {
		t.Error("a chip takes no curve away")
	}
	w.click(".chips button:nth-child(2)")
	if off() != 0 {
		t.Error("a chip does not bring its curve back")
	}
	w.quiet("switches", url)
}

// focus is what the keyboard is at.
type focus struct {
	What     string
	Outlined bool
}

// The tab key reaches everything, shows where it is, and the arrow keys read the
// points of a figure.
func TestKeyboard(t *testing.T) {
	dir := folder(t)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			w := open(t)
			w.goTo("file://"+filepath.Join(dir, kind, "report.html"), 1280, 900)
			stops := ask[int](w, "look.focusable()")
			reached, figures := 0, 0
			for range stops + 5 {
				w.do(chromedp.KeyEvent(kb.Tab))
				f := ask[*focus](w, "look.focused()")
				if f == nil {
					break // past the end of the page
				}
				reached++
				if !f.Outlined {
					t.Errorf("nothing shows that %q has the focus", f.What)
				}
				if strings.Contains(f.What, "arrow keys") && figures < 2 {
					figures++
					w.do(chromedp.KeyEvent(kb.ArrowRight))
					first := w.tip()
					ask[bool](w, "look.scroll(40)") // as the tab key does, for a while
					if w.tip().Hidden {
						t.Errorf("%s: the tip goes when the page scrolls", f.What)
					}
					w.do(chromedp.KeyEvent(kb.ArrowRight))
					second := w.tip()
					if first.Hidden || second.Hidden || first.Text == second.Text || !strings.ContainsAny(first.Text, "0123456789") {
						t.Errorf("%s: the arrow keys show %+v, %+v", f.What, first, second)
					}
					w.do(chromedp.KeyEvent(kb.Escape))
					if !w.tip().Hidden {
						t.Error("Escape does not hide the tip")
					}
				}
			}
			if reached < stops {
				t.Errorf("the tab key reaches %d of %d things", reached, stops)
			}
			if figures == 0 {
				t.Error("the tab key reaches no figure")
			}
		})
	}
}
