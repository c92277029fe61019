// Package prose holds lines of text whose numbers are rounded to what their
// errors support, say where they come from, and follow the reader's choice of
// nats or bits.
package prose

import (
	"regexp"
	"strings"

	"github.com/l2m-lab/l2m/info"
)

// Phrase is a line of prose made of spans; see Plain, Amount and the other
// constructors. Every face shows it: pages with the reader's choice of nats or
// bits, files and terminals in nats.
type Phrase []Span

// Span is a run of text.
type Span struct {
	Text string // literal text; amounts of information in nats
	// Bits is what stands in place of Text when the reader asks for bits; empty
	// when the text does not depend on the unit.
	Bits string
	// Ref is where the number stands in the page's data, as a jq path such as
	// ".series[0].points[3].nats"; empty for text that is not a number.
	Ref   string
	Style Style
}

// Style is the look of a Span.
type Style string

// The styles.
const (
	Roman  Style = ""       // as the surroundings
	Strong Style = "strong" // emphasised
	Math   Style = "math"   // a variable of a formula
	Sup    Style = "sup"    // superscript
	Sub    Style = "sub"    // subscript
	Code   Style = "code"   // typed or printed by a computer
	Muted  Style = "muted"  // of less interest
)

// Plain is a text without numbers or styles.
func Plain(s string) Phrase { return Phrase{{Text: s}} }

// Styled is a text in one style.
func Styled(style Style, s string) Phrase { return Phrase{{Text: s, Style: style}} }

// Join strings texts together without a separator.
func Join(parts ...Phrase) Phrase {
	var t Phrase
	for _, p := range parts {
		t = append(t, p...)
	}
	return t
}

// Amount is an amount of information, rounded to what its standard error
// supports (see Round), that follows the page's switch of units. ref is where
// the value stands in the page's data.
func Amount(v, se info.Nats, ref string) Phrase {
	return Phrase{{
		Text: Round(float64(v), float64(se)),
		Bits: Round(v.Bits(), se.Bits()),
		Ref:  ref,
	}}
}

// Value is a number that does not depend on the unit of information, rounded
// to what its standard error supports (see Round).
func Value(v, se float64, ref string) Phrase {
	return Phrase{{Text: Round(v, se), Ref: ref}}
}

// Unit is the name of the unit of information that the page's switch chooses:
// "nats", or "nats"+suffix, against bits.
func Unit(suffix string) Phrase {
	return Phrase{{Text: "nats" + suffix, Bits: "bits" + suffix}}
}

// String is the text in nats, without styles; superscripts are written with a
// caret.
func (t Phrase) String() string {
	var b strings.Builder
	for _, s := range t {
		switch s.Style {
		case Sup:
			b.WriteByte('^')
		case Sub:
			b.WriteByte('_')
		}
		b.WriteString(s.Text)
	}
	return b.String()
}

// Bits is the text with amounts of information in bits.
func (t Phrase) Bits() Phrase {
	out := make(Phrase, len(t))
	for i, s := range t {
		if s.Bits != "" {
			s.Text = s.Bits
		}
		out[i] = s
	}
	return out
}

// Dual says whether the text depends on the unit of information.
func (t Phrase) Dual() bool {
	for _, s := range t {
		if s.Bits != "" {
			return true
		}
	}
	return false
}

// Raised turns Unicode superscripts into superscript spans: few typefaces hold
// all of them.
func Raised(t Phrase) Phrase {
	const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
	if !strings.ContainsAny(t.String(), digits) {
		return t
	}
	var out Phrase
	for _, s := range t {
		rest := s.Text
		for rest != "" {
			i := strings.IndexAny(rest, digits)
			if i != 0 {
				if i < 0 {
					i = len(rest)
				}
				piece := s
				piece.Text, piece.Bits, rest = rest[:i], "", rest[i:]
				out = append(out, piece)
				continue
			}
			var b strings.Builder
			for _, r := range rest {
				k := strings.IndexRune(digits, r)
				if k < 0 {
					break
				}
				b.WriteRune([]rune("0123456789−")[len([]rune(digits[:k]))])
				i += len(string(r))
			}
			rest = rest[i:]
			out = append(out, Span{Text: b.String(), Style: Sup})
		}
	}
	return out
}

// powers are what exponents raises: d and L to a number, or to the letter for one.
var powers = regexp.MustCompile(`(\b[dL])\^([-−+]?(?:[0-9]+(?:\.[0-9]+)?|[αβ]))(?:$|[^\pL\pN])`)

// Exponents turns what follows a ^ into superscript spans, where text can hold those.
func Exponents(t Phrase) Phrase {
	var out Phrase
	for _, s := range t {
		for s.Style != Code && s.Bits == "" {
			at := powers.FindStringSubmatchIndex(s.Text)
			if at == nil {
				break
			}
			left, power := s, s.Text[at[4]:at[5]]
			left.Text, s.Text = s.Text[:at[3]], s.Text[at[5]:]
			out = append(out, left, Span{Text: strings.Replace(power, "-", "−", 1), Style: Sup})
		}
		if s.Text != "" || s.Bits != "" {
			out = append(out, s)
		}
	}
	return out
}
