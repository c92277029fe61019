package mi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// CollectOptions says what to accumulate; zero values mean defaults.
type CollectOptions struct {
	Ratios []int  // L/ell, each ≥ 2; nil means 2, 3, 4
	Splits []int  // ell, ascending; nil means 2, 4, 8, … while 2·ell ≤ L
	Seed   uint64 // of the order in which clusters alternate between the halves of Direct
	// NGrams are the entropies of n successive tokens, n = 1, 2: what the n-gram
	// corrected estimators put in place of the loss of first tokens. Their standard
	// errors enter those of the estimates. Without them those estimators are not available.
	NGrams []EntropyEstimate
}

// Statistics are the sums per cluster that determine every estimate. It is
// immutable once collected.
type Statistics struct {
	length   int
	splits   []int
	ratios   []int
	contexts int // cross contexts per window
	seed     uint64
	ngrams   []EntropyEstimate

	clusters []int       // ids, ascending
	windows  []float64   // per cluster
	sums     [][]float64 // [cluster][column]
	have     []int       // per column: windows in which the pass was scored
	infinite []int       // per column: windows in which the value is infinite
	total    int         // windows

	bins      []bin       // of positions
	positions [][]float64 // [cluster][bin]: summed loss
	grid      []int       // ell of the triangle
	triangle  [][]float64 // [cluster][grid point]: summed block estimates
}

// The kinds of per-window values that are summed, for each split and ratio.
// Columns from kindMean on are ln of the mean of q(Y|X_k) over the first
// 1, 2, 4, …, K contexts.
const (
	kindJoint    = iota // ln q(Y|X)
	kindMarginal        // ln q(Y)
	kindFirst           // ln q of the first (r−1)·ell tokens in the joint pass
	kindCross           // mean over k of ln q(Y|X_k)
	kindNCE             // ln of the mean over the true and all other contexts
	kindHead1           // ln q(Y), its first token corrected
	kindHead2           // ln q(Y), its first two tokens corrected
	kindMean
)

// modelShare is the weight of the model's own loss of the first tokens in the
// n-gram correction; the n-gram entropy has the rest [L²M, appendix on BOS].
const modelShare = 1.0 / 5

// meanSizes are the numbers of contexts 1, 2, 4, …, K.
func meanSizes(contexts int) []int {
	var sizes []int
	for k := 1; k < contexts; k *= 2 {
		sizes = append(sizes, k)
	}
	if contexts > 0 {
		sizes = append(sizes, contexts)
	}
	return sizes
}

func (s *Statistics) kinds() int { return kindMean + len(meanSizes(s.contexts)) }

// column is the column of a kind of value at splits[split] and ratios[ratio].
func (s *Statistics) column(kind, ratio, split int) int {
	return (kind*len(s.ratios)+ratio)*len(s.splits) + split
}

// Clusters returns the cluster ids in the order of Series.Sums.
func (s *Statistics) Clusters() []int { return slices.Clone(s.clusters) }

// Collect reads every window of src once and sums what the estimators need. It fails on
// invalid log-probabilities (NaN, +Inf, an impossible window) and when ctx is done.
// Estimates that an infinite loss in a cross pass makes infinite are left out, with a
// warning.
func Collect(ctx context.Context, src Source, opts CollectOptions) (*Statistics, error) {
	s, err := newStatistics(src.Length(), opts)
	if err != nil {
		return nil, err
	}
	index := map[int]int{}
	var c collector
	err = src.Each(func(w Window) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.total == 0 {
			s.contexts = contextsOf(w)
			columns := s.kinds() * len(s.ratios) * len(s.splits)
			s.have = make([]int, columns)
			s.infinite = make([]int, columns)
			c.values = make([]float64, columns)
			c.cumulative = make([]float64, s.length+1)
		}
		i, known := index[w.Cluster]
		if !known {
			i = len(s.clusters)
			index[w.Cluster] = i
			s.clusters = append(s.clusters, w.Cluster)
			s.windows = append(s.windows, 0)
			s.sums = append(s.sums, make([]float64, len(s.have)))
			s.positions = append(s.positions, make([]float64, len(s.bins)))
			s.triangle = append(s.triangle, make([]float64, len(s.grid)))
		}
		if err := c.add(s, i, w); err != nil {
			return fmt.Errorf("window %d: %w", s.total, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("collecting statistics: %w", err)
	}
	if s.total == 0 {
		return nil, errors.New("collecting statistics: there are no scored windows")
	}
	s.sortClusters()
	return s, nil
}

func newStatistics(length int, opts CollectOptions) (*Statistics, error) {
	s := &Statistics{length: length, ratios: slices.Clone(opts.Ratios), splits: slices.Clone(opts.Splits), seed: opts.Seed, ngrams: opts.NGrams}
	if length < 2 {
		return nil, fmt.Errorf("windows of %d tokens cannot be split", length)
	}
	if s.ratios == nil {
		s.ratios = []int{2, 3, 4}
	}
	if len(s.ngrams) > kindMean-kindHead1 {
		return nil, fmt.Errorf("%d n-gram entropies, for n = 1 and 2", len(s.ngrams))
	}
	for _, h := range s.ngrams {
		if !(h.Value >= 0) || math.IsInf(float64(h.Value), 0) || !(h.SE >= 0) {
			return nil, fmt.Errorf("an n-gram entropy of %v ± %v nats", h.Value, h.SE)
		}
	}
	for _, r := range s.ratios {
		if r < 2 {
			return nil, fmt.Errorf("ratio L/ℓ %d is below 2", r)
		}
	}
	if s.splits == nil {
		for ell := 2; 2*ell <= length; ell *= 2 {
			s.splits = append(s.splits, ell)
		}
	}
	for i, ell := range s.splits {
		if ell < 1 || ell >= length || i > 0 && ell <= s.splits[i-1] {
			return nil, fmt.Errorf("splits %v are not ascending between 1 and %d", s.splits, length-1)
		}
	}
	s.bins = positionBins(length)
	s.grid = triangleGrid(length)
	return s, nil
}

// contextsOf is the number of cross contexts of a window.
func contextsOf(w Window) int {
	n := 0
	for _, passes := range w.Cross {
		n = max(n, len(passes))
	}
	return n
}

// sortClusters sorts the clusters by id, so that results depend on the order of the
// windows only by rounding.
func (s *Statistics) sortClusters() {
	order := make([]int, len(s.clusters))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(s.clusters[a], s.clusters[b]) })
	s.clusters = pick(s.clusters, order)
	s.windows = pick(s.windows, order)
	s.sums = pick(s.sums, order)
	s.positions = pick(s.positions, order)
	s.triangle = pick(s.triangle, order)
}

func pick[T any](from []T, order []int) []T {
	to := make([]T, len(order))
	for i, j := range order {
		to[i] = from[j]
	}
	return to
}

// collector holds the buffers of one pass.
type collector struct {
	values     []float64 // per column; NaN: not scored
	cumulative []float64 // ln q of the first t tokens
	cross      []float64 // ln q(Y|X_k)
}

// add sums one window into cluster row i.
func (c *collector) add(s *Statistics, i int, w Window) error {
	if len(w.Joint) != s.length {
		return fmt.Errorf("the joint pass has %d log-probabilities, the window %d tokens", len(w.Joint), s.length)
	}
	if n := contextsOf(w); n != s.contexts {
		return fmt.Errorf("%d cross contexts, %d in the windows before", n, s.contexts)
	}
	for t, v := range w.Joint {
		x := float64(v)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("the log-probability of token %d is %v", t, v)
		}
		c.cumulative[t+1] = c.cumulative[t] + x
	}
	for j := range c.values {
		c.values[j] = math.NaN()
	}
	for k, ell := range s.splits {
		if err := c.split(s, w, k, ell); err != nil {
			return fmt.Errorf("split %d: %w", ell, err)
		}
	}
	row := s.sums[i]
	for j, v := range c.values {
		if math.IsNaN(v) {
			continue
		}
		s.have[j]++
		if math.IsInf(v, 0) {
			s.infinite[j]++
			continue
		}
		row[j] += v
	}
	for j, b := range s.bins {
		s.positions[i][j] -= c.cumulative[b.to] - c.cumulative[b.from-1]
	}
	whole := c.cumulative[s.length]
	for j, ell := range s.grid {
		s.triangle[i][j] += whole - c.cumulative[ell] - c.cumulative[s.length-ell]
	}
	s.windows[i]++
	s.total++
	return nil
}

// split fills the columns of one split.
func (c *collector) split(s *Statistics, w Window, split, ell int) error {
	marginal, passes := w.Marginal[ell], w.Cross[ell]
	sizes := meanSizes(s.contexts)
	for j, r := range s.ratios {
		if r*ell > s.length {
			continue
		}
		set := func(kind int, v float64) { c.values[s.column(kind, j, split)] = v }
		n := (r - 1) * ell // tokens of Y
		joint := c.cumulative[r*ell] - c.cumulative[ell]
		set(kindJoint, joint)
		set(kindFirst, c.cumulative[n])
		if marginal != nil && len(marginal) >= n {
			v, err := sum(marginal[:n])
			if err != nil {
				return fmt.Errorf("marginal pass: %w", err)
			}
			if math.IsInf(v, 0) {
				return errors.New("marginal pass: the model rules out what it was given")
			}
			set(kindMarginal, v)
			for i, entropy := range s.ngrams {
				head, err := sum(marginal[:min(i+1, n)])
				if err != nil || i+1 > n {
					continue
				}
				set(kindHead1+i, v-head+modelShare*head-(1-modelShare)*float64(entropy.Value))
			}
		}
		c.cross = c.cross[:0]
		for k, pass := range passes {
			if pass == nil || len(pass) < n {
				break
			}
			v, err := sum(pass[:n])
			if err != nil {
				return fmt.Errorf("cross pass %d: %w", k, err)
			}
			c.cross = append(c.cross, v)
		}
		if s.contexts == 0 || len(c.cross) < s.contexts {
			continue
		}
		mean := 0.0
		for _, v := range c.cross {
			mean += v / float64(len(c.cross))
		}
		set(kindCross, mean)
		set(kindNCE, logMeanExp(append(c.cross, joint)))
		for m, size := range sizes {
			set(kindMean+m, logMeanExp(c.cross[:size]))
		}
	}
	return nil
}

// sum adds log-probabilities; the result may be −Inf.
func sum(values []float32) (float64, error) {
	total := 0.0
	for t, v := range values {
		x := float64(v)
		if math.IsNaN(x) || math.IsInf(x, 1) {
			return 0, fmt.Errorf("the log-probability of token %d is %v", t, v)
		}
		total += x
	}
	return total, nil
}

// logMeanExp is ln of the mean of e^x, −Inf if all x are.
func logMeanExp(x []float64) float64 {
	top := slices.Max(x)
	if math.IsInf(top, -1) {
		return top
	}
	total := 0.0
	for _, v := range x {
		total += math.Exp(v - top)
	}
	return top + math.Log(total/float64(len(x)))
}
