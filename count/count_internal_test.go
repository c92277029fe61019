package count

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/token"
)

// Leaving out a block must give what counting the other blocks alone gives. The
// BlockOf says which documents, or runs of tokens, are in which block; here the
// pairs of the block are counted by brute force, by the block of their right
// end, and taken out of a map of all pairs.
func TestWithoutABlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom([]int{1, 3, 20, 5000}).Draw(t, "vocabulary")
		gaps := rapid.SampledFrom([]int{0, v}).Draw(t, "gaps")
		id := rapid.Custom(func(t *rapid.T) token.ID {
			if i := rapid.IntRange(0, v-1+gaps).Draw(t, "id"); i < v {
				return token.ID(i)
			}
			return token.None
		})
		docs := rapid.SliceOfN(rapid.SliceOfN(id, 1, 40), 1, 12).Draw(t, "documents")
		o := Options{
			Distances: []int{1, 2, 7}, Vocabulary: v, Memory: 64 << 20,
			Blocks:      rapid.IntRange(1, 5).Draw(t, "blocks"),
			BlockTokens: rapid.SampledFrom([]int{0, 1, 6}).Draw(t, "block tokens"),
			Seed:        rapid.Uint64().Draw(t, "seed"),
			Workers:     rapid.IntRange(1, 3).Draw(t, "workers"),
		}
		if rapid.Bool().Draw(t, "grouped") {
			o.Vocabulary = 0
		}
		got, err := Pairs(t.Context(), Documents(docs), o)
		if err != nil {
			t.Fatal(err)
		}
		blockOf, used := make([][]int, len(docs)), make([]bool, o.Blocks)
		for i, doc := range docs {
			b := BlockOf(i, o.Blocks, o.Seed)
			for j := range doc {
				if o.BlockTokens > 0 {
					b = runBlockOf(j/o.BlockTokens, i, o.Blocks, o.Seed)
				}
				used[b] = true
				blockOf[i] = append(blockOf[i], b)
			}
		}
		for k, d := range o.Distances {
			n := 0
			for b := range o.Blocks {
				if !used[b] {
					continue
				}
				joint, left, right := map[[2]token.ID]int64{}, map[token.ID]int64{}, map[token.ID]int64{}
				for i, doc := range docs {
					for j := d; j < len(doc); j++ {
						if blockOf[i][j] != b && doc[j-d] != token.None && doc[j] != token.None {
							joint[[2]token.ID{doc[j-d], doc[j]}]++
							left[doc[j-d]]++
							right[doc[j]]++
						}
					}
				}
				want := Counts{Joint: valuesOf(joint), Left: valuesOf(left), Right: valuesOf(right)}
				want.Pairs = want.Joint.Total()
				if diff := cmp.Diff(want, got.Distances[k].Without[n].Counts()); diff != "" {
					t.Errorf("d = %d without block %d (-want +got):\n%s", d, b, diff)
				}
				n++
			}
			if n != len(got.Distances[k].Without) {
				t.Errorf("%d blocks left out, want %d", len(got.Distances[k].Without), n)
			}
		}
	})
}

// Blocks are of equal size, and drawn anew in every round.
func TestBlocksAreEven(t *testing.T) {
	const blocks, rounds = 7, 3000
	first := make([]int, blocks)
	for r := range rounds {
		seen := make([]bool, blocks)
		for i := range blocks {
			b := BlockOf(r*blocks+i, blocks, 5)
			if seen[b] {
				t.Fatalf("round %d deals twice to block %d", r, b)
			}
			seen[b] = true
			if i == 0 {
				first[b]++
			}
		}
	}
	// Binomial with mean 429 and standard deviation 19.
	for b, n := range first {
		if n < 429-5*19 || n > 429+5*19 {
			t.Errorf("block %d came first in %d of %d rounds", b, n, rounds)
		}
	}
}

// The order in which a Source has its documents changes nothing.
func TestOrderOfDocuments(t *testing.T) {
	docs := skewed(3, 20, 20_000, 50)
	backwards := SourceFunc(func(yield func(int, []token.ID) error) error {
		for i, doc := range slices.Backward(docs) {
			if err := yield(i, doc); err != nil {
				return err
			}
		}
		return nil
	})
	for _, run := range []int{0, 300} {
		o := Options{Distances: []int{1, 9}, Blocks: 6, BlockTokens: run, Sample: 0.7, Seed: 2}
		want, err := Pairs(t.Context(), docs, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Pairs(t.Context(), backwards, o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, sameCounts); diff != "" {
			t.Errorf("blocks of %d tokens (-forwards +backwards):\n%s", run, diff)
		}
	}
}

func valuesOf[K comparable](counts map[K]int64) info.Histogram {
	var all []int64
	for _, n := range counts {
		all = append(all, n)
	}
	return info.HistogramOf(all)
}

// Both ways of counting must agree where pairs and tokens are counted in the
// thousands, which the small documents of the other tests do not reach.
func TestHeavyPairs(t *testing.T) {
	rng := seeded(7, 7)
	var docs Documents
	for range 9 {
		doc := make([]token.ID, 8000)
		for i := range doc {
			doc[i] = token.ID(min(rng.IntN(4)*rng.IntN(3), rng.IntN(50)))
			if rng.IntN(20) == 0 {
				doc[i] = token.None
			}
		}
		docs = append(docs, doc)
	}
	for _, blocks := range []int{0, 4} {
		o := Options{Distances: []int{1, 5, 700, 7999}, Vocabulary: 50, Blocks: blocks, Memory: 64 << 20, Seed: 3}
		dense, err := Pairs(t.Context(), docs, o)
		if err != nil {
			t.Fatal(err)
		}
		if dense.Distances[0].Joint[len(dense.Distances[0].Joint)-1].Count <= heavy {
			t.Fatal("no heavy pair: the test shows nothing")
		}
		o.Vocabulary = 0
		grouped, err := Pairs(t.Context(), docs, o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(dense, grouped, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Vocabulary" }, cmp.Ignore())); diff != "" {
			t.Errorf("%d blocks (-dense +grouped):\n%s", blocks, diff)
		}
	}
}
