package cli

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/twopoint"
)

func newTwoPointCommand() *cobra.Command {
	var (
		o      twopoint.Options
		asJSON bool
		quiet  bool
	)
	cmd := &cobra.Command{
		Use:   "twopoint PATH…",
		Short: "Measure the information that single tokens carry about distant ones",
		Long: `Twopoint counts the pairs of tokens at every distance d inside documents, and
estimates their mutual information I(w_i; w_{i+d}), with standard errors, the noise
floor (the estimate on shuffled pairs), and the law of the decay.

Counts are exact. The corpus may be larger than memory: what does not fit is kept
on disk, in the run directory, while it is needed. Repeating the command continues an
interrupted run. PATH is as for l2m measure.`,
		Example: `  l2m twopoint --tokens words books/
  l2m twopoint --tokens dna:6 genome.fa.gz --distances 6,10,100,1000
  l2m twopoint --tokens words --memory 4G dump/*.jsonl.zst --out run
  l2m twopoint --counts counts.json       # counted elsewhere`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && o.Counts == "" {
				return usagef("name at least one file or folder (or - for standard input), or --counts FILE")
			}
			if len(args) > 0 && o.Counts != "" {
				return usagef("--counts replaces documents: name one or the other")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Paths, o.Stdin = args, cmd.InOrStdin()
			asked := cmd.Flag("memory").Value.String()
			if o.Memory < 0 {
				return usagef("--memory: %s is not a size such as 500M or 4GiB", asked)
			}
			if o.Out == "" {
				o.Out = defaultRunDir(o.Command())
			}
			if !(o.Sample > 0 && o.Sample <= 1) {
				return usagef("--sample: %g is not a share between 0 and 1", o.Sample)
			}
			if err := o.Validate(); err != nil {
				return usageError{err}
			}
			return runTwoPoint(cmd, o, asked, asJSON, quiet)
		},
	}
	f := option.Set{FlagSet: cmd.Flags()}
	f.SortFlags = false
	f.Output(&o.Out, &o.Fresh, &o.Figures, "run directory (default l2m-run-XXXXXXXX, from the paths and options)")
	twopoint.Declare(f, &o)
	f.BoolVar(&asJSON, "json", false, "print results.json instead of the table")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}

func runTwoPoint(cmd *cobra.Command, o twopoint.Options, asked string, asJSON, quiet bool) error {
	if o.Memory > 0 {
		// Counting uses nearly all of its limit, and without a limit for the whole
		// process the garbage collector would let the heap grow to twice that. The
		// program itself takes about 25 MB, and the collector is sometimes late.
		all := o.Memory - min(o.Memory/2, 32<<20)
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(all))
		o.Memory -= min(o.Memory/2, besideCounting)
	}
	bars := newProgress(cmd.ErrOrStderr(), quiet)
	o.Progress = bars.report
	o.Faces = report.ResultFaces
	keeps(cmd.Context(), "what was counted", o.Out, rundir.Counting+"/distance-*")
	r, err := twopoint.Run(cmd.Context(), o)
	bars.done()
	if memory := (*count.MemoryError)(nil); errors.As(err, &memory) {
		flag := func(need int64) string {
			return fmt.Sprintf("--memory %dM", (need+min(need, besideCounting))>>20+1)
		}
		ample := ""
		if memory.Ample > 0 {
			ample = fmt.Sprintf(", %s if the vocabulary doubles", flag(memory.Ample))
		}
		return fmt.Errorf("--memory %s is too small for %s: at least %s is needed%s", asked, memory.For, flag(memory.Need), ample)
	}
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if asJSON {
		return result.Write(screen.JSON{W: out}, r)
	}
	return report.Text(out, r, report.TextOptions{
		Color: wantColor(out), Width: terminalWidth(out), Run: o.Out,
	})
}

// besideCounting is the part of --memory for the program, reading and reporting, at
// most half of it.
const besideCounting = 48 << 20
