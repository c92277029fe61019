package check

import (
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/token"
)

// Mixture is what a model gains with the past where a simple predictor r is mixed into
// its predictions q: Σ ln ((1−λ)·q + λ·r)/q over the second parts of windows cut at Ell.
// If q is exact its mean is below zero for any r that does not know the document
// (Jensen's inequality) ★. If it is above, the model loses at least as much more than it
// must.
type Mixture struct {
	With           string // r in words
	Ell            int
	Gains, Windows []float64 // by document in ascending order of their numbers: nats, and windows
}

// mixedSample is about how many tokens, or numbers of vectors, are looked at.
const mixedSample = 1 << 18

// A mixer knows simple predictors.
type mixer[T any] interface {
	learn(window []T, sign float64) // −1 forgets what was learned
	ready()                         // after learning and before gains
	mixtures() []string             // r of each, in words
	// gains are those on window[ell:], given ln q of these tokens, by mixture.
	gains(window []T, ell int, q []float32) []float64
}

// Mixtures mixes the scores of windows with simple predictors of symbols, numbers or
// vectors. Of few documents there are none. Window i is of document documents[i].
func Mixtures[T any](windows [][]T, documents []int, ell int, scores mi.Source) ([]Mixture, error) {
	if len(windows) == 0 {
		return nil, nil
	}
	switch w := any(windows).(type) {
	case [][]token.ID:
		return mixtures(w, documents, ell, mixedSample, scores, &shown{count: map[uint64]float64{}, frequency: map[token.ID]float64{}})
	case [][]float64:
		whole := func(window []float64) [][]float64 { return [][]float64{window} }
		return mixtures(w, documents, ell, mixedSample, scores, newRegression(w, ell, whole))
	case [][][]float64:
		return mixtures(w, documents, ell, mixedSample/len(w[0][0]), scores, newRegression(w, ell, components))
	}
	return nil, nil
}

func mixtures[T any](windows [][]T, documents []int, ell, sample int, scores mi.Source, m mixer[T]) ([]Mixture, error) {
	order := slices.Compact(slices.Sorted(slices.Values(documents)))
	if len(order) < leastDocuments {
		return nil, nil
	}
	of := make([][]int, len(order)) // sampled windows
	q := make([][]float32, len(windows))
	every, i := 1+len(windows)*2*ell/sample, 0
	err := scores.Each(func(w mi.Window) error {
		if i%every == 0 && i < len(windows) {
			c, _ := slices.BinarySearch(order, documents[i])
			of[c], q[i] = append(of[c], i), slices.Clone(w.Joint[ell:2*ell])
			m.learn(windows[i][:2*ell], 1)
		}
		i++
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("mixing scores: %w", err)
	}
	var out []Mixture
	for _, r := range m.mixtures() {
		out = append(out, Mixture{With: r, Ell: ell, Gains: make([]float64, len(order)), Windows: make([]float64, len(order))})
	}
	for c := range order {
		for _, i := range of[c] {
			m.learn(windows[i][:2*ell], -1)
		}
		m.ready()
		for _, i := range of[c] {
			for k, gain := range m.gains(windows[i][:2*ell], ell, q[i]) {
				out[k].Gains[c] += gain
				out[k].Windows[c]++
			}
		}
		for _, i := range of[c] {
			m.learn(windows[i][:2*ell], 1)
		}
	}
	return out, nil
}

// shown expects of symbols what the window has shown, in two ways: as often as it
// followed the last k, with q as the prior that counts like weight observations; and any
// that the window has, in proportion to their frequencies in the other documents.
type shown struct {
	count     map[uint64]float64 // of the window so far, by context, and by context and symbol
	frequency map[token.ID]float64
}

var (
	shownOrders  = []int{0, 1, 2, 4}
	shownWeights = []float64{8, 64, 512}
	shownShares  = []float64{1. / 32, 1. / 8} // λ
)

func (s *shown) learn(window []token.ID, sign float64) {
	for _, id := range window {
		s.frequency[id] += sign
	}
}

func (s *shown) ready() {}

func (s *shown) mixtures() []string {
	return slices.Concat(
		slices.Repeat([]string{"counts of what the window has shown"}, len(shownOrders)*len(shownWeights)),
		slices.Repeat([]string{"a preference for tokens that the window has shown"}, len(shownShares)))
}

func (s *shown) gains(window []token.ID, ell int, q []float32) []float64 {
	out := make([]float64, len(shownOrders)*len(shownWeights)+len(shownShares))
	clear(s.count)
	has, all := map[token.ID]bool{}, 0.0
	for t, id := range window {
		p := 0.0
		if t >= ell {
			p = max(math.Exp(float64(q[t-ell])), 1e-300)
		}
		k := 0
		for _, n := range shownOrders {
			context := mix64(uint64(n))
			for _, id := range window[max(0, t-n):t] {
				context = mix64(context ^ uint64(id))
			}
			next := mix64(^context ^ uint64(id))
			for _, weight := range shownWeights {
				if t >= ell {
					out[k] += math.Log((s.count[next]/p + weight) / (s.count[context] + weight))
				}
				k++
			}
			s.count[context]++
			s.count[next]++
		}
		for _, share := range shownShares {
			if t >= ell && all > 0 {
				ratio := 0.0
				if has[id] {
					ratio = s.frequency[id] / all / p
				}
				out[k] += math.Log1p(share * (ratio - 1))
			}
			k++
		}
		if !has[id] {
			has[id] = true
			all += s.frequency[id]
		}
	}
	return out
}

// mix64 is the step of splitmix64 [Steele et al. 2014]: different keys become numbers
// that are as good as random.
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// regression predicts a number from those before it, and a vector component by
// component, by the linear predictor of the other documents.
type regression[T any] struct {
	of         []*linear // by component
	components func(window []T) [][]float64
}

// mixedReach is how many numbers a regression sees, and one.
const mixedReach = 128

var regressionShares = []float64{1. / 8, 1. / 2} // λ

func newRegression[T any](windows [][]T, ell int, components func([]T) [][]float64) *regression[T] {
	r := &regression[T]{components: components}
	by := make([][][]float64, len(components(windows[0])))
	for _, w := range windows {
		for c, numbers := range components(w) {
			by[c] = append(by[c], numbers)
		}
	}
	for _, windows := range by {
		r.of = append(r.of, newLinear(windows, min(mixedReach, ell)))
	}
	return r
}

// components are the numbers of vectors, by component.
func components(window [][]float64) [][]float64 {
	by := make([][]float64, len(window[0]))
	for _, vector := range window {
		for c, x := range vector {
			by[c] = append(by[c], x)
		}
	}
	return by
}

func (r *regression[T]) learn(window []T, sign float64) {
	for c, numbers := range r.components(window) {
		r.of[c].learn(numbers, sign)
	}
}

func (r *regression[T]) ready() {
	for _, l := range r.of {
		l.ready()
	}
}

func (r *regression[T]) mixtures() []string {
	return slices.Repeat([]string{fmt.Sprintf("a linear predictor from the last %d numbers", r.of[0].reach-1)}, len(regressionShares))
}

func (r *regression[T]) gains(window []T, ell int, q []float32) []float64 {
	out := make([]float64, len(regressionShares))
	by := r.components(window)
	for t := ell; t < len(window); t++ {
		ratio := -float64(q[t-ell])
		for c, numbers := range by {
			ratio -= r.of[c].loss(numbers, t)
		}
		ratio = math.Exp(ratio)
		for k, share := range regressionShares {
			out[k] += math.Log1p(share * (ratio - 1))
		}
	}
	return out
}

// improvable says that a mixture predicts better than the model, by enough to matter.
func (d Data) improvable() *Finding {
	s := d.Series[0]
	var list []excess
	for _, m := range d.Mixtures {
		i := slices.IndexFunc(s.Points, func(p mi.Point) bool { return p.Ell == m.Ell && p.Length == 2*m.Ell })
		if i < 0 {
			return nil
		}
		value, se := combine(len(m.Gains), func(c int) (float64, float64) { return m.Gains[c], m.Windows[c] })
		if value < float64(s.Points[i].SE) {
			value = 0
		}
		list = append(list, excess{s.Points[i].Length, value, se, float64(s.Points[i].Value)})
	}
	e := worst(list, s.Clusters, 1)
	if e == nil {
		return nil
	}
	return &Finding{
		Code: Improvable, Severity: Qualifies,
		Sentence: "The model makes too little of the past, so the estimates may be too small",
		Detail: fmt.Sprintf("mixed with %s, it loses %.2g ± %.1g nats less on the second half of a window of L = %d, where the estimate is %.3g nats; an exact model gains nothing, so the estimate lacks as much, less what the model loses without the past",
			d.Mixtures[slices.Index(list, *e)].With, e.value, e.se, e.length, e.of),
		Fix: d.better(),
	}
}
