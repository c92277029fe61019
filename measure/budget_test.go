package measure

import (
	"testing"

	"github.com/l2m-lab/l2m/score"
)

// What is chosen fits into the time, one window more would not, and it is the
// longest length of which enough windows fit.
func TestForTokens(t *testing.T) {
	for _, c := range []struct {
		name           string
		tokens         float64
		given, longest int
		length         int
	}{
		{"much time", 1e6, 0, 2048, 2048},
		{"five minutes at 140 a second", 42000, 0, 2048, 512},
		{"short documents", 42000, 0, 256, 256},
		{"a length that was given", 42000, 1024, 2048, 1024},
	} {
		length, count, err := forTokens(c.tokens, c.given, c.longest, 1)
		if err != nil || length != c.length {
			t.Fatalf("%s: length %d, want %d (%v)", c.name, length, c.length, err)
		}
		plan, err := score.NewPlan(length, maxRatio, true, 1)
		if err != nil {
			t.Fatal(err)
		}
		if float64(plan.Tokens(count)) > c.tokens || float64(plan.Tokens(count+1)) <= c.tokens {
			t.Errorf("%s: %d windows are %d tokens, for a budget of %g", c.name, count, plan.Tokens(count), c.tokens)
		}
		if longer, err := score.NewPlan(2*length, maxRatio, true, 1); err == nil && c.given == 0 && length < c.longest && float64(longer.Tokens(fewWindows)) <= c.tokens {
			t.Errorf("%s: %d windows of %d fit as well", c.name, fewWindows, 2*length)
		}
	}
	if _, count, err := forTokens(1, 0, 2048, 1); count != 2 || err != nil {
		t.Errorf("no time: %d windows, want 2, the fewest that a law is estimated from (%v)", count, err)
	}
}

// A time that nothing is chosen by is refused.
func TestTimeIsRefused(t *testing.T) {
	for _, o := range []Options{
		{Model: "x.gguf", Time: 1, MaxWindows: 3},
		{Model: "x.gguf", Time: -1},
		{Model: "bytemix", Time: 1},
	} {
		o.Paths, o.Out = []string{"x"}, "run"
		if err := o.withDefaults().validate(); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
