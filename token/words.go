package token

import (
	"bytes"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
)

// wordStream numbers words in order of first occurrence.
type wordStream struct {
	ids  map[string]ID
	part []byte // beginning of a word that the next piece may continue
}

func (*wordStream) Name() string        { return "words" }
func (*wordStream) Size() int           { return 0 }
func (*wordStream) Fingerprint() string { return "words/2" }

func (s *wordStream) Encode(dst []ID, text []byte, last bool) []ID {
	EachWord(&s.part, text, last, func(word []byte) {
		id, known := s.ids[string(word)]
		if !known {
			id = ID(len(s.ids))
			s.ids[string(word)] = id
		}
		dst = append(dst, id)
	})
	return dst
}

// longestWord is the longest word in bytes: text without a boundary, such as
// encoded data, is cut there.
const longestWord = 1024

// EachWord calls visit for every word of text by the rule of the stream "words":
// the default word boundaries of Unicode (UAX #29), less the spaces and invisible
// characters around words. "don't", "3.14", "foo_bar" and "example.com" are
// words, and so is every punctuation mark, every Chinese character, and (mostly)
// every byte that is not UTF-8.
//
// EachWord keeps a word that the next piece of the document may continue in
// *part; last says that text is the last piece. The word is valid only during
// the call.
func EachWord(part *[]byte, text []byte, last bool, visit func(word []byte)) {
	if len(*part) > 0 {
		*part = append(*part, text...)
		text = *part
	}
	for len(text) > 0 {
		n := boundary(text, last)
		if n == 0 {
			break
		}
		if word := trimmed(text[:n]); len(word) > 0 {
			visit(word)
		}
		text = text[n:]
	}
	*part = append((*part)[:0], text...)
}

// Classes of bytes.
const (
	within  = 1 << iota // ASCII letters, digits and _
	between             // punctuation that may join two parts of a word
	foreign             // not ASCII
)

var class = func() (t [256]uint8) {
	for b := range t {
		switch {
		case b >= utf8.RuneSelf:
			t[b] = foreign
		case b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_':
			t[b] = within
		}
	}
	for _, b := range `.,:;'"` {
		t[b] = between
	}
	return t
}()

// boundary is where the first segment of text ends, 0 if that depends on what follows.
func boundary(text []byte, last bool) int {
	window := text[:min(len(text), longestWord)]
	// Most segments end before an ASCII character that cannot continue them; the
	// library decides the others.
	if first := class[text[0]]; first != foreign {
		i := 1
		if first == within {
			for i < len(window) && class[window[i]] == within {
				i++
			}
		}
		if i+1 < len(window) && class[text[i]] != foreign &&
			(first != within || class[text[i]] != between || class[text[i+1]]&(within|foreign) == 0) {
			return i
		}
	}
	n, _, _ := words.SplitFunc(window, last && len(window) == len(text))
	if n == 0 && len(text) > longestWord {
		n = WholeRunes(window)
	}
	return n
}

// WholeRunes is the length of text in bytes, less a UTF-8 sequence that its end
// cuts short.
func WholeRunes(text []byte) int {
	for i := len(text) - 1; i >= 0 && i >= len(text)-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return i
			}
			break
		}
	}
	return len(text)
}

// trimmed is a segment without the spaces and invisible characters that Unicode
// leaves at the ends of some words; nil if only combining marks are left.
func trimmed(segment []byte) []byte {
	first, last := segment[0], segment[len(segment)-1]
	if first > ' ' && first < 0x7f && last > ' ' && last < 0x7f {
		return segment
	}
	word := bytes.TrimFunc(segment, func(r rune) bool { return kindOf(r) == invisible })
	if !bytes.ContainsFunc(word, func(r rune) bool { return kindOf(r) == visible }) {
		return nil
	}
	return word
}

// Kinds of characters.
const (
	visible = iota
	invisible
	mark
)

// kinds caches the kind of every character of the basic plane: looking it up in
// Unicode's tables is slow.
var kinds = sync.OnceValue(func() *[1 << 16]uint8 {
	var t [1 << 16]uint8
	for r := range t {
		t[r] = kindByTable(rune(r))
	}
	return &t
})

func kindOf(r rune) uint8 {
	if r < 1<<16 {
		return kinds()[r]
	}
	return kindByTable(r)
}

func kindByTable(r rune) uint8 {
	switch {
	case unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
		return invisible
	case unicode.IsMark(r):
		return mark
	}
	return visible
}
