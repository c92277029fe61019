package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/lm/bytemix"
	"github.com/l2m-lab/l2m/predictor"
	"github.com/l2m-lab/l2m/report"
)

func newModelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Fetch language models; train, inspect and evaluate the built-in predictor",
		Long: `Model fetches small language models with the engine that runs them. It also
trains the built-in predictor on a corpus and saves it to a file, describes such
a file, and evaluates it on text.

By default l2m measure trains its own predictor; --model FILE uses a saved one.`,
		Example: `  l2m model fetch smollm2                      # then: l2m measure books/ --model smollm2
  l2m model train novels/ -o novels.bytemix
  l2m model info novels.bytemix
  l2m model eval novels.bytemix other-novel.txt
  l2m measure --model novels.bytemix other-novels/`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newModelTrainCommand(), newModelInfoCommand(), newModelEvalCommand(), newModelFetchCommand(), newModelListCommand())
	return cmd
}

func newModelTrainCommand() *cobra.Command {
	var (
		o     predictor.Options
		quiet bool
	)
	cmd := &cobra.Command{
		Use:     "train PATH… -o FILE",
		Short:   "Train the predictor on all documents and save it",
		Example: "  l2m model train novels/ -o novels.bytemix",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("name at least one file or folder to train on (or - for standard input)")
			case o.File == "":
				return usagef("name the file to write with -o")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			bars := newProgress(cmd.ErrOrStderr(), quiet)
			o.Paths, o.Stdin, o.Progress = args, cmd.InOrStdin(), bars.report
			info, err := predictor.Train(cmd.Context(), o)
			bars.done()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: trained on %d bytes, fingerprint %.12s\n", screen.Printable(o.File), info.TrainedBytes, info.Fingerprint)
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	predictor.DeclareTraining(option.Set{FlagSet: f}, &o)
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}

func newModelInfoCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "info FILE",
		Short:   "Check and describe a model file",
		Example: "  l2m model info novels.bytemix",
		Args:    oneArg("name one model file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			info, err := bytemix.ReadInfo(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				info.Sketch = nil // 256 KB that nobody reads
				return writeJSON(cmd.OutOrStdout(), info)
			}
			alphabet := string(info.Alphabet)
			if alphabet == "" {
				alphabet = "bytes"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\nalphabet      %s\ntrained on    %d bytes\ntables        2^%d slots\nfingerprint   %s\n",
				info.Algorithm, alphabet, info.TrainedBytes, info.TableBits, info.Fingerprint)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newModelEvalCommand() *cobra.Command {
	var (
		o      predictor.Options
		asJSON bool
		quiet  bool
	)
	cmd := &cobra.Command{
		Use:   "eval FILE PATH…",
		Short: "Measure how well a saved predictor predicts text, by position",
		Example: `  l2m model eval novels.bytemix other-novel.txt --length 16384
  l2m model eval bytemix:universal novel.txt      # without training`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("name a model file, then the text to evaluate it on")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			bars := newProgress(cmd.ErrOrStderr(), quiet)
			o.File, o.Paths, o.Stdin, o.Progress = args[0], args[1:], cmd.InOrStdin(), bars.report
			e, err := predictor.Evaluate(cmd.Context(), o)
			bars.done()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return writeJSON(out, e)
			}
			return report.EvaluationText(out, e, report.TextOptions{Color: wantColor(out), Width: terminalWidth(out)})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	predictor.DeclareEvaluation(option.Set{FlagSet: f}, &o)
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}

// oneArg requires exactly one argument.
func oneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s", what)
		}
		return nil
	}
}
