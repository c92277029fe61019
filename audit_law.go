package l2m

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/report"
)

// measuredLaw is the power law of the headline series of a run. Its standard
// errors are those of the fit; the correlation of ln A and β, which the result
// does not state, is that of generalised least squares on the points that the
// fit used.
func measuredLaw(r *report.Result) (law.PowerLaw, error) {
	for _, s := range r.Series {
		if s.Law == nil {
			continue
		}
		if s.Law.Power == nil || s.Law.Verdict == law.NoInformation {
			return law.PowerLaw{}, fmt.Errorf("the headline estimator %s has no power law: %s", s.Estimator, s.Law.Reason)
		}
		var l law.PowerLaw
		var seA, seBeta float64
		for _, p := range s.Law.Power.Params {
			switch p.Name {
			case "A":
				l.A, seA = p.Value, p.SE
			case "beta":
				l.Beta, seBeta = p.Value, p.SE
			}
		}
		if !(l.A > 0) {
			return law.PowerLaw{}, fmt.Errorf("the power law of %s has no positive factor A", s.Estimator)
		}
		relative := seA / l.A
		cross := correlation(s) * relative * seBeta
		l.CovLogABeta = [2][2]float64{{relative * relative, cross}, {cross, seBeta * seBeta}}
		l.Unit = "token"
		if strings.HasPrefix(strings.ToLower(r.Corpus.Tokenizer), "byte") {
			l.Unit = "byte"
		}
		return l, nil
	}
	return law.PowerLaw{}, errors.New("the run has no law (l2m measure fits one when it has enough documents)")
}

// correlation is that of the estimates of ln A and β: with M the information
// matrix of (ln A, β), −M₁₂/√(M₁₁·M₂₂).
func correlation(s report.Series) float64 {
	var used []int
	for i, p := range s.Points {
		if p.Value > 0 && (s.Law.Used == nil || i < len(s.Law.Used) && s.Law.Used[i]) {
			used = append(used, i)
		}
	}
	n := len(used)
	if n < 2 {
		return 0
	}
	weights := mat.NewSymDense(n, nil)
	for a, i := range used {
		weights.SetSym(a, a, 1/math.Pow(float64(s.Points[i].Value), 2))
	}
	if len(s.Cov) == len(s.Points) {
		cov := mat.NewSymDense(n, nil)
		for a, i := range used {
			for b, j := range used {
				cov.SetSym(a, b, s.Cov[i][j])
			}
		}
		var chol mat.Cholesky
		if chol.Factorize(cov) {
			if inverse := mat.NewSymDense(n, nil); chol.InverseTo(inverse) == nil {
				weights = inverse
			}
		}
	}
	var m [2][2]float64
	for a, i := range used {
		for b, j := range used {
			ja := [2]float64{float64(s.Points[i].Value), float64(s.Points[i].Value) * math.Log(float64(s.Points[i].Length))}
			jb := [2]float64{float64(s.Points[j].Value), float64(s.Points[j].Value) * math.Log(float64(s.Points[j].Length))}
			for p := range 2 {
				for q := range 2 {
					m[p][q] += ja[p] * weights.At(a, b) * jb[q]
				}
			}
		}
	}
	rho := -m[0][1] / math.Sqrt(m[0][0]*m[1][1])
	if !(rho >= -1 && rho <= 1) {
		return 0
	}
	return rho
}
