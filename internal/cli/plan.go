package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/internal/shell"
	"github.com/l2m-lab/l2m/measure"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/rundir"
)

func newPlanCommand() *cobra.Command {
	var (
		o      measure.PlanOptions
		asJSON bool
		quiet  bool
	)
	cmd := &cobra.Command{
		Use:   "plan PATH…",
		Short: "Write the requests of a run to files, for when no server can be reached",
		Long: `Plan draws windows as l2m measure does and writes what must be scored as files of
OpenAI batch requests. The program answer.py, written beside them, sends them to a
server on the same machine and needs only Python. l2m ingest reads the results and
needs only the run directory, not the documents. Repeating the command writes only
what has not been answered yet.`,
		Example: `  l2m plan books/ --model meta-llama/Llama-3.1-405B-FP8 --tokenizer tokenizer.json --bos 128000 --out run
  # on the cluster, in one job:
  #   vllm serve meta-llama/Llama-3.1-405B-FP8 --tensor-parallel-size 8 --max-model-len 4096 &
  #   python3 run/requests/answer.py --url http://localhost:8000 run/requests/requests-*.jsonl
  l2m ingest run run/requests/results-*.jsonl
  l2m plan books/ --model mine --tokenizer tokenizer.json --bos 0 --npz --out run   # arrays for a loop of your own`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name at least one file or folder")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			m := &o.Measure
			m.Paths, m.Stdin = args, cmd.InOrStdin()
			switch {
			case m.Out == "":
				return usagef("--out: name the run directory, for l2m ingest")
			case o.Model == "":
				return usagef("--model: name the model by its id at the server")
			case m.Tokenizer == "":
				return usagef("--tokenizer: name the file of the model's vocabulary, tokenizer.json or .tiktoken")
			case o.BOS == nil:
				return usagef("--bos: name the token that starts every prompt (the model's beginning of sequence, else its end of text)")
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
			if o.Arrays {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d sequences for %d windows in %d files under %s/requests: %d tokens, of which %d are scored\nscore them as docs/pytorch.md shows, then: l2m ingest %s RESULTS…\n",
					p.Requests, p.Windows, len(p.Files), m.Out, p.Prompts, p.Scored, m.Out)
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d requests for %d windows in %d files under %s/requests: %d prompt tokens, of which %d are scored\nbeside a server: python3 %s --url http://localhost:8000 REQUESTS…\nthen: l2m ingest %s RESULTS…\n",
				p.Requests, p.Windows, len(p.Files), screen.Printable(m.Out), p.Prompts, p.Scored, shell.Operand(p.Runner), shell.Operand(m.Out))
			return err
		},
	}
	f := option.Set{FlagSet: cmd.Flags()}
	f.SortFlags = false
	f.Output(&o.Measure.Out, &o.Measure.Fresh, &o.Measure.Figures, "run directory, for l2m ingest")
	measure.DeclarePlan(f, &o)
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}

// errIncomplete ends an ingest if windows are still missing.
var errIncomplete = errors.New("the run is not complete")

func newIngestCommand() *cobra.Command {
	var asJSON, quiet bool
	cmd := &cobra.Command{
		Use:   "ingest RUN [RESULTS…]",
		Short: "Read the results of a planned run",
		Long: `Ingest reads the results of the requests that l2m plan wrote: JSON Lines in the
format of OpenAI's batch services, plain or gzipped, in any order and in pieces,
with failures and duplicates. Every answer is checked as a server's would be, and
kept, so each file need only be named once. Two answers to one request that cannot
come from the same model are an error that names both. When nothing is missing,
the run is evaluated and its report written. While something is missing, the exit
code is 1. Without result files, ingest only says what is missing.`,
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
					fmt.Fprintf(out, "%d times: %s\n  %s\n", f.Count, screen.Printable(f.Kind), screen.Printable(f.First))
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
