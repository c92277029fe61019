package cli

import (
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
			out := cmd.OutOrStdout()
			if asJSON {
				return result.Write(screen.JSON{W: out}, r)
			}
			return report.CalibrationText(out, r, report.TextOptions{Color: wantColor(out), Width: terminalWidth(out), Run: o.Out})
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
