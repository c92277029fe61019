// Package token holds token ids and the alphabets and tokenizers that make
// them: bytes, words, sub-word vocabularies, DNA and protein letters.
package token

// ID is the number of a token in its vocabulary, from 0.
type ID uint32
