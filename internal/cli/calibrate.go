package cli

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/calibrate"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

func newCalibrateCommand() *cobra.Command {
	var (
		o      calibrate.Options
		asJSON bool
		quiet  bool
	)
	cmd := &cobra.Command{
		Use:   "calibrate [PROCESS…]",
		Short: "Run estimators on processes of known information: bias and coverage",
		Long: `Calibrate simulates processes whose information is known exactly, scores them by
their own exact law, runs the estimators, fits and checks of l2m measure many
times, and reports for the exponent, the prefactor and the information at each
length: bias, spread, root-mean-square error, and how many of the 95 % intervals
contain the truth; also how often each law was chosen. The last table shows what
runs say first, and how often they are wrong without a word.

PROCESS is named as for l2m process; the default is a set of eight. --damage makes
the model worse on purpose, or puts another in its place:
  order=K        only the last K tokens are seen
  smoothing=E    mixed with the distribution of a single token
  memory=K       the whole past, but only its K most informative numbers
  temperature=T  overconfident (T < 1) or underconfident (T > 1) predictions
  bos=B          the model takes the start of a sequence for that of a document
  model=bytemix  the built-in predictor, trained on 262,144 symbols
  model=DIR      a model that l2m lab train made: its run directory
Order and smoothing need a stationary process; memory, temperature and bos one
that is Gaussian too; bytemix one of symbols. Each process is run with those that
apply to it.

The run directory keeps every repetition; repeating the command continues an
interrupted run.`,
		Example: `  l2m calibrate --repetitions 100
  l2m calibrate powergauss:beta=0.76,signs=random --windows 100,400 --out cal
  l2m calibrate powergauss --damage none --damage order=32 --damage memory=4 --length 256`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Processes = args
			if len(args) == 0 {
				o.Processes = calibrate.Default()
			}
			if err := o.Check(); err != nil {
				return usageError{err}
			}
			bars := newProgress(cmd.ErrOrStderr(), quiet)
			o.Progress = bars.report
			o.Faces = report.CalibrationFaces
			keeps(cmd.Context(), "what was simulated", o.Out, rundir.Repetitions+"/*.json")
			r, err := calibrate.Run(cmd.Context(), o)
			bars.done()
			if err != nil {
				return err
			}
			if asJSON {
				return result.Write(screen.JSON{W: cmd.OutOrStdout()}, r)
			}
			return writeCalibration(cmd.OutOrStdout(), r, o.Out)
		},
	}
	f := option.Set{FlagSet: cmd.Flags()}
	f.SortFlags = false
	f.StringVarP(&o.Out, "out", "o", "l2m-run-calibration", "run directory")
	f.BoolVar(&o.Fresh, "fresh", false, "discard what an earlier run left in the run directory")
	calibrate.Declare(f, &o)
	f.BoolVar(&asJSON, "json", false, "print calibration.json instead of tables")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}

// writeCalibration prints the tables.
func writeCalibration(w io.Writer, r *result.Calibration, out string) error {
	fmt.Fprintf(w, "%d repetitions, windows of %d tokens, 95 %% intervals from %d bootstrap draws\n", r.Options.Repetitions, r.Options.Length, r.Options.Draws)
	exact := true
	for _, c := range r.Cells {
		fmt.Fprintf(w, "\n%s, %d windows", screen.Printable(c.Process.Spec), c.Windows)
		if c.Damage != "none" {
			fmt.Fprintf(w, ", model damaged: %s", screen.Printable(c.Damage))
		}
		fmt.Fprintln(w)
		t := plainTable("estimator", "β true", "bias", "spread", "rmse", "coverage", "A true", "bias", "coverage", "coverage of I", "verdicts", "best law")
		for _, e := range c.Estimators {
			row := table.Row{e.Estimator, "–", "", "", "", "", "", "", ""}
			if b, a := e.Beta, e.A; b != nil {
				mark := ""
				if !b.Exact {
					mark, exact = " ¹", false
				}
				row = table.Row{e.Estimator, fmt.Sprintf("%.4f%s", b.Truth, mark), signed(b.Bias, b.BiasSE), fmt.Sprintf("%.4f", b.Spread), fmt.Sprintf("%.4f", b.RMSE), percent(b.Summary),
					fmt.Sprintf("%.4f", a.Truth), signed(a.Bias, a.BiasSE), percent(a.Summary)}
			}
			lo, hi := 1.0, 0.0
			for _, p := range e.Points {
				lo, hi = min(lo, p.Coverage), max(hi, p.Coverage)
			}
			row = append(row, fmt.Sprintf("%.0f–%.0f %%", 100*lo, 100*hi), report.Tally(e.Verdicts), bestLaw(e))
			t.AppendRow(row)
		}
		fmt.Fprintln(w, t.Render())
		for _, n := range c.Notes {
			fmt.Fprintf(w, "note: %s\n", screen.Printable(n))
		}
		if len(c.Efficiency) > 0 && c.Damage == "none" {
			t := plainTable("scheme", "spread of β", "tokens", "tokens at equal error")
			for _, e := range c.Efficiency {
				t.AppendRow(table.Row{e.Scheme, fmt.Sprintf("%.4f", e.Spread), e.Tokens, fmt.Sprintf("%.3g×", e.Relative)})
			}
			fmt.Fprintln(w, t.Render())
		}
	}
	writeHeadlines(w, r)
	if !exact {
		fmt.Fprintln(w, "\n¹ the exact curve is not a power law: this is the power law fitted to it with the weights of the estimates")
	}
	_, err := fmt.Fprintf(w, "\nrun kept in %s: calibration.json, report.html\n", screen.Printable(out))
	return err
}

// writeHeadlines prints what runs of l2m measure would say first.
func writeHeadlines(w io.Writer, r *result.Calibration) {
	t := plainTable("process", "windows", "model", "L", "exact", "estimate", "95 % holds", "findings", "missed in silence", "verdicts")
	for _, c := range r.Cells {
		h := c.Headline
		if h == nil {
			continue
		}
		findings := "–"
		if h.Flagged > 0 {
			findings = fmt.Sprintf("%d %%: %s", 100*h.Flagged/h.Of, report.Tally(h.Findings))
		}
		t.AppendRow(table.Row{c.Process.Spec, c.Windows, report.ModelName(c.Damage), h.Length, fmt.Sprintf("%.4g", h.Truth), fmt.Sprintf("%.4g ± %.2g", h.Mean, h.Width/2),
			fmt.Sprintf("%.0f %%", 100*h.Coverage), findings, fmt.Sprintf("%d %%", 100*h.Silent/h.Of), report.Tally(h.Verdicts)})
	}
	fmt.Fprintf(w, "\nWhat runs say first: nats at the longest length (mean, median half-width of the interval), what the checks find, how often the\ninterval misses the truth and no check says anything, and the verdict\n%s\n", t.Render())
}

// bestLaw lists the families chosen, and how often a bounded curve was chosen.
func bestLaw(e result.EstimatorCalibration) string {
	s := report.Tally(e.Best)
	if e.Bounded > 0 {
		s += fmt.Sprintf(" (bounded %d)", e.Bounded)
	}
	return s
}

func signed(v, se float64) string { return fmt.Sprintf("%+.4f ± %.4f", v, se) }

func percent(s result.Summary) string {
	return fmt.Sprintf("%.1f %% (%.1f–%.1f)", 100*s.Coverage, 100*s.CoverageCI.Lo, 100*s.CoverageCI.Hi)
}
