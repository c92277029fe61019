package score

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
)

// answers scores all requests and returns their rows.
func answers(t testing.TB, plan Plan, windows []Window[token.ID], partners [][]int) [][]row {
	t.Helper()
	jobs, err := newJobs(plan, windows, partners)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]row
	for j := range windows {
		s, err := newModel().LogProbs(context.Background(), jobs.request(j))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, jobs.rows(j, s))
	}
	return out
}

// TestAnyBatching writes requests in random order and batches, reopening the
// store at random.
func TestAnyBatching(t *testing.T) {
	plan, windows, partners := example(t, 7, 10, 13, 2, true)
	key := keyOf(newModel(), plan, windows, partners)
	requests := answers(t, plan, windows, partners)
	want := reference(plan, windows, partners)
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		s := open(t, dir, key)
		var batch []row
		for i, j := range rng.Perm(len(requests)) {
			batch = append(batch, requests[j]...)
			if rng.IntN(3) > 0 && i < len(requests)-1 {
				continue
			}
			if err := s.save(batch); err != nil {
				rt.Fatal(err)
			}
			batch = nil
			if s.Done() != i+1 || !s.Scored(j) {
				rt.Fatalf("%d requests saved, %d done", i+1, s.Done())
			}
			if rng.IntN(2) == 0 {
				s.run.Close()
				s = open(t, dir, key)
			}
		}
		mustEqual(t, content(t, s.Source()), want)
		s.run.Close()
	})
}

func TestManyPages(t *testing.T) {
	// 40 windows of 16,384 tokens are 8 MB: several pages of 1 MiB per part.
	plan, windows, partners := example(t, 8, 40, 16384, 1, true)
	key := keyOf(newModel(), plan, windows, partners)
	s := open(t, t.TempDir(), key)
	if err := Run(t.Context(), newModel(), windows, partners, plan, s, RunOptions{}); err != nil {
		t.Fatal(err)
	}
	w := content(t, s.Source())
	for i := range windows {
		// The first tokens at every split tell whether all offsets are right;
		// comparing everything with the naive reference would be quadratic.
		for _, ell := range plan.Splits {
			y := windows[i].Tokens[ell : ell+2]
			check := func(name string, got, want []float32) {
				if !reflect.DeepEqual(got[:2], want) {
					t.Fatalf("window %d, split %d, %s: %v, want %v", i, ell, name, got[:2], want)
				}
			}
			check("marginal", w[i].Marginal[ell], naive(nil, y))
			check("cross", w[i].Cross[ell][0], naive(windows[partners[i][0]].Tokens[:ell], y))
		}
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	plan, windows, partners := example(t, 9, 6, 16, 1, true)
	m := newModel()
	key := keyOf(m, plan, windows, partners)
	dir := t.TempDir()
	s := open(t, dir, key)
	if err := Run(t.Context(), m, windows, partners, plan, s, RunOptions{}); err != nil {
		t.Fatal(err)
	}
	s.run.Close()
	for _, c := range []struct {
		part   string
		change func(*Key)
	}{
		{"model", func(k *Key) { k.Model = "0123456789abcdef0123456789abcdef" }},
		{"BOS rule", func(k *Key) { k.BOS = "prepended" }},
		{"tokenizer", func(k *Key) { k.Tokenizer = "dna" }},
		{"corpus", func(k *Key) { k.Corpus = "c2" }},
		{"windows", func(k *Key) { k.Windows = "w2" }},
		{"number of windows", func(k *Key) { k.Count++ }},
		{"window length", func(k *Key) { k.Plan.Length = 17 }},
		{"splits", func(k *Key) { k.Plan.Splits = []int{2, 4} }},
		{"largest ratio", func(k *Key) { k.Plan.MaxRatio = 2 }},
		{"marginal passes", func(k *Key) { k.Plan.Marginals = false }},
		{"cross contexts", func(k *Key) { k.Plan.Cross = 2 }},
	} {
		other := key
		c.change(&other)
		_, err := openIn(dir, other, false)
		var mismatch *MismatchError
		if !errors.As(err, &mismatch) || len(mismatch.Differences) != 1 || mismatch.Differences[0].Part != c.part {
			t.Errorf("%s: error %v", c.part, err)
			continue
		}
		for _, want := range []string{dir, c.part, "--fresh", "--out"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q does not mention %q", c.part, err, want)
			}
		}
	}
	renamed := key
	renamed.ModelName = "the same file, moved"
	if s := open(t, dir, renamed); s.Done() != len(windows) {
		t.Errorf("%d requests after the model's name changed, want all %d", s.Done(), len(windows))
	}
}

func TestFresh(t *testing.T) {
	plan, windows, partners := example(t, 10, 6, 16, 1, true)
	m := newModel()
	key := keyOf(m, plan, windows, partners)
	dir := t.TempDir()
	s := open(t, dir, key)
	if err := Run(t.Context(), m, windows, partners, plan, s, RunOptions{}); err != nil {
		t.Fatal(err)
	}
	s.run.Close()
	foreign := []string{filepath.Join(dir, "notes.txt"), filepath.Join(dir, "scores", "notes.txt"), filepath.Join(dir, "other.parquet")}
	for _, f := range foreign {
		if err := os.WriteFile(f, []byte("mine"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	other := key
	other.Corpus = "c2"
	s, err := openIn(dir, other, true)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(parts(t, s)); n != 0 || s.Done() != 0 {
		t.Errorf("%d parts, %d requests left after Fresh", n, s.Done())
	}
	for _, f := range foreign {
		if b, err := os.ReadFile(f); err != nil || string(b) != "mine" {
			t.Errorf("foreign file %s: %q, %v", f, b, err)
		}
	}
	s.run.Close()
	raw, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r rundir.Header
	if err := json.Unmarshal(raw, &r); err != nil || r.Format != rundir.Format || !strings.Contains(string(r.Key), `"c2"`) {
		t.Errorf("run.json is %s (%v)", raw, err)
	}
	open(t, dir, other).run.Close()

	// Among the parts, a foreign Parquet file is reported, not removed.
	mine := filepath.Join(dir, "scores", "mine.parquet")
	if err := os.WriteFile(mine, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openIn(dir, other, true); err == nil || !strings.Contains(err.Error(), mine) {
		t.Errorf("foreign Parquet file among the parts: %v", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}

func TestRunFilesThatAreNotOurs(t *testing.T) {
	plan, windows, partners := example(t, 11, 4, 8, 1, true)
	key := keyOf(newModel(), plan, windows, partners)
	for _, c := range []struct {
		name, content, want string
		fresh               bool // whether Fresh may replace it
	}{
		{"other version", `{"format":"l2m.run/99","key":{"surprise":true}}`, "l2m.run/99", false},
		{"other program", `{"format":"lab.run/1"}`, "not written by l2m", false},
		{"no format", `{"name":"my experiment"}`, "not written by l2m", false},
		{"no JSON", `name: my experiment`, "not written by l2m", false},
		{"cut", `{"format":"l2m.run/2","kind":"measure","key":{"mod`, "not written by l2m", false},
		{"wrong type", `{"format":"l2m.run/2","kind":"measure","key":{"count":"many"}}`, "--fresh", true},
		{"unknown field", `{"format":"l2m.run/2","kind":"measure","surprise":1}`, "surprise", false},
		{"no key", `{"format":"l2m.run/2","kind":"measure"}`, "", true},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "run.json")
		if err := os.WriteFile(path, []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir); err == nil {
			t.Errorf("%s: read without an error", c.name)
		}
		if c.want != "" {
			if _, err := openIn(dir, key, false); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
			}
		}
		s, err := openIn(dir, key, true)
		if (err == nil) != c.fresh {
			t.Errorf("%s: Fresh: %v", c.name, err)
		}
		if err == nil {
			s.run.Close()
		} else if b, _ := os.ReadFile(path); string(b) != c.content {
			t.Errorf("%s: Fresh replaced a foreign file by %q", c.name, b)
		}
	}
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not the directory of a run") {
		t.Errorf("reading an empty folder: %v", err)
	}
}

func TestOneWriterAtATime(t *testing.T) {
	plan, windows, partners := example(t, 12, 4, 8, 1, true)
	key := keyOf(newModel(), plan, windows, partners)
	dir := t.TempDir()
	s := open(t, dir, key)
	if len(s.Warnings()) > 0 {
		t.Skipf("no locks here: %v", s.Warnings())
	}
	_, err := openIn(dir, key, true)
	if !errors.Is(err, rundir.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("pid %d", os.Getpid())) {
		t.Errorf("second writer: %v", err)
	}
	if _, err := Read(dir); err != nil {
		t.Errorf("reader beside a writer: %v", err)
	}
	s.run.Close()
	open(t, dir, key)
}

func TestUnusableFolders(t *testing.T) {
	plan, windows, partners := example(t, 12, 4, 8, 1, true)
	key := keyOf(newModel(), plan, windows, partners)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openIn(file, key, false); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "--out") {
		t.Errorf("a file as run directory: %v", err)
	}
	for _, change := range []func(*Key){
		func(k *Key) { k.Count = 0 }, func(k *Key) { k.Model = "" }, func(k *Key) { k.Plan.Length = 3 }, func(k *Key) { k.Count = 1 << 40 },
	} {
		bad := key
		change(&bad)
		if _, err := openIn(t.TempDir(), bad, false); err == nil {
			t.Errorf("opened with key %+v", bad)
		}
	}
}

// stored makes a finished run of several parts and returns its folder.
func stored(t testing.TB) (dir string, key Key, names []string) {
	t.Helper()
	plan, windows, partners := example(t, 13, 8, 16, 1, true)
	key = keyOf(newModel(), plan, windows, partners)
	s := open(t, t.TempDir(), key)
	if err := Run(context.Background(), newModel(), windows, partners, plan, s, RunOptions{Workers: 1, FlushBytes: 500}); err != nil {
		t.Fatal(err)
	}
	names = parts(t, s)
	s.run.Close()
	if len(names) < 3 {
		t.Fatalf("%d parts, want several", len(names))
	}
	return s.Dir(), key, names
}

func TestForeignAndMissingParts(t *testing.T) {
	dir, key, names := stored(t)
	scores := filepath.Join(dir, "scores")
	refused := func(name, want string) {
		t.Helper()
		if _, err := openIn(dir, key, false); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Join(scores, name)) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
		if err := os.Remove(filepath.Join(scores, name)); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(scores, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	first, err := os.ReadFile(filepath.Join(scores, names[0]))
	if err != nil {
		t.Fatal(err)
	}

	write("mine.parquet", first)
	refused("mine.parquet", "was not written by l2m")

	again := "part-000099-" + strings.SplitN(names[0], "-", 3)[2]
	write(again, first)
	refused(again, "repeats a")

	otherKey := key
	otherKey.Corpus = "c2"
	plan, windows, partners := example(t, 13, 8, 16, 1, true)
	other, err := encodePart(otherKey, answers(t, plan, windows, partners)[0])
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("part-000099-%s.parquet", contentHash(other))
	write(name, other)
	refused(name, "another run: corpus was c2, now c1")

	name = fmt.Sprintf("part-000099-%s.parquet", contentHash([]byte("PAR1 no")))
	write(name, []byte("PAR1 no"))
	refused(name, "000099")

	// A part that is gone is scored again.
	if err := os.Remove(filepath.Join(scores, names[1])); err != nil {
		t.Fatal(err)
	}
	m := newModel()
	s := open(t, dir, key)
	if err := Run(t.Context(), m, windows, partners, plan, s, RunOptions{}); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, content(t, s.Source()), reference(plan, windows, partners))
	if got := m.asked.Load(); got == 0 || got >= plan.Tokens(len(windows)) {
		t.Errorf("%d tokens scored again, want those of one part", got)
	}
	s.run.Close()

	if err := os.Remove(filepath.Join(dir, "run.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := openIn(dir, key, false); err == nil || !strings.Contains(err.Error(), "was not written by this run") {
		t.Errorf("run.json removed: %v", err)
	}
}

func TestContradictingRows(t *testing.T) {
	plan, windows, partners := example(t, 13, 8, 16, 1, true)
	key := keyOf(newModel(), plan, windows, partners)
	requests := answers(t, plan, windows, partners)
	cross := func(rows []row) *row {
		for i := range rows {
			if rows[i].Pass == string(passCross) {
				return &rows[i]
			}
		}
		t.Fatal("no cross pass in this request")
		return nil
	}
	for _, c := range []struct {
		name, want string
		change     func(rows []row)
	}{
		{"window", "of 8 does not exist", func(rows []row) { rows[0].Window = 8 }},
		{"negative window", "of 8 does not exist", func(rows []row) { rows[0].Window = -1 }},
		{"pass", "no pass \"guess\"", func(rows []row) { rows[0].Pass = "guess" }},
		{"split", "with split 3", func(rows []row) { rows[1].Split = 3 }},
		{"k", "and k 5", func(rows []row) { cross(rows).K = 5 }},
		{"start", "start at token 1", func(rows []row) { rows[1].Start = 1 }},
		{"count", "15 values instead of 16", func(rows []row) { rows[0].Tokens, rows[0].LogProb = 15, rows[0].LogProb[1:] }},
		{"lists", "lengths", func(rows []row) { rows[0].LogProb = rows[0].LogProb[1:] }},
		{"cluster", "into cluster", func(rows []row) { rows[1].Cluster++ }},
		{"negative cluster", "is negative", func(rows []row) { rows[0].Cluster = -1 }},
		{"context of itself", "cannot be the context", func(rows []row) { c := cross(rows); c.Context = c.Window }},
		{"no context", "cannot be the context", func(rows []row) { cross(rows).Context = -1 }},
		{"joint with context", "cannot be the context", func(rows []row) { rows[0].Context = 3 }},
		{"two contexts", "another says", func(rows []row) { c := cross(rows); c.Context = (c.Context + 1) % 8; c.Cluster = c.Window / 2 }},
		{"twice", "repeats", func(rows []row) { rows[1] = rows[2] }},
	} {
		var rows []row
		for _, r := range requests {
			rows = append(rows, r...)
		}
		c.change(rows)
		s := open(t, t.TempDir(), key)
		if err := s.save(rows); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if s.Done() != 0 {
			t.Errorf("%s: a refused part was indexed", c.name)
		}
		s.run.Close()
	}
}

// TestFormatIsDocumented: docs/format.md names every column and every
// field of run.json.
func TestFormatIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[row](), reflect.TypeFor[rundir.Header](), reflect.TypeFor[Key](), reflect.TypeFor[Plan]()} {
		for i := range typ.NumField() {
			tag := typ.Field(i).Tag
			name, _, _ := strings.Cut(tag.Get("parquet")+tag.Get("json"), ",")
			if name == "" || !strings.Contains(string(doc), "`"+name+"`") {
				t.Errorf("%v: %q is not documented", typ, name)
			}
		}
	}
	for _, name := range []string{Format, metaFormat, metaKey, rundir.Format} {
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("%q is not documented", name)
		}
	}
}

func TestFingerprintSeesEverything(t *testing.T) {
	_, windows, partners := example(t, 14, 4, 8, 1, true)
	base := Fingerprint(windows, partners)
	seen := map[string]string{base: "unchanged"}
	for name, change := range map[string]func(w []Window[token.ID], p [][]int){
		"token":   func(w []Window[token.ID], p [][]int) { w[1].Tokens[3]++ },
		"cluster": func(w []Window[token.ID], p [][]int) { w[1].Cluster++ },
		"partner": func(w []Window[token.ID], p [][]int) { p[2][0]++ },
		"order":   func(w []Window[token.ID], p [][]int) { w[0], w[1] = w[1], w[0] },
	} {
		_, w, p := example(t, 14, 4, 8, 1, true)
		change(w, p)
		f := Fingerprint(w, p)
		if seen[f] != "" {
			t.Errorf("%s has the fingerprint of %s", name, seen[f])
		}
		seen[f] = name
	}
	if again := Fingerprint(windows, partners); again != base {
		t.Error("two fingerprints of the same windows")
	}
	vectors := func(a, b []float64) string {
		return Fingerprint([]Window[[]float64]{{Tokens: [][]float64{a, b}}}, nil)
	}
	if vectors([]float64{1, 2}, []float64{3}) == vectors([]float64{1}, []float64{2, 3}) {
		t.Error("vectors of different dimensions have the same fingerprint")
	}
	numbers := func(x float64) string { return Fingerprint([]Window[float64]{{Tokens: []float64{x}}}, nil) }
	if numbers(1) == numbers(1.5) {
		t.Error("different numbers have the same fingerprint")
	}
}
