package compare

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/stats"
)

// fewestModels is the number of models from which a line through them can be checked.
const fewestModels = 3

// model is one model of a family on the same windows.
type model struct {
	run    int // index in the comparison
	loss   float64
	tokens Sums // of the loss: one quantity
	series mi.Series
}

// family is models in order of their loss, the highest first.
type family []model

// newFamily orders models by loss. runs are their indices in the comparison.
func newFamily(runs []int, models []*mi.Statistics) (family, error) {
	var f family
	for i, s := range models {
		series, err := information(s)
		if err != nil {
			return nil, err
		}
		tokens := last(lossSums(s))
		f = append(f, model{runs[i], tokens.means(nil)[0], tokens, series})
	}
	slices.SortStableFunc(f, func(a, b model) int {
		switch {
		case a.loss > b.loss:
			return -1
		case a.loss < b.loss:
			return 1
		}
		return 0
	})
	return f, nil
}

// extrapolate estimates the law as a function of the models' loss, at the lowest loss
// and, if ideal > 0, at that loss, nats per token. Where models do not allow it, the
// result says why.
//
// Let model k have the excess loss D_k(t) over the best possible one at t tokens of
// context. The information that it takes is then too small by what it loses with the
// context and does not lose without it ★:
//
//	I_k(ell) = I(ell) − Σ_{t≤ell} [D_k(ell+t) − D_k(t)].
//
// In a family whose excess has one shape, D_k(t) = ε_k·g(t), both this and the mean
// loss, H_k = h + ε_k·ḡ, are linear in ε_k: at each length I_k lies on a line in H_k,
// which has the true information where the loss is the least possible one. The line
// is fitted by least squares; its value is a sum Σ_k w_k·I_k, so that its errors, those
// of the losses among them, come from the documents that all runs share, and the law is
// fitted to it as to any estimates.
func (f family) extrapolate(ideal float64, o Bootstrap) (*result.Extrapolation, error) {
	out := &result.Extrapolation{}
	if out.Reason = f.unusable(o); out.Reason != "" {
		return out, nil
	}
	var own fitted // of the best model, the last one
	for _, m := range f {
		var err error
		if own, err = m.law(m.run, o); err != nil {
			return nil, err
		}
		out.Runs = append(out.Runs, own.LossLaw)
	}
	best := f[len(f)-1]
	lowest, err := f.at(best.loss, best.tokens).law(-1, o)
	if err != nil {
		return nil, err
	}
	out.Lowest = &lowest.LossLaw
	reach := f[0].loss - best.loss
	nearby, err := f.at(best.loss-reach/10, best.tokens).law(-1, o)
	if err != nil {
		return nil, err
	}
	out.BetaGain = lowest.difference(nearby, 10/reach)
	out.Gain = f.gain(o)
	out.Residual = f.residual(o)
	if ideal > 0 {
		limit, err := f.at(ideal, Sums{}).law(-1, o)
		if err != nil {
			return nil, err
		}
		out.Ideal = &limit.LossLaw
		if own.Beta.SE > 0 && limit.Beta.SE > 0 { // both are laws
			missing := own.difference(limit, 1)
			out.Missing = &missing
		}
		out.Reach = (best.loss - ideal) / reach
	}
	return out, nil
}

// unusable says why there is no line through the models, "" if there may be one.
func (f family) unusable(o Bootstrap) string {
	if len(f) < fewestModels {
		return fmt.Sprintf("a line through models needs %d on the same windows, and there are %d", fewestModels, len(f))
	}
	n := len(f[0].series.Points)
	for _, m := range f {
		if len(m.series.Points) != n || n < 3 || m.series.Sums == nil || m.series.Estimator != f[0].series.Estimator {
			return "the runs have too few lengths or documents, or different estimators"
		}
	}
	lower := func(a, b Sums) (*info.Interval, error) {
		e, err := Difference(a, b, func(a, b float64) float64 { return b - a }, o)
		if err != nil || e[0].Interval == nil {
			return nil, errors.New("too few documents")
		}
		return e[0].Interval, nil
	}
	worst, best := f[0], f[len(f)-1]
	iv, err := lower(worst.tokens, best.tokens)
	switch {
	case err != nil:
		return err.Error()
	case iv.Hi >= 0:
		return "the losses of the models are equal within their errors"
	}
	// Of models of one kind the information rises, or falls, all the way with the loss.
	up, down := false, false
	for i := range len(f) - 1 {
		if iv, err = lower(f[i].longest(), f[i+1].longest()); err != nil {
			return err.Error()
		}
		up, down = up || iv.Lo > 0, down || iv.Hi < 0
	}
	if up && down {
		return "the information does not change with the loss in one direction: the models are no family, and what a better one would see does not follow from them"
	}
	return ""
}

// longest is the information at the longest length.
func (m model) longest() Sums {
	return last(Sums{Totals: m.series.Sums, Counts: m.series.Counts})
}

// mix is Σ_k w_k·I_k, with the errors that the losses bring: to first order, an error of
// H_k moves the line like one of −slope times it of I_k. With target, the place on the
// line is the loss of a model on these documents, whose error moves along the line.
func (f family) mix(weight []float64, target Sums) model {
	slope := f.slopes()
	base := f[0].series
	out := model{series: base}
	out.series.Sums, out.series.Points = nil, slices.Clone(base.Points)
	for c := range base.Sums {
		row := make([]float64, len(base.Sums[c]))
		for i := range row {
			windows := base.Counts[c][i]
			tokens := func(s Sums, mean float64) float64 { // how much the loss of these documents differs, per window
				return (s.Totals[c][0] - mean*s.Counts[c][0]) * windows / s.Counts[c][0]
			}
			for k, m := range f {
				row[i] += weight[k] * (m.series.Sums[c][i] - slope[i]*tokens(m.tokens, m.loss))
			}
			if target.Totals != nil {
				row[i] += slope[i] * tokens(target, target.means(nil)[0])
			}
		}
		out.series.Sums = append(out.series.Sums, row)
	}
	theta := make([]float64, len(base.Points))
	cov := stats.NewSym(len(theta))
	stats.Covariance(out.series.Sums, base.Counts, nil, theta, cov)
	for i, v := range theta {
		out.series.Points[i].Value = info.Nats(v)
	}
	out.series.Cov = cov.Rows()
	return out
}

// at is the line at a loss, which is a constant or, with target, that of a model.
func (f family) at(loss float64, target Sums) model {
	mean, spread := f.spread()
	weight := make([]float64, len(f))
	for k, m := range f {
		weight[k] = 1/float64(len(f)) + (loss-mean)*(m.loss-mean)/spread
	}
	out := f.mix(weight, target)
	out.loss, out.tokens = loss, target
	return out
}

// spread is the mean of the losses and the sum of their squared distances from it.
func (f family) spread() (mean, spread float64) {
	for _, m := range f {
		mean += m.loss / float64(len(f))
	}
	for _, m := range f {
		spread += (m.loss - mean) * (m.loss - mean)
	}
	return mean, spread
}

// slopes are the slopes of the lines, nats per nat by which the loss rises, by length.
func (f family) slopes() []float64 {
	mean, spread := f.spread()
	slope := make([]float64, len(f[0].series.Points))
	for _, m := range f {
		for i, p := range m.series.Points {
			slope[i] += (m.loss - mean) / spread * float64(p.Value)
		}
	}
	return slope
}

// gain is how much the information at the longest length rises where the loss falls by
// one nat.
func (f family) gain(o Bootstrap) info.Estimate {
	mean, spread := f.spread()
	weight := make([]float64, len(f))
	for k, m := range f {
		weight[k] = (mean - m.loss) / spread
	}
	return own(f.mix(weight, Sums{}).longest(), 1, o)[0]
}

// residual is the largest distance of a model from the line at the longest length, in
// standard errors of it, as the information of that model over the line's.
func (f family) residual(o Bootstrap) result.Residual {
	worst := result.Residual{Run: -1}
	most := 0.0
	for k, m := range f {
		mean, spread := f.spread()
		weight := make([]float64, len(f))
		for j, other := range f {
			weight[j] = -1/float64(len(f)) - (m.loss-mean)*(other.loss-mean)/spread
		}
		weight[k]++
		e := own(f.mix(weight, Sums{}).longest(), 1, o)[0]
		if t := math.Abs(e.Value) / e.SE; e.SE > 0 && t > most {
			most, worst = t, result.Residual{Run: m.run, Nats: e}
		}
	}
	return worst
}

// fitted is a law at a loss with the replicates behind it.
type fitted struct {
	result.LossLaw
	draws []law.Draw
}

// law fits the law to what a model, or the line, takes from the past.
func (m model) law(run int, o Bootstrap) (fitted, error) {
	d := law.Data{Cov: m.series.Cov, Sums: m.series.Sums, Counts: m.series.Counts, Unit: "token"}
	for _, p := range m.series.Points {
		d.L, d.I = append(d.L, float64(p.Length)), append(d.I, float64(p.Value))
	}
	whole := [2]float64{d.L[0], d.L[len(d.L)-1]} // all models over the same lengths
	a, err := law.Analyze(d, law.Options{Draws: o.draws(), Level: Level, Seed: o.Seed, Range: whole})
	if err != nil {
		return fitted{}, fmt.Errorf("fitting the law at a loss of %g nats: %w", m.loss, err)
	}
	out := fitted{LossLaw: result.LossLaw{Run: run, Loss: info.Estimate{Value: m.loss}, Nats: own(m.longest(), 1, o)[0]}, draws: a.Draws}
	if m.tokens.Totals != nil && run >= 0 {
		out.Loss = own(m.tokens, 1, o)[0]
	}
	if a.Power != nil {
		amplitude, _ := a.Power.Param("A")
		beta, _ := a.Power.Param("beta")
		out.A, out.Beta = amplitude.Estimate, beta.Estimate
	}
	return out, nil
}

// difference is the exponent of another law minus this one's, times a factor. The
// replicates are of the same documents.
func (l fitted) difference(other fitted, factor float64) info.Estimate {
	e := info.Estimate{Value: factor * (other.Beta.Value - l.Beta.Value)}
	if len(l.draws) == len(other.draws) {
		var d []float64
		for i := range l.draws {
			d = append(d, factor*(other.draws[i].Beta-l.draws[i].Beta))
		}
		summarise(&e, d)
	}
	return e
}

// own estimates the means of one model, per unit.
func own(s Sums, scale float64, o Bootstrap) []info.Estimate {
	e, err := Difference(s, s, func(a, _ float64) float64 { return a / scale }, o)
	if err != nil {
		return nil
	}
	return e
}
