package count_test

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/token"
)

// reference counts with maps, pair by pair: the slow truth.
func reference(docs [][]token.ID, d int) count.Counts {
	joint, left, right := map[[2]token.ID]int64{}, map[token.ID]int64{}, map[token.ID]int64{}
	out := count.Counts{}
	for _, doc := range docs {
		for i := 0; i+d < len(doc); i++ {
			if doc[i] == token.None || doc[i+d] == token.None {
				continue
			}
			joint[[2]token.ID{doc[i], doc[i+d]}]++
			left[doc[i]]++
			right[doc[i+d]]++
			out.Pairs++
		}
	}
	out.Joint, out.Left, out.Right = histogram(joint), histogram(left), histogram(right)
	return out
}

func histogram[K comparable](counts map[K]int64) info.Histogram {
	types := map[int64]int64{}
	for _, n := range counts {
		types[n]++
	}
	var h info.Histogram
	for n, t := range types {
		h = append(h, info.Bin{Count: n, Types: t})
	}
	slices.SortFunc(h, func(a, b info.Bin) int { return cmp.Compare(a.Count, b.Count) })
	return h
}

// small documents over a small vocabulary, so that counts above 1 are common;
// some have gaps.
func documents(t *rapid.T) ([][]token.ID, int) {
	v := rapid.SampledFrom([]int{1, 2, 5, 40, 5000}).Draw(t, "vocabulary")
	gaps := rapid.SampledFrom([]int{0, v, 10 * v}).Draw(t, "gaps")
	id := rapid.Custom(func(t *rapid.T) token.ID {
		if i := rapid.IntRange(0, v-1+gaps).Draw(t, "id"); i < v {
			return token.ID(i)
		}
		return token.None
	})
	docs := rapid.SliceOfN(rapid.SliceOfN(id, 0, 60), 0, 12).Draw(t, "documents")
	return docs, v
}

func TestPairsEqualReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		docs, v := documents(t)
		if rapid.Bool().Draw(t, "unknown vocabulary") {
			v = 0
		}
		o := count.Options{
			Distances:  rapid.SliceOfN(rapid.IntRange(1, 70), 1, 6).Draw(t, "distances"),
			Vocabulary: v, Memory: 64 << 20,
			Workers: rapid.IntRange(1, 4).Draw(t, "workers"),
		}
		r, err := count.Pairs(t.Context(), count.Documents(docs), o)
		if err != nil {
			t.Fatal(err)
		}
		var tokens []token.ID
		for _, doc := range docs {
			tokens = append(tokens, slices.DeleteFunc(slices.Clone(doc), func(id token.ID) bool { return id == token.None })...)
		}
		if r.Tokens != int64(len(tokens)) || r.Unigrams.Total() != r.Tokens || r.Documents != int64(len(docs)) {
			t.Errorf("%d tokens, %d of them counted, in %d documents; want %d in %d", r.Tokens, r.Unigrams.Total(), r.Documents, len(tokens), len(docs))
		}
		if v == 0 && len(tokens) > 0 && r.Vocabulary != 1+int(slices.Max(tokens)) {
			t.Errorf("a vocabulary of %d", r.Vocabulary)
		}
		want := slices.Compact(slices.Sorted(slices.Values(o.Distances)))
		if len(r.Distances) != len(want) {
			t.Fatalf("%d distances, want %v", len(r.Distances), want)
		}
		for i, d := range r.Distances {
			if d.Distance != want[i] {
				t.Errorf("distance %d, want %d", d.Distance, want[i])
			}
			if diff := gocmp.Diff(reference(docs, want[i]), d.Counts); diff != "" {
				t.Errorf("d = %d (-reference +got):\n%s", want[i], diff)
			}
		}
	})
}
