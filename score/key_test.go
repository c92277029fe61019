package score

import "testing"

// Runs share the windows that either drew alike or had at some time.
func TestSharedWindows(t *testing.T) {
	base := Key{Tokenizer: "bytes", Corpus: "books", Windows: "aa", Count: 40, Plan: Plan{Length: 64}}
	grown := base
	grown.Windows, grown.Count, grown.Earlier = "bb", 100, []Extent{{"a", 20}, {"aa", 40}}
	drawn := func(k Key, how string) Key { k.Drawn = how; return k }
	fresh := base
	fresh.Windows, fresh.Count = "cc", 60
	other := grown
	other.Plan.Length = 128
	branch := base
	branch.Windows, branch.Count, branch.Earlier = "dd", 70, []Extent{{"a", 20}}
	for name, x := range map[string]struct {
		a, b Key
		want int
	}{
		"itself":                  {base, base, 40},
		"extended":                {base, grown, 40},
		"extended apart":          {branch, grown, 20},
		"unrelated":               {base, fresh, 0},
		"drawn alike":             {drawn(fresh, "seed 0"), drawn(grown, "seed 0"), 60},
		"drawn otherwise":         {drawn(fresh, "seed 0"), drawn(grown, "seed 1"), 0},
		"of another length":       {base, other, 0},
		"drawn, by an older l2m":  {drawn(base, "seed 0"), grown, 40},
		"of an unknown selection": {drawn(fresh, "seed 0"), base, 0},
	} {
		if got, back := x.a.Shared(x.b), x.b.Shared(x.a); got != x.want || back != x.want {
			t.Errorf("%s: %d and %d windows shared, want %d", name, got, back, x.want)
		}
	}
}
