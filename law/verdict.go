package law

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/l2m-lab/l2m/stats"
)

const (
	// significance of the claim that there is information, and of the rejection
	// of a power law by its residuals.
	significance = 0.01
	// clearlyBetter is the difference of AICc by which a rival must win for the
	// power law to be rejected, better the one from which it is in doubt.
	clearlyBetter = 4
	better        = 2
)

// names of the families in sentences.
var names = map[Family]string{
	OffsetPower: "a power law with an offset",
	Logarithm:   "a logarithm",
	Volume:      "a law proportional to length",
	Saturation:  "a saturating curve",
	Zero:        "zero at every length",
}

// name of a fitted family in a sentence. An offset power law of negative exponent
// is bounded, as its formula does not show.
func (f *Fit) name() string {
	if beta, ok := f.Param("beta"); f.Family == OffsetPower && ok && beta.Value < 0 {
		return "a curve that levels off (a power law with an offset and a negative exponent)"
	}
	return names[f.Family]
}

// positive is the probability of the data if there were no information: the
// weighed projections of the estimates on L^0, L^½ and L, each a t statistic
// with its sandwich error, the smallest one-sided probability times three.
func positive(q problem, cov stats.Sym, clusters int) float64 {
	p := 1.0
	n := len(q.y)
	g, u := make([]float64, n), make([]float64, n)
	for _, beta := range []float64{0, 0.5, 1} {
		for i := range n {
			g[i] = math.Exp(beta * q.logX[i])
		}
		for i := range n {
			u[i] = dot(q.w.V[i*n:(i+1)*n], g)
		}
		t := dot(u, q.y) / math.Sqrt(cov.Quadratic(u, u))
		if clusters > 1 {
			p = min(p, distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(clusters - 1)}.Survival(t))
		} else {
			p = min(p, distuv.UnitNormal.Survival(t))
		}
	}
	return min(1, 3*p)
}

// longest states how the information grows where it matters most when one power
// law does not describe it: between the longest two lengths.
func (a *Analysis) longest() string {
	if len(a.Local) == 0 {
		return ""
	}
	l := a.Local[len(a.Local)-1]
	text := fmt.Sprintf(" From L = %g to %g the local exponent is %.2f", l.From, l.To, l.Exponent)
	if l.Interval != nil {
		text += fmt.Sprintf(" (%.2f … %.2f)", l.Interval.Lo, l.Interval.Hi)
	}
	return text + "; --range LO:HI fits a part."
}

// decide fills Verdict and Reason.
func (a *Analysis) decide(q problem, cov stats.Sym) {
	p := positive(q, cov, a.Clusters)
	if p > significance {
		a.Verdict = NoInformation
		a.Reason = fmt.Sprintf("The estimates are zero within their errors (%s).", probability(p))
		if a.negative(q, cov) {
			a.Reason = "The estimates are below zero: this model gains nothing from the context."
		}
		return
	}
	if a.Power == nil {
		a.Verdict = PowerLawRejected
		a.Reason = "There is information, but it does not grow like any power of the length."
		return
	}
	beta, _ := a.Power.Param("beta")
	best := a.Power.AICc
	var rival *Fit
	for i := range a.Rivals {
		// Zero and the volume law are power laws too; the interval of β speaks
		// about them.
		if f := a.Rivals[i].Family; f != Zero && f != Volume && a.Rivals[i].AICc < best {
			best, rival = a.Rivals[i].AICc, &a.Rivals[i]
		}
	}
	clear := rival != nil && a.Power.AICc-best > clearlyBetter
	law := fmt.Sprintf("β = %.3f, %.0f %% interval %.3f … %.3f", beta.Value, 100*beta.Interval.Level, beta.Interval.Lo, beta.Interval.Hi)
	switch {
	case a.Power.P < significance || clear:
		a.Verdict = PowerLawRejected
		switch {
		case clear && a.Power.P < significance && rival.P < significance:
			a.Reason = fmt.Sprintf("The residuals reject a single power law (%s; points lie off it by up to %.0f %%) and every rival; the nearest is %s.", probability(a.Power.P), 100*a.Misfit, rival.name())
		case clear && a.Power.P < significance:
			a.Reason = fmt.Sprintf("The residuals reject a single power law (%s), and %s fits clearly better.", probability(a.Power.P), rival.name())
		case clear:
			a.Reason = fmt.Sprintf("%s fits clearly better than a power law (AICc lower by %.1f).", capital(rival.name()), a.Power.AICc-best)
		default:
			a.Reason = fmt.Sprintf("The residuals reject a single power law (%s); points lie off it by up to %.0f %%.", probability(a.Power.P), 100*a.Misfit)
		}
		a.Reason += a.longest()
	case beta.Interval.Hi < 0 || beta.Interval.Lo <= 0 && beta.Interval.Hi < flat:
		a.Verdict = PowerLawRejected
		a.Reason = fmt.Sprintf("There is information, but it does not grow with length (%s).", law)
	case beta.Interval.Lo <= 0:
		a.Verdict = Undecided
		a.Reason = fmt.Sprintf("There is information, but too few documents to say whether it grows with length (%s).", law)
	case beta.Interval.Lo > 1:
		a.Verdict = PowerLawRejected
		a.Reason = fmt.Sprintf("The estimates grow faster than length itself (%s), which information cannot do for long: suspect the model or the range.", law)
	case rival != nil && a.Power.AICc-best > better:
		a.Verdict = Undecided
		a.Reason = fmt.Sprintf("A power law is not rejected (%s; residuals %s), but %s fits better (weight %.2f against %.2f).",
			law, probability(a.Power.P), rival.name(), rival.Weight, a.Power.Weight)
	default:
		a.Verdict = PowerLawHolds
		a.Reason = fmt.Sprintf("A power law fits (%s; residuals %s)", law, probability(a.Power.P))
		switch {
		case beta.Interval.Hi >= 1:
			a.Reason += ", but growth in proportion to length is not excluded."
		case rival != nil:
			a.Reason += fmt.Sprintf(", though %s fits as well (weight %.2f against %.2f).", rival.name(), rival.Weight, a.Power.Weight)
		default:
			a.Reason += " and no rival is better."
		}
	}
}

// flat is the exponent below which an interval that includes zero counts as
// "does not grow": a doubling of length adds less than 15 %.
const flat = 0.2

// negative reports whether the estimates as a whole lie below zero.
func (a *Analysis) negative(q problem, cov stats.Sym) bool {
	n := q
	n.y = make([]float64, len(q.y))
	for i, y := range q.y {
		n.y[i] = -y
	}
	return positive(n, cov, a.Clusters) <= significance
}

func probability(p float64) string {
	if p < 0.001 {
		return "p < 0.001"
	}
	return fmt.Sprintf("p = %.2g", p)
}

func capital(s string) string { return string(s[0]-'a'+'A') + s[1:] }
