package cli

import (
	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/compare"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
)

func newCompareCommand() *cobra.Command {
	var (
		o      compare.Options
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "compare RUN RUN…",
		Short: "Which model uses the long context, and up to where?",
		Long: `Compare compares finished runs of l2m measure with the first of them: the loss by
position, what each model takes from its past as a function of length, how much
less that is than for the first model, and the length at which a model stops
gaining, all with intervals over documents.

Runs must have drawn their windows alike (same documents, --length,
--windows-per-document and --seed); those that all have are compared. If
tokenizers differ, the same documents are enough, and everything is per byte.`,
		Example: `  l2m measure books/ --out full
  l2m measure books/ --out cut --context 256     # the same model, its context cut
  l2m compare full cut
  l2m compare llama mamba --config llama/config.json --config mamba/config.json --out comparison`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("name two or more run directories of l2m measure")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormats(o.Figures); err != nil {
				return err
			}
			o.Runs = args
			o.Faces = report.ComparisonFaces
			c, err := compare.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return result.Write(screen.JSON{W: out}, c)
			}
			return report.ComparisonText(out, c, report.TextOptions{Color: wantColor(out), Width: terminalWidth(out), Run: o.Out})
		},
	}
	f := option.Set{FlagSet: cmd.Flags()}
	f.SortFlags = false
	f.Output(&o.Out, nil, &o.Figures, "run directory for compare.json, compare.csv, report.html and figures (default: none)")
	compare.Declare(f, &o)
	f.BoolVar(&asJSON, "json", false, "print compare.json instead of the table")
	return cmd
}
