package bytemix

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"testing"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// plain makes n bytes of text of few words, with integers only, so that it is
// the same on every machine.
func plain(n int) []byte {
	words := []string{"the ", "man ", "of ", "a ", "sea ", "and ", "Nantucket, ", "whale.\n", "saw ", "white "}
	var b []byte
	for x := uint32(1); len(b) < n; {
		x = x*1664525 + 1013904223
		b = append(b, words[min(x>>16%10, x>>24%10)]...)
		if x>>28 == 0 {
			b = append(b, byte(x>>8), byte(x>>16))
		}
	}
	return b[:n]
}

// prints trains a model of each alphabet and hashes it with what it says about
// a request with branches.
func prints(t *testing.T) map[Alphabet]string {
	t.Helper()
	out := map[Alphabet]string{}
	for _, a := range []Alphabet{Bytes, DNA, Protein} {
		text := make([]byte, 0, 12000)
		for _, id := range fold(plain(12000), a) {
			text = append(text, byte(id))
		}
		m, err := Train(t.Context(), Options{Alphabet: a, TableBits: 13, Restart: 512, Workers: 1}, one(text[:8000]), nil)
		if err != nil {
			t.Fatal(err)
		}
		r := lm.Request[token.ID]{Tokens: ids(text[8000:]), Branches: []lm.Branch[token.ID]{{At: 0, Tokens: ids(text[9000:9100])}, {At: 700, Tokens: ids(text[:500])}}}
		s, err := m.LogProbs(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		h.Write([]byte(m.Info().Fingerprint))
		for _, scores := range append(s.Branches, s.Tokens) {
			for _, v := range scores {
				_ = binary.Write(h, binary.LittleEndian, math.Float32bits(v))
			}
		}
		out[a] = hex.EncodeToString(h.Sum(nil)[:8])
	}
	return out
}

// Models and scores are the same on every machine, with assembly and without
// (go test -tags purego). Whoever changes these numbers changes version too.
func TestSameOnEveryMachine(t *testing.T) {
	want := map[Alphabet]string{Bytes: "449b08174b4120b1", DNA: "de6fc255905840dd", Protein: "4c3eda35280cfe91"}
	for a, got := range prints(t) {
		if got != want[a] {
			t.Errorf("%s, alphabet %q: model and scores hash to %s, want %s", version, a, got, want[a])
		}
	}
}

// A request that is scored on a copy of the state gives what one that is
// journaled gives.
func TestLongRequestsScoreAsShortOnes(t *testing.T) {
	for _, a := range []Alphabet{Bytes, DNA, Protein} {
		m, err := New(Options{Alphabet: a, TableBits: 13, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		text := fold(prose(4, 3000), a)
		r := lm.Request[token.ID]{Tokens: text, Branches: []lm.Branch[token.ID]{{At: 0, Tokens: text[5:300]}, {At: 3000, Tokens: text[:100]}, {At: 1700, Tokens: text[90:900]}}}
		short, err := m.LogProbs(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		before := m.stateHash(t)
		m.long = 1000
		for range 2 {
			long, err := m.LogProbs(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(long.Tokens, short.Tokens) || !slices.EqualFunc(long.Branches, short.Branches, slices.Equal) {
				t.Errorf("alphabet %q: long requests score differently", a)
			}
		}
		if m.stateHash(t) != before {
			t.Errorf("alphabet %q: a long request left a trace", a)
		}
	}
}

// Once a worker's journal has grown, a request allocates for its answer only.
func TestScoringAllocatesNothingPerByte(t *testing.T) {
	m, err := New(Options{TableBits: 13, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	text := ids(prose(6, 4000))
	allocations := func(n int) float64 {
		r := lm.Request[token.ID]{Tokens: text[:n], Branches: []lm.Branch[token.ID]{{At: n / 2, Tokens: text[:n/2]}}}
		return testing.AllocsPerRun(3, func() {
			if _, err := m.LogProbs(context.Background(), r); err != nil {
				t.Fatal(err)
			}
		})
	}
	long := allocations(4000)
	if short := allocations(40); long > short {
		t.Errorf("%v allocations for 4,000 bytes, %v for 40", long, short)
	}
}
