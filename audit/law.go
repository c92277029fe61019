package audit

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/token"
)

// MeasuredLaw is the power law of the headline series of a run, with the evidence for
// it, lengths in the law's unit. Its covariance is widened to the run's bootstrap
// interval of β.
func MeasuredLaw(r *result.Result) (law.PowerLaw, *arch.Evidence, error) {
	for _, s := range r.Series {
		if s.Law == nil {
			continue
		}
		if s.Law.Law == nil || s.Law.Verdict == law.NoInformation {
			return law.PowerLaw{}, nil, fmt.Errorf("the headline estimator %s has no power law: %s", s.Estimator, s.Law.Reason)
		}
		l := *s.Law.Law
		if l.Unit == "" {
			l.Unit = token.Unit(r.Corpus.Tokenizer)
		}
		if l.Unit != "token" && l.Unit != "byte" {
			return law.PowerLaw{}, nil, fmt.Errorf("its lengths count %ss, which cannot be converted to tokens of a language model", l.Unit)
		}
		longest := r.Windows.Length
		if n := len(s.Points); longest == 0 && n > 0 { // a table has no windows
			longest = s.Points[n-1].Length
		}
		e := &arch.Evidence{To: float64(longest), Verdict: s.Law.Verdict, Documents: s.Law.Clusters}
		if used := s.Law.Used; len(used) == len(s.Points) && slices.Contains(used, true) {
			first, last := slices.Index(used, true), len(used)-1
			for !used[last] {
				last--
			}
			e.From, e.To = float64(s.Points[first].Length), float64(s.Points[last].Length)
		}
		if s.Law.Power != nil {
			if beta, ok := s.Law.Power.Param("beta"); ok && beta.Interval != nil {
				e.Beta = beta.Interval
				l.CovLogABeta = widened(l, *beta.Interval)
			}
			e.Rivals = rivals(s.Law)
		}
		l.Source = fmt.Sprintf("measured up to L = %d %ss", longest, l.Unit)
		switch s.Law.Verdict {
		case law.PowerLawRejected:
			l.Source += ", where the data reject a single power law"
		case law.Undecided:
			l.Source += ", where the data cannot tell whether a power law holds"
		}
		return l, e, nil
	}
	return law.PowerLaw{}, nil, errors.New("the run has no law (l2m measure fits one when it has enough documents)")
}

// widened is the covariance of a law, scaled up so that its interval of β covers iv.
func widened(l law.PowerLaw, iv info.Interval) [2][2]float64 {
	cov := l.CovLogABeta
	slope := law.PowerLaw{A: 1, Beta: 0, CovLogABeta: [2][2]float64{{0, 0}, {0, cov[1][1]}}, DoF: l.DoF}
	half := math.Log(slope.Interval(math.E, iv.Level).Hi)
	if !(half > 0) {
		return cov
	}
	factor := max(1, max(l.Beta-iv.Lo, iv.Hi-l.Beta)/half)
	for i := range cov {
		for j := range cov[i] {
			cov[i][j] *= factor * factor
		}
	}
	return cov
}

// rivals are the laws that the same data support as well as the power law: they fit
// (F test above 5 %) and their AICc is at most 2 above the best (Burnham and Anderson
// 2002, section 2.6: substantial support).
func rivals(a *law.Analysis) []arch.Rival {
	best := a.Power.AICc
	for _, f := range a.Rivals {
		best = min(best, f.AICc)
	}
	var out []arch.Rival
	for _, f := range a.Rivals {
		if f.P < 0.05 || f.AICc > best+2 || f.Family == law.Zero {
			continue
		}
		r := arch.Rival{Family: f.Family}
		switch f.Family {
		case law.Volume:
			r.Exponent = 1
		case law.OffsetPower:
			beta, ok := f.Param("beta")
			if !ok {
				continue
			}
			r.Exponent = beta.Value
		}
		out = append(out, r)
	}
	return out
}
