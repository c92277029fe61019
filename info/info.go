// Package info holds the vocabulary in which every measured quantity is
// stated: information in nats, estimates with their errors, intervals that
// carry their level and method, warnings that carry their cure, and the
// progress and version that long jobs report. It imports nothing of ours, so
// that every other package can speak it.
package info

import "math"

// Nats is an amount of information in natural units (1 nat = 1/ln 2 bits).
type Nats float64

// Bits converts to bits.
func (n Nats) Bits() float64 { return float64(n) / math.Ln2 }

// DefaultLevel is the confidence level of intervals where none is asked for.
const DefaultLevel = 0.95

// Z95 is the 97.5 % point of the standard normal distribution: half the width of
// a 95 % interval in standard errors.
const Z95 = 1.959963984540054

// Interval is a two-sided interval at confidence Level (0.95 for 95 %).
// Draws is the number of bootstrap replicates behind it that could be used,
// 0 when the interval is analytic.
type Interval struct {
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
	Level  float64 `json:"level"`
	Method string  `json:"method"`
	Draws  int     `json:"draws,omitempty"`
}

// Contains reports whether x lies in the closed interval.
func (i Interval) Contains(x float64) bool { return i.Lo <= x && x <= i.Hi }

// Estimate is an estimated quantity in the unit that its place names.
type Estimate struct {
	Value    float64   `json:"value"`
	SE       float64   `json:"se,omitempty"`       // standard error; 0 (omitted) when it is unknown
	Interval *Interval `json:"interval,omitempty"` // nil when there is none
}

// Bounds are the ends of the interval, or twice the value where there is none.
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

// Warning is a caveat that travels with a result. Code is a short stable
// identifier (kebab-case), Text says what is the matter, Fix what the user can
// do about it. Libraries never print; faces of a result show warnings as
// footnotes.
type Warning struct {
	Code string `json:"code"`
	Text string `json:"text"`
	Fix  string `json:"fix,omitempty"`
}
