package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/lab"
	"github.com/l2m-lab/l2m/lab/train"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

func newLabCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Train small sequence models on data of known information",
		Long: `Lab trains small sequence models (attention, sliding windows, linear attention,
Mamba, Mamba-2, the gated delta rule, memories that grow with length, hybrids) on
random processes whose information is known, on recall tasks, and on text. A run
directory holds the model as config.json and model.safetensors, its losses, and a
checkpoint: an interrupted run continues, and ends with the same weights.`,
		Example: "  l2m lab recipes\n  l2m lab train gaussian-small\n  l2m audit l2m-lab-gaussian-small",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLabTrainCommand(), newLabRecipesCommand(), newLabEvalCommand(), newLabExportCommand(), newLabStudyCommand())
	return cmd
}

func newLabRecipesCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "recipes", Short: "List the built-in recipes", Example: "  l2m lab recipes", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), train.Recipes())
			}
			t := newListing("recipe", "what it trains", "cost")
			for _, r := range train.Recipes() {
				t.add(r.Name, r.About, r.Cost)
			}
			return t.print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the recipes in the format of a recipe file")
	return cmd
}

func newLabTrainCommand() *cobra.Command {
	var (
		o             lab.Options
		quiet, asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "train RECIPE [TEXT…]",
		Short: "Train a model from a recipe",
		Long: `Train trains a model from a built-in recipe or a recipe file; flags override what
the recipe says. Recipes for bytes take text: half of the documents train the model;
the other half is what l2m measure scores with the same --seed.

Ctrl-C saves a checkpoint and stops; the same command continues. The weights depend
neither on the number of workers nor on interruptions.`,
		Example: `  l2m lab train gaussian-small
  l2m lab train gaussian-small --layer-types mamba2 --out ssd
  l2m lab train gaussian-small --layer-types power_law_memory --memory 1,0.8 --out memory
  l2m lab train gaussian-small --set optimiser=muon --set muon_rate=0.01 --out muon
  l2m lab train recipe.json books/ --rates 0.0005,0.001,0.002`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name a recipe (l2m lab recipes lists the built-in ones)")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Recipe, o.Paths, o.Stdin = args[0], args[1:], cmd.InOrStdin()
			o.Faces = report.LabFaces
			bars := newProgress(cmd.ErrOrStderr(), quiet)
			o.Progress = bars.report
			keeps(cmd.Context(), "what was trained", o.Out, rundir.Checkpoint+"/training.safetensors")
			doc, err := lab.Train(cmd.Context(), o)
			bars.done()
			if err != nil {
				return err
			}
			return writeLab(cmd.OutOrStdout(), doc, asJSON)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.Out, "out", "o", "", "run directory (default l2m-lab-RECIPE)")
	f.BoolVar(&o.Fresh, "fresh", false, "discard what an earlier run left in --out")
	lab.Declare(option.Set{FlagSet: f}, &o)
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	f.BoolVar(&asJSON, "json", false, "print lab.json instead of the table")
	return cmd
}

func newLabEvalCommand() *cobra.Command {
	var (
		o           lab.Options
		lengths     []int
		predictions string
		page        string
		asJSON      bool
	)
	cmd := &cobra.Command{
		Use:   "eval RUN [TEXT…]",
		Short: "Evaluate a trained model, at other lengths too",
		Long: `Eval evaluates the model of a finished run of l2m lab train on sequences that it
was not trained on, at any length that its positional encoding allows.

With --predictions it evaluates a model that was trained elsewhere on a process, by
what it predicts of each token: FILE is an .npz file with the arrays x, sequences as
l2m process sample writes them, and mean and deviation (of numbers, whose divergence
from the exact law is then exact) or logprobs, of the same shape.`,
		Example: `  l2m lab eval l2m-lab-gaussian-small --length 16,64
  l2m lab eval --predictions predictions.npz --data hierarchical:c=3 --html gap.html`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case predictions != "" && (len(args) > 0 || len(lengths) > 0):
				return usagef("--predictions takes the place of a run and --length")
			case predictions != "" && o.Data == "":
				return usagef("--data: name the process that x was sampled from (l2m process list)")
			case predictions == "" && len(args) == 0:
				return usagef("name the run directory of l2m lab train, or --predictions FILE")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if predictions != "" {
				doc, err := lab.EvaluatePredictions(cmd.Context(), predictions, o.Data)
				if err != nil {
					return err
				}
				return showLab(cmd.OutOrStdout(), doc, asJSON, page)
			}
			o.Paths, o.Stdin = args[1:], cmd.InOrStdin()
			doc, err := lab.Evaluate(cmd.Context(), args[0], lengths, o)
			if err != nil {
				return err
			}
			return showLab(cmd.OutOrStdout(), doc, asJSON, page)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&predictions, "predictions", "", "evaluate the predictions of a model that was trained elsewhere, .npz")
	f.StringVar(&page, "html", "", "write a page with a figure to this file; only a page written by l2m is replaced")
	f.IntSliceVar(&lengths, "length", nil, "lengths in tokens (default: those of the recipe)")
	f.StringVar(&o.Data, "data", "", "other data with the same tokens")
	f.StringVar(&o.Tokenizer, "tokenizer", "", "vocabulary of a model of tokens (default: the file that it was trained with)")
	f.BoolVar(&asJSON, "json", false, "print JSON instead of the table")
	return cmd
}

func newLabExportCommand() *cobra.Command {
	var (
		out     string
		context int
	)
	cmd := &cobra.Command{
		Use:   "export RUN",
		Short: "Write a trained model as a GGUF file for llama.cpp",
		Long: `Export writes the model of a finished run of l2m lab train as a GGUF file that
llama.cpp runs. It works for models of bytes that are

  a Llama   layer_types full_attention, positions rope, norm rmsnorm, hidden_act gated
  a GPT-2   layer_types full_attention, positions learned, norm layernorm, hidden_act gelu
  a Mamba-2 layer_types mamba2, positions none, norm rmsnorm, intermediate_size 0`,
		Example: "  l2m lab export l2m-lab-bytes --out bytes.gguf",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || out == "" {
				return usagef("name the run directory of l2m lab train and --out FILE.gguf")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return atomicfile.WriteOutput(out, 0o644, atomicfile.Contains(train.GGUFMark), func(w io.Writer) error { return lab.Export(w, args[0], context) })
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&out, "out", "o", "", "GGUF file to write")
	f.Var(option.Count(&context), "context", "context length that the file states, tokens (default: the longest of the recipe)")
	return cmd
}

// showLab prints a document, and writes its page if one is named.
func showLab(w io.Writer, doc *result.Lab, asJSON bool, page string) error {
	if page != "" {
		ours := atomicfile.Contains(`<meta name="generator" content="l2m `)
		if err := atomicfile.WriteOutput(page, 0o644, ours, func(w io.Writer) error { return report.LabHTML(w, doc) }); err != nil {
			return err
		}
	}
	return writeLab(w, doc, asJSON)
}

func writeLab(w io.Writer, doc *result.Lab, asJSON bool) error {
	if asJSON {
		return result.Write(screen.JSON{W: w}, doc)
	}
	return report.LabText(w, doc, report.TextOptions{Color: wantColor(w), Width: terminalWidth(w)})
}
