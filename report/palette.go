package report

import (
	"fmt"
	"image/color"
	"strings"
)

// The palettes keep the order of hues of Okabe and Ito (Color Universal
// Design, 2008), which stay apart for colour-blind readers, with the lightness
// set so that text in every hue has a contrast of at least 4.5 : 1 against the
// background (WCAG 2.2, AA).
var (
	lightPalette = [hues]string{
		Ink: "#1b1f24", Blue: "#0064a8", Vermilion: "#b94700", Green: "#00755a",
		Purple: "#a03a80", Ochre: "#876000", Sky: "#2a7597", Grey: "#5c6570",
	}
	darkPalette = [hues]string{
		Ink: "#e8eaed", Blue: "#62b0f0", Vermilion: "#ff9259", Green: "#3fc9a0",
		Purple: "#e78fc6", Ochre: "#e5b23c", Sky: "#8fd0ee", Grey: "#a3acb8",
	}
)

// The backgrounds that the palettes are made for.
const (
	lightGround = "#ffffff"
	darkGround  = "#14171b"
)

// paletteCSS declares the hues as custom properties.
func paletteCSS(p [hues]string) string {
	var b strings.Builder
	for h, c := range p {
		fmt.Fprintf(&b, "--h%d:%s;", h, c)
	}
	return b.String()
}

// hueClasses are the classes by which SVG in a page takes its colours: f for
// areas, s for strokes.
func hueClasses() string {
	var b strings.Builder
	for h := range hues {
		fmt.Fprintf(&b, ".f%d{fill:var(--h%d)}.s%d{stroke:var(--h%d)}\n", h, h, h, h)
	}
	return b.String()
}

// rgb parses "#rrggbb".
func rgb(hex string) color.NRGBA {
	var c color.NRGBA
	fmt.Sscanf(hex, "#%02x%02x%02x", &c.R, &c.G, &c.B)
	c.A = 255
	return c
}
