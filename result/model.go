package result

import (
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/mi"
)

// ModelEvaluation is how well a model predicts windows of text, each scored
// from the state in which the model was saved.
type ModelEvaluation struct {
	Model         lm.Info `json:"model"`
	Documents     int     `json:"documents"` // that the windows come from
	Windows       int     `json:"windows"`
	Tokens        string  `json:"tokens"`          // what they are: bytes, dna, protein
	Length        int     `json:"length"`          // tokens per window
	BitsPerSymbol float64 `json:"bits_per_symbol"` // per byte, base or residue, over whole windows
	Loss          mi.Loss `json:"loss"`            // nats per token, by position too
}
