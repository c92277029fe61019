package browser

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	_ "embed"
)

// scratch is removed when all tests are done.
var scratch string

// chromium is the browser that the tests run in.
var chromium string

func TestMain(m *testing.M) {
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell", "chrome-headless-shell"}
	if own := os.Getenv("L2M_CHROMIUM"); own != "" {
		names = []string{own}
	}
	if chromium = find(names); chromium == "" {
		fmt.Printf("skipped: no browser on this machine (looked for %s; name one in L2M_CHROMIUM)\n", strings.Join(names, ", "))
		return
	}
	dir, err := os.MkdirTemp("", "l2m-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	code := m.Run()
	if stopBrowser != nil {
		stopBrowser()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// find returns the first browser that starts: some systems have a program of that
// name that only says how to install one.
func find(names []string) string {
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err == nil && exec.Command(path, "--version").Run() == nil {
			return path
		}
	}
	return ""
}

// l2m builds the command once.
var l2m = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "l2m")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/l2m")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building l2m: %w\n%s", err, out)
	}
	return path, nil
})

// kinds are the runs in the order in which they are looked at.
var kinds = []string{"measure", "process", "twopoint", "audit", "memory", "policy", "calibrate", "damage", "compare"}

// runs makes a run of every kind, once, and returns their folder.
var runs = sync.OnceValues(func() (string, error) {
	program, err := l2m()
	if err != nil {
		return "", err
	}
	texts, configs, dir := filepath.Join(scratch, "texts"), filepath.Join(scratch, "configs"), filepath.Join(scratch, "runs")
	if err := writeTexts(texts); err != nil {
		return "", err
	}
	for name, config := range map[string]string{
		"dense":     `{"model_type":"llama","num_hidden_layers":4,"num_attention_heads":8,"hidden_size":512,"max_position_embeddings":8192}`,
		"windowed":  `{"model_type":"mistral","num_hidden_layers":4,"num_attention_heads":8,"hidden_size":512,"sliding_window":512}`,
		"recurrent": `{"model_type":"mamba","num_hidden_layers":24,"hidden_size":768,"expand":2,"state_size":16,"conv_kernel":4}`,
	} {
		if err := os.MkdirAll(filepath.Join(configs, name), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(configs, name, "config.json"), []byte(config), 0o644); err != nil {
			return "", err
		}
	}
	measure := []string{"measure", texts, "--length", "256", "--windows", "100", "--draws", "99", "--cross", "2", "--figures", "svg", "-q"}
	for _, args := range [][]string{
		append(measure, "--config", configs, "--bytes-per-token", "4.4", "--out", "measure"),
		append(measure, "--context", "32", "--out", "cut"),
		{"measure", "--process", "powergauss:beta=0.76", "--length", "256", "--windows", "200", "--draws", "99", "--figures", "svg", "-q", "--out", "process"},
		{"twopoint", "--tokens", "words", texts, "--figures", "svg", "-q", "--out", "twopoint"},
		{"audit", configs, "--length", "1e6", "--figures", "svg", "--out", "audit"},
		{"audit", configs, "--memory", "1G", "--batch", "8", "--length", "128k", "--figures", "svg", "--out", "memory"},
		{"audit", filepath.Join(configs, "dense", "config.json"), "--cache", "full", "--cache", "window:4096", "--length", "128k", "--figures", "svg", "--out", "policy"},
		{"calibrate", "powergauss", "hierarchical", "iid", "--length", "128", "--windows", "40", "--repetitions", "10", "--draws", "49", "-q", "--out", "calibrate"},
		{"calibrate", "powergauss", "--damage", "none", "--damage", "order=4", "--damage", "order=16", "--damage", "temperature=1.5", "--length", "128", "--windows", "40", "--repetitions", "5", "--draws", "49", "-q", "--out", "damage"},
		{"compare", "measure", "cut", "--config", filepath.Join(configs, "recurrent", "config.json"), "--config", "", "--figures", "svg", "--out", "compare"},
	} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		cmd := exec.Command(program, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("l2m %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return dir, nil
})

// writeTexts makes documents of words that come back: each has its own few
// favourites among common words.
func writeTexts(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	word := func(n int) string {
		var b strings.Builder
		for range 1 + n%4 {
			b.WriteByte("bdfgklmnprstvz"[n*7%14])
			b.WriteByte("aeiou"[n*3%5])
			n = n*31%9973 + 1
		}
		return b.String()
	}
	for i := range 80 {
		favourites := make([]int, 12)
		for j := range favourites {
			favourites[j] = r.IntN(3000)
		}
		var b strings.Builder
		for b.Len() < 4000 {
			n := int(40 * r.ExpFloat64())
			if r.IntN(3) == 0 {
				n = favourites[r.IntN(len(favourites))]
			}
			b.WriteString(word(n))
			b.WriteByte(" .\n"[max(0, r.IntN(14)-11)])
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.txt", i)), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// folder is where the runs are.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := runs()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var (
	startBrowser sync.Once
	browser      context.Context
	stopBrowser  context.CancelFunc
)

// window is a tab of the browser and everything it complained about or asked for.
type window struct {
	ctx context.Context
	t   *testing.T

	mu         sync.Mutex
	complaints []string
	requests   []string
}

// open starts a tab.
func open(t *testing.T) *window {
	t.Helper()
	startBrowser.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox,
			chromedp.UserDataDir(filepath.Join(scratch, "profile")), chromedp.WSURLReadTimeout(time.Minute))
		allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, stopTab := chromedp.NewContext(allocator)
		if err := chromedp.Do(ctx); err == nil {
			browser = ctx
		} else {
			fmt.Fprintln(os.Stderr, chromium, "does not start:", err)
		}
		stopBrowser = func() { stopTab(); stop() }
	})
	if browser == nil {
		t.Fatalf("%s does not start", chromium)
	}
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	w := &window{ctx: ctx, t: t}
	err := chromedp.Listen(ctx, func(event any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			w.complaints = append(w.complaints, e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			w.complaints = append(w.complaints, fmt.Sprintf("console.%s: %v", e.Type, e.Args))
		case *log.EventEntryAdded:
			w.complaints = append(w.complaints, fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "data:") {
				w.requests = append(w.requests, e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancelTime := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancelTime)
	w.ctx = ctx
	call(w, network.Enable, network.EnableParams{})
	call(w, log.Enable, cdp.Empty{})
	return w
}

// call sends a command of the protocol.
func call[P, R any](w *window, command cdp.Command[P, R], params P) {
	w.t.Helper()
	if _, err := chromedp.Call(w.ctx, command, params); err != nil {
		w.fail(err)
	}
}

func (w *window) fail(err error) {
	w.t.Helper()
	if errors.Is(err, context.DeadlineExceeded) {
		w.t.Fatal("the browser does not answer")
	}
	w.t.Fatal(err)
}

//go:embed testdata/look.js
var lookSource string

// do runs actions.
func (w *window) do(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	if err := chromedp.Do(w.ctx, actions...); err != nil {
		w.fail(err)
	}
}

// get runs an action and returns its value.
func get[T any](w *window, action chromedp.Action[T]) T {
	w.t.Helper()
	v, err := chromedp.Run(w.ctx, action)
	if err != nil {
		w.fail(err)
	}
	return v
}

// goTo loads a page at a size of the window.
func (w *window) goTo(url string, width, height int64) {
	w.t.Helper()
	w.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(url))
}

// media has the page think it is shown on a medium ("" or "print") to a reader who
// likes light or dark.
func (w *window) media(medium, scheme string) {
	w.t.Helper()
	call(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// ask evaluates an expression that may use look.
func ask[T any](w *window, expression string) T {
	w.t.Helper()
	return get(w, chromedp.Evaluate[T]("(async () => {"+lookSource+"\nreturn ("+expression+");})()", chromedp.EvalAwaitPromise))
}

// click clicks on the first element of a selector that can be seen.
func (w *window) click(selector string) {
	w.t.Helper()
	at := ask[*struct{ X, Y float64 }](w, fmt.Sprintf("look.target(%q)", selector))
	if at == nil {
		w.t.Fatalf("nothing to click on at %s", selector)
	}
	w.do(chromedp.MouseClickXY(at.X, at.Y))
}

// none fails for every complaint of a function of look.
func (w *window) none(what, where string) {
	w.t.Helper()
	for i, c := range ask[[]string](w, "look."+what+"()") {
		if i == 6 {
			w.t.Errorf("%s: %s: and more", where, what)
			break
		}
		w.t.Errorf("%s: %s: %s", where, what, c)
	}
}

// quiet fails when the page complained or asked for anything but the given
// addresses.
func (w *window) quiet(where string, allowed ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.complaints {
		w.t.Errorf("%s: the browser complains: %s", where, c)
	}
	for _, r := range w.requests {
		ok := false
		for _, a := range allowed {
			ok = ok || r == a || strings.HasSuffix(a, "*") && strings.HasPrefix(r, strings.TrimSuffix(a, "*"))
		}
		if !ok {
			w.t.Errorf("%s: a request to %s", where, r)
		}
	}
	w.complaints, w.requests = nil, nil
}

// shot keeps a picture of the whole page where L2M_SCREENSHOTS asks for it.
func (w *window) shot(name string) {
	w.t.Helper()
	if os.Getenv("L2M_SCREENSHOTS") != "" {
		w.keep(name+".png", get(w, chromedp.FullScreenshot(100)))
	}
}

// glance keeps a picture of what the window shows, without moving the page.
func (w *window) glance(name string) {
	w.t.Helper()
	if os.Getenv("L2M_SCREENSHOTS") != "" {
		w.keep(name+".png", get(w, chromedp.CaptureScreenshot()))
	}
}

// keep writes a file to the folder of screenshots, if there is one.
func (w *window) keep(name string, content []byte) {
	w.t.Helper()
	dir := os.Getenv("L2M_SCREENSHOTS")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
		w.t.Fatal(err)
	}
}
