package count

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/token"
)

// leastMemory returns about the smallest memory limit that o can be counted in.
func leastMemory(o Options) int64 {
	for o.Memory = 1 << 20; ; o.Memory += 1 << 15 {
		if o.Check() == nil {
			return o.Memory
		}
	}
}

// skewed returns documents of small ids mostly, in which repetitions are common,
// and a few gaps.
func skewed(seed uint64, documents, tokens, v int) Documents {
	rng := seeded(seed, 99)
	docs := make(Documents, documents)
	for i := range docs {
		docs[i] = make([]token.ID, rng.IntN(2*tokens/documents))
		for j := range docs[i] {
			docs[i][j] = token.ID(rng.IntN(1 + rng.IntN(1+rng.IntN(v))))
			if j > 20 && rng.IntN(3) == 0 {
				docs[i][j] = docs[i][j-1-rng.IntN(20)]
			}
			if rng.IntN(200) == 0 {
				docs[i][j] = token.None
			}
		}
	}
	return docs
}

// only returns the one path of a pattern.
func only(t *testing.T, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s: %v, error %v", pattern, paths, err)
	}
	return paths[0]
}

var sameCounts = cmpopts.IgnoreFields(Result{}, "Spilled")

// However little memory there is, the counts are those of the whole corpus in
// memory, which other tests compare with brute force.
func TestSpillingChangesNothing(t *testing.T) {
	rng := seeded(11, 0)
	for range 24 {
		v := []int{3, 300, 9000}[rng.IntN(3)]
		documents := []int{1, 5, 300}[rng.IntN(3)]
		docs := skewed(rng.Uint64(), documents, 30_000, v)
		o := Options{
			Distances: []int{1, 3, 64, 1000}, Memory: 64 << 20,
			Blocks: []int{0, 3}[rng.IntN(2)], BlockTokens: []int{0, 700}[rng.IntN(2)], Workers: 1 + rng.IntN(4),
		}
		if rng.IntN(2) == 0 {
			o.Vocabulary = maxDense + v // too large for tables
		}
		t.Run(fmt.Sprintf("v=%d,documents=%d,blocks=%d,%d,workers=%d", v, documents, o.Blocks, o.BlockTokens, o.Workers), func(t *testing.T) {
			want, err := Pairs(t.Context(), docs, o)
			if err != nil {
				t.Fatal(err)
			}
			o.Memory = leastMemory(o)
			got, err := Pairs(t.Context(), docs, o)
			if err != nil {
				t.Fatal(err)
			}
			if want.Tokens > 15_000 && got.Spilled == 0 {
				t.Errorf("%d tokens in %d bytes of memory were not spilled: the test shows nothing", want.Tokens, o.Memory)
			}
			if diff := cmp.Diff(want, got, sameCounts); diff != "" {
				t.Errorf("(-in memory +spilled):\n%s", diff)
			}
		})
	}
}

// growing returns documents in which every other token has not been seen before.
func growing(documents, tokens int) Documents {
	rng := seeded(21, 0)
	docs := make(Documents, documents)
	next := token.ID(0)
	for i := range docs {
		for range tokens / documents {
			id := next
			if next++; rng.IntN(2) == 0 {
				id = token.ID(rng.IntN(int(next)))
			}
			docs[i] = append(docs[i], id)
		}
	}
	return docs
}

// A vocabulary that outgrows the room that was set aside for it gets more, at the
// expense of the chunks, and changes nothing; where there is no room left, the
// error says how much it takes.
func TestGrowingVocabulary(t *testing.T) {
	docs := growing(12, 90_000)
	o := Options{Distances: []int{1, 40}, Blocks: 3, Workers: 2, Memory: 64 << 20}
	want, err := Pairs(t.Context(), docs, o)
	if err != nil {
		t.Fatal(err)
	}
	if want.Vocabulary < 80_000 || want.Spilled > 0 {
		t.Fatalf("%d tokens of %d kinds, %d bytes spilled: the test shows nothing", want.Tokens, want.Vocabulary, want.Spilled)
	}
	o.Memory = leastMemory(o) + 6<<20
	got, err := Pairs(t.Context(), docs, o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, sameCounts); diff != "" {
		t.Errorf("(-in memory +spilled):\n%s", diff)
	}
	// Without the limit of the vocabulary, all would be in one chunk.
	if size, err := o.chunkSize(o.openVocabulary()); err != nil || size < 90_000 || got.Spilled == 0 {
		t.Errorf("%d bytes spilled, chunks of %d tokens, error %v: the test shows nothing", got.Spilled, size, err)
	}
	o.TokenBytes = 1000
	var tooSmall *MemoryError
	if _, err := Pairs(t.Context(), docs, o); !errors.As(err, &tooSmall) {
		t.Fatalf("error %v, want one of the memory", err)
	}
	o.Memory = tooSmall.Need
	if _, err := o.chunkSize(o.openVocabulary()); err != nil {
		t.Errorf("with what was needed: %v", err)
	}
}

// Whoever gives a little more memory whenever there is too little comes to an end, and
// what is kept is not counted again.
func TestGrowingMemory(t *testing.T) {
	docs := growing(13, 90_000)
	o := Options{Distances: []int{1, 40}, Blocks: 3, Workers: 2, SpillDir: t.TempDir(), Key: "corpus 13"}
	plain := o
	plain.SpillDir, plain.Memory = "", 64<<20
	want, err := Pairs(t.Context(), docs, plain)
	if err != nil {
		t.Fatal(err)
	}
	o.Memory, o.TokenBytes = leastMemory(o), 200
	step := int64(1 << 17)
	if testing.Short() {
		step *= 4
	}
	raised, most := 0, 0
	for {
		kept, _ := filepath.Glob(filepath.Join(o.SpillDir, "chunk-*"))
		if len(kept) < most {
			t.Fatalf("with %d bytes, %d of %d chunks are left", o.Memory, len(kept), most)
		}
		most = len(kept)
		got, err := Pairs(t.Context(), docs, o)
		if err == nil {
			if diff := cmp.Diff(want, got, sameCounts); diff != "" {
				t.Errorf("(-in memory +spilled):\n%s", diff)
			}
			break
		}
		var tooSmall *MemoryError
		if !errors.As(err, &tooSmall) {
			t.Fatalf("with %d bytes and %d chunks: %v", o.Memory, most, err)
		}
		o.Memory += step
		raised++
	}
	t.Logf("raised %d times, to %d bytes, with %d chunks", raised, o.Memory, most)
	if raised < 20 || most < 5 {
		t.Errorf("raised %d times, %d chunks: the test shows nothing", raised, most)
	}
}

// The memory that an error asks for is enough to go on.
func TestNeedIsEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{
			Distances: []int{rapid.IntRange(1, 10_000).Draw(t, "distance")}, Blocks: rapid.IntRange(0, 20).Draw(t, "blocks"),
			Workers: rapid.IntRange(1, 8).Draw(t, "workers"), Memory: rapid.Int64Range(1<<10, 1<<28).Draw(t, "memory"),
			TokenBytes: rapid.Int64Range(0, 100).Draw(t, "token bytes"),
		}
		seen := rapid.Int64Range(0, 1<<21).Draw(t, "seen")
		_, _, err := o.roomFor(seen, 0)
		tooSmall := (*MemoryError)(nil)
		if err == nil {
			t.Skip("enough")
		} else if !errors.As(err, &tooSmall) {
			t.Fatal(err)
		}
		if o.Memory = tooSmall.Need; o.Memory <= tooSmall.Limit {
			t.Fatalf("%d bytes are too few, and %d are needed", tooSmall.Limit, tooSmall.Need)
		}
		if v, size, err := o.roomFor(seen, 0); err != nil || v < seen || size < 1 {
			t.Fatalf("with %d bytes there is room for %d tokens and chunks of %d, error %v", o.Memory, v, size, err)
		}
	})
}

// With more memory a call goes on where another has ended; with less it does not,
// and says why.
func TestResumeWithOtherMemory(t *testing.T) {
	docs := skewed(5, 40, 120_000, 5000)
	// The name of the folder is not a pattern.
	o := Options{Distances: []int{1, 500}, Vocabulary: 5000, Blocks: 3, Workers: 2, SpillDir: filepath.Join(t.TempDir(), "run [1"), Key: "corpus 5"}
	o.Memory = leastMemory(o)
	want, err := Pairs(t.Context(), docs, Options{Distances: o.Distances, Vocabulary: o.Vocabulary, Blocks: 3, Memory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	stop := func(n int) SourceFunc {
		return func(yield func(int, []token.ID) error) error {
			if err := docs[:n].Each(yield); err != nil {
				return err
			}
			return broken
		}
	}
	for _, step := range []struct {
		documents int
		more      int64
	}{{12, 0}, {20, 1 << 18}, {33, 1 << 17}} {
		o.Memory += step.more
		if _, err := Pairs(t.Context(), stop(step.documents), o); !errors.Is(err, broken) {
			t.Fatalf("error %v, want the source's", err)
		}
	}
	sizes := map[int]bool{}
	s := &store{dir: o.SpillDir}
	if err := s.listChunks(); err != nil {
		t.Fatal(err)
	}
	for _, n := range s.chunkTokens() {
		sizes[n] = true
	}
	if len(sizes) < 3 {
		t.Errorf("chunks of %v tokens: the test shows nothing", sizes)
	}
	less := o
	less.Memory = leastMemory(o)
	if _, err := Pairs(t.Context(), docs, less); err == nil || !strings.Contains(err.Error(), "were made with more memory") {
		t.Errorf("error %v does not say that there is less memory", err)
	}
	resume(t, docs, o, want)
}

// resume continues a count, from something, and comes to what is wanted.
func resume(t *testing.T, docs Source, o Options, want *Result) {
	t.Helper()
	var resumed int64
	o.Progress = func(p Progress) { resumed = max(resumed, p.Resumed) }
	got, err := Pairs(t.Context(), docs, o)
	if err != nil {
		t.Fatal(err)
	}
	if resumed == 0 {
		t.Error("nothing was resumed")
	}
	if diff := cmp.Diff(want, got, sameCounts); diff != "" {
		t.Errorf("(-want +resumed):\n%s", diff)
	}
}

// What was counted in chunks is used again where there is now enough memory for
// tables.
func TestResumeGroupedWithMemoryForTables(t *testing.T) {
	docs := skewed(6, 40, 120_000, 300)
	o := Options{Distances: []int{1, 500}, Vocabulary: 300, Blocks: 3, Workers: 2, SpillDir: t.TempDir(), Key: "corpus 6"}
	o.Memory = leastMemory(o)
	_, err := Pairs(t.Context(), SourceFunc(func(yield func(int, []token.ID) error) error {
		return errors.Join(docs[:30].Each(yield), errors.New("broken"))
	}), o)
	if err == nil {
		t.Fatal("no error")
	}
	o.Memory = 64 << 20
	if checked, err := o.checked(); err != nil || !checked.dense() {
		t.Fatalf("%d MB are not enough for tables (%v): the test shows nothing", o.Memory>>20, err)
	}
	want, err := Pairs(t.Context(), docs, Options{Distances: o.Distances, Vocabulary: 300, Blocks: 3})
	if err != nil {
		t.Fatal(err)
	}
	resume(t, docs, o, want)
}

// A call that fails half-way leaves what it has finished; the same call then
// continues there, whatever piece is missing, and comes to the same counts.
func TestResume(t *testing.T) {
	docs := skewed(5, 40, 60_000, 5000)
	for _, memory := range []string{"spilled", "in memory"} {
		t.Run(memory, func(t *testing.T) {
			o := Options{Distances: []int{1, 8, 500}, Blocks: 3, Workers: 2, Memory: 64 << 20, SpillDir: t.TempDir(), Key: "corpus 5"}
			if memory == "spilled" {
				o.Memory = leastMemory(o)
			}
			plain := o
			plain.SpillDir = ""
			want, err := Pairs(t.Context(), docs, plain)
			if err != nil {
				t.Fatal(err)
			}
			// Reading fails after ever more documents.
			broken := errors.New("broken")
			for n := 0; n < len(docs); n += 7 {
				_, err := Pairs(t.Context(), SourceFunc(func(yield func(int, []token.ID) error) error {
					if err := docs[:n].Each(yield); err != nil {
						return err
					}
					return broken
				}), o)
				if !errors.Is(err, broken) {
					t.Fatalf("error %v, want the source's", err)
				}
			}
			for range 2 {
				got, err := Pairs(t.Context(), docs, o)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, sameCounts); diff != "" {
					t.Errorf("(-plain +resumed):\n%s", diff)
				}
			}
			// All is there now: the documents are not even read.
			got, err := Pairs(t.Context(), SourceFunc(func(func(int, []token.ID) error) error { return broken }), o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, sameCounts); diff != "" {
				t.Errorf("(-plain +kept):\n%s", diff)
			}
			files, err := os.ReadDir(o.SpillDir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if err := os.Remove(filepath.Join(o.SpillDir, f.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				got, err := Pairs(t.Context(), docs, o)
				if err != nil {
					// A missing piece of finished work may be an error, but
					// never a wrong number, and it says what to do.
					if !strings.Contains(err.Error(), "count again") && !errors.Is(err, os.ErrNotExist) {
						t.Errorf("without %s: %v", f.Name(), err)
					}
					if err := Clean(o.SpillDir); err != nil {
						t.Fatal(err)
					}
					continue
				}
				if diff := cmp.Diff(want, got, sameCounts); diff != "" {
					t.Errorf("without %s (-plain +resumed):\n%s", f.Name(), diff)
				}
			}
			// Another corpus under another key starts anew.
			o.Key = "corpus 6"
			other, err := Pairs(t.Context(), docs[:20], o)
			if err != nil {
				t.Fatal(err)
			}
			if other.Documents >= want.Documents {
				t.Errorf("counts of another corpus were used again")
			}
			if err := Clean(o.SpillDir); err != nil {
				t.Fatal(err)
			}
			if left, _ := os.ReadDir(o.SpillDir); len(left) > 0 {
				t.Errorf("Clean left %v", left)
			}
		})
	}
}

// Every bit flipped in a run file is found, or makes no difference.
func TestDamagedRuns(t *testing.T) {
	docs := skewed(6, 10, 30_000, 100)
	o := Options{Distances: []int{1}, Workers: 1, SpillDir: t.TempDir(), Key: "k"}
	o.Memory = leastMemory(o)
	want, err := Pairs(t.Context(), docs, o)
	if err != nil {
		t.Fatal(err)
	}
	path := only(t, filepath.Join(o.SpillDir, "chunk-000000-*.runs"))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rng := seeded(1, 1)
	for range 200 {
		bad := append([]byte(nil), good...)
		if rng.IntN(2) == 0 {
			bad = bad[:rng.IntN(len(bad))]
		} else {
			bad[rng.IntN(len(bad))] ^= 1 << rng.IntN(8)
		}
		if err := os.WriteFile(path, bad, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(o.SpillDir, "distance-000001.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		got, err := Pairs(t.Context(), docs, o)
		if err == nil {
			if diff := cmp.Diff(want, got, sameCounts); diff != "" {
				t.Fatalf("damage went unnoticed (-want +got):\n%s", diff)
			}
		} else if !strings.Contains(err.Error(), "damaged") {
			t.Errorf("error %q does not say that the file is damaged", err)
		}
	}
}
