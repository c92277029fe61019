package measure

import (
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/llamacpp"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/lm/openai"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// Options says what to measure and how. The zero value of a field asks for its
// default.
type Options struct {
	Paths []string // files, folders, globs; "-" is Stdin
	// Process names a random process to measure instead of Paths (see process.Parse).
	// Its information is known exactly and its own law scores it.
	Process string
	// LogProbs names a file of log-probabilities that were computed elsewhere, to measure
	// instead of Paths (see lm/recorded). Bits says that its logarithms are to the base 2,
	// Density that they are of densities.
	LogProbs       string
	Bits, Density  bool
	Stdin          io.Reader
	Format         string // of the files: see corpus/source.Format; "" recognises it
	Field          string // JSON field or table column with the text, a path with dots; "" means "text"
	MaxRecord      int64  // longest record read, bytes; 0 means 256 MB
	Strict         bool   // fail on unreadable files in folders and archives instead of skipping them
	KeepDuplicates bool   // keep exact copies of documents

	Out     string   // run directory
	Fresh   bool     // discard an earlier run in Out
	Figures []string // formats of the static figures: "svg", "png", "pdf"; nil means all
	// Faces makes the files shown beside the result, figures in the given formats;
	// nil: none.
	Faces func(r *result.Result, formats []string) []rundir.Face

	// Configs are model configurations to audit against the measured law (see
	// audit.Options.Paths). BytesPerToken converts a law in bytes to their tokens.
	Configs       []string
	BytesPerToken float64

	// Model is "" or "bytemix", the built-in predictor trained on the training
	// documents; "bytemix:universal", untrained; either with ":without=PART,…" (see
	// bytemix.Part); a file written by predictor.Train; a GGUF file, run by llama.cpp;
	// or server URLs joined by commas, "http://HOST:PORT/v1#NAME". It is up to the
	// caller that a model has not been trained on the evaluated documents.
	Model string
	// Tokenizer is what the built-in predictor reads: "bytes", "dna" (A, C, G, T) or
	// "protein"; "" chooses by the letters if all files are FASTA, else bytes. For a
	// server it is the model's vocabulary, a tokenizer.json or .tiktoken file; "" lets
	// the server tokenize. GGUF files contain their own.
	Tokenizer string
	Server    openai.Options   // Endpoints and Model are taken from Model above
	Llama     llamacpp.Options // Path is taken from Model above

	// Context, if above 0, limits the model's context to that many tokens, sliding by
	// ContextStep at a time (0: a quarter): see lm.Restrict.
	Context, ContextStep int

	Length             int // tokens per window, a power of two ≥ 4; 0 chooses from the documents
	WindowsPerDocument int // at most; 0 means 24
	MaxWindows         int // in all; 0 means enough for a minute or two, with a GGUF file for Time
	// Time is how long scoring with a GGUF file may take, about; 0 means 5 minutes, and
	// about a million tokens at most. It chooses the length and the number of windows.
	Time               time.Duration
	Cross              *int    // cross contexts per window (K); nil means 1, or 0 for a Process; 0 leaves out vCLUB and the bounds
	EvaluationFraction float64 // of the documents; 0 means 0.5 if the others train the model, here or in l2m lab train, else 1
	TrainingBytes      int64   // budget for training the built-in predictor; 0 means 8 MiB
	TwoPointBytes      int64   // text sampled for two-point information; 0 means all, negative skips it

	Seed    uint64
	Draws   int        // bootstrap replicates; 0 means 4,000
	Range   [2]float64 // lengths to fit, tokens; zeros mean all
	Workers int        // 0 means GOMAXPROCS; does not change the result

	Progress info.ProgressFunc
	// Chosen is called with the speed, log-probabilities a second, and the time that
	// scoring will take when windows were chosen for the time; it may be nil.
	Chosen func(speed float64, took time.Duration)
	// Planned is called before scoring begins, with the number of tokens that the model
	// computes where its context is cut (0: not cut), and what to be warned of before
	// hours of work; it may be nil.
	Planned func(p result.Plan, w result.Windows, m lm.Info, computed int64, warnings []info.Warning)
}

func (o Options) withDefaults() Options {
	if o.WindowsPerDocument == 0 {
		o.WindowsPerDocument = defaultWindowsPerDocument
	}
	if o.Cross == nil {
		k := defaultCross
		if o.Process != "" {
			k = 0 // other contexts are impossible under some processes, which makes vCLUB infinite
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
		if open.Trains(o.Model) || open.IsTrained(o.Model) {
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
			return fmt.Errorf("--bos is for servers and GGUF files: the built-in predictor has no token for the start of text")
		}
	}
	switch {
	case len(o.Configs) > 0 && o.Process != "":
		return fmt.Errorf("model configurations (--config) can be audited against documents only, not against a process")
	case len(o.Configs) > 0 && o.LogProbs != "":
		return fmt.Errorf("--config is for documents: use l2m audit --law with the run of --logprobs")
	case len(o.Configs) > 0 && o.BytesPerToken == 0 && o.builtin():
		return fmt.Errorf("the built-in predictor measures a law in bytes, but model configurations count tokens: give the mean bytes per token of the models on this text (--bytes-per-token)")
	case o.Context < 0 || o.ContextStep < 0 || o.ContextStep > o.Context:
		return fmt.Errorf("a context of %d tokens cannot slide by %d at a time", o.Context, o.ContextStep)
	case o.Tokenizer != "" && open.IsGGUF(o.Model):
		return fmt.Errorf("the model %s has its own tokenizer; --tokenizer is for the built-in predictor and for servers", o.Model)
	case o.EvaluationFraction == 1 && o.Process == "" && o.LogProbs == "" && open.Trains(o.Model):
		return fmt.Errorf("--evaluation-fraction 1 leaves no documents to train the built-in predictor on (use a smaller share, or --model bytemix:universal, which is not trained)")
	case o.TrainingBytes < 0:
		return fmt.Errorf("--training-bytes must not be negative")
	}
	return o.validateWindows()
}

// validateWindows checks what does not depend on the model.
func (o Options) validateWindows() error {
	switch {
	case o.LogProbs != "" && (len(o.Paths) > 0 || o.Process != ""):
		return fmt.Errorf("--logprobs takes the place of documents and processes: name one or the other")
	case o.LogProbs == "" && (o.Bits || o.Density):
		return fmt.Errorf("--bits and --density say what the values of --logprobs are")
	case o.LogProbs != "" && (o.Model != defaultModel || o.Tokenizer != "" || o.Context > 0 || o.MaxWindows > 0):
		return fmt.Errorf("--logprobs takes the place of a model and its windows: leave out --model, --tokenizer, --context and --windows")
	case o.Process != "" && len(o.Paths) > 0:
		return fmt.Errorf("name either a process or paths, not both")
	case len(o.Paths) == 0 && o.Process == "" && o.LogProbs == "":
		return fmt.Errorf("nothing to measure: name files or folders")
	case o.Out == "":
		return fmt.Errorf("no run directory named")
	case o.Length != 0 && o.Length < 4:
		return fmt.Errorf("window length %d is below 4: the cut needs two tokens on each side", o.Length)
	case o.Length != 0 && bits.OnesCount(uint(o.Length)) != 1:
		return fmt.Errorf("window length %d is not a power of two (the next smaller one is %d)", o.Length, 1<<(bits.Len(uint(o.Length))-1))
	case !(o.EvaluationFraction > 0 && o.EvaluationFraction <= 1):
		return fmt.Errorf("--evaluation-fraction: %g is not a share between 0 and 1", o.EvaluationFraction)
	case o.Time < 0 || o.Time > 0 && o.MaxWindows > 0:
		return fmt.Errorf("--time chooses how many windows are scored: give a positive time, or their number (--windows)")
	case o.Time > 0 && !open.IsGGUF(o.Model):
		return fmt.Errorf("--time is for models that run on this machine, GGUF files; for others give the number of windows (--windows)")
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

// builtin reports whether the model is the built-in predictor.
func (o Options) builtin() bool {
	return !open.IsServer(o.Model) && !open.IsGGUF(o.Model)
}

// fit is how to fit laws.
func (o Options) fit() law.Options { return law.Options{Draws: o.Draws, Seed: o.Seed, Range: o.Range} }

// model is which model to open.
func (o Options) model() open.Options {
	return open.Options{
		Model: o.Model, Tokenizer: o.Tokenizer, Server: o.Server, Llama: o.Llama, Context: o.Context, ContextStep: o.ContextStep,
		Length: o.Length, TrainingBytes: o.TrainingBytes, EvaluationFraction: o.EvaluationFraction, Seed: o.Seed, Workers: o.Workers, Progress: o.Progress,
	}
}
