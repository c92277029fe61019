package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/arch/serving"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/result"
)

// MemoryOptions says on which device the models must fit. With Serving.Memory of 0
// nothing is computed.
type MemoryOptions struct {
	Serving serving.Options
	// Weights are the sizes of models' weights by name, in bytes; "" stands for all
	// models. Other weights are looked for beside the configuration.
	Weights map[string]int64
	Draft   string // configuration of a draft model, "" for none
}

// planMemory fills in the plan of the models that were audited.
func (o Options) planMemory(a *result.Audit, models []*arch.Model) error {
	s := o.Memory.Serving
	if s.Memory == 0 {
		return nil
	}
	if s.Storage.KV == (arch.DType{}) {
		s.Storage.KV = o.DType
	}
	if len(o.Ask) > 0 && s.Context == 0 {
		s.Context = o.Ask[0]
	}
	if o.Memory.Draft != "" {
		draft, err := o.parse(o.Memory.Draft)
		if err != nil {
			return fmt.Errorf("reading the draft model %s: %w", o.Memory.Draft, err)
		}
		s.Draft = draft
	}
	p := &result.MemoryPlan{
		Memory: s.Memory, Utilization: s.Utilization, Overhead: s.Overhead, Devices: max(1, s.Devices), Batch: max(1, s.Batch), Context: s.Context,
		KVType: s.Storage.KV.Name, IndexType: s.Storage.Index.Name, StateType: s.Storage.State.Name, Bandwidth: s.Bandwidth,
	}
	if p.Utilization == 0 {
		p.Utilization = 0.9
	}
	p.Contexts, p.Batches = grid(s.Context, o.Lengths, p.Batch)
	unknown := 0
	for i, m := range models {
		var plan result.ModelPlan
		one := s
		one.Weights, plan.Known = o.Memory.weights(a.Models[i].Name, a.Models[i].Path)
		var err error
		if plan.Fit, err = serving.New(m, one); err == nil {
			plan.Table, err = serving.Table(m, serving.Needed, p.Contexts, p.Batches, one)
		}
		if err != nil {
			plan.Model, plan.Error = m.Name, err.Error()
		}
		if !plan.Known {
			unknown++
		}
		p.Models = append(p.Models, plan)
	}
	if unknown > 0 {
		a.Warnings = append(a.Warnings, info.Warning{
			Code: "weights-unknown", Text: fmt.Sprintf("the weights of %d of %d models are not known and take no memory in the plan", unknown, len(models)),
			Fix: "--weights 16G, --weights NAME=16G, or --weights model.safetensors",
		})
	}
	a.Memory = p
	return nil
}

// weights is the size of a model's weights in bytes; false if it is not known.
func (o MemoryOptions) weights(name, path string) (int64, bool) {
	plain, _, _ := strings.Cut(name, " + ") // without the policy
	for _, key := range []string{name, plain, plain[strings.LastIndexByte(plain, '/')+1:], ""} {
		if n, ok := o.Weights[key]; ok {
			return n, true
		}
	}
	where := path
	if filepath.Ext(path) != ".gguf" {
		where = filepath.Dir(path)
	}
	if path == "-" || filepath.Base(path) != "config.json" && where != path {
		return 0, false
	}
	if st, err := os.Stat(where); err != nil || !st.IsDir() && where != path {
		return 0, false
	}
	n, err := serving.WeightsOf(where)
	return n, err == nil
}

// grid is the contexts and batches of the tables.
func grid(context int64, lengths []int64, batch int64) (contexts, batches []int64) {
	contexts = append(slices.Clone(lengths), 8192)
	if context > 0 {
		contexts = append(contexts, context)
	}
	batches = []int64{1, 4, 16, 64, batch}
	slices.Sort(contexts)
	slices.Sort(batches)
	return slices.Compact(contexts), slices.Compact(batches)
}
