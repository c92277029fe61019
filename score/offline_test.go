package score

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
)

// score answers a piece with the model, as a server would: from its tokens
// alone.
func (p Piece[T]) score(m *historyModel) []float32 {
	tokens := any(p.Tokens).([]token.ID)
	return naive(tokens[:p.From], tokens[p.From:])
}

func offline(t testing.TB, m *historyModel, plan Plan, windows []Window[token.ID], partners [][]int, s *Store) *Offline[token.ID] {
	t.Helper()
	o, err := NewOffline(m.info, windows, partners, plan, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// Answered in the order in which they are listed, pieces become the very file
// that Run writes.
func TestOfflineStoresTheFileOfRun(t *testing.T) {
	plan, windows, partners := example(t, 31, 20, 32, 2, true)
	m := newModel()
	key := keyOf(m, plan, windows, partners)
	online := open(t, t.TempDir(), key)
	if err := Run(t.Context(), m, windows, partners, plan, online, RunOptions{Workers: 1, FlushEvery: 1 << 40}); err != nil {
		t.Fatal(err)
	}
	s := open(t, t.TempDir(), key)
	o := offline(t, m, plan, windows, partners, s)
	n := 0
	for p := range o.Outstanding() {
		n++
		if err := o.Answer(p.ID, p.score(m), "here"); err != nil {
			t.Fatal(err)
		}
	}
	// Per window: itself, 4 marginals (ℓ = 2 … 16), 2 × 4 cross passes.
	if want := 20 * (1 + 4 + 8); n != want {
		t.Errorf("%d sequences listed, want %d", n, want)
	}
	if err := o.Flush(); err != nil {
		t.Fatal(err)
	}
	if a, b := parts(t, online), parts(t, s); len(a) != 1 || !slices.Equal(a, b) {
		t.Errorf("parts %v offline, %v online", b, a)
	}
	mustEqual(t, content(t, s.Source()), reference(plan, windows, partners))
	if got := o.Missing(); got.Windows != 0 || got.Pieces != 0 || got.Tokens != 0 {
		t.Errorf("missing at the end: %+v", got)
	}
}

// Whatever the order, the number of sessions, the repetitions, and with or
// without marginals and cross passes: what is stored is what the plan defines.
func TestOfflineInAnyOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 0))
		plan, windows, partners := example(t, 32, 8, 16, rapid.IntRange(0, 2).Draw(r, "cross"), rapid.Bool().Draw(r, "marginals"))
		m := newModel()
		key := keyOf(m, plan, windows, partners)
		dir := t.TempDir()
		sessions := rapid.IntRange(1, 4).Draw(r, "sessions")
		for session := range sessions {
			s, err := openIn(dir, key, false)
			if err != nil {
				r.Fatal(err)
			}
			o, err := NewOffline(m.info, windows, partners, plan, s)
			if err != nil {
				r.Fatal(err)
			}
			o.max = 300 // bytes: a part every other window
			ids := slices.Collect(o.Outstanding())
			missing := o.Missing()
			if missing.Pieces != len(ids) {
				r.Fatalf("%d pieces missing, %d outstanding", missing.Pieces, len(ids))
			}
			rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			if session < sessions-1 {
				ids = ids[:rng.IntN(len(ids)+1)]
			}
			for i, p := range ids {
				if err := o.Answer(p.ID, p.score(m), "here"); err != nil {
					r.Fatal(err)
				}
				again := ids[rng.IntN(i+1)]
				if err := o.Answer(again.ID, again.score(m), "again"); !errors.Is(err, ErrRepeated) {
					r.Fatalf("repeated: %v", err)
				}
			}
			if err := o.Flush(); err != nil {
				r.Fatal(err)
			}
			if left := o.Missing(); left.Pieces != missing.Pieces-len(ids) {
				r.Fatalf("%d missing, %d answered, %d left", missing.Pieces, len(ids), left.Pieces)
			}
			o.Close()
			s.run.Close()
		}
		s, err := Read(dir)
		if err != nil {
			r.Fatal(err)
		}
		mustEqual(t, content(t, s.Source()), reference(plan, windows, partners))
		if names, err := s.partNames(rundir.Partial); err != nil || len(names) > 0 {
			r.Fatalf("left in the folder partial: %v %v", names, err)
		}
	})
}

// Every sequence is listed under the same id in every session, and a window's
// follow each other, the longest prefix first.
func TestPiecesAreStable(t *testing.T) {
	plan, windows, partners := example(t, 33, 6, 16, 1, true)
	m := newModel()
	o := offline(t, m, plan, windows, partners, open(t, t.TempDir(), keyOf(m, plan, windows, partners)))
	last := PieceID{-1, 0}
	for p := range o.Outstanding() {
		if p.ID.Window < last.Window || p.ID.Window == last.Window && p.ID.Branch != last.Branch+1 || p.ID.Window > last.Window && p.ID.Branch != 0 {
			t.Fatalf("%v follows %v", p.ID, last)
		}
		last = p.ID
		q, ok := o.Piece(p.ID)
		if !ok || q.From != p.From || !slices.Equal(q.Tokens, p.Tokens) {
			t.Fatalf("piece %v is listed as %v, found as %v", p.ID, p, q)
		}
	}
	for _, id := range []PieceID{{-1, 0}, {6, 0}, {0, -1}, {0, 100}} {
		if _, ok := o.Piece(id); ok {
			t.Errorf("there is a piece %v", id)
		}
		if err := o.Answer(id, nil, "f:1"); err == nil || !strings.Contains(err.Error(), "f:1: the run has no request") {
			t.Errorf("answer to %v: %v", id, err)
		}
	}
}

func TestOfflineConflicts(t *testing.T) {
	plan, windows, partners := example(t, 34, 4, 16, 1, true)
	m := newModel()
	key := keyOf(m, plan, windows, partners)
	dir := t.TempDir()
	s := open(t, dir, key)
	o := offline(t, m, plan, windows, partners, s)
	pieces := slices.Collect(o.Outstanding())
	give := func(o *Offline[token.ID], n int, shift float32, from string) error {
		values := pieces[n].score(m)
		for i := range values {
			values[i] -= shift
		}
		return o.Answer(pieces[n].ID, values, from)
	}
	conflict := func(err error, first, second string) {
		t.Helper()
		var c *ConflictError
		if !errors.As(err, &c) || math.Abs(c.Nats-0.5) > 1e-5 || !strings.Contains(c.First, first) || c.Second != second {
			t.Fatalf("want a conflict of %s and %s by 0.5 nats, got %v", first, second, err)
		}
	}
	if err := give(o, 0, 0, "a.jsonl:1"); err != nil {
		t.Fatal(err)
	}
	if err := give(o, 0, 0, "b.jsonl:1"); !errors.Is(err, ErrRepeated) {
		t.Fatalf("repeated: %v", err)
	}
	conflict(give(o, 0, 0.5, "b.jsonl:7"), "a.jsonl:1", "b.jsonl:7")
	if err := o.Flush(); err != nil {
		t.Fatal(err)
	}
	o = offline(t, m, plan, windows, partners, s) // the answer is in the folder partial
	conflict(give(o, 0, 0.5, "c.jsonl:2"), "partial", "c.jsonl:2")
	for n := range pieces {
		if err := give(o, n, 0, "a.jsonl"); err != nil && (n > 0 || !errors.Is(err, ErrRepeated)) {
			t.Fatal(err)
		}
	}
	if err := o.Flush(); err != nil {
		t.Fatal(err)
	}
	for n := range pieces { // everything is stored
		conflict(give(o, n, 0.5, "d.jsonl"), "part-", "d.jsonl")
		if err := give(o, n, 0, "d.jsonl"); !errors.Is(err, ErrRepeated) {
			t.Fatalf("repeated: %v", err)
		}
	}
	mustEqual(t, content(t, s.Source()), reference(plan, windows, partners))
}

// What Run refuses of a model, Answer refuses of a file.
func TestOfflineRefusesWrongValues(t *testing.T) {
	plan, windows, partners := example(t, 35, 4, 16, 1, true)
	m := newModel()
	o := offline(t, m, plan, windows, partners, open(t, t.TempDir(), keyOf(m, plan, windows, partners)))
	for want, spoil := range map[string]func([]float32) []float32{
		"not a number":           func(v []float32) []float32 { v[1] = float32(math.NaN()); return v },
		"-Inf":                   func(v []float32) []float32 { v[1] = float32(math.Inf(-1)); return v },
		"above 0":                func(v []float32) []float32 { v[0] = 0.25; return v },
		"log-probabilities retu": func(v []float32) []float32 { return v[1:] },
	} {
		for p := range o.Outstanding() {
			err := o.Answer(p.ID, spoil(p.score(m)), "bad.jsonl:3")
			if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "bad.jsonl:3: ") {
				t.Fatalf("piece %v: want an error about %q, got %v", p.ID, want, err)
			}
		}
	}
	if got, all := o.Missing(), plan.Tokens(len(windows)); got.Windows != 4 || got.Tokens != all || len(got.First) != 5 {
		t.Errorf("after wrong answers only: %+v, want all %d tokens missing", got, all)
	}
}

func TestDamagedPartialAnswers(t *testing.T) {
	plan, windows, partners := example(t, 36, 4, 16, 1, true)
	m := newModel()
	dir := t.TempDir()
	s := open(t, dir, keyOf(m, plan, windows, partners))
	o := offline(t, m, plan, windows, partners, s)
	for p := range o.Outstanding() {
		if err := o.Answer(p.ID, p.score(m), "a"); err != nil {
			t.Fatal(err)
		}
		break
	}
	if err := o.Flush(); err != nil {
		t.Fatal(err)
	}
	names, err := s.partNames(rundir.Partial)
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	path := filepath.Join(dir, rundir.Partial, names[0])
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 4
	if err := os.WriteFile(path, damaged, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := NewOffline(m.info, windows, partners, plan, s); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("damaged file: %v", err)
	}
	// Fresh discards partial answers with the scores.
	s.run.Close()
	s, err = openIn(dir, s.Key(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.run.Close()
	if o = offline(t, m, plan, windows, partners, s); o.Missing().Windows != 4 || o.Missing().Tokens != plan.Tokens(4) {
		t.Errorf("after a fresh start: %+v", o.Missing())
	}
}

func TestWindowsFile(t *testing.T) {
	for _, cross := range []int{0, 2} {
		plan, windows, partners := example(t, 37, 30, 16, cross, true)
		windows[3].Tokens[2] = math.MaxInt32
		for _, p := range [][][]int{partners, nil} {
			if cross > 0 && p == nil {
				continue
			}
			key := keyOf(newModel(), plan, windows, p)
			var b bytes.Buffer
			if err := WriteWindows(&b, windows, p); err != nil {
				t.Fatal(err)
			}
			w, q, err := ReadWindows(b.Bytes(), key)
			if err != nil {
				t.Fatal(err)
			}
			if Fingerprint(w, q) != key.Windows || len(w) != 30 || w[3].Tokens[2] != math.MaxInt32 {
				t.Error("windows do not come back as they were")
			}
			other := key
			other.Windows = "x"
			if _, _, err := ReadWindows(b.Bytes(), other); err == nil || !strings.Contains(err.Error(), "not those of the run") {
				t.Errorf("windows of another run: %v", err)
			}
			for n := 0; n < b.Len(); n += 7 { // cut anywhere
				if _, _, err := ReadWindows(b.Bytes()[:n], key); err == nil {
					t.Fatalf("cut at %d of %d bytes: accepted", n, b.Len())
				}
			}
		}
	}
	windows := []Window[token.ID]{{Tokens: []token.ID{1 << 31}}}
	if err := WriteWindows(&bytes.Buffer{}, windows, nil); err == nil {
		t.Error("a token of 32 bits was written")
	}
}
