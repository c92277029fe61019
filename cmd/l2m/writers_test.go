package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// writer is a verb that writes, and the names under which it does: in its run
// directory, or in the folder of its output if file is not empty.
type writer struct {
	name  string   // the command, and after two dashes the option that names the output
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
	trained := lists("lab.json", "model.safetensors", "config.json", "checkpoint", "curve.csv", "loss.csv")
	return []writer{
		{"measure", words("measure BOOKS --length 64 --windows 20 --draws 20 --training-bytes 10k --figures svg -q -o OUT"), "", true, measured},
		{"twopoint", words("twopoint BOOKS --distances 1,2,4,8 --figures svg -q -o OUT"), "", true, lists("results.json", "estimates.csv", "counts.json", "counting")},
		{"calibrate", words("calibrate iid --estimators paired --windows 20 --length 64 --repetitions 4 --draws 20 -q -o OUT"), "", true, lists("calibration.json", "repetitions")},
		{"audit", words("audit CONFIG --figures svg -o OUT"), "", false, lists("audit.json", "audit.csv")},
		{"fit", words("fit POINTS --figures svg -o OUT"), "", false, lists("results.json", "estimates.csv")},
		{"compare", words("compare RUNS/measure RUNS/measure2 --figures svg -o OUT"), "", false, lists("compare.json", "compare.csv")},
		{"plan", words("plan BOOKS --model counter --tokenizer VOCABULARY --bos 256 --length 64 --windows 20 --draws 20 -q -o OUT"), "", true, measured},
		{"ingest", words("ingest OUT ANSWERS/results-0.jsonl ANSWERS/results-1.jsonl ANSWERS/results-2.jsonl"), "", false, measured},
		{"report", words("report OUT --figures svg"), "", false, faces},
		{"model train", words("model train BOOKS --training-bytes 10k -q -o OUT"), "m.bytemix", false, []string{"m.bytemix"}},
		{"process sample", words("process sample santafe --length 8 -q -o OUT"), "x.txt", false, []string{"x.txt"}},
		{"process truth", words("process truth santafe --length 8 -o OUT"), "x.json", false, []string{"x.json"}},
		{"audit --html", words("audit CONFIG --html OUT"), "a.html", false, []string{"a.html"}},
		{"lab train", words("lab train RECIPE BOOKS -q -o OUT"), "", true, trained},
		{"lab study", words("lab study STUDY --figures svg -q -o OUT"), "", false, lists("study.json", "trainings")},
		{"lab export", words("lab export RUNS/lab_train -o OUT"), "x.gguf", false, []string{"x.gguf"}},
		{"lab eval --html", words("lab eval RUNS/lab_train BOOKS --html OUT"), "e.html", false, []string{"e.html"}},
		{"man", words("man OUT"), "", false, []string{"l2m.1", "l2m-measure.1", "l2m-process-sample.1"}},
	}
}

// readers are the commands that write no file, and groups of commands.
var readers = words("l2m l2m-completion l2m-completion-bash l2m-completion-fish l2m-completion-powershell l2m-completion-zsh " +
	"l2m-lab l2m-lab-recipes l2m-model l2m-model-eval l2m-model-info l2m-model-list " +
	"l2m-process l2m-process-describe l2m-process-list l2m-serve l2m-version")

// elsewhere are the commands that write in no place that a person names: the cache of
// models, whose tests are those of lm/fetch.
var elsewhere = words("l2m-model-fetch")

var (
	optionLine = regexp.MustCompile(`(?m)^(?:\\fB-\w\\fP, )?\\fB--([a-z-]+)\\fP="[^"]*"\n\t(.*)`)
	namesWhere = regexp.MustCompile(`^(?:run directory(?: \(|$)|folder for )|to write|write .* to `)
)

// Every command that can write is tried with foreign files: the command is known, and
// so is each of its options that names an output. Both are taken from the command
// tree, as the manual shows it.
func TestEveryWritingVerbIsTried(t *testing.T) {
	dir := t.TempDir()
	if said, err := l2mCommand("man", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	tried := map[string]bool{} // page and option
	for _, w := range writers() {
		name, option, _ := strings.Cut(w.name, " --")
		page := "l2m-" + strings.ReplaceAll(name, " ", "-")
		if slices.Contains(w.args, "-o") {
			option = "out"
		}
		tried[page], tried[page+" --"+option] = true, true
	}
	outputs := 0
	for file, manual := range snapshot(t, dir) {
		page := strings.TrimSuffix(filepath.Base(file), ".1")
		kinds := 0
		for _, known := range []bool{tried[page], slices.Contains(readers, page), slices.Contains(elsewhere, page)} {
			if known {
				kinds++
			}
		}
		if kinds != 1 {
			t.Errorf("%s stands %d times among the writers, the readers and those who write elsewhere: once is right", page, kinds)
		}
		for _, option := range optionLine.FindAllStringSubmatch(manual, -1) {
			if option[1] != "out" && !namesWhere.MatchString(option[2]) {
				continue
			}
			outputs++
			if !tried[page+" --"+option[1]] {
				t.Errorf("%s --%s (%s) writes, and is not among the writers", page, option[1], option[2])
			}
		}
		delete(tried, page)
	}
	for name := range tried {
		if !strings.Contains(name, " --") {
			t.Errorf("there is no %s", name)
		}
	}
	if outputs < 12 {
		t.Errorf("only %d options name an output: the manual is not read any more", outputs)
	}
}

func words(s string) []string { return strings.Fields(s) }

// workshop holds what the writers read, and a finished run of each.
type workshop struct{ known map[string]string }

func newWorkshop(t *testing.T) workshop {
	t.Helper()
	dir := sharedDir(t)
	s := workshop{map[string]string{}}
	for name, file := range map[string]string{"BOOKS": "books", "RUNS": "runs", "ANSWERS": "answers", "CONFIG": "config.json", "RECIPE": "recipe.json", "STUDY": "study.json", "POINTS": "points.csv"} {
		s.known[name] = filepath.Join(dir, file)
	}
	var err error
	if s.known["VOCABULARY"], err = filepath.Abs("../../token/vocabulary/testdata/gpt2.json"); err != nil {
		t.Fatal(err)
	}
	for i, n := range []int{5, 7, 11, 13} {
		text := make([]byte, 4000)
		for j := range text {
			text[j] = "etaoin shr"[(j*j/n+i*j)%10]
		}
		put(t, filepath.Join(s.known["BOOKS"], string(rune('0'+i))+".txt"), string(text))
	}
	put(t, s.known["CONFIG"], `{"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4}`)
	put(t, s.known["POINTS"], "length,nats,se\n16,2.2,0.05\n32,3.3,0.06\n64,5,0.1\n128,7.4,0.2\n")
	put(t, s.known["RECIPE"], `{"model": {"model_type": "", "hidden_size": 8, "num_hidden_layers": 1, "layer_types": ["full_attention"],
		"num_attention_heads": 2, "intermediate_size": 8, "positions": "rope", "norm": "rmsnorm", "hidden_act": "gated"},
		"data": "bytes", "lengths": [8], "evaluate": [8], "steps": 3, "batch": 2, "rate": 0.01, "seed": 1}`)
	put(t, s.known["STUDY"], `{"question": "Which?", "about": "A test.", "recipe": {"model": {"model_type": "", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2},
		"data": "hierarchical:copies=2", "lengths": [4], "steps": 2, "batch": 1, "rate": 0.01, "seed": 1}, "models": [{"name": "m", "change": {"layer_types": ["full_attention"]}}],
		"panels": [{"name": "p", "label": "P", "change": {}, "models": ["m"]}], "seeds": [1], "figures": [{"id": "f", "title": "F", "x": "state", "panels": ["p"]}]}`)
	for _, w := range writers() {
		if w.file != "" || slices.Contains(words("ingest report man"), w.name) {
			continue
		}
		if w.name == "compare" {
			other := writers()[0]
			other.args = append(other.args, "--training-bytes", "5k")
			s.finish(t, other, "measure2")
		}
		s.finish(t, w, w.name)
		if w.name == "plan" {
			os.Mkdir(s.known["ANSWERS"], 0o755)
			answerInDisorder(t, filepath.Join(s.run("plan"), "requests", "requests-00001.jsonl"), s.known["ANSWERS"])
		}
	}
	return s
}

// run is the folder of the finished run of a verb.
func (s workshop) run(verb string) string {
	return filepath.Join(s.known["RUNS"], strings.ReplaceAll(verb, " ", "_"))
}

// finish makes a run, all of whose files have to be among the names of its verb.
func (s workshop) finish(t *testing.T, w writer, name string) {
	t.Helper()
	if said, err := s.command(w, s.run(name)).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", w.name, err, said)
	}
	entries, err := os.ReadDir(s.run(name))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(w.names, e.Name()) && e.Name() != ".l2m-lock" {
			t.Errorf("%s writes %s, which is not among its names", w.name, e.Name())
		}
	}
}

// command is a writer at work in a folder.
func (s workshop) command(w writer, out string, more ...string) *exec.Cmd {
	args := slices.Clone(w.args)
	for i := range args {
		for _, name := range slices.Sorted(maps.Keys(s.known)) {
			args[i] = strings.Replace(args[i], name, s.known[name], 1)
		}
		args[i] = strings.Replace(args[i], "OUT", filepath.Join(out, w.file), 1)
	}
	cmd := l2mCommand(append(args, more...)...)
	cmd.Dir = filepath.Dir(s.known["BOOKS"])
	return cmd
}
