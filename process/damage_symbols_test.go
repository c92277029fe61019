package process

import (
	"math"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// TestDamagedSymbols: predictions of a hidden Markov chain cut to two tokens and
// smoothed are those made of exact block probabilities, in the sequence and on branches.
func TestDamagedSymbols(t *testing.T) {
	parsed, err := Parse("sticky:states=2,stay=0.9,clear=0.8")
	if err != nil {
		t.Fatal(err)
	}
	p := parsed.(Process[token.ID])
	block := func(w ...token.ID) float64 { // P(w)
		s, err := p.Model().LogProbs(t.Context(), lm.Request[token.ID]{Tokens: w})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, x := range s.Tokens {
			sum += float64(x)
		}
		return math.Exp(sum)
	}
	const epsilon = 0.3
	w := []token.ID{0, 1, 1, 0, 0, 0, 1, 0}
	want := func(t int) float64 {
		past := w[max(0, t-2):t]
		given := 1.0
		if len(past) > 0 {
			given = block(past...)
		}
		return math.Log((1-epsilon)*block(w[max(0, t-2):t+1]...)/given + epsilon*block(w[t]))
	}
	m, err := DamagedSymbols(p, Damage{Order: 2, Smoothing: epsilon})
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: w, Branches: []lm.Branch[token.ID]{{At: 3, Tokens: w[3:]}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range w {
		if got := float64(s.Tokens[i]); math.Abs(got-want(i)) > 1e-5 {
			t.Errorf("token %d: %v, want %v", i, got, want(i))
		}
		if i >= 3 && math.Abs(float64(s.Branches[0][i-3])-want(i)) > 1e-5 {
			t.Errorf("token %d on a branch: %v, want %v", i, s.Branches[0][i-3], want(i))
		}
	}
	if _, err := DamagedSymbols(p, Damage{BOS: 1}); err == nil || !strings.Contains(err.Error(), "order and smoothing") {
		t.Errorf("damage that needs a density: %v", err)
	}
}
