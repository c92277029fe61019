package token_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/clipperhouse/uax29/v2/words"
	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/token"
)

// wordsOf are the words of a text that comes in pieces, the last of which is known
// for the last one or not.
func wordsOf(known bool, pieces ...string) []string {
	var out []string
	var part []byte
	visit := func(w []byte) { out = append(out, string(w)) }
	for i, p := range pieces {
		token.EachWord(&part, []byte(p), known && i == len(pieces)-1, visit)
	}
	if !known {
		token.EachWord(&part, nil, true, visit)
	}
	return out
}

func TestWords(t *testing.T) {
	long := strings.Repeat("é", 511)
	for _, x := range []struct {
		text string
		want []string
	}{
		{"“It’s 'a dog'—isn't it?”", []string{"“", "It’s", "'", "a", "dog", "'", "—", "isn't", "it", "?", "”"}},
		{"3.14, e.g. 1,000 at a.b.example.com.", []string{"3.14", ",", "e.g", ".", "1,000", "at", "a.b.example.com", "."}},
		{"foo_bar := x[3]\r\n", []string{"foo_bar", ":", "=", "x", "[", "3", "]"}},
		{"\ufeffun\u00a0mot cafe\u0301\u2028naïve", []string{"un", "mot", "cafe\u0301", "naïve"}},
		{"我爱北京。カタカナ", []string{"我", "爱", "北", "京", "。", "カタカナ"}},
		{"caf\xe9 \xff\xfe", []string{"caf", "\xe9", "\xff", "\xfe"}},
		{"«\u202fmot\u202f» mot\u202f!", []string{"«", "mot", "»", "mot", "!"}},
		{"\u06dd١٢ 5\u06dd \n\u200d👩 Wort\u00ad", []string{"١٢", "5", "👩", "Wort"}},
		{" \u0301 \u0301\ufe0f x\u0301", []string{"x\u0301"}},
		{strings.Repeat("x", 1024) + "'", []string{strings.Repeat("x", 1024), "'"}},
		{strings.Repeat("x", 65535) + "'", append(slices.Repeat([]string{strings.Repeat("x", 1024)}, 63), strings.Repeat("x", 1023), "'")},
		{"👩‍🚀🇩🇪🇫🇷", []string{"👩‍🚀", "🇩🇪", "🇫🇷"}},
		{"\x00\x01 a\x7f", []string{"a"}},
		{strings.Repeat("x", 2050), []string{strings.Repeat("x", 1024), strings.Repeat("x", 1024), "xx"}},
		{"x" + long + "éz", []string{"x" + long, "éz"}},
	} {
		if got := wordsOf(true, x.text); !slices.Equal(got, x.want) {
			t.Errorf("%.200q has words %.200q, want %.200q", x.text, got, x.want)
		}
	}
}

// segments are the words of a text as the library for UAX #29 finds them.
func segments(text []byte) []string {
	var out []string
	for all := words.FromBytes(text); all.Next(); {
		w := all.Value()
		w = bytes.TrimFunc(w, func(r rune) bool { return unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf) })
		if strings.IndexFunc(string(w), func(r rune) bool { return !unicode.In(r, unicode.M, unicode.Z, unicode.Cc, unicode.Cf) }) >= 0 {
			out = append(out, string(w))
		}
	}
	return out
}

// Words are those of the library, wherever a document is cut into pieces.
func checkWords(t interface {
	Helper()
	Fatalf(string, ...any)
}, text []byte, cuts *rand.Rand) {
	t.Helper()
	var pieces []string
	for rest := text; len(rest) > 0; {
		n := 1 + cuts.IntN(len(rest))
		pieces, rest = append(pieces, string(rest[:n])), rest[n:]
	}
	got := wordsOf(false, pieces...)
	for _, known := range []bool{false, true} {
		if whole := wordsOf(known, string(text)); !slices.Equal(got, whole) {
			t.Fatalf("%q: words %q in pieces %q, %q whole", text, got, pieces, whole)
		}
	}
	// Only words that long may be cut.
	if want := segments(text); len(want) == 0 || len(slices.MaxFunc(want, byLength)) < 1000 {
		if !slices.Equal(got, want) {
			t.Fatalf("%q: words %q, want %q", text, got, want)
		}
	}
	for _, w := range got {
		if len(w) > 1024 {
			t.Fatalf("a word of %d bytes", len(w))
		}
	}
}

func byLength(a, b string) int { return len(a) - len(b) }

func TestWordsAreUnicodes(t *testing.T) {
	// What rules join or part, dense.
	piece := rapid.SampledFrom([]string{
		"a", "B", "7", "_", "'", "\"", ".", ",", ":", ";", " ", "\n", "\r", "-", "é", "\u0301", "\u200d", "\u00ad", "’", "א", "״",
		"カ", "の", "\u202f", "\u06dd", "\ufe0f", "我", "🇩", "👩", "\u2028", "\u00a0", "\xff", "\xe2\x80", "\x00", "ab", "12", strings.Repeat("q", 500), strings.Repeat(" ", 600),
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(t, "text"), "")
		checkWords(t, []byte(text), rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "cuts"), 0)))
	})
}

func FuzzWords(f *testing.F) {
	f.Add([]byte("“It’s 'a dog'—isn't it?” 3.14"), uint64(1))
	f.Add([]byte("\xff\xfea\x00 我爱\u0301🇩🇪🇫"), uint64(2))
	f.Add(bytes.Repeat([]byte("ab_"), 800), uint64(3))
	f.Fuzz(func(t *testing.T, text []byte, cuts uint64) { checkWords(t, text, rand.New(rand.NewPCG(cuts, 0))) })
}

// BenchmarkWords compares with the library alone, in ASCII but for quotes and in Cyrillic.
func BenchmarkWords(b *testing.B) {
	for script, line := range map[string]string{
		"Latin":    "It was the best of times, it was the worst of times; “so they say”, and didn't they?\n",
		"Cyrillic": "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.\n",
		"Chinese":  "天下大勢，分久必合，合久必分。周末七國分爭，并入於秦。\n",
	} {
		text := []byte(strings.Repeat(line, 1<<20/len(line)))
		b.Run(script+"/EachWord", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				var part []byte
				token.EachWord(&part, text, true, func([]byte) {})
			}
		})
		b.Run(script+"/library", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				for all := words.FromBytes(text); all.Next(); {
				}
			}
		})
	}
}
