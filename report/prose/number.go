package prose

import (
	"math"
	"strconv"
	"strings"
)

// Round writes v for people: with as many decimals as its standard error se
// supports (two significant digits of se up to 35, one beyond: the rule of the
// Particle Data Group), or four significant digits in all when se is 0.
// Thousands are separated by narrow spaces, the minus sign is U+2212, and what
// is not a finite number is "–".
func Round(v, se float64) string {
	if !Finite(v) {
		return "–"
	}
	decimals := 0
	switch {
	case Finite(se) && se > 0:
		decimals = decimalsFor(se)
	case v == 0:
		return "0"
	default:
		decimals = 3 - exponent10(v, 4)
	}
	// A number is never shown with fewer than two significant digits, however
	// uncertain, nor with more than five.
	if v != 0 {
		e := exponent10(v, 5)
		decimals = min(max(decimals, 1-e), 4-e)
	}
	return Fixed(v, decimals)
}

// decimalsFor is the number of decimals that a standard error supports.
func decimalsFor(se float64) int {
	e := exponent10(se, 2)
	if lead := se / math.Pow(10, float64(e-1)); lead < 35.5 {
		return 1 - e
	}
	return -e
}

// exponent10 is the decimal exponent of v once it is rounded to digits
// Significant digits, so that 9.996 counts as 10.00.
func exponent10(v float64, digits int) int {
	s := strconv.FormatFloat(math.Abs(v), 'e', digits-1, 64)
	e, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	return e
}

// Fixed writes v with the given decimals; very small and very large numbers
// become a·10^n.
func Fixed(v float64, decimals int) string {
	if !Finite(v) {
		return "–"
	}
	if v != 0 {
		if e := exponent10(v, 3); e < -4 || e > 7 {
			digits := func() int { return max(0, min(decimals+e, 3)) }
			e = exponent10(v, 1+digits()) // one more where 9.97 is shown as 10.0
			mantissa := strconv.FormatFloat(v/math.Pow(10, float64(e)), 'f', digits(), 64)
			return Minus(mantissa) + "·10" + Superscript(e)
		}
	}
	if decimals < 0 {
		scale := math.Pow(10, float64(-decimals))
		v, decimals = math.Round(v/scale)*scale, 0
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return Minus(thousands(s))
}

// Minus replaces the hyphen by a minus sign.
func Minus(s string) string { return strings.Replace(s, "-", "−", 1) }

// Superscript writes an integer in superscript digits.
func Superscript(n int) string {
	var b strings.Builder
	for _, r := range strconv.Itoa(n) {
		if r == '-' {
			b.WriteRune('⁻')
			continue
		}
		b.WriteRune([]rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[r-'0'])
	}
	return b.String()
}

// thousands groups the digits before the point by narrow no-break spaces when
// there are more than four.
func thousands(s string) string {
	head, tail, sign := s, "", ""
	if i := strings.IndexByte(s, '.'); i >= 0 {
		head, tail = s[:i], s[i:]
	}
	if strings.HasPrefix(head, "-") {
		head, sign = head[1:], "-"
	}
	if len(head) <= 4 {
		return s
	}
	var b strings.Builder
	for i, r := range head {
		if i > 0 && (len(head)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(r)
	}
	return sign + b.String() + tail
}

// Count writes a whole number.
func Count[T ~int | ~int64](n T) string { return Minus(thousands(strconv.FormatInt(int64(n), 10))) }

// Plural writes a count with its noun.
func Plural[T ~int | ~int64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Significant writes v with the given number of significant digits.
func Significant(v float64, digits int) string {
	if v == 0 || !Finite(v) {
		return Round(v, 0)
	}
	return Fixed(v, digits-1-exponent10(v, digits))
}

// Size writes a number of bytes.
func Size(n int64) string {
	const k = 1000
	switch {
	case n < 10*k:
		return Plural(n, "byte", "bytes")
	case n < k*k:
		return Significant(float64(n)/k, 3) + " kB"
	case n < k*k*k:
		return Significant(float64(n)/(k*k), 3) + " MB"
	default:
		return Significant(float64(n)/(k*k*k), 3) + " GB"
	}
}

func Finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Exact writes a number as it was typed.
func Exact(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
