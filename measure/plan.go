package measure

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/lm/openai"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// planSchema is the version of plan.json.
const planSchema = "l2m.plan/1"

// PlanOptions says what to score when no server can be reached.
type PlanOptions struct {
	// Measure says what to measure. Its Tokenizer is the file of the model's
	// vocabulary, its Out the run directory.
	Measure Options

	Model    string         // the model's name in the requests
	Revision string         // your label for its weights; answers for other labels are refused
	BOS      *token.ID      // token that starts every prompt
	Dialect  openai.Dialect // of the server that will answer: "" or vllm, echo, sglang

	PerFile      int   // most requests per file; 0 means 10,000
	BytesPerFile int64 // most bytes per file, before compression; 0 means 200 MB, OpenAI's limit
	Gzip         bool  // compress the files

	Arrays bool // write NumPy arrays of tokens instead of requests to a server
}

// planFile is plan.json. With the windows it is all that Ingest needs, without the
// documents.
type planFile struct {
	Schema   string          `json:"schema"`
	Command  string          `json:"command"`
	Key      score.Key       `json:"key"` // that of run.json
	Model    string          `json:"model"`
	Dialect  openai.Dialect  `json:"dialect"`
	BOS      token.ID        `json:"bos"`
	Info     lm.Info         `json:"info"`
	Corpus   result.Corpus   `json:"corpus"`
	Windows  result.Windows  `json:"windows"`
	Warnings []info.Warning  `json:"warnings,omitempty"`
	Evaluate evaluateOptions `json:"evaluate"`
	// NGrams are the entropies of single tokens and of pairs in all documents.
	NGrams []mi.NGramEntropy `json:"ngrams,omitempty"`
}

// evaluateOptions are the Options for what follows scoring.
type evaluateOptions struct {
	Seed    uint64     `json:"seed"`
	Draws   int        `json:"draws"`
	Range   [2]float64 `json:"range"`
	Figures []string   `json:"figures"`
}

// Plan writes the requests of a run that have no answer yet as OpenAI batch files
// into requests/ of the run directory, with a program that sends them to a server on
// the same machine. Ingest needs nothing but the directory: it can be moved without
// the documents.
func Plan(ctx context.Context, o PlanOptions) (*result.Planned, error) {
	p, err := plan(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("planning requests: %w", err)
	}
	return p, nil
}

func plan(ctx context.Context, o PlanOptions) (*result.Planned, error) {
	if o.PerFile == 0 {
		o.PerFile = defaultPerFile
	}
	if o.BytesPerFile == 0 {
		o.BytesPerFile = openai.BatchBytes
	}
	if o.PerFile < 0 || o.BytesPerFile < 0 {
		return nil, errors.New("--max-requests and --max-bytes must not be negative")
	}
	if o.BOS == nil {
		return nil, errors.New("name the token that starts every prompt (--bos: the model's beginning-of-sequence token, else its end-of-text token)")
	}
	b := openai.Batch{Dialect: o.Dialect, Model: o.Model, BOS: *o.BOS}
	if err := b.Validate(); err != nil {
		return nil, err
	}
	m := o.Measure
	if m.Tokenizer == "" {
		return nil, errors.New("name the vocabulary of the model (--tokenizer tokenizer.json)")
	}
	if m.EvaluationFraction == 0 {
		m.EvaluationFraction = 1 // nothing is trained on the others
	}
	m = m.withDefaults()
	if err := m.validateWindows(); err != nil {
		return nil, err
	}
	run, err := rundir.Open(m.Out, rundir.Measure, rundir.Options{Fresh: m.Fresh, Command: o.Command()})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	t, e, s, err := planWindows(ctx, o, m)
	if err != nil {
		return nil, err
	}
	defer t.corpus.Close()
	key := scoreKey(t, e, s.plan, m)
	key.Windows, key.Count = score.Fingerprint(s.windows, s.partners), len(s.windows)
	store, err := score.Open(run, key)
	if err != nil {
		return nil, err
	}
	offline, err := score.NewOffline(e.Info, s.windows, s.partners, s.plan, store)
	if err != nil {
		return nil, err
	}
	defer offline.Close()
	ngrams, err := corpusNGrams(ctx, t.corpus, e, m.Progress)
	if err != nil {
		return nil, err
	}
	r := describe(t, e, s, m)
	f := planFile{
		Schema: planSchema, Command: o.Command(), Key: store.Key(),
		Model: o.Model, Dialect: o.Dialect, BOS: *o.BOS, Info: e.Info,
		Corpus: r.Corpus, Windows: r.Windows, Warnings: r.Warnings,
		NGrams:   ngrams,
		Evaluate: evaluateOptions{Seed: m.Seed, Draws: m.Draws, Range: m.Range, Figures: m.Figures},
	}
	// The windows go first: Ingest takes a directory that has a plan.json.
	content, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, err
	}
	err = run.Write(
		rundir.Face{Name: rundir.Windows, Write: func(w io.Writer) error { return score.WriteWindows(w, s.windows, s.partners) }},
		rundir.Face{Name: rundir.Plan, Write: func(w io.Writer) error {
			_, err := w.Write(append(content, '\n'))
			return err
		}})
	if err != nil {
		return nil, err
	}
	if o.Arrays {
		return writePasses(ctx, run, offline, f)
	}
	return writeRequests(ctx, run, b, offline, requestPrefix(f.Key), o)
}

// DeclarePlan declares the options of l2m plan, except those for its output.
func DeclarePlan(s option.Set, o *PlanOptions) {
	m := &o.Measure
	s.Text(&o.Model, "model", "", "", "name of the model in the requests", option.Numbers)
	s.Value(option.Func("token", func() string {
		if o.BOS == nil {
			return ""
		}
		return strconv.FormatUint(uint64(*o.BOS), 10)
	}, func(text string) error {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return fmt.Errorf("%q is not the id of a token", text)
		}
		id := token.ID(n)
		o.BOS = &id
		return nil
	}), "bos", "", "token that starts every prompt", option.Numbers)
	s.Text(&o.Revision, "revision", "", "", "your label for the weights", option.Numbers)
	s.Text(&m.Tokenizer, "tokenizer", "", "", "vocabulary of the model: tokenizer.json, its folder, or a .tiktoken file", option.Numbers)
	s.Int(&m.Server.Context, "max-context", "", 0, "longest prompt of the model, tokens (default: unlimited)", option.Numbers)
	declareSample(s, m)
	s.Text((*string)(&o.Dialect), "dialect", "", "", "server that will answer: vllm (default), echo or sglang", option.Numbers)
	s.Int(&o.PerFile, "max-requests", "", defaultPerFile, "most requests per file", option.Running)
	s.Int64(&o.BytesPerFile, "max-bytes", "", openai.BatchBytes, "most bytes per file, before compression", option.Running)
	s.Bool(&o.Gzip, "gzip", "", false, "compress the request files", option.Running)
	s.Bool(&o.Arrays, "npz", "", false, "write NumPy arrays of tokens to score, instead of requests to a server (docs/pytorch.md)", option.Running)
	s.Reading(option.Reading{Format: &m.Format, Field: &m.Field, MaxRecord: &m.MaxRecord, Strict: &m.Strict, KeepDuplicates: &m.KeepDuplicates})
	declareFit(s, m)
}

// defaultPerFile is the number of requests per file.
const defaultPerFile = 10_000

// Command is the canonical command line that repeats the plan.
func (o PlanOptions) Command() string {
	if o.Measure.EvaluationFraction == 1 {
		o.Measure.EvaluationFraction = 0
	}
	o.Measure = o.Measure.canonical()
	return option.Command("plan", DeclarePlan, o, o.Measure.Paths)
}

// planWindows draws the windows. The model, which cannot be asked, is identified by
// its name, its vocabulary and the caller's label for its weights.
func planWindows(ctx context.Context, o PlanOptions, m Options) (t text, e *open.Model, s sample[token.ID], err error) {
	v, err := vocabulary.Open(m.Tokenizer)
	if err != nil {
		return t, nil, s, err
	}
	facts := fmt.Appendf(nil, "batch 1\n%q\n%q\n%s\n%d\n", o.Model, o.Revision, v.Fingerprint(), *o.BOS)
	e = &open.Model{
		Info: lm.Info{Name: o.Model, Vocabulary: v.Size(), BOS: lm.BOSPrepended, Context: max(0, m.Server.Context-2),
			Fingerprint: fmt.Sprintf("%x", sha256.Sum256(facts))},
		Tokenizer: open.Tokenizer{Name: "tokens of " + o.Model, Fingerprint: v.Fingerprint()},
		Encode:    func(_ context.Context, text []byte) ([]token.ID, error) { return v.Encode(nil, text), nil },
		Tokens:    open.LanguageTokens, MaxLength: open.LanguageLength, Close: func() {},
	}
	if t, err = readText(ctx, m); err != nil {
		return t, nil, s, err
	}
	if err = t.tokenize(ctx, e); err == nil {
		s, err = drawSample(ctx, t, e, m)
	}
	if err != nil {
		t.corpus.Close()
	}
	return t, e, s, err
}

// requestPrefix starts the ids of all requests of a run. Other models, windows and
// plans have other prefixes.
func requestPrefix(k score.Key) string { return fmt.Sprintf("l2m-%.6x-", keySum(k)) }

// keySum identifies a run by what determines its scores.
func keySum(k score.Key) [sha256.Size]byte {
	k.ModelName = "" // does not change the scores
	content, err := json.Marshal(k)
	if err != nil {
		panic(err) // numbers and strings
	}
	return sha256.Sum256(content)
}

// parseRequest is the inverse of requestPrefix followed by an id.
func parseRequest(prefix, s string) (id score.PieceID, ok bool) {
	rest, ok := strings.CutPrefix(s, prefix)
	window, branch, cut := strings.Cut(rest, "-")
	if !ok || !cut {
		return id, false
	}
	var errW, errB error
	id.Window, errW = strconv.Atoi(window)
	id.Branch, errB = strconv.Atoi(branch)
	return id, errW == nil && errB == nil && prefix+id.String() == s
}

// writeRequests replaces the run's request files by the outstanding requests. Other
// files in the folder stay: they may be results not yet ingested.
func writeRequests(ctx context.Context, run *rundir.Dir, b openai.Batch, offline *score.Offline[token.ID], prefix string, o PlanOptions) (*result.Planned, error) {
	if err := run.DiscardIn(rundir.Requests); err != nil {
		return nil, err
	}
	runner := rundir.Requests + "/" + rundir.Runner
	out := &result.Planned{Windows: offline.Missing().Windows, Runner: run.Path(runner)}
	err := run.Write(rundir.Face{Name: runner, Mode: 0o755, Write: func(w io.Writer) error {
		_, err := w.Write(openai.BatchRunner)
		return err
	}})
	if err != nil {
		return nil, err
	}
	next, stop := iter.Pull(offline.Outstanding())
	defer stop()
	var line []byte // the next request; nil at the end
	advance := func() error {
		p, ok := next()
		if line = nil; !ok {
			return nil
		}
		out.Requests++
		out.Prompts += int64(1 + len(p.Tokens))
		out.Scored += int64(len(p.Tokens) - p.From)
		var err error
		line, err = b.Line(prefix+p.ID.String(), p.Tokens, p.From)
		return err
	}
	if err := advance(); err != nil {
		return nil, err
	}
	for line != nil {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		name := fmt.Sprintf("requests-%05d.jsonl", len(out.Files)+1)
		if o.Gzip {
			name += ".gz"
		}
		name = rundir.Requests + "/" + name
		out.Files = append(out.Files, run.Path(name))
		err := run.Write(rundir.Face{Name: name, Write: func(w io.Writer) error {
			file := bufio.NewWriterSize(w, 1<<20)
			var to io.Writer = file
			if o.Gzip {
				z := gzip.NewWriter(file)
				to = z
			}
			size := int64(0)
			for n := 0; line != nil && n < o.PerFile && (n == 0 || size+int64(len(line)) <= o.BytesPerFile); n++ {
				size += int64(len(line))
				if _, err := to.Write(line); err != nil {
					return err
				}
				if err := advance(); err != nil {
					return err
				}
			}
			if z, ok := to.(*gzip.Writer); ok {
				if err := z.Close(); err != nil {
					return err
				}
			}
			return file.Flush()
		}})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
