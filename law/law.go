// Package law fits scaling laws to information measured at several lengths:
// families, generalised least squares, bootstrap intervals and model choice.
package law

import "github.com/l2m-lab/l2m/info"

// Data is a set of correlated estimates at increasing lengths.
type Data struct {
	L   []float64   // lengths (tokens or bytes), strictly increasing
	I   []float64   // estimates in nats; may be negative
	Cov [][]float64 // covariance of I, nats²

	// Optional, for the cluster bootstrap: see mi.Series.
	Sums, Counts [][]float64
}

// Family names a scaling-law family.
type Family string

// The families (theory: docs/method.md).
const (
	Power       Family = "power"        // A·L^β
	OffsetPower Family = "offset-power" // A·L^β + c
	Logarithm   Family = "logarithm"    // a + b·ln L
	Volume      Family = "volume"       // a·L
	Saturation  Family = "saturation"   // a·(1 − (1+L/L0)^−γ)
	Zero        Family = "zero"         // no information at any length
)

// Param is a fitted parameter.
type Param struct {
	Name     string         `json:"name"`
	Value    float64        `json:"value"`
	SE       float64        `json:"se"`
	Interval *info.Interval `json:"interval,omitempty"`
}

// Fit is one family fitted by generalised least squares.
type Fit struct {
	Family Family  `json:"family"`
	Params []Param `json:"params"`
	Chi2   float64 `json:"chi2"`
	DoF    int     `json:"dof"`
	P      float64 `json:"p"` // probability of a larger misfit were the family true
	AICc   float64 `json:"aicc"`
	Weight float64 `json:"weight"` // Akaike weight among the fitted families
}

// Local is the local exponent d ln I / d ln L between neighbouring lengths.
type Local struct {
	From     float64        `json:"from"`
	To       float64        `json:"to"`
	Exponent float64        `json:"exponent"`
	SE       float64        `json:"se"`
	Interval *info.Interval `json:"interval,omitempty"`
}

// Verdict says in one word what the data support.
type Verdict string

// The verdicts.
const (
	PowerLawHolds    Verdict = "power-law"     // fits, positive, and no rival is clearly better
	PowerLawRejected Verdict = "not-power-law" // significant information, but the residuals or a rival reject a single power law
	NoInformation    Verdict = "none"          // indistinguishable from zero
	Undecided        Verdict = "undecided"     // too few points or documents to tell
)

// Analysis is everything the data say about the law.
type Analysis struct {
	Power    *Fit           `json:"power,omitempty"`  // nil when it cannot be fitted; see Warnings
	Rivals   []Fit          `json:"rivals,omitempty"` // other families, best first
	Local    []Local        `json:"local,omitempty"`
	Verdict  Verdict        `json:"verdict"`
	Reason   string         `json:"reason"` // the verdict in a sentence
	Used     []bool         `json:"used"`   // which points the fit used
	Warnings []info.Warning `json:"warnings,omitempty"`
}
