package vocabulary

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/dlclark/regexp2"
	"golang.org/x/text/unicode/norm"
)

// normalizer changes text before it is cut.
type normalizer func(string) string

// pattern is a search pattern of tokenizer.json: a text or an expression.
type pattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

func parseNormalizer(raw json.RawMessage) ([]normalizer, error) {
	if isNull(raw) {
		return nil, nil
	}
	var n struct {
		Type        string            `json:"type"`
		Normalizers []json.RawMessage `json:"normalizers"`
		Pattern     pattern           `json:"pattern"`
		Content     string            `json:"content"`
		Prepend     string            `json:"prepend"`
		StripLeft   bool              `json:"strip_left"`
		StripRight  bool              `json:"strip_right"`
		Clean       bool              `json:"clean_text"`
		Chinese     bool              `json:"handle_chinese_chars"`
		Accents     *bool             `json:"strip_accents"`
		Lower       bool              `json:"lowercase"`
	}
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, err
	}
	one := func(f normalizer) ([]normalizer, error) { return []normalizer{f}, nil }
	switch n.Type {
	case "Sequence":
		var all []normalizer
		for _, raw := range n.Normalizers {
			list, err := parseNormalizer(raw)
			if err != nil {
				return nil, err
			}
			all = append(all, list...)
		}
		return all, nil
	case "NFC":
		return one(norm.NFC.String)
	case "NFD":
		return one(norm.NFD.String)
	case "NFKC":
		return one(norm.NFKC.String)
	case "NFKD":
		return one(norm.NFKD.String)
	case "Lowercase":
		return one(lower)
	case "StripAccents":
		return one(func(s string) string { return strip(s, unicode.M) })
	case "Strip":
		return one(func(s string) string {
			if n.StripLeft {
				s = strings.TrimLeftFunc(s, unicode.IsSpace)
			}
			if n.StripRight {
				s = strings.TrimRightFunc(s, unicode.IsSpace)
			}
			return s
		})
	case "Prepend":
		return one(func(s string) string {
			if s == "" {
				return s
			}
			return n.Prepend + s
		})
	case "Replace":
		switch {
		case n.Pattern.String != nil:
			return one(func(s string) string { return strings.ReplaceAll(s, *n.Pattern.String, n.Content) })
		case n.Pattern.Regex != nil:
			re, err := regexp2.Compile(*n.Pattern.Regex, regexp2.None)
			if err != nil {
				return nil, fmt.Errorf("pattern: %w", err)
			}
			content := strings.ReplaceAll(n.Content, "$", "$$")
			return one(func(s string) string {
				if out, err := re.Replace(s, content, -1, -1); err == nil {
					return out
				}
				return s
			})
		}
		return nil, fmt.Errorf("replace without a pattern")
	case "BertNormalizer":
		return one(func(s string) string {
			if n.Clean {
				s = cleanText(s)
			}
			if n.Chinese {
				s = spaceChinese(s)
			}
			if n.Accents != nil && *n.Accents || n.Accents == nil && n.Lower {
				s = strip(norm.NFD.String(s), unicode.Mn)
			}
			if n.Lower {
				s = lower(s)
			}
			return s
		})
	}
	return nil, fmt.Errorf("type %q is not known here", n.Type)
}

// strip drops the letters of a class: all marks for StripAccents, those without width
// of their own for BertNormalizer.
func strip(s string, class *unicode.RangeTable) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(class, r) {
			return -1
		}
		return r
	}, s)
}

// lower is the lower case of every letter by itself. Of U+0130 that is two, the only
// such letter [Unicode 16, SpecialCasing.txt]; the end of a word makes no difference to
// a sigma, as in Hugging Face's library.
func lower(s string) string {
	return strings.ToLower(strings.ReplaceAll(s, "\u0130", "i\u0307"))
}

// cleanText drops control letters and makes white space blanks.
func cleanText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r == 0 || r == '\uFFFD' || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, s)
}

// spaceChinese puts blanks around ideographs.
func spaceChinese(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 0x4E00 && r <= 0x9FFF || r >= 0x3400 && r <= 0x4DBF || r >= 0x20000 && r <= 0x2A6DF || r >= 0x2A700 && r <= 0x2B73F ||
			r >= 0x2B740 && r <= 0x2B81F || r >= 0x2B920 && r <= 0x2CEAF || r >= 0xF900 && r <= 0xFAFF || r >= 0x2F800 && r <= 0x2FA1F {
			b.WriteString(" " + string(r) + " ")
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
