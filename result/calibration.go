package result

import (
	"fmt"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/process"
)

// NoInformation is what rounding leaves of no information, nats.
const NoInformation = 1e-9

// CalibrationSchema is the version of the Calibration document.
const CalibrationSchema = "l2m.calibration/1"

// Calibration is the findings of a calibration, written to calibration.json.
type Calibration struct {
	Schema  string              `json:"schema"`
	Version string              `json:"version"` // of l2m
	Command string              `json:"command"` // canonical command line that repeats the calibration
	Options CalibrationSettings `json:"options"`
	// Coverage counts the 95 % intervals of β over all cells with undamaged models;
	// nil when none was fitted.
	Coverage *CalibrationCoverage `json:"coverage,omitempty"`
	Cells    []CalibrationCell    `json:"cells"`
}

func (*Calibration) about() about      { return about{CalibrationSchema, "the calibration", " "} }
func (c *Calibration) header() *string { return &c.Schema }

// Validate says what keeps a calibration from being shown: names that l2m does
// not write.
func (c *Calibration) Validate() error {
	for i, cell := range c.Cells {
		at := fmt.Sprintf(".cells[%d]", i)
		if err := knownDamage(at, cell.Damage); err != nil {
			return err
		}
		for j, e := range cell.Estimators {
			if err := knownEstimator(fmt.Sprintf("%s.estimators[%d]", at, j), e.Estimator); err != nil {
				return err
			}
		}
	}
	return nil
}

// CalibrationCoverage is how many intervals contain the truth.
type CalibrationCoverage struct {
	Covered  int     `json:"covered"`
	Of       int     `json:"of"`
	Coverage float64 `json:"coverage"` // Covered / Of
}

// CalibrationSettings are the options that determine the result.
type CalibrationSettings struct {
	Length      int     `json:"length"` // tokens per window
	Repetitions int     `json:"repetitions"`
	Draws       int     `json:"draws"` // bootstrap replicates per interval
	Cross       int     `json:"cross"`
	Seed        uint64  `json:"seed"`
	Level       float64 `json:"level"` // of the intervals
}

// CalibrationCell is one combination of process, damage and sample size.
type CalibrationCell struct {
	Process    process.Description    `json:"process"`
	Damage     string                 `json:"damage"`
	Windows    int                    `json:"windows"` // per repetition, each a document
	Estimators []EstimatorCalibration `json:"estimators"`
	Headline   *CalibrationHeadline   `json:"headline,omitempty"` // nil when the first estimator has no estimates
	Efficiency []Efficiency           `json:"efficiency,omitempty"`
	Notes      []string               `json:"notes,omitempty"`
}

// CalibrationHeadline is what l2m measure would say first: the estimate of the first
// estimator at the longest length, what the checks find, and the verdict. It counts
// repetitions.
type CalibrationHeadline struct {
	PointCalibration
	Findings map[check.Code]int  `json:"findings"` // in which a check fired
	Flagged  int                 `json:"flagged"`  // in which any did
	Silent   int                 `json:"silent"`   // in which the interval misses the truth and no check fired
	Verdicts map[law.Verdict]int `json:"verdicts"` // after the checks withdrew some
	// Lower and Upper are the median ends of the bracket, nats; Upper is 0 where no
	// repetition has one. Outside counts the repetitions with the truth outside.
	Lower   float64 `json:"lower"`
	Upper   float64 `json:"upper,omitempty"`
	Outside int     `json:"outside"`
}

// EstimatorCalibration is how one estimator did.
type EstimatorCalibration struct {
	Estimator   mi.Estimator          `json:"estimator"`
	Repetitions int                   `json:"repetitions"`
	Fitted      int                   `json:"fitted"` // repetitions in which a power law could be fitted
	Beta        *ParameterCalibration `json:"beta,omitempty"`
	A           *ParameterCalibration `json:"a,omitempty"`
	Points      []PointCalibration    `json:"points"`
	Verdicts    map[law.Verdict]int   `json:"verdicts"`
	Best        map[law.Family]int    `json:"best"` // family of the largest Akaike weight
	// Bounded counts the repetitions in which the best family, as fitted, stays
	// finite at any length: saturation, or an offset power law of exponent < 0.
	Bounded int `json:"bounded"`
}

// Summary is how estimates scatter around a truth, over repetitions.
type Summary struct {
	Truth      float64       `json:"truth"`
	Mean       float64       `json:"mean"`
	Bias       float64       `json:"bias"`    // mean − truth
	BiasSE     float64       `json:"bias_se"` // standard error of Bias, from the number of repetitions
	Spread     float64       `json:"spread"`  // standard deviation over repetitions
	RMSE       float64       `json:"rmse"`
	Covered    int           `json:"covered"` // 95 % intervals that contain the truth
	Of         int           `json:"of"`
	Coverage   float64       `json:"coverage"`          // Covered / Of
	CoverageCI info.Interval `json:"coverage_interval"` // Clopper–Pearson
	Width      float64       `json:"width"`             // median width of the intervals
}

// ParameterCalibration is a Summary of A or β.
type ParameterCalibration struct {
	Summary
	// Exact says that the exact curve is a power law; otherwise Truth is the
	// parameter of the power law fitted to the exact curve with the average
	// covariance of the estimates for its weights.
	Exact bool `json:"exact"`
}

// PointCalibration is a Summary of the information at one length, in nats.
type PointCalibration struct {
	Ell    int `json:"ell"`
	Length int `json:"length"`
	Summary
	MeanSE float64 `json:"mean_se"` // mean of the stated standard errors, to compare with Spread
}

// Efficiency compares schemes by the tokens they need for the same standard
// error of β.
type Efficiency struct {
	Scheme   string  `json:"scheme"`   // estimator and fit
	Spread   float64 `json:"spread"`   // standard deviation of β over repetitions
	Tokens   int64   `json:"tokens"`   // scored per repetition
	Relative float64 `json:"relative"` // Tokens·Spread², that of the best scheme being 1
}
