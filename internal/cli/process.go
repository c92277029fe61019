package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/exact"
	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/report"
)

func newProcessCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "process",
		Short: "Random processes whose information is known exactly",
		Long: `Process lists, describes and samples random processes whose mutual information
is known exactly, and prints that information: to check an estimator, or to train
models on data with a known law.

A process is named KIND, or KIND:NAME=VALUE,NAME=VALUE…, or by a kind and flags:
"powergauss:beta=0.76,signs=random" means "powergauss --beta 0.76 --signs random".
Lists are separated by /, rows of matrices by ;.`,
		Example: `  l2m process list
  l2m process truth powergauss --beta 0.76 --signs random --frontier 512
  l2m process sample powergauss --beta 0.76 --signs random --length 4096 --count 1000 -o x.npy`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newProcessListCommand(), newProcessDescribeCommand(), newProcessSampleCommand(), newProcessTruthCommand())
	return cmd
}

func newProcessListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the kinds of processes",
		Example: "  l2m process list",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), process.Kinds())
			}
			t := newListing("kind", "what it is", "example")
			for _, k := range process.Kinds() {
				t.add(k.Name, k.Title, k.Example)
			}
			return t.print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newProcessDescribeCommand() *cobra.Command {
	var asJSON bool
	var flags processFlags
	cmd := &cobra.Command{
		Use:     "describe PROCESS",
		Short:   "Describe a process and its parameters",
		Example: "  l2m process describe hierarchical --c 2/3",
		Args:    oneProcess,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := flags.parse(cmd, args[0])
			if err != nil {
				return err
			}
			d := p.Describe()
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), d)
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s\n%s\n\n", screen.Printable(d.Spec), screen.Printable(d.Title))
			tokens := map[process.TokenKind]string{
				process.Symbol: fmt.Sprintf("symbols, alphabet of %d", d.Alphabet), process.Number: "numbers",
				process.Vector: fmt.Sprintf("vectors of %d numbers", d.Width)}[d.Token]
			fmt.Fprintf(out, "tokens          %s\n", tokens)
			fmt.Fprintf(out, "entropy rate    %.6g nats per token\n", float64(p.EntropyRate()))
			if d.Beta != nil {
				fmt.Fprintf(out, "exponent        %.6g\n", *d.Beta)
			}
			if d.Lengths != "" {
				fmt.Fprintf(out, "law holds at    %s\n", d.Lengths)
			}
			fmt.Fprintf(out, "shifted by ℓ    %s\n\n", map[process.Shift]string{
				process.Stationary: "stationary: every stretch has the same law", process.DyadicShift: "halves of dyadic lengths have the same law; ratio 2 is exact, others are not",
				process.NotStationary: "not stationary: block does not apply"}[d.Shift])
			t := newListing("parameter", "value", "")
			for _, q := range d.Params {
				t.add("--"+q.Name, q.Value, q.Doc)
			}
			return t.print(out)
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newProcessSampleCommand() *cobra.Command {
	var (
		o      exact.SampleOptions
		flags  processFlags
		format string
		quiet  bool
	)
	cmd := &cobra.Command{
		Use:   "sample PROCESS",
		Short: "Draw samples into a NumPy, Parquet or text file",
		Long: `Sample draws sequences of a process. The same seed gives the same bytes on any
number of cores, and sample i does not depend on how many are drawn.

  .npy      NumPy array: float64 (count, length), with copies (count, length, copies); uint32 for symbols
  .parquet  one row per sample: sample, tokens
  .txt      symbols only: one line per sample
  .jsonl    symbols only: documents for l2m measure`,
		Example: `  l2m process sample powergauss --beta 0.76 --signs random --length 4096 --count 1000 -o x.npy
  l2m process sample hierarchical --c 3 --copies 64 --length 1024 --count 100 -o train.npy
  l2m process sample markov --length 60`,
		Args: oneProcess,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := flags.parse(cmd, args[0])
			if err != nil {
				return err
			}
			o.Process, o.Stdout, o.Format = p.Describe().Spec, cmd.OutOrStdout(), process.SampleFormat(format)
			bars := newProgress(cmd.ErrOrStderr(), quiet)
			o.Progress = bars.report
			err = exact.Sample(cmd.Context(), o)
			bars.done()
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.Out, "out", "o", "-", "file to write; - is standard output, as text. an existing file is only replaced by the same samples")
	f.StringVar(&format, "format", "", "npy, parquet, text or jsonl (default: from the file name)")
	o.Length, o.Count = 1024, 1
	f.VarP(option.Count(&o.Length), "length", "L", "tokens per sample")
	f.VarP(option.Count(&o.Count), "count", "n", "samples")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the samples")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	flags.add(cmd)
	return cmd
}

func newProcessTruthCommand() *cobra.Command {
	var (
		o      exact.TruthOptions
		flags  processFlags
		specs  []string
		asJSON bool
		out    string
	)
	cmd := &cobra.Command{
		Use:   "truth PROCESS",
		Short: "Print the exact information of a process",
		Long: `Truth prints exact bipartite and two-point mutual information at dyadic lengths,
with --frontier how much of it a state of a given size can hold, and with
--memory how much structured memories hold (Gaussian processes of numbers):

  fenwick:A,B     stretches of w tokens keep A·w^B numbers each
  segments:A,B    segments of A·d^(1-B) tokens at distance d keep one number each
  window:K        the last K tokens
  pattern:k^P     the tokens at distances 1, 2^P, 3^P, …; also k^1/B and k^P+1

Of the process echo, --memory fenwick:A,B says how many repetitions can be answered
if each slot holds one symbol, at each length.`,
		Example: `  l2m process truth santafe --beta 0.8
  l2m process truth hierarchical --c 3 --length 262144
  l2m process truth powergauss --signs random --frontier 1024 --json -o truth.json
  l2m process truth hierarchical --frontier 256 --cut 127 --memory fenwick:1.5,0.7925 --memory fenwick:1.5,0.5
  l2m process truth echo --growth 0.75 --memory fenwick:1,0.75 --memory fenwick:1,0.5`,
		Args: oneProcess,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := flags.parse(cmd, args[0])
			if err != nil {
				return err
			}
			o.Process = p.Describe().Spec
			for _, spec := range specs {
				m, err := process.ParseMemory(spec)
				if err != nil {
					return usageError{fmt.Errorf("--memory: %w", err)}
				}
				o.Memories = append(o.Memories, m)
			}
			t, err := exact.Truth(cmd.Context(), o)
			if err != nil {
				return err
			}
			write := func(w io.Writer) error {
				if asJSON {
					return writeJSON(w, t)
				}
				return report.TruthText(w, t, report.TextOptions{Color: out == "" && wantColor(w), Width: terminalWidth(w)})
			}
			if out != "" {
				return atomicfile.WriteOutput(out, 0o666, atomicfile.StartsAs(write), write)
			}
			return write(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.Length, o.Ratio = 4096, 2
	f.VarP(option.Count(&o.Length), "length", "L", "largest window length, tokens")
	f.Var(option.Count(&o.Ratio), "ratio", "L/ℓ")
	f.Var(option.CountOrNone(&o.Distances), "distances", "largest distance of two-point information (default length/2; 0 leaves it out)")
	f.Var(option.Count(&o.Frontier), "frontier", "window length of the state–information frontier (at most 4096, hierarchical 16384; default: none, 1024 with --memory)")
	f.Var(option.Count(&o.Cut), "cut", "tokens of the past for --frontier and --memory (default: half)")
	f.StringArrayVar(&specs, "memory", nil, "structured memory, such as fenwick:1.5,0.76 (repeat for several)")
	f.StringVarP(&out, "out", "o", "", "file to write (default: standard output)")
	f.BoolVar(&asJSON, "json", false, "write JSON")
	flags.add(cmd)
	return cmd
}

// processFlags are the flags for parameters of processes.
type processFlags struct{ values map[string]*string }

func (p *processFlags) add(cmd *cobra.Command) {
	p.values = map[string]*string{}
	kinds := map[string][]string{}
	docs := map[string]string{}
	var names []string
	for _, k := range process.Kinds() {
		for _, q := range k.Params {
			if kinds[q.Name] == nil {
				names = append(names, q.Name)
				docs[q.Name] = q.Doc
			}
			kinds[q.Name] = append(kinds[q.Name], k.Name)
		}
	}
	for _, name := range names {
		p.values[name] = cmd.Flags().String(name, "", strings.Join(kinds[name], ", ")+": "+docs[name])
	}
}

// parse joins the name of a process with the parameters given as flags.
func (p *processFlags) parse(cmd *cobra.Command, spec string) (process.Truth, error) {
	var given []string
	for _, k := range process.Kinds() {
		for _, q := range k.Params {
			if f := cmd.Flags().Lookup(q.Name); f.Changed && !containsPrefix(given, q.Name+"=") {
				given = append(given, q.Name+"="+*p.values[q.Name])
			}
		}
	}
	if len(given) > 0 {
		if strings.Contains(spec, ":") {
			spec += ","
		} else {
			spec += ":"
		}
		spec += strings.Join(given, ",")
	}
	t, err := process.Parse(spec)
	if err != nil {
		return nil, usageError{err}
	}
	return t, nil
}

func containsPrefix(words []string, prefix string) bool {
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			return true
		}
	}
	return false
}

func oneProcess(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("name one process (see l2m process list), not %s", strconv.Itoa(len(args)))
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(screen.JSON{W: w})
	e.SetIndent("", "  ")
	return e.Encode(v)
}
