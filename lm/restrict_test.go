package lm_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/token"
)

// A model that remembers everything: hidden Markov, with slow switches.
func remembering(t testing.TB) lm.Model[token.ID] {
	t.Helper()
	p, err := process.Parse("sticky:states=2,stay=0.95,clear=0.8")
	if err != nil {
		t.Fatal(err)
	}
	return p.(process.Process[token.ID]).Model()
}

// Every log-probability is that of the model given some number of tokens
// between the least and the most that the restriction promises.
func TestRestrictedContexts(t *testing.T) {
	m := remembering(t)
	given := func(t *rapid.T, past []token.ID, next token.ID) float64 {
		s, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: past, Branches: []lm.Branch[token.ID]{{At: len(past), Tokens: []token.ID{next}}}})
		if err != nil {
			t.Fatal(err)
		}
		return float64(s.Branches[0][0])
	}
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		window := rapid.IntRange(1, 12).Draw(t, "window")
		stride := rapid.IntRange(1, window).Draw(t, "stride")
		r, err := lm.Restrict(m, window, stride)
		if err != nil {
			t.Fatal(err)
		}
		draw := func(n int) []token.ID {
			ids := make([]token.ID, n)
			for i := range ids {
				ids[i] = token.ID(rng.IntN(2))
			}
			return ids
		}
		q := lm.Request[token.ID]{Tokens: draw(rng.IntN(40))}
		for range rng.IntN(3) {
			q.Branches = append(q.Branches, lm.Branch[token.ID]{At: rng.IntN(len(q.Tokens) + 1), Tokens: draw(rng.IntN(30))})
		}
		s, err := r.LogProbs(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		check := func(past, tokens []token.ID, got []float32) {
			if len(got) != len(tokens) {
				t.Fatalf("%d log-probabilities for %d tokens", len(got), len(tokens))
			}
			all := append(append([]token.ID{}, past...), tokens...)
			for i := range tokens {
				at, found := len(past)+i, false
				for n := min(at, max(window-stride+1, 0)); n <= min(at, window) && !found; n++ {
					found = math.Abs(given(t, all[at-n:at], all[at])-float64(got[i])) < 1e-6
				}
				if !found {
					t.Fatalf("window %d, stride %d: token %d after %d is scored from no context of the promised length", window, stride, i, len(past))
				}
			}
		}
		check(nil, q.Tokens, s.Tokens)
		for i, b := range q.Branches {
			check(q.Tokens[:b.At], b.Tokens, s.Branches[i])
		}
	})
}

func TestRestrictRefuses(t *testing.T) {
	m := remembering(t)
	for _, x := range [][2]int{{0, 1}, {4, 0}, {4, 5}, {-1, -1}} {
		if _, err := lm.Restrict(m, x[0], x[1]); err == nil {
			t.Errorf("window %d, stride %d was accepted", x[0], x[1])
		}
	}
	a, _ := lm.Restrict(m, 8, 1)
	b, _ := lm.Restrict(m, 8, 2)
	if a.Info().Fingerprint == b.Info().Fingerprint || a.Info().Fingerprint == m.Info().Fingerprint || !strings.Contains(a.Info().Name, "within 8") {
		t.Errorf("infos %+v and %+v", a.Info(), b.Info())
	}
}
