package token

import (
	"fmt"
	"strconv"
	"strings"
)

// Stream turns documents into tokens piece by piece, so that no document need
// be in memory. It has state: one goroutine uses it, one document at a time.
type Stream interface {
	Name() string        // for people, and for ParseStream: "words", "dna:6"
	Size() int           // number of tokens in the vocabulary; 0: grows with the text
	Fingerprint() string // identifies the rule
	// Encode appends the tokens that are complete within text to dst. What
	// continues in the next piece of the document is kept until then; last says
	// that there is none.
	Encode(dst []ID, text []byte, last bool) []ID
}

// ParseStream returns a new stream by its name:
//
//	bytes      every byte is a token
//	words      runs of letters, digits and apostrophes, and single other characters that are not blank
//	dna:K      the K letters A, C, G, T from every position on (K from 1 to 12; dna is dna:1); none across other letters
//	protein    the 26 letters, in either case; anything else is left out
func ParseStream(name string) (Stream, error) {
	kind, arg, has := strings.Cut(name, ":")
	switch {
	case name == "" || name == "bytes":
		return byteStream{Bytes()}, nil
	case name == "words":
		return &wordStream{ids: map[string]ID{}}, nil
	case name == "protein":
		return letterStream{}, nil
	case kind == "dna":
		k := 1
		if has {
			var err error
			if k, err = strconv.Atoi(arg); err != nil {
				k = 0
			}
		}
		if k < 1 || k > 12 {
			return nil, fmt.Errorf("%q: DNA words have 1 to 12 letters, as in dna:6", name)
		}
		return &kmerStream{k: k}, nil
	}
	return nil, fmt.Errorf("unknown tokens %q (bytes, words, dna, dna:K, protein)", name)
}

type byteStream struct{ Tokenizer }

func (s byteStream) Encode(dst []ID, text []byte, _ bool) []ID { return s.Tokenizer.Encode(dst, text) }

// wordStream numbers words as they come.
type wordStream struct {
	ids  map[string]ID
	part []byte // a word that the last piece did not end
}

func (*wordStream) Name() string        { return "words" }
func (*wordStream) Size() int           { return 0 }
func (*wordStream) Fingerprint() string { return "words/1" }

// wordByte says of a byte whether it belongs to words: letters, digits,
// apostrophe, underscore, and all of UTF-8 beyond ASCII.
var wordByte = func() (t [256]bool) {
	for b := range t {
		t[b] = b >= 0x80 || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '\'' || b == '_'
	}
	return t
}()

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

// EachWord calls visit for every word of text, by the rule of the stream
// "words". A word that may continue in the next piece of the document is kept
// in *part, from which it is taken next time; last says that there is none. The
// word is valid during the call only.
func EachWord(part *[]byte, text []byte, last bool, visit func(word []byte)) {
	i := 0
	if len(*part) > 0 {
		for i < len(text) && wordByte[text[i]] {
			i++
		}
		*part = append(*part, text[:i]...)
		if i < len(text) || last {
			visit(*part)
			*part = (*part)[:0]
		}
	}
	for i < len(text) {
		b := text[i]
		if !wordByte[b] {
			if b > ' ' && b != 0x7f {
				visit(text[i : i+1])
			}
			i++
			continue
		}
		start := i
		for i < len(text) && wordByte[text[i]] {
			i++
		}
		if i == len(text) && !last {
			*part = append(*part, text[start:]...)
			return
		}
		visit(text[start:i])
	}
}

// kmerStream numbers the words of k letters by their digits in base 4.
type kmerStream struct {
	k     int
	word  ID
	known int // letters of word that are there
}

func (s *kmerStream) Name() string {
	if s.k == 1 {
		return "dna"
	}
	return "dna:" + strconv.Itoa(s.k)
}
func (s *kmerStream) Size() int           { return 1 << (2 * s.k) }
func (s *kmerStream) Fingerprint() string { return "dna/1:" + strconv.Itoa(s.k) }

func (s *kmerStream) Encode(dst []ID, text []byte, last bool) []ID {
	mask := ID(s.Size() - 1)
	for _, b := range text {
		d := strings.IndexByte("ACGT", b&^0x20)
		if d < 0 {
			if b > ' ' {
				s.known = 0
			}
			continue
		}
		s.word = (s.word<<2 | ID(d)) & mask
		if s.known = min(s.known+1, s.k); s.known == s.k {
			dst = append(dst, s.word)
		}
	}
	if last {
		s.known = 0
	}
	return dst
}

// letterStream numbers letters from A on.
type letterStream struct{}

func (letterStream) Name() string        { return "protein" }
func (letterStream) Size() int           { return 26 }
func (letterStream) Fingerprint() string { return "protein/1" }

func (letterStream) Encode(dst []ID, text []byte, _ bool) []ID {
	for _, b := range text {
		if u := b &^ 0x20; u >= 'A' && u <= 'Z' {
			dst = append(dst, ID(u-'A'))
		}
	}
	return dst
}
