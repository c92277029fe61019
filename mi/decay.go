package mi

import "github.com/l2m-lab/l2m/info"

// DecayFit is a fit of A·d^−α (+ floor c) to two-point mutual information.
type DecayFit struct {
	A             float64        `json:"a"`     // nats at d = 1
	Alpha         float64        `json:"alpha"` // decay exponent
	Floor         float64        `json:"floor"` // c of A·d^−α + c, nats; 0 ≤ c < min
	AInterval     *info.Interval `json:"a_interval,omitempty"`
	AlphaInterval *info.Interval `json:"alpha_interval,omitempty"`
	Chi2          float64        `json:"chi2"`
	DoF           int            `json:"dof"`
	Used          []bool         `json:"used"` // which distances were fitted
	Rivals        []DecayRival   `json:"rivals,omitempty"`
	Warnings      []info.Warning `json:"warnings,omitempty"`
}

// DecayRival is another family of decay fitted to the same points.
type DecayRival struct {
	Family string             `json:"family"` // "floored-power", "broken-power", "exponential"
	Params map[string]float64 `json:"params"`
	AICc   float64            `json:"aicc"`
	Weight float64            `json:"weight"`
}
