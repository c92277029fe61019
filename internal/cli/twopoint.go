package cli

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/twopoint"
)

func newTwoPointCommand() *cobra.Command {
	var (
		o         twopoint.Options
		distances string
		memory    string
		subtract  bool
		blocks    int
		asJSON    bool
		quiet     bool
	)
	cmd := &cobra.Command{
		Use:   "twopoint PATH…",
		Short: "Measure the information that single tokens carry about distant ones",
		Long: `Twopoint counts the pairs of tokens at every distance d inside documents, and
states their mutual information I(w_i; w_{i+d}), with errors, the floor that the
estimator reads on shuffled pairs, and the law of the decay.

Counts are exact, and the corpus need not fit into memory: what does not is kept
in the run directory while it is needed. The same command again continues an
interrupted run. PATH is what l2m measure takes.`,
		Example: `  l2m twopoint --tokens words books/
  l2m twopoint --tokens dna:6 genome.fa.gz --distances 6,10,100,1000
  l2m twopoint --tokens words --memory 4G dump/*.jsonl.zst --out run
  l2m twopoint --counts counts.json       # counted elsewhere`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && o.Counts == "" {
				return usagef("name at least one file or folder (or - for standard input), or --counts FILE")
			}
			if len(args) > 0 && o.Counts != "" {
				return usagef("--counts takes the place of documents: name one or the other")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Paths, o.Stdin = args, cmd.InOrStdin()
			var err error
			if o.Distances, err = parseDistances(distances); err != nil {
				return usagef("--distances: %v", err)
			}
			if o.Memory, err = parseSize(memory); err != nil || o.Memory < 0 {
				return usagef("--memory: %q is not a size such as 500M or 4GiB", memory)
			}
			o.KeepFloor = !subtract
			if o.Blocks = blocks; blocks == 0 {
				o.Blocks = -1
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
			return runTwoPoint(cmd, o, memory, asJSON, quiet)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.Out, "out", "o", "", "run directory (default l2m-run-XXXXXXXX, from the paths and options)")
	f.BoolVar(&o.Fresh, "fresh", false, "discard what an earlier run left in the run directory")
	f.StringVarP(&o.Tokens, "tokens", "t", "bytes", "bytes, words, dna (or dna:K, words of K letters), protein, or a vocabulary: tokenizer.json or a .tiktoken file")
	f.StringVarP(&distances, "distances", "d", "", "distances in tokens, 255 at most: 1,2,5 or a largest one for powers of two, as in :4096 (default: powers of two up to the longest document)")
	f.StringVar(&o.Counts, "counts", "", "estimate from a file of counts in place of documents")
	f.StringVar(&memory, "memory", "1G", "memory in all; what does not fit goes to the run directory while it is needed")
	f.StringVar(&o.Estimator, "estimator", "grassberger", "of entropies: grassberger, chao-shen, miller-madow or plug-in")
	f.BoolVar(&subtract, "subtract-floor", true, "subtract what the estimator reads on shuffled pairs")
	f.IntVar(&blocks, "blocks", 16, "blocks of documents to leave out in turn for the errors, 255 at most; 0 for none")
	f.Float64Var(&o.Sample, "sample", 1, "share of the documents to count")
	textFlags(f, reading{&o.Format, &o.Field, &o.MaxRecord, &o.Strict, &o.KeepDuplicates})
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the shuffled pairs, the blocks and the sample")
	f.StringSliceVar(&o.Figures, "figures", nil, "formats of the static figures (default svg,png,pdf)")
	f.BoolVar(&asJSON, "json", false, "print results.json instead of the table")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}

func runTwoPoint(cmd *cobra.Command, o twopoint.Options, asked string, asJSON, quiet bool) error {
	if o.Memory > 0 {
		// Counting allocates close to its limit; without a limit for the whole,
		// the collector would let garbage grow to as much again. The program
		// itself takes some 25 MB, and the collector is late at times.
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
			ample = fmt.Sprintf(", %s if as many come again", flag(memory.Ample))
		}
		return fmt.Errorf("--memory %s is too small for %s: at least %s is needed%s", asked, memory.For, flag(memory.Need), ample)
	}
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if asJSON {
		return result.Write(out, r)
	}
	return report.Text(out, r, report.TextOptions{
		Color: wantColor(out), Width: terminalWidth(out), Run: o.Out,
	})
}

// besideCounting is what the program, reading and reporting take of --memory, at
// most half of it.
const besideCounting = 48 << 20

// parseDistances reads 1,2,5 or :4096 (powers of two up to that).
func parseDistances(s string) ([]int, error) {
	if s == "" {
		return nil, nil
	}
	if most, ok := strings.CutPrefix(s, ":"); ok {
		n, err := strconv.Atoi(most)
		if err != nil || n < 1 || n > math.MaxInt32 {
			return nil, fmt.Errorf("%q is not a distance", most)
		}
		var ds []int
		for d := 1; d <= n; d *= 2 {
			ds = append(ds, d)
		}
		return ds, nil
	}
	var ds []int
	for word := range strings.SplitSeq(s, ",") {
		d, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || d < 1 || d > math.MaxInt32 {
			return nil, fmt.Errorf("%q is not a distance", word)
		}
		ds = append(ds, d)
	}
	return ds, nil
}
