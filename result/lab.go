package result

import (
	"encoding/json"
	"fmt"
)

// LabSchema is the version of the Lab document.
const LabSchema = "l2m.lab/1"

// Lab is what a run of l2m lab train found, written to lab.json.
type Lab struct {
	Schema       string          `json:"schema"`
	Command      string          `json:"command,omitempty"`
	Version      string          `json:"version,omitempty"`
	Name         string          `json:"name"`             // of the recipe
	Data         string          `json:"data"`             // that it trained on
	Recipe       json.RawMessage `json:"recipe"`           // with all its settings, see lab/train.Recipe
	Corpus       string          `json:"corpus,omitempty"` // fingerprint of the text
	Parameters   int             `json:"parameters"`
	Steps        int             `json:"steps"`
	Tokens       int64           `json:"tokens"`                // trained on
	Seconds      float64         `json:"cpu_seconds,omitempty"` // user time of the processor of steps and evaluations, another in every run; 0: not known
	Instructions string          `json:"instructions"`          // the set that computed: decides the last digits
	Rates        []LabRate       `json:"rates,omitempty"`
	Curve        []LabStretch    `json:"curve"`
	Evaluations  []LabEvaluation `json:"evaluations"`
}

// LabRate is a learning rate that was tried.
type LabRate struct {
	Rate     float64 `json:"rate"`
	Loss     float64 `json:"loss"` // mean of the last tenth of the trial's steps, nats; 0 when it diverged
	Diverged bool    `json:"diverged,omitempty"`
}

// LabStretch is the mean over some steps of training, the last of which is Step.
type LabStretch struct {
	Step int     `json:"step"`
	Loss float64 `json:"loss"`          // nats
	Norm float64 `json:"gradient_norm"` // before clipping
}

// LabEvaluation is how well a model predicts sequences of one length; its fields
// are those of lab/train.Evaluation.
type LabEvaluation struct {
	Step       int       `json:"step"`
	Length     int       `json:"length"`                // tokens
	Sequences  int       `json:"sequences"`             // evaluated
	Loss       float64   `json:"loss"`                  // nats a token that counts, or of vectors a number
	ByPosition []float64 `json:"by_position,omitempty"` // the loss of each token
	Exact      []float64 `json:"exact,omitempty"`       // what the true law loses, by position
	Divergence []float64 `json:"divergence,omitempty"`  // of the law of symbols from the true one, by position, nats
	Gain       []float64 `json:"gain,omitempty"`        // information about a token, or a number of it, in its past, by position, nats
	Gap        *float64  `json:"gap,omitempty"`         // what is lost beyond the true law over gain, both summed
	Accuracy   *float64  `json:"accuracy,omitempty"`    // share of answers that are right
}

func (*Lab) about() about      { return about{LabSchema, "the result of a training", "  "} }
func (l *Lab) header() *string { return &l.Schema }

// Validate says what keeps a document from being shown.
func (l *Lab) Validate() error {
	for i, e := range l.Evaluations {
		for name, n := range map[string]int{"by_position": len(e.ByPosition), "exact": len(e.Exact), "divergence": len(e.Divergence), "gain": len(e.Gain)} {
			if n != 0 && n != e.Length {
				return fmt.Errorf(".evaluations[%d].%s has %d numbers for %d tokens", i, name, n, e.Length)
			}
		}
	}
	return nil
}

// Last is the evaluation of the finished model at its longest length, and its
// place among the evaluations; nil without any.
func (l *Lab) Last() (e *LabEvaluation, at int) {
	for i := range l.Evaluations {
		if c := &l.Evaluations[i]; c.Step == l.Steps && (e == nil || c.Length > e.Length) {
			e, at = c, i
		}
	}
	return e, at
}
