package figure

import (
	"fmt"
	"image/color"
	"strings"
)

// The palettes follow the hues of Okabe and Ito (Color Universal Design, 2008),
// with the lightness chosen such that text in every hue has a contrast of at
// least 4.5 : 1 against the background (WCAG 2.2, AA) and that any two hues
// stay apart for readers without red or green cones; tests hold both.
var (
	lightPalette = [hues]string{
		Ink: "#1b1f24", Blue: "#0064a8", Vermilion: "#c24a00", Green: "#007a4d",
		Purple: "#b0327a", Ochre: "#4d3d00", Sky: "#1f8099", Grey: "#5c6570",
	}
	darkPalette = [hues]string{
		Ink: "#e8eaed", Blue: "#4d9fe6", Vermilion: "#ff7d3b", Green: "#2fb98f",
		Purple: "#e78fc6", Ochre: "#f7e26b", Sky: "#c3c3ff", Grey: "#a3acb8",
	}
)

// The backgrounds that the palettes are made for.
const (
	lightGround = "#ffffff"
	darkGround  = "#14171b"
)

// CSS is what the style sheet of a page with figures needs: custom properties of
// the light and the dark theme, and the classes that use them.
func CSS() (light, dark, classes string) {
	return paletteCSS(lightPalette) + "--ground:" + lightGround + ";",
		paletteCSS(darkPalette) + "--ground:" + darkGround + ";",
		hueClasses()
}

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
