package law

import (
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/stats"
)

// study is the fit of all families to a set of points.
type study struct {
	d        Data
	cov      stats.Sym
	clusters int
	lambda   float64 // how far correlations are shrunk towards equal lags
	q        problem
	fit      powerFit
	power    *Fit // nil when the power law has no best fit; without intervals and weight
	compares bool // AICc exists for power
	rivals   []Fit
}

// few reports whether there are too few documents to use correlations.
func (s study) few() bool { return s.clusters > 0 && s.clusters < manyClusters }

// newStudy fits the families; ok is false if the points cannot be weighted.
func newStudy(d Data, cov stats.Sym, clusters int) (s study, ok bool) {
	if s, ok = weigh(d, cov, clusters); !ok {
		return s, false
	}
	s.rivals = fitRivals(s.q, cov, clusters)
	return s, true
}

// weigh is newStudy without the rivals.
func weigh(d Data, cov stats.Sym, clusters int) (s study, ok bool) {
	s = study{d: d, cov: cov, clusters: clusters}
	if d.Sums != nil && !s.few() {
		theta, c := make([]float64, len(d.L)), stats.NewSym(len(d.L))
		stats.Covariance(d.Sums, d.Counts, nil, theta, c)
		s.lambda = stats.Shrinkage(d.Sums, d.Counts, theta, c)
	}
	w, ok := s.weights(cov, s.lambda)
	if !ok {
		return s, false
	}
	s.q = newProblem(d.L, d.I, w)
	if fit, ok := s.q.power(); ok && fit.interior {
		s.fit = fit
		logA := math.Log(fit.a) - fit.beta*math.Log(s.q.scale)
		s.power = &Fit{Family: Power, Chi2: fit.chi2, Params: []Param{param("A", math.Exp(logA)), param("beta", fit.beta)}}
		s.compares = quality(s.power, len(d.L), powerParameters, clusters)
	}
	return s, true
}

// weights is the weight matrix of a fit: the inverse of the covariance as far as it is
// known.
func (s study) weights(cov stats.Sym, lambda float64) (stats.Sym, bool) {
	weighing, ok := cov.Diagonal()
	if !s.few() {
		weighing, ok = cov.Shrunk(lambda)
	}
	if !ok {
		return stats.Sym{}, false
	}
	return weighing.Inverse()
}

// tail is the study of the points from index from on.
func (s study) tail(from int) (study, bool) {
	d, cov := s.points(from)
	return newStudy(d, cov, s.clusters)
}

// points are the points from index from on.
func (s study) points(from int) (Data, stats.Sym) {
	var keep []int
	for i := from; i < len(s.d.L); i++ {
		keep = append(keep, i)
	}
	d := s.d
	d.Cov = s.cov.Rows()
	return d.pick(keep)
}

// voting reports whether a rival competes with the power law. Zero and the volume law
// are power laws themselves; the interval of β decides about them.
func (f *Fit) voting() bool { return f.Family != Zero && f.Family != Volume }

// best is the voting rival with the least AICc; nil if there is none.
func (s study) best() *Fit {
	for i := range s.rivals { // best first
		if s.rivals[i].voting() {
			return &s.rivals[i]
		}
	}
	return nil
}

// lead is the AICc of the power law minus that of a rival.
func (s study) lead(f *Fit) float64 {
	if f == nil || !s.compares {
		return math.Inf(-1)
	}
	return s.power.AICc - f.AICc
}

// contender is a rival that the data do not set behind the power law, nil if there
// is none: one of lower AICc, or a logarithm that is not clearly higher. A logarithm
// has as many parameters as the power law and is what bounded and logarithmic growth
// look like over few lengths, so that being level says nothing; and the more so where
// the range was chosen because a power law holds in it.
//
// An offset power law that grows contains the power law: where the offset is zero its
// AICc is lower in one sample of six, so it must be lower by more, except in a chosen
// range, which has to begin where there is no offset.
func (s study) contender(chosen bool) *Fit {
	if best := s.best(); best != nil {
		least := 0.0
		if best.Family == OffsetPower && !best.slows() && !chosen {
			least = nestedBetter
		}
		if s.lead(best) > least {
			return best
		}
	}
	behind := float64(clearlyBetter)
	if chosen {
		behind = noSupport
	}
	for i := range s.rivals {
		if f := &s.rivals[i]; f.Family == Logarithm && s.lead(f) > -behind {
			return f
		}
	}
	return nil
}

// rejected reports whether the residuals, or a clearly better rival, exclude a single
// power law.
func (s study) rejected() bool {
	return s.power == nil || s.power.P < significance || s.lead(s.best()) > clearlyBetter
}

// leastRange is the least number of lengths in a scaling range: a factor of 32.
const leastRange = 6

// scalingFrom is the index of the first length of the scaling range, 0 if there is none
// or a power law holds over all lengths. It is not searched for if another family
// describes all lengths, since over few lengths any smooth curve looks like a power
// law.
func (s study) scalingFrom() int {
	if s.few() || s.power == nil || !s.rejected() {
		return 0
	}
	if f := s.best(); f != nil && f.P >= significance && f.slows() {
		return 0
	}
	for from := 1; len(s.d.L)-from >= leastRange; from++ {
		t, ok := s.tail(from)
		if !ok || t.rejected() || t.contender(true) != nil {
			continue
		}
		if beta, _ := t.power.Param("beta"); beta.Value >= flat {
			return from
		}
	}
	return 0
}

// slows reports whether a fitted rival has bounded or logarithmic growth, other than a
// power law with an offset.
func (f *Fit) slows() bool {
	beta, _ := f.Param("beta")
	return f.Family != OffsetPower || beta.Value < flat
}

// setPower records the fit in unscaled lengths, with its intervals. It reports whether
// AICc exists for it.
func (a *Analysis) setPower(s study, opts Options, whole *study) (comparable bool) {
	logScale := math.Log(s.q.scale)
	logA := math.Log(s.fit.a) - s.fit.beta*logScale
	response := make([]float64, len(s.q.y))
	for i := range response {
		response[i] = s.fit.u[0][i] - logScale*s.fit.u[1][i]
	}
	joint := [2][2]float64{
		{s.cov.Quadratic(response, response), s.cov.Quadratic(response, s.fit.u[1])},
		{s.cov.Quadratic(s.fit.u[1], response), s.cov.Quadratic(s.fit.u[1], s.fit.u[1])},
	}
	joint[1][0] = joint[0][1]
	for i := range joint {
		joint[i][i] = max(0, joint[i][i]) // rounding may make a variance of zero negative
	}
	se := [2]float64{math.Sqrt(joint[0][0]), math.Sqrt(joint[1][1])}
	ia, ib := a.intervals(s, opts, whole, [2]float64{logA, s.fit.beta}, se)
	A := math.Exp(logA)
	if ia != nil {
		ia.Lo, ia.Hi = math.Exp(ia.Lo), min(math.Exp(ia.Hi), math.MaxFloat64)
	}
	a.Power = s.power
	a.Power.Params = []Param{
		{"A", info.Estimate{Value: A, SE: A * se[0], Interval: ia}},
		{"beta", info.Estimate{Value: s.fit.beta, SE: se[1], Interval: ib}},
	}
	a.Law = &PowerLaw{A: A, Beta: s.fit.beta, CovLogABeta: joint, DoF: max(0, a.Clusters-1), Unit: s.d.Unit, Source: s.d.Source}
	for i, l := range s.d.L {
		f := float64(a.Law.At(l))
		if r := math.Abs(s.d.I[i] - f); r > 2*math.Sqrt(s.cov.At(i, i)) {
			a.Misfit = max(a.Misfit, r/f)
		}
	}
	return s.compares
}

// intervals are those of ln A and β; nil if there are too few documents.
func (a *Analysis) intervals(s study, opts Options, whole *study, at, se [2]float64) (logA, beta *info.Interval) {
	if s.clusters > 0 && s.clusters < stats.LeastClusters {
		a.Warnings = append(a.Warnings, info.Warning{
			Code: "no-interval",
			Text: fmt.Sprintf("no interval is given: with %d documents its level would be wrong if documents differ a lot", s.clusters),
			Fix:  fmt.Sprintf("measure %d documents or more", stats.LeastClusters),
		})
		return nil, nil
	}
	var departures [2][]float64
	method, draws, widening := "Student's t", 0, 1.0
	if s.clusters == 0 {
		method = "normal"
	}
	if s.d.Sums != nil {
		widening = stats.Widening(column(s.d.Counts, 0))
	}
	if s.d.Sums != nil && opts.Draws > 0 {
		a.Draws, departures = s.bootstrap(whole, opts.Draws, opts.Seed)
		if lost := opts.Draws - len(a.Draws); lost*10 > opts.Draws {
			departures = [2][]float64{}
			a.Warnings = append(a.Warnings, info.Warning{
				Code: "bootstrap-fails",
				Text: fmt.Sprintf("%d of %d bootstrap draws have no power law, so intervals are from Student's t instead", lost, opts.Draws),
				Fix:  "measure more documents",
			})
		} else {
			method, draws = stats.BootstrapMethod, len(a.Draws)
		}
	}
	var out [2]*info.Interval
	for k := range out {
		lo, hi := stats.Ends(departures[k], opts.Level, float64(s.clusters-1), widening)
		out[k] = &info.Interval{Lo: at[k] - se[k]*hi, Hi: at[k] - se[k]*lo, Level: opts.Level, Method: method, Draws: draws}
	}
	return out[0], out[1]
}

func column(rows [][]float64, i int) []float64 {
	out := make([]float64, len(rows))
	for c := range rows {
		out[c] = rows[c][i]
	}
	return out
}
