// Package lm defines what a sequence model is to l2m: something that returns
// ln q(token | preceding tokens), along a sequence and along branches off it.
//
// Everything is generic in the token type T: token.ID for discrete sequences
// (q is a probability), float64 or []float64 for continuous ones (q is a
// probability density, and log-probabilities may be positive).
package lm

import (
	"context"
	"fmt"
)

// Request asks for ln q(token | preceding tokens) along Tokens and along every
// branch off it. Engines that can fork their state score the shared prefix
// once. A Request may have no Tokens beyond what its branches need.
type Request[T any] struct {
	Tokens   []T
	Branches []Branch[T]
}

// Branch continues from Tokens[:At]: its i-th token is scored given
// Tokens[:At] followed by the branch's own first i tokens. At may be 0 (the
// branch starts afresh) up to len(Tokens). Branches of one request need not be
// sorted.
type Branch[T any] struct {
	At     int
	Tokens []T
}

// Scores answers a Request: natural logarithms, one per token, in the order of
// the request. Branches[b][i] belongs to Request.Branches[b].Tokens[i].
type Scores struct {
	Tokens   []float32
	Branches [][]float32
}

// RoundingTolerance, in nats, allows for rounding in a softmax: log-probabilities up to
// it are accepted.
const RoundingTolerance = 1e-5

// Model is an autoregressive model of sequences. LogProbs must be safe for
// concurrent use, must not depend on earlier calls, and must not keep or
// change the request's slices.
type Model[T any] interface {
	Info() Info
	LogProbs(ctx context.Context, r Request[T]) (Scores, error)
}

// Info describes a model. Fingerprint identifies everything that determines
// its log-probabilities (weights, settings, version of the algorithm): stored
// scores are keyed by it.
type Info struct {
	Name        string  `json:"name"`
	Vocabulary  int     `json:"vocabulary,omitempty"` // number of tokens; 0 for densities
	Density     bool    `json:"density,omitempty"`    // q is a density: log-probabilities may be positive
	BOS         BOSRule `json:"bos"`                  // see BOSRule
	BOSToken    string  `json:"bos_token,omitempty"`  // what precedes every sequence: id and text, where BOS is prepended and it is known
	Context     int     `json:"context,omitempty"`    // longest sequence in tokens; 0 = unlimited
	File        string  `json:"file,omitempty"`       // name of the file that holds the weights, without its folder
	FileType    string  `json:"file_type,omitempty"`  // how the weights are stored: F32, Q4_1, …
	FileHash    string  `json:"file_hash,omitempty"`  // "sha256:" and the hash of the file, or "sample:" and one of parts of a large file
	Fingerprint string  `json:"fingerprint"`
}

// CheckWindow returns an error if windows of that many tokens are longer than the
// context.
func (i Info) CheckWindow(tokens int) error {
	if i.Context > 0 && tokens > i.Context {
		return fmt.Errorf("windows of %d tokens are longer than the context of model %s, %d tokens (choose --length %d or less)", tokens, i.Name, i.Context, i.Context)
	}
	return nil
}
