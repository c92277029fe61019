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
	"github.com/l2m-lab/l2m/lm/openai"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// repeatTolerance is how far two answers to one request may lie apart and still
// be those of one model, in nats per token (mean absolute difference): far above
// what the order of half-precision sums does, about 0.01, and far below the
// distance of different models, about 1.
const repeatTolerance = 0.1

// Ingested is what Ingest has found.
type Ingested struct {
	Answers    int            `json:"answers"`    // that were good and new
	Duplicates int            `json:"duplicates"` // answers to requests that had one; the first counts
	Differing  int            `json:"differing"`  // of the duplicates: not equal in every bit, but by the same model
	Failures   []Failure      `json:"failures,omitempty"`
	Windows    int            `json:"windows"`         // scored so far
	Missing    int            `json:"missing"`         // windows that lack an answer
	Requests   int            `json:"requests"`        // without an answer
	First      []string       `json:"first,omitempty"` // ids of the first few of them
	Result     *result.Result `json:"-"`               // once nothing is missing
}

// Failure counts lines of results without log-probabilities, by cause.
type Failure struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
	First string `json:"first"` // file:line and what is wrong there
}

// Ingest reads files of results for the plan in a run directory: in any order, in
// pieces, with failures and duplicates. What was taken in is kept, whole windows
// or not, so every file need be named only once; a file that was broken off can be
// named again. Two answers to one request that differ by more than an engine's
// rounding are an error, after which everything before them is kept. When nothing
// is missing, the run is evaluated as Measure does. The documents are not read.
// Without files it says what is missing.
func Ingest(ctx context.Context, dir string, results []string, faces func(*result.Result, []string) []rundir.Face, progress info.ProgressFunc) (*Ingested, error) {
	out, err := ingest(ctx, dir, results, faces, progress)
	if err != nil {
		return nil, fmt.Errorf("taking in results: %w", err)
	}
	return out, nil
}

func ingest(ctx context.Context, dir string, results []string, faces func(*result.Result, []string) []rundir.Face, progress info.ProgressFunc) (*Ingested, error) {
	f, s, err := readPlan(dir)
	if err != nil {
		return nil, err
	}
	run, err := rundir.Open(dir, rundir.Measure, rundir.Options{Fresh: false, Command: f.Command})
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
	take := taker{openai.Batch{Dialect: f.Dialect, Model: f.Model, BOS: f.BOS}, offline, requestPrefix(f.Key), out}
	for _, path := range results {
		// What came before an error is kept.
		if err := errors.Join(take.file(ctx, path, progress), offline.Flush()); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out.Failures, func(a, b Failure) int { return cmp.Compare(b.Count, a.Count) })
	missing := offline.Missing()
	out.Windows, out.Missing, out.Requests = len(s.windows)-missing.Windows, missing.Windows, missing.Pieces
	for _, id := range missing.First {
		out.First = append(out.First, take.prefix+id.String())
	}
	if missing.Windows > 0 {
		return out, nil
	}
	out.Result = &result.Result{
		Schema: result.Schema, Verb: "measure", Command: f.Command, Version: info.BuildVersion().Short(),
		Corpus: f.Corpus, Model: result.Model{Info: f.Info}, Windows: f.Windows, Plan: describePlan(s), Warnings: f.Warnings,
	}
	o := Options{Out: dir, Seed: f.Evaluate.Seed, Draws: f.Evaluate.Draws, Range: f.Evaluate.Range, Figures: f.Evaluate.Figures, Progress: progress}.withDefaults()
	if err := evaluate(ctx, out.Result, s, store, facts{}, o); err != nil {
		return nil, err
	}
	return out, result.Store(run, out.Result, rundir.Faces(faces, out.Result, o.Figures))
}

// readPlan reads what Plan wrote into a run directory.
func readPlan(dir string) (f planFile, s sample[token.ID], err error) {
	path := filepath.Join(dir, rundir.Plan)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, s, fmt.Errorf("%w (is %s the directory that l2m plan wrote?)", err, dir)
	} else if err != nil {
		return f, s, err
	}
	if err := json.Unmarshal(content, &f); err != nil || f.Schema != planSchema {
		return f, s, fmt.Errorf("%s is not a plan of this version, %s (plan again with this l2m)", path, planSchema)
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

// taker takes results in.
type taker struct {
	batch   openai.Batch
	offline *score.Offline[token.ID]
	prefix  string
	out     *Ingested
}

// file takes in one file.
func (t taker) file(ctx context.Context, path string, progress info.ProgressFunc) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := &counted{Reader: f}
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

// counted counts what is read.
type counted struct {
	io.Reader
	read atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// answer takes in what one line says.
func (t taker) answer(a openai.BatchAnswer) error {
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
	err := t.offline.Answer(id, a.LogProbs, a.At)
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
