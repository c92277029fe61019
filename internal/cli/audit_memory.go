package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/arch/serving"
	"github.com/l2m-lab/l2m/audit"
	"github.com/l2m-lab/l2m/internal/option"
)

// memoryFlags are the flags of l2m audit that ask what fits on a device.
type memoryFlags struct {
	memory, overhead, draftWeights, bandwidth string
	weights                                   []string
	kv, index, state, draft                   string
	utilization                               float64
	tp                                        int
	batch                                     int64
}

func (m *memoryFlags) add(f *pflag.FlagSet) {
	f.StringVar(&m.memory, "memory", "", "ask which models fit on a device with so much memory, such as 80G (GiB) or 80GB")
	f.StringArrayVar(&m.weights, "weights", nil, "weights: a size such as 16G, a file or folder of them, or NAME=SIZE for one model (default: looked for beside config.json)")
	f.Float64Var(&m.utilization, "utilization", 0.9, "share of the memory that may be used, as vLLM's gpu_memory_utilization")
	f.StringVar(&m.overhead, "overhead", "", "memory to set aside on each device for activations and the engine, such as 2G")
	f.IntVar(&m.tp, "tp", 1, "devices that share a model (tensor parallelism)")
	f.Int64Var(&m.batch, "batch", 1, "sequences at once; --length says how long they are")
	f.StringVar(&m.kv, "kv-type", "", "storage of keys and values: fp8, int8, q8_0, q4_0, … (default: --dtype)")
	f.StringVar(&m.index, "index-type", "", "storage of index keys (default: as keys and values)")
	f.StringVar(&m.state, "state-type", "", "storage of recurrent states (default: float32 where the model's own code keeps it)")
	f.StringVar(&m.bandwidth, "bandwidth", "", "bytes that a device reads a second, such as 3.35TB, to bound the speed")
	f.StringVar(&m.draft, "draft", "", "configuration of a draft model for speculative decoding")
	f.StringVar(&m.draftWeights, "draft-weights", "", "weights of the draft model, as --weights")
}

// options checks the flags.
func (m *memoryFlags) options() (audit.MemoryOptions, error) {
	var o audit.MemoryOptions
	if m.memory == "" {
		if len(m.weights) > 0 || m.kv != "" || m.draft != "" || m.batch != 1 || m.tp != 1 {
			return o, usagef("--weights, --batch, --tp, --kv-type and --draft plan memory: say how much a device has with --memory 80G")
		}
		return o, nil
	}
	o.Draft = m.draft
	o.Serving = serving.Options{Utilization: m.utilization, Devices: m.tp, Batch: m.batch}
	if !(m.utilization > 0 && m.utilization <= 1) {
		return o, usagef("--utilization: %g is not above 0 and at most 1", m.utilization)
	}
	if m.tp < 1 || m.batch < 1 {
		return o, usagef("--tp and --batch count from 1")
	}
	var bandwidth int64
	for _, s := range []struct {
		flag, text string
		into       *int64
	}{{"--memory", m.memory, &o.Serving.Memory}, {"--overhead", m.overhead, &o.Serving.Overhead}, {"--bandwidth", m.bandwidth, &bandwidth}} {
		n, err := option.ParseSize(s.text)
		if err != nil || n < 0 || s.flag == "--memory" && n == 0 {
			return o, usagef("%s: %q is not a size such as 80G or 2.5GiB", s.flag, s.text)
		}
		*s.into = n
	}
	o.Serving.Bandwidth = float64(bandwidth)
	for _, t := range []struct {
		flag, text string
		into       *arch.DType
	}{{"--kv-type", m.kv, &o.Serving.Storage.KV}, {"--index-type", m.index, &o.Serving.Storage.Index}, {"--state-type", m.state, &o.Serving.Storage.State}} {
		if t.text == "" {
			continue
		}
		var err error
		if *t.into, err = arch.ParseDType(t.text); err != nil {
			return o, usagef("%s: %v", t.flag, err)
		}
	}
	o.Weights = map[string]int64{}
	for _, w := range m.weights {
		name, value, named := strings.Cut(w, "=")
		if !named {
			name, value = "", w
		}
		n, err := weightsSize(value)
		if err != nil {
			return o, usagef("--weights %s: %v", strconv.Quote(w), err)
		}
		o.Weights[name] = n
	}
	if m.draftWeights != "" {
		var err error
		if o.Serving.DraftWeights, err = weightsSize(m.draftWeights); err != nil {
			return o, usagef("--draft-weights: %v", err)
		}
	}
	return o, nil
}

// weightsSize reads a size, or the size of the weights at a path.
func weightsSize(s string) (int64, error) {
	if n, err := option.ParseSize(s); err == nil && n > 0 {
		return n, nil
	}
	return serving.WeightsOf(s)
}
