package score

import (
	"context"
	"testing"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/token"
)

// benchRun stores n windows of 4,096 tokens in parts of the usual size; the
// content of the values does not matter for the speed.
func benchRun(b *testing.B, n int) (dir string, key Key, bytes int64) {
	b.Helper()
	plan, windows, partners := example(b, 20, n, 4096, 1, true)
	key = keyOf(newModel(), plan, windows, partners)
	s, err := openIn(b.TempDir(), key, false)
	if err != nil {
		b.Fatal(err)
	}
	defer s.run.Close()
	m := instantModel{newModel()}
	if err := Run(b.Context(), m, windows, partners, plan, s, RunOptions{}); err != nil {
		b.Fatal(err)
	}
	return s.Dir(), key, 4 * plan.Tokens(n)
}

// instantModel answers with zeros, at no cost.
type instantModel struct{ *historyModel }

func (m instantModel) LogProbs(_ context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	s := lm.Scores{Tokens: make([]float32, len(r.Tokens))}
	for _, b := range r.Branches {
		s.Branches = append(s.Branches, make([]float32, len(b.Tokens)))
	}
	return s, nil
}

// BenchmarkOpen checks and indexes a stored run.
func BenchmarkOpen(b *testing.B) {
	dir, key, bytes := benchRun(b, 1000)
	b.SetBytes(bytes)
	for b.Loop() {
		s, err := openIn(dir, key, false)
		if err != nil {
			b.Fatal(err)
		}
		s.run.Close()
	}
}

// BenchmarkSource reads all windows of an open run.
func BenchmarkSource(b *testing.B) {
	dir, _, bytes := benchRun(b, 1000)
	s, err := Read(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(bytes)
	for b.Loop() {
		if err := s.Source().Each(func(mi.Window) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRun is the cost of everything but the model.
func BenchmarkRun(b *testing.B) {
	for b.Loop() {
		_, _, bytes := benchRun(b, 1000)
		b.SetBytes(bytes)
	}
}
