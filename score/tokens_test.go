package score

import "testing"

// The published code sends, per pair of windows of 2,048 tokens after a BOS, the
// first window whole; and for each of ℓ = 2 … 1024 the first ℓ of it followed by
// the second window from ℓ on, and the latter alone after BOS (function
// eval_batch_splits of compute_entropy_from_llm.py in
// github.com/LSquaredM/mutual_info_scaling_law).
func publishedTokens() int {
	sum := 1 + 2048
	for ell := 2; ell <= 1024; ell *= 2 {
		sum += 1 + ell + (2048 - ell)
		sum += 1 + (2048 - ell)
	}
	return sum
}

// The counts of docs/models.md, "What it costs", from the definition of each
// prompt, against those of the plan and those of the prompts themselves.
func TestTokensOfThePapersSetting(t *testing.T) {
	published := publishedTokens()
	if published != 40_983 {
		t.Fatalf("published scheme: %d tokens, docs/models.md says 40,983", published)
	}
	for _, c := range []struct {
		name                    string
		length, longest         int // of windows, and the largest ℓ
		scored, sent            int // per window; sent with BOS, to a server
		scoredShare, serverGoal float64
	}{
		// Ratios 2, 3, 4 at every ℓ = 2 … 512.
		{"all ratios to 512", 2048, 512, 8_180, 9_221, 0.2, 0.226},
		// What the paper fits: ratio 2 to ℓ = 512, ratios 3 and 4 to ℓ = 256. No L
		// is above 1,024, so windows of that length hold everything.
		{"the paper's points", 1024, 512, 5_108, 6_149, 0.125, 0.2},
		// l2m measure --length 2048, which adds ℓ = 1,024.
		{"default", 2048, 1024, 10_228, 12_295, 0.25, 0.301},
	} {
		t.Run(c.name, func(t *testing.T) {
			scored, sent, prompts := c.length, 1+c.length, 1
			for ell := 2; ell <= c.longest; ell *= 2 {
				y := 3 * ell
				for ell+y > c.length {
					y -= ell
				}
				scored += y + y     // marginal, cross
				sent += 1 + y       // BOS Y
				sent += 1 + ell + y // BOS X' Y
				prompts += 2
			}
			if scored != c.scored || sent != c.sent {
				t.Errorf("by definition %d scored, %d sent; docs/models.md says %d and %d", scored, sent, c.scored, c.sent)
			}
			plan, windows, partners := example(t, 41, 4, c.length, 1, true)
			for plan.Splits[len(plan.Splits)-1] > c.longest {
				plan.Splits = plan.Splits[:len(plan.Splits)-1]
			}
			if got := plan.Tokens(1); got != int64(scored) {
				t.Errorf("the plan scores %d tokens, want %d", got, scored)
			}
			if got, n := plan.PromptTokens(1), plan.Prompts(1); n != int64(prompts) || got+n != int64(sent) {
				t.Errorf("the plan sends %d tokens in %d prompts, want %d in %d", got+n, n, sent, prompts)
			}
			m := newModel()
			o := offline(t, m, plan, windows, partners, open(t, t.TempDir(), keyOf(m, plan, windows, partners)))
			listed := 0
			for p := range o.Outstanding() {
				listed += 1 + len(p.Tokens)
			}
			if listed != 4*sent {
				t.Errorf("the prompts of 4 windows have %d tokens, want %d", listed, 4*sent)
			}
			// A model that forks is given the same requests, prefixes once.
			for j := range windows {
				if _, err := m.LogProbs(t.Context(), o.jobs.request(j)); err != nil {
					t.Fatal(err)
				}
			}
			if asked := m.asked.Load(); asked != 4*int64(scored) {
				t.Errorf("a forking model is given %d tokens for 4 windows, want %d", asked, 4*scored)
			}
			if share := float64(scored+1) / float64(published); share > c.scoredShare {
				t.Errorf("forking: %.4f of the published scheme, want at most %g", share, c.scoredShare)
			}
			if share := float64(sent) / float64(published); share > c.serverGoal {
				t.Errorf("server: %.4f of the published scheme, want at most %g", share, c.serverGoal)
			}
		})
	}
}
