package token

import (
	"fmt"
	"strconv"
	"strings"
)

// Stream encodes documents piece by piece, so that no document need be in
// memory. It has state: use it from one goroutine, on one document at a time.
type Stream interface {
	Name() string        // for people, and for ParseStream: "words", "dna:6"
	Size() int           // number of tokens in the vocabulary; 0: grows with the text
	Fingerprint() string // identifies the rule
	// Encode appends the tokens that are complete within text to dst, with None
	// for a place that has no token. It keeps a token that continues in the next
	// piece of the document; last says that text is the last piece.
	Encode(dst []ID, text []byte, last bool) []ID
}

// Width is the number of positions that a token of the named stream covers: K for
// dna:K, else 1. Tokens at a smaller distance overlap.
func Width(name string) int {
	if s, err := ParseStream(name); err == nil {
		if s, ok := s.(*kmerStream); ok {
			return s.k
		}
	}
	return 1
}

// ParseStream returns a new stream by name:
//
//	bytes      every byte is a token
//	words      Unicode words, and other characters one by one; see EachWord
//	dna:K      the K bases A, C, G, T (or U) from every position on (K from 1 to 12; dna is dna:1)
//	protein    the 26 letters
//
// Case is ignored. In dna:K and protein, any other visible character (N for an
// unknown base, * for a stop) becomes None and keeps its place, and so does
// every K-mer that contains one.
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
			return nil, fmt.Errorf("%q: K must be from 1 to 12, as in dna:6", name)
		}
		return &kmerStream{k: k}, nil
	}
	return nil, fmt.Errorf("unknown tokens %q (bytes, words, dna, dna:K, protein)", name)
}

type byteStream struct{ Tokenizer }

func (s byteStream) Encode(dst []ID, text []byte, _ bool) []ID { return s.Tokenizer.Encode(dst, text) }

// kmerStream numbers k-mers in base 4.
type kmerStream struct {
	k     int
	word  ID
	seen  int // characters of the document, up to k
	known int // bases since the last unknown character, up to k
}

func (s *kmerStream) Name() string {
	if s.k == 1 {
		return "dna"
	}
	return "dna:" + strconv.Itoa(s.k)
}
func (s *kmerStream) Size() int           { return 1 << (2 * s.k) }
func (s *kmerStream) Fingerprint() string { return "dna/2:" + strconv.Itoa(s.k) }

// Entries of baseOf for bytes that are not bases.
const (
	blank   = 0xfe // takes no place
	unknown = 0xff
)

// baseOf is the number of a base of DNA or RNA, or blank or unknown.
var baseOf = func() (t [256]byte) {
	for b := range t {
		t[b] = unknown
		if b <= ' ' || b == 0x7f {
			t[b] = blank
		}
	}
	for i, b := range "ACGT" {
		t[b], t[b|0x20] = byte(i), byte(i)
	}
	t['U'], t['u'] = t['T'], t['T']
	return t
}()

func (s *kmerStream) Encode(dst []ID, text []byte, last bool) []ID {
	mask := ID(s.Size() - 1)
	for _, b := range text {
		d := baseOf[b]
		if d == blank {
			continue
		}
		s.seen = min(s.seen+1, s.k)
		if s.known = min(s.known+1, s.k); d == unknown {
			s.known = 0
		}
		s.word = (s.word<<2 | ID(d&3)) & mask
		switch {
		case s.known == s.k:
			dst = append(dst, s.word)
		case s.seen == s.k:
			dst = append(dst, None)
		}
	}
	if last {
		s.seen, s.known = 0, 0
	}
	return dst
}

// letterStream numbers the letters A to Z from 0.
type letterStream struct{}

func (letterStream) Name() string        { return "protein" }
func (letterStream) Size() int           { return 26 }
func (letterStream) Fingerprint() string { return "protein/2" }

func (letterStream) Encode(dst []ID, text []byte, _ bool) []ID {
	for _, b := range text {
		switch u := b &^ 0x20; {
		case u >= 'A' && u <= 'Z':
			dst = append(dst, ID(u-'A'))
		case baseOf[b] != blank:
			dst = append(dst, None)
		}
	}
	return dst
}
