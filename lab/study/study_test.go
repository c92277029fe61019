package study

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/result"
)

// small is a study of seconds: two models, two panels, two seeds in one of them.
const small = `{"question": "Which?", "about": "A test.",
	"recipe": {"model": {"model_type": "", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "positions": "learned"},
		"data": "hierarchical:copies=2", "lengths": [4], "steps": 6, "batch": 2, "rate": 0.01, "seed": 9, "evaluate_on": 4},
	"models": [{"name": "attention", "change": {"layer_types": ["full_attention"]}},
		{"name": "window", "family": "w", "change": {"layer_types": ["sliding_attention"], "sliding_window": 2}}],
	"panels": [{"name": "L4", "label": "L = 4", "change": {}, "models": ["attention", "window"]},
		{"name": "L16", "label": "L = 16", "change": {"lengths": [16]}, "models": ["window"], "sizes": {"window": {"sliding_window": 5}}, "seeds": [7]}],
	"seeds": [1, 2],
	"figures": [{"id": "gap", "title": "Gap", "x": "length", "panels": ["L4", "L16"]}]}`

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "small.json")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestBuiltInStudiesAreGrids(t *testing.T) {
	for _, s := range Studies() {
		if s.Question == "" || s.About == "" || len(s.Figures) == 0 {
			t.Errorf("%s lacks a question, a setting, or a figure", s.Name)
		}
	}
}

func TestCells(t *testing.T) {
	s, err := Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	cells, err := s.Cells()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range cells {
		names = append(names, fmt.Sprint(c.Name, " ", c.Recipe.Lengths, c.Recipe.Model.Window, c.Recipe.Seed, c.Recipe.Steps))
	}
	want := "L4-attention-seed1 [4] 0 1 6, L4-window-seed1 [4] 2 1 6, L16-window-seed7 [16] 5 7 6, L4-attention-seed2 [4] 0 2 6, L4-window-seed2 [4] 2 2 6"
	if got := strings.Join(names, ", "); got != want {
		t.Errorf("the grid is\n%s; want\n%s", got, want)
	}
}

func TestBadStudies(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"question"`, `"queston"`, `line 1: unknown key "queston"`},
		{`"models": ["window"]`, `"models": ["windw"]`, `panel "L16" names "windw", which is not a model`},
		{`"seeds": [1, 2]`, `"seeds": [1, 1]`, "two cells L4-attention-seed1"},
		{`"seeds": [1, 2]`, `"seeds": []`, ""}, // the other panel has its own
		{`"name": "L16"`, `"name": "../L16"`, "name files"},
		{`"sliding_window": 2`, `"sliding_windw": 2`, `model window in panel L4: unknown key "sliding_windw"`},
		{`"steps": 6`, `"steps": 0`, "steps is 0"},
		{`"id": "gap"`, `"id": "../gap"`, ".figures[0].id"},
		{`"figures": [`, `"figures": [{"id": "gap", "title": "State", "x": "state", "panels": ["L4"]}, `, `.figures[1].id is "gap", like that of .figures[0]`},
		{`"x": "length"`, `"x": "depth"`, ".figures[0].x"},
		{`["L4", "L16"]`, `["L5"]`, ".figures[0].panels"},
		{`"x": "length"`, `"x": "gap"`, ".figures[0].y"},
		{`"panels": ["L4", "L16"]}]}`, `"panels": ["L4", "L16"]}]} {}`, "more than one object"},
	} {
		text := strings.Replace(small, c.old, c.new, 1)
		if text == small {
			t.Fatalf("%s is not in the study", c.old)
		}
		_, err := Read(strings.NewReader(text))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("with %s: %v; want %q", c.new, err, c.want)
		}
	}
}

// Models of a text are trained on half of its documents and measured on the others; the
// losses by position are means over octaves.
func TestRunOnText(t *testing.T) {
	folder := func(n uint64) string {
		dir := t.TempDir()
		rng := rand.New(rand.NewPCG(n, 0))
		for i := range 6 {
			b := make([]byte, 300)
			for k := range b {
				b[k] = "abc"[rng.IntN(3)]
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".txt")), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	text := strings.NewReplacer(`"hierarchical:copies=2"`, `"bytes"`, `"x": "length"`, `"x": "position"`, `"figures"`, `"measure": {"windows": 8, "draws": 20}, "figures"`).Replace(small)
	books := folder(1)
	o := Options{Study: write(t, text), Out: t.TempDir(), Limit: 1, Only: []string{"L16-*"}, Paths: []string{books}}
	s, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	c := s.Cells[0]
	if c.Gap != nil || c.Accuracy != nil || c.Corpus == "" || len(c.Octaves) != 5 {
		t.Fatalf("%+v", c)
	}
	mean := (c.Octaves[0] + c.Octaves[1] + 2*c.Octaves[2] + 4*c.Octaves[3] + 8*c.Octaves[4]) / 16
	if math.Abs(mean-c.Loss) > 1e-6 || c.Loss < math.Log(3) {
		t.Errorf("a loss of %v, by octaves %v", c.Loss, mean)
	}
	if m := c.Measured; m == nil || m.Length != 16 || m.Exact != 0 || m.Estimator == "" {
		t.Errorf("%+v", m)
	}
	o.Only, o.Paths, o.Limit = []string{"L4-window-seed1"}, []string{folder(2)}, 1
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "was trained on another text than L16-window-seed7") {
		t.Errorf("a cell of another text: %v", err)
	}
	o.Paths = nil
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "name files or folders") {
		t.Errorf("without a text: %v", err)
	}
	o = Options{Study: write(t, small), Out: t.TempDir(), Paths: []string{books}}
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "trains on no text") {
		t.Errorf("text for a process: %v", err)
	}
}

// cells are what a study found, without what depends on the time.
func cells(s *result.Study) []result.StudyCell {
	for i := range s.Cells {
		s.Cells[i].Seconds = 0
		var b bytes.Buffer // what was just trained is not indented
		json.Compact(&b, s.Cells[i].Recipe)
		s.Cells[i].Recipe = b.Bytes()
	}
	return s.Cells
}

// A study that is interrupted between two models, and in the middle of one, ends as
// one that is not. The state is that of a window: two numbers of width 8 for each of
// the tokens before the last that it sees, 1 of 3 and 4 of 15.
func TestRunContinues(t *testing.T) {
	file, dir := write(t, small), t.TempDir()
	whole, err := Run(context.Background(), Options{Study: file, Out: filepath.Join(dir, "whole"), Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Cells) != 5 || whole.Planned != 5 || whole.Cells[1].State != 2*8*1 || whole.Cells[2].State != 2*8*4 {
		t.Fatalf("%+v", whole)
	}
	for _, c := range whole.Cells {
		if c.Gap == nil || *c.Gap <= 0 || c.GapLate == nil || c.Tokens != int64(6*2*c.Length) {
			t.Errorf("%+v", c)
		}
	}
	o := Options{Study: file, Out: filepath.Join(dir, "parts"), Limit: 1}
	if part, err := Run(context.Background(), o); err != nil || len(part.Cells) != 1 {
		t.Fatalf("%+v, %v", part, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.Limit, o.Progress = -1, func(p info.Progress) {
		if strings.Contains(p.Stage, "L16") && p.Done*2 >= p.Total {
			cancel()
		}
	}
	if _, err := Run(ctx, o); err == nil {
		t.Fatal("the study was not interrupted")
	}
	o.Progress = nil
	parts, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cells(parts), cells(whole); !reflect.DeepEqual(got, want) {
		t.Errorf("interrupted, the study found\n%+v\nand otherwise\n%+v", got, want)
	}
}

// A measured study holds the truth of the process: I(ℓ; 2ℓ) = B·(2 − 2^β)·ℓ^β in each
// copy (docs/processes.md), here with B = 0.5, β = 0.76 and 2 copies, at ℓ = 8.
func TestRunMeasures(t *testing.T) {
	text := strings.NewReplacer(`"hierarchical:copies=2"`, `"powergauss:beta=0.76,copies=2"`, `[4], "steps"`, `[16], "steps"`,
		`"seeds": [1, 2],`, `"seeds": [1, 2], "measure": {"windows": 40, "draws": 49},`).Replace(small)
	s, err := Run(context.Background(), Options{Study: write(t, text), Out: t.TempDir(), Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := s.Cells[0].Measured
	if m == nil || m.Length != 16 || math.Abs(m.ExactExponent-0.76) > 1e-9 || math.Abs(m.Exact-2*0.5*(2-math.Pow(2, 0.76))*math.Pow(8, 0.76)) > 1e-9 {
		t.Fatalf("%+v", m)
	}
	if m.Estimator == "" || m.Nats == 0 || (m.Exponent == nil) != (m.Verdict == "" || m.Interval == nil) {
		t.Errorf("%+v", m)
	}
}

// The length of a cell is the longest trained one; evaluations at others stand beside it,
// each with its state. A model has its own rate where its panel does not set one.
func TestRunEvaluatesAtFurtherLengths(t *testing.T) {
	text := strings.NewReplacer(`"hierarchical:copies=2"`, `"recall:every=4,vocabulary=16"`, `"positions": "learned"`, `"positions": "none"`,
		`"evaluate_on": 4`, `"evaluate_on": 4, "evaluate": [4, 8, 16], "evaluate_each": 2, "stop_at": 0.0001`,
		`"change": {"layer_types": ["full_attention"]}`, `"change": {"layer_types": ["full_attention"]}, "training": {"rate": 0.02}`,
		`"label": "L = 16", "change": {"lengths": [16]}`, `"label": "L = 16", "change": {"lengths": [16], "rate": 0.03}`, `"models": ["window"]`, `"models": ["window", "attention"]`).Replace(small)
	s, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	cells, err := s.Cells()
	if err != nil {
		t.Fatal(err)
	}
	rates := map[string]float64{}
	for _, c := range cells {
		rates[c.Panel+" "+c.Model] = c.Recipe.Rate
	}
	if want := map[string]float64{"L4 attention": 0.02, "L4 window": 0.01, "L16 window": 0.03, "L16 attention": 0.03}; !maps.Equal(rates, want) {
		t.Errorf("rates %v; want %v", rates, want)
	}
	doc, err := Run(context.Background(), Options{Study: write(t, text), Out: t.TempDir(), Limit: 1, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := doc.Cells[0]
	if c.Recalled == nil || c.Recalled.Told != 1 || c.Recalled.Elements != 2*8*2 || c.Others[1].Recalled == nil || c.Others[1].Recalled.Told != 4 {
		t.Errorf("%+v", c)
	}
	if c.Length != 4 || c.State != 2*8*3 || c.Accuracy == nil || len(c.Others) != 2 {
		t.Fatalf("%+v", c)
	}
	for i, length := range []int{8, 16} {
		if o := c.Others[i]; o.Length != length || o.State != int64(2*8*(length-1)) || o.Accuracy == nil {
			t.Errorf("%+v", o)
		}
	}
}

// What was trained by another recipe is not taken for a cell of the study.
func TestRunRefusesOtherRecipes(t *testing.T) {
	o := Options{Study: write(t, small), Out: t.TempDir(), Limit: 1, Only: []string{"L16-*", "none"}}
	if s, err := Run(context.Background(), o); err != nil || len(s.Cells) != 1 || s.Cells[0].Panel != "L16" {
		t.Fatalf("%+v, %v", s, err)
	}
	other := o
	other.Study = write(t, strings.Replace(small, `"steps": 6`, `"steps": 7`, 1))
	if _, err := Run(context.Background(), other); err == nil || !strings.Contains(err.Error(), "L16-window-seed7 was trained by another recipe") {
		t.Error(err)
	}
	o.Only = []string{"nothing"}
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "matches none of the 5 cells") {
		t.Error(err)
	}
	o.Only = []string{"["}
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "syntax error in pattern") {
		t.Error(err)
	}
	o.Study = "nothing"
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "neither a built-in study") {
		t.Error(err)
	}
}

// A copy of docs/studies/NAME is a run that can be continued; a study.json that no run
// wrote is refused before anything is trained.
func TestContinueFromStoredResults(t *testing.T) {
	if testing.Short() {
		t.Skip("builds every model of every study, in one goroutine: nothing for the race detector")
	}
	dirs, err := filepath.Glob("../../docs/studies/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal(dirs, err)
	}
	for _, dir := range dirs {
		out := filepath.Join(t.TempDir(), "run")
		if err := os.CopyFS(out, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		o := Options{Study: filepath.Base(dir), Out: out, Limit: 0}
		if doc, err := Run(t.Context(), o); err != nil || len(doc.Cells) == 0 {
			t.Errorf("%s cannot be continued: %v", dir, err)
		}
		manifest := filepath.Join(out, "run.json")
		b, err := os.ReadFile(manifest)
		if err != nil {
			t.Fatal(err)
		}
		b = bytes.Replace(b, []byte(`"study.json"`), []byte(`"report.html"`), 1)
		if err := os.WriteFile(manifest, b, 0o644); err != nil {
			t.Fatal(err)
		}
		o.Limit = 1
		_, err = Run(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), "study.json was not written by this run") {
			t.Errorf("%s, whose manifest does not name study.json: %v", dir, err)
		}
		if files, err := os.ReadDir(filepath.Join(out, "trainings")); err == nil && len(files) > 0 {
			t.Errorf("%s: %d models were trained before the refusal", dir, len(files))
		}
	}
}

// Every stored result of docs/studies is of a cell that its study has now.
func TestStoredResultsAreOfTheGrid(t *testing.T) {
	if testing.Short() {
		t.Skip("builds every model of every study, in one goroutine: nothing for the race detector")
	}
	files, err := filepath.Glob("../../docs/studies/*/study.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		s, err := Find(filepath.Base(filepath.Dir(file)))
		if err != nil {
			t.Fatal(err)
		}
		grid, err := s.Cells()
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		doc, err := result.Read[result.Study](f, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, done := range doc.Cells {
			i := slices.IndexFunc(grid, func(c Cell) bool { return c.Name == done.Name })
			if i < 0 || !same(done.Recipe, grid[i].Recipe) || grid[i].Panel != done.Panel || grid[i].Model != done.Model || grid[i].Recipe.Seed != done.Seed {
				t.Errorf("%s: %s is not a cell of the study, or was trained by another recipe", file, done.Name)
			}
		}
	}
}

// What answers show: a state that answers everything holds all of the entropy of values
// drawn without replacement, one that guesses holds nothing; errors cost what Fano says,
// or the loss if that is less.
func TestRecalled(t *testing.T) {
	all := math.Log(8 * 7 * 6) // 3 of 8 values
	for _, c := range []struct{ loss, accuracy, nats, pairs float64 }{
		{0, 1, all, 3},
		{5, 1, all, 3},                            // right, but unsure
		{math.Log(8), 1. / 8, 0, 0},               // guesses
		{9, 0, math.Max(0, all-3*math.Log(7)), 0}, // never right: another value is known
		{9, 0.5, all - 3*(math.Ln2+0.5*math.Log(7)), 3 * (0.5 - 1./8) / (7. / 8)},
		{0.3, 0.5, all - 3*0.3, 3 * (0.5 - 1./8) / (7. / 8)},
	} {
		r := recalled(3, 8, c.loss, c.accuracy, 10)
		if math.Abs(r.Nats-c.nats) > 1e-12 || math.Abs(r.Pairs-c.pairs) > 1e-12 || r.Told != 3 || r.Elements != 10 {
			t.Errorf("loss %g, accuracy %g: %+v; want %g nats and %g pairs", c.loss, c.accuracy, r, c.nats, c.pairs)
		}
	}
}

// The bound holds: a state that is the values of the first two of three keys, whose reader
// guesses the third, has the information of two values.
func TestRecalledIsALowerBound(t *testing.T) {
	const values = 8
	held := math.Log(8 * 7)
	reader := (0. + 0 + math.Log(6)) / 3 // its loss: the third value is one of six
	for _, r := range []*result.Recalled{recalled(3, values, reader, (2+1./6)/3, 1), recalled(3, values, 99, (2+1./6)/3, 1)} {
		if r.Nats > held+1e-12 {
			t.Errorf("%+v; the state holds %g nats", r, held)
		}
	}
	if r := recalled(3, values, reader, (2+1./6)/3, 1); math.Abs(r.Nats-held) > 1e-12 {
		t.Errorf("%+v; the loss of the best reader gives %g nats", r, held)
	}
}

// docs/studies.md says how many models of each study there are, and how many are stored
// where some are missing.
func TestDocsSayHowManyModelsAreDone(t *testing.T) {
	docs, err := os.ReadFile("../../docs/studies.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../docs/studies/*/study.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		doc, err := result.Read[result.Study](f, file)
		if err != nil {
			t.Fatal(err)
		}
		said := regexp.MustCompile(`(?m)^    l2m lab study ` + doc.Name + `(?: books/)? +# (\d+) models[^;\n]*(?:; (\d+) are done)?$`).FindStringSubmatch(string(docs))
		want := []string{strconv.Itoa(doc.Planned), ""}
		if len(doc.Cells) < doc.Planned {
			want[1] = strconv.Itoa(len(doc.Cells))
		}
		if said == nil || !slices.Equal(said[1:], want) {
			t.Errorf("docs/studies.md says %q of %s; want %q", said, doc.Name, want)
		}
	}
}
