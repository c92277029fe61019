package result

import (
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/process"
)

// ProcessTruth is what is known exactly about a process: the schema of
// "l2m process truth --json".
type ProcessTruth struct {
	Process     process.Description `json:"process"`
	EntropyRate info.Nats           `json:"entropy_rate"` // nats per token
	Ratio       int                 `json:"ratio"`
	Bipartite   []BipartiteTruth    `json:"bipartite"`
	TwoPoint    []TwoPointTruth     `json:"twopoint,omitempty"`
	Frontier    *FrontierTruth      `json:"frontier,omitempty"`
	Memories    []process.Captured  `json:"memories,omitempty"` // what structured memories hold, at the cut of Frontier
	Held        []process.Held      `json:"held,omitempty"`     // what slots of one symbol hold of a process echo, by memory and length
	Notes       []string            `json:"notes,omitempty"`    // what could not be had, and why
}

// BipartiteTruth is I(ell; Length) in nats.
type BipartiteTruth struct {
	Ell    int       `json:"ell"`
	Length int       `json:"length"`
	Value  info.Nats `json:"nats"`
	Local  float64   `json:"local_exponent,omitempty"` // d ln I / d ln L from the length before on the law; 0 for the first, and off the law
}

// TwoPointTruth is I(w_i; w_{i+Distance}) in nats.
type TwoPointTruth struct {
	Distance int       `json:"distance"`
	Value    info.Nats `json:"nats"`
}

// FrontierTruth is how much of I(Ell; Length) a memory can hold.
type FrontierTruth struct {
	process.Frontier
	Information info.Nats                 `json:"nats"`
	States      []StateTruth              `json:"states"` // best states of 1, 2, 4, … numbers
	Fractions   map[string]int            `json:"dimensions"`
	Curve       []process.BottleneckPoint `json:"bottleneck"`
}

// StateTruth is what the best state of Dimensions numbers captures.
type StateTruth struct {
	Dimensions int       `json:"dimensions"`
	Captured   info.Nats `json:"nats"`
}
