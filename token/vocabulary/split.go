package vocabulary

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// part is a piece of text; first says that it begins the text.
type part struct {
	text  string
	first bool
}

// splitter appends the pieces of a part to dst.
type splitter func(dst []part, p part) []part

// finder returns where a pattern matches, as byte offsets.
type finder func(s string) [][2]int

// splitterSpec is a pre-tokenizer in tokenizer.json.
type splitterSpec struct {
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
	Delimiter   string            `json:"delimiter"`
}

// parseSplitter reads a pre-tokenizer, and sets letters if it is byte-level.
func parseSplitter(raw json.RawMessage, letters *bool) ([]splitter, error) {
	if isNull(raw) {
		return nil, nil
	}
	var n splitterSpec
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, err
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
		return n.byteLevel()
	case "Metaspace":
		return n.metaspace()
	case "BertPreTokenizer":
		blank, err := cutAt(each(unicode.IsSpace), "Removed", false)
		if err != nil {
			return nil, err
		}
		mark, err := cutAt(each(isPunctuation), "Isolated", false)
		return []splitter{blank, mark}, err
	}
	find, err := n.finder()
	if err != nil {
		return nil, err
	}
	s, err := cutAt(find, n.Behavior, n.Invert)
	return []splitter{s}, err
}

// finder is what a pre-tokenizer that cuts at matches looks for. It sets Behavior
// and Invert where the type implies them.
func (n *splitterSpec) finder() (finder, error) {
	switch n.Type {
	case "Split":
		switch {
		case n.Pattern.String != nil && *n.Pattern.String == "":
			return nil, fmt.Errorf("split with an empty pattern")
		case n.Pattern.String != nil:
			return literal(*n.Pattern.String), nil
		case n.Pattern.Regex != nil:
			return compile(*n.Pattern.Regex)
		}
		return nil, fmt.Errorf("split without a pattern")
	case "CharDelimiterSplit":
		if utf8.RuneCountInString(n.Delimiter) != 1 {
			return nil, fmt.Errorf("the delimiter %q is not one character", n.Delimiter)
		}
		n.Behavior, n.Invert = "Removed", false
		return literal(n.Delimiter), nil
	case "Whitespace":
		n.Behavior, n.Invert = "Removed", true
		return wordsAndMarks, nil
	case "WhitespaceSplit":
		n.Behavior, n.Invert = "Removed", false
		return each(unicode.IsSpace), nil
	case "UnicodeScripts":
		n.Behavior, n.Invert = "Removed", true
		return scripts, nil
	case "Punctuation":
		n.Behavior, n.Invert = cmp.Or(n.Behavior, "Isolated"), false
		return each(isPunctuation), nil
	case "Digits":
		n.Behavior, n.Invert = "Contiguous", false
		if n.Individual {
			n.Behavior = "Isolated"
		}
		return each(isNumber), nil
	}
	return nil, fmt.Errorf("type %q is not supported", n.Type)
}

func (n *splitterSpec) byteLevel() ([]splitter, error) {
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
}

func (n *splitterSpec) metaspace() ([]splitter, error) {
	blank := cmp.Or(n.Replacement, "▁")
	scheme := n.Scheme
	if scheme == "" {
		scheme = "always"
		if n.AddPrefix != nil && !*n.AddPrefix {
			scheme = "never"
		}
	}
	all := []splitter{func(dst []part, p part) []part {
		p.text = strings.ReplaceAll(p.text, " ", blank)
		if (scheme == "always" || scheme == "first" && p.first) && !strings.HasPrefix(p.text, blank) {
			p.text = blank + p.text
		}
		return append(dst, p)
	}}
	if n.Split == nil || *n.Split {
		cut, err := cutAt(literal(blank), "MergedWithNext", false)
		if err != nil {
			return nil, err
		}
		all = append(all, cut)
	}
	return all, nil
}

// literal finds the occurrences of text.
func literal(text string) finder {
	return func(s string) (at [][2]int) {
		for i := 0; ; {
			j := strings.Index(s[i:], text)
			if j < 0 {
				return at
			}
			at = append(at, [2]int{i + j, i + j + len(text)})
			i += j + len(text)
		}
	}
}

// wordsAndMarks finds \w+|[^\w\s]+ as Rust defines it: words contain letters,
// marks, digits, connector punctuation and joiners [UTS #18, Annex C].
func wordsAndMarks(s string) (at [][2]int) {
	const blank, word, mark = 0, 1, 2
	last, from := blank, 0
	for i, r := range s + " " {
		kind := mark
		switch {
		case unicode.IsSpace(r):
			kind = blank
		case unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control):
			kind = word
		}
		if kind != last {
			if last != blank {
				at = append(at, [2]int{from, i})
			}
			last, from = kind, i
		}
	}
	return at
}

// scripts finds runs of one script. Spaces and characters without a script belong
// to the run before them; those before the first run are lost. Kana count as Han.
func scripts(s string) (at [][2]int) {
	of := scriptTable()
	last, from := uint8(0), 0
	for i, r := range s {
		script := of[r]
		if script != 0 && script != last {
			if last != 0 {
				at = append(at, [2]int{from, i})
			}
			last, from = script, i
		}
	}
	if last == 0 {
		return nil
	}
	return append(at, [2]int{from, len(s)})
}

// scriptTable holds the number of every character's script, 0 for none and for
// spaces.
var scriptTable = sync.OnceValue(func() *[unicode.MaxRune + 1]uint8 {
	var of [unicode.MaxRune + 1]uint8
	for i, name := range slices.Sorted(maps.Keys(unicode.Scripts)) {
		table := unicode.Scripts[name]
		number := uint8(i + 1)
		if name == "Han" || name == "Hiragana" || name == "Katakana" {
			number = han
		}
		for _, r := range table.R16 {
			for c := uint32(r.Lo); c <= uint32(r.Hi); c += uint32(r.Stride) {
				of[c] = number
			}
		}
		for _, r := range table.R32 {
			for c := r.Lo; c <= r.Hi; c += r.Stride {
				of[c] = number
			}
		}
	}
	for r := range of {
		if of[r] != 0 && !unicode.Is(unicode9(), rune(r)) {
			of[r] = 0
		}
	}
	of[' '], of['ー'] = 0, han
	return &of
})

// han is the number of Han, Hiragana and Katakana.
const han = 255

// each finds single characters.
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

// compile makes a finder of a regular expression, which may look ahead.
func compile(expression string) (finder, error) {
	re, err := compileOnig(expression)
	if err != nil {
		return nil, err
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

// splitBy cuts text into the matches of a pattern and the text between them.
func splitBy(pattern string) (splitter, error) {
	f, err := compile(pattern)
	if err != nil {
		return nil, err
	}
	return cutAt(f, "Isolated", false)
}

// stretch is a match, or the text between two.
type stretch struct {
	from, to int
	match    bool
}

func stretches(length int, matches [][2]int, invert bool) (list []stretch) {
	at := 0
	for _, m := range matches {
		if m[0] > at {
			list = append(list, stretch{at, m[0], invert})
		}
		if m[1] > m[0] {
			list = append(list, stretch{m[0], m[1], !invert})
		}
		at = max(at, m[1])
	}
	if at < length {
		list = append(list, stretch{at, length, invert})
	}
	return list
}

// cutAt cuts at matches, which behavior keeps, joins or removes; invert swaps
// matches and the text between them.
func cutAt(find finder, behavior string, invert bool) (splitter, error) {
	// joins reports whether s is joined to the stretch before it.
	var joins func(before, s stretch) bool
	switch behavior {
	case "Removed", "Isolated":
		joins = func(_, _ stretch) bool { return false }
	case "Contiguous":
		joins = func(before, s stretch) bool { return before.match == s.match }
	case "MergedWithPrevious":
		joins = func(before, s stretch) bool { return !before.match && s.match }
	case "MergedWithNext":
		joins = func(before, s stretch) bool { return before.match && !s.match }
	default:
		return nil, fmt.Errorf("behavior %q is not supported", behavior)
	}
	return func(dst []part, p part) []part {
		list := stretches(len(p.text), find(p.text), invert)
		for i := 0; i < len(list); {
			s := list[i]
			for i++; i < len(list) && joins(list[i-1], list[i]); i++ {
				s.to = list[i].to
			}
			if behavior != "Removed" || !s.match {
				dst = append(dst, part{p.text[s.from:s.to], p.first && s.from == 0})
			}
		}
		return dst
	}, nil
}
