package cli

import (
	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/lab/study"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

func newLabStudyCommand() *cobra.Command {
	var (
		o             study.Options
		quiet, asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "study [NAME [TEXT…]]",
		Short: "Train a grid of small models that answers a question",
		Long: `Study trains the models of a built-in study or of a study file, one after another,
and draws its figures. Without a name it lists the built-in studies.

What is finished is stored in study.json after every model, so that the command can
be stopped or killed at any time: repeated, it trains what is missing. The run
directory of each model is in the folder trainings. Studies of text take files or
folders: half of the documents train the models. With --limit 0 nothing is trained:
the page and the figures are drawn from what is stored.`,
		Example: `  l2m lab study
  l2m lab study memory
  l2m lab study memory --only 'L64-c3-*-seed1' --limit 3
  l2m lab study text books/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listStudies(cmd)
			}
			if err := checkFormats(o.Formats); err != nil {
				return err
			}
			o.Study, o.Paths, o.Faces = args[0], args[1:], report.StudyFaces
			bars := newProgress(cmd.ErrOrStderr(), quiet)
			o.Progress = bars.report
			keeps(cmd.Context(), "what was trained", o.Out, rundir.Trainings)
			doc, err := study.Run(cmd.Context(), o)
			bars.done()
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			if asJSON {
				return result.Write(screen.JSON{W: w}, doc)
			}
			return report.StudyText(w, doc, report.TextOptions{Color: wantColor(w), Width: terminalWidth(w)})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	set := option.Set{FlagSet: f}
	set.Output(&o.Out, nil, &o.Formats, "run directory (default l2m-study-NAME)")
	study.Declare(set, &o)
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	f.BoolVar(&asJSON, "json", false, "print study.json instead of the table")
	return cmd
}

func listStudies(cmd *cobra.Command) error {
	t := newListing("study", "what it asks", "models", "cost")
	for _, s := range study.Studies() {
		cells, err := s.Cells()
		if err != nil {
			return err
		}
		t.add(s.Name, s.Question, len(cells), s.Cost)
	}
	return t.print(cmd.OutOrStdout())
}
