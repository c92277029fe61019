package measure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/lm/openai"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// repeatTolerance is the largest difference between two answers to one request that
// still counts as the same model: mean absolute difference in nats per token. The
// order of half-precision sums makes about 0.01; different models are about 1 apart.
const repeatTolerance = 0.1

// Ingested is the outcome of Ingest.
type Ingested struct {
	Answers    int            `json:"answers"`    // good and new
	Duplicates int            `json:"duplicates"` // answers to requests already answered; the first answer counts
	Differing  int            `json:"differing"`  // duplicates that differ from the first answer by rounding
	Failures   []Failure      `json:"failures,omitempty"`
	Windows    int            `json:"windows"`         // scored so far
	Missing    int            `json:"missing"`         // windows that lack an answer
	Requests   int            `json:"requests"`        // without an answer
	First      []string       `json:"first,omitempty"` // ids of the first few of them
	Result     *result.Result `json:"-"`               // nil while answers are missing
}

// Failure counts result lines without log-probabilities, by cause.
type Failure struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
	First string `json:"first"` // file:line and message of the first
}

// Ingest reads result files for the plan in a run directory. They may come in any
// order, in pieces, with failures and duplicates. Every answer is kept at once, so a
// file need be named only once; a truncated file can be named again when complete.
// Two answers to one request that differ by more than rounding are an error; what
// came before is kept. When nothing is missing, the run is evaluated as by Run. The
// documents are not read. Without files, Ingest reports what is missing.
func Ingest(ctx context.Context, dir string, results []string, faces func(*result.Result, []string) []rundir.Face, progress info.ProgressFunc) (*Ingested, error) {
	out, err := ingest(ctx, dir, results, faces, progress)
	if err != nil {
		return nil, fmt.Errorf("ingesting results: %w", err)
	}
	return out, nil
}

func ingest(ctx context.Context, dir string, results []string, faces func(*result.Result, []string) []rundir.Face, progress info.ProgressFunc) (*Ingested, error) {
	f, s, err := readPlan(dir)
	if err != nil {
		return nil, err
	}
	run, err := rundir.Open(dir, rundir.Measure, rundir.Options{Command: f.Command})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	store, err := score.Open(run, f.Key)
	if err != nil {
		return nil, err
	}
	offline, err := score.NewOffline(f.Info, s.windows, s.partners, s.plan, store)
	if err != nil {
		return nil, err
	}
	defer offline.Close()
	out := &Ingested{}
	in := ingester{openai.Batch{Dialect: f.Dialect, Model: f.Model, BOS: f.BOS}, offline, requestPrefix(f.Key), runNumber(f.Key), out}
	for _, path := range results {
		read := in.file
		if isNPZ(path) {
			read = in.arrays
		}
		if err := errors.Join(read(ctx, path, progress), offline.Flush()); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out.Failures, func(a, b Failure) int { return cmp.Compare(b.Count, a.Count) })
	missing := offline.Missing()
	out.Windows, out.Missing, out.Requests = len(s.windows)-missing.Windows, missing.Windows, missing.Pieces
	for _, id := range missing.First {
		out.First = append(out.First, in.prefix+id.String())
	}
	if missing.Windows > 0 {
		return out, nil
	}
	out.Result = &result.Result{
		Schema: result.Schema, Verb: "measure", Command: f.Command, Version: info.BuildVersion().Short(),
		Corpus: f.Corpus, Model: result.Model{Info: f.Info}, Windows: f.Windows, Plan: describePlan(s), Warnings: f.Warnings,
	}
	e := f.Evaluate
	if err := evaluate(ctx, out.Result, s, store, facts{ngrams: f.NGrams}, law.Options{Draws: e.Draws, Seed: e.Seed, Range: e.Range}, progress); err != nil {
		return nil, err
	}
	return out, result.Store(run, out.Result, rundir.Faces(faces, out.Result, e.Figures))
}

// readPlan reads the plan and its windows from a run directory.
func readPlan(dir string) (f planFile, s sample[token.ID], err error) {
	path := filepath.Join(dir, rundir.Plan)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, s, fmt.Errorf("%w (is %s the directory that l2m plan wrote?)", err, dir)
	} else if err != nil {
		return f, s, err
	}
	if err := json.Unmarshal(content, &f); err != nil || f.Schema != planSchema {
		return f, s, fmt.Errorf("%s is not a plan of format %s (run l2m plan again with this version)", path, planSchema)
	}
	path = filepath.Join(dir, rundir.Windows)
	if content, err = os.ReadFile(path); err != nil {
		return f, s, err
	}
	if err := f.Key.Plan.Validate(); err != nil {
		return f, s, fmt.Errorf("%s: %w", filepath.Join(dir, rundir.Plan), err)
	}
	s.plan = f.Key.Plan
	if s.windows, s.partners, err = score.ReadWindows(content, f.Key); err != nil {
		return f, s, fmt.Errorf("%s: %w", path, err)
	}
	return f, s, nil
}

// ingester stores answers and counts what it sees.
type ingester struct {
	batch   openai.Batch
	offline *score.Offline[token.ID]
	prefix  string
	run     int64
	out     *Ingested
}

// file reads one result file.
func (t ingester) file(ctx context.Context, path string, progress info.ProgressFunc) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := &countingReader{Reader: f}
	size := int64(0)
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
		size = st.Size()
	}
	stage := progress.Stage("reading "+filepath.Base(path), "B")
	request := func(id string) (tokens []token.ID, from int, ok bool) {
		piece, ok := parseRequest(t.prefix, id)
		if !ok {
			return nil, 0, false
		}
		p, ok := t.offline.Piece(piece)
		return p.Tokens, p.From, ok
	}
	return t.batch.Read(ctx, path, in, request, func(a openai.BatchAnswer) error {
		stage(in.read.Load(), size, 0)
		return t.answer(a)
	})
}

// countingReader counts the bytes read, for progress.
type countingReader struct {
	io.Reader
	read atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// answer handles one line: an answer or a failure.
func (t ingester) answer(a openai.BatchAnswer) error {
	if a.Failure != nil {
		i := slices.IndexFunc(t.out.Failures, func(f Failure) bool { return f.Kind == a.Failure.Kind })
		if i < 0 {
			i = len(t.out.Failures)
			t.out.Failures = append(t.out.Failures, Failure{Kind: a.Failure.Kind, First: a.At + ": " + a.Failure.Error()})
		}
		t.out.Failures[i].Count++
		return nil
	}
	id, _ := parseRequest(t.prefix, a.ID)
	return t.keep(id, a.LogProbs, a.At)
}

// keep stores an answer and counts it.
func (t ingester) keep(id score.PieceID, values []float32, at string) error {
	err := t.offline.Answer(id, values, at)
	var conflict *score.ConflictError
	switch {
	case err == nil:
		t.out.Answers++
	case errors.Is(err, score.ErrRepeated):
		t.out.Duplicates++
	case errors.As(err, &conflict) && conflict.Nats <= repeatTolerance:
		t.out.Duplicates++
		t.out.Differing++
	default:
		return err
	}
	return nil
}
