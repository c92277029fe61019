// Package token defines token ids, tokenizers, and the built-in tokens of text,
// DNA and protein.
package token

import "math"

// ID is the number of a token in its vocabulary, from 0.
type ID uint32

// None marks a place without a token in the output of a Stream, such as an
// unknown base: it keeps the tokens around it at their distance.
const None ID = math.MaxUint32

// Tokenizer turns text into tokens and back.
type Tokenizer interface {
	Name() string        // for people: "bytes"
	Size() int           // number of tokens in the vocabulary
	Fingerprint() string // identifies the mapping; part of the key of stored scores
	// Encode appends the tokens of text to dst.
	Encode(dst []ID, text []byte) []ID
	// Decode appends the text of ids to dst.
	Decode(dst []byte, ids []ID) []byte
}

// Bytes returns the tokenizer whose 256 tokens are the byte values.
func Bytes() Tokenizer { return byteTokenizer{} }

type byteTokenizer struct{}

func (byteTokenizer) Name() string        { return "bytes" }
func (byteTokenizer) Size() int           { return 256 }
func (byteTokenizer) Fingerprint() string { return "bytes" }

func (byteTokenizer) Encode(dst []ID, text []byte) []ID {
	for _, b := range text {
		dst = append(dst, ID(b))
	}
	return dst
}

func (byteTokenizer) Decode(dst []byte, ids []ID) []byte {
	for _, id := range ids {
		dst = append(dst, byte(id))
	}
	return dst
}
