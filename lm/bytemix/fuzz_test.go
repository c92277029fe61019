package bytemix

import (
	"slices"
	"testing"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// FuzzBranches: whatever the bytes and the branches, a model that has answered
// other requests gives what a fresh one gives for the whole text, bit for bit.
func FuzzBranches(f *testing.F) {
	f.Add([]byte("the cat and the dog and the cat"), []byte{3, 1, 0, 9, 30, 2})
	f.Add([]byte{0, 255, 0, 255, '\n', '\n'}, []byte{0, 0, 200})
	f.Add([]byte(nil), []byte{5, 5})
	alphabets := []Alphabet{Bytes, DNA, Protein}
	used, unused := map[Alphabet]*Model{}, map[Alphabet]engine{}
	for _, a := range alphabets {
		o := Options{Alphabet: a, TableBits: 12, Workers: 1}
		m, err := New(o)
		if err != nil {
			f.Fatal(err)
		}
		used[a], unused[a] = m, newEngine(m.opts)
		unused[a].pace(windowRates(a, false))
	}
	f.Fuzz(func(t *testing.T, text, plan []byte) {
		if len(text) > 2000 || len(plan) > 20 {
			return
		}
		a := alphabets[len(plan)%3]
		m := used[a]
		r := lm.Request[token.ID]{Tokens: fold(text, a)}
		for i := 0; i+1 < len(plan); i += 2 {
			at := int(plan[i]) % (len(text) + 1)
			from := int(plan[i+1]) % (len(text) + 1)
			r.Branches = append(r.Branches, lm.Branch[token.ID]{At: at, Tokens: fold(text[from:], a)})
		}
		s, err := m.LogProbs(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		check := func(whole []token.ID, from int, got []float32) {
			want := make([]float32, len(whole))
			if err := unused[a].clone().score(t.Context(), whole, want); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(want[from:], got) {
				t.Fatalf("alphabet %q: branch at %d: %v, a fresh model gives %v", a, from, got, want[from:])
			}
		}
		check(r.Tokens, 0, s.Tokens)
		for i, b := range r.Branches {
			check(slices.Concat(r.Tokens[:b.At], b.Tokens), b.At, s.Branches[i])
		}
	})
}

func fold(text []byte, a Alphabet) []token.ID {
	ids := make([]token.ID, len(text))
	for i, b := range text {
		ids[i] = token.ID(int(b) % a.Size())
	}
	return ids
}

// A part that is left out changes predictions, and the model says so.
func TestPartsCanBeLeftOut(t *testing.T) {
	text := []byte("One two three, one two three; four words in a row, four words in a row.\nAnd again: one two three, four words in a row.\n")
	prints := map[string]Part{}
	var whole []float32
	for _, p := range append([]Part{""}, Parts()...) {
		o := Options{TableBits: 12, Workers: 1, Restart: 16}
		if p != "" {
			o.Without = []Part{p}
		}
		m, err := Train(t.Context(), o, excerpt(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := prints[m.Info().Fingerprint]; twice {
			t.Errorf("without %q and without %q the fingerprint is the same", p, other)
		}
		prints[m.Info().Fingerprint] = p
		s, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: token.Bytes().Encode(nil, text)})
		if err != nil {
			t.Fatal(err)
		}
		if p == "" {
			whole = s.Tokens
		} else if slices.Equal(whole, s.Tokens) {
			t.Errorf("without %s nothing changes", p)
		}
		if err := m.SaveFile(t.TempDir() + "/m"); (err != nil) != (p != "") {
			t.Errorf("saving without %q: %v", p, err)
		}
	}
	if _, err := New(Options{Without: []Part{"wings"}}); err == nil {
		t.Error("an unknown part was left out")
	}
	if _, err := New(Options{Alphabet: DNA, Without: []Part{Words}}); err == nil {
		t.Error("words were left out of DNA")
	}
}
