package serve

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// Run is a run folder in the list.
type Run struct {
	Name     string    `json:"name"` // path below the root, with slashes; "." is the root itself
	Verb     string    `json:"verb"`
	Subject  string    `json:"subject,omitempty"` // what was measured
	Model    string    `json:"model,omitempty"`
	Verdict  string    `json:"verdict,omitempty"` // the finding as a sentence
	Formula  string    `json:"formula,omitempty"` // the fitted law
	Command  string    `json:"command,omitempty"`
	Changed  time.Time `json:"changed"`
	Finished bool      `json:"finished"`
	Overlay  bool      `json:"overlay"`         // can be shown together with others
	Files    []string  `json:"files"`           // that can be asked for
	Done     int       `json:"done,omitempty"`  // of a run that is not finished
	Total    int       `json:"total,omitempty"` // 0 where it is not known
	Unit     string    `json:"unit,omitempty"`  // of Done and Total
	Trouble  string    `json:"trouble,omitempty"`
	// Curve is the loss of a training under way, nats per trained token: means over
	// equal stretches of its steps, at most 100.
	Curve []float64 `json:"curve,omitempty"`

	Exponent    *info.Estimate `json:"exponent,omitempty"` // β of the law
	Documents   int            `json:"documents,omitempty"`
	Length      int            `json:"length,omitempty"`      // the longest measured, in LengthUnit
	LengthUnit  string         `json:"length_unit,omitempty"` // "tokens", "bytes", …
	BitsPerByte float64        `json:"bits_per_byte,omitempty"`
}

const (
	maxDepth = 4      // folders below the root
	maxRuns  = 1000   // in the list
	maxLooks = 50_000 // folders and files that are looked at in search of runs
	// maxShown is the size of the largest document that is read for the list.
	maxShown = 64 << 20
)

// readers read the documents of finished runs for the list, by the kind of run.
var readers = map[string]func(r *Run, doc io.Reader) error{
	rundir.Measure.Verb: readResult, rundir.TwoPoint.Verb: readResult, rundir.Compare.Verb: readComparison,
	rundir.Audit.Verb: readAudit, rundir.Fit.Verb: readResult, rundir.Calibrate.Verb: readCalibration, rundir.Lab.Verb: readLab,
	rundir.Study.Verb: readStudy,
}

// list finds the runs below the root, the latest first.
func (s *Server) list() ([]Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	runs := []Run{}
	looks := 0
	err := fs.WalkDir(s.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if looks++; looks > maxLooks {
			return fs.SkipAll
		}
		switch {
		case err != nil:
			if name == "." {
				return err
			}
			return fs.SkipDir // not ours to read
		case !d.IsDir():
			return nil
		case name != "." && strings.HasPrefix(d.Name(), "."), strings.Count(name, "/") >= maxDepth, len(runs) >= maxRuns:
			return fs.SkipDir
		}
		if r, ok := s.run(name); ok {
			runs = append(runs, r)
			if name != "." {
				return fs.SkipDir // nothing in a run is a run
			}
		}
		return nil
	})
	slices.SortStableFunc(runs, func(a, b Run) int { return b.Changed.Compare(a.Changed) })
	return runs, err
}

// look says which run a folder holds; fs.ErrNotExist where it holds none.
func (s *Server) look(name string) (rundir.Info, error) {
	folder, err := fs.Sub(s.root.FS(), name)
	if err != nil {
		return rundir.Info{}, err
	}
	return rundir.Read(folder)
}

// regular describes a file, nil when there is none that may be read.
func (s *Server) regular(name string) fs.FileInfo {
	if st, err := s.root.Stat(name); err == nil && st.Mode().IsRegular() {
		return st
	}
	return nil
}

// run describes a folder, if it is a run. The caller holds the lock.
func (s *Server) run(name string) (Run, bool) {
	i, err := s.look(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Run{}, false
	case err != nil:
		return Run{Name: name, Trouble: err.Error(), Files: s.files(name, i.Run)}, true
	}
	r := Run{Name: name, Verb: i.Kind, Command: i.Command}
	if i.Finished {
		r = s.finished(name, i)
	} else {
		s.progress(&r, i)
	}
	r.Files = s.files(name, i.Run)
	return r, true
}

// finished reads the document of a run, unless it is known.
func (s *Server) finished(name string, i rundir.Info) Run {
	file := path.Join(name, i.Run.Document)
	st := s.regular(file)
	if st == nil {
		return Run{Name: name, Verb: i.Kind}
	}
	r := s.known[file]
	if r.size != st.Size() || !r.changed.Equal(st.ModTime()) || r.size == 0 {
		r = known{size: st.Size(), changed: st.ModTime(), run: Run{Name: name, Verb: i.Kind, Command: i.Command, Finished: true, Changed: st.ModTime()}}
		if err := s.open(file, func(f io.Reader) error { return readers[i.Kind](&r.run, f) }); err != nil {
			r.run.Trouble = err.Error()
		}
		s.known[file] = r
	}
	return r.run
}

// known is what was read of a document.
type known struct {
	size    int64
	changed time.Time
	run     Run
}

// latest moves the date of a run to that of its newest file.
func latest(r *Run, entries []fs.DirEntry) {
	for _, e := range entries {
		if st, err := e.Info(); err == nil && st.ModTime().After(r.Changed) {
			r.Changed = st.ModTime()
		}
	}
}

// open reads a file inside the root.
func (s *Server) open(name string, read func(io.Reader) error) error {
	f, err := s.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return err
	case st.Size() > maxShown:
		return fmt.Errorf("%s is larger than %d MiB", name, maxShown>>20)
	}
	return read(io.LimitReader(f, maxShown))
}

func (s *Server) result(name string) (r *result.Result, err error) {
	err = s.open(path.Join(name, rundir.Results), func(f io.Reader) error {
		r, err = result.Read[result.Result](f, path.Join(name, rundir.Results))
		return err
	})
	return r, err
}

func readResult(r *Run, doc io.Reader) error {
	found, err := result.Read[result.Result](doc, rundir.Results)
	if err != nil {
		return err
	}
	r.Verb, r.Command, r.Model, r.Overlay = found.Verb, found.Command, found.Model.Name, true
	r.Subject = strings.Join(found.Corpus.Paths, " ")
	x := report.Summarize(found)
	r.Verdict, r.Formula, r.Exponent = x.Headline, x.Formula, x.Exponent
	r.Documents, r.Length, r.LengthUnit, r.BitsPerByte = x.Documents, x.Length, x.Unit, x.BitsPerByte
	return nil
}

func readComparison(r *Run, doc io.Reader) error {
	c, err := result.Read[result.Comparison](doc, rundir.Compare.Document)
	if err != nil {
		return err
	}
	var names []string
	for _, run := range c.Runs {
		names = append(names, run.Run)
	}
	r.Command, r.Verdict, r.Subject = c.Command, report.ComparisonHeadline(c), strings.Join(names, ", ")
	return nil
}

func readAudit(r *Run, doc io.Reader) error {
	a, err := result.Read[result.Audit](doc, rundir.Audit.Document)
	if err != nil {
		return err
	}
	r.Command, r.Verdict, r.Subject = a.Command, report.AuditHeadline(a), "law: "+a.Law.Source
	return nil
}

func readCalibration(r *Run, doc io.Reader) error {
	c, err := result.Read[result.Calibration](doc, rundir.Calibrate.Document)
	if err != nil {
		return err
	}
	r.Command, r.Verdict = c.Command, report.CalibrationHeadline(c)
	return nil
}

func readLab(r *Run, doc io.Reader) error {
	l, err := result.Read[result.Lab](doc, rundir.Lab.Document)
	if err != nil {
		return err
	}
	r.Command, r.Verdict, r.Subject = l.Command, report.LabHeadline(l), l.Name+", trained on "+l.Data
	return nil
}

func readStudy(r *Run, doc io.Reader) error {
	s, err := result.Read[result.Study](doc, rundir.Study.Document)
	if err != nil {
		return err
	}
	r.Command, r.Verdict, r.Subject = s.Command, report.StudyHeadline(s), s.Name
	return nil
}
