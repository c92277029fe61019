package result

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

// StudySchema is the version of the Study document.
const StudySchema = "l2m.study/1"

// Study is what l2m lab study found so far: one cell for each model that was trained,
// and what is drawn of them. Written to study.json after every cell.
type Study struct {
	Schema   string        `json:"schema"`
	Command  string        `json:"command,omitempty"`
	Version  string        `json:"version,omitempty"`
	Name     string        `json:"name"`
	Question string        `json:"question,omitempty"` // that it asks, a sentence
	About    string        `json:"about,omitempty"`    // the setting, a sentence or two
	Planned  int           `json:"planned"`            // number of cells when it is finished
	Models   []StudyModel  `json:"models"`
	Panels   []StudyPanel  `json:"panels"`
	Figures  []StudyFigure `json:"figures,omitempty"`
	Cells    []StudyCell   `json:"cells"`
}

// StudyModel is one of the models that are compared.
type StudyModel struct {
	Name string `json:"name"`
	// Family joins models that differ in size only: figures against the size of the
	// state draw a line through them. Empty for a model of its own.
	Family string `json:"family,omitempty"`
}

// StudyPanel is one setting in which the models are compared: data, length, training.
type StudyPanel struct {
	Name  string `json:"name"`
	Label string `json:"label"` // in words
}

// StudyFigure says what a figure shows of the cells: gaps or accuracies against X, or
// what was measured against the gap; of text losses.
type StudyFigure struct {
	ID      string   `json:"id"` // lower-case letters, digits, hyphens
	Title   string   `json:"title"`
	Caption string   `json:"caption,omitempty"`
	X       string   `json:"x"`           // "state", "length", "position", "tokens", "cost" or "gap"
	Y       string   `json:"y,omitempty"` // against "gap" only: "exponent" or "information"
	Panels  []string `json:"panels"`
	Models  []string `json:"models,omitempty"` // empty: all
	Length  int      `json:"length,omitempty"` // of the evaluations shown; 0: that of the cells, by length all
}

// The values of StudyFigure.X.
const (
	ByState  = "state"  // numbers that the model keeps, one curve for each family and panel
	ByLength = "length" // tokens of a sequence, one curve for each model
	ByTokens = "tokens" // trained on, one curve for each model
	ByCost   = "cost"   // operations a token, one curve for each family and panel
	ByGap    = "gap"    // one point for each trained model

	ByPosition = "position" // of a token in its text, one curve for each model
)

// The values of StudyFigure.Y for ByGap.
const (
	MeasuredExponent    = "exponent"    // of the law
	MeasuredInformation = "information" // at the longest length, over the exact one
)

// StudyCell is one trained model.
type StudyCell struct {
	Name   string          `json:"name"` // PANEL-MODEL-seedN
	Panel  string          `json:"panel"`
	Model  string          `json:"model"`
	Seed   uint64          `json:"seed"`
	Recipe json.RawMessage `json:"recipe"`           // see lab/train.Recipe
	Corpus string          `json:"corpus,omitempty"` // fingerprint of the text

	Length     int   `json:"length"` // tokens of the evaluated sequences: the longest trained, or the longest where that was not evaluated
	Parameters int   `json:"parameters"`
	Tokens     int64 `json:"tokens"` // trained on
	State      int64 `json:"state"`  // numbers kept before the last token, in all layers
	// Operations are what a token costs, token by token, mean over Length: multiplications of
	// matrix products, and operations on single numbers. 0 means not known.
	Operations float64 `json:"operations,omitempty"`

	Loss     float64   `json:"loss"`               // see LabEvaluation
	Gap      *float64  `json:"gap,omitempty"`      // of the whole sequence
	GapLate  *float64  `json:"gap_late,omitempty"` // of its second half
	Accuracy *float64  `json:"accuracy,omitempty"`
	Recalled *Recalled `json:"recalled,omitempty"` // of the task recall
	// Octaves are losses by position in a text: of the first token, of the second, means
	// of the third and fourth, of the fifth to eighth and so on.
	Octaves []float64 `json:"octaves,omitempty"`
	// Others are evaluations of the finished model at further lengths.
	Others []StudyEvaluation `json:"others,omitempty"`
	// Seconds are the user time of the processor that training and evaluating took. 0
	// means not known.
	Seconds float64 `json:"cpu_seconds"`
	Version string  `json:"version"` // of the l2m that trained it

	Measured *StudyMeasured `json:"measured,omitempty"`
}

// StudyEvaluation is how well the model of a cell does at another length than that of
// the cell.
type StudyEvaluation struct {
	Length   int       `json:"length"` // tokens
	State    int64     `json:"state"`  // numbers kept before the last token, in all layers
	Loss     float64   `json:"loss"`
	Gap      *float64  `json:"gap,omitempty"`
	Accuracy *float64  `json:"accuracy,omitempty"`
	Recalled *Recalled `json:"recalled,omitempty"`
}

// Recalled is what the answers to a recall task show about the state after all pairs
// were told.
type Recalled struct {
	Told     int     `json:"told"`     // pairs
	Pairs    float64 `json:"pairs"`    // recalled, less those that guessing gives
	Nats     float64 `json:"nats"`     // lower bound of the information in the state about the values, given the keys
	Elements int64   `json:"elements"` // numbers in the state when all pairs were told
}

// PerElement is the information that a number of the state carries at least, nats.
func (r *Recalled) PerElement() float64 { return r.Nats / float64(max(1, r.Elements)) }

// StudyCapacity is what a number in the state of a model carried at least, at that of
// the evaluated lengths where it was most.
type StudyCapacity struct {
	Model    string  `json:"model"`
	Family   string  `json:"family,omitempty"`
	Length   int     `json:"length"` // tokens
	Seeds    int     `json:"seeds"`
	Recalled         // means over seeds
	Mean     float64 `json:"nats_per_element"`
	Lowest   float64 `json:"lowest"` // seed
	Highest  float64 `json:"highest"`
}

// Capacities are those of the models in a panel of recall tasks, in the order of the
// models.
func (s *Study) Capacities(panel string) []StudyCapacity {
	var out []StudyCapacity
	for _, m := range s.Models {
		var best *StudyCapacity
		at := map[int]*StudyCapacity{}
		for i := range s.Cells {
			c := &s.Cells[i]
			if c.Panel != panel || c.Model != m.Name {
				continue
			}
			for _, e := range append([]StudyEvaluation{c.Evaluation()}, c.Others...) {
				if e.Recalled == nil {
					continue
				}
				k, each := at[e.Length], e.Recalled.PerElement()
				if k == nil {
					k = &StudyCapacity{Model: m.Name, Family: m.Family, Length: e.Length, Recalled: Recalled{Told: e.Recalled.Told, Elements: e.Recalled.Elements}}
					k.Lowest, k.Highest = each, each
					at[e.Length] = k
				}
				n := float64(k.Seeds)
				k.Seeds++
				k.Pairs, k.Nats = (n*k.Pairs+e.Recalled.Pairs)/(n+1), (n*k.Nats+e.Recalled.Nats)/(n+1)
				k.Mean = k.PerElement()
				k.Lowest, k.Highest = min(k.Lowest, each), max(k.Highest, each)
			}
		}
		for _, length := range slices.Sorted(maps.Keys(at)) {
			if k := at[length]; best == nil || k.Mean > best.Mean {
				best = k
			}
		}
		if best != nil {
			out = append(out, *best)
		}
	}
	return out
}

// StudyMeasured is what l2m measure finds with a trained model in place of the exact
// one, beside the truth, which of a text is not known.
type StudyMeasured struct {
	Estimator     string         `json:"estimator"` // of the headline
	Length        int            `json:"length"`    // the longest, tokens
	Nats          float64        `json:"nats"`      // estimated information at it
	Exact         float64        `json:"exact_nats,omitempty"`
	Exponent      *float64       `json:"exponent,omitempty"` // nil where no law can be fitted
	Interval      *info.Interval `json:"interval,omitempty"`
	ExactExponent float64        `json:"exact_exponent,omitempty"` // between the shortest and the longest length
	Verdict       string         `json:"verdict"`                  // on the power law
	Lower         float64        `json:"lower_nats"`               // end of the bracket at the longest length
	Upper         *float64       `json:"upper_nats"`               // the other end, if there is one
	Findings      []string       `json:"findings,omitempty"`       // codes of the checks that failed
}

// Brackets reports whether the exact information is inside the bracket.
func (m *StudyMeasured) Brackets() bool {
	return m.Lower <= m.Exact && (m.Upper == nil || m.Exact <= *m.Upper)
}

// Evaluation is that of the cell's own length.
func (c *StudyCell) Evaluation() StudyEvaluation {
	return StudyEvaluation{Length: c.Length, State: c.State, Loss: c.Loss, Gap: c.Gap, Accuracy: c.Accuracy, Recalled: c.Recalled}
}

// Value is what figures and tables show: the gap, or the accuracy, or of symbols the
// loss.
func (e *StudyEvaluation) Value() float64 {
	switch {
	case e.Gap != nil:
		return *e.Gap
	case e.Accuracy != nil:
		return *e.Accuracy
	}
	return e.Loss
}

func (*Study) about() about      { return about{StudySchema, "the result of a study", " "} }
func (s *Study) header() *string { return &s.Schema }

var figureName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// Validate says what keeps a document from being shown.
func (s *Study) Validate() error {
	for i, f := range s.Figures {
		at := fmt.Sprintf(".figures[%d]", i)
		if !figureName.MatchString(f.ID) {
			return fmt.Errorf("%s.id is %q; want lower-case letters, digits and hyphens", at, f.ID)
		}
		if j := slices.IndexFunc(s.Figures[:i], func(g StudyFigure) bool { return g.ID == f.ID }); j >= 0 {
			return fmt.Errorf("%s.id is %q, like that of .figures[%d]: one file would replace the other", at, f.ID, j)
		}
		if xs := []string{ByState, ByLength, ByPosition, ByTokens, ByCost, ByGap}; !slices.Contains(xs, f.X) {
			return fmt.Errorf("%s.x is %q; want one of %q", at, f.X, xs)
		}
		if (f.X == ByGap) != (f.Y == MeasuredExponent || f.Y == MeasuredInformation) || f.X != ByGap && f.Y != "" {
			return fmt.Errorf("%s.y is %q; want %q or %q against %q, and nothing otherwise", at, f.Y, MeasuredExponent, MeasuredInformation, ByGap)
		}
		for _, p := range f.Panels {
			if !slices.ContainsFunc(s.Panels, func(q StudyPanel) bool { return q.Name == p }) {
				return fmt.Errorf("%s.panels names %q, which is not a panel of the study", at, p)
			}
		}
		for _, m := range f.Models {
			if !slices.ContainsFunc(s.Models, func(n StudyModel) bool { return n.Name == m }) {
				return fmt.Errorf("%s.models names %q, which is not a model of the study", at, m)
			}
		}
	}
	for i, c := range s.Cells {
		if c.Length < 1 || c.State < 0 || c.Tokens < 0 {
			return fmt.Errorf(".cells[%d] has the length %d, %d tokens of training and a state of %d numbers", i, c.Length, c.Tokens, c.State)
		}
	}
	return nil
}
