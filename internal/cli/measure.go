package cli

import (
	"crypto/sha256"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/fetch"
	"github.com/l2m-lab/l2m/measure"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

func newMeasureCommand() *cobra.Command {
	var (
		o        measure.Options
		cross    int
		bos      string
		kvType   string
		cut      string
		training string
		fitRange string
		twoPoint string
		asJSON   bool
		quiet    bool
		yes      bool
	)
	cmd := &cobra.Command{
		Use:   "measure PATH…",
		Short: "Measure the law of a folder of text: how information grows with length",
		Long: `Measure turns documents into the scaling law of their bipartite mutual
information: how many nats the first half of a text tells about the second, as
a function of length, with intervals, rival laws and a report.

PATH is a file, a folder (read recursively), a glob, or - for standard input:
plain text, source code, JSON, CSV, Parquet, Arrow, FASTA, FASTQ, web archives
and wiki dumps, told by their content, compressed or in archives or not. Half of
the documents train the built-in predictor; windows of the other half are scored.

The run directory keeps every log-probability. The same command again continues
an interrupted run, and does nothing twice.`,
		Example: `  l2m measure books/
  l2m measure --length 4096 --out run corpus/*.jsonl.gz --field content
  l2m measure genome.fa.gz
  zcat log.gz | l2m measure - --json | jq .series[0].law.power
  l2m measure books/ --model smollm2                       # a real language model, fetched once (104 MB)
  l2m measure books/ --model model.gguf                    # any model of llama.cpp
  l2m measure books/ --model http://localhost:8000/v1     # a model behind vLLM, SGLang, …
  l2m measure --process powergauss:beta=0.76 --length 1024   # known exactly: does the tool find it?`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && o.Process == "" {
				return usagef("name at least one file or folder to measure (or - for standard input)")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Paths, o.Stdin = args, cmd.InOrStdin()
			if cmd.Flags().Changed("cross") {
				o.Cross = &cross
			}
			o.Server.BOS, o.Llama.BOS = lm.BOSChoice(bos), lm.BOSChoice(bos)
			if err := o.Llama.BOS.Check(); err != nil {
				return usagef("--bos: %v", err)
			}
			o.Llama.Context = o.Server.Context
			o.Llama.KeyType, o.Llama.ValueType = kvType, kvType
			if k, v, two := strings.Cut(kvType, ","); two {
				o.Llama.KeyType, o.Llama.ValueType = k, v
			}
			var err error
			if o.Context, o.ContextStep, err = parseContext(cut); err != nil {
				return usagef("--context: %v", err)
			}
			if o.TrainingBytes, err = parseSize(training); err != nil {
				return usagef("--training-bytes: %v", err)
			}
			if o.TwoPointBytes, err = parseSize(twoPoint); err != nil {
				return usagef("--two-point-bytes: %v", err)
			}
			if o.Range, err = parseRange(fitRange); err != nil {
				return usagef("--range: %v", err)
			}
			if o.Out == "" {
				scored := o // what is audited afterwards does not change the scores
				scored.Configs, scored.BytesPerToken = nil, 0
				o.Out = defaultRunDir(scored.Command())
			}
			if item, named := fetch.Find(o.Model); named && item.Name != fetch.Engine {
				if err := fetchModel(cmd, item, "", yes, quiet); err != nil {
					return err
				}
			}
			return runMeasure(cmd, o, asJSON, quiet)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.Out, "out", "o", "", "run directory (default l2m-run-XXXXXXXX, from the paths and options)")
	f.BoolVar(&o.Fresh, "fresh", false, "discard what an earlier run left in the run directory")
	f.IntVarP(&o.Length, "length", "L", 0, "tokens per window, a power of two (default: chosen from the documents, at most 16384)")
	f.IntVar(&o.WindowsPerDocument, "windows-per-document", 0, "at most this many windows of one document (default 24)")
	f.IntVar(&o.MaxWindows, "windows", 0, "windows in all (default: what takes a minute or two)")
	f.IntVar(&cross, "cross", 1, "contexts from other documents per window, for vclub and infonce; from 2 on also auxiliary and leave-one-out; 0 for none")
	f.StringVar(&o.Model, "model", "bytemix", "bytemix (trained on half of the documents), bytemix:universal (from nothing), a file of l2m model train, a .gguf file, smollm2 or another of l2m model list, or servers: http://HOST:PORT/v1[,…][#NAME]")
	f.StringVar(&cut, "context", "", "cut the model's context to N tokens, or N:STEP: what does a long one gain? (compare with l2m compare)")
	f.StringVar(&o.Tokenizer, "tokenizer", "", "what the built-in predictor reads: bytes, dna or protein (default: by the letters of FASTA files, else bytes); for servers that do not tokenize, the model's tokenizer.json or .tiktoken file")
	f.StringVar(&o.Process, "process", "", "measure a random process of known information in place of documents (l2m process list)")
	f.Float64Var(&o.EvaluationFraction, "evaluation-fraction", 0, "share of the documents to score; the rest trains (default 0.5 for a model that is trained, else 1)")
	f.StringVar(&training, "training-bytes", "", "budget for training the built-in predictor (default 8M)")
	f.StringVar(&twoPoint, "two-point-bytes", "", "bytes to count for two-point information (default: all; -1 skips it)")
	textFlags(f, reading{&o.Format, &o.Field, &o.MaxRecord, &o.Strict, &o.KeepDuplicates})
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the split, the windows and the bootstrap")
	f.IntVar(&o.Draws, "draws", 0, "bootstrap replicates (default 4000)")
	f.StringVar(&fitRange, "range", "", "lengths to fit, LO:HI in tokens (default: all)")
	f.StringSliceVar(&o.Figures, "figures", nil, "formats of the static figures (default svg,png,pdf)")
	f.StringArrayVar(&o.Configs, "config", nil, "model configuration, GGUF file or folder to audit against the law, in the report")
	f.Float64Var(&o.BytesPerToken, "bytes-per-token", 0, "bytes that a token of those models has on this text")
	f.StringVar(&o.Server.APIKeyEnv, "api-key-env", "", "environment variable that holds the key of the servers")
	f.StringVar(&o.Server.APIKeyFile, "api-key-file", "", "file that holds the key of the servers")
	f.StringVar((*string)(&o.Server.Dialect), "dialect", "", "how to ask the servers: vllm, sglang or echo (default: found by asking)")
	f.StringVar(&o.Server.Revision, "revision", "", "your name for the weights that the servers run, which a run is continued with")
	f.StringVar(&bos, "bos", "", "token before every sequence, for servers and GGUF files: an id, the name of a special token, or none (default: as the model was trained)")
	f.IntVar(&o.Server.Context, "max-context", 0, "longest sequence of servers and GGUF files, tokens (default: as they say, of a GGUF file at most 8192)")
	f.IntVar(&o.Server.MaxInFlight, "in-flight", 0, "requests in flight at a server (default 16)")
	f.DurationVar(&o.Server.Timeout, "timeout", 0, "for one request to a server (default 5m)")
	f.StringVar(&o.Llama.LibraryDir, "llama-lib", "", "folder of the library of llama.cpp (default: L2M_LLAMA_LIB, YZMA_LIB or the usual places)")
	f.IntVar(&o.Llama.Threads, "threads", 0, "threads for a GGUF file (default: as many as turn out fastest)")
	f.IntVar(&o.Llama.GPULayers, "gpu-layers", 0, "layers of a GGUF file on the GPU; -1 for none (default: all)")
	f.StringVar(&o.Llama.FlashAttn, "flash-attention", "", "on or off for a GGUF file (default: as llama.cpp chooses)")
	f.StringVar(&kvType, "kv-type", "", "type of the cache of a GGUF file, or KEYS,VALUES: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0 (default f16)")
	f.IntVar(&o.Llama.Batch, "batch", 0, "tokens of a GGUF file computed at a time (default 512, fewer for large vocabularies)")
	f.BoolVarP(&yes, "yes", "y", false, "fetch a model of l2m model list without asking")
	f.BoolVar(&asJSON, "json", false, "print results.json instead of the table")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}

func runMeasure(cmd *cobra.Command, o measure.Options, asJSON, quiet bool) error {
	bars := newProgress(cmd.ErrOrStderr(), quiet)
	o.Progress = bars.report
	o.Planned = func(p result.Plan, w result.Windows, m lm.Info) {
		say(cmd.ErrOrStderr(), bars, quiet, report.PlanText(p, w, m))
	}
	o.Faces = report.ResultFaces
	keeps(cmd.Context(), "what was scored", o.Out, rundir.Scores+"/part-*")
	r, err := measure.Run(cmd.Context(), o)
	bars.done()
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if asJSON {
		return result.Write(out, r)
	}
	return report.Text(out, r, report.TextOptions{
		Color: wantColor(out), Width: terminalWidth(out), Run: o.Out,
	})
}

// defaultRunDir names the run directory after the command that asks for it, so
// that the same command finds its own run again.
func defaultRunDir(command string) string {
	sum := sha256.Sum256([]byte(command))
	return fmt.Sprintf("l2m-run-%x", sum[:4])
}

// parseSize reads a number of bytes such as 500k, 12M, 1.5G or 1GiB (powers of
// 1024), or 1GB (of 1000). The empty string is 0; negative numbers stand for
// "none".
func parseSize(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	digits := strings.TrimRight(s, "kKmMgGtTiIbB")
	suffix := s[len(digits):]
	base := int64(1024)
	if len(suffix) == 2 && (suffix[1] == 'B' || suffix[1] == 'b') {
		base = 1000
	}
	unit, known := int64(1), suffix == ""
	for _, u := range []string{"k", "m", "g", "t"} {
		unit *= base
		if l := strings.ToLower(suffix); l == u || l == u+"b" || l == u+"ib" {
			known = true
			break
		}
	}
	if suffix == "" {
		unit = 1
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err == nil && known && n <= math.MaxInt64/unit && n >= math.MinInt64/unit {
		return n * unit, nil
	}
	part, err := strconv.ParseFloat(digits, 64)
	if known && suffix != "" && err == nil && math.Abs(part)*float64(unit) < math.MaxInt64 && strings.Contains(digits, ".") {
		return int64(part * float64(unit)), nil
	}
	return 0, fmt.Errorf("%q is not a size such as 500k, 12M or 1.5G (1GiB is 1G, 1GB is 1000 MB)", s)
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

// parseRange reads LO:HI; either side may be empty.
func parseRange(s string) (r [2]float64, err error) {
	if s == "" {
		return r, nil
	}
	lo, hi, found := strings.Cut(s, ":")
	for i, side := range []string{lo, hi} {
		if side == "" {
			continue
		}
		v, err := strconv.ParseFloat(side, 64)
		if err != nil || math.IsNaN(v) || v <= 0 {
			return r, fmt.Errorf("%q is not a length", side)
		}
		r[i] = v
	}
	if !found || (r[1] != 0 && r[0] >= r[1]) {
		return r, fmt.Errorf("%q is not a range LO:HI of lengths", s)
	}
	return r, nil
}
