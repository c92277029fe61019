package vocabulary

import (
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

// stream encodes documents piece by piece.
type stream struct {
	v    *Vocabulary
	text []byte // that waits for more
	rest bool   // the document has begun
}

// NewStream returns a stream of the vocabulary's tokens. Where a document is cut
// into pieces does not change its tokens.
func NewStream(v *Vocabulary) token.Stream { return &stream{v: v} }

func (s *stream) Name() string        { return s.v.Name() }
func (s *stream) Size() int           { return s.v.Size() }
func (s *stream) Fingerprint() string { return s.v.Fingerprint() }

func (s *stream) Encode(dst []token.ID, text []byte, last bool) []token.ID {
	s.text = append(s.text, text...)
	for {
		n := border(s.text)
		if n == 0 {
			break
		}
		dst = s.v.encode(dst, s.text[:n], !s.rest)
		s.rest = true
		s.text = append(s.text[:0], s.text[n:]...)
	}
	if last {
		dst = s.v.encode(dst, s.text, !s.rest)
		s.text, s.rest = s.text[:0], false
	}
	return dst
}

// border is the length of the first stretch of text, 0 if it is not all there.
func border(text []byte) int {
	blank := func(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' || b >= 0x80 }
	for i := stretchBytes; i < len(text); i++ {
		if text[i-1] == '\n' && !blank(text[i]) {
			return i
		}
		if i >= maxStretch && utf8.RuneStart(text[i]) {
			return i
		}
	}
	return 0
}
