package measure

import (
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/llamacpp"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/lm/openai"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// Options says what to measure and how. The zero value of a field asks
// for its default.
type Options struct {
	Paths []string // files, folders, globs; "-" is Stdin
	// Process, in place of Paths, is a random process whose information is known
	// exactly, scored by its own law: see process.Parse.
	Process        string
	Stdin          io.Reader
	Format         string // how to read files: "" (as their content says), or see corpus/source.Format
	Field          string // of JSON, or column of a table, that holds the text, a path with dots; "" is "text"
	MaxRecord      int64  // bytes of the longest record that is read; 0 means 256 MB
	Strict         bool   // what cannot be read in a folder or an archive is an error, not skipped
	KeepDuplicates bool   // exact copies count as documents of their own

	Out     string   // run directory
	Fresh   bool     // discard what an earlier run left in Out
	Figures []string // formats of the static figures: "svg", "png", "pdf"; nil means all
	// Faces are files made of the result, with figures in the given formats; nil: none.
	Faces func(r *result.Result, formats []string) []rundir.Face

	// Configs are model configurations to audit against the measured law (see
	// AuditOptions.Paths); the report shows what they keep. BytesPerToken converts
	// the law of bytes to their tokens.
	Configs       []string
	BytesPerToken float64

	// Model is "" or "bytemix", the built-in predictor trained on the training
	// documents; "bytemix:universal", untrained; either with ":without=PART,…", see
	// bytemix.Part; a file that TrainModel wrote; a GGUF file, run by llama.cpp; or
	// the URLs of servers joined by commas, "http://HOST:PORT/v1#NAME". Whether a
	// model has read the evaluated documents before is for the caller to know.
	Model string
	// Tokenizer is what the built-in predictor reads: "bytes", "dna" (the letters
	// A, C, G, T) or "protein"; "" chooses by the letters where all files are
	// FASTA, else bytes. For a server it is the file of the model's vocabulary,
	// tokenizer.json or .tiktoken; "" has the server tokenize. GGUF files bring
	// their own.
	Tokenizer string
	Server    openai.Options   // how to treat servers; Endpoints and Model are those of Model above
	Llama     llamacpp.Options // how to run a GGUF file; Path is that of Model above

	// Context, if above 0, cuts the model's context to that many tokens, moved on by
	// ContextStep of them at a time (0: a quarter): see lm.Restrict.
	Context, ContextStep int

	Length             int     // tokens per window, a power of two ≥ 4; 0 chooses from the documents
	WindowsPerDocument int     // at most; 0 means 24
	MaxWindows         int     // in all; 0 chooses so that a run takes a minute or two
	Cross              *int    // cross contexts per window (K); nil means 1, and none for a Process; 0 drops vclub and the bounds
	EvaluationFraction float64 // of the documents; 0 means one half where the others train the model, else 1: all
	TrainingBytes      int64   // budget for training the built-in predictor; 0 means 8 MiB
	TwoPointBytes      int64   // documents sampled for two-point information; 0 means all, negative skips it

	Seed    uint64
	Draws   int        // bootstrap replicates; 0 means 4,000
	Range   [2]float64 // lengths to fit, tokens; zeros mean all
	Workers int        // 0 means GOMAXPROCS; does not change the result

	Progress info.ProgressFunc
	Planned  func(result.Plan, result.Windows, lm.Info) // told what will be scored before it is; may be nil
}

func (o Options) withDefaults() Options {
	if o.WindowsPerDocument == 0 {
		o.WindowsPerDocument = defaultWindowsPerDocument
	}
	if o.Cross == nil {
		k := defaultCross
		if o.Process != "" {
			k = 0 // wrong contexts make some processes impossible, and then vclub is infinite
		}
		o.Cross = &k
	}
	if o.TrainingBytes == 0 {
		o.TrainingBytes = defaultTraining
	}
	if o.Draws == 0 {
		o.Draws = defaultDraws
	}
	if o.Model == "" {
		o.Model = defaultModel
	}
	if o.EvaluationFraction == 0 {
		o.EvaluationFraction = 1
		if open.Trains(o.Model) {
			o.EvaluationFraction = 0.5
		}
	}
	if o.Figures == nil {
		o.Figures = rundir.Formats()
	}
	return o
}

// validate checks what can be checked before any work.
func (o Options) validate() error {
	for _, bos := range []lm.BOSChoice{o.Server.BOS, o.Llama.BOS} {
		if bos != "" && o.builtin() {
			return fmt.Errorf("the built-in predictor starts in the middle of text: it takes no --bos")
		}
	}
	switch {
	case len(o.Configs) > 0 && o.Process != "":
		return fmt.Errorf("model configurations are audited against a law of documents, not of a process")
	case len(o.Configs) > 0 && o.BytesPerToken == 0 && o.builtin():
		return fmt.Errorf("the built-in predictor measures a law of bytes, model configurations count tokens: say how many bytes a token of the models has on this text (--bytes-per-token)")
	case o.Context < 0 || o.ContextStep < 0 || o.ContextStep > o.Context:
		return fmt.Errorf("a context of %d tokens cannot be moved on by %d at a time", o.Context, o.ContextStep)
	case o.Tokenizer != "" && open.IsGGUF(o.Model):
		return fmt.Errorf("the model %s brings its own tokens; --tokenizer is for the built-in predictor and for servers", o.Model)
	case o.EvaluationFraction == 1 && o.Process == "" && open.Trains(o.Model):
		return fmt.Errorf("--evaluation-fraction 1 leaves no documents to train the built-in predictor on (take less, or --model bytemix:universal, which is not trained)")
	case o.TrainingBytes < 0:
		return fmt.Errorf("--training-bytes must not be negative")
	}
	return o.validateWindows()
}

// validateWindows checks what does not depend on the model.
func (o Options) validateWindows() error {
	switch {
	case o.Process != "" && len(o.Paths) > 0:
		return fmt.Errorf("both a process and paths are named: choose one")
	case len(o.Paths) == 0 && o.Process == "":
		return fmt.Errorf("nothing to measure: name files or folders")
	case o.Out == "":
		return fmt.Errorf("no run directory named")
	case o.Length != 0 && o.Length < 4:
		return fmt.Errorf("window length %d is below 4: two tokens must precede and two follow the cut", o.Length)
	case o.Length != 0 && bits.OnesCount(uint(o.Length)) != 1:
		return fmt.Errorf("window length %d is not a power of two; %d is the nearest below", o.Length, 1<<(bits.Len(uint(o.Length))-1))
	case !(o.EvaluationFraction > 0 && o.EvaluationFraction <= 1):
		return fmt.Errorf("--evaluation-fraction: %g is not a share between 0 and 1", o.EvaluationFraction)
	case *o.Cross < 0:
		return fmt.Errorf("number of cross contexts %d is negative", *o.Cross)
	case o.WindowsPerDocument < 0 || o.MaxWindows < 0 || o.Draws < 0:
		return fmt.Errorf("--windows, --windows-per-document and --draws must not be negative")
	}
	for _, f := range o.Figures {
		if !slices.Contains(rundir.Formats(), f) {
			return fmt.Errorf("unknown figure format %q (%s)", f, strings.Join(rundir.Formats(), ", "))
		}
	}
	return nil
}

// builtin reports whether the model is the built-in predictor, which reads
// bytes or letters.
func (o Options) builtin() bool {
	return !open.IsServer(o.Model) && !open.IsGGUF(o.Model)
}

// model says which model, to lm/open.
func (o Options) model() open.Options {
	return open.Options{
		Model: o.Model, Tokenizer: o.Tokenizer, Server: o.Server, Llama: o.Llama, Context: o.Context, ContextStep: o.ContextStep,
		Length: o.Length, TrainingBytes: o.TrainingBytes, EvaluationFraction: o.EvaluationFraction, Seed: o.Seed, Workers: o.Workers, Progress: o.Progress,
	}
}
