// Package law fits scaling laws to information measured at several lengths:
// families, generalised least squares, bootstrap intervals and model choice.
//
// The input, [Data], is a series of estimates I_i in nats at lengths L_i with their
// covariance and, for intervals, the sums per document behind them. [Analyze] fits
//
//	I(L) = A·L^β
//
// on the linear scale, so that estimates at or below zero can be used:
//
//  1. A and β minimise (I − A·L^β)ᵀ W (I − A·L^β), where W is the inverse of the
//     covariance, its correlations shrunk towards their means over equal lags.
//  2. Intervals are studentised bootstrap intervals over documents.
//  3. Rival families are fitted with the same W and compared by AICc.
//  4. The residuals are tested against an F distribution.
//
// See docs/law.md for the reasons.
//
// Cost: about 30 µs per bootstrap draw at 400 documents and 10 lengths. The result is
// deterministic for a given seed.
package law

import "github.com/l2m-lab/l2m/info"

// Data is a set of correlated estimates at increasing lengths.
type Data struct {
	L   []float64   // lengths (tokens or bytes), strictly increasing
	I   []float64   // estimates in nats; may be negative
	Cov [][]float64 // covariance of I, nats²; nil to compute it from Sums

	// Optional, for the cluster bootstrap: see mi.Series.
	Sums, Counts [][]float64

	Unit   string // what L counts: "token" or "byte"; goes into Analysis.Law
	Source string // what was measured; goes into Analysis.Law
}

// Family names a scaling-law family.
type Family string

// The families (theory: docs/law.md).
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
	Name          string `json:"name"`
	info.Estimate        // SE is the sandwich standard error; 0 if the data do not determine the parameter
}

// Fit is one family fitted by generalised least squares.
type Fit struct {
	Family Family  `json:"family"`
	Params []Param `json:"params"`
	Chi2   float64 `json:"chi2"`
	DoF    int     `json:"dof"`
	P      float64 `json:"p"` // F test: probability of a larger misfit if the family were true; 1 when DoF is 0
	AICc   float64 `json:"aicc"`
	Weight float64 `json:"weight"` // Akaike weight among the fitted families
}

// Param returns a parameter by name; ok is false if there is none.
func (f *Fit) Param(name string) (p Param, ok bool) {
	for _, p := range f.Params {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

// Local is the local exponent d ln I / d ln L between neighbouring lengths.
type Local struct {
	From     float64        `json:"from"`
	To       float64        `json:"to"`
	Exponent float64        `json:"exponent"`
	SE       float64        `json:"se"`
	Interval *info.Interval `json:"interval,omitempty"`
}

// Verdict is the conclusion in one word.
type Verdict string

// The verdicts.
const (
	PowerLawHolds    Verdict = "power-law"     // fits, from Analysis.From on, and no rival is as good
	PowerLawRejected Verdict = "not-power-law" // significant information, but the residuals or a rival reject a single power law
	NoInformation    Verdict = "none"          // not distinguishable from zero
	Undecided        Verdict = "undecided"     // too few points or documents to tell
)

// Draw is one bootstrap replicate of the power law: ln A and β.
type Draw struct{ LogA, Beta float64 }

// Analysis is the result of Analyze.
type Analysis struct {
	Power    *Fit           `json:"power,omitempty"`  // nil if it cannot be fitted; see Warnings
	Law      *PowerLaw      `json:"law,omitempty"`    // the same with the joint covariance of ln A and β
	Misfit   float64        `json:"misfit,omitempty"` // largest |I − fit|/fit over the used points whose residual exceeds two standard errors
	Rivals   []Fit          `json:"rivals,omitempty"` // other families, best first
	Local    []Local        `json:"local,omitempty"`
	Verdict  Verdict        `json:"verdict"`
	Reason   string         `json:"reason"`         // the verdict in a sentence
	Used     []bool         `json:"used"`           // which points the fit used
	From     float64        `json:"from,omitempty"` // first length of the scaling range: shorter lengths do not follow the power law; 0 when all do, or none
	Clusters int            `json:"clusters,omitempty"`
	Warnings []info.Warning `json:"warnings,omitempty"`

	Draws []Draw `json:"-"` // bootstrap replicates that could be fitted
}
