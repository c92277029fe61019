package l2m

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/openai"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// Names in the directory of a run that is scored offline.
const (
	planName     = "plan.json"
	requestsName = "requests"
)

// planSchema is the version of plan.json.
const planSchema = "l2m.plan/1"

// PlanOptions says what to have scored where no server can be reached.
type PlanOptions struct {
	// Measure says what to measure, with Paths that can still be read when results
	// are taken in. Its Tokenizer is the file of the model's vocabulary.
	Measure MeasureOptions

	Model    string   // the model's name in the requests
	Revision string   // your name for its weights; results are kept apart by it
	BOS      token.ID // token that starts every prompt
	PerFile  int      // requests in a file; 0 means 10,000
}

// planFile is plan.json: what Ingest needs to draw the same windows again.
type planFile struct {
	Schema   string   `json:"schema"`
	Model    string   `json:"model"`
	Revision string   `json:"revision"`
	BOS      token.ID `json:"bos"`
	Windows  string   `json:"windows"` // their fingerprint

	// Of MeasureOptions, what determines the windows and what is made of them.
	Paths              []string   `json:"paths"`
	Format             string     `json:"format"`
	Field              string     `json:"field"`
	Tokenizer          string     `json:"tokenizer"`
	Length             int        `json:"length"`
	WindowsPerDocument int        `json:"windows_per_document"`
	MaxWindows         int        `json:"max_windows"`
	Cross              *int       `json:"cross"`
	EvaluationFraction float64    `json:"evaluation_fraction"`
	MaxContext         int        `json:"max_context"`
	Seed               uint64     `json:"seed"`
	Draws              int        `json:"draws"`
	Range              [2]float64 `json:"range"`
	Figures            []string   `json:"figures"`
}

func (f *planFile) from(o MeasureOptions) {
	f.Paths, f.Format, f.Field, f.Tokenizer = o.Paths, o.Format, o.Field, o.Tokenizer
	f.Length, f.WindowsPerDocument, f.MaxWindows, f.Cross = o.Length, o.WindowsPerDocument, o.MaxWindows, o.Cross
	f.EvaluationFraction, f.MaxContext, f.Seed, f.Draws, f.Range, f.Figures = o.EvaluationFraction, o.Server.Context, o.Seed, o.Draws, o.Range, o.Figures
}

// measure are the options of the run in dir.
func (f *planFile) measure(dir string) MeasureOptions {
	return MeasureOptions{
		Out: dir, Paths: f.Paths, Format: f.Format, Field: f.Field, Tokenizer: f.Tokenizer, Model: offlineModel,
		Length: f.Length, WindowsPerDocument: f.WindowsPerDocument, MaxWindows: f.MaxWindows, Cross: f.Cross,
		EvaluationFraction: f.EvaluationFraction, Server: openai.Options{Context: f.MaxContext}, TwoPointBytes: -1,
		Seed: f.Seed, Draws: f.Draws, Range: f.Range, Figures: f.Figures,
	}.withDefaults()
}

// offlineModel stands for a server where options are checked.
const offlineModel = "http://offline"

// Planned is what Plan has written.
type Planned struct {
	Files    []string `json:"files"`
	Requests int      `json:"requests"`
	Prompts  int64    `json:"prompt_tokens"` // sent in all, BOS included
	Scored   int64    `json:"scored_tokens"` // log-probabilities that are needed
	Windows  int      `json:"windows"`       // that are not scored yet
}

// Plan writes the requests of a run, as far as they are not answered yet, as batch
// files of the OpenAI format into requests/ of the run directory.
func Plan(ctx context.Context, o PlanOptions) (*Planned, error) {
	if o.PerFile == 0 {
		o.PerFile = 10_000
	}
	if o.Model == "" {
		return nil, errors.New("planning requests: the model has no name")
	}
	m := o.Measure.withDefaults()
	for i, p := range m.Paths {
		if p == "-" {
			return nil, errors.New("planning requests: standard input cannot be read again when the results are there")
		}
		if abs, err := filepath.Abs(p); err == nil {
			m.Paths[i] = abs
		}
	}
	if abs, err := filepath.Abs(m.Tokenizer); err == nil && m.Tokenizer != "" {
		m.Tokenizer = abs
	}
	f := planFile{Schema: planSchema, Model: o.Model, Revision: o.Revision, BOS: o.BOS}
	f.from(m)
	b, err := openBatch(ctx, f, m.Out, m)
	if err != nil {
		return nil, err
	}
	defer b.close()
	f.Windows = b.store.Key().Windows
	if err := atomicfile.WriteFile(filepath.Join(m.Out, planName), 0o644, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(f)
	}); err != nil {
		return nil, fmt.Errorf("planning requests: %w", err)
	}
	return b.write(filepath.Join(m.Out, requestsName), o)
}

// batch is an offline run.
type batch struct {
	text    text
	engine  *engine
	sample  sample[token.ID]
	store   *score.Store
	offline *score.Offline[token.ID]
	bos     token.ID
}

func (b *batch) close() {
	b.offline.Close()
	b.store.Close()
	b.text.corpus.Close()
}

// openBatch draws the windows of a plan and opens its run directory.
func openBatch(ctx context.Context, f planFile, dir string, how MeasureOptions) (_ *batch, err error) {
	o := f.measure(dir)
	o.Fresh, o.Progress, o.Workers = how.Fresh, how.Progress, how.Workers
	if o.Tokenizer == "" {
		return nil, errors.New("planning requests: name the vocabulary of the model (--tokenizer tokenizer.json)")
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	v, err := vocabulary.Open(o.Tokenizer)
	if err != nil {
		return nil, err
	}
	h := sha256.Sum256(fmt.Appendf(nil, "batch 1\n%q\n%q\n%s\n%d\n", f.Model, f.Revision, v.Fingerprint(), f.BOS))
	e := &engine{
		info:      lm.Info{Name: f.Model, Vocabulary: v.Size(), BOS: lm.BOSPrepended, Context: max(0, o.Server.Context-2), Fingerprint: fmt.Sprintf("%x", h)},
		tokenizer: tokenizer{name: "tokens of " + f.Model, fingerprint: v.Fingerprint()},
		encode:    func(_ context.Context, text []byte) ([]token.ID, error) { return v.Encode(nil, text), nil },
		tokens:    languageTokens, maxLength: languageLength, close: func() {},
	}
	t, err := readText(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			t.corpus.Close()
		}
	}()
	if err := e.tokenize(ctx, &t); err != nil {
		return nil, err
	}
	s, err := drawSample(ctx, t, e, o)
	if err != nil {
		return nil, err
	}
	store, err := openStore(t, e, s, o)
	if err != nil {
		return nil, err
	}
	offline, err := score.NewOffline(e.info, s.windows, s.partners, s.plan, store)
	if err != nil {
		store.Close()
		return nil, err
	}
	return &batch{t, e, s, store, offline, f.BOS}, nil
}

// prompt is what is sent for a sequence of the run, BOS first, and where the
// log-probabilities that are wanted of it begin.
func (b *batch) prompt(p score.Piece[token.ID]) (prompt []token.ID, from int) {
	return slices.Concat([]token.ID{b.bos}, p.Tokens), 1 + p.From
}

// id names a request: the windows it belongs to, which window, which of its
// sequences.
func (b *batch) id(p score.PieceID) string {
	return fmt.Sprintf("%.12s-%d-%d", b.store.Key().Windows, p.Window, p.Branch)
}

func (b *batch) parse(id string) (p score.Piece[token.ID], err error) {
	var at score.PieceID
	if parts := strings.Split(id, "-"); len(parts) == 3 {
		var errW, errB error
		at.Window, errW = strconv.Atoi(parts[1])
		at.Branch, errB = strconv.Atoi(parts[2])
		if p, ok := b.offline.Piece(at); ok && errW == nil && errB == nil && id == b.id(at) {
			return p, nil
		}
	}
	return p, fmt.Errorf("the request %q is not of this plan", id)
}

// write writes the outstanding requests.
func (b *batch) write(dir string, o PlanOptions) (*Planned, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("planning requests: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("planning requests: %w", err)
	}
	out := &Planned{Windows: b.offline.Missing().Windows}
	var lines [][]byte
	flush := func() error {
		if len(lines) == 0 {
			return nil
		}
		path := filepath.Join(dir, fmt.Sprintf("requests-%05d.jsonl", len(out.Files)+1))
		out.Files = append(out.Files, path)
		err := atomicfile.WriteFile(path, 0o644, func(w io.Writer) error {
			for _, l := range lines {
				if _, err := w.Write(append(l, '\n')); err != nil {
					return err
				}
			}
			return nil
		})
		lines = nil
		return err
	}
	for p := range b.offline.Outstanding() {
		prompt, from := b.prompt(p)
		line, err := openai.BatchLine(b.id(p.ID), o.Model, prompt)
		if err != nil {
			return nil, fmt.Errorf("planning requests: %w", err)
		}
		lines = append(lines, line)
		out.Requests++
		out.Prompts += int64(len(prompt))
		out.Scored += int64(len(prompt) - from)
		if len(lines) == o.PerFile {
			if err := flush(); err != nil {
				return nil, fmt.Errorf("planning requests: %w", err)
			}
		}
	}
	if err := flush(); err != nil {
		return nil, fmt.Errorf("planning requests: %w", err)
	}
	return out, nil
}

// Ingested is what Ingest has found.
type Ingested struct {
	Answers    int            `json:"answers"`    // that were good and new
	Duplicates int            `json:"duplicates"` // answers to requests that had one
	Failures   map[string]int `json:"failures,omitempty"`
	Examples   []string       `json:"examples,omitempty"` // one of each kind of failure, with file and line
	Windows    int            `json:"windows"`            // scored so far
	Missing    int            `json:"missing"`            // windows that lack an answer
	Result     *report.Result `json:"-"`                  // once nothing is missing
}

// Ingest reads files of results for the plan in a run directory: in any order, in
// pieces, with failures and duplicates. What was taken in is kept, whole windows
// or not, so every file need be named only once; a file that was broken off can be
// named again. Two answers to one request that differ are an error. When nothing
// is missing, the run is evaluated as Measure does.
func Ingest(ctx context.Context, dir string, results []string, progress ProgressFunc) (*Ingested, error) {
	var f planFile
	data, err := os.ReadFile(filepath.Join(dir, planName))
	if err != nil {
		return nil, fmt.Errorf("taking in results: %w (is %s the directory that l2m plan wrote?)", err, dir)
	}
	if err := json.Unmarshal(data, &f); err != nil || f.Schema != planSchema {
		return nil, fmt.Errorf("taking in results: %s is not a plan of this version (%q)", filepath.Join(dir, planName), f.Schema)
	}
	b, err := openBatch(ctx, f, dir, MeasureOptions{Progress: progress})
	if err != nil {
		return nil, fmt.Errorf("taking in results: %w", err)
	}
	defer b.close()
	out := &Ingested{Failures: map[string]int{}}
	for _, path := range results {
		// What came before an error is kept.
		if err := errors.Join(b.read(ctx, path, out), b.offline.Flush()); err != nil {
			return nil, fmt.Errorf("taking in results: %w", err)
		}
	}
	out.Missing = b.offline.Missing().Windows
	out.Windows = len(b.sample.windows) - out.Missing
	if out.Missing > 0 {
		return out, nil
	}
	o := f.measure(dir)
	o.Progress = progress
	if out.Result, err = evaluate(ctx, b.text, b.engine, b.sample, b.store, o); err != nil {
		return nil, err
	}
	return out, writeRun(o.Out, out.Result, o.Figures)
}

// read takes in one file of results.
func (b *batch) read(ctx context.Context, path string, out *Ingested) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		in = z
	}
	lines := bufio.NewReaderSize(in, 1<<20)
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, err := lines.ReadBytes('\n')
		if len(strings.TrimSpace(string(line))) > 0 {
			problem, err := b.take(line, fmt.Sprintf("%s:%d", path, n), out)
			if err != nil {
				return err
			}
			if problem != nil {
				kind := problem.Error()
				if i := strings.IndexAny(kind, ":("); i > 0 {
					kind = kind[:i]
				}
				kind = strings.TrimSpace(kind)
				if out.Failures[kind]++; out.Failures[kind] == 1 {
					out.Examples = append(out.Examples, fmt.Sprintf("%s:%d: %v", path, n, problem))
				}
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
}

// take takes in one line. A problem is for the list of failures, an error ends
// everything.
func (b *batch) take(line []byte, at string, out *Ingested) (problem, err error) {
	r, err := openai.ParseBatchResult(line)
	if err != nil {
		return err, nil
	}
	p, err := b.parse(r.ID)
	if err != nil {
		return err, nil
	}
	values, err := r.LogProbs(b.prompt(p))
	if err != nil {
		return err, nil
	}
	err = b.offline.Answer(p.ID, values, at)
	if errors.Is(err, score.ErrRepeated) {
		out.Duplicates++
		return nil, nil
	}
	if err == nil {
		out.Answers++
	}
	return nil, err
}
