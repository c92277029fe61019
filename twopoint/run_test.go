package twopoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// The tokens of a vocabulary come in the order of the text, on any number of cores,
// as one core alone makes them; what goes wrong ends it all.
func TestTokenSource(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(6, 1))
	for i, words := range []int{30_000, 60_000, 0, 5000} {
		var b strings.Builder
		for range words {
			b.WriteString([]string{"the", "dog's", "12", " ", "\n", "é", "\n\nThen"}[rng.IntN(7)])
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c, err := corpus.Index(t.Context(), []string{dir}, corpus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	v, err := vocabulary.Open("../token/vocabulary/testdata/gpt2.json")
	if err != nil {
		t.Fatal(err)
	}
	got := func(s *tokenSource) map[int][]token.ID {
		docs := map[int][]token.ID{}
		if err := s.Each(func(doc int, ids []token.ID) error {
			docs[doc] = append(docs[doc], ids...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return docs
	}
	// A stream that is not known for a vocabulary's is read on one core.
	plain := got(newTokenSource(t.Context(), c, struct{ token.Stream }{vocabulary.NewStream(v)}, count.Options{}))
	if len(plain) != c.Documents() {
		t.Fatalf("%d documents, want %d", len(plain), c.Documents())
	}
	for _, workers := range []int{1, 4} {
		s := newTokenSource(t.Context(), c, vocabulary.NewStream(v), count.Options{Workers: workers})
		if diff := cmp.Diff(plain, got(s)); diff != "" {
			t.Fatalf("%d workers (-one stream +stretches):\n%s", workers, diff)
		}
		tokens := 0
		for _, ids := range plain {
			tokens += len(ids)
		}
		if s.total() != int64(tokens) {
			t.Errorf("%d tokens in all, want %d", s.total(), tokens)
		}
		broken := errors.New("broken")
		if err := s.Each(func(int, []token.ID) error { return broken }); err != broken {
			t.Errorf("error %v, want the consumer's", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		s = newTokenSource(ctx, c, vocabulary.NewStream(v), count.Options{Workers: workers})
		if err := s.Each(func(int, []token.ID) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of the context", err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "3")); err != nil {
		t.Fatal(err)
	}
	s := newTokenSource(t.Context(), c, vocabulary.NewStream(v), count.Options{Workers: 3})
	if err := s.Each(func(int, []token.ID) error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that of the missing file", err)
	}
}

// A second process must not count into the same folder.
func TestTwoPointIsLocked(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("some words ", 500)), 0o644); err != nil {
		t.Fatal(err)
	}
	o := Options{Paths: []string{text}, Out: t.TempDir(), Seed: 1, Figures: []string{}}
	run, err := rundir.Open(o.Out, rundir.TwoPoint, rundir.Options{})
	if err != nil || !run.Locked() {
		t.Skip("no locks here", err)
	}
	if _, err := Run(t.Context(), o); !errors.Is(err, rundir.ErrLocked) {
		t.Errorf("in use: %v", err)
	}
	run.Close()
	if _, err := Run(t.Context(), o); err != nil {
		t.Errorf("free again: %v", err)
	}
}

// The names of files change nothing, nor does the order in which they are read;
// errors that are not from blocks say so.
func TestTwoPointOfRenamedFiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	dir := t.TempDir()
	var texts [][]byte
	for range 20 {
		text := make([]byte, 3000)
		for i := range text {
			text[i] = byte('a' + rng.IntN(1+rng.IntN(6)))
			if i > 0 && rng.IntN(3) == 0 {
				text[i] = text[i-1]
			}
		}
		texts = append(texts, text)
	}
	measure := func(name string, blocks int, order []int) *result.Result {
		t.Helper()
		in := filepath.Join(dir, name)
		if err := os.MkdirAll(in, 0o777); err != nil {
			t.Fatal(err)
		}
		for i, n := range order {
			if err := os.WriteFile(filepath.Join(in, fmt.Sprintf("%02d.txt", n)), texts[i], 0o666); err != nil {
				t.Fatal(err)
			}
		}
		r, err := Run(t.Context(), Options{Paths: []string{in}, Out: filepath.Join(dir, "run-"+name), Blocks: blocks, Seed: 1, Figures: []string{"svg"}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	warned := func(r *result.Result) bool {
		return slices.ContainsFunc(r.TwoPoint.Warnings, func(w info.Warning) bool { return w.Code == "no-blocks" })
	}
	a, b := measure("a", 0, rng.Perm(20)), measure("b", 0, rng.Perm(20))
	if diff := cmp.Diff(a.TwoPoint, b.TwoPoint); diff != "" {
		t.Errorf("other names of files (-a +b):\n%s", diff)
	}
	if warned(a) || !warned(measure("c", -1, rng.Perm(20))) {
		t.Error("the warning of errors without blocks is where it should not be, or is not where it should be")
	}
}

// The file of counts of a sample of few documents gives what the documents give,
// warnings too; and names of files do not change it.
func TestTwoPointOfSampledCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	a, b := t.TempDir(), t.TempDir()
	for i := range 12 {
		var text strings.Builder
		for range 3000 {
			fmt.Fprintf(&text, "w%d ", rng.IntN(1+rng.IntN(200+50*i)))
		}
		for dir, n := range map[string]int{a: i, b: 11 - i} {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.txt", n)), []byte(text.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	measure := func(o Options) (*result.Result, []byte) {
		t.Helper()
		o.Out, o.Seed, o.Figures, o.Distances = t.TempDir(), 3, []string{}, []int{1, 8}
		r, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		counts, err := os.ReadFile(filepath.Join(o.Out, rundir.Counts))
		if err != nil && o.Counts == "" {
			t.Fatal(err)
		}
		return r, counts
	}
	ra, ca := measure(Options{Paths: []string{a}, Tokens: "words", Sample: 0.5})
	_, cb := measure(Options{Paths: []string{b}, Tokens: "words", Sample: 0.5})
	if string(ca) != string(cb) {
		t.Errorf("names of files change the counts from\n%s\nto\n%s", ca, cb)
	}
	file := filepath.Join(t.TempDir(), "counts.json")
	if err := os.WriteFile(file, ca, 0o644); err != nil {
		t.Fatal(err)
	}
	rc, _ := measure(Options{Counts: file})
	if diff := cmp.Diff(ra.TwoPoint, rc.TwoPoint); diff != "" {
		t.Errorf("from counts (-documents +counts):\n%s", diff)
	}
	if diff := cmp.Diff(ra.Warnings, rc.Warnings); diff != "" || len(ra.Warnings) != 1 || ra.Warnings[0].Code != "sampled" {
		t.Errorf("%d warnings (-documents +counts):\n%s", len(ra.Warnings), diff)
	}
}

// Text that is not UTF-8 is told where words would be torn, by name.
func TestTwoPointOfOtherEncodings(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.txt": "un café ici", "b.txt": "un caf\xe9 là", "c.txt": "na\xefve"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []struct {
		tokens, path, want string
	}{
		{"words", "", "2 files hold bytes that are not UTF-8, which cut words into pieces; the first is " + filepath.Join(dir, "b.txt")},
		{"words", "c.txt", "one file holds bytes that are not UTF-8"},
		{"words", "a.txt", ""},
		{"bytes", "", ""},
		{"../token/vocabulary/testdata/gpt2.json", "", "2 files hold"},
	} {
		r, err := Run(t.Context(), Options{
			Paths: []string{filepath.Join(dir, x.path)}, Format: "bytes", Tokens: x.tokens, Out: t.TempDir(), Distances: []int{1}, Figures: []string{},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, w := range r.Warnings {
			if w.Code == "not-utf8" {
				got = w.Text
			}
		}
		if !strings.HasPrefix(got, x.want) || x.want == "" && got != "" {
			t.Errorf("%s of %q: warning %q, want %q", x.tokens, x.path, got, x.want)
		}
	}
}

// The index of the documents is part of the memory: an error asks for enough for both.
func TestIndexCountsAsMemory(t *testing.T) {
	var records bytes.Buffer
	const documents = 20000 // an index of 1.28 MB
	for i := range documents {
		fmt.Fprintf(&records, "{\"text\": \"document %d\"}\n", i)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a.jsonl")
	if err := os.WriteFile(path, records.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	o := Options{Paths: []string{path}, Out: filepath.Join(dir, "run"), Distances: []int{1, 2}, Blocks: -1, Memory: 1, Workers: 1}
	var small *count.MemoryError
	if _, err := Run(t.Context(), o); !errors.As(err, &small) || !strings.HasPrefix(small.For, "an index of 20000 documents and ") || small.Need < 64*documents {
		t.Fatalf("error %v, %+v", err, small)
	}
	for _, c := range []struct {
		memory int64
		enough bool
	}{{small.Need - 64*documents, false}, {small.Need, true}} {
		o.Memory = c.memory
		if _, err := Run(t.Context(), o); errors.As(err, &small) == c.enough {
			t.Errorf("%d bytes of memory: error %v", c.memory, err)
		}
	}
}

// A run that was killed after it wrote its counts, and before it removed what it had
// made them of, is cleaned up by the next.
func TestLeftoverChunksAreRemoved(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(text, bytes.Repeat([]byte("some of these words. "), 400), 0o644); err != nil {
		t.Fatal(err)
	}
	o := Options{Paths: []string{text}, Out: filepath.Join(dir, "run"), Distances: []int{1, 2, 4, 8}, Seed: 1, Figures: []string{}}
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	run, err := rundir.Open(o.Out, rundir.TwoPoint, rundir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	folder, err := run.Folder(rundir.Counting)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "distance-000008.json"), []byte("{}"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	run.Close()
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left (%v)", folder, err)
	}
}
