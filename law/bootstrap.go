package law

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/l2m-lab/l2m/stats"
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
	n := len(p.y)

	theta := make([]float64, n)
	cov := stats.NewSym(n)
	stats.Covariance(sums, counts, nil, theta, cov)
	lambda := stats.Shrinkage(sums, counts, theta, cov)

	logScale := math.Log(p.scale)
	center := Draw{LogA: math.Log(fit.a) - fit.beta*logScale, Beta: fit.beta}
	response := make([]float64, n)
	stats.Resample(rng, len(sums), count, func(m []float64) {
		stats.Covariance(sums, counts, m, theta, cov)
		weighing, ok := cov.Shrunk(lambda)
		if !ok {
			return
		}
		q := p
		q.y = theta
		if q.w, ok = weighing.Inverse(); !ok {
			return
		}
		f, ok := q.polish(fit.beta)
		if !ok {
			if f, ok = q.power(); !ok {
				return
			}
		}
		for i := range response {
			response[i] = f.u[0][i] - logScale*f.u[1][i]
		}
		draw := Draw{LogA: math.Log(f.a) - f.beta*logScale, Beta: f.beta}
		va, vb := cov.Quadratic(response, response), cov.Quadratic(f.u[1], f.u[1])
		if !(va > 0) || !(vb > 0) {
			return
		}
		draws = append(draws, draw)
		t[0] = append(t[0], (draw.LogA-center.LogA)/math.Sqrt(va))
		t[1] = append(t[1], (draw.Beta-center.Beta)/math.Sqrt(vb))
	})
	return draws, t
}
