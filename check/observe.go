package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/token"
)

// Observed is what the scored text itself says, without any model. Text that is not
// symbols has no Entropy and no Period; vectors have no Simple either.
type Observed struct {
	Entropy []mi.EntropyEstimate // of one token and of two successive tokens, nats
	Period  int                  // see the function
	Simple  []SimpleLoss         // in ascending order of the split
}

// Observe looks at windows of tokens; window i is of document documents[i].
func Observe[T any](windows [][]T, documents []int) (Observed, error) {
	switch w := any(windows).(type) {
	case [][]token.ID:
		return observeSymbols(w, documents)
	case [][]float64:
		return Observed{Simple: simpleLosses(w, documents, newLinear(w, simpleReach))}, nil
	}
	return Observed{}, nil
}

func observeSymbols(windows [][]token.ID, documents []int) (Observed, error) {
	out := Observed{Period: Period(slices.Values(windows))}
	singles, pairs := map[token.ID]int64{}, map[[2]token.ID]int64{}
	for _, tokens := range windows {
		for i, id := range tokens {
			singles[id]++
			if i > 0 {
				pairs[[2]token.ID{tokens[i-1], id}]++
			}
		}
	}
	for _, counts := range [][]int64{slices.Collect(maps.Values(singles)), slices.Collect(maps.Values(pairs))} {
		h, err := mi.Entropy(info.HistogramOf(counts), mi.Grassberger)
		if err != nil {
			return out, fmt.Errorf("estimating the entropy of tokens: %w", err)
		}
		out.Entropy = append(out.Entropy, h)
	}
	if len(singles) <= maxCountedSymbols {
		out.Simple = simpleLosses(windows, documents, newCounts(slices.Sorted(maps.Keys(singles))))
	}
	return out, nil
}

// SimpleLoss is the loss of a simple predictor, fitted to the other documents, on the
// second parts of windows of 2·Ell tokens. Sums are in nats, by document in ascending
// order of their numbers, over its windows.
type SimpleLoss struct {
	Ell          int
	Fresh, After []float64 // from a fresh start, and after the first parts
	// Chance is by how much its loss on a window may be below that of the law of the
	// text because it was fitted to a sample: half a nat for every number fitted, shared
	// among all tokens.
	Chance float64
}

// A simple predictor says what to expect from the last few tokens alone. It must not
// know the document that it predicts: its loss is then an upper bound of the entropy.
type simple[T any] interface {
	learn(window []T, sign float64) // −1 forgets what was learned
	ready()                         // after learning and before losses
	loss(tokens []T, t int) float64 // −ln r(tokens[t] | tokens[:t])
	fitted() (numbers, tokens float64)
}

const (
	// simpleReach is how many tokens a simple predictor is asked for, and has seen at
	// most before the last: what a model loses at a fresh start it loses in the first
	// tokens, and the predictor should see the whole window.
	simpleReach = 16
	// simpleSample is how many tokens a simple predictor learns from.
	simpleSample = 1 << 17
	// leastDocuments is the number of documents below which t tests see nothing.
	leastDocuments = 5
)

// simpleLosses asks r, leaving out one document at a time.
func simpleLosses[T any](windows [][]T, documents []int, r simple[T]) []SimpleLoss {
	of := map[int][][]T{}
	for i, w := range windows {
		of[documents[i]] = append(of[documents[i]], w)
	}
	if len(of) < leastDocuments {
		return nil
	}
	most := max(4*simpleReach, simpleSample/len(windows)) // tokens of a window
	learn := func(document int, sign float64) {
		for _, w := range of[document] {
			r.learn(w[:min(len(w), most)], sign)
		}
	}
	order := slices.SortedFunc(maps.Keys(of), cmp.Compare[int])
	for _, d := range order {
		learn(d, 1)
	}
	var out []SimpleLoss
	for ell := 2; 2*ell <= min(simpleReach, len(windows[0])); ell *= 2 {
		numbers, tokens := r.fitted()
		out = append(out, SimpleLoss{Ell: ell, Chance: float64(ell) * numbers / 2 / tokens})
	}
	for _, d := range order {
		learn(d, -1)
		r.ready()
		for k := range out {
			fresh, after, ell := 0.0, 0.0, out[k].Ell
			for _, w := range of[d] {
				for t := range ell {
					fresh += r.loss(w[ell:2*ell], t)
					after += r.loss(w, ell+t)
				}
			}
			out[k].Fresh, out[k].After = append(out[k].Fresh, fresh), append(out[k].After, after)
		}
		learn(d, 1)
	}
	return out
}
