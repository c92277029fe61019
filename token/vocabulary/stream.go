package vocabulary

import (
	"unicode"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/token"
)

// Documents are encoded in stretches, so that no document need be in memory: of
// stretchBytes and up to the next line that begins with something other than a
// blank, where the usual patterns cut anyway. A vocabulary that joins tokens across
// lines, or marks the beginning of a text, may have one token more or less at the
// border of stretches. Without such a line within maxStretch, the stretch ends
// there.
const (
	stretchBytes = 64 << 10
	maxStretch   = 1 << 20
)

// Stream encodes documents piece by piece.
type Stream struct {
	v      *Vocabulary
	cutter Cutter
}

// NewStream returns a stream of the vocabulary's tokens. Where a document is cut
// into pieces does not change its tokens.
func NewStream(v *Vocabulary) *Stream { return &Stream{v: v} }

// Vocabulary is whose tokens they are.
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

// Cutter divides documents into stretches, each of which is encoded on its own,
// so that several can be at the same time. One goroutine uses it, one document at
// a time.
type Cutter struct {
	text []byte // that waits for more
	rest bool   // the document has begun
}

// Cut calls visit for every stretch that is complete with text, the next piece of
// the document; first says that the document begins with it, and last that the
// document ends with text. A stretch is valid during the call only.
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

// EncodeStretch appends the tokens of a stretch. It may be called from several
// goroutines.
func (v *Vocabulary) EncodeStretch(dst []token.ID, stretch []byte, first bool) []token.ID {
	return v.encode(dst, stretch, first)
}

// border is the length of the first stretch of text, 0 if it is not all there.
func border(text []byte) int {
	for i := stretchBytes; i < len(text); i++ {
		if text[i-1] == '\n' {
			if !utf8.FullRune(text[i:]) {
				return 0 // what follows decides
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
