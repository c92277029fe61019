package result

import (
	"errors"
	"fmt"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
)

// CompareSchema is the version of the Comparison document, written to
// compare.json.
const CompareSchema = "l2m.compare/2"

// Comparison holds scored runs of several models against the first of them.
type Comparison struct {
	Schema    string         `json:"schema"`
	Command   string         `json:"command"`
	Version   string         `json:"version"`
	Unit      string         `json:"unit"`      // of lengths and of losses: "byte", "token", … ; "byte" where tokenizers differ
	Paired    bool           `json:"paired"`    // all runs are, see ComparedRun; else everything is per byte
	Length    int            `json:"length"`    // of the windows of the first run, tokens
	Documents int            `json:"documents"` // of the first run
	Level     float64        `json:"level"`     // of intervals
	Runs      []ComparedRun  `json:"runs"`
	Models    *Extrapolation `json:"models,omitempty"` // the law as a function of the loss, where there are three or more
	Warnings  []info.Warning `json:"warnings,omitempty"`
}

func (*Comparison) about() about      { return about{CompareSchema, "the comparison", "  "} }
func (c *Comparison) header() *string { return &c.Schema }

// Validate says what keeps a comparison from being shown.
func (c *Comparison) Validate() error {
	if len(c.Runs) < 2 {
		return errors.New("fewer than two runs: the document is damaged")
	}
	if err := c.Models.validate(len(c.Runs)); err != nil {
		return err
	}
	for i, r := range c.Runs {
		if r.Estimator == "" && len(r.Information) == 0 {
			continue // nothing was estimated
		}
		if err := knownEstimator(fmt.Sprintf(".runs[%d]", i), mi.Estimator(r.Estimator)); err != nil {
			return err
		}
	}
	return nil
}

// ComparedRun is one run. Differences are this run minus the first; the first
// has none.
type ComparedRun struct {
	Run           string            `json:"run"` // directory
	Model         string            `json:"model"`
	Fingerprint   string            `json:"fingerprint"`
	Tokenizer     string            `json:"tokenizer"`
	Paired        bool              `json:"paired"` // scored the windows of the first run: differences are taken document by document
	BytesPerToken float64           `json:"bytes_per_token,omitempty"`
	Loss          info.Estimate     `json:"loss"` // nats per unit, whole windows
	Difference    *info.Estimate    `json:"difference,omitempty"`
	Positions     []ComparedBin     `json:"positions"`
	Estimator     string            `json:"estimator"` // of Information
	Information   []ComparedPoint   `json:"information"`
	Stop          Stop              `json:"stop"` // in tokens of this run
	Capacity      *ComparedCapacity `json:"capacity,omitempty"`
}

// ComparedBin is the loss at positions From to To of a window (from 1, in
// units), nats per unit.
type ComparedBin struct {
	From       float64        `json:"from"`
	To         float64        `json:"to"`
	Loss       info.Estimate  `json:"loss"`
	Difference *info.Estimate `json:"difference,omitempty"`
}

// ComparedPoint is the information about the next Ell units of text that the
// model takes from the last Ell. Of runs that are not paired, Ell are lengths of the
// first run, between which and their own lengths ln I is interpolated in ln ell.
type ComparedPoint struct {
	Ell        float64        `json:"ell"`
	Nats       info.Estimate  `json:"nats"`
	Difference *info.Estimate `json:"difference,omitempty"` // nats
	Lost       *info.Estimate `json:"lost,omitempty"`       // percent of what the first run takes; negative: gained
}

// ComparedCapacity is what an element of the model's history state carries at
// least: the information taken from Ell tokens, divided by the elements kept of
// them, where that is largest.
type ComparedCapacity struct {
	Config         string        `json:"config"`
	Ell            int           `json:"ell"`      // tokens
	Elements       float64       `json:"elements"` // kept after Ell tokens
	NatsPerElement info.Estimate `json:"nats_per_element"`
}

// Stop is where a model stops gaining from more context.
type Stop struct {
	Found   bool    `json:"found"`             // false: it gains up to the longest context measured
	At      float64 `json:"at,omitempty"`      // tokens of context
	Lo      float64 `json:"lo,omitempty"`      // interval
	Hi      float64 `json:"hi,omitempty"`      // 0: not below Longest
	Longest int     `json:"longest"`           // the longest context measured, tokens
	Share   float64 `json:"share"`             // of the resampled document sets in which an end was found
	Plateau float64 `json:"plateau,omitempty"` // information from there on, nats
	Level   float64 `json:"level"`
	Reason  string  `json:"reason,omitempty"` // why there is no answer
}

// Extrapolation is the law as a function of the models' loss, from runs of the first
// run's windows: at each length the information that models take lies on a line in
// their loss. Lengths are in tokens, losses in nats per token.
type Extrapolation struct {
	Reason string    `json:"reason,omitempty"` // why there is no line; everything else is then empty
	Runs   []LossLaw `json:"runs,omitempty"`   // each model's own law, the highest loss first
	Lowest *LossLaw  `json:"lowest,omitempty"` // on the line, at the lowest loss
	Ideal  *LossLaw  `json:"ideal,omitempty"`  // on the line, at the loss that was given for a perfect model

	Gain     info.Estimate  `json:"gain"`              // of information at the longest length, nats, where the loss falls by one nat per token
	BetaGain info.Estimate  `json:"beta_gain"`         // of the exponent, likewise, near the lowest loss
	Missing  *info.Estimate `json:"missing,omitempty"` // exponent at Ideal minus that of the best model: how much the model takes from it; nil where either is no law
	Reach    float64        `json:"reach,omitempty"`   // how far Ideal lies below the lowest loss, over the distance from the highest to the lowest
	Residual Residual       `json:"residual"`          // the model that is farthest from the line
}

// validate says what keeps an extrapolation over some runs from being shown.
func (x *Extrapolation) validate(runs int) error {
	if x == nil || x.Reason != "" {
		return nil
	}
	if x.Lowest == nil || x.Residual.Run >= runs {
		return errors.New(".models: the document is damaged")
	}
	for i, l := range x.Runs {
		if l.Run < 0 || l.Run >= runs {
			return fmt.Errorf(".models.runs[%d].run is %d, of %d runs: the document is damaged", i, l.Run, runs)
		}
	}
	return nil
}

// LossLaw is the law I(L/2;L) = A·L^Beta at a loss, fitted over all lengths.
type LossLaw struct {
	Run  int           `json:"run"` // index in Comparison.Runs; -1: on the line
	Loss info.Estimate `json:"loss"`
	A    info.Estimate `json:"a"`
	Beta info.Estimate `json:"beta"`
	Nats info.Estimate `json:"nats"` // at the longest length
}

// Residual is the distance of a model from the line at the longest length, nats; Run is
// -1 if errors are not known.
type Residual struct {
	Run  int           `json:"run"`
	Nats info.Estimate `json:"nats"`
}
