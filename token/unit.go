package token

import "strings"

// Unit is the unit of lengths under the named tokenizer: "byte", "word", "token" …
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
