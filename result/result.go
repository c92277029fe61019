// Package result holds the documents that verbs produce, and reads and writes
// them: JSON with a schema, and CSV. It knows nothing of how they were made or
// how they are shown.
package result

import (
	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/law/decay"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/mi"
)

// Schema is the version of the Result document, written to results.json.
const Schema = "l2m.results/1"

// Result is the findings of one run.
type Result struct {
	Schema   string     `json:"schema"`
	Verb     string     `json:"verb"`    // "measure", "twopoint", …
	Command  string     `json:"command"` // canonical command line that repeats the run
	Version  string     `json:"version"` // of l2m
	Corpus   Corpus     `json:"corpus"`
	Model    Model      `json:"model"`
	Windows  Windows    `json:"windows"`
	Plan     Plan       `json:"plan"`
	Loss     Loss       `json:"loss"`
	Series   []Series   `json:"series,omitempty"`   // first one is the headline
	Triangle []mi.Point `json:"triangle,omitempty"` // I(ell;L) over ell at fixed L, from the joint pass
	Peak     *mi.Peak   `json:"peak,omitempty"`     // where the triangle is largest
	// Bracket bounds the information at the longest length, whatever the estimates.
	Bracket  *mi.Bracket `json:"bracket,omitempty"`
	TwoPoint *TwoPoint   `json:"twopoint,omitempty"`
	Audit    *Audit      `json:"audit,omitempty"` // of the model configurations that were given
	// Findings are the checks that failed, most serious first: what makes the
	// estimates something else than the information of the text.
	Findings []check.Finding `json:"findings,omitempty"`
	Warnings []info.Warning  `json:"warnings,omitempty"`
}

func (*Result) about() about      { return about{Schema, "results", "  "} }
func (r *Result) header() *string { return &r.Schema }

// Series is one estimator at one ratio together with its law.
type Series struct {
	mi.Series
	Law *law.Analysis `json:"law,omitempty"`
}

// Corpus says what was read.
type Corpus struct {
	Paths       []string       `json:"paths"`
	Documents   int            `json:"documents"` // distinct
	Bytes       int64          `json:"bytes"`
	Training    int            `json:"training_documents"`
	Evaluation  int            `json:"evaluation_documents"`
	Duplicates  int            `json:"duplicates"`
	Skipped     map[string]int `json:"skipped,omitempty"` // reason → files, or records within files
	Read        string         `json:"read,omitempty"`    // what files held, and which were skipped, in words
	Tokenizer   string         `json:"tokenizer"`
	Fingerprint string         `json:"fingerprint"`
}

// Model says what scored it.
type Model struct {
	lm.Info
	TrainingBytes int64 `json:"training_bytes,omitempty"`
}

// Windows says what was scored.
type Windows struct {
	Length      int    `json:"length"` // tokens
	Count       int    `json:"count"`
	Documents   int    `json:"documents"`
	Clusters    int    `json:"clusters"`
	ClusterKind string `json:"cluster_kind"` // "document", or "block" of a single document
	Seed        uint64 `json:"seed"`
	// BytesPerToken is the mean length of the windows' tokens in the text; 0 where
	// there is no text.
	BytesPerToken float64 `json:"bytes_per_token,omitempty"`
}

// Plan says what the scoring cost.
type Plan struct {
	Splits      []int `json:"splits"`
	Ratios      []int `json:"ratios"`
	Cross       int   `json:"cross"`        // cross contexts per window
	Tokens      int64 `json:"tokens"`       // scored
	NaiveTokens int64 `json:"naive_tokens"` // that full-length passes would score
}

// Loss is the mean negative log-probability.
type Loss struct {
	NatsPerToken float64        `json:"nats_per_token"`
	SE           float64        `json:"se"`
	BitsPerByte  float64        `json:"bits_per_byte"`
	Positions    []PositionLoss `json:"positions,omitempty"`
}

// PositionLoss is the mean loss of the tokens at positions From..To (from 1,
// inclusive) of a window, nats per token.
type PositionLoss struct {
	From int     `json:"from"`
	To   int     `json:"to"`
	Mean float64 `json:"mean"`
	SE   float64 `json:"se"`
}

// TwoPoint is I(w_i; w_{i+d}) over distances d.
type TwoPoint struct {
	Estimator string `json:"estimator"`
	Tokens    int64  `json:"tokens"`
	Documents int64  `json:"documents"` // that were counted
	// Blocks is the number of blocks that were left out in turn for errors, 0 where
	// there were none: of whole documents, or, where BlockTokens is above 0, of runs
	// of that many tokens.
	Blocks      int             `json:"blocks"`
	BlockTokens int             `json:"block_tokens,omitempty"`
	Corrected   bool            `json:"corrected"` // floors are subtracted from the values
	Points      []TwoPointPoint `json:"points"`
	Law         *decay.Law      `json:"law,omitempty"`
	// CovarianceLaw is the decay of the norm of the lag covariance, where there
	// is one; its A and floor have no unit.
	CovarianceLaw *decay.Law     `json:"covariance_law,omitempty"`
	Warnings      []info.Warning `json:"warnings,omitempty"`
}

// TwoPointPoint is the two-point mutual information at one distance.
type TwoPointPoint struct {
	Distance int       `json:"distance"` // tokens
	Pairs    int64     `json:"pairs"`
	Value    info.Nats `json:"nats"`
	SE       info.Nats `json:"se"`
	Method   string    `json:"se_method"`        // mi.Jackknife over blocks, or mi.Bound for independent pairs
	Blocks   float64   `json:"blocks,omitempty"` // as many equal blocks as vary like these; see mi.TwoPointEstimate
	Floor    info.Nats `json:"floor"`            // the estimate on shuffled pairs
	Limit    info.Nats `json:"limit"`            // what a value must exceed to be distinguishable from zero
	// LeftOut says why the point is not fitted; "" if it is.
	LeftOut decay.LeftOut `json:"left_out,omitempty"`
	// Attenuation is about the share of a weak dependence that is lost with the
	// floor; see mi.Attenuation.
	Attenuation float64 `json:"attenuation,omitempty"`

	Covariance *mi.LagCovariance `json:"covariance,omitempty"` // a second measure of dependence; small vocabularies only
}
