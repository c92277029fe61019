package law

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/l2m-lab/l2m/stats"
)

// bootstrap draws clusters with replacement and repeats the whole analysis on each
// draw: covariance, shrinkage (by the same fraction), weights, fit, and the choice of
// the range if s was chosen from all lengths of whole. It returns the draws and their
// studentised deviations from the fit, (θ* − θ)/se*, for ln A and β, without draws that
// cannot be fitted.
func (s study) bootstrap(whole *study, count int, seed uint64) (draws []Draw, t [2][]float64) {
	all := s
	if whole != nil {
		all = *whole
	}
	rng := rand.New(rand.NewPCG(seed, 0x626f6f7473747261)) // stream "bootstra"
	order := rng.Perm(len(all.d.Sums))
	sums, counts := stats.Group(all.d.Sums, order), stats.Group(all.d.Counts, order)
	n := len(all.q.y)
	theta, cov := make([]float64, n), stats.NewSym(n)
	center := s.draw(s.fit)
	ranges := all.ranges(s, sums, counts)
	shift := make([]float64, n) // moves the points of the range to the fit
	if first := n - len(s.q.y); whole != nil {
		for i := first; i < n; i++ {
			shift[i] = s.fit.a*math.Exp(s.fit.beta*s.q.logX[i-first]) - s.q.y[i-first]
		}
	}
	stats.Resample(rng, len(sums), count, func(m []float64) {
		stats.Covariance(sums, counts, m, theta, cov)
		for i := range theta {
			theta[i] += shift[i]
		}
		for i, r := range ranges {
			draw, se, holds := r.fit(theta, cov, i == len(ranges)-1)
			if !holds {
				continue
			}
			if se[0] > 0 && se[1] > 0 {
				draws = append(draws, draw)
				t[0] = append(t[0], (draw.LogA-center.LogA)/se[0])
				t[1] = append(t[1], (draw.Beta-center.Beta)/se[1])
			}
			return
		}
	})
	return draws, t
}

// draw is a fit in unscaled lengths.
func (s study) draw(f powerFit) Draw {
	return Draw{LogA: math.Log(f.a) - f.beta*math.Log(s.q.scale), Beta: f.beta}
}

// drawRange is a range of lengths that a draw may be fitted on.
type drawRange struct {
	study
	first int     // index of its first length among all
	limit float64 // largest χ² with which the power law holds
}

// ranges lists the ranges that a draw may choose, longest first, and finally the chosen
// one again, which is used if none holds. If the range was not chosen, there is one.
func (s study) ranges(chosen study, sums, counts [][]float64) []drawRange {
	from := len(s.q.y) - len(chosen.q.y)
	var out []drawRange
	add := func(r study, first int) {
		dof := float64(len(r.q.y) - powerParameters)
		d := drawRange{study: r, first: first, limit: math.Inf(1)}
		if dof > 0 && s.clusters > 1 {
			d.limit = dof * distuv.F{D1: dof, D2: float64(s.clusters - 1)}.Quantile(1-significance)
		}
		p := len(r.q.y)
		theta, cov := make([]float64, p), stats.NewSym(p)
		tail := func(rows [][]float64) [][]float64 {
			out := make([][]float64, len(rows))
			for c := range rows {
				out[c] = rows[c][first:]
			}
			return out
		}
		stats.Covariance(tail(sums), tail(counts), nil, theta, cov)
		d.lambda = stats.Shrinkage(tail(sums), tail(counts), theta, cov)
		out = append(out, d)
	}
	if from > 0 {
		for first := 0; len(s.d.L)-first >= leastRange; first++ {
			d, cov := s.points(first)
			if r, ok := weigh(d, cov, s.clusters); ok && r.power != nil {
				add(r, first)
			}
		}
	}
	add(chosen, from)
	return out
}

// fit fits one draw, given all of its points. holds is false if the power law does not
// hold there, unless it is the last range to try.
func (r drawRange) fit(theta []float64, cov stats.Sym, last bool) (d Draw, se [2]float64, holds bool) {
	n := len(r.q.y)
	part := cov
	if r.first > 0 {
		part = stats.NewSym(n)
		for i := range n {
			for j := range i + 1 {
				part.Set(i, j, cov.At(r.first+i, r.first+j))
			}
		}
	}
	q := r.q
	q.y = theta[r.first:]
	var ok bool
	if q.w, ok = r.weights(part, r.lambda); !ok {
		return d, se, last
	}
	f, ok := q.polish(r.study.fit.beta)
	if !ok {
		if f, ok = q.power(); !ok {
			return d, se, last
		}
	}
	if f.chi2 > r.limit && !last {
		return d, se, false
	}
	logScale := math.Log(q.scale)
	response := make([]float64, n)
	for i := range response {
		response[i] = f.u[0][i] - logScale*f.u[1][i]
	}
	va, vb := part.Quadratic(response, response), part.Quadratic(f.u[1], f.u[1])
	if va > 0 && vb > 0 {
		se = [2]float64{math.Sqrt(va), math.Sqrt(vb)}
	}
	return r.draw(f), se, true
}
