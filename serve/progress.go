package serve

import (
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

// trained reads how many steps of a training its last checkpoint has.
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
	var header struct {
		About struct{ Steps, Recipe string } `json:"__metadata__"`
	}
	var recipe struct{ Steps int }
	var length [8]byte
	if _, err = io.ReadFull(f, length[:]); err == nil {
		err = json.NewDecoder(io.LimitReader(f, maxPart)).Decode(&header)
	}
	if err == nil {
		err = json.Unmarshal([]byte(header.About.Recipe), &recipe)
	}
	if err == nil {
		r.Done, err = strconv.Atoi(header.About.Steps)
	}
	if r.Total = recipe.Steps; err != nil {
		r.Trouble = name + ": " + err.Error()
	}
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
