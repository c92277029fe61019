package mi

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/l2m-lab/l2m/info"
)

// Contrast has the log-probabilities of the second parts Y of some windows after the
// first parts X of several of them. Each window is of another document, so that all
// pasts but its own are independent of Y.
type Contrast struct {
	Ell      int         // tokens of X
	Length   int         // of a window, in tokens
	LogProbs [][]float64 // [window][k]: ln q(Y|X_k), nats, X_0 its own; −Inf where the model rules Y out
}

// K is the number of contexts of each window, its own among them.
func (c Contrast) K() int {
	if len(c.LogProbs) == 0 {
		return 0
	}
	return len(c.LogProbs[0])
}

// InfoNCE is E ln [q(Y|X) / mean of q(Y|X_k) over all K contexts], with the standard
// error over windows: a lower bound of I(X;Y) for any model, never above ln K
// [van den Oord et al. 2018; Poole et al. 2019, eq. 10].
func (c Contrast) InfoNCE() info.Estimate {
	return c.mean(func(row []float64) float64 { return row[0] - logMeanExp(row) })
}

// LeaveOneOut is the same with the own past left out of the mean. Its limit
// for K → ∞ is the auxiliary bound, a lower bound for any model, which it approaches
// from above: as long as it exceeds InfoNCE, it bounds nothing from below.
func (c Contrast) LeaveOneOut() info.Estimate {
	return c.mean(func(row []float64) float64 { return row[0] - logMeanExp(row[1:]) })
}

// VCLUB is E ln q(Y|X) − E ln q(Y|X'): see the estimator of that name.
func (c Contrast) VCLUB() info.Estimate {
	return c.mean(func(row []float64) float64 { return row[0] - stat.Mean(row[1:], nil) })
}

func (c Contrast) mean(of func(row []float64) float64) info.Estimate {
	values := make([]float64, len(c.LogProbs))
	for i, row := range c.LogProbs {
		values[i] = of(row)
	}
	m, sd := stat.MeanStdDev(values, nil)
	return info.Estimate{Value: m, SE: sd / math.Sqrt(float64(len(values)))}
}

// Settled reports whether more contexts could not move the lower bound by more than
// its error, or 1 %: InfoNCE meets LeaveOneOut, which is above its limit.
func (c Contrast) Settled() bool {
	low, high := c.InfoNCE(), c.LeaveOneOut()
	return high.Value-low.Value <= max(low.SE, 0.01*low.Value)
}

// End is one end of a bracket.
type End struct {
	// By names what it rests on: "infonce", or "zero" where that is nothing, below; "vclub" or "entropy",
	// the loss of Y without X, above.
	By    string    `json:"by"`
	Value info.Nats `json:"nats"`
	SE    info.Nats `json:"se,omitempty"`
	// Limit is the end of the one-sided 99 % confidence interval: what can be said
	// of the information is that it is not beyond that.
	Limit info.Nats `json:"limit"`
	K     int       `json:"k,omitempty"` // contexts, for infonce
}

// Bracket bounds I(X;Y) at one length without relying on estimates.
type Bracket struct {
	Ell     int `json:"ell"`
	Length  int `json:"length"`
	Targets int `json:"targets,omitempty"` // windows that Lower rests on
	Lower   End `json:"lower"`             // for any model
	// Upper is the smallest check from above: the entropy of Y bounds the information
	// for any model, vCLUB for one that predicts as well as can be after a past.
	Upper *End `json:"upper,omitempty"`
}

// NewBracket brackets the information of a contrast, which may be empty: the lower end
// is the largest of InfoNCE and the lower ends given, the upper one the smallest of
// vCLUB and the upper ends given, those that are not finite left out. If the model is
// known to forget (it does not see all of the past), vCLUB bounds nothing.
func NewBracket(c Contrast, lower, upper []End, forgets bool) *Bracket {
	b := &Bracket{Ell: c.Ell, Length: c.Length, Lower: End{By: "zero"}}
	if n := len(c.LogProbs); n > 1 {
		low := NewEnd(string(InfoNCE), c.InfoNCE(), n, -1)
		low.K = c.K()
		lower = append(slices.Clone(lower), low)
		upper = append(slices.Clone(upper), NewEnd(string(VCLUB), c.VCLUB(), n, 1))
	}
	for _, l := range lower {
		if l.Limit > b.Lower.Limit {
			b.Lower = l
		}
	}
	for _, u := range upper {
		if forgets && u.By == string(VCLUB) {
			continue
		}
		if x := float64(u.Limit); !math.IsNaN(x) && !math.IsInf(x, 0) && (b.Upper == nil || u.Limit < b.Upper.Limit) {
			b.Upper = &u
		}
	}
	return b
}

// NewEnd is an estimate over clusters as an end of a bracket, the upper one if sign
// is 1, the lower one if it is −1.
func NewEnd(by string, e info.Estimate, clusters int, sign float64) End {
	return End{By: by, Value: info.Nats(e.Value), SE: info.Nats(e.SE), Limit: info.Nats(e.Value + sign*beyond(clusters)*e.SE)}
}

// beyond is how many standard errors a 99 % limit is from a mean over n clusters.
func beyond(n int) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(max(1, n-1))}.Quantile(0.99)
}

// StartLoss is the loss −ln q(Y) of the second parts of windows cut at Ell with
// L/ell = 2, from a fresh start.
type StartLoss struct {
	Ell          int
	Sums, Counts []float64 // by cluster, as in Clusters: nats, and windows
}

// StartLosses are those of all splits that were scored.
func (s *Statistics) StartLosses() []StartLoss {
	j := slices.Index(s.ratios, 2)
	if j < 0 {
		return nil
	}
	var out []StartLoss
	for k, ell := range s.splits {
		column := s.column(kindMarginal, j, k)
		if !s.usable(column) {
			continue
		}
		l := StartLoss{Ell: ell, Counts: s.windows}
		for _, row := range s.sums {
			l.Sums = append(l.Sums, -row[column])
		}
		out = append(out, l)
	}
	return out
}

// Surprise is the mean StartLoss at a split, which is above the entropy H(Y) of
// discrete tokens for any model. ok is false if it was not scored.
func (s *Statistics) Surprise(ell int) (e info.Estimate, ok bool) {
	for _, l := range s.StartLosses() {
		if l.Ell != ell {
			continue
		}
		sums := make([][]float64, len(l.Sums))
		for c, v := range l.Sums {
			sums[c] = []float64{v}
		}
		value, cov := ratioMean(sums, s.counts(1))
		if cov == nil {
			return e, false
		}
		return info.Estimate{Value: value[0], SE: math.Sqrt(cov[0][0])}, true
	}
	return e, false
}
