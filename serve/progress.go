package serve

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
)

// maxPart bounds the parts that are opened.
const maxPart = 1 << 30

// progress says how far a run is that is not finished. The caller holds the lock.
func (s *Server) progress(r *Run, i rundir.Info) {
	if st := s.regular(path.Join(r.Name, rundir.RunFile)); st != nil {
		r.Changed = st.ModTime()
	}
	switch i.Kind {
	case rundir.Measure.Verb:
		s.scored(r, i)
	case rundir.Calibrate.Verb:
		r.Unit = "groups of repetitions simulated"
		r.Done = s.count(r, rundir.Repetitions, `^[0-9a-f]{12}-`)
	case rundir.TwoPoint.Verb:
		r.Unit = "distances counted"
		r.Done = s.count(r, rundir.Counting, `^distance-`)
	case rundir.Lab.Verb:
		s.trained(r)
	case rundir.Study.Verb:
		r.Unit = "models begun"
		r.Done = s.count(r, rundir.Trainings, ".")
	}
}

// trained reads from the last checkpoint of a training how many steps it has, and
// their losses.
func (s *Server) trained(r *Run) {
	r.Unit = "steps trained"
	name := path.Join(r.Name, rundir.Checkpoint, rundir.CheckpointFile)
	st := s.regular(name)
	if st == nil {
		return // none yet
	}
	r.Changed = st.ModTime()
	f, err := s.root.Open(name)
	if err != nil {
		return // just replaced
	}
	defer f.Close()
	if err := r.readCheckpoint(f); err != nil {
		r.Trouble = name + ": " + err.Error()
	}
}

func (r *Run) readCheckpoint(f io.ReadSeeker) error {
	var size [8]byte
	if _, err := io.ReadFull(f, size[:]); err != nil {
		return err
	}
	var header map[string]json.RawMessage
	if err := json.NewDecoder(io.LimitReader(f, maxPart)).Decode(&header); err != nil {
		return err
	}
	var about struct{ Steps, Recipe string }
	var recipe struct{ Steps int }
	if err := json.Unmarshal(header["__metadata__"], &about); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(about.Recipe), &recipe); err != nil {
		return err
	}
	var err error
	if r.Done, err = strconv.Atoi(about.Steps); err != nil {
		return err
	}
	r.Total = recipe.Steps
	if header[rundir.CheckpointLoss] == nil || r.Done == 0 {
		return nil
	}
	var curve struct {
		At [2]int64 `json:"data_offsets"` // bytes after the header
	}
	if err := json.Unmarshal(header[rundir.CheckpointLoss], &curve); err != nil {
		return err
	}
	if curve.At[1]-curve.At[0] != 4*int64(r.Done) || curve.At[1] > maxPart {
		return fmt.Errorf("%s does not hold %d losses", rundir.CheckpointLoss, r.Done)
	}
	if _, err := f.Seek(8+int64(binary.LittleEndian.Uint64(size[:]))+curve.At[0], io.SeekStart); err != nil {
		return err
	}
	losses := make([]float32, r.Done)
	if err := binary.Read(f, binary.LittleEndian, losses); err != nil {
		return fmt.Errorf("reading the losses: %w", err)
	}
	r.Curve = thinned(losses, maxCurve)
	return nil
}

// maxCurve is the largest number of points of Run.Curve.
const maxCurve = 100

// thinned returns the means of at most n stretches of x, as equal as can be.
func thinned(x []float32, n int) []float64 {
	n = min(n, len(x))
	means := make([]float64, n)
	for i := range means {
		stretch := x[i*len(x)/n : (i+1)*len(x)/n]
		for _, v := range stretch {
			means[i] += float64(v) / float64(len(stretch))
		}
	}
	return means
}

// count counts the parts in a folder of a run whose names match.
func (s *Server) count(r *Run, folder, name string) int {
	parts, err := fs.ReadDir(s.root.FS(), path.Join(r.Name, folder))
	if err != nil {
		return 0
	}
	latest(r, parts)
	n, match := 0, regexp.MustCompile(name)
	for _, p := range parts {
		if match.MatchString(p.Name()) {
			n++
		}
	}
	return n
}

// scored counts the windows that were scored.
func (s *Server) scored(r *Run, i rundir.Info) {
	r.Unit = "windows scored"
	var key score.Key
	if err := json.Unmarshal(i.Key, &key); err != nil {
		return // not planned yet
	}
	r.Total, r.Model = key.Count, key.ModelName
	folder := path.Join(r.Name, rundir.Scores)
	parts, err := fs.ReadDir(s.root.FS(), folder)
	if err != nil {
		return // nothing scored yet
	}
	latest(r, parts)
	for _, p := range parts {
		if !rundir.ScorePart.MatchString(p.Name()) {
			continue
		}
		name := path.Join(folder, p.Name())
		st := s.regular(name)
		if st == nil || st.Size() > maxPart {
			continue
		}
		seen, ok := s.parts[name]
		if !ok || seen.size != st.Size() {
			seen.size = st.Size()
			if seen.windows, err = s.countWindows(name, seen.size); err != nil {
				r.Trouble = name + ": " + err.Error()
			}
			s.parts[name] = seen
		}
		r.Done += seen.windows
	}
}

// part is what is known of a part of scores.
type part struct {
	size    int64
	windows int
}

// countWindows counts the rows of a part that hold a window's own pass
// ("joint", docs/format.md); every scored window has one. Only the footer
// and one small column are read.
func (s *Server) countWindows(name string, size int64) (windows int, err error) {
	f, err := s.root.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	// parquet-go panics on some files whose metadata contradict each other.
	defer func() {
		if r := recover(); r != nil {
			windows, err = 0, fmt.Errorf("not readable as Parquet: %v", r)
		}
	}()
	p, err := parquet.OpenFile(f, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return 0, err
	}
	column, ok := p.Schema().Lookup("pass")
	if !ok {
		return 0, errors.New("no column pass")
	}
	for _, group := range p.RowGroups() {
		pages := group.ColumnChunks()[column.ColumnIndex].Pages()
		defer pages.Close()
		for {
			page, err := pages.ReadPage()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return 0, err
			}
			values := make([]parquet.Value, page.NumValues())
			n, err := page.Values().ReadValues(values)
			if err != nil && !errors.Is(err, io.EOF) {
				return 0, err
			}
			for _, v := range values[:n] {
				if string(v.ByteArray()) == "joint" {
					windows++
				}
			}
		}
	}
	return windows, nil
}
