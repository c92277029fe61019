package vocabulary

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites text before it is cut.
type normalizer func(string) string

// pattern is a pattern of tokenizer.json: literal text or a regular expression.
type pattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

// normalizerSpec is a normalizer in tokenizer.json.
type normalizerSpec struct {
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
	CharsMap    string            `json:"precompiled_charsmap"` // in base64
}

func parseNormalizer(raw json.RawMessage) ([]normalizer, error) {
	if isNull(raw) {
		return nil, nil
	}
	var n normalizerSpec
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, err
	}
	if n.Type == "Sequence" {
		var all []normalizer
		for _, raw := range n.Normalizers {
			list, err := parseNormalizer(raw)
			if err != nil {
				return nil, err
			}
			all = append(all, list...)
		}
		return all, nil
	}
	one, err := n.normalizer()
	if err != nil {
		return nil, err
	}
	return []normalizer{one}, nil
}

func (n *normalizerSpec) normalizer() (normalizer, error) {
	switch n.Type {
	case "NFC":
		return ofUnicode9(norm.NFC), nil
	case "NFD":
		return ofUnicode9(norm.NFD), nil
	case "NFKC":
		return ofUnicode9(norm.NFKC), nil
	case "NFKD":
		return ofUnicode9(norm.NFKD), nil
	case "Nmt":
		return nmt, nil
	case "Lowercase":
		return lower, nil
	case "StripAccents":
		return func(s string) string {
			return strip(s, func(r rune) bool { return unicode.IsMark(r) && unicode.Is(unicode9(), r) })
		}, nil
	case "Strip":
		return n.trim, nil
	case "Prepend":
		return func(s string) string {
			if s == "" {
				return s
			}
			return n.Prepend + s
		}, nil
	case "Replace":
		return n.replace()
	case "Precompiled":
		m, err := parseCharsMap(n.CharsMap)
		if err != nil {
			return nil, err
		}
		return m.normalize, nil
	case "BertNormalizer":
		return n.bert, nil
	}
	return nil, fmt.Errorf("type %q is not supported", n.Type)
}

// ofUnicode9 normalizes as Unicode 9 does: a character that was added later stays as it
// is, and nothing moves across it or joins with it.
func ofUnicode9(form norm.Form) normalizer {
	return func(s string) string {
		if form.IsNormalString(s) {
			return s
		}
		var out strings.Builder
		from := 0
		for i, r := range s {
			if r < utf8.RuneSelf || unicode.Is(unicode9(), r) {
				continue
			}
			out.WriteString(form.String(s[from:i]))
			from = i + utf8.RuneLen(r)
			out.WriteString(s[i:from])
		}
		out.WriteString(form.String(s[from:]))
		return out.String()
	}
}

var decomposed = ofUnicode9(norm.NFD)

func (n *normalizerSpec) trim(s string) string {
	if n.StripLeft {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
	}
	if n.StripRight {
		s = strings.TrimRightFunc(s, unicode.IsSpace)
	}
	return s
}

func (n *normalizerSpec) replace() (normalizer, error) {
	switch {
	case n.Pattern.String != nil:
		return func(s string) string { return strings.ReplaceAll(s, *n.Pattern.String, n.Content) }, nil
	case n.Pattern.Regex != nil:
		re, err := compileOnig(*n.Pattern.Regex)
		if err != nil {
			return nil, err
		}
		content := strings.ReplaceAll(n.Content, "$", "$$")
		return func(s string) string {
			if out, err := re.Replace(s, content, -1, -1); err == nil {
				return out
			}
			return s
		}, nil
	}
	return nil, fmt.Errorf("replace without a pattern")
}

func (n *normalizerSpec) bert(s string) string {
	if n.Clean {
		s = cleanText(s)
	}
	if n.Chinese {
		s = spaceChinese(s)
	}
	if n.Accents != nil && *n.Accents || n.Accents == nil && n.Lower {
		s = strip(decomposed(s), isAccent)
	}
	if n.Lower {
		s = lower(s)
	}
	return s
}

// strip drops a class of characters: all marks for StripAccents, nonspacing marks
// for BertNormalizer.
func strip(s string, drop func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if drop(r) {
			return -1
		}
		return r
	}, s)
}

// lower lowercases each character independently of its neighbours, as Hugging
// Face's library does: there is no final sigma. U+0130 is the only one that
// becomes two [Unicode 16, SpecialCasing.txt].
func lower(s string) string {
	return strings.ToLower(strings.ReplaceAll(s, "\u0130", "i\u0307"))
}

// cleanText drops control characters and replaces white space with spaces.
func cleanText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r == 0 || r == '\uFFFD' || unicode.In(r, unicode.Cc, unicode.Co, unicode.Cs), unicode.Is(unicode.Cf, r) && unicode.Is(unicode8(), r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, s)
}

// spaceChinese puts spaces around ideographs.
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
