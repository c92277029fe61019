package cli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/audit"
	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
)

func newAuditCommand() *cobra.Command {
	var (
		o        audit.Options
		law      string
		dtype    string
		lengths  string
		ask      string
		capacity string
		policies []string
		asJSON   bool
		asCSV    bool
		page     string
		out      string
		figures  []string
		families bool
		memory   memoryFlags
	)
	cmd := &cobra.Command{
		Use:   "audit CONFIG…",
		Short: "How much of the past does an architecture keep, and is it enough?",
		Long: `Audit reads model configurations, states exactly what each model keeps of the
past as a function of length, and holds that against a law of the data: a model
can follow I(L) = A·L^β at every length only if its history state grows at least
like L^β (the L²M condition, arXiv 2503.04725).

CONFIG is a Hugging Face config.json, a GGUF file (only its metadata is read), a
folder of them, or - for standard input. The law is the published one of English
unless --law names another.`,
		Example: `  l2m audit config.json
  l2m audit models/ --law l2m-run-1f2e3d4c --bytes-per-token 4.4
  l2m audit config.json --length 1e6 --capacity 0.05
  l2m audit config.json --cache sinks:4+2044 --cache full
  l2m audit models/ --memory 80G --weights 16G --batch 8 --length 128k   # what fits
  l2m audit models/ --out runs/models            # for l2m serve and l2m report
  l2m audit models/ --html audit.html --json > audit.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && !families {
				return usagef("name at least one configuration, GGUF file or folder (or - for standard input)")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if families {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(arch.Families(), "\n"))
				return err
			}
			if asJSON && asCSV {
				return usagef("--json and --csv exclude each other")
			}
			o.Paths, o.Stdin = args, cmd.InOrStdin()
			var err error
			if o.Lengths, err = parseLengths(lengths); err != nil {
				return usagef("--at: %v", err)
			}
			if o.Ask, err = parseLengths(ask); err != nil {
				return usagef("--length: %v", err)
			}
			if o.Capacities, err = parseCapacities(capacity); err != nil {
				return usagef("--capacity: %v", err)
			}
			if dtype != "" {
				if o.DType, err = arch.ParseDType(dtype); err != nil {
					return usagef("--dtype: %v", err)
				}
			}
			if !(o.Level > 0 && o.Level < 1) {
				return usagef("--level: %g is not between 0 and 1", o.Level)
			}
			for _, p := range policies {
				policy, err := arch.ParsePolicy(p)
				if err != nil {
					return usagef("--cache: %v", err)
				}
				if policy != (arch.Policy{}) {
					o.Policies = append(o.Policies, policy)
				}
			}
			if law != "" {
				if o.Law, err = audit.ParseLaw(law); err != nil {
					if _, missing := os.Stat(law); missing != nil {
						return usagef("--law: %v, and no run directory of that name exists", err)
					}
					if o.Law, o.Evidence, err = audit.ReadMeasuredLaw(law); err != nil {
						return err
					}
					o.LawFrom = law
				}
			}
			if err := checkFormats(figures); err != nil {
				return err
			}
			if o.Memory, err = memory.options(); err != nil {
				return err
			}
			a, err := audit.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if out != "" && len(a.Models) > 0 {
				if err := audit.Write(out, a, report.AuditFaces, figures); err != nil {
					return err
				}
			}
			return showAudit(cmd, a, asJSON, asCSV, page)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&law, "law", "", "run directory of l2m measure, or A,BETA (default: the published law of English, 2.27,0.76)")
	f.Float64Var(&o.BytesPerToken, "bytes-per-token", 0, "convert a law in bytes: bytes that a token of the models has on this text")
	f.StringVar(&lengths, "at", "", "lengths to state sizes at, in tokens (default 1024,4096,32768,131072)")
	f.StringVar(&ask, "length", "", "what would be needed at these lengths, such as 1e6")
	f.StringVar(&capacity, "capacity", "", "nats that one element carries (default 1,0.1,0.01)")
	f.StringVar(&dtype, "dtype", "", "storage of elements: bfloat16, float16, float8, int4, q8_0, q4_0, … (default bfloat16)")
	f.StringArrayVar(&policies, "cache", nil, "audit under a cache policy too: window:4096, sinks:4+2044, budget:2048, compressive:2048, power:0.76, pattern:k^2, fenwick:1.5,0.76, quant:q4_0+128, segments:2048, log-linear")
	memory.add(f)
	f.StringVar(&o.Assume, "assume", "", "read the files as this model_type, whatever they say")
	f.Float64Var(&o.Level, "level", 0.95, "level of intervals")
	f.StringVarP(&out, "out", "o", "", "folder to write audit.json, audit.csv, report.html and the figure to")
	f.StringSliceVar(&figures, "figures", nil, "formats of the static figure (default svg,png,pdf)")
	f.BoolVar(&asJSON, "json", false, "print JSON instead of the table")
	f.BoolVar(&asCSV, "csv", false, "print CSV instead of the table")
	f.StringVar(&page, "html", "", "write a page with an interactive figure to this file; only a page of l2m is replaced")
	f.BoolVar(&families, "list", false, "list the model types that are described")
	return cmd
}

func showAudit(cmd *cobra.Command, a *result.Audit, asJSON, asCSV bool, page string) error {
	if len(a.Models) == 0 && len(a.Failures) == 1 {
		return fmt.Errorf("%s: %s", a.Failures[0].Path, a.Failures[0].Error)
	}
	if page != "" && len(a.Models) > 0 {
		ours := atomicfile.Contains(`<meta name="generator" content="l2m `)
		if err := atomicfile.WriteOutput(page, 0o644, ours, func(w io.Writer) error { return report.AuditHTML(w, a) }); err != nil {
			return err
		}
	}
	out := cmd.OutOrStdout()
	var err error
	switch {
	case asJSON:
		err = result.Write(out, a)
	case asCSV:
		err = result.AuditCSV(out, a)
	default:
		err = report.AuditText(out, a, report.TextOptions{Color: wantColor(out), Width: terminalWidth(out)})
	}
	if err != nil {
		return err
	}
	if n := len(a.Failures); n > 0 {
		if asJSON || asCSV { // the table has named them
			for _, f := range a.Failures {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s: %s\n", cmd.CommandPath(), f.Path, f.Error)
			}
		}
		return fmt.Errorf("%s could not be audited", countFiles(n))
	}
	return nil
}

func countFiles(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// parseLengths reads a list of token counts such as 4096,32k,1e6; k and M are
// powers of 1,024.
func parseLengths(s string) ([]int64, error) {
	var out []int64
	for _, word := range splitList(s) {
		digits, unit := word, 1.0
		switch {
		case strings.HasSuffix(word, "k"), strings.HasSuffix(word, "K"):
			unit = 1 << 10
		case strings.HasSuffix(word, "m"), strings.HasSuffix(word, "M"):
			unit = 1 << 20
		}
		if unit > 1 {
			digits = word[:len(word)-1]
		}
		v, err := strconv.ParseFloat(digits, 64)
		v *= unit
		if err != nil || !(v >= 1) || v > 1e15 || v != math.Trunc(v) {
			return nil, fmt.Errorf("%q is not a number of tokens between 1 and 1e15", word)
		}
		out = append(out, int64(v))
	}
	return out, nil
}

// parseCapacities reads a list of positive numbers.
func parseCapacities(s string) ([]float64, error) {
	var out []float64
	for _, word := range splitList(s) {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil || !(v > 0) || math.IsInf(v, 0) {
			return nil, errors.New(strconv.Quote(word) + " is not a positive number of nats")
		}
		out = append(out, v)
	}
	return out, nil
}

// splitList splits at commas; the empty string is the empty list.
func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
