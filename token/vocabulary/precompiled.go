package vocabulary

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// charsMap is SentencePiece's compiled table of replacements: a double-array trie
// of keys, whose values are offsets into the zero-terminated replacements.
type charsMap struct {
	trie []uint32
	text string
}

// longestCluster is the length in bytes from which Hugging Face's library looks up
// the characters of a grapheme cluster instead of the cluster.
const longestCluster = 6

func parseCharsMap(encoded string) (*charsMap, error) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("precompiled_charsmap: %w", err)
	}
	if len(data) < 4 {
		return nil, errors.New("precompiled_charsmap is empty")
	}
	size := int64(binary.LittleEndian.Uint32(data))
	data = data[4:]
	if size == 0 || size%4 != 0 || size > int64(len(data)) {
		return nil, fmt.Errorf("precompiled_charsmap: trie size %d in %d bytes", size, len(data))
	}
	m := &charsMap{text: string(data[size:])}
	for i := int64(0); i < size; i += 4 {
		m.trie = append(m.trie, binary.LittleEndian.Uint32(data[i:]))
	}
	if !utf8.ValidString(m.text) {
		return nil, errors.New("precompiled_charsmap: the replacements are not UTF-8")
	}
	return m, nil
}

// lookUp returns the replacement of the shortest prefix of key that has one. It
// replaces the whole key, as in Hugging Face's library (SentencePiece takes the
// longest prefix).
func (m *charsMap) lookUp(key string) (string, bool) {
	// A unit holds a label (bits 0 to 7, and 31), whether it has a value (bit 8),
	// and the offset of its children (bits 10 and up, times 256 if bit 9 is set)
	// [Yata, Darts-clone].
	offset := func(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }
	at := offset(m.trie[0])
	for i := range len(key) {
		at ^= uint32(key[i])
		if key[i] == 0 || int64(at) >= int64(len(m.trie)) || m.trie[at]&(1<<31|0xff) != uint32(key[i]) {
			return "", false
		}
		unit := m.trie[at]
		if at ^= offset(unit); unit>>8&1 == 0 {
			continue
		}
		if int64(at) >= int64(len(m.trie)) {
			return "", false
		}
		value := m.trie[at] & (1<<31 - 1)
		if int64(value) > int64(len(m.text)) {
			return "", false
		}
		text, _, _ := strings.Cut(m.text[value:], "\x00")
		return text, true
	}
	return "", false
}

func (m *charsMap) normalize(s string) string {
	var b strings.Builder
	for clusters := graphemes.FromString(s); clusters.Next(); {
		cluster := clusters.Value()
		if len(cluster) < longestCluster {
			if text, ok := m.lookUp(cluster); ok {
				b.WriteString(text)
				continue
			}
		}
		for _, r := range cluster {
			if text, ok := m.lookUp(string(r)); ok {
				b.WriteString(text)
			} else {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// nmt is SentencePiece's normalizer "nmt": it drops some control characters and
// replaces white space and zero-width characters with a space.
func nmt(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0x1 && r <= 0x8, r == 0xb, r >= 0xe && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
			return -1
		case r == '\t', r == '\n', r == 0xc, r == '\r', r == 0x1680, r >= 0x200b && r <= 0x200f, r == 0x2028, r == 0x2029, r == 0x2581, r == 0xfeff, r == utf8.RuneError:
			return ' '
		}
		return r
	}, s)
}
