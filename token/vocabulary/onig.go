package vocabulary

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dlclark/regexp2"
)

// compileOnig compiles a regular expression of Oniguruma, which Hugging Face's library
// uses.
func compileOnig(expression string) (*regexp2.Regexp, error) {
	translated, err := fromOnig(expression)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	re, err := regexp2.Compile(translated, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	return re, nil
}

// wordClass is what \w means in Oniguruma: letters, marks, digits, connectors, the fractions
// and superscripts of Latin-1, and circled and squared letters. Found by running tokenizers
// 0.23.3 on every character.
const wordClass = `\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}` + "\u00b2\u00b3\u00b9\u00bc-\u00be\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189"

// fromOnig writes an expression as regexp2 reads it [Oniguruma, doc/RE]:
//   - \w and the \b at its ends have Oniguruma's letters,
//   - possessive quantifiers (?+, ++, *+) are greedy. They only save time: no pattern that
//     is used backtracks into them,
//   - a class within a class loses its brackets; what else classes may hold is an error.
func fromOnig(expression string) (string, error) {
	var out strings.Builder
	class, quantified := 0, false // depth of classes, after a quantifier
	for i := 0; i < len(expression); i++ {
		b, rest := expression[i], expression[i+1:]
		switch {
		case b == '\\' && rest != "":
			if err := onigEscape(&out, rest[0], class > 0); err != nil {
				return "", err
			}
			i++
			quantified = false
		case class > 0 && (b == '[' && (strings.HasPrefix(rest, "^") || strings.HasPrefix(rest, ":")) || b == '&' && strings.HasPrefix(rest, "&")):
			return "", fmt.Errorf("%.2s in a class of characters is not supported", expression[i:])
		case b == '[':
			if class++; class == 1 {
				out.WriteByte(b)
			}
		case b == ']' && class > 0:
			if class--; class == 0 {
				out.WriteByte(b)
			}
			quantified = false
		case class == 0 && b == '+' && quantified:
			quantified = false
		default:
			quantified = b == '?' || b == '*' || b == '+'
			out.WriteByte(b)
		}
	}
	return out.String(), nil
}

// onigEscape writes what a backslash and a letter mean.
func onigEscape(out *strings.Builder, letter byte, inClass bool) error {
	const word = "[" + wordClass + "]"
	switch {
	case letter == 'w' && inClass:
		out.WriteString(wordClass)
	case letter == 'w':
		out.WriteString(word)
	case letter == 'W' && inClass:
		return errors.New(`\W in a class of characters is not supported`)
	case letter == 'W':
		out.WriteString("[^" + wordClass + "]")
	case letter == 'b' && !inClass:
		out.WriteString("(?:(?<=" + word + ")(?!" + word + ")|(?<!" + word + ")(?=" + word + "))")
	case letter == 'B' && !inClass:
		out.WriteString("(?:(?<=" + word + ")(?=" + word + ")|(?<!" + word + ")(?!" + word + "))")
	default:
		out.Write([]byte{'\\', letter})
	}
	return nil
}
