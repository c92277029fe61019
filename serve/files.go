package serve

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/l2m-lab/l2m/rundir"
)

// contentTypes are those of files that can be asked for, by their extensions.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".json": "application/json", ".csv": "text/csv; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".pdf": "application/pdf",
}

// contentType is that of a file of a run; empty when a run of that kind has no such
// file. Where the kind is not known, files of all kinds count.
func contentType(run rundir.Kind, name string) string {
	kinds := []rundir.Kind{run}
	if run.Verb == "" {
		kinds = rundir.Kinds()
	}
	if name != rundir.RunFile && !slices.ContainsFunc(kinds, func(k rundir.Kind) bool { return k.Holds(name) }) {
		return ""
	}
	return contentTypes[path.Ext(name)]
}

// files lists the files of a run that can be asked for, the report first.
func (s *Server) files(run string, kind rundir.Kind) []string {
	list := []string{}
	for _, folder := range []string{".", rundir.Figures} {
		entries, err := fs.ReadDir(s.root.FS(), path.Join(run, folder))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if name := path.Join(folder, e.Name()); e.Type().IsRegular() && contentType(kind, name) != "" {
				list = append(list, name)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b string) int {
		rank := func(name string) int {
			if name == rundir.Report {
				return 0
			}
			return 1 + strings.Count(name, "/")
		}
		return rank(a) - rank(b)
	})
	return list
}

// file serves one file of a run.
func (s *Server) file(w http.ResponseWriter, r *http.Request, rest string) {
	run, name := path.Split(rest)
	run = path.Clean(run)
	if path.Base(run) == rundir.Figures {
		run, name = path.Dir(run), rundir.Figures+"/"+name
	}
	if !fs.ValidPath(rest) || !fs.ValidPath(run) {
		http.NotFound(w, r)
		return
	}
	i, err := s.look(run)
	kind := contentType(i.Run, name)
	if kind == "" || errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, r)
		return
	}
	f, err := s.root.Open(path.Join(run, name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	switch {
	case strings.HasPrefix(kind, "text/html"):
		page, err := io.ReadAll(io.LimitReader(f, maxShown))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		// It may come from anywhere: it runs, but apart from this site.
		h.Set("Content-Security-Policy", policy(page)+"; sandbox allow-scripts")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(page))
	case kind == "image/svg+xml":
		h.Set("Content-Security-Policy", strict+"; style-src 'unsafe-inline'; sandbox")
		http.ServeContent(w, r, "", time.Time{}, f)
	case kind == "application/pdf":
		// A sandbox would keep the browser's own viewer out.
		h.Set("Content-Security-Policy", strings.Replace(strict, "default-src 'none'", "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'", 1))
		http.ServeContent(w, r, "", time.Time{}, f)
	default:
		http.ServeContent(w, r, "", time.Time{}, f)
	}
}

var (
	styles  = regexp.MustCompile(`(?s)<style[^>]*>(.*?)</style>`)
	scripts = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

// policy allows the style and the script that a page carries, by their hashes,
// and nothing else.
func policy(page []byte) string {
	hashes := func(in *regexp.Regexp) string {
		var list []string
		for _, m := range in.FindAllSubmatch(page, -1) {
			sum := sha256.Sum256(m[1])
			list = append(list, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		}
		if list == nil {
			return "'none'"
		}
		return strings.Join(list, " ")
	}
	return strict + "; style-src " + hashes(styles) + "; script-src " + hashes(scripts)
}
