package arch

import (
	"fmt"
	"math"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
)

// Evidence is the evidence for a law of the data. It keeps an audit from claiming more
// than was measured. The zero value and nil mean unknown.
type Evidence struct {
	// From and To are the lengths between which the law was measured, in tokens; 0 if
	// unknown.
	From float64 `json:"from,omitempty"`
	To   float64 `json:"to,omitempty"`

	Documents int            `json:"documents,omitempty"` // independent ones; 0 if unknown
	Verdict   law.Verdict    `json:"verdict,omitempty"`   // of the run, on the power law
	Beta      *info.Interval `json:"beta,omitempty"`      // the run's own interval of the exponent
	Rivals    []Rival        `json:"rivals,omitempty"`    // other laws that the same data support
}

// Rival is another law that the data support as well as the power law.
type Rival struct {
	Family   law.Family `json:"family"`
	Exponent float64    `json:"exponent"` // of L asymptotically: 0 for logarithm and saturation, 1 for volume
}

// FewDocuments is the number of documents below which intervals are wide and may be
// wrong, which a verdict then mentions.
const FewDocuments = 30

// Beyond reports whether L is longer than the measured lengths.
func (e *Evidence) Beyond(L float64) bool { return e != nil && e.To > 0 && L > e.To*(1+1e-9) }

// Rejected reports whether the data reject a single power law.
func (e *Evidence) Rejected() bool { return e != nil && e.Verdict == law.PowerLawRejected }

// Answers returns an error for a length at which the law says nothing: beyond the
// measured lengths of a law that the data reject.
func (e *Evidence) Answers(L float64) error {
	if !e.Rejected() || !e.Beyond(L) {
		return nil
	}
	return fmt.Errorf("the data reject a single power law up to L = %s, so nothing can be read from it at L = %s: "+
		"ask for a length within what was measured (--length), fit the law to the lengths at which it holds (l2m measure --range), or state another law (--law A,BETA)",
		group(int64(e.To)), group(int64(L)))
}

// mark notes whether a crossover is beyond the measured lengths, and removes it if the
// data reject the law.
func (e *Evidence) mark(x Crossover) Crossover {
	far := func(at *float64) bool { return at != nil && e.Beyond(*at) }
	x.Beyond = far(x.At) || far(x.From) || x.At == nil && e != nil && e.To > 0
	if !e.Rejected() {
		return x
	}
	if x.Beyond {
		return Crossover{Capacity: x.Capacity, Hard: x.Hard, Beyond: true, Unknown: true}
	}
	return x
}

// candidate is one law that the data support.
type candidate struct {
	family   law.Family
	exponent float64
}

// keeps reports whether a state with growth g can follow the law asymptotically.
func (c candidate) keeps(g Growth) bool {
	switch c.family {
	case law.Saturation, law.Zero:
		return true
	case law.Logarithm:
		return g.Class != Constant && g.Class != Saturating
	}
	return c.exponent <= 0 || g.Exponent >= c.exponent
}

// interval is the interval of the exponent: the run's own if known, else that of the
// law's covariance.
func (e *Evidence) interval(l law.PowerLaw, level float64) (lo, hi float64) {
	z, _ := quantile(l, level)
	half := z * math.Sqrt(max(0, l.CovLogABeta[1][1]))
	lo, hi = l.Beta-half, l.Beta+half
	if e != nil && e.Beta != nil {
		lo, hi = e.Beta.Lo, e.Beta.Hi
	}
	return lo, hi
}

// verdict compares the growth of a state with that of every law that the data support:
// if these disagree, the verdict is open.
func (e *Evidence) verdict(g Growth, l law.PowerLaw, level float64) (Verdict, string) {
	lo, hi := e.interval(l, level)
	var laws []candidate
	if !e.Rejected() {
		laws = append(laws, candidate{law.Power, lo}, candidate{law.Power, hi})
	}
	var names []string
	if e != nil {
		for _, r := range e.Rivals {
			laws = append(laws, candidate{r.Family, r.Exponent})
			names = append(names, familyWords(r))
		}
	}
	if len(laws) == 0 {
		return Open, fmt.Sprintf("the data reject a single power law up to L = %s, and no other law was found to hold: how the information grows beyond that is not known", group(int64(e.To)))
	}
	keeps := 0
	for _, c := range laws {
		if c.keeps(g) {
			keeps++
		}
	}
	v, reason := Open, ""
	state, grows := growthWords(g), fmt.Sprintf("L^%.3g", l.Beta)
	if e.Rejected() {
		grows = strings.Join(names, " or ")
	}
	switch {
	case keeps == len(laws):
		v, reason = KeepsUp, fmt.Sprintf("the state %s, the information like %s", state, grows)
		if l.Beta <= 0 && !e.Rejected() {
			reason = "the law does not grow, so a state of fixed size can be enough"
		}
	case keeps == 0:
		v, reason = FallsBehind, fmt.Sprintf("the state %s, the information grows like %s", state, grows)
	case len(names) > 0 && candidate{law.Power, lo}.keeps(g) == candidate{law.Power, hi}.keeps(g):
		reason = fmt.Sprintf("the state %s, the information like %s, but the data also fit %s: too close to tell", state, grows, strings.Join(names, " and "))
	default:
		reason = fmt.Sprintf("the state %s, the information like L^%.3g (%.3g … %.3g): too close to tell", state, l.Beta, lo, hi)
	}
	if e != nil && e.Documents > 0 && e.Documents < FewDocuments {
		reason += fmt.Sprintf(" (from only %d documents)", e.Documents)
	}
	return v, reason
}

// growthWords says how a state grows.
func growthWords(g Growth) string {
	return map[Class]string{
		Constant: "has a fixed size", Saturating: "stops growing", Logarithmic: "grows like ln L", Power: fmt.Sprintf("grows like L^%.3g", g.Exponent),
		Mixed: "grows like L in its attention layers", Linear: "grows like L",
	}[g.Class]
}

// familyWords names a law.
func familyWords(r Rival) string {
	switch r.Family {
	case law.Logarithm:
		return "ln L"
	case law.Saturation:
		return "a law that levels off"
	case law.Volume:
		return "L"
	case law.Zero:
		return "no information"
	}
	return fmt.Sprintf("L^%.3g with an offset", r.Exponent)
}
