package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/lm/openai"
	"github.com/l2m-lab/l2m/measure"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
)

func newPlanCommand() *cobra.Command {
	var (
		o        measure.PlanOptions
		cross    int
		bos      int
		dialect  string
		fitRange string
		asJSON   bool
		quiet    bool
	)
	cmd := &cobra.Command{
		Use:   "plan PATH…",
		Short: "Write the requests of a run for a cluster without a server to reach",
		Long: `Plan draws windows as l2m measure does and writes what must be scored as files of
OpenAI batch requests, and beside them answer.py, a program that has a server on
the same machine answer them; it needs Python alone. l2m ingest takes the results
in; it needs the run directory alone, not the documents. The same command again
writes only what is not answered yet.`,
		Example: `  l2m plan books/ --model meta-llama/Llama-3.1-405B-FP8 --tokenizer tokenizer.json --bos 128000 --out run
  # on the cluster, in one job:
  #   vllm serve meta-llama/Llama-3.1-405B-FP8 --tensor-parallel-size 8 --max-model-len 4096 &
  #   python3 run/requests/answer.py --url http://localhost:8000 run/requests/requests-*.jsonl
  l2m ingest run run/requests/results-*.jsonl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name at least one file or folder")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			m := &o.Measure
			m.Paths = args
			switch {
			case m.Out == "":
				return usagef("--out: name the run directory, which l2m ingest will want")
			case o.Model == "":
				return usagef("--model: name the model as the server will know it")
			case m.Tokenizer == "":
				return usagef("--tokenizer: name the vocabulary of the model, tokenizer.json or .tiktoken")
			case bos < 0:
				return usagef("--bos: name the token that starts every prompt (the model's beginning of sequence, else its end of text)")
			}
			o.BOS, o.Dialect = token.ID(bos), openai.Dialect(dialect)
			if cmd.Flags().Changed("cross") {
				m.Cross = &cross
			}
			var err error
			if m.Range, err = parseRange(fitRange); err != nil {
				return usagef("--range: %v", err)
			}
			bars := newProgress(cmd.ErrOrStderr(), quiet)
			m.Progress = bars.report
			p, err := measure.Plan(cmd.Context(), o)
			bars.done()
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), p)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d requests for %d windows in %d files under %s/requests: %d prompt tokens, of which %d are scored\nbeside a server: python3 %s --url http://localhost:8000 REQUESTS…\nthen: l2m ingest %s RESULTS…\n",
				p.Requests, p.Windows, len(p.Files), m.Out, p.Prompts, p.Scored, p.Runner, m.Out)
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	m := &o.Measure
	f.StringVarP(&m.Out, "out", "o", "", "run directory")
	f.BoolVar(&m.Fresh, "fresh", false, "discard what an earlier run left in the run directory")
	f.StringVar(&o.Model, "model", "", "name of the model in the requests")
	f.StringVar(&o.Revision, "revision", "", "your name for the weights")
	f.StringVar(&m.Tokenizer, "tokenizer", "", "vocabulary of the model: tokenizer.json, its folder, or a .tiktoken file")
	f.IntVar(&bos, "bos", -1, "token that starts every prompt")
	f.IntVar(&m.Server.Context, "max-context", 0, "longest prompt of the model, tokens (default: no limit is known)")
	f.IntVarP(&m.Length, "length", "L", 0, "tokens per window, a power of two (default: chosen from the documents, at most 2048)")
	f.IntVar(&m.WindowsPerDocument, "windows-per-document", 0, "at most this many windows of one document (default 24)")
	f.IntVar(&m.MaxWindows, "windows", 0, "windows in all (default: about a million scored tokens)")
	f.IntVar(&cross, "cross", 1, "contexts from other documents per window; 0 for none")
	f.StringVar(&dialect, "dialect", "", "what will answer: vllm (default), echo or sglang")
	f.IntVar(&o.PerFile, "max-requests", 0, "most requests in a file (default 10000)")
	f.Int64Var(&o.BytesPerFile, "max-bytes", 0, "most bytes in a file, before compression (default 200000000)")
	f.BoolVar(&o.Gzip, "gzip", false, "compress the files of requests")
	f.Float64Var(&m.EvaluationFraction, "evaluation-fraction", 0, "share of the documents to score (default 1: all)")
	textFlags(f, reading{&m.Format, &m.Field, &m.MaxRecord, &m.Strict, &m.KeepDuplicates})
	f.Uint64Var(&m.Seed, "seed", 1, "seed of the split, the windows and the bootstrap")
	f.IntVar(&m.Draws, "draws", 0, "bootstrap replicates (default 4000)")
	f.StringVar(&fitRange, "range", "", "lengths to fit, LO:HI in tokens (default: all)")
	f.StringSliceVar(&m.Figures, "figures", nil, "formats of the static figures (default svg,png,pdf)")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}

// errIncomplete ends an ingest after which windows are still missing.
var errIncomplete = errors.New("the run is not complete")

func newIngestCommand() *cobra.Command {
	var asJSON, quiet bool
	cmd := &cobra.Command{
		Use:   "ingest RUN [RESULTS…]",
		Short: "Take in the results of a planned run",
		Long: `Ingest reads the results of the requests that l2m plan wrote: JSON Lines in the
format of OpenAI's batch services, plain or gzipped, in any order and in pieces,
with failures and duplicates. Every answer is checked as one of a server is, and
kept: name every file once, or again, which changes nothing. Two answers to one
request that cannot be of the same model are an error that names both. When
nothing is missing, the run is evaluated and its report written. The exit code is
1 while something is missing; without files of results that is all it tells.`,
		Example: "  l2m ingest run results-*.jsonl.gz",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 {
				return usagef("name the run directory, then files of results")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			bars := newProgress(cmd.ErrOrStderr(), quiet)
			keeps(cmd.Context(), "what was taken in", args[0], rundir.Scores+"/part-*")
			r, err := measure.Ingest(cmd.Context(), args[0], args[1:], report.ResultFaces, bars.report)
			bars.done()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				if err := writeJSON(out, r); err != nil {
					return err
				}
			} else {
				fmt.Fprintf(out, "%d answers taken in, %d duplicates; %d windows are scored\n", r.Answers, r.Duplicates, r.Windows)
				if r.Differing > 0 {
					fmt.Fprintf(out, "%d of the duplicates differ as rounding does; the first answers are kept\n", r.Differing)
				}
				for _, f := range r.Failures {
					fmt.Fprintf(out, "%d times: %s\n  %s\n", f.Count, f.Kind, f.First)
				}
			}
			if r.Missing > 0 {
				return fmt.Errorf("%w: %d windows lack %d answers, the first %s (take in further results; or l2m plan with the same options writes the requests that are missing)", errIncomplete, r.Missing, r.Requests, r.First[0])
			}
			if asJSON {
				return nil
			}
			fmt.Fprintln(out)
			return report.Text(out, r.Result, report.TextOptions{Color: wantColor(out), Width: terminalWidth(out), Run: args[0]})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}
