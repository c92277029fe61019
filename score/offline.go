package score

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/rundir"
)

// PieceID identifies one sequence of a run, in every session. Window is the request (as
// in Run), Branch is 0 for the window itself and i for its i-th branch, from 1.
type PieceID struct{ Window, Branch int }

func (id PieceID) String() string { return fmt.Sprintf("%d-%d", id.Window, id.Branch) }

// Piece is a sequence to be scored on its own, for models that cannot fork their state.
// Wanted are the log-probabilities of Tokens[From:], each given all tokens before it.
type Piece[T any] struct {
	ID     PieceID
	Tokens []T
	From   int
}

// Offline is a run whose sequences are scored elsewhere: Outstanding lists the
// sequences to score, Answer accepts their log-probabilities in any order. The stored
// result is that of Run. Its methods are not safe for concurrent use.
//
// A window is stored when all of its sequences are answered. Answers to other windows
// wait in memory (4 bytes per token) and, after Flush, in the run's folder partial for
// the next session.
type Offline[T any] struct {
	info    lm.Info
	jobs    *jobs[T]
	store   *Store
	stored  partReader // of finished windows, to compare answers with
	waiting map[int]*unfinished
	ready   []int // of waiting: complete, in that order, but not saved
	bytes   int   // of ready
	max     int
	changed bool // waiting differs from the folder partial
}

// unfinished holds the answers to a window that is not stored.
type unfinished struct {
	values [][]float32 // by piece; nil: not answered
	from   []string    // where each answer was read
	left   int
}

// NewOffline prepares a run for answers from elsewhere and reads partial answers of
// earlier sessions. The arguments are those of Run.
func NewOffline[T any](m lm.Info, windows []Window[T], partners [][]int, plan Plan, store *Store) (*Offline[T], error) {
	jobs, _, _, err := prepare(m, windows, partners, plan, store)
	if err != nil {
		return nil, fmt.Errorf("preparing to score offline: %w", err)
	}
	o := &Offline[T]{info: m, jobs: jobs, store: store, waiting: map[int]*unfinished{}, max: 16 << 20,
		stored: partReader{dir: filepath.Join(store.dir, rundir.Scores), open: map[uint32]*os.File{}}}
	if err := o.loadPartial(); err != nil {
		return nil, fmt.Errorf("reading the answers to unfinished windows: %w", err)
	}
	return o, nil
}

// Outstanding lists the unanswered sequences, sorted by id: those of a window are
// consecutive, the window itself first, so that servers with a prefix cache can use
// their common prefixes.
func (o *Offline[T]) Outstanding() iter.Seq[Piece[T]] {
	return func(yield func(Piece[T]) bool) {
		for j := range o.jobs.windows {
			if o.store.Scored(j) {
				continue
			}
			r := o.jobs.request(j)
			for piece := range o.jobs.pieces(j) {
				if o.answered(j, piece) {
					continue
				}
				if !yield(pieceOfRequest(j, piece, r)) {
					return
				}
			}
		}
	}
}

func (o *Offline[T]) answered(j, piece int) bool {
	w := o.waiting[j]
	return w != nil && w.values[piece] != nil
}

func pieceOfRequest[T any](j, piece int, r lm.Request[T]) Piece[T] {
	if piece == 0 {
		return Piece[T]{PieceID{j, 0}, r.Tokens, 0}
	}
	b := r.Branches[piece-1]
	return Piece[T]{PieceID{j, piece}, slices.Concat(r.Tokens[:b.At], b.Tokens), b.At}
}

// Piece returns the sequence with an id, answered or not; ok is false if there is none.
func (o *Offline[T]) Piece(id PieceID) (p Piece[T], ok bool) {
	if id.Window < 0 || id.Window >= len(o.jobs.windows) || id.Branch < 0 || id.Branch >= o.jobs.pieces(id.Window) {
		return p, false
	}
	return pieceOfRequest(id.Window, id.Branch, o.jobs.request(id.Window)), true
}

// ErrRepeated says that a sequence had already been answered with the same values,
// which is harmless.
var ErrRepeated = errors.New("answered already")

// ConflictError says that two answers to one sequence differ. The first one is kept.
type ConflictError struct {
	Piece         PieceID
	First, Second string  // where they were read
	Nats          float64 // mean absolute difference per token
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s and %s answer the same request (window %d, sequence %d) with log-probabilities that differ by %.3g nats per token (keep the file from the model for which the run was planned, and omit the other)",
		e.Second, e.First, e.Piece.Window, e.Piece.Branch, e.Nats)
}

// Answer accepts the log-probabilities of the tokens of a piece from From on; from
// names their source in messages. Values are checked as in Run. For a sequence that was
// answered before, also in an earlier session, it returns ErrRepeated if all values are
// equal and a *ConflictError if not.
//
// Finished windows are saved by Flush, and whenever they add up to 16 MB.
func (o *Offline[T]) Answer(id PieceID, values []float32, from string) error {
	if id.Window < 0 || id.Window >= len(o.jobs.windows) || id.Branch < 0 || id.Branch >= o.jobs.pieces(id.Window) {
		return fmt.Errorf("%s: the run has no request %s", from, id)
	}
	if err := checkValues(o.info, o.length(id), values); err != nil {
		return fmt.Errorf("%s: window %d, sequence %d: %w (this answer was not saved)", from, id.Window, id.Branch, err)
	}
	w := o.waiting[id.Window]
	switch {
	case w == nil && o.store.Scored(id.Window):
		return o.compareStored(id, values, from)
	case w == nil:
		n := o.jobs.pieces(id.Window)
		w = &unfinished{values: make([][]float32, n), from: make([]string, n), left: n}
		o.waiting[id.Window] = w
	case w.values[id.Branch] != nil:
		return compare(id, w.values[id.Branch], values, w.from[id.Branch], from)
	}
	w.values[id.Branch], w.from[id.Branch] = slices.Clone(values), from
	w.left--
	o.changed = true
	if w.left == 0 {
		o.ready = append(o.ready, id.Window)
		o.bytes += 4 * int(o.jobs.tokens(id.Window))
		if o.bytes >= o.max {
			return o.save()
		}
	}
	return nil
}

// length is the number of values in an answer to a piece.
func (o *Offline[T]) length(id PieceID) int {
	plan := o.jobs.plan
	if id.Branch == 0 {
		return plan.Length
	}
	return plan.Continuation(plan.Splits[(id.Branch-1)%len(plan.Splits)])
}

// compareStored compares an answer with the stored one.
func (o *Offline[T]) compareStored(id PieceID, values []float32, from string) error {
	r := o.jobs.row(id.Window, id.Branch, values)
	s := o.store
	slot, _ := s.key.Plan.slot(pass(r.Pass), int(r.Split), int(r.K))
	s.mu.Lock()
	at := s.places[int(r.Window)*s.key.Plan.slots()+slot]
	o.stored.names = s.files
	s.mu.Unlock()
	old := make([]float32, len(values))
	if err := o.stored.read(old, []place{at}, []int{len(old)}); err != nil {
		return fmt.Errorf("comparing %s with stored scores: %w", from, err)
	}
	return compare(id, old, values, filepath.Join(o.stored.dir, o.stored.names[at.file-1]), from)
}

func compare(id PieceID, old, values []float32, first, second string) error {
	if slices.Equal(old, values) {
		return ErrRepeated
	}
	sum := 0.0
	for i := range old {
		sum += math.Abs(float64(old[i]) - float64(values[i]))
	}
	return &ConflictError{Piece: id, First: first, Second: second, Nats: sum / float64(len(old))}
}

// Flush makes all answers durable: finished windows as scores, the others in the folder
// partial. After an error it can be called again.
func (o *Offline[T]) Flush() error {
	if err := o.save(); err != nil {
		return err
	}
	if !o.changed {
		return nil
	}
	if err := o.savePartial(); err != nil {
		return fmt.Errorf("saving the answers to unfinished windows: %w", err)
	}
	o.changed = false
	return nil
}

// Close closes files. It does not save: see Flush.
func (o *Offline[T]) Close() { o.stored.close() }

// save stores the finished windows.
func (o *Offline[T]) save() error {
	var rows []row
	for _, j := range o.ready {
		rows = append(rows, o.jobs.rows(j, lm.Scores{Tokens: o.waiting[j].values[0], Branches: o.waiting[j].values[1:]})...)
	}
	if err := o.store.save(rows); err != nil {
		return fmt.Errorf("saving scores: %w", err)
	}
	for _, j := range o.ready {
		delete(o.waiting, j)
	}
	o.ready, o.bytes = nil, 0
	return nil
}

// Missing is what a run still needs.
type Missing struct {
	Windows int       // not completely scored
	Pieces  int       // unanswered sequences
	Tokens  int64     // their log-probabilities
	First   []PieceID // the first few of the sequences
}

// Missing counts what is unanswered.
func (o *Offline[T]) Missing() Missing {
	var m Missing
	for j := range o.jobs.windows {
		if w := o.waiting[j]; o.store.Scored(j) || w != nil && w.left == 0 {
			continue
		}
		m.Windows++
		for piece := range o.jobs.pieces(j) {
			if o.answered(j, piece) {
				continue
			}
			id := PieceID{j, piece}
			m.Pieces++
			m.Tokens += int64(o.length(id))
			if len(m.First) < 5 {
				m.First = append(m.First, id)
			}
		}
	}
	return m
}

// maxPartial limits the values in one file of the folder partial.
const maxPartial = 256 << 20

// savePartial replaces the files of the folder partial.
func (o *Offline[T]) savePartial() error {
	dir, err := o.store.run.Folder(rundir.Partial)
	if err != nil {
		return err
	}
	old, err := o.store.partNames(rundir.Partial)
	if err != nil {
		return err
	}
	written := map[string]bool{}
	var rows []row
	size := 0
	write := func() error {
		if len(rows) == 0 {
			return nil
		}
		content, err := encodePart(o.store.key, rows)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("part-%06d-%s.parquet", len(written)+1, contentHash(content))
		written[name], rows, size = true, nil, 0
		if err := atomicfile.WriteBytes(filepath.Join(dir, name), 0o644, content); err != nil {
			return fmt.Errorf("%w (free some space and run the same command again; scores saved so far are kept)", err)
		}
		return nil
	}
	for j := range o.jobs.windows {
		w := o.waiting[j]
		if w == nil {
			continue
		}
		for piece, values := range w.values {
			if values == nil {
				continue
			}
			rows = append(rows, o.jobs.row(j, piece, values))
			if size += 4 * len(values); size >= maxPartial {
				if err := write(); err != nil {
					return err
				}
			}
		}
	}
	if err := write(); err != nil {
		return err
	}
	for _, name := range old {
		if written[name] {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// loadPartial reads the folder partial. If rewriting it was interrupted, it holds some
// answers twice, or answers to windows that are stored by now.
func (o *Offline[T]) loadPartial() error {
	if err := o.store.run.Check(rundir.Partial); err != nil {
		return err
	}
	dir := filepath.Join(o.store.dir, rundir.Partial)
	names, err := o.store.partNames(rundir.Partial)
	if err != nil {
		return err
	}
	stale := len(names) > 1
	var buf bytes.Buffer
	for _, name := range names {
		path := filepath.Join(dir, name)
		refs, err := o.store.decodeFile(&buf, path, name)
		if err != nil {
			return err
		}
		for i := range refs {
			r := &refs[i]
			j, piece, err := o.jobs.pieceOf(&r.row)
			if err != nil {
				return fmt.Errorf("%s: row %d: %w (delete the file; its answers will then be missing)", path, i, err)
			}
			values := floats(buf.Bytes()[r.offset:], int(r.Tokens))
			switch err := o.Answer(PieceID{j, piece}, values, path); {
			case errors.Is(err, ErrRepeated):
				stale = true
			case err != nil:
				return err
			}
		}
	}
	o.changed = stale || len(o.ready) > 0
	return nil
}
