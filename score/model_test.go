package score

import (
	"context"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
)

// historyModel gives every token a log-probability that depends on all tokens
// before it, so that a value scored in a wrong context cannot go unnoticed.
type historyModel struct {
	info   lm.Info
	asked  atomic.Int64 // tokens
	calls  atomic.Int64
	delay  time.Duration
	fail   error // returned once failAt calls were answered
	failAt int64
	spoil  func(call int64, s *lm.Scores) // damages an answer
}

func newModel() *historyModel {
	return &historyModel{info: lm.Info{Name: "history", Vocabulary: 4, BOS: lm.NoBOS, Fingerprint: "h1"}}
}

func (m *historyModel) Info() lm.Info { return m.info }

// extend hashes one more token into a history (FNV-1a, a token at a time).
func extend(history uint64, t token.ID) uint64 { return (history ^ uint64(t+1)) * 1099511628211 }

func logProb(history uint64, t token.ID) float32 {
	h := extend(history, t)
	return -float32((h>>20)%100_000) / 10_000
}

const emptyHistory = 14695981039346656037 // FNV offset basis

func (m *historyModel) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	call := m.calls.Add(1)
	if m.fail != nil && call > m.failAt {
		return lm.Scores{}, m.fail
	}
	time.Sleep(m.delay)
	if err := ctx.Err(); err != nil {
		return lm.Scores{}, err
	}
	histories := []uint64{emptyHistory}
	s := lm.Scores{Tokens: make([]float32, len(r.Tokens))}
	for i, t := range r.Tokens {
		s.Tokens[i] = logProb(histories[i], t)
		histories = append(histories, extend(histories[i], t))
	}
	m.asked.Add(int64(len(r.Tokens)))
	for _, b := range r.Branches {
		h := histories[b.At]
		out := make([]float32, len(b.Tokens))
		for i, t := range b.Tokens {
			out[i] = logProb(h, t)
			h = extend(h, t)
		}
		s.Branches = append(s.Branches, out)
		m.asked.Add(int64(len(b.Tokens)))
	}
	if m.spoil != nil {
		m.spoil(call, &s)
	}
	return s, nil
}

// naive scores y after x without sharing anything.
func naive(x, y []token.ID) []float32 {
	var out []float32
	for i := range y {
		h := uint64(emptyHistory)
		for _, t := range slices.Concat(x, y[:i]) {
			h = extend(h, t)
		}
		out = append(out, logProb(h, y[i]))
	}
	return out
}

// reference computes all windows of a plan from its definition.
func reference(p Plan, windows []Window[token.ID], partners [][]int) []mi.Window {
	var out []mi.Window
	for i, w := range windows {
		m := mi.Window{Cluster: w.Cluster, Joint: naive(nil, w.Tokens)}
		for ell := 2; 2*ell <= p.Length; ell *= 2 {
			r := p.MaxRatio
			for r*ell > p.Length {
				r--
			}
			y := w.Tokens[ell : r*ell]
			if p.Marginals {
				if m.Marginal == nil {
					m.Marginal = map[int][]float32{}
				}
				m.Marginal[ell] = naive(nil, y)
			}
			for k := range p.Cross {
				if m.Cross == nil {
					m.Cross = map[int][][]float32{}
				}
				m.Cross[ell] = append(m.Cross[ell], naive(windows[partners[i][k]].Tokens[:ell], y))
			}
		}
		out = append(out, m)
	}
	return out
}

// example makes n random windows in clusters of two, with random partners.
func example(t testing.TB, seed uint64, n, length, cross int, marginals bool) (Plan, []Window[token.ID], [][]int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	plan, err := NewPlan(length, 4, marginals, cross)
	if err != nil {
		t.Fatal(err)
	}
	windows := make([]Window[token.ID], n)
	for i := range windows {
		windows[i] = Window[token.ID]{Cluster: i / 2, Tokens: make([]token.ID, length)}
		for j := range windows[i].Tokens {
			windows[i].Tokens[j] = token.ID(rng.IntN(4))
		}
	}
	partners := make([][]int, n)
	for i := range partners {
		for len(partners[i]) < cross {
			if p := rng.IntN(n); p/2 != i/2 {
				partners[i] = append(partners[i], p)
			}
		}
	}
	return plan, windows, partners
}

func keyOf(m *historyModel, p Plan, windows []Window[token.ID], partners [][]int) Key {
	return Key{
		ModelName: m.info.Name, Model: m.info.Fingerprint, BOS: m.info.BOS, Tokenizer: "bytes", Corpus: "c1",
		Windows: Fingerprint(windows, partners), Count: len(windows), Plan: p,
	}
}

// openIn opens the scores of a run directory.
func openIn(dir string, key Key, fresh bool) (*Store, error) {
	run, err := rundir.Open(dir, rundir.Measure, rundir.Options{Fresh: fresh, Command: "l2m measure"})
	if err != nil {
		return nil, err
	}
	s, err := Open(run, key)
	if err != nil {
		run.Close()
	}
	return s, err
}

func open(t testing.TB, dir string, key Key) *Store {
	t.Helper()
	s, err := openIn(dir, key, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.run.Close() })
	return s
}

// content copies all windows out of a source.
func content(t testing.TB, s mi.Source) []mi.Window {
	t.Helper()
	var out []mi.Window
	err := s.Each(func(w mi.Window) error {
		c := mi.Window{Cluster: w.Cluster, Joint: slices.Clone(w.Joint)}
		for ell, v := range w.Marginal {
			if c.Marginal == nil {
				c.Marginal = map[int][]float32{}
			}
			c.Marginal[ell] = slices.Clone(v)
		}
		for ell, vs := range w.Cross {
			if c.Cross == nil {
				c.Cross = map[int][][]float32{}
			}
			for _, v := range vs {
				c.Cross[ell] = append(c.Cross[ell], slices.Clone(v))
			}
		}
		out = append(out, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mustEqual(t testing.TB, got, want []mi.Window) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	d := cmp.Diff(want, got) // too slow where nothing differs
	t.Fatalf("scores differ (-want +got):\n%.2000s", d)
}

// parts lists the part files of a run directory.
func parts(t testing.TB, s *Store) []string {
	t.Helper()
	names, err := s.partNames(rundir.Scores)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return names
}
