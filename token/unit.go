package token

import "strings"

// Unit is what a length counts under a tokenizer.
func Unit(tokenizer string) string {
	switch strings.ToLower(tokenizer) {
	case "byte", "bytes":
		return "byte"
	case "dna":
		return "base"
	case "protein":
		return "residue"
	case "word", "words":
		return "word"
	}
	return "token"
}
