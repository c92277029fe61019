package serve

import (
	"encoding/json"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/score"
)

// Run is a run folder in the list.
type Run struct {
	Name     string    `json:"name"` // path below the root, with slashes
	Verb     string    `json:"verb"`
	Subject  string    `json:"subject,omitempty"`
	Model    string    `json:"model,omitempty"`
	Verdict  string    `json:"verdict,omitempty"`
	Command  string    `json:"command,omitempty"`
	Changed  time.Time `json:"changed"`
	Finished bool      `json:"finished"`
	Report   bool      `json:"report"` // there is a page to open
	Done     int       `json:"done,omitempty"`
	Total    int       `json:"total,omitempty"` // windows; 0 where it is not known
	Trouble  string    `json:"trouble,omitempty"`
}

const (
	maxDepth = 4    // folders below the root
	maxRuns  = 1000 // in the list
	// maxPolled is how many bytes of scores are read to state progress.
	maxPolled = 1 << 30
)

// documents are the files that make a folder a run, by what they hold.
var documents = []string{"results.json", "compare.json", "run.json"}

// list finds the runs below the root, the latest first.
func (s *Server) list() ([]Run, error) {
	var runs []Run
	err := fs.WalkDir(s.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
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
			return fs.SkipDir // nothing in a run is a run
		}
		return nil
	})
	slices.SortFunc(runs, func(a, b Run) int { return b.Changed.Compare(a.Changed) })
	return runs, err
}

// run describes a folder, if it is a run.
func (s *Server) run(name string) (Run, bool) {
	r := Run{Name: name}
	found := ""
	for _, doc := range documents {
		if st, err := s.root.Stat(path.Join(name, doc)); err == nil && st.Mode().IsRegular() {
			if found == "" {
				found = doc
			}
			if st.ModTime().After(r.Changed) {
				r.Changed = st.ModTime()
			}
		}
	}
	if found == "" {
		return r, false
	}
	if st, err := s.root.Stat(path.Join(name, "report.html")); err == nil {
		r.Report = st.Mode().IsRegular()
	}
	switch found {
	case "results.json":
		r.Finished = true
		result, err := s.result(name)
		if err != nil {
			r.Trouble = err.Error()
			break
		}
		r.Verb, r.Command, r.Verdict, r.Model = result.Verb, result.Command, report.Headline(result), result.Model.Name
		r.Subject = strings.Join(result.Corpus.Paths, " ")
	case "compare.json":
		r.Verb, r.Finished = "compare", true
		var c struct {
			Command string `json:"command"`
		}
		if err := s.decode(path.Join(name, found), &c); err != nil {
			r.Trouble = err.Error()
		}
		r.Command = c.Command
	default:
		r.Verb = "measure"
		s.progress(&r)
	}
	return r, true
}

// progress states how far an unfinished run is.
func (s *Server) progress(r *Run) {
	var about struct {
		Key struct {
			Count int    `json:"count"`
			Model string `json:"model_name"`
		} `json:"key"`
		About struct {
			Command string `json:"command"`
		} `json:"about"`
	}
	if err := s.decode(path.Join(r.Name, "run.json"), &about); err != nil {
		r.Trouble = err.Error()
		return
	}
	r.Total, r.Model, r.Command = about.Key.Count, about.Key.Model, about.About.Command
	parts, err := fs.ReadDir(s.root.FS(), path.Join(r.Name, "scores"))
	if err != nil {
		return
	}
	var bytes int64
	for _, p := range parts {
		if st, err := p.Info(); err == nil {
			bytes += st.Size()
			if st.ModTime().After(r.Changed) {
				r.Changed = st.ModTime()
			}
		}
	}
	if bytes > maxPolled {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Parts are never changed, only added.
	if seen, ok := s.seen[r.Name]; ok && seen.bytes == bytes && seen.parts == len(parts) {
		r.Done = seen.done
		return
	}
	store, err := score.Read(s.path(r.Name))
	if err != nil {
		r.Trouble = err.Error()
		return
	}
	r.Done = store.Done()
	store.Close()
	s.seen[r.Name] = polled{bytes, len(parts), r.Done}
}

// polled is what was found at the last look at a run's scores.
type polled struct {
	bytes int64
	parts int
	done  int
}

func (s *Server) result(name string) (*report.Result, error) {
	f, err := s.root.Open(path.Join(name, "results.json"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return report.ReadResult(f)
}

// maxDocument bounds what is read of a small document.
const maxDocument = 64 << 20

func (s *Server) decode(name string, into any) error {
	f, err := s.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return json.NewDecoder(io.LimitReader(f, maxDocument)).Decode(into)
}
