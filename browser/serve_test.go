package browser

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// serve copies a few runs, puts one under way beside them, and has l2m serve show
// the folder until the test ends. It returns the folder and the address.
func serve(t *testing.T) (dir, url string) {
	t.Helper()
	from := folder(t)
	dir = t.TempDir()
	for _, kind := range []string{"measure", "process", "twopoint", "compare"} {
		if err := os.CopyFS(filepath.Join(dir, kind), os.DirFS(filepath.Join(from, kind))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "pairs"), 0o755); err != nil {
		t.Fatal(err)
	}
	under, err := os.ReadFile(filepath.Join(from, "twopoint", "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pairs", "run.json"), under, 0o644); err != nil {
		t.Fatal(err)
	}
	counted(t, dir, 1)
	program, err := l2m()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", dir, "--address", "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // it was killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("l2m serve says nothing: ", err)
	}
	url, _, _ = strings.Cut(strings.TrimSpace(line), " ")
	return dir, url
}

// counted adds a counted distance to the run under way.
func counted(t *testing.T, dir string, distance int) {
	t.Helper()
	name := filepath.Join(dir, "pairs", "counting", fmt.Sprintf("distance-%d.json", distance))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until an expression is true. A page that is about to be replaced
// may not answer.
func (w *window) eventually(what, expression string) {
	w.t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var yes bool
		if yes, err = chromedp.Run(w.ctx, chromedp.Evaluate[bool](expression)); yes {
			return
		}
	}
	w.t.Fatalf("after twenty seconds still not: %s (%v)", what, err)
}

// The list of runs fits any window, is readable in light and dark, keeps up with a
// run under way, and shows a run that has come.
func TestServeList(t *testing.T) {
	dir, url := serve(t)
	w := open(t)
	for _, scheme := range []string{"light", "dark"} {
		w.media("", scheme)
		for _, width := range []int64{400, 1600} {
			where := fmt.Sprintf("%s, %d wide", scheme, width)
			w.goTo(url, width, 900)
			w.none("overflow", where)
			w.none("contrast", where)
			w.shot(fmt.Sprintf("serve-%s-%d", scheme, width))
		}
	}
	w.eventually("one distance counted", `document.querySelector(".count").textContent.startsWith("1 distance")`)
	counted(t, dir, 2)
	w.eventually("two distances counted", `document.querySelector(".count").textContent.startsWith("2 distances")`)
	before := ask[int](w, `document.querySelectorAll("#runs > li").length`)
	if err := os.CopyFS(filepath.Join(dir, "another"), os.DirFS(filepath.Join(dir, "measure"))); err != nil {
		t.Fatal(err)
	}
	w.eventually("the new run in the list", fmt.Sprintf(`document.querySelectorAll("#runs > li").length === %d`, before+1))
	w.quiet("the list", url, url+"api/runs")
}

// The list is sorted by numbers and filtered by words.
func TestServeSortAndFilter(t *testing.T) {
	dir, url := serve(t)
	program, err := l2m()
	if err != nil {
		t.Fatal(err)
	}
	// A second run with an exponent: the law of texts is withdrawn and does not fit.
	cmd := exec.Command(program, "measure", "--process", "powergauss:beta=0.5", "--length", "64", "--windows", "60", "--draws", "49", "--figures", "svg", "-q", "--out", filepath.Join(dir, "gentle"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w := open(t)
	w.goTo(url, 400, 900)
	names := func() string {
		t.Helper()
		return ask[string](w, `[...document.querySelectorAll("#runs > li")].filter(look.visible).map((li) => li.dataset.run).join()`)
	}
	choose := func(element, value, event string) {
		t.Helper()
		ask[bool](w, fmt.Sprintf(`(() => { const e = document.getElementById(%q); e.value = %q; return e.dispatchEvent(new Event(%q)); })()`, element, value, event))
	}
	latest := names()
	choose("order", "beta", "change")
	betas := ask[[]float64](w, `[...document.querySelectorAll("#runs > li")].map((li) => Number(li.dataset.beta))`)
	if len(betas) < 4 || betas[0] < betas[1] || betas[1] == 0 || betas[len(betas)-1] != 0 {
		t.Errorf("sorted by β: %v", betas)
	}
	choose("order", "name", "change")
	if got := names(); got != "compare,gentle,measure,pairs,process,twopoint" {
		t.Errorf("sorted by name: %s", got)
	}
	choose("order", "", "change")
	if got := names(); got != latest {
		t.Errorf("sorted by age: %s, at first %s", got, latest)
	}
	choose("filter", "beta=0.76", "input")
	if got := names(); got != "process" {
		t.Errorf("filtered: %s", got)
	}
	w.none("overflow", "filtered")
	w.quiet("sort and filter", url, url+"api/runs")
}

// A report that the server shows works as one from a file: its script runs under
// the server's policy.
func TestServedReport(t *testing.T) {
	_, url := serve(t)
	w := open(t)
	w.goTo(url, 1280, 900)
	w.click(`a[href="/run/measure/report.html"]`)
	w.eventually("the report", `document.readyState === "complete" && document.querySelector("figure#law") !== null`)
	p := ask[point](w, `look.point("law", 1)`)
	w.hover(p.X, p.Y)
	if tip := w.tip(); tip.Hidden || !strings.Contains(tip.Text, p.Value) {
		t.Errorf("pointing at %s shows %+v", p.Value, tip)
	}
	w.click(`label[for="unit-bits"]`)
	if lead := get(w, chromedp.Text(chromedp.CSS(".lead"))); strings.Contains(lead, "nats") {
		t.Errorf("after the switch to bits: %s", lead)
	}
	w.quiet("the report", url, url+"api/runs", url+"run/measure/report.html")
}

// Chosen runs are laid over each other.
func TestServeTogether(t *testing.T) {
	_, url := serve(t)
	w := open(t)
	w.goTo(url, 1280, 900)
	if !ask[bool](w, `document.getElementById("together").disabled`) {
		t.Error("the button can be pressed before a run is chosen")
	}
	w.click(`input[value="measure"]`)
	w.click(`input[value="process"]`)
	if said := get(w, chromedp.Text(chromedp.CSS("#chosen"))); said != "2 chosen" {
		t.Errorf("the page says %q", said)
	}
	w.click("#together")
	w.eventually("the page of both", `document.readyState === "complete" && document.querySelector("#overlay") !== null`)
	w.quiet("together", url, url+"api/runs", url+"together*")
	both := ask[string](w, "location.href")
	for _, scheme := range []string{"light", "dark"} {
		w.media("", scheme)
		for _, width := range []int64{400, 1600} {
			where := fmt.Sprintf("together, %s, %d wide", scheme, width)
			w.goTo(both, width, 900)
			w.none("overflow", where)
			w.none("collisions", where)
			w.none("hidden", where)
			w.none("contrast", where)
			w.shot(fmt.Sprintf("together-%s-%d", scheme, width))
			p := ask[point](w, `look.point("overlay", 0)`)
			w.hover(p.X, p.Y)
			if tip := w.tip(); tip.Hidden || !tip.Inside || !strings.Contains(tip.Text, p.Value) {
				t.Errorf("%s: pointing at %s shows %+v", where, p.Value, tip)
			}
		}
	}
	w.quiet("together", both)
}
