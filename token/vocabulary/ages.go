package vocabulary

import (
	"sync"
	"unicode"

	"golang.org/x/text/unicode/rangetable"
)

// Hugging Face's library takes character classes from several versions of
// Unicode: scripts, marks and normal forms from Unicode 9; BERT's punctuation, controls and
// accents from Unicode 8. Characters added later have no class. Found by running
// tokenizers 0.23.3 on every character.
var (
	unicode8 = sync.OnceValue(func() *unicode.RangeTable { return rangetable.Assigned("8.0.0") })
	unicode9 = sync.OnceValue(func() *unicode.RangeTable { return rangetable.Assigned("9.0.0") })
)

// isPunctuation reports whether r is punctuation or an ASCII symbol.
func isPunctuation(r rune) bool {
	switch {
	case r < unicode.MaxASCII:
		return r >= '!' && r <= '/' || r >= ':' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~'
	case r == 0x166d || r == 0x111c9: // reclassified later: a symbol, a mark
		return true
	}
	return unicode.IsPunct(r) && unicode.Is(unicode8(), r)
}

// isAccent reports whether r is a nonspacing mark.
func isAccent(r rune) bool {
	switch {
	case r < unicode.MaxASCII, r == 0x111c9, r == 0x1885, r == 0x1886, r == 0xa9bd: // nonspacing marks only since later versions
		return false
	case r == 0x1734: // a spacing mark since later versions
		return true
	}
	return unicode.Is(unicode.Mn, r) && unicode.Is(unicode8(), r)
}

// newNumbers are the numbers added in Unicode 16 and 17, which Go's tables lack.
var newNumbers = &unicode.RangeTable{R32: []unicode.Range32{
	{Lo: 0x10d40, Hi: 0x10d49, Stride: 1}, {Lo: 0x116d0, Hi: 0x116e3, Stride: 1}, {Lo: 0x11bf0, Hi: 0x11bf9, Stride: 1},
	{Lo: 0x11de0, Hi: 0x11de9, Stride: 1}, {Lo: 0x16130, Hi: 0x16139, Stride: 1}, {Lo: 0x16d70, Hi: 0x16d79, Stride: 1},
	{Lo: 0x16ff4, Hi: 0x16ff6, Stride: 1}, {Lo: 0x1ccf0, Hi: 0x1ccf9, Stride: 1}, {Lo: 0x1e5f1, Hi: 0x1e5fa, Stride: 1},
}}

// isNumber reports whether r is a digit or another number.
func isNumber(r rune) bool { return unicode.IsNumber(r) || unicode.Is(newNumbers, r) }
