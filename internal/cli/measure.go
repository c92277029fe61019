package cli

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/fetch"
	"github.com/l2m-lab/l2m/lm/llamacpp"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/measure"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
)

func newMeasureCommand() *cobra.Command {
	var (
		o        measure.Options
		asJSON   bool
		printDir bool
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
and wiki dumps, recognised by content, compressed or in archives too. Half of the
documents train the built-in predictor; windows of the other half are scored.

The run directory keeps every log-probability. Repeating the command continues
an interrupted run; with more --windows, or for a GGUF file a longer --time, it
scores what is missing.`,
		Example: `  l2m measure books/
  l2m measure --length 4096 --out run corpus/*.jsonl.gz --field content
  l2m measure genome.fa.gz
  zcat log.gz | l2m measure - --json | jq .series[0].law.power
  l2m measure books/ --model smollm2                       # a real language model, fetched once (104 MB)
  l2m measure books/ --model model.gguf                    # any model that llama.cpp runs
  l2m measure books/ --model http://localhost:8000/v1     # a model behind vLLM, SGLang, …
  l2m measure --logprobs scores.npy                       # computed by any program: windows × L
  l2m measure --process powergauss:beta=0.76 --length 1024   # the truth is known: does l2m find it?`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && o.Process == "" && o.LogProbs == "" {
				return usagef("name at least one file or folder to measure (or - for standard input)")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON && printDir {
				return usagef("--json and --print-dir exclude each other")
			}
			o.Paths, o.Stdin = args, cmd.InOrStdin()
			if o.Out == "" {
				scored := o // what is audited afterwards does not change the scores
				scored.Configs, scored.BytesPerToken = nil, 0
				if open.IsGGUF(o.Model) { // more windows extend the run
					scored.MaxWindows, scored.Time = 0, 0
				}
				o.Out = defaultRunDir(scored.Command())
			}
			if item, named := fetch.Find(o.Model); named && item.Name != fetch.Engine {
				if err := fetchModel(cmd, item, "", yes, quiet); err != nil {
					return err
				}
			}
			r, err := runMeasure(cmd, o, quiet)
			if err != nil {
				return err
			}
			return showMeasured(cmd, o, r, asJSON, printDir)
		},
	}
	f := option.Set{FlagSet: cmd.Flags()}
	f.SortFlags = false
	f.Output(&o.Out, &o.Fresh, &o.Figures, "run directory (default l2m-run-XXXXXXXX, from the paths and options)")
	measure.Declare(f, &o)
	f.BoolVarP(&yes, "yes", "y", false, "do not ask before fetching a model")
	f.BoolVar(&asJSON, "json", false, "print results.json instead of the table")
	f.BoolVar(&printDir, "print-dir", false, "print the run directory instead of the table, for scripts")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}

// runMeasure measures, and shows how far it is.
func runMeasure(cmd *cobra.Command, o measure.Options, quiet bool) (*result.Result, error) {
	bars := newProgress(cmd.ErrOrStderr(), quiet)
	o.Progress = bars.report
	o.Planned = func(p result.Plan, w result.Windows, m lm.Info, computed int64, warnings []info.Warning) {
		say(cmd.ErrOrStderr(), bars, quiet, report.PlanText(p, w, m, computed))
		for _, w := range warnings {
			say(cmd.ErrOrStderr(), bars, quiet, "warning: "+w.Text+" ("+w.Fix+")")
		}
		if hint := llamacpp.Faster(m.FileType, o.Model); hint != "" {
			say(cmd.ErrOrStderr(), bars, quiet, hint)
		}
	}
	o.Chosen = func(speed float64, took time.Duration) {
		say(cmd.ErrOrStderr(), bars, quiet, fmt.Sprintf("windows chosen for about %s at the measured %.0f log-probabilities a second; a longer --time or more --windows adds to them", took.Round(time.Second), speed))
	}
	o.Faces = report.ResultFaces
	keeps(cmd.Context(), "what was scored", o.Out, rundir.Scores+"/part-*")
	r, err := measure.Run(cmd.Context(), o)
	bars.done()
	return r, err
}

// showMeasured prints a finished run as it was asked for.
func showMeasured(cmd *cobra.Command, o measure.Options, r *result.Result, asJSON, printDir bool) error {
	out := cmd.OutOrStdout()
	switch {
	case asJSON:
		return result.Write(screen.JSON{W: out}, r)
	case printDir:
		_, err := fmt.Fprintln(out, screen.Printable(o.Out))
		return err
	}
	return report.Text(out, r, report.TextOptions{
		Color: wantColor(out), Width: terminalWidth(out), Run: o.Out, Audit: weights(o.Model), Next: languageModel(o, r),
	})
}

// languageModel is the command that measures the same text with a language model, and
// what it costs; "" for what is no text, and where one has measured.
func languageModel(o measure.Options, r *result.Result) string {
	item, known := fetch.Find("smollm2")
	if !known || r.Corpus.Tokenizer != token.Bytes().Name() || o.Process != "" || o.Format == "bytes" || !strings.HasPrefix(r.Model.Name, "bytemix") {
		return ""
	}
	n := measure.Options{
		Paths: o.Paths, Format: o.Format, Field: o.Field, MaxRecord: o.MaxRecord, Strict: o.Strict, KeepDuplicates: o.KeepDuplicates,
		Model: item.Name, Seed: o.Seed,
	}
	cost := fmt.Sprintf("%.0f minutes of scoring, or as long as --time says", measure.StandardTime.Minutes())
	if cache, err := fetch.Cache(); err == nil {
		bytes := int64(0)
		for _, i := range fetch.Missing(item, cache) {
			bytes += i.Size()
		}
		if bytes > 0 {
			cost = fetch.Megabytes(bytes) + " to fetch, " + cost
		}
	}
	return fmt.Sprintf("%s (%s)", n.Command(), cost)
}

// weights is a model file that l2m audit can read; "" if there is none.
func weights(model string) string {
	if !open.IsGGUF(model) {
		return ""
	}
	if path, named, err := fetch.Resolve(model); named && err == nil {
		return path
	}
	return model
}

// defaultRunDir derives the name of the run directory from the command, so that
// repeating the command finds its run.
func defaultRunDir(command string) string {
	sum := sha256.Sum256([]byte(command))
	return fmt.Sprintf("l2m-run-%x", sum[:4])
}
