package cli

import (
	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/fit"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
)

func newFitCommand() *cobra.Command {
	var (
		o       fit.Options
		asJSON  bool
		out     string
		figures []string
	)
	cmd := &cobra.Command{
		Use:   "fit TABLE",
		Short: "Fit a law to estimates that were made elsewhere",
		Long: `Fit reads a table of information estimates, one row for each length, and fits the
power law and its rivals to it. With standard errors, or the covariance of the
estimates (--covariance), the fit, the intervals and the verdict are those of
l2m measure. Without errors it is a least-squares line through the logarithms, and
no verdict is given.

TABLE is CSV or JSON, or - for standard input. Columns are found by their names:
length (or L, tokens, bytes), nats (or bits, I, mi, estimate), and, if errors are
known, se (or stderr, sigma), or lo95 and hi95. A length is that of the whole
window; the estimate is the information between its two parts.`,
		Example: `  l2m fit points.csv
  l2m fit points.csv --covariance covariance.csv --out points
  l2m fit paper.csv --columns L,"MI (bits)" --bits
  l2m fit RUN/estimates.csv --series paired/2 --range 64:4096`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one table (or - for standard input)")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Table, o.Stdin = args[0], cmd.InOrStdin()
			if err := o.Validate(); err != nil {
				return usageError{err}
			}
			if err := checkFormats(figures); err != nil {
				return err
			}
			r, err := fit.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if out != "" {
				if err := fit.Write(out, r, report.ResultFaces, figures); err != nil {
					return err
				}
			}
			w := cmd.OutOrStdout()
			if asJSON {
				return result.Write(screen.JSON{W: w}, r)
			}
			return report.Text(w, r, report.TextOptions{Color: wantColor(w), Width: terminalWidth(w), Run: out})
		},
	}
	f := option.Set{FlagSet: cmd.Flags()}
	f.SortFlags = false
	fit.Declare(f, &o)
	f.Output(&out, nil, &figures, "folder for results.json, estimates.csv, report.html and the figures")
	f.BoolVar(&asJSON, "json", false, "print results.json instead of the table")
	return cmd
}
