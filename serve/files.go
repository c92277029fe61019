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
)

// served are the files of a run that can be asked for, with their content types.
var served = []struct {
	name *regexp.Regexp
	kind string
}{
	{regexp.MustCompile(`^report\.html$`), "text/html; charset=utf-8"},
	{regexp.MustCompile(`^(results|compare|audit|calibration|run|counts)\.json$`), "application/json"},
	{regexp.MustCompile(`^(estimates|compare|audit)\.csv$`), "text/csv; charset=utf-8"},
	{regexp.MustCompile(`^figures/[A-Za-z0-9-]+\.svg$`), "image/svg+xml"},
	{regexp.MustCompile(`^figures/[A-Za-z0-9-]+\.png$`), "image/png"},
	{regexp.MustCompile(`^figures/[A-Za-z0-9-]+\.pdf$`), "application/pdf"},
	{regexp.MustCompile(`^figures/[A-Za-z0-9-]+\.pgf$`), "text/plain; charset=utf-8"},
}

// kindOf is the content type of a file of a run; empty when it is none.
func kindOf(name string) string {
	for _, f := range served {
		if f.name.MatchString(name) {
			return f.kind
		}
	}
	return ""
}

// files lists the files of a run that can be asked for, the report first.
func (s *Server) files(run string) []string {
	list := []string{}
	for _, folder := range []string{".", "figures"} {
		entries, err := fs.ReadDir(s.root.FS(), path.Join(run, folder))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if name := path.Join(folder, e.Name()); e.Type().IsRegular() && kindOf(name) != "" {
				list = append(list, name)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b string) int {
		rank := func(name string) int {
			if name == "report.html" {
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
	if path.Base(run) == "figures" {
		run, name = path.Dir(run), "figures/"+name
	}
	kind := kindOf(name)
	if kind == "" || !fs.ValidPath(rest) || !fs.ValidPath(run) {
		http.NotFound(w, r)
		return
	}
	if _, err := s.look(run); errors.Is(err, fs.ErrNotExist) {
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
