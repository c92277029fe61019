// Package info holds the types that every other package uses to state what it
// measured: information in nats, estimates with standard errors and intervals,
// warnings that say what to do, histograms of counts, and the progress and
// version of a run. It imports no other package of l2m.
package info

import "math"

// Nats is an amount of information in natural units (1 nat = 1/ln 2 bits).
type Nats float64

// Bits converts to bits.
func (n Nats) Bits() float64 { return float64(n) / math.Ln2 }

// DefaultLevel is the default confidence level.
const DefaultLevel = 0.95

// Z95 is the 97.5 % quantile of the standard normal distribution: half the width
// of a 95 % interval in standard errors.
const Z95 = 1.959963984540054

// Interval is a two-sided interval at confidence Level (0.95 for 95 %).
// Draws is the number of usable bootstrap replicates behind it, 0 when the
// interval is analytic.
type Interval struct {
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
	Level  float64 `json:"level"`
	Method string  `json:"method"`
	Draws  int     `json:"draws,omitempty"`
}

// Contains reports whether x lies in the closed interval.
func (i Interval) Contains(x float64) bool { return i.Lo <= x && x <= i.Hi }

// Estimate is an estimated quantity, in the unit that the field holding it states.
type Estimate struct {
	Value    float64   `json:"value"`
	SE       float64   `json:"se,omitempty"`       // standard error; 0 when unknown
	Interval *Interval `json:"interval,omitempty"` // nil when there is none
}

// Bounds are the ends of the interval; both are the value when there is none.
func (e Estimate) Bounds() (lo, hi float64) {
	if e.Interval == nil {
		return e.Value, e.Value
	}
	return e.Interval.Lo, e.Interval.Hi
}

// Scale is the estimate times a constant.
func (e Estimate) Scale(by float64) Estimate {
	out := Estimate{Value: by * e.Value, SE: math.Abs(by) * e.SE}
	if e.Interval != nil {
		i := *e.Interval
		i.Lo, i.Hi = min(by*e.Interval.Lo, by*e.Interval.Hi), max(by*e.Interval.Lo, by*e.Interval.Hi)
		out.Interval = &i
	}
	return out
}

// Warning is a caveat that travels with a result: a short stable code in
// kebab-case, what is wrong, and what the user can do about it. Packages return
// warnings and never print them; reports show them as footnotes.
type Warning struct {
	Code string `json:"code"`
	Text string `json:"text"`
	Fix  string `json:"fix,omitempty"`
}
