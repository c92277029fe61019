package score

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPublishedSetting counts the tokens for the setting of the L²M paper:
// windows of 2,048 tokens, ratios 2, 3, 4, direct (joint and marginals) and
// vCLUB (one cross context). Counted by hand: per split (r−1)·ell tokens of Y,
// r = 4 up to ell = 512 (3·(2+4+…+512) = 3·1,022) and 2 at 1,024.
func TestPublishedSetting(t *testing.T) {
	p, err := NewPlan(2048, 4, true, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Tokens(1), int64(2048+2*(3*1022+1024)); got != want {
		t.Errorf("all ten splits: %d tokens, want %d", got, want)
	}
	if got, want := p.NaiveTokens(1), int64(21*2048); got != want {
		t.Errorf("naive, ten splits: %d tokens, want %d", got, want)
	}
	p.Splits = p.Splits[:9] // up to 512, the splits that the paper fits
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	if got, want := p.Tokens(1000), int64(8180)*1000; got != want {
		t.Errorf("nine splits: %d tokens for 1,000 windows, want %d", got, want)
	}
	// The published code scores 2 × 10 full passes whatever is fitted.
	if official := int64(20 * 2048); 5*p.Tokens(1) > official {
		t.Errorf("%d tokens are more than a fifth of the official %d", p.Tokens(1), official)
	}
}

func TestPlanCounts(t *testing.T) {
	for _, c := range []struct {
		length, ratio, cross int
		marginals            bool
		splits               int
		tokens, naive        int64 // per window, counted by hand
	}{
		{4, 4, 0, false, 1, 4, 4},
		{4, 4, 0, true, 1, 4 + 2, 8},
		{7, 4, 1, true, 1, 7 + 2*4, 21},           // ell 2: ratio 3
		{8, 4, 1, true, 2, 8 + 2*(6+4), 40},       // ell 2: ratio 4; ell 4: ratio 2
		{8, 2, 3, false, 2, 8 + 3*(2+4), 7 * 8},   // ratio 2 only
		{12, 4, 0, true, 2, 12 + (6 + 8), 3 * 12}, // ell 4: ratio 3
	} {
		p, err := NewPlan(c.length, c.ratio, c.marginals, c.cross)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Splits) != c.splits || p.Tokens(3) != 3*c.tokens || p.NaiveTokens(3) != 3*c.naive {
			t.Errorf("%+v: splits %v, %d tokens, naive %d; want %d splits, %d, %d",
				c, p.Splits, p.Tokens(1), p.NaiveTokens(1), c.splits, c.tokens, c.naive)
		}
	}
}

func TestInvalidPlans(t *testing.T) {
	good := Plan{Length: 16, Splits: []int{2, 4, 8}, MaxRatio: 4}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want   string
		change func(p *Plan)
	}{
		{"window length 3 is below 4", func(p *Plan) { p.Length = 3 }},
		{"window length 2147483648 is above", func(p *Plan) { p.Length = 1 << 31 }},
		{"ratio L/ℓ 1", func(p *Plan) { p.MaxRatio = 1 }},
		{"contexts -1", func(p *Plan) { p.Cross = -1 }},
		{"contexts 1073741824", func(p *Plan) { p.Cross = 1 << 30 }},
		{"no splits", func(p *Plan) { p.Splits = nil }},
		{"split 16 is more than half", func(p *Plan) { p.Splits = []int{2, 16} }},
		{"split 3 is not a power of two", func(p *Plan) { p.Splits = []int{2, 3} }},
		{"split 1 is not a power of two from 2", func(p *Plan) { p.Splits = []int{1} }},
		{"split 0 is not", func(p *Plan) { p.Splits = []int{0} }},
		{"split -2 is not", func(p *Plan) { p.Splits = []int{-2} }},
		{"ascending", func(p *Plan) { p.Splits = []int{4, 2} }},
		{"ascending", func(p *Plan) { p.Splits = []int{2, 2} }},
	} {
		p := good
		c.change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %q", p, err, c.want)
		}
	}
}

// TestSlotsNumberPasses: every pass of a plan has its own slot, in the order in
// which Plan.window takes them, and its length adds up to Tokens.
func TestSlotsNumberPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := NewPlan(rapid.IntRange(4, 300).Draw(t, "length"), rapid.IntRange(2, 6).Draw(t, "ratio"),
			rapid.Bool().Draw(t, "marginals"), rapid.IntRange(0, 4).Draw(t, "cross"))
		if err != nil {
			t.Fatal(err)
		}
		next, tokens := 0, 0
		expect := func(kind pass, split, k, want int) {
			got, ok := p.slot(kind, split, k)
			if !ok || got != next || p.slotTokens(got) != want {
				t.Fatalf("%s, split %d, k %d: slot %d, %v, %d tokens; want %d with %d tokens", kind, split, k, got, ok, p.slotTokens(got), next, want)
			}
			next++
			tokens += want
		}
		expect(passJoint, 0, -1, p.Length)
		for _, ell := range p.Splits {
			if p.Marginals {
				expect(passMarginal, ell, -1, p.Continuation(ell))
			}
		}
		for k := range p.Cross {
			for _, ell := range p.Splits {
				expect(passCross, ell, k, p.Continuation(ell))
			}
		}
		if next != p.slots() || int64(tokens) != p.Tokens(1) {
			t.Fatalf("%d slots with %d tokens, want %d with %d", next, tokens, p.slots(), p.Tokens(1))
		}
		for _, bad := range []struct {
			kind     pass
			split, k int
		}{{passJoint, 2, -1}, {passMarginal, 3, -1}, {passMarginal, 2, 0}, {passCross, 2, p.Cross}, {passCross, 2, -1}, {"other", 2, -1}} {
			if n, ok := p.slot(bad.kind, bad.split, bad.k); ok {
				t.Fatalf("%+v has slot %d", bad, n)
			}
		}
	})
}
