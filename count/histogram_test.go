package count

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/info"
)

// A tally holds what a map from counts to types does, whatever comes in whichever
// order and is taken away again.
func TestTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var got, other tally
		want, wantOther := map[int64]int64{}, map[int64]int64{}
		for range rapid.IntRange(0, 500).Draw(t, "steps") {
			// Few enough counts on both sides of heavy for many to come again.
			count := heavy + rapid.Int64Range(-5, 200).Draw(t, "count")
			types := rapid.Int64Range(-2, 2).Draw(t, "types")
			if rapid.IntRange(0, 3).Draw(t, "other") == 0 {
				other.add(count, types)
				wantOther[count] += types
				continue
			}
			got.add(count, types)
			want[count] += types
			if rapid.IntRange(0, 60).Draw(t, "look") == 0 {
				if diff := cmp.Diff(info.NewHistogram(want), got.histogram()); diff != "" {
					t.Fatalf("(-map +tally):\n%s", diff)
				}
			}
		}
		changed := got.changed(&other)
		for c, n := range wantOther {
			wantOther[c] = n + want[c]
		}
		for c, n := range want {
			if _, both := wantOther[c]; !both {
				wantOther[c] = n
			}
		}
		if diff := cmp.Diff(info.NewHistogram(wantOther), changed.histogram()); diff != "" {
			t.Fatalf("changed (-map +tally):\n%s", diff)
		}
		if diff := cmp.Diff(info.NewHistogram(want), got.histogram()); diff != "" {
			t.Fatalf("after another was added to a copy (-map +tally):\n%s", diff)
		}
		got.reset()
		if h := got.histogram(); len(h) != 0 {
			t.Fatalf("%v is left after a reset", h)
		}
	})
}
