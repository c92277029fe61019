package stats

import "math"

// RatioMeans are Σ_c m_c·sums[c] / Σ_c m_c·counts[c] for every quantity. sums and
// counts are [cluster][quantity]; m_c is the multiplicity of cluster c (nil: all 1).
func RatioMeans(sums, counts [][]float64, m []float64) []float64 {
	theta, total := make([]float64, len(sums[0])), make([]float64, len(sums[0]))
	ratioMeans(sums, counts, m, theta, total)
	return theta
}

// ratioMeans fills the means and the denominators, and returns Σ m_c.
func ratioMeans(sums, counts [][]float64, m, theta, total []float64) (clusters float64) {
	clear(theta)
	clear(total)
	for c := range sums {
		k := 1.0
		if m != nil {
			k = m[c]
		}
		if k == 0 {
			continue
		}
		clusters += k
		for i := range theta {
			theta[i] += k * sums[c][i]
			total[i] += k * counts[c][i]
		}
	}
	for i := range theta {
		theta[i] /= total[i]
	}
	return clusters
}

// Covariance fills theta with RatioMeans and cov with their covariance for D
// clusters,
//
//	Cov[i][j] = D/(D−1) · Σ_c m_c·e_ci·e_cj,  e_ci = (S_ci − θ_i·N_ci) / Σ_c m_c·N_ci,
//
// the covariance of a ratio estimator, valid whatever the dependence within a
// cluster. It is NaN for fewer than two clusters.
func Covariance(sums, counts [][]float64, m []float64, theta []float64, cov Sym) {
	p := cov.N
	total, residual := make([]float64, p), make([]float64, p)
	clusters := ratioMeans(sums, counts, m, theta, total)
	clear(cov.V)
	f := clusters / (clusters - 1)
	for c := range sums {
		k := 1.0
		if m != nil {
			k = m[c]
		}
		if k == 0 {
			continue
		}
		for i := range p {
			residual[i] = (sums[c][i] - theta[i]*counts[c][i]) / total[i]
		}
		for i := range p {
			x := f * k * residual[i]
			row := cov.V[i*p : i*p+i+1]
			for j := range row {
				row[j] += x * residual[j]
			}
		}
	}
	for i := range p {
		for j := range i {
			cov.Set(i, j, cov.At(i, j))
		}
	}
}

// Shrinkage is the shrinkage intensity of correlations estimated from clusters
// towards their means over equal lags: the sampling variance of the correlations
// over their squared distance from those means, Σ var(r_ij)/Σ (r_ij − t_ij)², at
// most 1 [Schäfer & Strimmer 2005, with a Toeplitz target]. var(r_ij) is
// estimated from the products of the clusters' standardised residuals. theta and
// cov come from Covariance.
func Shrinkage(sums, counts [][]float64, theta []float64, cov Sym) float64 {
	p, d := cov.N, float64(len(sums))
	total := make([]float64, p)
	for c := range counts {
		for i := range p {
			total[i] += counts[c][i]
		}
	}
	products := NewSym(p) // mean of squared products
	z := make([]float64, p)
	for c := range sums {
		for i := range p {
			z[i] = (sums[c][i] - theta[i]*counts[c][i]) / total[i] * math.Sqrt(d/cov.At(i, i))
		}
		for i := range p {
			for j := range i {
				products.V[i*p+j] += z[i] * z[i] * z[j] * z[j] / d
			}
		}
	}
	noise, distance := 0.0, 0.0
	for lag := 1; lag < p; lag++ {
		mean := 0.0
		for i := lag; i < p; i++ {
			mean += cov.Correlation(i, i-lag) / float64(p-lag)
		}
		for i := lag; i < p; i++ {
			r := cov.Correlation(i, i-lag)
			noise += max(0, products.At(i, i-lag)-r*r) / d
			distance += (r - mean) * (r - mean)
		}
	}
	if !(distance > noise) {
		return 1
	}
	return noise / distance
}
