package measure

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/lm"
)

// Defaults of the options.
const (
	defaultWindowsPerDocument = 24
	defaultCross              = 1
	defaultTraining           = 8 << 20
	defaultDraws              = 4000
	defaultModel              = "bytemix"
)

// Declare declares the options of l2m measure, except those for its output.
func Declare(s option.Set, o *Options) {
	s.Text(&o.Process, "process", "", "", "measure a random process of known information instead of documents (l2m process list)", option.Numbers)
	s.Text(&o.LogProbs, "logprobs", "", "", "measure log-probabilities that were computed elsewhere instead of documents: .npy (windows, L), .npz, or a table of document and logprob (docs/pytorch.md)", option.Numbers)
	s.Bool(&o.Bits, "bits", "", false, "the logarithms of --logprobs are to the base 2 (default: natural)", option.Numbers)
	s.Bool(&o.Density, "density", "", false, "the values of --logprobs are logarithms of densities, which may be above 0", option.Numbers)
	declareSample(s, o)
	s.Text(&o.Model, "model", "", defaultModel, "bytemix (trained on half of the documents), bytemix:universal (untrained), a file from l2m model train, a run of l2m lab train, a .gguf file, smollm2 or another name from l2m model list, or servers: http://HOST:PORT/v1[,…][#NAME]", option.Numbers)
	s.Value(option.Func("N[:STEP]", func() string { return formatContext(o.Context, o.ContextStep) }, func(text string) (err error) {
		o.Context, o.ContextStep, err = parseContext(text)
		return err
	}), "context", "", "limit the model's context to N tokens, moved on by STEP; l2m compare then shows what a longer context gains", option.Numbers)
	s.Text(&o.Tokenizer, "tokenizer", "", "", "what the built-in predictor reads: bytes, dna or protein (default: dna or protein for FASTA files, else bytes); for servers that do not tokenize, the model's tokenizer.json or .tiktoken file", option.Numbers)
	o.TrainingBytes = defaultTraining
	s.Value(option.Size(&o.TrainingBytes), "training-bytes", "", "how much text to train the built-in predictor on", option.Numbers)
	s.Value(option.SizeOrNone(&o.TwoPointBytes), "two-point-bytes", "", "how much text to count pairs in, for two-point information (default: all; 0 skips it)", option.Numbers)
	s.Reading(option.Reading{Format: &o.Format, Field: &o.Field, MaxRecord: &o.MaxRecord, Strict: &o.Strict, KeepDuplicates: &o.KeepDuplicates})
	declareFit(s, o)
	s.Repeated(&o.Configs, "config", nil, "model configuration, GGUF file or folder to audit against the measured law", option.Numbers)
	s.Float(&o.BytesPerToken, "bytes-per-token", 0, "mean bytes per token of those models on this text (see l2m audit)", option.Numbers)
	declareEngines(s, o)
}

// declareSample declares the options that choose the windows.
func declareSample(s option.Set, o *Options) {
	s.Int(&o.Length, "length", "L", 0, "tokens per window, a power of two (default: chosen from the documents)", option.Numbers)
	s.Int(&o.WindowsPerDocument, "windows-per-document", "", defaultWindowsPerDocument, "most windows from one document", option.Numbers)
	s.Int(&o.MaxWindows, "windows", "", 0, "total number of windows (default: enough for a minute or two; with a server, about a million scored tokens; with a GGUF file, what --time allows)", option.Numbers)
	s.Value(option.Func("int", func() string {
		if o.Cross == nil {
			return ""
		}
		return strconv.Itoa(*o.Cross)
	}, func(text string) error {
		k, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		o.Cross = &k
		return nil
	}), "cross", "", "contexts from other documents per window: 1 gives vCLUB and InfoNCE, 2 or more auxiliary and leave-one-out too (default 1; 0 for a process)", option.Numbers)
	s.Float(&o.EvaluationFraction, "evaluation-fraction", 0, "share of the documents to score; the rest train the model (default 0.5 for a model that the run or l2m lab train trains, else 1)", option.Numbers)
	s.Seed(&o.Seed, "seed of the split, the windows and the bootstrap")
}

// declareFit declares the options of the fit.
func declareFit(s option.Set, o *Options) {
	s.Int(&o.Draws, "draws", "", defaultDraws, "bootstrap replicates", option.Numbers)
	s.Value(option.Range(&o.Range), "range", "", "lengths to fit, LO:HI in tokens (default: all)", option.Numbers)
}

// declareEngines declares the options of servers and GGUF files.
func declareEngines(s option.Set, o *Options) {
	s.Duration(&o.Time, "time", 0, "time to spend on scoring with a GGUF file; decides the length and number of windows from the measured speed (default 5m, and at most a million tokens)", option.Numbers)
	s.Value(option.Func("token", func() string { return string(o.Server.BOS) }, func(text string) error {
		o.Server.BOS, o.Llama.BOS = lm.BOSChoice(text), lm.BOSChoice(text)
		return o.Llama.BOS.Check()
	}), "bos", "", "token before every sequence, for servers and GGUF files: an id, the name of a special token, or none (default: as the model was trained)", option.Numbers)
	s.Value(option.Func("int", func() string { return positive(max(o.Server.Context, o.Llama.Context)) }, func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return errors.New("want a whole number of tokens above 0")
		}
		o.Server.Context, o.Llama.Context = n, n
		return nil
	}), "max-context", "", "longest sequence for servers and GGUF files, in tokens (default: what they report, for a GGUF file at most 8192)", option.Numbers)
	s.Text((*string)(&o.Server.Dialect), "dialect", "", "", "how to ask the servers: vllm, sglang or echo (default: found by asking)", option.Numbers)
	s.Text(&o.Server.Revision, "revision", "", "", "your label for the servers' weights; a run only continues with the same label", option.Numbers)
	s.Text(&o.Server.APIKeyEnv, "api-key-env", "", "", "environment variable with the servers' API key", option.Running)
	s.Text(&o.Server.APIKeyFile, "api-key-file", "", "", "file with the servers' API key", option.Running)
	s.Int(&o.Server.MaxInFlight, "in-flight", "", 0, "requests in flight per server (default 16)", option.Running)
	s.Duration(&o.Server.Timeout, "timeout", 0, "time limit for one request to a server (default 5m)", option.Running)
	s.Value(option.Func("type", func() string {
		if o.Llama.KeyType == o.Llama.ValueType {
			return o.Llama.KeyType
		}
		return o.Llama.KeyType + "," + o.Llama.ValueType
	}, func(text string) error {
		k, v, two := strings.Cut(text, ",")
		if !two {
			v = k
		}
		o.Llama.KeyType, o.Llama.ValueType = k, v
		return nil
	}), "kv-type", "", "type of the KV cache for a GGUF file, or KEYS,VALUES: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0 (default f16)", option.Numbers)
	s.Text(&o.Llama.FlashAttn, "flash-attention", "", "", "on or off for a GGUF file (default: as llama.cpp chooses)", option.Numbers)
	s.Int(&o.Llama.Batch, "batch", "", 0, "tokens per batch for a GGUF file (default 512, fewer for large vocabularies)", option.Numbers)
	s.Value(option.CountOrNone(&o.Llama.GPULayers), "gpu-layers", "", "layers of a GGUF file on the GPU; 0 for none (default: all)", option.Numbers)
	s.Int(&o.Llama.Threads, "threads", "", 0, "threads for a GGUF file (default: the fastest number, found by trying)", option.Running)
	s.Text(&o.Llama.LibraryDir, "llama-lib", "", "", "folder of the llama.cpp library (default: L2M_LLAMA_LIB, YZMA_LIB or the usual places)", option.Running)
}

// positive writes a number; "" for 0.
func positive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// parseContext reads N or N:STEP.
func parseContext(s string) (window, step int, err error) {
	if s == "" {
		return 0, 0, nil
	}
	n, by, stepped := strings.Cut(s, ":")
	if window, err = strconv.Atoi(n); err == nil && stepped {
		step, err = strconv.Atoi(by)
	}
	if err != nil || window < 1 || stepped && (step < 1 || step > window) {
		return 0, 0, fmt.Errorf("%q is not a number of tokens N, or N:STEP with a step up to N", s)
	}
	return window, step, nil
}

func formatContext(window, step int) string {
	if step == 0 {
		return positive(window)
	}
	return fmt.Sprintf("%d:%d", window, step)
}

// Command is the canonical command line that repeats the measurement: every option
// that changes the numbers and is not at its default. The run directory and the
// figures are not part of it.
func (o Options) Command() string { return option.Command("measure", Declare, o.canonical(), o.Paths) }

// canonical sets defaults, but clears options at a default that depends on others.
func (o Options) canonical() Options {
	c := o.withDefaults()
	standard := Options{Process: o.Process, Model: o.Model}.withDefaults()
	if *c.Cross == *standard.Cross {
		c.Cross = nil
	}
	if c.EvaluationFraction == standard.EvaluationFraction {
		c.EvaluationFraction = 0
	}
	return c
}
