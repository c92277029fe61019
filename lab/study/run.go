package study

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lab"
	"github.com/l2m-lab/l2m/lab/train"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// Options of a run of a study.
type Options struct {
	Study string   // name of a built-in study, or a file
	Out   string   // run directory; "" means l2m-study-NAME
	Only  []string // patterns (path.Match) of cells to train; empty means all
	Limit int      // cells to train now; negative means all, 0 none
	Paths []string // text, for studies on bytes: files, folders, globs

	Workers  int // 0 means GOMAXPROCS; does not change the result
	Progress info.ProgressFunc
	// Faces are files rendered from the document; may be nil.
	Faces   func(s *result.Study, formats []string) []rundir.Face
	Formats []string // of figures; nil means all
}

// Run trains the cells of a study that are missing from its run directory, and
// returns what the directory then holds. When ctx ends it returns its error; what is
// finished stays.
func Run(ctx context.Context, o Options) (*result.Study, error) {
	s, err := Find(o.Study)
	if err != nil {
		return nil, err
	}
	cells, err := s.Cells()
	if err != nil {
		return nil, err
	}
	if len(o.Paths) > 0 && !slices.ContainsFunc(cells, func(c Cell) bool { return c.Recipe.Data == train.Bytes }) {
		return nil, fmt.Errorf("the study %s trains on no text: name nothing after it (%q)", s.Name, o.Paths)
	}
	wanted, err := o.wanted(cells)
	if err != nil {
		return nil, err
	}
	if o.Out == "" {
		o.Out = "l2m-study-" + s.Name
	}
	dir, err := rundir.Open(o.Out, rundir.Study, rundir.Options{Command: o.Command()})
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	doc := s.document()
	doc.Planned, doc.Command, doc.Version = len(cells), dir.Command(), info.BuildVersion().Short()
	if doc.Cells, err = stored(dir, cells); err != nil {
		return nil, err
	}
	trainings, err := dir.Folder(rundir.Trainings)
	if err != nil {
		return nil, err
	}
	order := map[string]int{}
	for i, c := range cells {
		order[c.Name] = i
	}
	trained := 0
	for i, c := range wanted {
		if slices.ContainsFunc(doc.Cells, func(done result.StudyCell) bool { return done.Name == c.Name }) {
			continue
		}
		if trained == o.Limit {
			break
		}
		done, err := o.train(ctx, c, s.Measure, filepath.Join(trainings, c.Name), fmt.Sprintf("%d of %d", i+1, len(wanted)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		if err := derive(done, c); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		if len(doc.Cells) > 0 && doc.Cells[0].Corpus != done.Corpus {
			return nil, fmt.Errorf("%s was trained on another text than %s (choose another --out)", c.Name, doc.Cells[0].Name)
		}
		doc.Cells = append(doc.Cells, *done)
		slices.SortFunc(doc.Cells, func(a, b result.StudyCell) int { return order[a.Name] - order[b.Name] })
		if err := result.Store(dir, doc, nil); err != nil {
			return nil, err
		}
		trained++
	}
	faces := []rundir.Face(nil)
	if o.Faces != nil {
		faces = o.Faces(doc, o.Formats)
	}
	return doc, result.Store(dir, doc, faces)
}

// wanted are the cells that o.Only names.
func (o Options) wanted(cells []Cell) ([]Cell, error) {
	if len(o.Only) == 0 {
		return cells, nil
	}
	var out []Cell
	for _, c := range cells {
		for _, pattern := range o.Only {
			match, err := path.Match(pattern, c.Name)
			if err != nil {
				return nil, fmt.Errorf("--only %s: %w", pattern, err)
			}
			if match {
				out = append(out, c)
				break
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("--only matches none of the %d cells, of which the first is %s", len(cells), cells[0].Name)
	}
	return out, nil
}

// stored are the finished cells of a directory, in the order of the grid. A cell that
// was trained by another recipe is an error.
func stored(dir *rundir.Dir, cells []Cell) ([]result.StudyCell, error) {
	out := []result.StudyCell{}
	// Refused now, not after hours when the first cell is to be stored.
	if err := dir.Check(rundir.Study.Document); err != nil {
		return nil, err
	}
	f, err := os.Open(dir.Path(rundir.Study.Document))
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	doc, err := result.Read[result.Study](f, f.Name())
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		i := slices.IndexFunc(doc.Cells, func(d result.StudyCell) bool { return d.Name == c.Name })
		if i < 0 {
			continue
		}
		if !same(doc.Cells[i].Recipe, c.Recipe) {
			return nil, fmt.Errorf("%s: the cell %s was trained by another recipe than the study has now (choose another --out)", f.Name(), c.Name)
		}
		out = append(out, doc.Cells[i])
		if err := derive(&out[len(out)-1], c); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", f.Name(), c.Name, err)
		}
	}
	return out, nil
}

// same reports whether a stored recipe trains what r does.
func same(old json.RawMessage, r train.Recipe) bool {
	o, err := train.ReadRecipe(bytes.NewReader(old))
	return err == nil && bytes.Equal(encode(o), encode(r))
}

func encode(r train.Recipe) json.RawMessage {
	r.Name, r.About, r.Cost = "", "", ""
	b, err := json.Marshal(r)
	if err != nil {
		panic("study: " + err.Error()) // read from JSON
	}
	return b
}

// train trains and measures one cell, or takes what was trained in its directory.
func (o Options) train(ctx context.Context, c Cell, m *Measure, out, place string) (*result.StudyCell, error) {
	progress := func(p info.Progress) {
		if o.Progress != nil {
			p.Stage = c.Name + ", " + place
			o.Progress(p)
		}
	}
	run, err := lab.Train(ctx, lab.Options{Settings: &c.Recipe, Paths: o.Paths, Out: out, Workers: o.Workers, Progress: progress})
	if err != nil {
		return nil, err
	}
	last, _ := run.Last()
	if last == nil {
		return nil, errors.New("the trained model was not evaluated")
	}
	for i := range run.Evaluations {
		if e := &run.Evaluations[i]; e.Step == run.Steps && e.Length == slices.Max(c.Recipe.Lengths) {
			last = e
		}
	}
	cell := &result.StudyCell{
		Name: c.Name, Panel: c.Panel, Model: c.Model, Seed: c.Recipe.Seed, Recipe: encode(c.Recipe), Corpus: run.Corpus,
		Length: last.Length, Parameters: run.Parameters, Tokens: run.Tokens, Loss: last.Loss, Gap: last.Gap, Accuracy: last.Accuracy, Seconds: run.Seconds, Version: run.Version,
	}
	if c.Recipe.Data == train.Bytes {
		cell.Octaves = octaves(last.ByPosition)
	}
	if last.Gap != nil {
		from := last.Length / 2
		if gain := floats.Sum(last.Gain[from:]); gain > 0 {
			e := train.Evaluation(*last)
			late := floats.Sum(e.Excess()[from:]) / gain
			cell.GapLate = &late
		}
	}
	config := filepath.Join(out, train.ConfigFile)
	if cell.State, err = state(config, last.Length-1); err != nil {
		return nil, err
	}
	for _, e := range run.Evaluations {
		if e.Step != run.Steps || e.Length == last.Length {
			continue
		}
		kept, err := state(config, e.Length-1)
		if err != nil {
			return nil, err
		}
		cell.Others = append(cell.Others, result.StudyEvaluation{Length: e.Length, State: kept, Loss: e.Loss, Gap: e.Gap, Accuracy: e.Accuracy})
	}
	if m == nil {
		return cell, nil
	}
	cell.Measured, err = m.run(ctx, c, o.Paths, last.Length, out, out+"-measured", o.Workers, progress)
	return cell, err
}

// octaves are means of the losses of positions 1, 2, 3–4, 5–8 and so on.
func octaves(losses []float64) []float64 {
	var out []float64
	for from, to := 0, 1; from < len(losses); from, to = to, 2*to {
		out = append(out, stat.Mean(losses[from:min(to, len(losses))], nil))
	}
	return out
}

// state counts the numbers that a model keeps after so many tokens.
func state(config string, tokens int) (int64, error) {
	f, err := os.Open(config)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	m, err := arch.Parse(f)
	if err != nil {
		return 0, err
	}
	s, err := m.State(int64(tokens))
	return s.Total, err
}
