package vocabulary

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/token"
)

// Normalizers give what Hugging Face's tokenizers 0.23.3 gives.
func TestNormalizers(t *testing.T) {
	const bert = `{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": true, "lowercase": true}`
	for _, x := range []struct{ normalizer, text, want string }{
		{`{"type": "Lowercase"}`, "\u0130x", "i\u0307x"},
		{`{"type": "Lowercase"}`, "\u039f\u0394\u039f\u03a3.", "\u03bf\u03b4\u03bf\u03c3."},
		{`{"type": "Lowercase"}`, "\u1e9e\u01c5", "\u00df\u01c6"},
		{`{"type": "Nmt"}`, "a\u0001\u200b\ufeff\u0085b\tc", "a  \u0085b c"},
		{`{"type": "StripAccents"}`, "a\u0301", "a"},
		{`{"type": "StripAccents"}`, "\u0915\u0903", "\u0915"},            // Mc
		{`{"type": "StripAccents"}`, "a\u0488", "a"},                      // Me
		{`{"type": "NFC"}`, "e\u0e4b\u0899\u0301", "e\u0e4b\u0899\u0301"}, // of Unicode 14: no mark, so nothing moves across it
		{`{"type": "NFC"}`, "e\u0301\u0899e\u0301", "é\u0899é"},
		{`{"type": "NFC"}`, "e\u0e4b\u0301", "é\u0e4b"},
		{`{"type": "NFKC"}`, "\u32fe\u32ff\U0001078b", "ヲ\u32ff\U0001078b"}, // of Unicode 12 and 14
		{bert, "a\u1885", "a\u1885"},                                        // a letter before Unicode 9
		{bert, "a\u0301", "a"},
		{bert, "\u0915\u0903", "\u0915\u0903"},
		{bert, "a\u0488", "a\u0488"},
	} {
		list, err := parseNormalizer(json.RawMessage(x.normalizer))
		if err != nil {
			t.Fatal(err)
		}
		got := x.text
		for _, f := range list {
			got = f(got)
		}
		if got != x.want {
			t.Errorf("%s of %+q gives %+q, want %+q", x.normalizer, x.text, got, x.want)
		}
	}
}

// Added tokens are matched in the text or, normalized themselves, in normalized text, as
// by Hugging Face's tokenizers 0.23.3.
func TestAddedTokensInNormalizedText(t *testing.T) {
	for _, x := range []struct {
		normalizer string
		normalized bool
		want       [3][]token.ID // of aÉa, aéa, éa
	}{
		{`{"type": "Lowercase"}`, true, [3][]token.ID{{1, 2, 1}, {1, 2, 1}, {2, 1}}},
		{`{"type": "Lowercase"}`, false, [3][]token.ID{{0}, {1, 2, 1}, {2, 1}}},
		{`{"type": "Prepend", "prepend": "▁"}`, true, [3][]token.ID{{0}, {0}, {2, 1}}},
	} {
		v, err := Parse(fmt.Appendf(nil, `{"added_tokens": [{"id": 2, "content": "é", "normalized": %v}], "normalizer": %s,
			"model": {"type": "WordLevel", "vocab": {"<unk>": 0, "a": 1}, "unk_token": "<unk>"}}`, x.normalized, x.normalizer))
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range []string{"aÉa", "aéa", "éa"} {
			if got := v.Encode(nil, []byte(text)); !slices.Equal(got, x.want[i]) {
				t.Errorf("%s, normalized %v: %q has %v, want %v", x.normalizer, x.normalized, text, got, x.want[i])
			}
		}
	}
}

// Oniguruma's expressions are written for regexp2.
func TestOniguruma(t *testing.T) {
	for expression, want := range map[string]string{
		`\s++$|x?+|y*+z`: `\s+$|x?|y*z`, `a\++`: `a\++`, `[?*+]++`: `[?*+]+`, `[()*+,\]*+]x*+`: `[()*+,\]*+]x*`, `a+b+`: `a+b+`, `\`: `\`, `]?+`: `]?`,
		` ?[^(\s|[.,!?…])]+`: ` ?[^(\s|.,!?…)]+`, // BLOOM's
	} {
		if got, err := fromOnig(expression); err != nil || got != want {
			t.Errorf("%s becomes %s, want %s (error %v)", expression, got, want, err)
		}
	}
	for expression, want := range map[string]string{
		`[a&&[bc]]`: "&& in a class", `[a[^b]]`: "[^ in a class", `[[:alpha:]]`: "[: in a class", `[\W_]`: `\W in a class`, `(`: "missing closing )",
	} {
		if _, err := compileOnig(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", expression, err, want)
		}
	}
	for _, c := range []struct {
		expression, text string
		want             [][2]int
	}{
		{"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+", "1+n", [][2]int{{1, 3}}}, // DeepSeek-V3's
		{`\w+`, "\u0446\u1734\u24b6 -", [][2]int{{0, 8}}},                                  // a spacing mark and a circled letter
		{`\w`, "²①", [][2]int{{0, 2}}},                                                     // a superscript of Latin-1, and one that is not
		{`\b.|\B!`, "a² ②!", [][2]int{{0, 1}, {3, 4}, {7, 8}}},
		{`[^\w\s]|\W`, "\u0446\u1734\u24b6 -", [][2]int{{8, 9}, {9, 10}}},
	} {
		find, err := compile(c.expression)
		if err != nil {
			t.Fatal(err)
		}
		if got := find(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s finds %v in %q, want %v", c.expression, got, c.text, c.want)
		}
	}
}
