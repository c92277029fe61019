package law

import (
	"math"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/stats"
)

// PowerLaw is a law of bipartite mutual information, I(L) = A·L^Beta nats for windows
// of L units in total, measured or published.
type PowerLaw struct {
	A    float64 `json:"a"`    // nats at L = 1
	Beta float64 `json:"beta"` // exponent

	// CovLogABeta is the covariance matrix of (ln A, Beta); all zero if unknown.
	CovLogABeta [2][2]float64 `json:"cov_log_a_beta"`

	// DoF are the degrees of freedom of that covariance (documents − 1), for
	// Student's t; 0 means that it is exact, and intervals are normal.
	DoF int `json:"dof,omitempty"`

	Unit   string `json:"unit"`             // what L counts: "token" or "byte"
	Source string `json:"source,omitempty"` // where the law comes from
}

// At is the law at length L, in nats.
func (p PowerLaw) At(L float64) info.Nats { return info.Nats(p.A * math.Pow(L, p.Beta)) }

// Inverse is the length at which the law reaches i nats: 0 for i ≤ 0, and +Inf
// when it never does (A ≤ 0, or Beta ≤ 0).
func (p PowerLaw) Inverse(i info.Nats) float64 {
	switch {
	case i <= 0:
		return 0
	case !(p.A > 0) || !(p.Beta > 0):
		return math.Inf(1)
	}
	return math.Exp((math.Log(float64(i)) - math.Log(p.A)) / p.Beta)
}

// Known reports whether the uncertainty of the law is known.
func (p PowerLaw) Known() bool { return p.CovLogABeta != [2][2]float64{} }

// SE is the standard error of ln I at length L, from CovLogABeta: a relative error. It
// is 0 if the covariance is unknown.
func (p PowerLaw) SE(L float64) float64 {
	x, c := math.Log(L), p.CovLogABeta
	return math.Sqrt(max(0, c[0][0]+x*(c[0][1]+c[1][0])+x*x*c[1][1]))
}

// halfWidth is the half-width of an interval in standard errors.
func (p PowerLaw) halfWidth(level float64) float64 {
	return stats.HalfWidth(level, float64(p.DoF))
}

func (p PowerLaw) distribution() string {
	if p.DoF > 0 {
		return "Student's t"
	}
	return "normal"
}

// Interval is the interval of the law at length L in nats, symmetric on the log scale.
// If the covariance is unknown it is the single value At(L), at level 0.
func (p PowerLaw) Interval(L, level float64) info.Interval {
	at := float64(p.At(L))
	if !p.Known() {
		return info.Interval{Lo: at, Hi: at, Level: 0, Method: "uncertainty not known"}
	}
	h := p.halfWidth(level) * p.SE(L)
	return info.Interval{Lo: at * math.Exp(-h), Hi: at * math.Exp(h), Level: level, Method: "log scale, " + p.distribution()}
}

// InverseInterval is the interval of the length at which the law reaches i nats,
// symmetric on the log scale (delta method on ln L = (ln i − ln A)/Beta). If the
// covariance is unknown it is a single value at level 0; it is [0, 0] for i ≤ 0 and
// [+Inf, +Inf] if the law never reaches i.
func (p PowerLaw) InverseInterval(i info.Nats, level float64) info.Interval {
	L := p.Inverse(i)
	if !p.Known() || L == 0 || math.IsInf(L, 1) {
		lv := 0.0
		method := "uncertainty not known"
		if p.Known() {
			lv, method = level, "exact"
		}
		return info.Interval{Lo: L, Hi: L, Level: lv, Method: method}
	}
	h := p.halfWidth(level) * p.SE(L) / p.Beta
	return info.Interval{Lo: L * math.Exp(-h), Hi: L * math.Exp(h), Level: level, Method: "log scale, " + p.distribution()}
}

// PublishedEnglish is the L²M paper's law of English books with its direct estimator,
// lengths in Llama-3.1 tokens (arXiv 2503.04725: PG-19, Llama-3.1-405B, windows of
// 2,048 tokens). The paper gives no uncertainty.
func PublishedEnglish() PowerLaw {
	return PowerLaw{A: 2.27, Beta: 0.76, Unit: "token",
		Source: "L²M paper (arXiv 2503.04725): PG-19, Llama-3.1-405B, direct estimator, L ≤ 2,048"}
}
