package serve

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	_ "embed"

	"github.com/l2m-lab/l2m/report"
)

// Server serves the runs below a folder. It is an http.Handler.
type Server struct {
	dir  string
	root *os.Root
	// Hosts are the values of the Host header that are answered; nil: all. A page of
	// another site that has its name resolved to this machine is not among them.
	hosts map[string]bool

	mu   sync.Mutex
	seen map[string]polled
}

// New opens the folder. hosts are the HOST:PORT pairs under which the server may
// be asked; none means any.
func New(dir string, hosts ...string) (*Server, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("serving runs: %w", err)
	}
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	s := &Server{dir: dir, root: root, seen: map[string]polled{}}
	if len(hosts) > 0 {
		s.hosts = map[string]bool{}
		for _, h := range hosts {
			s.hosts[h] = true
		}
	}
	return s, nil
}

// Close closes the folder.
func (s *Server) Close() error { return s.root.Close() }

// path is where a run lies for other programs.
func (s *Server) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

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

// strict allows nothing but what is added.
const strict = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:"

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", strict)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this page only reads", http.StatusMethodNotAllowed)
	case s.hosts != nil && !s.hosts[r.Host]:
		http.Error(w, "ask for this page by the address that l2m serve printed", http.StatusMisdirectedRequest)
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

// files are those of a run that are served, with their content types.
var files = []struct {
	name *regexp.Regexp
	kind string
}{
	{regexp.MustCompile(`^report\.html$`), "text/html; charset=utf-8"},
	{regexp.MustCompile(`^(results|compare|run|counts)\.json$`), "application/json"},
	{regexp.MustCompile(`^(estimates|compare)\.csv$`), "text/csv; charset=utf-8"},
	{regexp.MustCompile(`^figures/[a-z0-9-]+\.svg$`), "image/svg+xml"},
	{regexp.MustCompile(`^figures/[a-z0-9-]+\.png$`), "image/png"},
	{regexp.MustCompile(`^figures/[a-z0-9-]+\.pdf$`), "application/pdf"},
}

// file serves one file of a run.
func (s *Server) file(w http.ResponseWriter, r *http.Request, rest string) {
	if rest != path.Clean(rest) || !fs.ValidPath(rest) {
		http.NotFound(w, r)
		return
	}
	run, name := path.Split(rest)
	run = strings.TrimSuffix(run, "/")
	if path.Base(run) == "figures" {
		run, name = path.Dir(run), "figures/"+name
	}
	if run == "" {
		run = "."
	}
	if _, ok := s.run(run); !ok {
		http.NotFound(w, r)
		return
	}
	for _, f := range files {
		if !f.name.MatchString(name) {
			continue
		}
		content, err := s.read(path.Join(run, name))
		if err != nil {
			break
		}
		w.Header().Set("Content-Type", f.kind)
		if strings.HasPrefix(f.kind, "text/html") {
			w.Header().Set("Content-Security-Policy", policy(content))
		}
		if f.kind == "image/svg+xml" {
			w.Header().Set("Content-Security-Policy", strict+"; style-src 'unsafe-inline'")
		}
		if r.Method == http.MethodGet {
			w.Write(content)
		}
		return
	}
	http.NotFound(w, r)
}

// maxFile bounds what is served in one piece.
const maxFile = 256 << 20

func (s *Server) read(name string) ([]byte, error) {
	f, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxFile {
		return nil, errors.New("not a file to serve")
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

var (
	styles  = regexp.MustCompile(`(?s)<style[^>]*>(.*?)</style>`)
	scripts = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

// policy allows the style and the script that a page of ours carries, as they
// are: nothing that somebody's text might smuggle in later.
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
	return strict + "; style-src " + hashes(styles) + "; script-src " + hashes(scripts) + "; connect-src 'self'"
}

//go:embed index.html
var indexSource string

var indexPage = template.Must(template.New("index").Parse(indexSource))

func (s *Server) index(w http.ResponseWriter) {
	runs, err := s.list()
	if err != nil {
		http.Error(w, "the folder of runs cannot be read: "+err.Error(), http.StatusInternalServerError)
		return
	}
	var page bytes.Buffer
	if err := indexPage.Execute(&page, struct {
		Dir  string
		Runs []Run
	}{s.dir, runs}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	html(w, page.Bytes())
}

func html(w http.ResponseWriter, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy(page))
	w.Write(page)
}

func (s *Server) api(w http.ResponseWriter) {
	runs, err := s.list()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if runs == nil {
		runs = []Run{}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(runs)
}

// together shows chosen runs in one figure.
func (s *Server) together(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["run"]
	if len(names) == 0 || len(names) > 12 {
		http.Error(w, "choose from one to twelve runs", http.StatusBadRequest)
		return
	}
	var results []*report.Result
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
	html(w, out.Bytes())
}
