package score

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Window is what is scored: Length consecutive tokens of one document.
type Window[T any] struct {
	Cluster int // resampling unit: the document, or the block of a single document
	Tokens  []T
}

// Fingerprint identifies windows, their clusters and their cross partners, for
// Key.Windows.
func Fingerprint[T any](windows []Window[T], partners [][]int) string {
	h := sha256.New()
	writeInts(h, len(windows), len(partners))
	for _, w := range windows {
		writeInts(h, w.Cluster, len(w.Tokens))
		writeTokens(h, w.Tokens)
	}
	for _, p := range partners {
		writeInts(h, len(p))
		writeInts(h, p...)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func writeInts(h hash.Hash, values ...int) {
	var b [8]byte
	for _, v := range values {
		binary.LittleEndian.PutUint64(b[:], uint64(v))
		h.Write(b[:])
	}
}

// writeTokens writes l2m's token types in binary, others as Go prints them.
func writeTokens[T any](h hash.Hash, tokens []T) {
	var b []byte
	switch tokens := any(tokens).(type) {
	case []token.ID:
		for _, t := range tokens {
			b = binary.LittleEndian.AppendUint32(b, uint32(t))
		}
	case []float64:
		for _, t := range tokens {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(t))
		}
	case [][]float64:
		for _, vector := range tokens {
			b = binary.LittleEndian.AppendUint64(b, uint64(len(vector)))
			for _, t := range vector {
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(t))
			}
		}
	default:
		b = fmt.Appendf(b, "%v\n", tokens)
	}
	h.Write(b)
}

// use says that a window is the k-th cross context of another one.
type use struct{ window, k int }

// jobs turns windows into requests. Request j is window j's: its joint pass,
// its marginals, and the cross passes for which it is the context.
type jobs[T any] struct {
	plan    Plan
	windows []Window[T]
	uses    [][]use // [j]: whose context window j is, in order of (window, k)
}

// newJobs checks that the windows and partners fit the plan.
func newJobs[T any](plan Plan, windows []Window[T], partners [][]int) (*jobs[T], error) {
	if len(windows) > math.MaxInt32 {
		return nil, fmt.Errorf("%d windows are more than can be stored (%d)", len(windows), math.MaxInt32)
	}
	for i, w := range windows {
		if len(w.Tokens) != plan.Length {
			return nil, fmt.Errorf("window %d has %d tokens instead of %d", i, len(w.Tokens), plan.Length)
		}
		if w.Cluster < 0 || w.Cluster > math.MaxInt32 {
			return nil, fmt.Errorf("window %d: cluster %d is out of range", i, w.Cluster)
		}
	}
	j := &jobs[T]{plan: plan, windows: windows, uses: make([][]use, len(windows))}
	if plan.Cross == 0 {
		return j, nil
	}
	if len(partners) != len(windows) {
		return nil, fmt.Errorf("cross partners for %d windows, but there are %d", len(partners), len(windows))
	}
	for i, ps := range partners {
		if len(ps) != plan.Cross {
			return nil, fmt.Errorf("window %d has %d cross partners instead of %d", i, len(ps), plan.Cross)
		}
		for k, p := range ps {
			if p < 0 || p >= len(windows) {
				return nil, fmt.Errorf("window %d: cross partner %d is not a window (there are %d)", i, p, len(windows))
			}
			if windows[p].Cluster == windows[i].Cluster {
				return nil, fmt.Errorf("window %d: cross partner %d is in the same cluster %d, which would bias the estimate", i, p, windows[i].Cluster)
			}
			j.uses[p] = append(j.uses[p], use{i, k})
		}
	}
	return j, nil
}

// tokens is the number of log-probabilities in request j.
func (b *jobs[T]) tokens(j int) int64 {
	one := b.plan
	one.Cross = len(b.uses[j])
	return one.Tokens(1)
}

// request builds request j. Its branches are the marginals by split, then the
// cross passes by (window, k) and split; rows relies on that order.
func (b *jobs[T]) request(j int) lm.Request[T] {
	w := b.windows[j].Tokens
	r := lm.Request[T]{Tokens: w}
	if b.plan.Marginals {
		for _, ell := range b.plan.Splits {
			r.Branches = append(r.Branches, lm.Branch[T]{At: 0, Tokens: b.y(j, ell)})
		}
	}
	for _, u := range b.uses[j] {
		for _, ell := range b.plan.Splits {
			r.Branches = append(r.Branches, lm.Branch[T]{At: ell, Tokens: b.y(u.window, ell)})
		}
	}
	return r
}

// y is the text scored after split ell of window i.
func (b *jobs[T]) y(i, ell int) []T {
	end := ell + b.plan.Continuation(ell)
	return b.windows[i].Tokens[ell:end:end]
}

// rows converts the answer to request j to rows.
func (b *jobs[T]) rows(j int, s lm.Scores) []row {
	out := make([]row, 0, 1+len(s.Branches))
	out = append(out, b.row(j, 0, s.Tokens))
	for i, values := range s.Branches {
		out = append(out, b.row(j, 1+i, values))
	}
	return out
}

// pieces is the number of sequences in request j: the window itself and its
// branches.
func (b *jobs[T]) pieces(j int) int {
	n := len(b.uses[j])
	if b.plan.Marginals {
		n++
	}
	return 1 + n*len(b.plan.Splits)
}

// row converts the values of one sequence of request j: piece 0 is the window itself,
// piece i branch i−1.
func (b *jobs[T]) row(j, piece int, values []float32) row {
	at := func(i int, kind pass, split, k, context int) row {
		return row{
			Window: int32(i), Cluster: int32(b.windows[i].Cluster), Pass: string(kind),
			Split: int32(split), K: int32(k), Context: int32(context),
			Start: int32(split), Tokens: int32(len(values)), LogProb: values,
		}
	}
	splits := b.plan.Splits
	switch branch := piece - 1; {
	case branch < 0:
		return at(j, passJoint, 0, -1, -1)
	case b.plan.Marginals && branch < len(splits):
		return at(j, passMarginal, splits[branch], -1, -1)
	default:
		if b.plan.Marginals {
			branch -= len(splits)
		}
		u := b.uses[j][branch/len(splits)]
		return at(u.window, passCross, splits[branch%len(splits)], u.k, j)
	}
}

// pieceOf is the inverse of row: which sequence of which request a row is.
func (b *jobs[T]) pieceOf(r *row) (j, piece int, err error) {
	s, _ := slices.BinarySearch(b.plan.Splits, int(r.Split))
	switch pass(r.Pass) {
	case passJoint:
		return int(r.Window), 0, nil
	case passMarginal:
		return int(r.Window), 1 + s, nil
	}
	j = int(r.Context)
	u, ok := slices.BinarySearchFunc(b.uses[j], use{int(r.Window), int(r.K)}, func(a, b use) int {
		return cmp.Or(cmp.Compare(a.window, b.window), cmp.Compare(a.k, b.k))
	})
	if !ok {
		return 0, 0, fmt.Errorf("window %d is not cross context %d of window %d", j, r.K, r.Window)
	}
	if b.plan.Marginals {
		u++
	}
	return j, 1 + u*len(b.plan.Splits) + s, nil
}
