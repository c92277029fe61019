package train

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/internal/jsonfile"
	"github.com/l2m-lab/l2m/lab/mixer"
)

// Recipe says what to train and how.
type Recipe struct {
	Name  string       `json:"name"`
	About string       `json:"about,omitempty"` // one line
	Cost  string       `json:"cost,omitempty"`  // as measured, in words
	Model mixer.Config `json:"model"`
	Data  string       `json:"data"` // see OpenData
	// Tokenizer is the file of the vocabulary, for the data Tokens: see vocabulary.Open.
	Tokenizer string `json:"tokenizer,omitempty"`

	Lengths []int  `json:"lengths"`         // tokens of training sequences
	Order   string `json:"order,omitempty"` // of several lengths: "in-turn" (a curriculum, equal numbers of steps) or "mixed"
	Steps   int    `json:"steps"`
	Batch   int    `json:"batch"` // sequences per step
	// Carry is the number of windows of one text that follow each other in as many
	// steps, each from the state that the one before left, which is taken as given:
	// truncated back-propagation. 0 and 1: every sequence begins anew.
	Carry int `json:"carry,omitempty"`

	Optimiser   string  `json:"optimiser,omitempty"` // "adamw" or "muon"
	Rate        float64 `json:"rate"`                // the highest learning rate
	MuonRate    float64 `json:"muon_rate,omitempty"` // of the matrices trained by Muon; 0 means Rate
	WarmUp      int     `json:"warm_up,omitempty"`   // steps in which the rate rises from 0
	Schedule    string  `json:"schedule,omitempty"`  // "cosine" (to 0) or "decay" (constant, the last fifth down to 0)
	WeightDecay float64 `json:"weight_decay,omitempty"`
	Beta2       float64 `json:"beta2,omitempty"` // of Adam; 0 means 0.98
	Clip        float64 `json:"clip,omitempty"`  // largest norm of a gradient; 0 means 1
	Seed        uint64  `json:"seed"`

	Evaluate     []int   `json:"evaluate,omitempty"`      // lengths; empty means the longest trained
	EvaluateOn   int     `json:"evaluate_on,omitempty"`   // sequences per length; 0 means 256
	EvaluateEach int     `json:"evaluate_each,omitempty"` // steps; 0 means only at the end
	StopAt       float64 `json:"stop_at,omitempty"`       // accuracy on the first of Evaluate at which training ends; 0 means never
}

const beta1 = 0.9

// ReadRecipe reads a recipe file. Unknown keys are errors.
func ReadRecipe(r io.Reader) (Recipe, error) { return DecodeFile[Recipe](r, "a recipe") }

// With returns the recipe with one setting changed, named by its key in the file, such as
// model.positions. The value is JSON, or else text without quotes.
func (r Recipe) With(key, value string) (Recipe, error) {
	change := json.RawMessage(value)
	if !json.Valid(change) {
		change, _ = json.Marshal(value) // a string can always be written
	}
	for _, name := range slices.Backward(strings.Split(key, ".")) {
		object, err := json.Marshal(map[string]json.RawMessage{name: change})
		if err != nil {
			return r, err
		}
		change = object
	}
	old, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	merged, err := jsonfile.Merge(old, change)
	if err != nil {
		return r, err
	}
	var out Recipe
	if err := jsonfile.Decode(bytes.NewReader(merged), int64(len(merged)), &out); err != nil {
		return r, jsonfile.WithoutLine(err)
	}
	return out, nil
}

//go:embed recipes/*.json
var recipes embed.FS

// Recipes are the built-in recipes by name.
func Recipes() []Recipe {
	return BuiltIn(recipes, "recipes/*.json", ReadRecipe, func(r *Recipe, name string) { r.Name = name })
}

// Settled returns the recipe with defaults for unset fields, for that data, or an error
// if it is invalid.
func (r Recipe) Settled(d Data) (Recipe, error) {
	def := func(p *string, s string) {
		if *p == "" {
			*p = s
		}
	}
	def(&r.Order, "in-turn")
	def(&r.Optimiser, "adamw")
	def(&r.Schedule, "cosine")
	if r.Beta2 == 0 {
		r.Beta2 = 0.98
	}
	if r.Clip == 0 {
		r.Clip = 1
	}
	if r.MuonRate == 0 {
		r.MuonRate = r.Rate
	}
	if r.EvaluateOn == 0 {
		r.EvaluateOn = 256
	}
	if len(r.Lengths) == 0 {
		return r, errors.New("recipe: lengths is empty")
	}
	longest := slices.Max(r.Lengths)
	if len(r.Evaluate) == 0 {
		r.Evaluate = []int{longest}
	}
	for _, l := range slices.Concat(r.Lengths, r.Evaluate) {
		if l < 1 {
			return r, fmt.Errorf("recipe: length %d: a sequence has at least 1 token", l)
		}
	}
	r.Model.Vocabulary, r.Model.Vector = d.Vocabulary(), d.Vector()
	if r.Model.Limited() && r.Model.Longest == 0 {
		r.Model.Longest = max(longest, slices.Max(r.Evaluate))
	}
	var err error
	if r.Model, err = r.Model.Settled(); err != nil {
		return r, fmt.Errorf("recipe: model: %w", err)
	}
	if err := r.check(d); err != nil {
		return r, err
	}
	if err := r.checkCarry(d); err != nil {
		return r, fmt.Errorf("recipe: carry is %d: %w", r.Carry, err)
	}
	return r, r.checkSize()
}

// checkCarry refuses what has no consecutive windows, or no state to carry between them.
func (r *Recipe) checkCarry(d Data) error {
	switch _, isText := d.(*text); {
	case r.Carry < 0 || r.Carry > 1<<20:
		return errors.New("it must be the number of windows of a text to train on one after another")
	case r.Carry < 2:
		return nil
	case !isText:
		return errors.New("only text has windows that follow each other (data bytes)")
	case len(r.Lengths) > 1:
		return errors.New("windows that follow each other have one length")
	}
	if err := d.CheckLength(r.Carry * r.Lengths[0]); err != nil {
		return fmt.Errorf("%d windows of %d tokens: %w", r.Carry, r.Lengths[0], err)
	}
	return r.Model.CheckCarried()
}

// checkSize refuses models that do not fit into any memory.
func (r *Recipe) checkSize() error {
	const most = 1 << 31
	total := 0.0
	for _, p := range r.Model.Params() {
		n := 1.0
		for _, d := range p.Shape {
			n *= float64(d)
		}
		if total += n; total > most {
			return fmt.Errorf("recipe: model: it has more than %d parameters", most)
		}
	}
	return nil
}

func (r *Recipe) check(d Data) error {
	for _, l := range slices.Concat(r.Lengths, r.Evaluate) {
		if err := d.CheckLength(l); err != nil {
			return fmt.Errorf("recipe: length %d: %w", l, err)
		}
		if r.Model.Limited() && l > r.Model.Longest {
			return fmt.Errorf("recipe: length %d is beyond max_position_embeddings, %d", l, r.Model.Longest)
		}
	}
	if t, ok := d.(tester); ok {
		for _, l := range r.Evaluate {
			if err := t.checkTest(l); err != nil {
				return fmt.Errorf("recipe: evaluating at length %d: %w", l, err)
			}
		}
	}
	for _, n := range []struct {
		name string
		is   int
	}{{"steps", r.Steps}, {"batch", r.Batch}, {"evaluate_on", r.EvaluateOn}} {
		if n.is < 1 || n.is > 1<<30 {
			return fmt.Errorf("recipe: %s is %d; want at least 1", n.name, n.is)
		}
	}
	for _, n := range []struct {
		name   string
		is, hi float64
	}{{"rate", r.Rate, 10}, {"muon_rate", r.MuonRate, 10}, {"beta2", r.Beta2, 1}, {"clip", r.Clip, math.Inf(1)}} {
		if !(n.is > 0 && n.is < n.hi || n.name == "clip" && n.is > 0) {
			return fmt.Errorf("recipe: %s is %g; want above 0 and below %g", n.name, n.is, n.hi)
		}
	}
	if r.WarmUp < 0 || r.EvaluateEach < 0 || !(r.WeightDecay >= 0 && r.WeightDecay < 10) || !(r.StopAt >= 0 && r.StopAt <= 1) {
		return errors.New("recipe: warm_up, evaluate_each and weight_decay must not be negative, and stop_at must be between 0 and 1")
	}
	for _, w := range []struct {
		name, is string
		may      []string
	}{{"order", r.Order, []string{"in-turn", "mixed"}}, {"optimiser", r.Optimiser, []string{"adamw", "muon"}}, {"schedule", r.Schedule, []string{"cosine", "decay"}}} {
		if !slices.Contains(w.may, w.is) {
			return fmt.Errorf("recipe: %s is %q; want %s", w.name, w.is, strings.Join(w.may, " or "))
		}
	}
	return nil
}

// RateAt is the learning rate of a step, from 0, as a share of the highest.
func (r *Recipe) RateAt(step int) float64 {
	share := 1.0
	if step < r.WarmUp {
		share = float64(step+1) / float64(r.WarmUp)
	}
	done := float64(step) / float64(r.Steps)
	if r.Schedule == "cosine" {
		return share * (1 + math.Cos(math.Pi*done)) / 2
	}
	return share * min(1, 5*(1-done))
}

// LengthAt is the length of the sequences of a step.
func (r *Recipe) LengthAt(step int) int {
	if r.Order == "mixed" {
		return r.Lengths[newRand(r.Seed, streamLength, uint64(step)).IntN(len(r.Lengths))]
	}
	return r.Lengths[step*len(r.Lengths)/r.Steps]
}

// shard is the number of sequences of a batch that are computed together: as many as
// have 1,024 tokens, if that divides the batch. It affects the result, since sums in
// float32 depend on their order.
func (r *Recipe) shard(length int) int {
	n := min(r.Batch, max(1, 1024/length))
	for r.Batch%n != 0 {
		n--
	}
	return n
}
