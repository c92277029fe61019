package score

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/rundir"
)

// maxOpenParts bounds the open files of a Source.
const maxOpenParts = 128

// IncompleteError says that scores are missing.
type IncompleteError struct {
	Dir         string
	Done, Count int // requests
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("the run %s is incomplete: %d of %d windows are scored (run the same command again to continue)", e.Dir, e.Done, e.Count)
}

// Source yields the scored windows in index order, one at a time from disk. Each
// returns an *IncompleteError before the first window if scores are missing. Marginal
// and Cross are nil if the plan has none.
func (s *Store) Source() mi.Source { return source{s: s} }

// First is Source for the first n windows only.
func (s *Store) First(n int) mi.Source {
	only := make([]int, n)
	for i := range only {
		only[i] = i
	}
	return source{s, only}
}

// Finished yields only the windows of which every pass is saved, and says how many
// they are, of how many clusters: what there is of a run that is not complete.
func (s *Store) Finished() (src mi.Source, windows, clusters int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	only, seen, slots := []int{}, map[int32]bool{}, s.key.Plan.slots()
	for i := range s.key.Count {
		if !slices.ContainsFunc(s.places[i*slots:(i+1)*slots], func(p place) bool { return p.file == 0 }) {
			only, seen[s.clusters[i]] = append(only, i), true
		}
	}
	return source{s, only}, len(only), len(seen)
}

type source struct {
	s    *Store
	only []int // windows; nil: all
}

// Length is the number of tokens per window.
func (src source) Length() int { return src.s.key.Plan.Length }

// Each implements mi.Source.
func (src source) Each(yield func(mi.Window) error) error {
	s := src.s
	s.mu.Lock()
	places, files, done := s.places, s.files, s.done
	s.mu.Unlock() // the places of finished windows no longer change

	plan := s.key.Plan
	slots := plan.slots()
	windows := src.only
	if windows == nil {
		windows = make([]int, s.key.Count)
		for i := range windows {
			windows[i] = i
		}
	}
	for _, i := range windows {
		if slices.ContainsFunc(places[i*slots:(i+1)*slots], func(p place) bool { return p.file == 0 }) {
			return &IncompleteError{s.dir, done, s.key.Count}
		}
	}
	lengths := make([]int, slots)
	total := 0
	for i := range lengths {
		lengths[i] = plan.slotTokens(i)
		total += lengths[i]
	}
	// All values of a window, slot by slot; the maps of mi.Window point into it.
	values := make([]float32, total)
	views := make([][]float32, slots)
	for i, at := 0, 0; i < slots; i++ {
		views[i] = values[at : at+lengths[i] : at+lengths[i]]
		at += lengths[i]
	}
	w := plan.window(views)
	r := partReader{dir: filepath.Join(s.dir, rundir.Scores), names: files, open: map[uint32]*os.File{}}
	defer r.close()
	for _, i := range windows {
		if err := r.read(values, places[i*slots:(i+1)*slots], lengths); err != nil {
			return fmt.Errorf("reading the scores of window %d: %w", i, err)
		}
		w.Cluster = int(s.clusters[i])
		if err := yield(w); err != nil {
			return err
		}
	}
	return nil
}

// window arranges the passes of a window, given by slot, for the estimators.
func (p Plan) window(views [][]float32) mi.Window {
	w := mi.Window{Joint: views[0]}
	views = views[1:]
	if p.Marginals {
		w.Marginal = make(map[int][]float32, len(p.Splits))
		for i, ell := range p.Splits {
			w.Marginal[ell] = views[i]
		}
		views = views[len(p.Splits):]
	}
	if p.Cross > 0 {
		w.Cross = make(map[int][][]float32, len(p.Splits))
		for i, ell := range p.Splits {
			w.Cross[ell] = make([][]float32, p.Cross)
			for k := range p.Cross {
				w.Cross[ell][k] = views[k*len(p.Splits)+i]
			}
		}
	}
	return w
}

// partReader reads values from parts.
type partReader struct {
	dir   string
	names []string
	open  map[uint32]*os.File
	order []uint32 // open files, oldest first
	buf   []byte
}

// read fills dst with the values at places, lengths[i] each. Consecutive values are
// read at once.
func (r *partReader) read(dst []float32, places []place, lengths []int) error {
	for i := 0; i < len(places); {
		first, n := places[i], lengths[i]
		for i++; i < len(places) && places[i].file == first.file &&
			int64(places[i].offset) == int64(first.offset)+4*int64(n); i++ {
			n += lengths[i]
		}
		if cap(r.buf) < 4*n {
			r.buf = make([]byte, 4*n)
		}
		b := r.buf[:4*n]
		f, err := r.file(first.file)
		if err != nil {
			return err
		}
		if _, err := f.ReadAt(b, int64(first.offset)); err != nil {
			return fmt.Errorf("%s has changed since it was checked: %w", f.Name(), err)
		}
		decodeFloats(dst[:n], b)
		dst = dst[n:]
	}
	return nil
}

// decodeFloats fills dst with values in the encoding of parts.
func decodeFloats(dst []float32, b []byte) {
	for j := range dst {
		dst[j] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*j:]))
	}
}

func floats(b []byte, n int) []float32 {
	out := make([]float32, n)
	decodeFloats(out, b)
	return out
}

func (r *partReader) file(number uint32) (*os.File, error) {
	if f := r.open[number]; f != nil {
		return f, nil
	}
	if len(r.order) == maxOpenParts {
		r.open[r.order[0]].Close()
		delete(r.open, r.order[0])
		r.order = append(r.order[:0], r.order[1:]...)
	}
	f, err := os.Open(filepath.Join(r.dir, r.names[number-1]))
	if err != nil {
		return nil, err
	}
	r.open[number] = f
	r.order = append(r.order, number)
	return f, nil
}

func (r *partReader) close() {
	for _, f := range r.open {
		f.Close()
	}
}
