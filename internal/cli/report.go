package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/measure"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/rundir"
)

func newReportCommand() *cobra.Command {
	var figures []string
	cmd := &cobra.Command{
		Use:   "report RUN…",
		Short: "Re-render the reports of finished runs; say what unfinished ones give so far",
		Long: `Report re-renders report.html, the tables and the figures of finished runs from
their results.json, compare.json, audit.json, calibration.json, lab.json or study.json: after an
update of l2m, or in other formats for a paper. Nothing is measured again.

Of a run of l2m measure that is not finished, also while it runs, it prints what the
windows scored so far give, and writes nothing.`,
		Example: `  l2m report l2m-run-1f2e3d4c --figures pdf
  l2m report runs/*`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name one or more run directories")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormats(figures); err != nil {
				return err
			}
			for _, dir := range args {
				if i, err := rundir.ReadDir(dir); err == nil && !i.Finished && i.Kind == rundir.Measure.Verb && i.Key != nil {
					if err := reportInterim(cmd, dir); err != nil {
						return err
					}
					continue
				}
				if err := report.Render(dir, figures); err != nil {
					return err
				}
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), screen.Printable(filepath.Join(dir, "report.html"))); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&figures, "figures", nil, "formats of the static figures (default svg,png,pdf)")
	return cmd
}

// reportInterim prints what an unfinished run gives so far.
func reportInterim(cmd *cobra.Command, dir string) error {
	r, of, err := measure.Interim(cmd.Context(), dir, nil)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if _, err := fmt.Fprintf(out, "%s: %d of %d windows are scored, which give so far (to go on: %s):\n\n", dir, r.Windows.Count, of, r.Command); err != nil {
		return err
	}
	return report.Text(out, r, report.TextOptions{Color: wantColor(out), Width: terminalWidth(out)})
}

// checkFormats refuses unknown figure formats.
func checkFormats(formats []string) error {
	for _, f := range formats {
		if !slices.Contains(rundir.Formats(), f) {
			return usagef("--figures: unknown format %q (choose from %s)", f, strings.Join(rundir.Formats(), ", "))
		}
	}
	return nil
}
