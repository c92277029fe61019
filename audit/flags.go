package audit

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/arch/serving"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/shell"
	"github.com/l2m-lab/l2m/law"
)

// Defaults of the options.
const (
	defaultLevel       = 0.95
	defaultUtilization = 0.9
)

// Declare declares the options of l2m audit, except those for its output.
func Declare(s option.Set, o *Options) {
	s.Value(option.Func("law", o.lawWord, o.setLaw), "law", "", "run directory of l2m measure, or A,BETA (default: the published law of English, 2.27,0.76)", option.Numbers)
	s.Float(&o.BytesPerToken, "bytes-per-token", 0, "convert a law in bytes: mean bytes per token of the models on this text", option.Numbers)
	s.Value(lengths(&o.Lengths), "at", "", "lengths at which to show sizes, in tokens (default 1024,4096,32768,131072)", option.Numbers)
	s.Value(lengths(&o.Ask), "length", "", "show what these lengths need, such as 1e6", option.Numbers)
	s.Value(option.Func("nats", func() string {
		return strings.Join(append(words(o.Capacities, shell.Number), o.CapacityFrom...), ",")
	}, func(text string) (err error) {
		o.Capacities, o.CapacityFrom, err = parseCapacities(text)
		return err
	}), "capacity", "", "nats that one element carries, the directory of an l2m compare --config run that measured it, or measured: what small trained models carried (default 1,0.1,0.01)", option.Numbers)
	s.Value(dtype(&o.DType), "dtype", "", "storage of elements: bfloat16, float16, float8, int4, q8_0, q4_0, … (default bfloat16)", option.Numbers)
	s.Value(option.Each("policy", func() (names []string) {
		for _, p := range o.Policies {
			names = append(names, p.Name)
		}
		return names
	}, func(text string) error {
		p, err := arch.ParsePolicy(text)
		if err == nil && p != (arch.Policy{}) {
			o.Policies = append(o.Policies, p)
		}
		return err
	}), "cache", "", "also audit under a cache policy: window:4096, sinks:4+2044, budget:2048, compressive:2048, power:0.76, pattern:k^2, fenwick:1.5,0.76, quant:q4_0+128, segments:2048, log-linear", option.Numbers)
	declareMemory(s, &o.Memory)
	s.Text(&o.Assume, "assume", "", "", "read the files as this model_type, whatever they say", option.Numbers)
	s.Float(&o.Level, "level", defaultLevel, "confidence level of the intervals", option.Numbers)
}

// declareMemory declares the options about what fits on a device.
func declareMemory(s option.Set, o *MemoryOptions) {
	v := &o.Serving
	s.Value(option.Size(&v.Memory), "memory", "", "show which models fit on a device with this much memory, such as 80G (GiB) or 80GB", option.Numbers)
	s.Value(option.Each("size", o.weightWords, o.addWeights), "weights", "", "weights: a size such as 16G, a file or folder of them, or NAME=SIZE for one model (default: looked for beside config.json)", option.Numbers)
	s.Float(&v.Utilization, "utilization", defaultUtilization, "share of the memory that may be used, like vLLM's gpu_memory_utilization", option.Numbers)
	s.Value(option.Size(&v.Overhead), "overhead", "", "memory to set aside on each device for activations and the engine, such as 2G", option.Numbers)
	s.Int(&v.Devices, "tp", "", 1, "devices that share a model (tensor parallelism)", option.Numbers)
	s.Int64(&v.Batch, "batch", "", 1, "sequences at once; --length says how long they are", option.Numbers)
	s.Value(dtype(&v.Storage.KV), "kv-type", "", "storage of keys and values: fp8, int8, q8_0, q4_0, … (default: --dtype)", option.Numbers)
	s.Value(dtype(&v.Storage.Index), "index-type", "", "storage of index keys (default: as keys and values)", option.Numbers)
	s.Value(dtype(&v.Storage.State), "state-type", "", "storage of recurrent states (default: float32 where the model's code keeps that)", option.Numbers)
	s.Value(option.Func("size", func() string { return word(int64(v.Bandwidth)) }, func(text string) error {
		var n int64
		err := option.Size(&n).Set(text)
		v.Bandwidth = float64(n)
		return err
	}), "bandwidth", "", "memory bandwidth of a device, bytes per second, such as 3.35TB, to bound the speed", option.Numbers)
	s.Text(&o.Draft, "draft", "", "", "configuration of a draft model for speculative decoding", option.Numbers)
	s.Value(option.Func("size", func() string { return word(v.DraftWeights) }, func(text string) (err error) {
		v.DraftWeights, err = weightsSize(text)
		return err
	}), "draft-weights", "", "weights of the draft model, given as for --weights", option.Numbers)
}

// Check returns an error that names the first wrong option.
func (o Options) Check() error {
	if !(o.Level > 0 && o.Level < 1) {
		return fmt.Errorf("--level: %g is not between 0 and 1", o.Level)
	}
	v := o.Memory.Serving
	switch {
	case v.Memory == 0 && (len(o.Memory.Weights) > 0 || v.Storage.KV != arch.DType{} || o.Memory.Draft != "" || v.Batch != 1 || v.Devices != 1):
		return errors.New("--weights, --batch, --tp, --kv-type and --draft plan memory: say how much a device has with --memory 80G")
	case !(v.Utilization > 0 && v.Utilization <= 1):
		return fmt.Errorf("--utilization: %g is not above 0 and at most 1", v.Utilization)
	case v.Devices < 1 || v.Batch < 1:
		return errors.New("--tp and --batch count from 1")
	}
	return nil
}

// Command is the canonical command line that repeats the audit.
func (o Options) Command() string { return option.Command("audit", Declare, o.withNumbers(), o.Paths) }

// withNumbers sets the defaults of numeric options.
func (o Options) withNumbers() Options {
	v := &o.Memory.Serving
	if o.Level == 0 {
		o.Level = defaultLevel
	}
	if v.Utilization == 0 {
		v.Utilization = defaultUtilization
	}
	v.Devices, v.Batch = max(1, v.Devices), max(1, v.Batch)
	return o
}

// lawWord writes the value of --law: a run directory, or A,BETA.
func (o *Options) lawWord() string {
	switch {
	case o.LawFrom != "":
		return o.LawFrom
	case o.Law == law.PowerLaw{} || o.Law == law.PublishedEnglish():
		return ""
	}
	return shell.Number(o.Law.A) + "," + shell.Number(o.Law.Beta)
}

// setLaw reads the value of --law.
func (o *Options) setLaw(text string) error {
	l, err := ParseLaw(text)
	if err == nil {
		o.Law, o.LawFrom = l, ""
		return nil
	}
	if _, missing := os.Stat(text); missing != nil {
		return fmt.Errorf("%w, and no run directory of that name exists", err)
	}
	o.Law, o.LawFrom = law.PowerLaw{}, text
	return nil
}

func (o *MemoryOptions) weightWords() (words []string) {
	for _, name := range slices.Sorted(maps.Keys(o.Weights)) {
		w := word(o.Weights[name])
		if name != "" {
			w = name + "=" + w
		}
		words = append(words, w)
	}
	return words
}

func (o *MemoryOptions) addWeights(text string) error {
	name, value, named := strings.Cut(text, "=")
	if !named {
		name, value = "", text
	}
	n, err := weightsSize(value)
	if err != nil {
		return err
	}
	if o.Weights == nil {
		o.Weights = map[string]int64{}
	}
	o.Weights[name] = n
	return nil
}

// weightsSize reads a size, or the size of the weights at a path.
func weightsSize(s string) (int64, error) {
	if n, err := option.ParseSize(s); err == nil && n > 0 {
		return n, nil
	}
	return serving.WeightsOf(s)
}

// word is a size on the command line; none is 0.
func word(bytes int64) string { return option.Size(&bytes).String() }

func dtype(p *arch.DType) pflag.Value {
	return option.Func("dtype", func() string { return p.Name }, func(text string) (err error) {
		*p, err = arch.ParseDType(text)
		return err
	})
}

// lengths are token counts such as 4096,32k,1e6; k and M are powers of 1,024.
func lengths(p *[]int64) pflag.Value {
	return option.Func("tokens", func() string {
		return strings.Join(words(*p, func(n int64) string { return strconv.FormatInt(n, 10) }), ",")
	}, func(text string) (err error) {
		*p, err = parseLengths(text)
		return err
	})
}

func parseLengths(s string) ([]int64, error) {
	var out []int64
	for word := range strings.SplitSeq(s, ",") {
		digits, unit := word, 1.0
		switch {
		case strings.HasSuffix(word, "k"), strings.HasSuffix(word, "K"):
			unit = 1 << 10
		case strings.HasSuffix(word, "m"), strings.HasSuffix(word, "M"):
			unit = 1 << 20
		}
		if unit > 1 {
			digits = word[:len(word)-1]
		}
		v, err := strconv.ParseFloat(digits, 64)
		v *= unit
		if err != nil || !(v >= 1) || v > 1e15 || v != math.Trunc(v) {
			return nil, fmt.Errorf("%q is not a number of tokens between 1 and 1e15", word)
		}
		out = append(out, int64(v))
	}
	return out, nil
}

// parseCapacities reads numbers of nats and names of comparisons.
func parseCapacities(s string) (nats []float64, from []string, err error) {
	for word := range strings.SplitSeq(s, ",") {
		v, err := strconv.ParseFloat(word, 64)
		switch {
		case err == nil && v > 0 && !math.IsInf(v, 0):
			nats = append(nats, v)
		case word == measuredWord, err != nil && word != "" && exists(word):
			from = append(from, word)
		default:
			return nil, nil, fmt.Errorf("%q is neither a positive number of nats, nor measured, nor the directory of a comparison", word)
		}
	}
	return nats, from, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func words[T any](values []T, word func(T) string) []string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = word(v)
	}
	return words
}
