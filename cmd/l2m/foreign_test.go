package main

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/internal/thorough"
)

const foreign = "not of l2m\n"

// place puts foreign things into a run directory, and beside it.
type place func(t *testing.T, out, outside string)

// No verb removes or changes what it did not write: not a file or a folder that has
// one of its names, not what a link leads to, not a run of another verb, not a file
// it has no use for; also with --fresh, and where a folder cannot be written.
func TestForeignBytesStay(t *testing.T) {
	if !thorough.Tests() {
		t.Skip("starts hundreds of processes: set L2M_THOROUGH=1")
	}
	s := newWorkshop(t)
	unprivileged, why := unprivileged(t)
	if why != "" {
		t.Log("read-only folders are left out: ", why)
	}
	for _, w := range writers() {
		t.Run(w.name, func(t *testing.T) {
			refused := 0
			for kind, place := range foreignPlaces(w, s) {
				readOnly := strings.HasPrefix(kind, readOnly)
				if readOnly && why != "" {
					continue
				}
				for _, more := range [][]string{nil, {"--fresh"}} {
					if more != nil && (!w.fresh || strings.Contains(kind, "link ") && !strings.HasPrefix(kind, ownRun)) {
						continue
					}
					at := sharedDir(t)
					out, outside := filepath.Join(at, "out"), filepath.Join(at, "outside")
					put(t, filepath.Join(out, "notes.txt"), foreign)
					place(t, out, outside)
					before := snapshot(t, at)
					cmd := s.command(w, out, more...)
					if readOnly {
						unprivileged(t, cmd, at)
					}
					said, err := cmd.CombinedOutput()
					after := snapshot(t, at)
					for path, content := range before {
						own := strings.HasPrefix(kind, ownRun) && content != foreign && !strings.HasPrefix(path, "/outside")
						if own || w.name == "ingest" && path == "/out/run.json" {
							continue
						}
						if now := after[path]; now != content {
							t.Errorf("%s, %v (%v): %s was %.20q and is %.20q", kind, more, err, path, content, now)
						}
					}
					for path := range after {
						if _, was := before[path]; !was && strings.HasPrefix(path, "/outside") {
							t.Errorf("%s, %v: %s was written", kind, more, path)
						}
					}
					if err != nil {
						refused++
						checkRefusal(t, kind, out, string(said))
					} else if readOnly {
						t.Errorf("%s, %v: nothing is said of it", kind, more)
					}
				}
			}
			if refused == 0 {
				t.Error("nothing was refused")
			}
		})
	}
}

// cure is what a refusal ends in.
var cure = regexp.MustCompile(`\([^()]*(?:remove|move it away|choose another)[^()]*\)\n`)

// checkRefusal wants the file that is in the way, and the cure.
func checkRefusal(t *testing.T, kind, out, said string) {
	t.Helper()
	name := ""
	for _, prefix := range []string{"a file ", "a folder ", "a link ", "a link to a folder ", "a dangling link "} {
		if rest, ok := strings.CutPrefix(kind, prefix); ok {
			name = rest
		}
	}
	if !strings.Contains(said, filepath.Join(out, name)) || !cure.MatchString(said) {
		t.Errorf("%s: the refusal does not name %s and a cure: %s", kind, filepath.Join(out, name), said)
	}
}

const (
	// ownRun starts the kinds of places in which the verb's own files may change.
	ownRun = "a run of its own"
	// readOnly starts the kinds of places where something cannot be written.
	readOnly = ownRun + ", read-only "
)

// foreignPlaces are ways to put foreign things where a verb writes, by what they are.
func foreignPlaces(w writer, s workshop) map[string]place {
	places := map[string]place{}
	for _, name := range w.names {
		places["a file "+name] = func(t *testing.T, out, _ string) { put(t, filepath.Join(out, name), foreign) }
		places["a folder "+name] = func(t *testing.T, out, _ string) {
			put(t, filepath.Join(out, name, "a.svg"), foreign)
			put(t, filepath.Join(out, name, "part-000000-0123456789abcdef.parquet"), foreign)
		}
		places["a link "+name] = func(t *testing.T, out, outside string) {
			put(t, filepath.Join(outside, name), foreign)
			link(t, filepath.Join(outside, name), filepath.Join(out, name))
		}
		places["a link to a folder "+name] = func(t *testing.T, out, outside string) {
			put(t, filepath.Join(outside, "a.svg"), foreign)
			link(t, outside, filepath.Join(out, name))
		}
		places["a dangling link "+name] = func(t *testing.T, out, outside string) {
			put(t, filepath.Join(outside, "a.svg"), foreign)
			link(t, filepath.Join(outside, "missing"), filepath.Join(out, name))
		}
	}
	if w.file != "" || w.name == "man" {
		places[readOnly+"folder"] = func(t *testing.T, out, _ string) { deny(t, out) }
		return places
	}
	input := map[string]string{"report": "measure", "ingest": "plan"}[w.name]
	for kind, place := range places {
		switch w.name {
		case "report": // of a folder in which only the document was kept
			places[kind] = func(t *testing.T, out, outside string) {
				document, err := os.ReadFile(filepath.Join(s.run(input), "results.json"))
				if err != nil {
					t.Fatal(err)
				}
				put(t, filepath.Join(out, "results.json"), string(document))
				place(t, out, outside)
			}
		case "ingest":
			places[kind] = func(t *testing.T, out, outside string) {
				copyRun(t, s.run(input), out)
				if _, err := os.Lstat(filepath.Join(out, kind[strings.LastIndex(kind, " ")+1:])); err == nil {
					return // a file of the plan
				}
				place(t, out, outside)
			}
		}
	}
	if input == "" {
		otherRuns(places, w, s)
	}
	ownRuns(places, w, s.run(cmp.Or(input, w.name)))
	return places
}

// otherRuns adds the runs of all other verbs.
func otherRuns(places map[string]place, w writer, s workshop) {
	runs, _ := os.ReadDir(s.known["RUNS"])
	for _, run := range runs {
		verb := strings.TrimSuffix(strings.ReplaceAll(run.Name(), "_", " "), "2")
		if verb == w.name || verb+w.name == "planmeasure" || verb+w.name == "measureplan" {
			continue // one kind of run
		}
		places["a run of "+verb] = func(t *testing.T, out, _ string) { copyRun(t, s.run(verb), out) }
	}
}

// ownRuns adds copies of a run to which something foreign was done.
func ownRuns(places map[string]place, w writer, run string) {
	places[ownRun+" with foreign files"] = func(t *testing.T, out, _ string) {
		copyRun(t, run, out)
		put(t, filepath.Join(out, "figures", "mine.svg"), foreign)
		for _, folder := range words("scores partial counting repetitions requests checkpoint") {
			if slices.Contains(w.names, folder) {
				put(t, filepath.Join(out, folder, "mine.txt"), foreign)
			}
		}
	}
	entries, _ := os.ReadDir(run)
	for _, e := range entries {
		if e.Name() == ".l2m-lock" {
			continue
		}
		places[ownRun+" with a link "+e.Name()] = func(t *testing.T, out, outside string) {
			copyRun(t, run, out)
			os.MkdirAll(outside, 0o755)
			if err := os.Rename(filepath.Join(out, e.Name()), filepath.Join(outside, e.Name())); err != nil {
				t.Fatal(err)
			}
			link(t, filepath.Join(outside, e.Name()), filepath.Join(out, e.Name()))
		}
	}
	places[readOnly+"folder"] = func(t *testing.T, out, _ string) {
		copyRun(t, run, out)
		deny(t, out)
	}
	part := "figures"
	if w.name == "plan" { // draws none
		part = "requests"
	}
	places[readOnly+part] = func(t *testing.T, out, _ string) {
		copyRun(t, run, out)
		put(t, filepath.Join(out, part, "mine.svg"), foreign)
		deny(t, filepath.Join(out, part))
	}
}

func copyRun(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
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

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Skip(err)
	}
}

// deny lets nobody write into a folder, until the test is over.
func deny(t *testing.T, dir string) {
	t.Helper()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
}

// snapshot is the content of every file below a folder, and where its links lead.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, dir)
		switch {
		case err != nil || e.IsDir() || e.Name() == ".l2m-lock":
			return err
		case e.Type()&fs.ModeSymlink != 0:
			files[name], err = os.Readlink(path)
		default:
			var content []byte
			content, err = os.ReadFile(path)
			files[name] = string(content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
