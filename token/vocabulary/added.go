package vocabulary

import (
	"fmt"
	"sort"
	"strings"
)

// addedToken is a token that is matched before anything else. Special tokens
// (beginning of text, chat turns) are not matched: in a text they are text.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// addedTokens are those that are matched in the text as it is, and those that are matched,
// normalized themselves, in normalized text.
type addedTokens struct{ plain, normalized matcher }

// matcher matches tokens: the leftmost, then the longest.
type matcher struct {
	byFirst [256][]addedToken // longest first
	any     bool
}

// span is a stretch of text, or an added token.
type span struct {
	text string
	id   int // -1: text
}

func newAddedTokens(list []addedToken, normalize []normalizer) (*addedTokens, error) {
	a := &addedTokens{}
	for _, t := range list {
		if t.ID < 0 || t.ID >= maxID {
			return nil, fmt.Errorf("token %q: id %d is outside 0..%d", t.Content, t.ID, maxID-1)
		}
		if t.Special || t.Content == "" {
			continue
		}
		if t.SingleWord || t.LStrip || t.RStrip {
			return nil, fmt.Errorf("token %q: single_word, lstrip and rstrip are not supported", t.Content)
		}
		if !t.Normalized {
			a.plain.add(t)
			continue
		}
		for _, n := range normalize {
			t.Content = n(t.Content)
		}
		if t.Content != "" {
			a.normalized.add(t)
		}
	}
	a.plain.sort()
	a.normalized.sort()
	return a, nil
}

func (a *matcher) add(t addedToken) {
	a.any = true
	a.byFirst[t.Content[0]] = append(a.byFirst[t.Content[0]], t)
}

func (a *matcher) sort() {
	for _, l := range a.byFirst {
		sort.SliceStable(l, func(i, j int) bool { return len(l[i].Content) > len(l[j].Content) })
	}
}

func (a *matcher) cut(s string) []span {
	if !a.any {
		return []span{{s, -1}}
	}
	var out []span
	begin := 0
	for i := 0; i < len(s); {
		found := false
		for _, t := range a.byFirst[s[i]] {
			if strings.HasPrefix(s[i:], t.Content) {
				if i > begin {
					out = append(out, span{s[begin:i], -1})
				}
				out = append(out, span{"", t.ID})
				i += len(t.Content)
				begin, found = i, true
				break
			}
		}
		if !found {
			i++
		}
	}
	if begin < len(s) {
		out = append(out, span{s[begin:], -1})
	}
	return out
}
