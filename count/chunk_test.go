package count

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/l2m-lab/l2m/token"
)

// distinct returns a document of n tokens that are all different, from first on.
func distinct(first, n int) []token.ID {
	ids := make([]token.ID, n)
	for i := range ids {
		ids[i] = token.ID(first + i)
	}
	return ids
}

// A chunk that ends because the vocabulary has grown, where a run of tokens ends
// as well, leaves the next run in its own block.
func TestChunkEndsWithARun(t *testing.T) {
	// Pieces of a run each; so many runs that their blocks tell.
	const run, runs = 1 << 10, 60
	src := SourceFunc(func(yield func(int, []token.ID) error) error {
		for i := range runs {
			if err := yield(0, distinct(i*run, run)); err != nil {
				return err
			}
		}
		return nil
	})
	o := Options{Distances: []int{1, 40}, Blocks: 3, BlockTokens: run, Workers: 1, Memory: 64 << 20}
	want, err := Pairs(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Memory = leastMemory(o) + 4<<20
	got, err := Pairs(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	if want.Spilled > 0 || got.Spilled == 0 {
		t.Fatalf("%d and %d bytes spilled: the test shows nothing", want.Spilled, got.Spilled)
	}
	if diff := cmp.Diff(want, got, sameCounts); diff != "" {
		t.Errorf("(-in memory +spilled):\n%s", diff)
	}
}

// A first piece with more different tokens than there is room set aside for does
// not leave a chunk without tokens, which would pass for any other.
func TestLargeFirstPiece(t *testing.T) {
	docs := make(Documents, 20)
	for i := range docs {
		docs[i] = distinct(0, 40_000)
	}
	o := Options{Distances: []int{1, 40}, Blocks: 2, Workers: 1, Memory: 64 << 20}
	want, err := Pairs(t.Context(), docs, o)
	if err != nil {
		t.Fatal(err)
	}
	o.SpillDir, o.Key = t.TempDir(), "large pieces"
	o.Memory = leastMemory(o) + 4<<20
	few := o.openVocabulary()
	broken := errors.New("broken")
	if _, err := Pairs(t.Context(), SourceFunc(func(yield func(int, []token.ID) error) error {
		if err := docs[:15].Each(yield); err != nil {
			return err
		}
		return broken
	}), o); !errors.Is(err, broken) {
		t.Fatalf("error %v, want the source's", err)
	}
	o.Memory = 16 << 20
	if many := o.openVocabulary(); few >= 40_000 || many < 40_000 {
		t.Fatalf("room for %d and %d different tokens: the test shows nothing", few, many)
	}
	got, err := Pairs(t.Context(), docs, o)
	if err != nil {
		t.Fatal(err)
	}
	if got.Spilled == 0 {
		t.Error("nothing was spilled: the test shows nothing")
	}
	if diff := cmp.Diff(want, got, sameCounts); diff != "" {
		t.Errorf("(-in memory +resumed):\n%s", diff)
	}
}

// However much memory there is, the left tokens of a chunk, and as many again that
// are corrected (see leftEdges), fit into the cells.
func TestChunksFitIntoCells(t *testing.T) {
	o, err := Options{Distances: []int{maxChunk / 4}, Memory: 1 << 40, Workers: 1}.checked()
	if err != nil {
		t.Fatal(err)
	}
	size, err := o.chunkSize(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	// A chunk of an earlier call has size new tokens, and those repeated.
	if n := size + o.maxDistance() + 1; 1+2*int64(n) >= math.MaxUint32 {
		t.Errorf("a chunk of %d tokens overflows cells of 32 bits", n)
	}
	o.Distances[0]++ // its chunks would have no room for new tokens
	if _, err := o.chunkSize(1 << 20); err == nil {
		t.Error("a distance that no chunk has room for was accepted")
	}
}
