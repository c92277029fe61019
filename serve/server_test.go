package serve

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/report"
)

const secret = "nobody may read this"

// runs makes a folder with a finished run, a comparison, an unfinished run and
// things that are not to be seen, some of them linked to from inside.
func runs(t testing.TB) string {
	t.Helper()
	top := t.TempDir()
	dir := filepath.Join(top, "runs")
	put := func(name, text string) {
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("secret.json", secret)
	put("outside/report.html", secret)
	put("runs/notes.txt", secret)
	put("runs/books/notes.txt", secret)
	put("runs/books/scores/part", secret)
	put("runs/books/report.html", "<style>b{color:red}</style><b>page</b><script>let a = 1</script>")
	put("runs/books/estimates.csv", "a,b\n1,2\n")
	put("runs/books/figures/law.svg", "<svg/>")
	put("runs/both/compare.json", `{"command": "l2m compare a b"}`)
	put("runs/deep/er/run.json", `{"key": {"count": 7, "model_name": "<b>evil</b>"}}`)
	put("runs/broken/results.json", "{")
	var b strings.Builder
	r := &report.Result{Schema: report.Schema, Verb: "measure", Command: "l2m measure books", Corpus: report.Corpus{Paths: []string{"<script>alert(1)</script>"}}}
	if err := report.WriteResult(&b, r); err != nil {
		t.Fatal(err)
	}
	put("runs/books/results.json", b.String())
	for link, to := range map[string]string{"runs/books/figures/out.svg": "../../../secret.json", "runs/link": "../outside", "runs/books/run.json": "../../secret.json"} {
		if err := os.Symlink(to, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func start(t testing.TB, hosts ...string) *Server {
	t.Helper()
	s, err := New(runs(t), hosts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func get(s *Server, method, url string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "http://127.0.0.1:1/", nil)
	path, query, _ := strings.Cut(url, "?")
	r.URL.Path, r.URL.RawQuery = path, query
	s.ServeHTTP(w, r)
	return w
}

func TestFilesOfRuns(t *testing.T) {
	s := start(t)
	for url, want := range map[string]struct {
		kind, has string
	}{
		"/":                           {"text/html; charset=utf-8", "books"},
		"/run/books/report.html":      {"text/html; charset=utf-8", "<b>page</b>"},
		"/run/books/results.json":     {"application/json", `"l2m.results/1"`},
		"/run/books/estimates.csv":    {"text/csv; charset=utf-8", "1,2"},
		"/run/books/figures/law.svg":  {"image/svg+xml", "<svg/>"},
		"/run/both/compare.json":      {"application/json", "l2m compare"},
		"/run/deep/er/run.json":       {"application/json", "evil"},
		"/api/runs":                   {"application/json", `"total":7`},
		"/together?run=books":         {"text/html; charset=utf-8", "Runs side by side"},
		"/together?run=books&run=api": {"text/plain; charset=utf-8", "not there"},
	} {
		w := get(s, "GET", url)
		if got := w.Header().Get("Content-Type"); got != want.kind || !strings.Contains(w.Body.String(), want.has) {
			t.Errorf("%s: %d, type %q, %.80q", url, w.Code, got, w.Body)
		}
		h := w.Header()
		if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "script-src 'unsafe") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", url, h)
		}
	}
	page := get(s, "GET", "/").Body.String()
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "<b>evil") {
		t.Error("text of a run is taken for markup")
	}
	if csp := get(s, "GET", "/run/books/report.html").Header().Get("Content-Security-Policy"); strings.Count(csp, "'sha256-") != 2 {
		t.Errorf("policy of a page with a style and a script: %s", csp)
	}
	var list []Run
	if err := json.Unmarshal(get(s, "GET", "/api/runs").Body.Bytes(), &list); err != nil || len(list) != 4 {
		t.Errorf("%d runs, %v", len(list), err)
	}
	for _, r := range list {
		if (r.Trouble != "") != (r.Name == "broken") {
			t.Errorf("%s: trouble %q", r.Name, r.Trouble)
		}
	}
}

// escapes are ways out that must not be.
var escapes = []string{
	"/run/../secret.json", "/run/books/../../secret.json", "/run/books/%2e%2e/x", "/run//etc/passwd", "/run/books/figures/../../../secret.json",
	"/run/books/figures/out.svg", "/run/books/run.json", "/run/link/report.html", "/run/books/notes.txt", "/run/notes.txt", "/run/books/scores/part",
	"/run/books/", "/run/", "/run/books/report.html/", "/run/./books/report.html", "/run/books\x00/report.html", `/run/..\secret.json`, "/secret.json",
	"/together?run=../outside", "/together?run=/etc", "/together?run=link", "/together",
}

func TestNothingElseIsServed(t *testing.T) {
	s := start(t)
	for _, url := range escapes {
		if w := get(s, "GET", url); w.Code < 400 || strings.Contains(w.Body.String(), secret) {
			t.Errorf("%q: %d %.80q", url, w.Code, w.Body)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if w := get(s, method, "/"); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	if w := get(s, "HEAD", "/run/books/estimates.csv"); w.Code != 200 || w.Body.Len() > 0 {
		t.Errorf("HEAD: %d, %d bytes", w.Code, w.Body.Len())
	}
}

// A page elsewhere that has its own name point to this machine gets nothing.
func TestForeignHostsAreRefused(t *testing.T) {
	s := start(t, "127.0.0.1:1", "localhost:1")
	if w := get(s, "GET", "/"); w.Code != 200 {
		t.Errorf("own address: %d", w.Code)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "http://evil.example/", nil))
	if w.Code != http.StatusMisdirectedRequest || strings.Contains(w.Body.String(), "books") {
		t.Errorf("foreign host: %d %.80q", w.Code, w.Body)
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1:80": true, "localhost:0": true, "[::1]:80": true, "0.0.0.0:80": false, ":80": false, "10.0.0.1:80": false, "example.org:80": false, "x": false} {
		if Loopback(address) != want {
			t.Errorf("Loopback(%q) is %t", address, !want)
		}
	}
}

// FuzzPaths: no request gets a byte from outside the runs.
func FuzzPaths(f *testing.F) {
	for _, url := range escapes {
		f.Add(url)
	}
	s := start(f)
	f.Fuzz(func(t *testing.T, url string) {
		if w := get(s, "GET", url); strings.Contains(w.Body.String(), secret) {
			t.Errorf("%q: %d %.80q", url, w.Code, w.Body)
		}
	})
}
