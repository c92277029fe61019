package figure

import (
	"math"
	"testing"
)

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
