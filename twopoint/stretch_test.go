package twopoint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/corpus"
)

// Whatever the documents, stretches lie in them and use the budget, as far as there
// is text, and no byte more.
func TestStretches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.Int64Range(0, 1<<20), 1, 40).Draw(t, "lengths")
		budget := rapid.Int64Range(1, 4<<20).Draw(t, "budget")
		seed := rapid.Uint64().Draw(t, "seed")
		got := drawStretches(lengths, budget, seed)
		used, all := int64(0), int64(0)
		for doc, s := range got {
			if s.from < 0 || s.bytes < 0 || s.from+s.bytes > lengths[doc] {
				t.Fatalf("%+v of a document of %d bytes", s, lengths[doc])
			}
			used, all = used+s.bytes, all+lengths[doc]
		}
		if used > budget || used < min(budget, all)*9/10-int64(len(lengths)) {
			t.Fatalf("%d bytes of %d for a budget of %d", used, all, budget)
		}
		if !slices.Equal(got, drawStretches(lengths, budget, seed)) {
			t.Fatal("drawn otherwise a second time")
		}
	})
}

// A sample below the size of every document is still a sample.
func TestSampleOfLessThanADocument(t *testing.T) {
	dir := t.TempDir()
	for i, word := range []string{"ab", "cde", "fghij"} {
		if err := os.WriteFile(filepath.Join(dir, word), []byte(strings.Repeat(word, 20_000*(i+1))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := corpus.Index(t.Context(), []string{dir}, corpus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, bytes := range []int64{100, 10_000, 100_000} {
		r, err := Sample(t.Context(), c, "bytes", bytes, 1, 1)
		if err != nil {
			t.Errorf("%d bytes: %v", bytes, err)
			continue
		}
		if r.Tokens > bytes || r.Tokens < bytes/2 {
			t.Errorf("%d tokens counted for %d bytes", r.Tokens, bytes)
		}
	}
}
