package prose

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
		if got := Size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
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
		for _, s := range Exponents(x.in) {
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
