package llama

import (
	"context"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/l2m-lab/l2m/lm"
)

// Whatever was read before, prompts have the log-probabilities of whole sequences,
// and what two have in common is computed once.
func TestReaderAgreesWithWholeSequences(t *testing.T) {
	needLibrary(t)
	for _, arch := range slices.Sorted(maps.Keys(architectures)) {
		t.Run(arch, func(t *testing.T) {
			path, _ := randomModel(t, arch, small)
			exact := Options{Path: path, KeyType: "f32", ValueType: "f32", FlashAttn: "off", Threads: 1, Batch: 256, BOS: lm.BOSNone}
			wide := open(t, exact)
			exact.Batch, exact.Sequences = 16, 3
			m := open(t, exact)
			r, err := NewReader(m)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(5, 5))
			var prompts [][]int32
			for round := range 30 {
				prompt := randomTokens(rng, 1+rng.IntN(60))
				if round > 0 && round%3 > 0 { // begins like an earlier one
					old := prompts[rng.IntN(len(prompts))]
					prompt = slices.Concat(old[:1+rng.IntN(len(old))], prompt)
				}
				prompts = append(prompts, prompt)
				read, more, _, err := r.Complete(t.Context(), prompt, Sampling{Most: round % 4})
				if err != nil {
					t.Fatal(err)
				}
				all := slices.Concat(read, more)
				ids, got := make([]int32, len(all)), make([]float32, len(all))
				for i, p := range all {
					ids[i], got[i] = p.Token, p.LogProb
				}
				if !slices.Equal(ids[:len(prompt)], prompt) || !math.IsNaN(float64(got[0])) || read[0].Top != nil {
					t.Fatalf("round %d: read %v of %v", round, ids, prompt)
				}
				got[0] = -float32(math.Log(float64(small.vocabulary))) // what whole has for it
				compare(t, wide, ids, got, 0)
				for _, p := range more { // greedy
					if p.Token != p.Top[0].Token || p.LogProb != p.Top[0].LogProb {
						t.Errorf("round %d: %d is not the most probable, %d", round, p.Token, p.Top[0].Token)
					}
				}
				for _, p := range all[1:] {
					if len(p.Top) != TopTokens || !slices.IsSortedFunc(p.Top, func(a, b Alternative) int { return int(math.Copysign(1, float64(b.LogProb-a.LogProb))) }) {
						t.Fatalf("round %d: most probable tokens %v", round, p.Top)
					}
				}
			}
			before := m.Decoded()
			if _, _, _, err := r.Complete(t.Context(), prompts[len(prompts)-1], Sampling{}); err != nil {
				t.Fatal(err)
			}
			if again := m.Decoded() - before; !r.onward && again > 1 {
				t.Errorf("the same prompt again: %d tokens computed", again)
			}
		})
	}
}

// An interrupted prompt leaves nothing behind that is wrong.
func TestReaderInterrupted(t *testing.T) {
	needLibrary(t)
	path, _ := randomModel(t, "llama", small)
	m := open(t, Options{Path: path, Threads: 1, Batch: 8, BOS: lm.BOSNone})
	r, err := NewReader(m)
	if err != nil {
		t.Fatal(err)
	}
	ids := randomTokens(rand.New(rand.NewPCG(6, 6)), 100)
	first, _, _, err := r.Complete(t.Context(), ids[:50], Sampling{})
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := r.Complete(ended, ids, Sampling{}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	again, _, _, err := r.Complete(t.Context(), ids[:50], Sampling{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range again[1:] {
		if d := again[i+1].LogProb - first[i+1].LogProb; math.Abs(float64(d)) > 1e-3 {
			t.Errorf("token %d: %g, then %g", i+1, first[i+1].LogProb, again[i+1].LogProb)
		}
	}
	if _, _, _, err := r.Complete(t.Context(), nil, Sampling{}); err == nil {
		t.Error("an empty prompt is answered")
	}
	if _, err := NewReader(open(t, Options{Path: path, Threads: 1})); err == nil {
		t.Error("a model that puts BOS first reads prompts")
	}
}

// Draws follow the model's distribution, cut as asked.
func TestChoose(t *testing.T) {
	logits := []float32{2, 1, 0, -1}
	count := func(o Sampling) (n [4]float64) {
		rng := rand.New(rand.NewPCG(7, 7))
		for range 40000 {
			n[choose(logits, o, rng)] += 1.0 / 40000
		}
		return n
	}
	want := func(temperature float64, keep int) (p [4]float64) {
		sum := 0.0
		for i := range keep {
			p[i] = math.Exp(float64(logits[i]) / temperature)
			sum += p[i]
		}
		for i := range p {
			p[i] /= sum
		}
		return p
	}
	for _, c := range []struct {
		o    Sampling
		want [4]float64
	}{
		{Sampling{Temperature: 1}, want(1, 4)},
		{Sampling{Temperature: 2}, want(2, 4)},
		{Sampling{Temperature: 1, TopP: 0.7}, want(1, 2)}, // 0.64 and 0.24
		{Sampling{}, [4]float64{1}},
	} {
		got := count(c.o)
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 0.012 { // five standard errors of a share of one half
				t.Errorf("%+v: %v, want %v", c.o, got, c.want)
				break
			}
		}
	}
}
