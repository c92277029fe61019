package corpus

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

// write makes files in a temporary folder and returns it.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func zst(s string) string {
	w, _ := zstd.NewWriter(nil)
	return string(w.EncodeAll([]byte(s), nil))
}

func index(t testing.TB, o Options, paths ...string) *Corpus {
	t.Helper()
	c, err := Index(context.Background(), paths, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// contents returns the documents by name.
func contents(t testing.TB, c *Corpus, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := c.Each(context.Background(), func(doc int, r io.Reader) error {
		b, err := io.ReadAll(r)
		all[strings.TrimPrefix(c.Name(doc), dir+"/")] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// texts draws the documents of a small corpus.
func texts(rt *rapid.T) []string {
	return rapid.SliceOfNDistinct(rapid.StringMatching(`[a-d ]{1,300}`), 2, 12, rapid.ID[string]).Draw(rt, "texts")
}

// TestNamesDoNotMatter: renaming, reordering, compressing and packing the
// documents changes neither the fingerprint nor the split nor the windows.
func TestNamesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		docs := texts(rt)
		seed := rapid.Uint64().Draw(rt, "seed")
		a, b := map[string]string{}, map[string]string{}
		for i, s := range docs {
			a[fmt.Sprintf("%02d.txt", i)] = s
			switch i % 3 {
			case 0:
				b[fmt.Sprintf("x/%02d.txt.gz", len(docs)-i)] = gz(s)
			case 1:
				b[fmt.Sprintf("%c.zst", 'z'-i)] = zst(s)
			case 2:
				b["l.jsonl"] += fmt.Sprintf("{\"text\": %q}\n", s)
			}
		}
		ca, cb := index(t, Options{Workers: 1}, write(t, a)), index(t, Options{Workers: 4}, write(t, b))
		if ca.Fingerprint() != cb.Fingerprint() {
			rt.Fatalf("fingerprints differ")
		}
		sa, sb := ca.Split(seed, 0.5), cb.Split(seed, 0.5)
		if fmt.Sprint(sa.training, sa.regions) != fmt.Sprint(sb.training, sb.regions) {
			rt.Fatalf("splits differ: %v and %v", sa.regions, sb.regions)
		}
		if sa.Training() < 1 || sa.Evaluation() < 1 {
			rt.Fatalf("%d training and %d evaluation documents", sa.Training(), sa.Evaluation())
		}
		o := WindowOptions{Length: 4, PerDocument: 3}
		wa, errA := sa.Windows(context.Background(), o)
		wb, errB := sb.Windows(context.Background(), o)
		if fmt.Sprint(wa) != fmt.Sprint(wb) || (errA == nil) != (errB == nil) {
			rt.Fatalf("windows differ: %v %v and %v %v", wa, errA, wb, errB)
		}
	})
}

// TestWindowsAreWhatTheySay: windows hold the text at their place, do not
// overlap, come from evaluation text only, and respect the limits.
func TestWindowsAreWhatTheySay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		docs := texts(rt)
		if rapid.Bool().Draw(rt, "single") {
			docs = []string{strings.Repeat(docs[0], 20)}
		}
		files := map[string]string{}
		for i, s := range docs {
			files[fmt.Sprintf("%02d.txt.zst", i)] = zst(s)
		}
		dir := write(t, files)
		c := index(t, Options{}, dir)
		s := c.Split(rapid.Uint64().Draw(rt, "seed"), 0.6)
		o := WindowOptions{
			Length:      rapid.SampledFrom([]int{4, 8, 16}).Draw(rt, "length"),
			PerDocument: rapid.IntRange(1, 8).Draw(rt, "per document"),
			MaxTotal:    rapid.IntRange(0, 30).Draw(rt, "total"),
		}
		windows, err := s.Windows(context.Background(), o)
		var short *TooShortError
		if errors.As(err, &short) {
			if short.Fits >= o.Length {
				rt.Fatalf("too short for %d, yet %d fits", o.Length, short.Fits)
			}
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		if o.MaxTotal > 0 && len(windows) > max(o.MaxTotal, 2) {
			rt.Fatalf("%d windows, at most %d wanted", len(windows), o.MaxTotal)
		}
		byName := contents(t, c, dir)
		training := map[int]bool{}
		for _, d := range s.training {
			training[d] = len(docs) > 1
		}
		for i, w := range windows {
			text := byName[strings.TrimPrefix(c.Name(w.Document), dir+"/")]
			var got []byte
			for _, id := range w.Tokens {
				got = append(got, byte(id))
			}
			if string(got) != text[w.Start:w.Start+int64(o.Length)] {
				rt.Fatalf("window %d does not hold the text at its place", i)
			}
			if training[w.Document] || len(docs) == 1 && w.Start < int64(len(text)/2) {
				rt.Fatalf("window %d lies in training text", i)
			}
			for j, v := range windows[:i] {
				if v.Document == w.Document && v.Start < w.Start+int64(o.Length) && w.Start < v.Start+int64(o.Length) {
					rt.Fatalf("windows %d and %d overlap", j, i)
				}
			}
		}
	})
}

func TestPartners(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var windows []Window
		for c, n := range rapid.SliceOfN(rapid.IntRange(1, 9), 2, 8).Draw(rt, "sizes") {
			for range n {
				windows = append(windows, Window{Cluster: c})
			}
		}
		k := rapid.IntRange(1, 3).Draw(rt, "k")
		partners, err := Partners(windows, k)
		if errors.Is(err, errFewDocuments) {
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		for i, ps := range partners {
			seen := map[int]bool{}
			for _, j := range ps {
				if windows[i].Cluster == windows[j].Cluster || seen[j] {
					rt.Fatalf("window %d has partners %v in clusters %v", i, ps, windows)
				}
				seen[j] = true
			}
			if len(ps) != k {
				rt.Fatalf("%d partners, want %d", len(ps), k)
			}
		}
	})
}

// TestPartnersAreBalanced: of windows that go round the documents, as Windows draws
// them, each is a partner twice where each has two, but for some at the ends.
func TestPartnersAreBalanced(t *testing.T) {
	var windows []Window
	for i := range 24 * 25 {
		windows = append(windows, Window{Cluster: i % 25})
	}
	partners, err := Partners(windows, 2)
	if err != nil {
		t.Fatal(err)
	}
	uses, unequal := make([]int, len(windows)), 0
	for _, ps := range partners {
		for _, j := range ps {
			uses[j]++
		}
	}
	for _, n := range uses {
		if n != 2 {
			unequal++
		}
	}
	if unequal > 6 || slices.Max(uses) > 4 {
		t.Fatalf("%d of %d windows are partners another number of times than 2, one %d times", unequal, len(windows), slices.Max(uses))
	}
}

// TestMoreWindowsAddToFewer: with a larger MaxTotal, the first windows and their
// partners are those of a smaller one, also where some are left out.
func TestMoreWindowsAddToFewer(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		files := map[string]string{}
		for i, s := range texts(rt) {
			files[fmt.Sprintf("%02d.txt", i)] = s
		}
		s := index(t, Options{}, write(t, files)).Split(rapid.Uint64().Draw(rt, "seed"), 1)
		if rapid.Bool().Draw(rt, "tokenized") {
			var err error
			if s, err = s.Tokenized(t.Context(), asWords); err != nil {
				return // too little text
			}
		}
		fewer, k := rapid.IntRange(2, 20).Draw(rt, "fewer"), rapid.IntRange(0, 2).Draw(rt, "k")
		o := WindowOptions{Length: 4, PerDocument: 3, MaxTotal: fewer}
		few, err := s.Windows(t.Context(), o)
		if err != nil {
			return
		}
		if len(few) > fewer {
			rt.Fatalf("%d windows, at most %d wanted", len(few), fewer)
		}
		o.MaxTotal += rapid.IntRange(0, 20).Draw(rt, "more")
		many, err := s.Windows(t.Context(), o)
		if err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual(few, many[:len(few)]) {
			rt.Fatalf("the first windows of\n%v are not\n%v", many, few)
		}
		partners, err := Partners(few, k)
		if err != nil {
			return
		}
		if all, err := Partners(many, k); err != nil || !reflect.DeepEqual(partners, all[:len(few)]) {
			rt.Fatalf("the first partners of\n%v are not\n%v (%v)", all, partners, err)
		}
	})
}

// TestExcerpts: within the budget all training text comes exactly once; above
// it the budget is met within a tenth, from most documents.
func TestExcerpts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	files := map[string]string{}
	for i := range 40 {
		b := make([]byte, 20000+rng.IntN(200000))
		for j := range b {
			b[j] = byte('a' + rng.IntN(26))
		}
		files[fmt.Sprintf("%02d.txt", i)] = string(b)
	}
	dir := write(t, files)
	c := index(t, Options{}, dir)
	s := c.Split(3, 0.5)
	collect := func(budget int64) (n int64, whole map[byte]int64) {
		whole = map[byte]int64{}
		for e, err := range s.Excerpts(context.Background(), TrainingOptions{Budget: budget}) {
			if err != nil {
				t.Fatal(err)
			}
			n += int64(len(e))
			for _, b := range e {
				whole[b]++
			}
		}
		return n, whole
	}
	want := map[byte]int64{}
	all := contents(t, c, dir)
	for _, d := range s.training {
		for _, b := range []byte(all[strings.TrimPrefix(c.Name(d), dir+"/")]) {
			want[b]++
		}
	}
	if n, got := collect(1 << 40); n != s.TrainingBytes() || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("with room for all: %d bytes of %d, letters %v want %v", n, s.TrainingBytes(), got, want)
	}
	for _, budget := range []int64{s.TrainingBytes() / 2, s.TrainingBytes() / 50} {
		if n, _ := collect(budget); n > budget*11/10 || n < budget*8/10 {
			t.Errorf("budget %d: %d bytes", budget, n)
		}
	}
}

func TestSuggestLength(t *testing.T) {
	files := map[string]string{}
	for i := range 8 {
		files[fmt.Sprint(i)] = strings.Repeat(string(rune('a'+i)), 1000)
	}
	s := index(t, Options{}, write(t, files)).Split(1, 0.5)
	if n, err := s.SuggestLength(16384); n != 512 || err != nil {
		t.Errorf("1,000-byte documents: length %d (%v), want 512", n, err)
	}
	err := s.CheckLength(1024)
	var short *TooShortError
	if !errors.As(err, &short) || short.Fits != 512 || short.Longest != 1000 {
		t.Errorf("1,024 of 1,000 bytes: %v", err)
	}
	one := index(t, Options{}, write(t, map[string]string{"one": strings.Repeat("abc", 100000)})).Split(1, 0.5)
	if n, err := one.SuggestLength(16384); n != 16384 || err != nil {
		t.Errorf("a single document of 300 kB: length %d (%v), want 16384 (eight blocks of 18,750 bytes)", n, err)
	}
}

// Reads of 150 letters allow lengths up to 128, not only what is left behind a header.
func TestSuggestLengthOfReads(t *testing.T) {
	path := "../../shared/cases/fasta/multi-fasta-reads-150bp.fa"
	if _, err := os.Stat(path); err != nil {
		t.Skip("no cases beside the checkout")
	}
	if n, err := index(t, Options{}, path).Split(1, 0.5).SuggestLength(16384); n != 128 || err != nil {
		t.Errorf("length %d (%v), want 128", n, err)
	}
}

// TestMemoryIsBounded reads a document far larger than what may be allocated.
func TestMemoryIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.txt")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	line := bytes.Repeat([]byte("0123456789 abcdef\n"), 1<<12)
	for range 1000 {
		f.Write(line)
	}
	f.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c, err := Index(t.Context(), []string{path}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Split(1, 0.5).Windows(t.Context(), WindowOptions{Length: 4096, PerDocument: 8}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16<<20 {
		t.Errorf("74 MB of text took %d MB of memory", allocated>>20)
	}
}

func TestSharedData(t *testing.T) {
	dir := "../../shared/data"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no real data beside the checkout")
	}
	c := index(t, Options{}, filepath.Join(dir, "books"))
	// The figures are those of the folder's own README: 50 books.
	if c.Documents() != 50 || c.Duplicates() != 0 {
		t.Errorf("%d books, %d duplicates", c.Documents(), c.Duplicates())
	}
	d := index(t, Options{}, filepath.Join(dir, "dna/phage-lambda.fa.zst"))
	// Phage lambda has 48,502 base pairs (NC_001416.1).
	if d.Documents() != 1 || d.Bytes() != 48502 {
		t.Errorf("phage lambda: %d records, %d letters", d.Documents(), d.Bytes())
	}
}

// A file that is not what it was when it was indexed is an error, whether it was
// changed before it is read again or meanwhile.
func TestChangedFile(t *testing.T) {
	long := strings.Repeat("some text that goes on\n", 50_000)
	for name, change := range map[string]func(path string) error{
		"cut short":   func(path string) error { return os.Truncate(path, int64(len(long)/2)) },
		"appended to": func(path string) error { return os.WriteFile(path, []byte(long+"and on"), 0o666) },
		"edited": func(path string) error {
			text := []byte(long)
			text[len(text)-10] = '!'
			return os.WriteFile(path, text, 0o666)
		},
	} {
		for _, when := range []string{"before", "meanwhile"} {
			dir := write(t, map[string]string{"a.txt": long})
			path := filepath.Join(dir, "a.txt")
			// Older than any clock's tick.
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
			c, err := Index(t.Context(), []string{dir}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if when == "before" {
				if err := change(path); err != nil {
					t.Fatal(err)
				}
			}
			err = c.Each(t.Context(), func(_ int, r io.Reader) error {
				if _, err := io.CopyN(io.Discard, r, 1000); err != nil {
					return err
				}
				if when == "meanwhile" {
					if err := change(path); err != nil {
						return err
					}
				}
				_, err := io.Copy(io.Discard, r)
				return err
			})
			if !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s %s: error %v", name, when, err)
			}
			c.Close()
		}
	}
}

// A document that is most of the text is named: a compressed test file that
// unpacks to 64 MB is two fifths of Go's sources.
func TestLargeDocument(t *testing.T) {
	files := map[string]string{}
	for i := range 19 {
		files[fmt.Sprintf("%d.txt", i)] = fmt.Sprint(strings.Repeat("a line\n", 10), i)
	}
	warned := func(lines int) string {
		files["large.txt"] = strings.Repeat("another\n", lines)
		for _, w := range index(t, Options{}, write(t, files)).Warnings() {
			if w.Code == "one-large-document" {
				return w.Text
			}
		}
		return ""
	}
	// 19 documents of 71 or 72 bytes are 1,358; 800 bytes are 37 % of all, 400 are 23 %.
	if got := warned(100); !strings.Contains(got, "large.txt") || !strings.Contains(got, "37 %") {
		t.Errorf("800 of 2,158 bytes: %q", got)
	}
	if got := warned(50); got != "" {
		t.Errorf("400 of 1,758 bytes: %q", got)
	}
	delete(files, "0.txt")
	if got := warned(100); got != "" {
		t.Errorf("of 19 documents: %q", got)
	}
}
