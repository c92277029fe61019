package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/internal/pagetest"
	"github.com/l2m-lab/l2m/lab/train"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
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
	put("runs/both/compare.json", `{"schema": "l2m.compare/2", "command": "l2m compare a b", "runs": [{"run": "a", "model": "m"}, {"run": "b", "model": "n"}]}`)
	put("runs/deep/er/run.json", `{"format": "l2m.run/2", "kind": "measure", "files": [], "key": {"count": 7, "model_name": "<b>evil</b>"}}`)
	put("runs/broken/results.json", "{")
	var b strings.Builder
	r := &result.Result{Schema: result.Schema, Verb: "measure", Command: "l2m measure books", Corpus: result.Corpus{Paths: []string{"<script>alert(1)</script>"}}}
	if err := result.Write[result.Result](&b, r); err != nil {
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

func start(t testing.TB, answers func(string) bool) *Server {
	t.Helper()
	s, err := New(runs(t), answers)
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
	s := start(t, nil)
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
	// What was made elsewhere must not reach this site's other pages.
	if csp := get(s, "GET", "/run/books/report.html").Header().Get("Content-Security-Policy"); strings.Count(csp, "'sha256-") != 2 || !strings.HasSuffix(csp, "; sandbox allow-scripts") || strings.Contains(csp, "connect-src") {
		t.Errorf("policy of a page with a style and a script: %s", csp)
	}
	for url, w := range map[string]*httptest.ResponseRecorder{"/": get(s, "GET", "/"), "/together": get(s, "GET", "/together?run=books")} {
		if csp := w.Header().Get("Content-Security-Policy"); strings.Count(csp, "form-action") != 1 {
			t.Errorf("policy of %s: %s", url, csp)
		}
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

// The links of the list lead to the files, whatever a run is called.
func TestLinksOfTheList(t *testing.T) {
	dir := t.TempDir()
	const name = `a#b?c%20d e"f`
	if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(runs(t), "both"))); err != nil {
		t.Fatal(err)
	}
	s, err := New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	links := 0
	for _, e := range pagetest.Parse(t, get(s, "GET", "/").Body.String()) {
		href := e.Attrs["href"]
		if e.Name != "a" {
			continue
		}
		links++
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1:1"+href, nil)); w.Code != http.StatusOK {
			t.Errorf("the link %s answers %d", href, w.Code)
		}
	}
	if links == 0 {
		t.Error("no links")
	}
}

func TestNothingElseIsServed(t *testing.T) {
	s := start(t, nil)
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
	s := start(t, Local)
	own, err := os.Hostname()
	if err != nil {
		own = "localhost"
	}
	for host, want := range map[string]bool{
		"127.0.0.1:7676": true, "localhost:1": true, "localhost": true, "[::1]:80": true, "::1": true, "192.168.1.7:80": true, own: true, own + ":80": true,
		"evil.example": false, "evil.example:7676": false, "127.0.0.1.evil.example": false, "localhost.evil.example:80": false, "": false, ":80": false, "[evil]:80": false,
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if got := w.Code == http.StatusOK; got != want || !want && (w.Code != http.StatusMisdirectedRequest || strings.Contains(w.Body.String(), "books")) {
			t.Errorf("host %q: %d %.80q", host, w.Code, w.Body)
		}
	}
}

// tiredCoin is a model of fair coin tosses that fails after some requests.
type tiredCoin struct{ left int }

func (*tiredCoin) Info() lm.Info {
	return lm.Info{Name: "coin", Vocabulary: 2, BOS: lm.NoBOS, Fingerprint: "coin"}
}

func (c *tiredCoin) LogProbs(_ context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	if c.left--; c.left < 0 {
		return lm.Scores{}, errors.New("tired")
	}
	tosses := func(n int) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = -math.Ln2
		}
		return out
	}
	s := lm.Scores{Tokens: tosses(len(r.Tokens))}
	for _, b := range r.Branches {
		s.Branches = append(s.Branches, tosses(len(b.Tokens)))
	}
	return s, nil
}

// Progress is what score itself would say, and is kept up with as parts come.
func TestProgress(t *testing.T) {
	dir := t.TempDir()
	s, err := New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	look := func() Run {
		var list []Run
		if err := json.Unmarshal(get(s, "GET", "/api/runs").Body.Bytes(), &list); err != nil || len(list) != 1 {
			t.Fatalf("%d runs, %v", len(list), err)
		}
		return list[0]
	}
	run := filepath.Join(dir, "under way")
	plan, err := score.NewPlan(32, 2, true, 1)
	if err != nil {
		t.Fatal(err)
	}
	var windows []score.Window[token.ID]
	var partners [][]int
	for i := range 40 {
		w := score.Window[token.ID]{Cluster: i, Tokens: make([]token.ID, 32)}
		for j := range w.Tokens {
			w.Tokens[j] = token.ID((i*7 + j*j) % 2)
		}
		windows, partners = append(windows, w), append(partners, []int{(i + 1) % 40})
	}
	key := score.Key{ModelName: "coin", Model: "coin", BOS: lm.NoBOS, Tokenizer: "bits", Corpus: "tosses", Windows: score.Fingerprint(windows, partners), Count: len(windows), Plan: plan}
	seen := map[int]bool{}
	for range 20 {
		open, err := rundir.Open(run, rundir.Measure, rundir.Options{})
		if err != nil {
			t.Fatal(err)
		}
		store, err := score.Open(open, key)
		if err != nil {
			t.Fatal(err)
		}
		err = score.Run(t.Context(), &tiredCoin{left: 11}, windows, partners, plan, store, score.RunOptions{Workers: 1})
		r := look()
		if r.Done != store.Done() || r.Total != 40 || r.Finished || r.Trouble != "" {
			t.Errorf("the store has %d windows, shown is %+v", store.Done(), r)
		}
		seen[r.Done] = true
		open.Close()
		if err == nil {
			break
		}
	}
	if len(seen) < 3 || !seen[40] {
		t.Errorf("progress was %v", seen)
	}
	// Parts that are damaged, or lead elsewhere, are told, not trusted.
	if err := os.WriteFile(filepath.Join(run, "scores", "part-000099-0000000000000000.parquet"), []byte("PAR1 nonsense PAR1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := look(); r.Trouble == "" || r.Done != 40 {
		t.Errorf("a damaged part: %+v", r)
	}
}

// Runs of other kinds while they work.
func TestUnderWay(t *testing.T) {
	dir := t.TempDir()
	for name, k := range map[string]rundir.Kind{"cal": rundir.Calibrate, "pairs": rundir.TwoPoint, "model": rundir.Lab, "cut": rundir.Lab, "grid": rundir.Study} {
		run, err := rundir.Open(filepath.Join(dir, name), k, rundir.Options{Command: "l2m " + k.Verb})
		if err != nil {
			t.Fatal(err)
		}
		defer run.Close() // would remove the folder, which is empty
		folder := map[string]string{"cal": rundir.Repetitions, "pairs": rundir.Counting, "grid": rundir.Trainings}[name]
		if k.Verb == rundir.Lab.Verb {
			folder = rundir.Checkpoint
		}
		if _, err := run.Folder(folder); err != nil {
			t.Fatal(err)
		}
		defer run.Close() // a run that wrote nothing leaves nothing
	}
	for _, name := range []string{"cal/repetitions/0123456789ab-000000.json", "cal/repetitions/0123456789ab-000010.json", "pairs/counting/corpus.json", "pairs/counting/distance-4.json", "grid/trainings/a-seed1/run.json", "other/counting/sheep.txt"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Steps of training are in a checkpoint, of which one is cut short.
	header := `{"__metadata__":{"recipe":"{\"steps\":30}","steps":"7"},"w":{}}`
	for name, text := range map[string]string{"model": header + "\x00\x01", "cut": header[:20]} {
		if err := os.WriteFile(filepath.Join(dir, name, rundir.Checkpoint, rundir.CheckpointFile), []byte("\x44\x00\x00\x00\x00\x00\x00\x00"+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, err := s.list()
	if err != nil || len(list) != 5 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, r := range list {
		if want := map[string]int{"cal": 2, "pairs": 1, "model": 7, "grid": 1}[r.Name]; r.Done != want || r.Finished || r.Changed.IsZero() {
			t.Errorf("%+v", r)
		}
		if r.Curve != nil {
			t.Errorf("a curve from nowhere: %+v", r)
		}
		if r.Name == "model" && r.Total != 30 || (r.Name == "cut") != (r.Trouble != "") {
			t.Errorf("%+v", r)
		}
	}
}

// The losses of a checkpoint that a training wrote are in the list, whole at first and
// thinned later; a checkpoint with other numbers of steps and losses is no curve.
func TestLossUnderWay(t *testing.T) {
	dir := t.TempDir()
	run, err := rundir.Open(filepath.Join(dir, "model"), rundir.Lab, rundir.Options{Command: "l2m lab train"})
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	folder, err := run.Folder(rundir.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	r := train.Recipes()[slices.IndexFunc(train.Recipes(), func(r train.Recipe) bool { return r.Name == "recall-small" })]
	r.Steps, r.Batch, r.EvaluateOn, r.EvaluateEach, r.StopAt = 130, 1, 1, 0, 0
	data, err := train.OpenData(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = r.Settled(data); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, rundir.CheckpointFile)
	trained, err := train.Train(context.Background(), r, data, train.Options{Checkpoint: path})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, err := s.list()
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	got := list[0]
	if got.Trouble != "" || got.Done != 130 || len(got.Curve) != maxCurve {
		t.Fatalf("%+v", got)
	}
	// 100 stretches of 130 steps: the first has one, the last two.
	last := (float64(trained.Loss[128]) + float64(trained.Loss[129])) / 2
	if got.Curve[0] != float64(trained.Loss[0]) || math.Abs(got.Curve[99]-last) > 1e-6 {
		t.Errorf("from %g to %g, the training says %g and %g", got.Curve[0], got.Curve[99], trained.Loss[0], last)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"other steps": bytes.Replace(file, []byte(`"steps":"130"`), []byte(`"steps":"131"`), 1),
		"cut short":   file[:len(file)/2],
		"no header":   file[:5],
	} {
		if bytes.Equal(damaged, file) {
			t.Fatal(name, "is not damaged")
		}
		if err := os.WriteFile(path, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		if list, err := s.list(); err != nil || len(list) != 1 || list[0].Trouble == "" || list[0].Curve != nil {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
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
	s := start(f, nil)
	f.Fuzz(func(t *testing.T, url string) {
		if w := get(s, "GET", url); strings.Contains(w.Body.String(), secret) {
			t.Errorf("%q: %d %.80q", url, w.Code, w.Body)
		}
	})
}
