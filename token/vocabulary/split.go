package vocabulary

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/dlclark/regexp2"
)

// part is a piece of text; first says that the text began with it.
type part struct {
	text  string
	first bool
}

// splitter appends the pieces of a part to dst.
type splitter func(dst []part, p part) []part

// finder returns where a pattern matches, as byte offsets.
type finder func(s string) [][2]int

func parseSplitter(raw json.RawMessage, letters *bool) ([]splitter, error) {
	if isNull(raw) {
		return nil, nil
	}
	var n struct {
		Type        string            `json:"type"`
		List        []json.RawMessage `json:"pretokenizers"`
		Pattern     pattern           `json:"pattern"`
		Behavior    string            `json:"behavior"`
		Invert      bool              `json:"invert"`
		AddPrefix   *bool             `json:"add_prefix_space"`
		UseRegex    *bool             `json:"use_regex"`
		Replacement string            `json:"replacement"`
		Scheme      string            `json:"prepend_scheme"`
		Split       *bool             `json:"split"`
		Individual  bool              `json:"individual_digits"`
	}
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, err
	}
	one := func(f finder, behavior string, invert bool) ([]splitter, error) {
		s, err := cutAt(f, behavior, invert)
		return []splitter{s}, err
	}
	switch n.Type {
	case "Sequence":
		var all []splitter
		for _, raw := range n.List {
			list, err := parseSplitter(raw, letters)
			if err != nil {
				return nil, err
			}
			all = append(all, list...)
		}
		return all, nil
	case "ByteLevel":
		*letters = true
		var all []splitter
		if n.AddPrefix == nil || *n.AddPrefix {
			all = append(all, func(dst []part, p part) []part {
				if !strings.HasPrefix(p.text, " ") {
					p.text = " " + p.text
				}
				return append(dst, p)
			})
		}
		if n.UseRegex == nil || *n.UseRegex {
			cut, err := splitBy(gpt2Pattern)
			if err != nil {
				return nil, err
			}
			all = append(all, cut)
		}
		return append(all, func(dst []part, p part) []part { return append(dst, part{spell(p.text), p.first}) }), nil
	case "Split":
		switch {
		case n.Pattern.String != nil:
			text := *n.Pattern.String
			if text == "" {
				return nil, fmt.Errorf("an empty pattern")
			}
			return one(func(s string) (at [][2]int) {
				for i := 0; ; {
					j := strings.Index(s[i:], text)
					if j < 0 {
						return at
					}
					at = append(at, [2]int{i + j, i + j + len(text)})
					i += j + len(text)
				}
			}, n.Behavior, n.Invert)
		case n.Pattern.Regex != nil:
			f, err := compile(*n.Pattern.Regex)
			if err != nil {
				return nil, err
			}
			return one(f, n.Behavior, n.Invert)
		}
		return nil, fmt.Errorf("split without a pattern")
	case "Metaspace":
		if n.Replacement == "" {
			n.Replacement = "▁"
		}
		scheme := n.Scheme
		if scheme == "" {
			scheme = "always"
			if n.AddPrefix != nil && !*n.AddPrefix {
				scheme = "never"
			}
		}
		all := []splitter{func(dst []part, p part) []part {
			p.text = strings.ReplaceAll(p.text, " ", n.Replacement)
			if (scheme == "always" || scheme == "first" && p.first) && !strings.HasPrefix(p.text, n.Replacement) {
				p.text = n.Replacement + p.text
			}
			return append(dst, p)
		}}
		if n.Split == nil || *n.Split {
			f, err := compile(regexp.QuoteMeta(n.Replacement))
			if err != nil {
				return nil, err
			}
			cut, err := cutAt(f, "MergedWithNext", false)
			if err != nil {
				return nil, err
			}
			all = append(all, cut)
		}
		return all, nil
	case "Whitespace":
		f, err := compile(`\w+|[^\w\s]+`)
		if err != nil {
			return nil, err
		}
		return one(f, "Removed", true)
	case "WhitespaceSplit":
		return one(each(unicode.IsSpace), "Removed", false)
	case "BertPreTokenizer":
		blank, err := cutAt(each(unicode.IsSpace), "Removed", false)
		if err != nil {
			return nil, err
		}
		mark, err := cutAt(each(isPunctuation), "Isolated", false)
		return []splitter{blank, mark}, err
	case "Punctuation":
		if n.Behavior == "" {
			n.Behavior = "Isolated"
		}
		return one(each(isPunctuation), n.Behavior, false)
	case "Digits":
		if n.Individual {
			return one(each(unicode.IsNumber), "Isolated", false)
		}
		return one(each(unicode.IsNumber), "Contiguous", false)
	}
	return nil, fmt.Errorf("type %q is not known here", n.Type)
}

func isPunctuation(r rune) bool {
	return r >= '!' && r <= '/' || r >= ':' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~' || unicode.IsPunct(r)
}

// each finds single letters.
func each(is func(rune) bool) finder {
	return func(s string) (at [][2]int) {
		for i, r := range s {
			if is(r) {
				at = append(at, [2]int{i, i + len(string(r))})
			}
		}
		return at
	}
}

// compile makes a finder of an expression, which may look ahead.
func compile(expression string) (finder, error) {
	// Possessive repetition only saves time here: what follows never takes back.
	re, err := regexp2.Compile(strings.NewReplacer("?+", "?", "++", "+", "*+", "*").Replace(expression), regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	return func(s string) (at [][2]int) {
		runes := []rune(s)
		m, err := re.FindRunesMatch(runes)
		offset, seen := 0, 0
		for err == nil && m != nil {
			for ; seen < m.Index; seen++ {
				offset += len(string(runes[seen]))
			}
			begin := offset
			for ; seen < m.Index+m.Length; seen++ {
				offset += len(string(runes[seen]))
			}
			at = append(at, [2]int{begin, offset})
			m, err = re.FindNextMatch(m)
		}
		return at
	}, nil
}

// splitBy cuts text into the matches of a pattern and what lies between them.
func splitBy(pattern string) (splitter, error) {
	f, err := compile(pattern)
	if err != nil {
		return nil, err
	}
	return cutAt(f, "Isolated", false)
}

// cutAt cuts at matches, which stay or go by behavior; invert takes what lies
// between the matches for the matches.
func cutAt(find finder, behavior string, invert bool) (splitter, error) {
	switch behavior {
	case "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous":
	default:
		return nil, fmt.Errorf("behavior %q is not known here", behavior)
	}
	return func(dst []part, p part) []part {
		type stretch struct {
			from, to int
			match    bool
		}
		var list []stretch
		at := 0
		for _, m := range find(p.text) {
			if m[0] > at {
				list = append(list, stretch{at, m[0], invert})
			}
			if m[1] > m[0] {
				list = append(list, stretch{m[0], m[1], !invert})
			}
			at = max(at, m[1])
		}
		if at < len(p.text) {
			list = append(list, stretch{at, len(p.text), invert})
		}
		add := func(from, to int) {
			dst = append(dst, part{p.text[from:to], p.first && from == 0})
		}
		switch behavior {
		case "Removed":
			for _, s := range list {
				if !s.match {
					add(s.from, s.to)
				}
			}
		case "Isolated":
			for _, s := range list {
				add(s.from, s.to)
			}
		case "Contiguous":
			for i := 0; i < len(list); {
				j := i + 1
				for j < len(list) && list[j].match == list[i].match {
					j++
				}
				add(list[i].from, list[j-1].to)
				i = j
			}
		case "MergedWithPrevious":
			for i := 0; i < len(list); i++ {
				s := list[i]
				if !s.match && i+1 < len(list) && list[i+1].match {
					i++
				}
				add(s.from, list[i].to)
			}
		case "MergedWithNext":
			for i := 0; i < len(list); i++ {
				s := list[i]
				if s.match && i+1 < len(list) && !list[i+1].match {
					i++
				}
				add(s.from, list[i].to)
			}
		}
		return dst
	}, nil
}
