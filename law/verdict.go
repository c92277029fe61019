package law

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/l2m-lab/l2m/stats"
)

const (
	// significance of finding information, and of rejecting a power law by its
	// residuals.
	significance = 0.01
	// clearlyBetter is the difference of AICc that counts as evidence: e² to one.
	clearlyBetter = 4
	// noSupport is the difference above which a family has essentially no support
	// [Burnham & Anderson 2002, section 2.6].
	noSupport = 10
	// nestedBetter is the difference that lets a family which contains the power law
	// contend with it: chance exceeds it in one sample of twelve.
	nestedBetter = 1
	// vague is the width of the interval of an exponent from which on it says less than
	// that information grows, more slowly than length or faster.
	vague = 0.5
)

// names of the families in sentences.
var names = map[Family]string{
	OffsetPower: "a power law with an offset",
	Logarithm:   "a logarithm",
	Volume:      "a law proportional to length",
	Saturation:  "a curve that levels off",
	Zero:        "zero at every length",
}

// reached is the share of its limit at which a curve counts as level.
const reached = 0.8

// level reports whether a fitted rival has levelled off by length L: it has a limit, is
// near it, and grows little over the last doubling. A limit alone is no evidence: fits
// to a logarithm have one too, further off.
func (f *Fit) level(L float64) bool {
	limit := math.NaN()
	switch beta, _ := f.Param("beta"); {
	case f.Family == Saturation:
		p, _ := f.Param("a")
		limit = p.Value
	case f.Family == OffsetPower && beta.Value < 0:
		p, _ := f.Param("c")
		limit = p.Value
	}
	at, ok := f.At(L)
	before, fine := f.At(L / 2)
	return ok && fine && float64(at) >= reached*limit && float64(at) <= math.Pow(2, flat)*float64(before)
}

// name is the name of a rival if all other kinds of growth are clearly worse; otherwise
// it says only which way the rival bends. Over a few doublings of the length a
// logarithm, a curve that will level off, and a power law with an offset are alike, so
// the least AICc does not identify one.
func (s study) name(f *Fit) string {
	longest := s.d.L[len(s.d.L)-1]
	kind := func(f *Fit) string {
		switch beta, _ := f.Param("beta"); {
		case f.Family == Saturation || f.Family == OffsetPower && beta.Value < 0:
			if f.level(longest) {
				return names[Saturation]
			}
			return ""
		case f.Family == OffsetPower && beta.Value < flat:
			return "" // close enough to a logarithm
		}
		return names[f.Family]
	}
	own := kind(f)
	for i := range s.rivals {
		r := &s.rivals[i]
		switch {
		case own == "" && r.Family == Logarithm && r.AICc < f.AICc+clearlyBetter:
			f, own = r, names[Logarithm] // the simplest of its kind
		case own == names[Logarithm] && kind(r) == "": // of the same kind
		case r.voting() && kind(r) != own && r.AICc < f.AICc+clearlyBetter:
			own = ""
		}
	}
	if own == "" || s.few() || own == names[Logarithm] && !s.notLevel() {
		return s.bend(f)
	}
	return own
}

// notLevel reports whether curves that have levelled off by the longest length are
// clearly worse than a logarithm. Curves that level off far beyond cannot be excluded.
func (s study) notLevel() bool {
	n := len(s.q.y)
	c, ok := s.q.curve(levelled(s.q.x[0], s.q.x[n-1]))
	if !ok {
		return true
	}
	f := Fit{Family: Saturation, Chi2: c.chi2}
	quality(&f, n, 3, s.clusters)
	for i := range s.rivals {
		if s.rivals[i].Family == Logarithm {
			return f.AICc > s.rivals[i].AICc+clearlyBetter
		}
	}
	return false
}

// bend is the way in which a fitted rival deviates from a power law.
func (s study) bend(f *Fit) string {
	n := len(s.d.L)
	exponent := func(a, b float64) float64 {
		y, ok := f.At(a)
		z, fine := f.At(b)
		if !ok || !fine || y <= 0 || z <= 0 {
			return math.NaN()
		}
		return math.Log(float64(z/y)) / math.Log(b/a)
	}
	first, last := exponent(s.d.L[0], s.d.L[1]), exponent(s.d.L[n-2], s.d.L[n-1])
	switch {
	case last < first:
		return "a curve whose growth slows down"
	case last > first:
		return "a curve whose growth quickens"
	}
	return "a curve that bends"
}

// positive is the p-value of the data if there were no information: the weighted
// projections of the estimates on L^0, L^½, L and L², each a t statistic with its sandwich
// error; four times the smallest one-sided p-value. The last is for models that learn in
// the window, whose estimates grow faster than information can.
func positive(q problem, cov stats.Sym, clusters int) float64 {
	p := 1.0
	n := len(q.y)
	g, u := make([]float64, n), make([]float64, n)
	for _, beta := range []float64{0, 0.5, 1, 2} {
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
	return min(1, 4*p)
}

// longest states the growth between the longest two lengths, for when a power law does
// not describe it.
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

// nothing fills Verdict and Reason if there is no information: p is the p-value.
func (a *Analysis) nothing(s study, p float64) {
	a.Verdict = NoInformation
	a.Reason = fmt.Sprintf("Nothing measurable: the estimates are zero within their errors (%s).", probability(p))
	if a.negative(s.q, s.cov) {
		a.Reason = "Nothing measurable: the estimates are below zero, so this model gains nothing from the context."
	}
}

// decide fills Verdict and Reason if there is information.
func (a *Analysis) decide(s study) {
	if a.Power == nil {
		a.Verdict, a.Reason = PowerLawRejected, "There is information, but it does not grow like any power of the length."
		return
	}
	beta, _ := a.Power.Param("beta")
	law := fmt.Sprintf("β = %.3f", beta.Value)
	lo, hi := beta.Value, beta.Value // of the interval; without one, documents are few
	if beta.Interval != nil {
		lo, hi = beta.Bounds()
		law += fmt.Sprintf(", %.0f %% interval %.3f … %.3f", 100*beta.Interval.Level, lo, hi)
	}
	switch {
	case s.rejected():
		a.Verdict = PowerLawRejected
		a.Reason = a.rejection(s) + a.longest()
	case hi < 0 || lo <= 0 && hi < flat:
		a.Verdict = PowerLawRejected
		a.Reason = fmt.Sprintf("There is information, but it does not grow with length (%s).", law)
	case lo <= 0:
		a.Verdict = Undecided
		a.Reason = fmt.Sprintf("There is information, but too few documents to say whether it grows with length (%s).", law)
	case lo > 1 && !s.few():
		a.Verdict = PowerLawRejected
		a.Reason = fmt.Sprintf("The estimates grow faster than length itself (%s), which information cannot do for long: suspect the model or the range.", law)
	default:
		a.accept(s, law, lo, hi)
	}
}

// accept fills in the verdict on a power law that is not rejected.
func (a *Analysis) accept(s study, law string, lo, hi float64) {
	rival := s.contender(a.From > 0)
	fits := fmt.Sprintf("A power law is not rejected (%s; residuals %s)", law, probability(a.Power.P))
	a.Verdict = Undecided
	switch {
	case s.few():
		a.Reason = fmt.Sprintf("%s, but %d documents are too few to tell it from other laws: %d are needed.", fits, a.Clusters, manyClusters)
	case rival != nil:
		than := "fits as well"
		if s.lead(rival) > 0 {
			than = "fits better"
		}
		a.Reason = fmt.Sprintf("%s, but %s %s (weight %.2f against %.2f).", fits, s.name(rival), than, rival.Weight, a.Power.Weight)
	case !s.compares:
		a.Reason = fits + ", but there are too few lengths to compare it with other laws."
	case hi-lo > vague:
		a.Reason = fits + ", but the exponent is too uncertain to call it one."
	default:
		a.Verdict = PowerLawHolds
		a.Reason = fmt.Sprintf("A power law fits (%s; residuals %s)", law, probability(a.Power.P))
		switch {
		case hi >= 1:
			a.Reason += ", but growth in proportion to length is not excluded."
		case s.lead(s.best()) > 0:
			a.Reason += fmt.Sprintf(", and an offset improves the fit by no more than chance (AICc lower by %.2f).", s.lead(s.best()))
		default:
			a.Reason += " and no rival is as good."
		}
	}
}

// rejection says what rejects the power law.
func (a *Analysis) rejection(s study) string {
	rival := s.best()
	clear, misfit := s.lead(rival) > clearlyBetter, a.Power.P < significance
	switch {
	case clear && misfit && rival.P < significance: // the least bad of them has no claim to a name
		return fmt.Sprintf("The residuals reject a single power law (%s; points lie off it by up to %.0f %%) and every rival.", probability(a.Power.P), 100*a.Misfit)
	case clear && s.few():
		return fmt.Sprintf("%s fits better than a power law (AICc lower by %.1f); %d documents are too few to say more.", capital(s.bend(rival)), s.lead(rival), a.Clusters)
	case clear && misfit:
		return fmt.Sprintf("The residuals reject a single power law (%s), and %s fits clearly better.", probability(a.Power.P), s.name(rival))
	case clear:
		return fmt.Sprintf("%s fits clearly better than a power law (AICc lower by %.1f).", capital(s.name(rival)), s.lead(rival))
	}
	return fmt.Sprintf("The residuals reject a single power law (%s); points lie off it by up to %.0f %%.", probability(a.Power.P), 100*a.Misfit)
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

func lower(s string) string { return string(s[0]-'A'+'a') + s[1:] }
