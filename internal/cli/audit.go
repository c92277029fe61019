package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/audit"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
)

func newAuditCommand() *cobra.Command {
	var (
		o        audit.Options
		asJSON   bool
		asCSV    bool
		page     string
		out      string
		figures  []string
		families bool
	)
	cmd := &cobra.Command{
		Use:   "audit CONFIG…",
		Short: "How much of the past does an architecture keep, and is it enough?",
		Long: `Audit reads model configurations, computes exactly what each model keeps of the
past as a function of length, and compares that with a law of the data: a model
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
			if err := o.Check(); err != nil {
				return usagef("%v", err)
			}
			if err := checkFormats(figures); err != nil {
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
	f := option.Set{FlagSet: cmd.Flags()}
	f.SortFlags = false
	audit.Declare(f, &o)
	f.Output(&out, nil, &figures, "folder for audit.json, audit.csv, report.html and the figure")
	f.BoolVar(&asJSON, "json", false, "print JSON instead of the table")
	f.BoolVar(&asCSV, "csv", false, "print CSV instead of the table")
	f.StringVar(&page, "html", "", "write a page with an interactive figure to this file; only replaces a page that l2m wrote")
	f.BoolVar(&families, "list", false, "list the known model types")
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
		err = result.Write(screen.JSON{W: out}, a)
	case asCSV:
		var table bytes.Buffer // characters must not be split between writes
		if err = result.AuditCSV(&table, a); err == nil {
			_, err = screen.Writer{W: out}.Write(table.Bytes())
		}
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
		return fmt.Errorf("%s could not be audited", info.Plural(n, "file"))
	}
	return nil
}
