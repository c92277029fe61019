package vocabulary

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/token"
)

// unigram finds the most probable way to write a piece as tokens [Kudo 2018].
type unigram struct {
	ids          map[string]token.ID
	scores       []float64
	unknown      token.ID
	hasUnknown   bool
	byteFallback *[256]token.ID
	longest      int // token, bytes
	least        float64
}

// unknownPenalty is what a letter without a token costs beyond the worst token, in
// SentencePiece.
const unknownPenalty = 10

func (u *unigram) encode(dst []token.ID, piece string) ([]token.ID, error) {
	n := len(piece)
	best := make([]float64, n+1)
	from := make([]int, n+1)
	ids := make([]int, n+1) // -1: unknown
	for i := 1; i <= n; i++ {
		best[i] = math.Inf(-1)
	}
	for i := 0; i < n; {
		_, width := utf8.DecodeRuneInString(piece[i:])
		single := false
		for j := i + width; j <= min(n, i+u.longest); {
			if id, ok := u.ids[piece[i:j]]; ok {
				if score := best[i] + u.scores[id]; score > best[j] {
					best[j], from[j], ids[j] = score, i, int(id)
				}
				single = single || j == i+width
			}
			if j == n {
				break
			}
			_, w := utf8.DecodeRuneInString(piece[j:])
			j += w
		}
		if !single {
			j := i + width
			if score := best[i] + u.least - unknownPenalty; score > best[j] {
				best[j], from[j], ids[j] = score, i, -1
			}
		}
		i += width
	}
	type span struct{ from, to, id int }
	var path []span
	for i := n; i > 0; i = from[i] {
		path = append(path, span{from[i], i, ids[i]})
	}
	for i := len(path) - 1; i >= 0; i-- {
		s := path[i]
		if s.id >= 0 {
			dst = append(dst, token.ID(s.id))
			continue
		}
		for i > 0 && path[i-1].id < 0 { // unknown letters in a row are one
			i--
			s.to = path[i].to
		}
		switch {
		case u.byteFallback != nil:
			for _, b := range []byte(piece[s.from:s.to]) {
				dst = append(dst, u.byteFallback[b])
			}
		case u.hasUnknown:
			dst = append(dst, u.unknown)
		default:
			return dst, errNoToken
		}
	}
	return dst, nil
}

// wordPiece takes the longest token that a word begins with, again and again [Wu
// et al. 2016].
type wordPiece struct {
	ids     map[string]token.ID
	unknown token.ID
	prefix  string // of tokens that do not begin a word
	longest int    // word, letters
}

func (w *wordPiece) encode(dst []token.ID, piece string) ([]token.ID, error) {
	if utf8.RuneCountInString(piece) > w.longest {
		return append(dst, w.unknown), nil
	}
	begin := len(dst)
	for i := 0; i < len(piece); {
		found := false
		for j := len(piece); j > i; {
			s := piece[i:j]
			if i > 0 {
				s = w.prefix + s
			}
			if id, ok := w.ids[s]; ok {
				dst, i, found = append(dst, id), j, true
				break
			}
			_, width := utf8.DecodeLastRuneInString(piece[i:j])
			j -= width
		}
		if !found {
			return append(dst[:begin], w.unknown), nil
		}
	}
	return dst, nil
}

// wordLevel knows whole pieces only.
type wordLevel struct {
	ids        map[string]token.ID
	unknown    token.ID
	hasUnknown bool
}

func (w *wordLevel) encode(dst []token.ID, piece string) ([]token.ID, error) {
	if id, ok := w.ids[piece]; ok {
		return append(dst, id), nil
	}
	if !w.hasUnknown {
		return dst, errNoToken
	}
	return append(dst, w.unknown), nil
}

func isByteToken(s string) (byte, bool) {
	if len(s) != 6 || !strings.HasPrefix(s, "<0x") || s[5] != '>' {
		return 0, false
	}
	hex := func(c byte) int {
		switch {
		case c >= '0' && c <= '9':
			return int(c - '0')
		case c >= 'A' && c <= 'F':
			return int(c-'A') + 10
		}
		return -1
	}
	h, l := hex(s[3]), hex(s[4])
	if h < 0 || l < 0 {
		return 0, false
	}
	return byte(h<<4 | l), true
}
