package law

import (
	"math"
	"math/rand/v2"
	"slices"
)

// maxGroups bounds the clusters of the bootstrap. More are drawn in groups,
// which are as independent as the clusters. Only the shape of the studentised
// distribution comes from groups, not the standard error that scales it.
const maxGroups = 256

// group adds up clusters, in a seeded order, until no more than most are left.
func group(rows [][]float64, most int, order []int) [][]float64 {
	if len(rows) <= most {
		return rows
	}
	out := make([][]float64, most)
	for i, c := range order {
		if g := i % most; out[g] == nil {
			out[g] = slices.Clone(rows[c])
		} else {
			for j, x := range rows[c] {
				out[g][j] += x
			}
		}
	}
	return out
}

// bootstrap draws clusters with replacement and repeats everything that was
// done to the data on each draw: covariance, shrinkage (by the same fraction),
// weights, fit. It returns the draws and their studentised departures from the
// fit, (θ* − θ)/se*, for ln A and β; draws that cannot be fitted are left out.
func bootstrap(p problem, fit powerFit, sums, counts [][]float64, count int, seed uint64) (draws []Draw, t [2][]float64) {
	rng := rand.New(rand.NewPCG(seed, 0x626f6f7473747261)) // stream "bootstra"
	order := rng.Perm(len(sums))
	sums, counts = group(sums, maxGroups, order), group(counts, maxGroups, order)
	d, n := len(sums), len(p.y)

	theta := make([]float64, n)
	cov := newSquare(n)
	clusterCovariance(sums, counts, nil, theta, cov)
	lambda := shrinkage(sums, counts, theta, cov)

	logScale := math.Log(p.scale)
	center := Draw{LogA: math.Log(fit.a) - fit.beta*logScale, Beta: fit.beta}
	m := make([]float64, d)
	response := make([]float64, n)
	for range count {
		clear(m)
		for range d {
			m[rng.IntN(d)]++
		}
		clusterCovariance(sums, counts, m, theta, cov)
		weighing, ok := shrunk(cov, lambda)
		if !ok {
			continue
		}
		q := p
		q.y = theta
		if q.w, ok = inverse(weighing); !ok {
			continue
		}
		f, ok := q.polish(fit.beta)
		if !ok {
			if f, ok = q.power(); !ok {
				continue
			}
		}
		for i := range response {
			response[i] = f.u[0][i] - logScale*f.u[1][i]
		}
		draw := Draw{LogA: math.Log(f.a) - f.beta*logScale, Beta: f.beta}
		va, vb := cov.quadratic(response, response), cov.quadratic(f.u[1], f.u[1])
		if !(va > 0) || !(vb > 0) {
			continue
		}
		draws = append(draws, draw)
		t[0] = append(t[0], (draw.LogA-center.LogA)/math.Sqrt(va))
		t[1] = append(t[1], (draw.Beta-center.Beta)/math.Sqrt(vb))
	}
	return draws, t
}

// quantile of sorted values, interpolated between those of rank q·(n+1) (type
// 6 of Hyndman & Fan 1996): another draw falls below it with probability q, so
// that few draws do not narrow an interval.
func quantile(sorted []float64, q float64) float64 {
	n := len(sorted)
	h := q*float64(n+1) - 1
	if h <= 0 {
		return sorted[0]
	}
	if h >= float64(n-1) {
		return sorted[n-1]
	}
	i := int(h)
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}
