package token_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/token"
)

func TestStreams(t *testing.T) {
	for _, x := range []struct {
		name, text string
		want       []token.ID
	}{
		{"bytes", "ab", []token.ID{'a', 'b'}},
		{"words", "It's a  dog, a dog.", []token.ID{0, 1, 2, 3, 1, 2, 4}},
		{"words", "  \n", nil},
		{"words", "café", []token.ID{0}},
		{"dna", "ACgtNA\nC", []token.ID{0, 1, 2, 3, token.None, 0, 1}},
		{"dna", "AUuT", []token.ID{0, 3, 3, 3}},
		{"dna:2", "ACGNTTA\nA", []token.ID{1, 6, token.None, token.None, 15, 12, 0}}, // AC, CG, –, –, TT, TA, AA
		{"dna:3", "NACGNNACG", []token.ID{token.None, 6, token.None, token.None, token.None, token.None, 6}},
		{"protein", "A M\nz*a", []token.ID{0, 12, 25, token.None, 0}},
	} {
		s, err := token.ParseStream(x.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Encode(nil, []byte(x.text), true); !slices.Equal(got, x.want) {
			t.Errorf("%s of %q are %v, want %v", x.name, x.text, got, x.want)
		}
	}
	for _, bad := range []string{"bits", "dna:0", "dna:13", "dna:x", "words:2"} {
		if _, err := token.ParseStream(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// Words of DNA stand where their last letter stands, whatever comes between.
func TestWordsOfDNAKeepTheirPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("AcGtuNN-\n"))).Draw(t, "text")
		k := rapid.IntRange(1, 4).Draw(t, "k")
		letters := strings.ReplaceAll(strings.ToUpper(text), "\n", "")
		var want []token.ID
		for end := k; end <= len(letters); end++ {
			id := token.ID(0)
			for _, b := range letters[end-k : end] {
				d := strings.IndexRune("ACGT", b)
				if b == 'U' {
					d = 3
				}
				if d < 0 {
					id = token.None
					break
				}
				id = 4*id + token.ID(d)
			}
			want = append(want, id)
		}
		s, err := token.ParseStream(fmt.Sprintf("dna:%d", k))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Encode(nil, []byte(text), true); !slices.Equal(got, want) {
			t.Fatalf("%q has %v, want %v", text, got, want)
		}
	})
}

func TestWidth(t *testing.T) {
	for name, want := range map[string]int{"bytes": 1, "words": 1, "dna": 1, "dna:6": 6, "protein": 1, "vocabulary.json": 1, "dna:99": 1} {
		if got := token.Width(name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// Where a document is cut into pieces makes no difference.
func TestStreamsJoinPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.StringOf(rapid.SampledFrom([]rune("ab' .ACGTN\né"))))
		docs := rapid.SliceOfN(pieces, 1, 3).Draw(t, "documents")
		for _, name := range []string{"bytes", "words", "dna", "dna:3", "protein"} {
			whole, _ := token.ParseStream(name)
			cut, _ := token.ParseStream(name)
			for _, doc := range docs {
				want := whole.Encode(nil, []byte(strings.Join(doc, "")), true)
				var got []token.ID
				for _, p := range doc {
					got = cut.Encode(got, []byte(p), false)
				}
				if got = cut.Encode(got, nil, true); !slices.Equal(got, want) {
					t.Fatalf("%s: %v in pieces, %v whole", name, got, want)
				}
			}
		}
	})
}
