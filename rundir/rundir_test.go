package rundir

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/internal/atomicfile"
)

func text(name, content string) Face {
	return Face{Name: name, Write: func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	}}
}

func mustOpen(t *testing.T, dir string, k Kind, o Options) *Dir {
	t.Helper()
	d, err := Open(dir, k, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// snapshot is every file below dir with its content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		out[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantForeign(t *testing.T, err error, name string) {
	t.Helper()
	var foreign *ForeignError
	if !errors.As(err, &foreign) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "--out") {
		t.Errorf("got %v, want a refusal that names %s and --out", err, name)
	}
}

func TestWhatARunWroteIsReplacedAndNothingElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	d := mustOpen(t, dir, Audit, Options{Command: "l2m audit x"})
	if err := d.Write(text("audit.json", "1"), text("figures/states.svg", "1")); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "notes.txt"), "mine")
	put(t, filepath.Join(dir, "figures", "mine.svg"), "mine")
	put(t, filepath.Join(dir, "report.html"), "mine")
	if err := d.Write(text("audit.json", "2"), text("figures/states.svg", "2")); err != nil {
		t.Fatal(err)
	}
	wantForeign(t, d.Write(text("audit.json", "3"), text("report.html", "3")), "report.html")
	wantForeign(t, d.Write(text("figures/mine.svg", "3")), "mine.svg")
	got := snapshot(t, dir)
	for name, want := range map[string]string{"audit.json": "2", "figures/states.svg": "2", "notes.txt": "mine", "figures/mine.svg": "mine", "report.html": "mine"} {
		if got[filepath.Join(dir, name)] != want {
			t.Errorf("%s holds %q, want %q", name, got[filepath.Join(dir, name)], want)
		}
	}
	d.Close()
	mustOpen(t, dir, Audit, Options{Fresh: true})
	got = snapshot(t, dir)
	for _, name := range []string{"notes.txt", "figures/mine.svg", "report.html"} {
		if got[filepath.Join(dir, name)] != "mine" {
			t.Errorf("--fresh touched %s", name)
		}
	}
	for _, name := range []string{"audit.json", "figures/states.svg"} {
		if _, ok := got[filepath.Join(dir, name)]; ok {
			t.Errorf("--fresh left %s", name)
		}
	}
}

// Whatever stands under a name that a run needs, it is refused before anything is
// written, by every kind and with and without Fresh.
func TestForeignFilesAreRefused(t *testing.T) {
	for _, k := range Kinds() {
		var places []string
		for _, name := range []string{Report, Results, Estimates, Counts, Plan, Windows, "calibration.json", "audit.json", "audit.csv", "compare.json", "compare.csv"} {
			if k.Holds(name) {
				places = append(places, name)
			}
		}
		places = append(places, "figures/law.svg")
		for folder := range k.folders {
			places = append(places, folder+"/somebody.txt")
		}
		for _, place := range places {
			for _, fresh := range []bool{false, true} {
				dir := t.TempDir()
				put(t, filepath.Join(dir, place), "mine")
				before := snapshot(t, dir)
				_, err := Open(dir, k, Options{Fresh: fresh})
				wantForeign(t, err, strings.Split(place, "/")[0])
				if after := snapshot(t, dir); len(after) != 1 || after[filepath.Join(dir, place)] != before[filepath.Join(dir, place)] {
					t.Errorf("%s, %s, fresh %t: left %v", k.Verb, place, fresh, after)
				}
			}
		}
	}
}

func TestOtherKindsAreRefused(t *testing.T) {
	for _, a := range Kinds() {
		for _, b := range Kinds() {
			if a.Verb == b.Verb {
				continue
			}
			dir := t.TempDir()
			d := mustOpen(t, dir, a, Options{})
			if err := d.Write(text(a.Document, "{}")); err != nil {
				t.Fatal(err)
			}
			d.Close()
			before := snapshot(t, dir)
			for _, fresh := range []bool{false, true} {
				_, err := Open(dir, b, Options{Fresh: fresh})
				wantForeign(t, err, "l2m "+a.Verb)
			}
			if after := snapshot(t, dir); len(after) != len(before) {
				t.Errorf("%s over %s: %v", b.Verb, a.Verb, after)
			}
		}
	}
}

// A folder of the run that is a link leads outside.
func TestLinksAreRefused(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		outside, dir := t.TempDir(), t.TempDir()
		put(t, filepath.Join(outside, "part-000001-0123456789abcdef.parquet"), "mine")
		d := mustOpen(t, dir, Measure, Options{})
		if _, err := d.Folder(Scores); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(text("figures/law.svg", "x")); err != nil {
			t.Fatal(err)
		}
		d.Close()
		for _, folder := range []string{Scores, Figures} {
			if err := os.RemoveAll(filepath.Join(dir, folder)); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(outside, filepath.Join(dir, folder)); err != nil {
				t.Skip(err)
			}
		}
		if _, err := Open(dir, Measure, Options{Fresh: fresh}); err == nil {
			t.Error("a link in the place of a folder was taken for it")
		}
		if len(snapshot(t, outside)) != 1 {
			t.Error("a file outside the run is gone")
		}
	}
}

func TestPartsOfOthersStay(t *testing.T) {
	dir := t.TempDir()
	d := mustOpen(t, dir, Measure, Options{})
	scores, err := d.Folder(Scores)
	if err != nil {
		t.Fatal(err)
	}
	ours := filepath.Join(scores, "part-000001-0123456789abcdef.parquet")
	put(t, ours, "ours")
	put(t, filepath.Join(scores, "notes.txt"), "mine")
	d.Close()
	d = mustOpen(t, dir, Measure, Options{Fresh: true})
	if _, err := os.Stat(ours); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("--fresh left %s: %v", ours, err)
	}
	if _, err := os.Stat(filepath.Join(scores, "notes.txt")); err != nil {
		t.Error(err)
	}
	if _, err := d.Folder(Scores); err != nil {
		t.Errorf("the folder cannot be used again: %v", err)
	}
}

// A manifest from elsewhere names nothing outside the closed set of its kind.
func TestHostileManifest(t *testing.T) {
	for _, entry := range []string{"../victim", "/etc/passwd", "figures/../../victim.svg", "notes.txt", "scores/../x/", "../", "/", "", ".", "figures/x/../y.svg", `figures\..\x.svg`} {
		dir := t.TempDir()
		content, _ := json.Marshal(Header{Format: Format, Kind: "measure", Files: []string{entry}})
		put(t, filepath.Join(dir, RunFile), string(content))
		_, err := Open(dir, Measure, Options{Fresh: true})
		wantForeign(t, err, RunFile)
		if _, err := ReadDir(dir); err == nil {
			t.Errorf("%q was read", entry)
		}
	}
}

func TestNamesOutsideTheClosedSet(t *testing.T) {
	d := mustOpen(t, t.TempDir(), Measure, Options{})
	for _, name := range []string{"../x", "figures/../x.svg", "figures/x/y.svg", "audit.json", "figures/UP.svg", "figures/.svg"} {
		if err := d.Write(text(name, "x")); err == nil {
			t.Errorf("%q was written", name)
		}
	}
}

func TestLeftoversOfKilledProcesses(t *testing.T) {
	dir := t.TempDir()
	d := mustOpen(t, dir, Calibrate, Options{})
	repetitions, err := d.Folder(Repetitions)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(repetitions, "0123456789ab-000000.json"), "{}")
	d.Close()
	put(t, filepath.Join(dir, ".l2m-unfinished-1-report.html"), "x")
	put(t, filepath.Join(repetitions, ".l2m-unfinished-2-x"), "x")
	mustOpen(t, dir, Calibrate, Options{})
	for path := range snapshot(t, dir) {
		if atomicfile.IsTemp(filepath.Base(path)) {
			t.Errorf("%s is still there", path)
		}
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	d := mustOpen(t, dir, Measure, Options{})
	if !d.Locked() {
		t.Skip("no locks here")
	}
	if _, err := Open(dir, TwoPoint, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("a run that is open was opened: %v", err)
	}
}

func TestNothingIsLeftOfNothing(t *testing.T) {
	parent := t.TempDir()
	d := mustOpen(t, filepath.Join(parent, "run"), Measure, Options{})
	d.Close()
	if entries, _ := os.ReadDir(parent); len(entries) != 0 {
		t.Errorf("left %v", entries)
	}
	d = mustOpen(t, parent, Measure, Options{})
	d.Close()
	if entries, _ := os.ReadDir(parent); len(entries) != 0 {
		t.Errorf("left %v", entries)
	}
}

func TestKeyIsKept(t *testing.T) {
	type key struct{ A, B int }
	dir := t.TempDir()
	d := mustOpen(t, dir, Measure, Options{Command: "l2m measure x"})
	var got key
	if ok, err := d.Key(&got); ok || err != nil {
		t.Errorf("a new run has a key: %v", err)
	}
	if err := d.SetKey(key{1, 2}); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(text(Results, "x")); err != nil {
		t.Fatal(err)
	}
	d.Close()
	d = mustOpen(t, dir, Measure, Options{Command: "l2m measure y"})
	if ok, err := d.Key(&got); !ok || err != nil || got != (key{1, 2}) || d.Command() != "l2m measure x" {
		t.Errorf("got %v %v %v %q", got, ok, err, d.Command())
	}
}

func TestReopenKeepsADocumentThatCameAlone(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "audit.json"), "theirs")
	d, i, err := Reopen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if i.Kind != "audit" || !i.Finished {
		t.Errorf("got %+v", i)
	}
	if err := d.Write(text("report.html", "x")); err != nil {
		t.Fatal(err)
	}
	wantForeign(t, d.Write(text("audit.json", "ours")), "audit.json")
}

func TestReadOfNoRun(t *testing.T) {
	if _, err := Read(fstest.MapFS{"notes.txt": {}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// In any sequence of openings, writes and discards, files of others keep every byte,
// and the manifest names exactly the run's own files.
func TestForeignBytesSurvive(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(root, filepath.FromSlash(strings.Repeat("x", n%200+1)), "r")
		os.RemoveAll(dir)
		places := []string{"results.json", "estimates.csv", "report.html", "figures/law.svg", "figures/loss.png", "notes.txt", "figures/mine.svg"}
		foreign := map[string]bool{}
		var d *Dir
		defer func() { d.Close() }()
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			place := rapid.SampledFrom(places).Draw(t, "place")
			switch rapid.IntRange(0, 4).Draw(t, "action") {
			case 0:
				path := filepath.Join(dir, place)
				if _, err := os.Lstat(path); err == nil || d != nil && slices.Contains(d.head.Files, place) {
					continue
				}
				os.MkdirAll(filepath.Dir(path), 0o755)
				if err := os.WriteFile(path, []byte("foreign"), 0o644); err != nil {
					t.Fatal(err)
				}
				foreign[place] = true
			case 1:
				d.Close()
				d, _ = Open(dir, rapid.SampledFrom(Kinds()).Draw(t, "kind"), Options{Fresh: rapid.Bool().Draw(t, "fresh")})
			case 2:
				if d != nil && d.lock != nil {
					d.Write(text(place, "run"))
				}
			case 3:
				if d != nil && d.lock != nil {
					d.Discard(place, "figures/")
				}
			}
			for place := range foreign {
				if content, err := os.ReadFile(filepath.Join(dir, place)); err != nil || string(content) != "foreign" {
					t.Fatalf("%s: %q %v", place, content, err)
				}
			}
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte(`{"format":"l2m.run/2","kind":"measure","files":["results.json","scores/"]}`))
	f.Add([]byte(`{"format":"l2m.run/2","kind":"measure","files":["figures/x/../../../../trav/pwned.svg"]}`))
	f.Add([]byte(`{"format":"l2m.run/2","kind":"x/../../../../trav/pwned","files":["x/../../../../trav/pwned/"]}`))
	f.Add([]byte(`{"format":"l2m.run/1"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, content []byte) {
		h, err := parseHeader(content)
		if err != nil {
			return
		}
		for _, entry := range h.Files {
			if name := strings.TrimSuffix(entry, "/"); !fs.ValidPath(name) || name == "." || strings.Contains(name, "..") {
				t.Errorf("%q passed", entry)
			}
		}
	})
}
