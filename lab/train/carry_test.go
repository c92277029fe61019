package train

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/token"
)

// carrying is a recipe of windows that follow each other, and text for it.
func carrying(t *testing.T) (Recipe, Data) {
	t.Helper()
	rng := rand.New(rand.NewPCG(8, 8))
	var docs [][]token.ID
	for n := range 3 {
		doc := make([]token.ID, 200+n)
		for i := range doc {
			doc[i] = token.ID(rng.IntN(6))
		}
		docs = append(docs, doc)
	}
	d, err := Text("", 6, docs, [][]token.ID{docs[0][:64]})
	if err != nil {
		t.Fatal(err)
	}
	r := small("bytes")
	r.Model.Types, r.Model.Layers, r.Model.Place, r.Model.Chunk = []string{"mamba2", "gated_delta", "gated_linear_attention", "mamba"}, 4, "", 8
	r.Batch, r.Carry = 96, 3
	if r, err = r.Settled(d); err != nil {
		t.Fatal(err)
	}
	return r, d
}

// Without learning, three windows lose together what one of three times their length
// does.
func TestCarriedWindowsAreOneLongSequence(t *testing.T) {
	r, d := carrying(t)
	r.Rate, r.MuonRate = 1e-30, 1e-30
	parts, err := Train(t.Context(), r, d, Options{Set: cpu.Best()})
	if err != nil {
		t.Fatal(err)
	}
	r.Carry, r.Lengths, r.Steps = 0, []int{48}, r.Steps/3
	whole, err := Train(t.Context(), r, d, Options{Set: cpu.Best()})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range whole.Loss {
		if got := (parts.Loss[3*i] + parts.Loss[3*i+1] + parts.Loss[3*i+2]) / 3; math.Abs(float64(got-want)) > 1e-5 {
			t.Errorf("three windows lose %v, one of their length %v", got, want)
		}
	}
}

// A run stopped in any window goes on from the states that were carried, on any number
// of workers.
func TestInterruptedRunsGoOnWithTheirStates(t *testing.T) {
	r, d := carrying(t)
	whole, err := Train(t.Context(), r, d, Options{Set: cpu.Best(), Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "checkpoint.safetensors")
	for range r.Steps + 1 {
		ctx, cancel := context.WithCancel(t.Context())
		got, err := Train(ctx, r, d, Options{Set: cpu.Best(), Workers: 3, Checkpoint: file, Progress: func(int, int, int64, float64) { cancel() }})
		cancel()
		if errors.Is(err, context.Canceled) {
			continue
		}
		if err != nil || !slices.Equal(got.params, whole.params) {
			t.Errorf("the interrupted run differs (%v)", err)
		}
		return
	}
	t.Error("no progress")
}

func TestWhatCannotBeCarriedGetsOneLine(t *testing.T) {
	for _, c := range []struct {
		change func(r *Recipe)
		says   string
	}{
		{func(r *Recipe) { r.Carry = -1 }, "recipe: carry is -1: it must be"},
		{func(r *Recipe) { r.Carry = 50 }, "50 windows of 16 tokens: the longest training text has 202 tokens"},
		{func(r *Recipe) { r.Lengths = []int{8, 16} }, "windows that follow each other have one length"},
		{func(r *Recipe) { r.Model.Types = []string{"full_attention"} }, "full_attention does not have a state of constant size"},
	} {
		r, d := carrying(t)
		c.change(&r)
		if _, err := r.Settled(d); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, want %q", err, c.says)
		}
	}
	r := small(gaussianData)
	r.Carry = 2
	d, err := OpenData(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Settled(d); err == nil || !strings.Contains(err.Error(), "only text has windows") {
		t.Error(err)
	}
}
