package vocabulary

import (
	"unicode"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/token"
)

// Documents are encoded in stretches, so that no document need be in memory. A
// stretch ends after stretchBytes at the next line that does not begin with white
// space, where the usual patterns cut anyway, or after maxStretch at the latest.
// A vocabulary that joins tokens across lines, or marks the beginning of a text,
// may have one token more or less at the border of two stretches.
const (
	stretchBytes = 64 << 10
	maxStretch   = 1 << 20
)

// Stream encodes documents piece by piece.
type Stream struct {
	v      *Vocabulary
	cutter Cutter
}

// NewStream returns a stream of the vocabulary's tokens, which do not depend on
// how a document is cut into pieces.
func NewStream(v *Vocabulary) *Stream { return &Stream{v: v} }

// Vocabulary is the vocabulary that the stream encodes with.
func (s *Stream) Vocabulary() *Vocabulary { return s.v }

// Name implements token.Stream.
func (s *Stream) Name() string { return s.v.Name() }

// Size implements token.Stream.
func (s *Stream) Size() int { return s.v.Size() }

// Fingerprint implements token.Stream.
func (s *Stream) Fingerprint() string { return s.v.Fingerprint() }

// Encode implements token.Stream.
func (s *Stream) Encode(dst []token.ID, text []byte, last bool) []token.ID {
	s.cutter.Cut(text, last, func(stretch []byte, first bool) {
		dst = s.v.EncodeStretch(dst, stretch, first)
	})
	return dst
}

// Cutter divides documents into stretches that can be encoded independently, and
// so in parallel. Use it from one goroutine, on one document at a time.
type Cutter struct {
	text []byte // beginning of the next stretch
	rest bool   // the document has begun
}

// Cut calls visit for every stretch that text, the next piece of the document,
// completes; last says that text is the last piece. visit's first says that the
// stretch begins the document. A stretch is valid only during the call.
func (c *Cutter) Cut(text []byte, last bool, visit func(stretch []byte, first bool)) {
	c.text = append(c.text, text...)
	rest := c.text
	for n := border(rest); n > 0; n = border(rest) {
		visit(rest[:n], !c.rest)
		c.rest = true
		rest = rest[n:]
	}
	if last {
		visit(rest, !c.rest)
		rest, c.rest = nil, false
	}
	c.text = append(c.text[:0], rest...)
}

// border is the length of the first stretch of text, 0 if it is incomplete.
func border(text []byte) int {
	for i := stretchBytes; i < len(text); i++ {
		if text[i-1] == '\n' {
			if !utf8.FullRune(text[i:]) {
				return 0 // depends on the next piece
			}
			if r, _ := utf8.DecodeRune(text[i:]); !unicode.IsSpace(r) {
				return i
			}
		}
		if i >= maxStretch && utf8.RuneStart(text[i]) {
			return i
		}
	}
	return 0
}
