package corpus

import (
	"bytes"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/token"
)

// utf8Check checks documents, written piece by piece, for valid UTF-8.
type utf8Check struct {
	part []byte // beginning of a character that the last piece cut
	bad  bool
}

func (c *utf8Check) Write(piece []byte) (int, error) {
	n := len(piece)
	if c.bad {
		return n, nil
	}
	if len(c.part) > 0 {
		piece = append(c.part, piece...)
	}
	whole := token.WholeRunes(piece)
	// UTF-16 without a byte order mark is valid UTF-8 with zero bytes.
	c.bad = !utf8.Valid(piece[:whole]) || bytes.IndexByte(piece, 0) >= 0
	c.part = append(c.part[:0], piece[whole:]...)
	return n, nil
}

// next ends a document and reports whether it was valid.
func (c *utf8Check) next() bool {
	ok := !c.bad && len(c.part) == 0
	c.part, c.bad = c.part[:0], false
	return ok
}
