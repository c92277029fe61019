package vocabulary

import (
	"container/heap"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/token"
)

// bpe merges neighbouring symbols, the earliest rule first [Sennrich et al. 2016].
type bpe struct {
	ids          map[string]token.ID
	ranks        map[[2]token.ID]rule
	unknown      token.ID
	hasUnknown   bool
	fuseUnknown  bool
	byteFallback bool
	whole        bool   // encode a piece that is a token as that token (ignore_merges)
	prefix       string // of symbols other than the first of a piece
	suffix       string // of the last symbol of a piece
	bytes        *[256]token.ID
}

type rule struct {
	rank int32
	id   token.ID
}

// symbol is an element of the linked list that is merged.
type symbol struct {
	id         token.ID
	prev, next int32 // -1: none
	live       bool
}

type candidate struct {
	rank  int32
	at    int32
	left  token.ID
	right token.ID
}

// queue orders merges by rank, then by position.
type queue []candidate

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].rank < q[j].rank || q[i].rank == q[j].rank && q[i].at < q[j].at
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(candidate)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

func (b *bpe) encode(dst []token.ID, piece string) ([]token.ID, error) {
	if id, ok := b.ids[piece]; ok && b.whole {
		return append(dst, id), nil
	}
	var chain []symbol
	add := func(id token.ID) {
		n := int32(len(chain))
		chain = append(chain, symbol{id, n - 1, n + 1, true})
	}
	unknowns := false // the last symbol is unknown
	if b.bytes != nil {
		for i := range len(piece) {
			add(b.bytes[piece[i]])
		}
	} else {
		for i, r := range piece {
			width := utf8.RuneLen(r)
			s := piece[i : i+width]
			if i > 0 {
				s = b.prefix + s
			}
			if i+width == len(piece) {
				s += b.suffix
			}
			if id, ok := b.ids[s]; ok {
				add(id)
				unknowns = false
				continue
			}
			if b.byteFallback {
				var list []token.ID
				for _, c := range []byte(s) {
					id, ok := b.ids[fmt.Sprintf("<0x%02X>", c)]
					if !ok {
						list = nil
						break
					}
					list = append(list, id)
				}
				if list != nil {
					for _, id := range list {
						add(id)
					}
					unknowns = false
					continue
				}
			}
			if b.hasUnknown && !(b.fuseUnknown && unknowns) {
				add(b.unknown)
				unknowns = true
			}
		}
	}
	if len(chain) == 0 {
		return dst, nil
	}
	chain[len(chain)-1].next = -1
	b.merge(chain)
	for i := int32(0); i >= 0; i = chain[i].next {
		dst = append(dst, chain[i].id)
	}
	return dst, nil
}

func (b *bpe) merge(chain []symbol) {
	var q queue
	propose := func(at int32) {
		if at < 0 || chain[at].next < 0 {
			return
		}
		l, r := chain[at].id, chain[chain[at].next].id
		if m, ok := b.ranks[[2]token.ID{l, r}]; ok {
			q = append(q, candidate{m.rank, at, l, r})
		}
	}
	for i := range chain {
		propose(int32(i))
	}
	heap.Init(&q)
	for len(q) > 0 {
		c := heap.Pop(&q).(candidate)
		s := &chain[c.at]
		if !s.live || s.id != c.left || s.next < 0 || chain[s.next].id != c.right {
			continue
		}
		right := &chain[s.next]
		s.id = b.ranks[[2]token.ID{c.left, c.right}].id
		right.live = false
		s.next = right.next
		if s.next >= 0 {
			chain[s.next].prev = c.at
		}
		before := len(q)
		propose(s.prev)
		propose(c.at)
		for i := before; i < len(q); i++ {
			heap.Fix(&q, i)
		}
	}
}

// byteLetters are the characters that stand for bytes in byte-level vocabularies:
// printable ones stand for themselves, the rest map to U+0100 and up in order.
var byteLetters, letterBytes = func() (letters [256]string, bytes map[rune]byte) {
	bytes = map[rune]byte{}
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae) {
			r = next
			next++
		}
		letters[b] = string(r)
		bytes[r] = byte(b)
	}
	return letters, bytes
}()

// spell maps the bytes of s to byteLetters.
func spell(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString(byteLetters[s[i]])
	}
	return b.String()
}
