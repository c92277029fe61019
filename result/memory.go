package result

import "github.com/l2m-lab/l2m/arch/serving"

// MemoryPlan says which models fit on a device, at the context and the batch that
// were asked for, and at others.
type MemoryPlan struct {
	Memory      int64   `json:"memory"` // bytes of one device
	Utilization float64 `json:"utilization"`
	Overhead    int64   `json:"overhead,omitempty"` // bytes set aside on each device
	Devices     int     `json:"devices"`            // that share a model
	Batch       int64   `json:"batch"`              // sequences at once
	Context     int64   `json:"context,omitempty"`  // tokens; 0: what each model declares
	KVType      string  `json:"kv_type"`
	IndexType   string  `json:"index_type,omitempty"`
	StateType   string  `json:"state_type,omitempty"`
	Bandwidth   float64 `json:"bandwidth,omitempty"` // bytes a second of one device

	Contexts []int64     `json:"contexts"` // of the tables, tokens
	Batches  []int64     `json:"batches"`
	Models   []ModelPlan `json:"models"` // as in Audit.Models; a model that cannot be planned has an error
}

// ModelPlan is what fits of one model.
type ModelPlan struct {
	serving.Fit
	Known bool           `json:"weights_known"`
	Table []serving.Cell `json:"table"` // needed bytes, contexts × batches
	Error string         `json:"error,omitempty"`
}

// Needed is what must be kept, whatever the engine; the zero value in a damaged
// document.
func (p ModelPlan) Needed() serving.EngineFit {
	if len(p.Engines) == 0 {
		return serving.EngineFit{}
	}
	return p.Engines[0]
}
