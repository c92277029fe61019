package vocabulary

import (
	"encoding/hex"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/token"
)

// unigram finds the most probable segmentation of a piece into tokens [Kudo 2018].
type unigram struct {
	ids          map[string]token.ID
	scores       []float64
	unknown      token.ID
	hasUnknown   bool
	byteFallback *[256]token.ID
	longest      int // length of the longest token, in bytes
	least        float64
}

// unknownPenalty is how much lower than the lowest-scoring token SentencePiece
// scores a character without a token, in nats.
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
		for i > 0 && path[i-1].id < 0 { // a run of unknown characters is one
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

// wordPiece repeatedly takes the longest token that matches the rest of a word
// [Wu et al. 2016].
type wordPiece struct {
	ids     map[string]token.ID
	unknown token.ID
	prefix  string // of tokens within a word
	longest int    // characters in the longest word that is cut; longer ones are unknown
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

// wordLevel encodes a whole piece as one token.
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

// isByteToken reads a token such as <0x0A>, which stands for a byte.
func isByteToken(s string) (byte, bool) {
	if len(s) != 6 || !strings.HasPrefix(s, "<0x") || s[5] != '>' {
		return 0, false
	}
	b, err := hex.DecodeString(s[3:5])
	if err != nil || strings.ToUpper(s[3:5]) != s[3:5] {
		return 0, false
	}
	return b[0], true
}
