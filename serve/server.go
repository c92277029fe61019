package serve

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// Server serves the runs below a folder. It is an http.Handler.
type Server struct {
	dir     string
	root    *os.Root
	answers func(host string) bool

	mu    sync.Mutex
	known map[string]known // by document
	parts map[string]part  // by file
}

// New opens the folder. answers says which values of the Host header are answered
// (see Local); nil answers all, which lets any page that the user's browser shows
// read the runs, by having its own name resolved to this machine.
func New(dir string, answers func(host string) bool) (*Server, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("serving runs: %w", err)
	}
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	if answers == nil {
		answers = func(string) bool { return true }
	}
	return &Server{dir: dir, root: root, answers: answers, known: map[string]known{}, parts: map[string]part{}}, nil
}

// Close closes the folder.
func (s *Server) Close() error { return s.root.Close() }

// Loopback reports whether a listening address can be reached from this machine
// only.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Local answers requests that name this machine by a number, by its own name or
// as localhost. Another name can only be that of somebody else's site.
func Local(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]") // no port
	}
	if net.ParseIP(name) != nil || strings.EqualFold(name, "localhost") {
		return true
	}
	own, err := os.Hostname()
	return err == nil && own != "" && (strings.EqualFold(name, own) || strings.EqualFold(name, own+".local"))
}

// strict allows nothing but what is added.
const strict = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src data:"

// ServeHTTP answers GET and HEAD:
//
//	/                    the list of runs
//	/api/runs            the same as JSON, a list of Run
//	/run/NAME/FILE       a file of a run
//	/together?run=NAME…  the curves of chosen runs in one figure
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", strict)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are allowed here", http.StatusMethodNotAllowed)
	case !s.answers(r.Host):
		http.Error(w, "open this page at the address that l2m serve printed", http.StatusMisdirectedRequest)
	case r.URL.Path == "/":
		s.index(w)
	case r.URL.Path == "/api/runs":
		s.api(w)
	case r.URL.Path == "/together":
		s.together(w, r)
	case strings.HasPrefix(r.URL.Path, "/run/"):
		s.file(w, r, strings.TrimPrefix(r.URL.Path, "/run/"))
	default:
		http.NotFound(w, r)
	}
}

//go:embed index.html
var indexSource string

var indexPage = template.Must(template.New("index").Funcs(template.FuncMap{
	"date": func(t time.Time) string { return t.Format("2006-01-02 15:04") },
	// html/template keeps # and ? in a path, since they may be meant.
	"exponent": report.ExponentText,
	"count":    prose.Count[int],
	"digits":   func(v float64) string { return prose.Significant(v, 4) },
	"escape":   func(name string) string { return (&url.URL{Path: name}).EscapedPath() },
}).Parse(indexSource))

func (s *Server) index(w http.ResponseWriter) {
	runs, err := s.list()
	if err != nil {
		http.Error(w, "the folder of runs cannot be read: "+err.Error(), http.StatusInternalServerError)
		return
	}
	choices := 0
	for _, r := range runs {
		if r.Overlay {
			choices++
		}
	}
	var page bytes.Buffer
	if err := indexPage.Execute(&page, struct {
		Dir    string
		Runs   []Run
		Choose bool
	}{s.dir, runs, choices > 1}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	html(w, page.Bytes(), "; form-action 'self'; connect-src 'self'")
}

// html writes a page that this program made just now.
func html(w http.ResponseWriter, page []byte, more string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", strings.Replace(policy(page), "; form-action 'none'", "", 1)+more)
	w.Write(page) // the reader has gone away, or not
}

func (s *Server) api(w http.ResponseWriter) {
	runs, err := s.list()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(runs) // the reader has gone away, or not
}

// maxTogether is how many runs a figure can tell apart.
const maxTogether = 12

// together shows chosen runs in one figure.
func (s *Server) together(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["run"]
	if len(names) == 0 || len(names) > maxTogether {
		http.Error(w, fmt.Sprintf("choose one to %d runs, with the boxes before their names", maxTogether), http.StatusBadRequest)
		return
	}
	var results []*result.Result
	for _, name := range names {
		if !fs.ValidPath(name) {
			http.NotFound(w, r)
			return
		}
		result, err := s.result(name)
		if err != nil {
			http.Error(w, "one of the runs is not there, or not finished", http.StatusNotFound)
			return
		}
		results = append(results, result)
	}
	page, err := report.Overlay(names, results)
	var out bytes.Buffer
	if err == nil {
		err = page.HTML(&out)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	html(w, out.Bytes(), "; form-action 'none'")
}
