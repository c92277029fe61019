package measure

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
)

// contrastShare is the part of the tokens of a run that the lower bound may cost: a
// tenth. Windows come before contexts up to goodContexts: ln K grows slowly, and the
// error over few windows is not known.
const (
	contrastShare = 10
	goodContexts  = 8
	leastWindows  = 8
	leastContexts = 3
)

// planContrast chooses windows of different documents for the lower bound at the
// longest length, and how many contexts each can have, also counting the tokens that a
// server reads; none if that is too few.
func planContrast[T any](s sample[T], seed uint64) (windows []int, contexts int) {
	seen := map[int]bool{}
	for i, w := range s.windows {
		if !seen[w.Cluster] {
			seen[w.Cluster] = true
			windows = append(windows, i)
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0x636f6e7472617374)) // stream "contrast"
	rng.Shuffle(len(windows), func(i, j int) { windows[i], windows[j] = windows[j], windows[i] })
	// A window costs its past once and K times the other half.
	half := int64(s.plan.Length / 2)
	passes := s.plan.Tokens(len(s.windows)) / contrastShare / half
	passes = min(passes, s.plan.PromptTokens(len(s.windows))/contrastShare/(2*half))
	n := min(len(windows), max(leastWindows, int(passes)/(1+goodContexts)))
	contexts = min(n, int(passes)/n-1)
	if n < leastWindows || contexts < leastContexts {
		return nil, 0
	}
	return windows[:n], contexts
}

// contrastFile is the content of rundir.Contrast.
type contrastFile struct {
	Count    int          `json:"count"` // of windows in the run; with more, another contrast is chosen
	Windows  []int        `json:"windows"`
	LogProbs [][]*float64 `json:"log_probs"` // [window][k], k = 0 its own past; null: −Inf
}

// scoreContrast scores the contrast of a sample, or reads the scores of an earlier
// session. A contrast without scores is what there is to say of samples too small for one.
func scoreContrast[T any](ctx context.Context, run *rundir.Dir, load func() (lm.Model[T], error), s sample[T], inFlight int, o Options) (mi.Contrast, error) {
	ell := s.plan.Splits[len(s.plan.Splits)-1]
	c := mi.Contrast{Ell: ell, Length: 2 * ell}
	windows, contexts := planContrast(s, o.Seed)
	if contexts == 0 {
		return c, nil
	}
	if path := run.Path(rundir.Contrast); run.Has(rundir.Contrast) {
		if content, err := os.ReadFile(path); err == nil {
			if known, err := readContrast(content, path, len(s.windows), &c); known || err != nil {
				return c, err
			}
		}
	}
	model, err := load()
	if err != nil {
		return c, err
	}
	stage := o.Progress.Stage("bounding", "contexts")
	err = widen(ctx, model, s, windows, contexts, max(1, inFlight), &c, func(k int) { stage(int64(k), int64(contexts), 0) })
	if err != nil {
		return c, err
	}
	return c, writeContrast(run, len(s.windows), windows, c)
}

// Contrast scores the contrast of windows as a run does, without keeping it.
func Contrast[T any](ctx context.Context, m lm.Model[T], windows []score.Window[T], plan score.Plan, seed uint64) (mi.Contrast, error) {
	ell := plan.Splits[len(plan.Splits)-1]
	c, s := mi.Contrast{Ell: ell, Length: 2 * ell}, sample[T]{windows: windows, plan: plan}
	chosen, contexts := planContrast(s, seed)
	if contexts == 0 {
		return c, nil
	}
	return c, widen(ctx, m, s, chosen, contexts, 1, &c, func(int) {})
}

// widen adds contexts, twice as many each time, until the bound no longer moves.
func widen[T any](ctx context.Context, m lm.Model[T], s sample[T], windows []int, contexts, inFlight int, c *mi.Contrast, done func(k int)) error {
	for k := min(goodContexts, contexts); ; k = min(2*k, contexts) {
		if err := addContexts(ctx, m, s, windows, k, inFlight, c); err != nil {
			return fmt.Errorf("scoring the lower bound: %w", err)
		}
		done(k)
		if k == contexts || c.Settled() {
			return nil
		}
	}
}

// addContexts widens a contrast to n contexts: window i has its own past and those of
// the windows after it, in a circle.
func addContexts[T any](ctx context.Context, m lm.Model[T], s sample[T], windows []int, n, inFlight int, c *mi.Contrast) error {
	if c.LogProbs == nil {
		c.LogProbs = make([][]float64, len(windows))
	}
	done := c.K()
	for i := range c.LogProbs {
		c.LogProbs[i] = append(c.LogProbs[i], make([]float64, n-done)...)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for w, past := range windows {
		g.Go(func() error {
			r := lm.Request[T]{Tokens: s.windows[past].Tokens[:c.Ell]}
			for k := done; k < n; k++ {
				y := windows[(w-k+len(windows))%len(windows)]
				r.Branches = append(r.Branches, lm.Branch[T]{At: c.Ell, Tokens: s.windows[y].Tokens[c.Ell:c.Length]})
			}
			answer, err := m.LogProbs(ctx, r)
			if err != nil {
				return err
			}
			if len(answer.Branches) != n-done {
				return fmt.Errorf("model %s: %d branches returned, %d asked for", m.Info().Name, len(answer.Branches), n-done)
			}
			for i, values := range answer.Branches {
				k, total := done+i, 0.0
				for _, v := range values {
					total += float64(v)
				}
				if len(values) != c.Length-c.Ell || math.IsNaN(total) || math.IsInf(total, 1) || k == 0 && math.IsInf(total, -1) {
					return fmt.Errorf("model %s, window %d: %d log-probabilities with the sum %v for %d tokens", m.Info().Name, past, len(values), total, c.Length-c.Ell)
				}
				c.LogProbs[(w-k+len(windows))%len(windows)][k] = total
			}
			return nil
		})
	}
	return g.Wait()
}

func writeContrast(run *rundir.Dir, count int, windows []int, c mi.Contrast) error {
	f := contrastFile{Count: count, Windows: windows}
	for _, row := range c.LogProbs {
		values := make([]*float64, len(row))
		for k, v := range row {
			if !math.IsInf(v, -1) {
				values[k] = &v
			}
		}
		f.LogProbs = append(f.LogProbs, values)
	}
	return run.Write(rundir.Face{Name: rundir.Contrast, Write: func(w io.Writer) error { return json.NewEncoder(w).Encode(f) }})
}

// readContrast reads what writeContrast wrote, and reports whether it is that of a run
// of count windows.
func readContrast(content []byte, path string, count int, c *mi.Contrast) (bool, error) {
	var f contrastFile
	if err := json.Unmarshal(content, &f); err != nil {
		return false, fmt.Errorf("%s is damaged: %w (delete it; it is then computed again)", path, err)
	}
	if len(f.LogProbs) != len(f.Windows) || len(f.Windows) == 0 {
		return false, fmt.Errorf("%s is damaged (delete it; it is then computed again)", path)
	}
	var rows [][]float64
	for i, row := range f.LogProbs {
		if len(row) < leastContexts || len(row) != len(f.LogProbs[0]) || row[0] == nil {
			return false, fmt.Errorf("%s is damaged: row %d (delete it; it is then computed again)", path, i)
		}
		values := make([]float64, len(row))
		for k, v := range row {
			if values[k] = math.Inf(-1); v != nil {
				values[k] = *v
			}
		}
		rows = append(rows, values)
	}
	if f.Count != count {
		return false, nil
	}
	c.LogProbs = rows
	return true, nil
}

// leastBracketed is the number of documents below which nothing is known of chance.
const leastBracketed = 5

// Bracket bounds the information at the length of a contrast from below and from
// above; nil with too few documents, or without scores that bound anything. Without
// scores in the contrast, as where others made them, the bounds rest on the cross
// passes of the series. density says that tokens are numbers, forgets that the model
// does not see all of the past.
func Bracket(c mi.Contrast, series []mi.Series, stats *mi.Statistics, density, forgets bool) *mi.Bracket {
	if len(stats.Clusters()) < leastBracketed {
		return nil
	}
	var lower, upper []mi.End
	for _, s := range series {
		n := len(s.Points)
		if n == 0 || s.Points[n-1].Length != c.Length || s.Points[n-1].Ell != c.Ell || s.Points[n-1].SE == 0 {
			continue
		}
		e := info.Estimate{Value: float64(s.Points[n-1].Value), SE: float64(s.Points[n-1].SE)}
		switch s.Estimator {
		case mi.InfoNCE:
			end := mi.NewEnd(string(mi.InfoNCE), e, s.Clusters, -1)
			end.K = s.K
			lower = append(lower, end)
		case mi.VCLUB:
			upper = append(upper, mi.NewEnd(string(mi.VCLUB), e, s.Clusters, 1))
		}
	}
	if e, ok := stats.Surprise(c.Ell); ok && !density {
		upper = append(upper, mi.NewEnd("entropy", e, len(stats.Clusters()), 1))
	}
	b := mi.NewBracket(c, lower, upper, forgets)
	if b.Upper == nil && b.Lower.Limit <= 0 {
		return nil
	}
	return b
}
