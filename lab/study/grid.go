package study

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/l2m-lab/l2m/internal/jsonfile"
	"github.com/l2m-lab/l2m/lab/train"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/token"
)

// Study is a grid of recipes: every model in every panel with every seed.
type Study struct {
	Name     string          `json:"name"`
	Question string          `json:"question"`       // that it asks, a sentence
	About    string          `json:"about"`          // the setting, a sentence or two
	Cost     string          `json:"cost,omitempty"` // as measured, in words
	Recipe   json.RawMessage `json:"recipe"`         // of all cells: a recipe, in which what differs is missing
	Models   []Model         `json:"models"`
	Panels   []Panel         `json:"panels"`
	Seeds    []uint64        `json:"seeds"`
	Measure  *Measure        `json:"measure,omitempty"` // what is measured of every trained model; nil: nothing

	Figures []result.StudyFigure `json:"figures"`
}

// Model is a model of a study: changes of the model that the recipe describes.
type Model struct {
	result.StudyModel
	Change json.RawMessage `json:"change"`
	// Training changes the rest of the recipe, such as its rate; what a panel changes,
	// too, is as the panel says.
	Training json.RawMessage `json:"training,omitempty"`
}

// Panel is a setting of a study: changes of its recipe.
type Panel struct {
	result.StudyPanel
	Change json.RawMessage            `json:"change"`
	Models []string                   `json:"models"`          // in it, most wanted first
	Sizes  map[string]json.RawMessage `json:"sizes,omitempty"` // further changes of models here, by name
	Seeds  []uint64                   `json:"seeds,omitempty"` // in place of those of the study
}

// Cell is one training of a study.
type Cell struct {
	Name, Panel, Model string
	Recipe             train.Recipe // named as the cell
}

//go:embed studies/*.json
var files embed.FS

// studies are read once, since checking a grid builds every model of it.
var studies = sync.OnceValue(func() []Study {
	return train.BuiltIn(files, "studies/*.json", Read, func(s *Study, name string) { s.Name = name })
})

// Studies are the built-in studies by name. Their contents must not be changed.
func Studies() []Study { return slices.Clone(studies()) }

// Find returns a built-in study by name, or reads a file.
func Find(name string) (Study, error) {
	if text, err := files.ReadFile("studies/" + name + ".json"); err == nil {
		s, err := Read(bytes.NewReader(text))
		s.Name = name
		return s, err
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Study{}, fmt.Errorf("%q is neither a built-in study (l2m lab study lists them) nor a file", name)
	} else if err != nil {
		return Study{}, err
	}
	defer f.Close()
	s, err := Read(f)
	if err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	if s.Name == "" {
		s.Name = strings.TrimSuffix(path.Base(name), path.Ext(name))
	}
	return s, nil
}

// Read reads a study and checks its grid. Unknown keys are errors.
func Read(r io.Reader) (Study, error) {
	s, err := train.DecodeFile[Study](r, "a study")
	if err != nil {
		return Study{}, err
	}
	if _, err := s.Cells(); err != nil {
		return Study{}, fmt.Errorf("reading a study: %w", err)
	}
	if err := s.document().Validate(); err != nil {
		return Study{}, fmt.Errorf("reading a study: %w", err)
	}
	return s, nil
}

// maxCells catches mistyped grids.
const maxCells = 10_000

// safe is a name that may be part of a file's.
var safe = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)

// Cells lists the grid in the order of training: all panels with one seed before any
// with the next, so that an unfinished study has something of everything.
func (s *Study) Cells() ([]Cell, error) {
	var out []Cell
	most := 0
	seeds := func(p Panel) []uint64 {
		if len(p.Seeds) > 0 {
			return p.Seeds
		}
		return s.Seeds
	}
	for _, p := range s.Panels {
		most = max(most, len(seeds(p)))
	}
	checked, opened := map[[2]string]Cell{}, map[string]train.Data{}
	for round := range most {
		for _, p := range s.Panels {
			if round >= len(seeds(p)) {
				continue
			}
			for _, m := range p.Models {
				place := [2]string{p.Name, m}
				c, known := checked[place] // all seeds have the same recipe
				if !known {
					var err error
					if c, err = s.cell(p, m, opened); err != nil {
						return nil, err
					}
					checked[place] = c
				}
				c.Recipe.Seed = seeds(p)[round]
				c.Name = fmt.Sprintf("%s-%s-seed%d", p.Name, m, c.Recipe.Seed)
				c.Recipe.Name = c.Name
				if slices.ContainsFunc(out, func(o Cell) bool { return o.Name == c.Name }) {
					return nil, fmt.Errorf("the study has two cells %s", c.Name)
				}
				if out = append(out, c); len(out) > maxCells {
					return nil, fmt.Errorf("the study has more than %d cells", maxCells)
				}
			}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the study has no cells: it needs models, panels that name them, and seeds")
	}
	return out, nil
}

// cell is the recipe of one model in one panel, without its seed. It uses and extends the
// opened data, since exact laws of long sequences take a while.
func (s *Study) cell(p Panel, model string, opened map[string]train.Data) (Cell, error) {
	i := slices.IndexFunc(s.Models, func(m Model) bool { return m.Name == model })
	if i < 0 {
		return Cell{}, fmt.Errorf("panel %q names %q, which is not a model of the study", p.Name, model)
	}
	c := Cell{Panel: p.Name, Model: model}
	if !safe.MatchString(p.Name) || !safe.MatchString(model) {
		return c, fmt.Errorf("%q and %q name files: want letters, digits, dots and hyphens", p.Name, model)
	}
	merged, err := jsonfile.Merge(s.Recipe, s.Models[i].Training, p.Change, inside("model", s.Models[i].Change), inside("model", p.Sizes[model]))
	if err == nil {
		c.Recipe, err = train.ReadRecipe(bytes.NewReader(merged))
	}
	if err != nil {
		return c, fmt.Errorf("model %s in panel %s: %w", model, p.Name, jsonfile.WithoutLine(err))
	}
	data, known := opened[c.Recipe.Data]
	if !known {
		data, err = open(c.Recipe.Data)
		opened[c.Recipe.Data] = data
	}
	if err == nil {
		_, err = c.Recipe.Settled(data)
	}
	if err != nil {
		return c, fmt.Errorf("model %s in panel %s: %w", model, p.Name, err)
	}
	return c, nil
}

// open opens the data of a recipe; in place of a text, which is not known yet, one that
// is long enough for any recipe.
func open(data string) (train.Data, error) {
	if data != train.Bytes {
		return train.OpenData(data)
	}
	blank := [][]token.ID{make([]token.ID, 1<<20)}
	return train.Text("", 256, blank, blank)
}

// inside is an object with one key; nil for no value.
func inside(key string, value json.RawMessage) json.RawMessage {
	if value == nil {
		return nil
	}
	return slices.Concat([]byte(`{"`+key+`":`), value, []byte("}"))
}

// document is the study without a finished cell.
func (s *Study) document() *result.Study {
	d := &result.Study{Schema: result.StudySchema, Name: s.Name, Question: s.Question, About: s.About, Figures: s.Figures, Cells: []result.StudyCell{}}
	for _, m := range s.Models {
		d.Models = append(d.Models, m.StudyModel)
	}
	for _, p := range s.Panels {
		d.Panels = append(d.Panels, p.StudyPanel)
	}
	return d
}
