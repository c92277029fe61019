package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// readProgress reads what a measurement under way is about.
func readProgress(_ *Server, r *Run, doc io.Reader) error {
	r.Verb, r.Unit = "measure", "windows scored"
	var about struct {
		Key struct {
			Count int    `json:"count"`
			Model string `json:"model_name"`
		} `json:"key"`
		About struct {
			Command string   `json:"command"`
			Paths   []string `json:"paths"`
		} `json:"about"`
	}
	if err := json.NewDecoder(doc).Decode(&about); err != nil {
		return fmt.Errorf("run.json is damaged: %w", err)
	}
	r.Total, r.Model, r.Command, r.Subject = about.Key.Count, about.Key.Model, about.About.Command, strings.Join(about.About.Paths, " ")
	return nil
}

// partName matches the parts of scores.
var partName = regexp.MustCompile(`^part-[0-9]+-[0-9a-f]+\.parquet$`)

// maxPart bounds the parts that are opened.
const maxPart = 1 << 30

// progress counts the windows that were scored. The caller holds the lock.
func (s *Server) progress(r *Run) {
	folder := path.Join(r.Name, "scores")
	parts, err := fs.ReadDir(s.root.FS(), folder)
	if err != nil {
		return // nothing scored yet
	}
	latest(r, parts)
	for _, p := range parts {
		if !partName.MatchString(p.Name()) {
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
// ("joint", docs/format-scores.md); every scored window has one. Only the footer
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
