package mi

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/stats"
)

// fewClusters is the number of clusters below which standard errors are too uncertain
// to rely on (with 10, about ±24 %).
const fewClusters = 10

// pointDraws are the bootstrap replicates behind the interval of a point.
const pointDraws = 599

// Available lists the estimators whose passes were scored, in the order of
// Estimators.
func (s *Statistics) Available() []Estimator {
	var list []Estimator
	for _, e := range Estimators() {
		for j := range s.ratios {
			if len(s.points(e, j)) > 0 {
				list = append(list, e)
				break
			}
		}
	}
	return list
}

// unpaired reports whether the two means are over different documents.
func (e Estimator) unpaired() bool { return e == Direct || e == Direct1Gram || e == Direct2Gram }

// terms are the two kinds of values whose difference an estimator averages.
func (s *Statistics) terms(e Estimator) (plus, minus int, err error) {
	switch e {
	case Direct, Paired:
		return kindJoint, kindMarginal, nil
	case Direct1Gram, Paired1Gram:
		return kindJoint, kindHead1, nil
	case Direct2Gram, Paired2Gram:
		return kindJoint, kindHead2, nil
	case Block:
		return kindJoint, kindFirst, nil
	case VCLUB:
		return kindJoint, kindCross, nil
	case InfoNCE:
		return kindJoint, kindNCE, nil
	case Auxiliary, LeaveOneOut:
		return kindJoint, kindMean + max(0, len(meanSizes(s.contexts))-1), nil
	}
	return 0, 0, fmt.Errorf("unknown estimator %q (choose from %v)", e, Estimators())
}

// points lists the splits (as indices) at which an estimator is available and finite
// for ratios[j].
func (s *Statistics) points(e Estimator, j int) []int {
	plus, minus, err := s.terms(e)
	if err != nil || minus >= s.kinds() || e.unpaired() && len(s.clusters) < 2 {
		return nil
	}
	var list []int
	for k := range s.splits {
		if s.usable(s.column(plus, j, k)) && s.usable(s.column(minus, j, k)) {
			list = append(list, k)
		}
	}
	return list
}

func (s *Statistics) usable(column int) bool {
	return s.have[column] == s.total && s.infinite[column] == 0
}

// Series estimates I(ell; ratio·ell) at every split. It fails for an unknown
// estimator or a ratio that was not collected. An estimator whose passes were
// not scored has no Points and a warning that says what to do.
func (s *Statistics) Series(e Estimator, ratio int) (Series, error) {
	plus, minus, err := s.terms(e)
	if err != nil {
		return Series{}, err
	}
	j := slices.Index(s.ratios, ratio)
	if j < 0 {
		return Series{}, fmt.Errorf("ratio L/ℓ %d was not collected (collected: %v)", ratio, s.ratios)
	}
	out := Series{Estimator: e, Ratio: ratio, Clusters: len(s.clusters), Points: []Point{}}
	switch e {
	case VCLUB, Auxiliary, LeaveOneOut:
		out.K = s.contexts
	case InfoNCE:
		out.K = s.contexts + 1
	}
	splits := s.points(e, j)
	out.Warnings = s.unavailable(e, j, minus)
	if len(splits) == 0 {
		return out, nil
	}
	a := s.columns(plus, j, splits)
	b := s.columns(minus, j, splits)
	if e.unpaired() {
		out.Sums, out.Counts = unpaired(a, b, s.windows, s.seed)
	} else {
		out.Sums, out.Counts = difference(a, b), s.counts(len(splits))
	}
	value, cov := ratioMean(out.Sums, out.Counts)
	if e.unpaired() && len(s.clusters) < 4 {
		// A half with one document has no spread to estimate an error from.
		out.Sums, out.Counts, cov = nil, nil, nil
		out.Warnings = append(out.Warnings, info.Warning{
			Code: "few-clusters",
			Text: fmt.Sprintf("%s needs two documents in each of its halves for a standard error, and there are %d in all", e, len(s.clusters)),
			Fix:  "add documents, or use paired",
		})
	}
	var intervals []*info.Interval
	if cov != nil {
		intervals = stats.MeanIntervals(out.Sums, out.Counts, info.DefaultLevel, pointDraws, s.seed)
	}
	if n := minus - kindHead1; n == 0 || n == 1 {
		addConstantError(cov, intervals, value, (1-modelShare)*float64(s.ngrams[n].SE))
	}
	out.Cov = cov
	for i, k := range splits {
		p := Point{Ell: s.splits[k], Length: ratio * s.splits[k], Value: info.Nats(value[i]), Windows: s.total}
		if cov != nil {
			p.SE = info.Nats(math.Sqrt(cov[i][i]))
		}
		if intervals != nil {
			p.Interval = intervals[i]
		}
		out.Points = append(out.Points, p)
	}
	if e == Auxiliary || e == LeaveOneOut {
		s.doubling(&out, j, splits)
	}
	out.Warnings = append(out.Warnings, s.caveats(&out)...)
	return out, nil
}

// Bounds is the 95 % interval of point i in nats: its Interval, or 1.96 standard
// errors around it where only these are known, as from a table. It is nil where
// documents are too few or do not differ.
func (s Series) Bounds(i int) *info.Interval {
	p := s.Points[i]
	if p.Interval != nil {
		return p.Interval
	}
	if !(p.SE > 0) || s.Clusters > 0 && s.Clusters < stats.LeastClusters {
		return nil
	}
	v, half := float64(p.Value), info.Z95*float64(p.SE)
	return &info.Interval{Lo: v - half, Hi: v + half, Level: info.DefaultLevel, Method: "normal"}
}

// addConstantError adds an independent error that all estimates have in common to
// their covariance and intervals.
func addConstantError(cov [][]float64, intervals []*info.Interval, values []float64, se float64) {
	for _, row := range cov {
		for j := range row {
			row[j] += se * se
		}
	}
	for i, iv := range intervals {
		if iv != nil {
			iv.Lo = values[i] - math.Hypot(values[i]-iv.Lo, info.Z95*se)
			iv.Hi = values[i] + math.Hypot(iv.Hi-values[i], info.Z95*se)
		}
	}
}

// columns copies the sums of a kind at some splits: [cluster][point].
func (s *Statistics) columns(kind, j int, splits []int) [][]float64 {
	rows := make([][]float64, len(s.sums))
	for c, from := range s.sums {
		rows[c] = make([]float64, len(splits))
		for i, k := range splits {
			rows[c][i] = from[s.column(kind, j, k)]
		}
	}
	return rows
}

// counts is the number of windows of each cluster, repeated for each point.
func (s *Statistics) counts(points int) [][]float64 {
	rows := make([][]float64, len(s.windows))
	for c, n := range s.windows {
		rows[c] = slices.Repeat([]float64{n}, points)
	}
	return rows
}

func difference(a, b [][]float64) [][]float64 {
	d := make([][]float64, len(a))
	for c := range a {
		d[c] = make([]float64, len(a[c]))
		for i := range d[c] {
			d[c][i] = a[c][i] - b[c][i]
		}
	}
	return d
}

// ratioMean returns Σ_c sums / Σ_c counts and its cluster-robust covariance
// (see the package comment), nil for fewer than two clusters.
func ratioMean(sums, counts [][]float64) (value []float64, cov [][]float64) {
	if len(sums) < 2 {
		return stats.RatioMeans(sums, counts, nil), nil
	}
	value = make([]float64, len(sums[0]))
	c := stats.NewSym(len(value))
	stats.Covariance(sums, counts, nil, value, c)
	return value, c.Rows()
}

// unpaired is the estimator of the L²M paper: clusters alternate, in a seeded
// order, between two halves; a is averaged over the first half, b over the
// second, so that the two means are independent.
//
// It returns sums linearised about the estimate θ = ā − b̄: a cluster of the
// first half contributes n_c·θ + (N/N_a)·(a_c − n_c·ā), one of the second
// n_c·θ − (N/N_b)·(b_c − n_c·b̄). Their ratio is θ, and their cluster-robust
// n_c·θ − (N/N_b)·(b_c − n_c·b̄). Their ratio is θ, and their cluster-robust covariance
// is the sum of those of ā and b̄ (including the factors D/(D−1) of the halves).
func unpaired(a, b [][]float64, windows []float64, seed uint64) (sums, counts [][]float64) {
	d, p := len(a), len(a[0])
	order := rand.New(rand.NewPCG(seed, 0x6469726563740000)).Perm(d) // stream "direct"
	first := make([]bool, d)
	for i, c := range order {
		first[c] = i%2 == 0
	}
	half := [2][][]float64{a, b}
	var n, size [2]float64
	mean := [2][]float64{make([]float64, p), make([]float64, p)}
	side := func(c int) int {
		if first[c] {
			return 0
		}
		return 1
	}
	for c := range d {
		h := side(c)
		n[h] += windows[c]
		size[h]++
		for i := range p {
			mean[h][i] += half[h][c][i]
		}
	}
	all := n[0] + n[1]
	var weight [2]float64
	for h := range 2 {
		for i := range p {
			mean[h][i] /= n[h]
		}
		weight[h] = all / n[h]
		if size[h] > 1 {
			weight[h] *= math.Sqrt(size[h] / (size[h] - 1) * float64(d-1) / float64(d))
		}
	}
	sums, counts = make([][]float64, d), make([][]float64, d)
	for c := range d {
		h := side(c)
		sign := 1 - 2*float64(h)
		sums[c] = make([]float64, p)
		counts[c] = slices.Repeat([]float64{windows[c]}, p)
		for i := range p {
			sums[c][i] = windows[c]*(mean[0][i]-mean[1][i]) + sign*weight[h]*(half[h][c][i]-windows[c]*mean[h][i])
		}
	}
	return sums, counts
}

// doubling adds the estimates at K = 1, 2, 4, … and warns while they still
// fall with K.
func (s *Statistics) doubling(out *Series, j int, splits []int) {
	for m, k := range meanSizes(s.contexts) {
		e := KEstimate{K: k}
		for _, split := range splits {
			plus, minus := s.column(kindJoint, j, split), s.column(kindMean+m, j, split)
			if !s.usable(minus) {
				return // an infinite loss with few contexts: there is no such estimate
			}
			total := 0.0
			for _, row := range s.sums {
				total += row[plus] - row[minus]
			}
			e.Values = append(e.Values, info.Nats(total/float64(s.total)))
		}
		out.Doubling = append(out.Doubling, e)
	}
	n := len(out.Doubling)
	if n < 2 {
		out.Warnings = append(out.Warnings, info.Warning{
			Code: "one-context",
			Text: fmt.Sprintf("%s averages over K = %d other contexts, so its upward bias cannot be judged", out.Estimator, s.contexts),
			Fix:  "score more cross contexts (--cross 8)",
		})
		return
	}
	last := len(splits) - 1
	fall := out.Doubling[n-2].Values[last] - out.Doubling[n-1].Values[last]
	if fall > out.Points[last].SE {
		out.Warnings = append(out.Warnings, info.Warning{
			Code: "k-not-converged",
			Text: fmt.Sprintf("%s still falls by %.3g nats from K = %d to %d contexts at ℓ = %d: it is above its limit",
				out.Estimator.Name(), float64(fall), out.Doubling[n-2].K, out.Doubling[n-1].K, out.Points[last].Ell),
			Fix: "score more cross contexts (--cross), or read it as an upper value of the bound",
		})
	}
}
