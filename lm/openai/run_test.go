package openai

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// A whole scored run, through a server that fails in every passing way and is
// then good for nothing: what was stored before is kept, the run continues on
// the mended server, and what is stored in the end is what a run without faults
// stores.
func TestARunWithFaultsStoresWhatOneWithoutStores(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const count, length = 24, 32
	windows := make([]score.Window[token.ID], count)
	partners := make([][]int, count)
	for i := range windows {
		windows[i].Cluster = i / 4
		for range length {
			windows[i].Tokens = append(windows[i].Tokens, token.ID(rng.IntN(vocabulary)))
		}
		partners[i] = []int{(i + 4) % count}
	}
	plan, err := score.NewPlan(length, 4, true, 1)
	if err != nil {
		t.Fatal(err)
	}
	try := func(dir string, m *Model) (stored int, err error) {
		i := m.Info()
		run, err := rundir.Open(dir, rundir.Measure, rundir.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer run.Close()
		store, err := score.Open(run, score.Key{ModelName: i.Name, Model: i.Fingerprint, BOS: i.BOS, Tokenizer: "test", Corpus: "test",
			Windows: score.Fingerprint(windows, partners), Count: count, Plan: plan})
		if err != nil {
			t.Fatal(err)
		}
		err = score.Run(t.Context(), m, windows, partners, plan, store, score.RunOptions{Workers: 4})
		return store.Done(), err
	}
	read := func(dir string, m *Model) (out []mi.Window) {
		i := m.Info()
		run, err := rundir.Open(dir, rundir.Measure, rundir.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer run.Close()
		store, err := score.Open(run, score.Key{ModelName: i.Name, Model: i.Fingerprint, BOS: i.BOS, Tokenizer: "test", Corpus: "test",
			Windows: score.Fingerprint(windows, partners), Count: count, Plan: plan})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Source().Each(func(w mi.Window) error { out = append(out, w); return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, mode := range []string{"vllm", "sglang"} {
		p := startServer(t, mode)
		m := mustOpen(t, quick(p))
		clean, faulty := filepath.Join(t.TempDir(), "clean"), filepath.Join(t.TempDir(), "faulty")
		if _, err := try(clean, m); err != nil {
			t.Fatal(err)
		}
		for n, kind := range []string{"429", "reset", "500", "truncated", "positive"} {
			p.set(t, fault{Kind: kind, Skip: 25, Count: 3})
			m := mustOpen(t, quick(p)) // as a new process would
			done, err := try(faulty, m)
			if want := kind == "positive"; (err != nil) != want && done < count {
				t.Errorf("%s: %s: %d windows stored, %v", mode, kind, done, err)
			}
			t.Log(fmt.Sprint(mode, " part ", n, " ", kind, ": ", done, " windows stored"))
		}
		if d := cmp.Diff(read(clean, m), read(faulty, m)); d != "" {
			t.Errorf("%s: the runs differ (-without faults +with):\n%s", mode, d)
		}
	}
}
