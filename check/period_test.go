package check_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/check"
)

// TestPeriod: the smallest period is that of trying all.
func TestPeriod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SliceOfN(rapid.IntRange(0, 2), 1, 12).Draw(t, "word")
		var w []int
		for range rapid.IntRange(1, 8).Draw(t, "times") {
			w = append(w, word...)
		}
		w = append(w, word[:rapid.IntRange(0, len(word)-1).Draw(t, "more")]...)
		want := 1
		for ; want < len(w); want++ {
			if slices.Equal(w[want:], w[:len(w)-want]) {
				break
			}
		}
		if 4*want > len(w) {
			want = 0
		}
		if got := check.Period(slices.Values([][]int{w})); got != want {
			t.Errorf("%v: period %d, want %d", w, got, want)
		}
	})
	if got := check.Period(slices.Values([][]byte{[]byte("abababab"), []byte("aaaaaaaa")})); got != 2 {
		t.Errorf("the larger of 2 and 1 is %d", got)
	}
}
