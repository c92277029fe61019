package report

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/internal/pagetest"
)

func TestRound(t *testing.T) {
	for _, c := range []struct {
		v, se float64
		want  string
	}{
		{0.74412, 0.0117, "0.744"},     // se 0.012: two digits
		{0.74412, 0.0417, "0.74"},      // se 0.04: one digit
		{2.3, 0.0951, "2.30"},          // se 0.10
		{752.3, 12.4, "752"},           // no decimals
		{123456, 1500, "123\u202f500"}, // rounded to hundreds
		{9.996, 0, "9.996"},
		{9.99996, 0, "10.00"}, // four digits after rounding, not 10.000
		{-0.00321, 0.0004, "−0.0032"},
		{0, 0.3, "0.00"},
		{0, 0, "0"},
		{-0.0000001, 0.01, "−1.0·10⁻⁷"}, // never a bare zero
		{1.5e9, 0, "1.500·10⁹"},
		{math.NaN(), 1, "–"},
		{math.Inf(1), 0, "–"},
	} {
		if got := Round(c.v, c.se); got != c.want {
			t.Errorf("Round(%g, %g) = %q, want %q", c.v, c.se, got, c.want)
		}
	}
}

// What is shown differs from the number by at most half a standard error (or
// half a unit of the second digit, whichever is less).
func TestRoundIsClose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := math.Exp(rapid.Float64Range(-6, 15).Draw(t, "ln v"))
		se := math.Exp(rapid.Float64Range(-8, 8).Draw(t, "ln se"))
		s := Round(v, se)
		if strings.Contains(s, "·10") {
			return
		}
		got, _, ok := pagetest.Shown(s)
		if !ok {
			t.Fatalf("%g ± %g: %q", v, se, s)
		}
		if d := math.Abs(got - v); d > math.Max(se/2, 6e-5*v) {
			t.Fatalf("%g ± %g is shown as %s", v, se, s)
		}
	})
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{1: "1 byte", 999: "999 bytes", 82_113_408: "82.1 MB", 12 << 20: "12.6 MB", 1_500_000_000: "1.50 GB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

// Contrast of text in every hue against its background is at least 4.5 : 1
// (WCAG 2.2, success criterion 1.4.3; formula of its definition of relative
// luminance).
func TestPaletteContrast(t *testing.T) {
	luminance := func(hex string) float64 {
		c := rgb(hex)
		linear := func(v uint8) float64 {
			x := float64(v) / 255
			if x <= 0.04045 {
				return x / 12.92
			}
			return math.Pow((x+0.055)/1.055, 2.4)
		}
		return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
	}
	for _, theme := range []struct {
		name, ground string
		hues         [hues]string
	}{{"light", lightGround, lightPalette}, {"dark", darkGround, darkPalette}} {
		for h, c := range theme.hues {
			a, b := luminance(theme.ground), luminance(c)
			if ratio := (math.Max(a, b) + 0.05) / (math.Min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("%s hue %d %s: contrast %.2f", theme.name, h, c, ratio)
			}
		}
	}
}

// Neighbouring hues stay apart for readers without red or green cones:
// simulation by the matrices of Machado, Oliveira and Fernandes (IEEE TVCG
// 2009, severity 1.0), difference as CIE76 in CIELAB; 10 is plainly visible,
// about 2 just noticeable.
func TestPaletteForColourBlindReaders(t *testing.T) {
	matrices := map[string][9]float64{
		"protanopia":   {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
		"deuteranopia": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
	}
	linear := func(hex string) [3]float64 {
		c := rgb(hex)
		var out [3]float64
		for i, v := range []uint8{c.R, c.G, c.B} {
			x := float64(v) / 255
			if x <= 0.04045 {
				out[i] = x / 12.92
			} else {
				out[i] = math.Pow((x+0.055)/1.055, 2.4)
			}
		}
		return out
	}
	lab := func(c [3]float64) [3]float64 {
		// sRGB to XYZ (IEC 61966-2-1), white point D65.
		f := func(t float64) float64 {
			if t > 216.0/24389 {
				return math.Cbrt(t)
			}
			return (24389.0/27*t + 16) / 116
		}
		x := f((0.4124*c[0] + 0.3576*c[1] + 0.1805*c[2]) / 0.9505)
		y := f(0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2])
		z := f((0.0193*c[0] + 0.1192*c[1] + 0.9505*c[2]) / 1.089)
		return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
	}
	for _, palette := range [][hues]string{lightPalette, darkPalette} {
		for name, m := range matrices {
			see := func(hex string) [3]float64 {
				c := linear(hex)
				var out [3]float64
				for i := range out {
					out[i] = math.Min(1, math.Max(0, m[3*i]*c[0]+m[3*i+1]*c[1]+m[3*i+2]*c[2]))
				}
				return lab(out)
			}
			for a := Blue; a <= Sky; a++ {
				for b := a + 1; b <= Sky; b++ {
					p, q := see(palette[a]), see(palette[b])
					if d := math.Sqrt(math.Pow(p[0]-q[0], 2) + math.Pow(p[1]-q[1], 2) + math.Pow(p[2]-q[2], 2)); d < 10 {
						t.Errorf("%s: %s and %s differ by %.1f", name, palette[a], palette[b], d)
					}
				}
			}
		}
	}
}

func TestExponents(t *testing.T) {
	for _, x := range []struct {
		in   Phrase
		want string
	}{
		{Plain("d^−1.3 up to d ≈ 9, d^+2."), "d[−1.3] up to d ≈ 9, d[+2]."},
		{Plain("A·d^−α + c, L^-0.5"), "A·d[−α] + c, L[−0.5]"},
		{Plain("L^1e-05, a ^ b, x^y, file-x^2.txt, L^2x, good^3, d^, d^−1"), "L^1e-05, a ^ b, x^y, file-x^2.txt, L^2x, good^3, d^, d[−1]"},
		{Phrase{{Text: "L^0.76", Style: Code}, {Text: "d^2", Bits: "d^3"}}, "L^0.76d^2"},
		{nil, ""},
	} {
		got := ""
		for _, s := range exponents(x.in) {
			if s.Style == Sup {
				s.Text = "[" + s.Text + "]"
			}
			got += s.Text
		}
		if got != x.want {
			t.Errorf("%v reads %q, want %q", x.in, got, x.want)
		}
	}
}
