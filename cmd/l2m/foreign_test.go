package main

import (
	"cmp"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/internal/thorough"
)

// writer is a verb that writes, and the names under which it does: in its run
// directory, or in the folder of its output if file is not empty.
type writer struct {
	name  string
	args  []string // OUT stands for the run directory or the file
	file  string   // plain output file
	fresh bool     // it has --fresh
	names []string
}

var faces = []string{"report.html", "figures", "run.json"}

// writers are all verbs that write.
func writers() []writer {
	lists := func(names ...string) []string { return append(names, faces...) }
	measured := lists("results.json", "estimates.csv", "windows.parquet", "scores", "partial", "plan.json", "requests")
	return []writer{
		{"measure", words("measure BOOKS --length 64 --windows 20 --draws 20 --training-bytes 10k --figures svg -q -o OUT"), "", true, measured},
		{"twopoint", words("twopoint BOOKS --distances 1,2,4,8 --figures svg -q -o OUT"), "", true, lists("results.json", "estimates.csv", "counts.json", "counting")},
		{"calibrate", words("calibrate iid --estimators paired --windows 20 --length 64 --repetitions 4 --draws 20 -q -o OUT"), "", true, lists("calibration.json", "repetitions")},
		{"audit", words("audit CONFIG --figures svg -o OUT"), "", false, lists("audit.json", "audit.csv")},
		{"fit", words("fit POINTS --figures svg -o OUT"), "", false, lists("results.json", "estimates.csv")},
		{"compare", words("compare RUNS/measure RUNS/measure2 --figures svg -o OUT"), "", false, lists("compare.json", "compare.csv")},
		{"plan", words("plan BOOKS --model m --tokenizer VOCABULARY --bos 256 --length 64 --windows 20 --draws 20 -q -o OUT"), "", true, measured},
		{"ingest", words("ingest OUT BOOKS/0.txt"), "", false, measured},
		{"report", words("report OUT --figures svg"), "", false, faces},
		{"model train", words("model train BOOKS --training-bytes 10k -q -o OUT"), "m.bytemix", false, []string{"m.bytemix"}},
		{"process sample", words("process sample santafe --length 8 -q -o OUT"), "x.txt", false, []string{"x.txt"}},
		{"process truth", words("process truth santafe --length 8 -o OUT"), "x.json", false, []string{"x.json"}},
		{"audit --html", words("audit CONFIG --html OUT"), "a.html", false, []string{"a.html"}},
		{"lab train", words("lab train gaussian-small --steps 3 --lengths 8 --evaluate 8 --hidden 8 --layers 1 --batch 2 -q -o OUT"), "", true, []string{"run.json", "lab.json", "model.safetensors", "config.json", "checkpoint", "curve.csv", "loss.csv"}},
		{"man", words("man OUT"), "", false, []string{"l2m.1", "l2m-measure.1", "l2m-process-sample.1"}},
	}
}

func words(s string) []string { return strings.Fields(s) }

const foreign = "not of l2m\n"

// No verb removes or changes what it did not write: not a file or a folder that has
// one of its names, not what a link leads to, not a run of another verb, not a file
// it has no use for; also with --fresh.
func TestForeignBytesStay(t *testing.T) {
	if !thorough.Tests() {
		t.Skip("starts hundreds of processes: set L2M_THOROUGH=1")
	}
	dir := t.TempDir()
	known := map[string]string{"BOOKS": filepath.Join(dir, "books"), "RUNS": filepath.Join(dir, "runs"), "CONFIG": filepath.Join(dir, "config.json"), "POINTS": filepath.Join(dir, "points.csv")}
	var err error
	if known["VOCABULARY"], err = filepath.Abs("../../token/vocabulary/testdata/gpt2.json"); err != nil {
		t.Fatal(err)
	}
	for i, n := range []int{5, 7, 11, 13} {
		text := make([]byte, 4000)
		for j := range text {
			text[j] = "etaoin shr"[(j*j/n+i*j)%10]
		}
		put(t, filepath.Join(known["BOOKS"], string(rune('0'+i))+".txt"), string(text))
	}
	put(t, known["POINTS"], "length,nats,se\n16,2.2,0.05\n32,3.3,0.06\n64,5,0.1\n128,7.4,0.2\n")
	put(t, known["CONFIG"], `{"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4}`)
	run := func(w writer, out string, more ...string) error {
		args := slices.Clone(w.args)
		for i := range args {
			for name, path := range known {
				args[i] = strings.Replace(args[i], name, path, 1)
			}
			args[i] = strings.Replace(args[i], "OUT", filepath.Join(out, w.file), 1)
		}
		cmd := l2mCommand(append(args, more...)...)
		cmd.Dir = dir
		said, err := cmd.CombinedOutput()
		if err != nil && more == nil && strings.HasPrefix(out, known["RUNS"]) {
			t.Fatalf("%s: %v\n%s", w.name, err, said)
		}
		return err
	}
	whole := map[string]bool{} // verbs that leave a run directory
	for _, w := range writers() {
		if w.file == "" && !slices.Contains([]string{"ingest", "report", "man"}, w.name) {
			if w.name == "compare" {
				other := writers()[0]
				other.args = append(other.args, "--training-bytes", "5k")
				run(other, filepath.Join(known["RUNS"], "measure2"))
			}
			run(w, filepath.Join(known["RUNS"], w.name))
			whole[w.name] = true
		}
	}
	for _, w := range writers() {
		t.Run(w.name, func(t *testing.T) {
			for kind, place := range foreignPlaces(w, known["RUNS"], slices.Sorted(maps.Keys(whole))) {
				for _, more := range [][]string{nil, {"--fresh"}} {
					if more != nil && !w.fresh {
						continue
					}
					at := t.TempDir()
					out := filepath.Join(at, "out")
					if err := os.Mkdir(out, 0o755); err != nil {
						t.Fatal(err)
					}
					put(t, filepath.Join(out, "notes.txt"), foreign)
					place(t, out, filepath.Join(at, "outside"))
					before := snapshot(t, at)
					err := run(w, out, more...)
					after := snapshot(t, at)
					for path, content := range before {
						if kind == ownRun && content != foreign {
							continue
						}
						if now := after[path]; now != content {
							t.Errorf("%s, %v (%v): %s was %.20q and is %.20q", kind, more, err, path, content, now)
						}
					}
				}
			}
		})
	}
}

// foreignPlaces are ways to put foreign things where a verb writes, by what they are.
func foreignPlaces(w writer, runs string, verbs []string) map[string]func(t *testing.T, out, outside string) {
	places := map[string]func(t *testing.T, out, outside string){}
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
	}
	if w.file != "" || w.name == "man" {
		return places
	}
	for _, verb := range verbs {
		if verb == w.name || w.name == "report" || w.name == "ingest" {
			continue // what it is for; ingest says why it does not
		}
		if verb+w.name == "planmeasure" || verb+w.name == "measureplan" {
			continue // one kind of run
		}
		places["a run of "+verb] = func(t *testing.T, out, _ string) {
			copyRun(t, filepath.Join(runs, verb), out)
		}
	}
	input := map[string]string{"report": "measure", "ingest": "plan"}[w.name]
	for kind, place := range places {
		switch w.name {
		case "report": // of a folder in which only the document was kept
			places[kind] = func(t *testing.T, out, outside string) {
				document, err := os.ReadFile(filepath.Join(runs, input, "results.json"))
				if err != nil {
					t.Fatal(err)
				}
				put(t, filepath.Join(out, "results.json"), string(document))
				place(t, out, outside)
			}
		case "ingest":
			places[kind] = func(t *testing.T, out, outside string) {
				copyRun(t, filepath.Join(runs, input), out)
				if _, err := os.Lstat(filepath.Join(out, kind[strings.LastIndex(kind, " ")+1:])); err == nil {
					return // a file of the plan
				}
				place(t, out, outside)
			}
		}
	}
	places[ownRun] = func(t *testing.T, out, _ string) {
		copyRun(t, filepath.Join(runs, cmp.Or(input, w.name)), out)
		put(t, filepath.Join(out, "figures", "mine.svg"), foreign)
		for _, folder := range []string{"scores", "partial", "counting", "repetitions", "requests", "checkpoint"} {
			if slices.Contains(w.names, folder) {
				put(t, filepath.Join(out, folder, "mine.txt"), foreign)
			}
		}
	}
	return places
}

// ownRun is the place in which the verb's own files may change.
const ownRun = "foreign files in a run of its own"

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
