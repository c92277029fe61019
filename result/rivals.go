package result

// RivalsSchema is the version of the Rivals document.
const RivalsSchema = "l2m.rivals/1"

// Rivals compares estimators at growing dimension, written to rivals.json.
type Rivals struct {
	Schema  string       `json:"schema"`
	Version string       `json:"version"`
	Seed    uint64       `json:"seed"`
	Points  []RivalPoint `json:"points"`
}

func (*Rivals) about() about      { return about{RivalsSchema, "the comparison of estimators", " "} }
func (r *Rivals) header() *string { return &r.Schema }

// Validate finds nothing: any such document can be shown.
func (*Rivals) Validate() error { return nil }

// RivalPoint is one estimator on one task. A task that an estimator cannot do
// is a row with an Error.
type RivalPoint struct {
	Estimator   string  `json:"estimator"`
	Process     string  `json:"process"`
	Length      int     `json:"length"`     // tokens of X and Y together
	Dimensions  int     `json:"dimensions"` // numbers, or symbols, in X and Y together
	Samples     int     `json:"samples"`    // pairs per estimate
	Repetitions int     `json:"repetitions"`
	Truth       float64 `json:"truth"` // nats
	Mean        float64 `json:"mean"`
	Spread      float64 `json:"spread"` // standard deviation over repetitions
	Error       string  `json:"error,omitempty"`
}
