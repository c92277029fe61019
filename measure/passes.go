package measure

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/npy"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// A file of passes holds the sequences of one length T that a run wants scored, as NumPy
// arrays; the answer is a file with the arrays id, run and logprobs:
//
//	tokens    int32 [n, T]: sequences, which start with the beginning-of-sequence token
//	id        int32 [n, 2]: which sequence of the run each is
//	run       int64 [1]: which run
//	logprobs  float [n, T−1]: ln q(tokens[i, t+1] | tokens[i, :t+1])

// runNumber identifies a run in files of passes.
func runNumber(k score.Key) int64 {
	sum := keySum(k)
	return int64(binary.LittleEndian.Uint64(sum[:]) >> 1)
}

// writePasses replaces the run's files of passes by those that are not answered, a file
// for each length.
func writePasses(ctx context.Context, run *rundir.Dir, offline *score.Offline[token.ID], f planFile) (*result.Planned, error) {
	if err := run.DiscardIn(rundir.Requests); err != nil {
		return nil, err
	}
	out := &result.Planned{Windows: offline.Missing().Windows}
	count := map[int]int{} // of sequences, by length without the first token
	for p := range offline.Outstanding() {
		count[len(p.Tokens)]++
		out.Requests++
		out.Prompts += int64(1 + len(p.Tokens))
		out.Scored += int64(len(p.Tokens) - p.From)
	}
	for _, length := range slices.Sorted(maps.Keys(count)) {
		name := fmt.Sprintf("%s/passes-%05d.npz", rundir.Requests, length+1)
		out.Files = append(out.Files, run.Path(name))
		of := func(yield func(score.Piece[token.ID]) bool) {
			for p := range offline.Outstanding() {
				if len(p.Tokens) == length && (ctx.Err() != nil || !yield(p)) {
					return
				}
			}
		}
		err := run.Write(rundir.Face{Name: name, Write: func(w io.Writer) error {
			if err := writePassesOf(w, of, count[length], length, f); err != nil {
				return err
			}
			return context.Cause(ctx)
		}})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// writePassesOf writes n sequences of a length.
func writePassesOf(w io.Writer, of func(func(score.Piece[token.ID]) bool), n, length int, f planFile) error {
	z := zip.NewWriter(w)
	array := func(name string, h npy.Header, each func(row func(...uint32))) error {
		entry, err := z.Create(name + ".npy")
		if err != nil {
			return err
		}
		out := bufio.NewWriter(entry) // keeps its first error
		out.Write(h.Bytes())
		each(func(values ...uint32) {
			for _, v := range values {
				out.Write(binary.LittleEndian.AppendUint32(nil, v))
			}
		})
		return out.Flush()
	}
	number := runNumber(f.Key)
	return errors.Join(
		array("tokens", npy.Header{Kind: "<i4", Shape: []int{n, length + 1}}, func(row func(...uint32)) {
			for p := range of {
				row(uint32(f.BOS))
				for _, t := range p.Tokens {
					row(uint32(t))
				}
			}
		}),
		array("id", npy.Header{Kind: "<i4", Shape: []int{n, 2}}, func(row func(...uint32)) {
			for p := range of {
				row(uint32(p.ID.Window), uint32(p.ID.Branch))
			}
		}),
		array("run", npy.Header{Kind: "<i8", Shape: []int{1}}, func(row func(...uint32)) { row(uint32(number), uint32(number>>32)) }),
		z.Close())
}

// isNPZ reports whether a file is an archive, as .npz files are.
func isNPZ(path string) bool {
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [4]byte
	_, err = io.ReadFull(f, head[:])
	return err == nil && string(head[:]) == "PK\x03\x04"
}

// arrays reads one file of scored passes.
func (t ingester) arrays(ctx context.Context, path string, progress info.ProgressFunc) error {
	z, err := npy.OpenArchive(path)
	if err != nil {
		return err
	}
	defer z.Close()
	ids, err := t.ids(z)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	shape, values, err := z.Floats("logprobs")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(shape) != 2 || shape[0] != len(ids) {
		return fmt.Errorf("%s: logprobs has the shape %v for %s", path, shape, info.Plural(len(ids), "sequence"))
	}
	stage := progress.Stage("reading arrays", "sequences")
	for i, id := range ids {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		at := fmt.Sprintf("%s, row %d", path, i)
		p, ok := t.offline.Piece(id)
		if !ok {
			return fmt.Errorf("%s: the run has no sequence %s", at, id)
		}
		if len(p.Tokens) != shape[1] {
			return fmt.Errorf("%s: logprobs has %d columns; %d are wanted, one for each token after the first", at, shape[1], len(p.Tokens))
		}
		if err := t.keep(id, values[i*shape[1]:][p.From:shape[1]], at); err != nil {
			return err
		}
		stage(int64(i+1), int64(len(ids)), 0)
	}
	return nil
}

// ids reads which sequences of this run a file answers.
func (t ingester) ids(z *npy.Archive) ([]score.PieceID, error) {
	_, run, err := z.Ints("run")
	if err != nil {
		return nil, err
	}
	if len(run) != 1 || run[0] != t.run {
		return nil, errors.New("it answers the passes of another run")
	}
	shape, values, err := z.Ints("id")
	if err != nil {
		return nil, err
	}
	if len(shape) != 2 || shape[1] != 2 {
		return nil, fmt.Errorf("id has the shape %v, not (n, 2)", shape)
	}
	ids := make([]score.PieceID, shape[0])
	for i := range ids {
		ids[i] = score.PieceID{Window: int(values[2*i]), Branch: int(values[2*i+1])}
	}
	return ids, nil
}
