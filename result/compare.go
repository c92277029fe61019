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
	Warnings  []info.Warning `json:"warnings,omitempty"`
}

func (*Comparison) about() about      { return about{CompareSchema, "the comparison", "  "} }
func (c *Comparison) header() *string { return &c.Schema }

// Validate says what keeps a comparison from being shown.
func (c *Comparison) Validate() error {
	if len(c.Runs) < 2 {
		return errors.New("fewer than two runs: the document is damaged")
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
