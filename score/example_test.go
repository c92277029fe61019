package score_test

import (
	"context"
	"fmt"
	"math"
	"os"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// coin is a model of fair coin tosses.
type coin struct{}

func (coin) Info() lm.Info {
	return lm.Info{Name: "coin", Vocabulary: 2, BOS: lm.NoBOS, Fingerprint: "coin"}
}

func (coin) LogProbs(_ context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	tosses := func(n int) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = -math.Ln2
		}
		return out
	}
	s := lm.Scores{Tokens: tosses(len(r.Tokens))}
	for _, b := range r.Branches {
		s.Branches = append(s.Branches, tosses(len(b.Tokens)))
	}
	return s, nil
}

// Two windows are planned, scored, and read back.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	windows := []score.Window[token.ID]{
		{Cluster: 0, Tokens: []token.ID{0, 1, 1, 0, 1, 0, 0, 1}},
		{Cluster: 1, Tokens: []token.ID{1, 1, 0, 1, 0, 0, 1, 0}},
	}
	partners := [][]int{{1}, {0}} // each is the other's cross context
	plan, err := score.NewPlan(8, 4, true, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("splits %v, %d log-probabilities (full-length passes: %d)\n", plan.Splits, plan.Tokens(2), plan.NaiveTokens(2))

	run, err := rundir.Open(dir, rundir.Measure, rundir.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer run.Close()
	store, err := score.Open(run, score.Key{
		ModelName: "coin", Model: coin{}.Info().Fingerprint, BOS: lm.NoBOS, Tokenizer: "bits", Corpus: "tosses",
		Windows: score.Fingerprint(windows, partners), Count: len(windows), Plan: plan,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := score.Run(ctx, coin{}, windows, partners, plan, store, score.RunOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	err = store.Source().Each(func(w mi.Window) error {
		fmt.Printf("cluster %d: joint %d, marginal at 4 %d, cross at 4 %d\n", w.Cluster, len(w.Joint), len(w.Marginal[4]), len(w.Cross[4][0]))
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// splits [2 4], 56 log-probabilities (full-length passes: 80)
	// cluster 0: joint 8, marginal at 4 4, cross at 4 4
	// cluster 1: joint 8, marginal at 4 4, cross at 4 4
}

// Windows are scored elsewhere: every sequence is listed, and its answer may come
// at any time.
func ExampleOffline() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	windows := []score.Window[token.ID]{{Cluster: 0, Tokens: []token.ID{0, 1, 1, 0}}, {Cluster: 1, Tokens: []token.ID{1, 1, 0, 1}}}
	partners := [][]int{{1}, {0}}
	plan, err := score.NewPlan(4, 2, true, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	run, err := rundir.Open(dir, rundir.Measure, rundir.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer run.Close()
	store, err := score.Open(run, score.Key{
		ModelName: "coin", Model: coin{}.Info().Fingerprint, BOS: lm.NoBOS, Tokenizer: "bits", Corpus: "tosses",
		Windows: score.Fingerprint(windows, partners), Count: len(windows), Plan: plan,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	offline, err := score.NewOffline(coin{}.Info(), windows, partners, plan, store)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer offline.Close()
	for p := range offline.Outstanding() {
		fmt.Println("score", p.ID, p.Tokens[:p.From], "→", p.Tokens[p.From:])
	}
	values := []float32{-math.Ln2, -math.Ln2}
	if err := offline.Answer(score.PieceID{Window: 1, Branch: 2}, values, "elsewhere"); err != nil {
		fmt.Println(err)
	}
	if err := offline.Flush(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(offline.Missing().Pieces, "sequences are missing")
	// Output:
	// score 0-0 [] → [0 1 1 0]
	// score 0-1 [] → [1 0]
	// score 0-2 [0 1] → [0 1]
	// score 1-0 [] → [1 1 0 1]
	// score 1-1 [] → [0 1]
	// score 1-2 [1 1] → [1 0]
	// 5 sequences are missing
}
