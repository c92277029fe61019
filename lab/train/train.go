package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/graph"
	"github.com/l2m-lab/l2m/lab/mixer"
)

// Options of Train that do not change its result.
type Options struct {
	Workers    int           // 0 means GOMAXPROCS
	Set        cpu.Set       // of instructions; the zero value is plain Go, see cpu.Best
	Corpus     string        // identifies the text and its tokens in checkpoints: training does not resume on others
	Checkpoint string        // file, written from time to time and at the end; if it exists, training resumes from it
	SaveEach   time.Duration // between checkpoints; 0 means 30 s
	// Progress is called after every step; tokens is the total so far.
	Progress func(step, steps int, tokens int64, loss float64)
}

// Run is a trained model and its history.
type Run struct {
	Recipe      Recipe
	Steps       int       // completed
	Tokens      int64     // trained on
	Loss        []float32 // by step, on the training batch, nats per token
	Norm        []float32 // of the gradient, by step, before clipping
	Evaluations []Evaluation
	Stopped     bool // at Recipe.StopAt
	// Seconds are the user time of the processor that the steps and evaluations took,
	// in all parts of an interrupted run. 0, or not a number, means not known.
	Seconds float64

	params []float32
	layout *cpu.Layout
}

// DivergedError says that a loss or a gradient is not finite.
type DivergedError struct {
	Step  int
	Saved int // step of the last checkpoint; −1 if there is none
}

func (e *DivergedError) Error() string {
	kept := "no checkpoint was written yet"
	if e.Saved >= 0 {
		kept = fmt.Sprintf("the checkpoint of step %d is kept", e.Saved)
	}
	return fmt.Sprintf("training diverged at step %d: the loss or its gradient is not a number (%s; lower the rate or lengthen the warm-up)", e.Step, kept)
}

// trainer is the state of Train.
type trainer struct {
	run     *Run
	data    Data
	o       Options
	opt     *optimiser
	workers map[int][]*cpu.Machine // by length: mixed lengths come back at once
	carried [][]float32            // states that the last window left, of the whole batch, see Recipe.Carry
	saved   int
	savedAt time.Time
}

// LayoutOf says where the parameters of a model lie in one vector.
func LayoutOf(c mixer.Config) *cpu.Layout {
	l := &cpu.Layout{}
	for _, p := range c.Params() {
		l.Add(p.Name, p.Shape...)
	}
	return l
}

// Train trains by a recipe that Recipe.Settled has returned for the data.
// Interrupted by ctx, it writes a checkpoint and returns the error of ctx.
func Train(ctx context.Context, r Recipe, data Data, o Options) (*Run, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.SaveEach == 0 {
		o.SaveEach = 30 * time.Second
	}
	run := newRun(r)
	t := &trainer{run: run, data: data, o: o, saved: -1, savedAt: time.Now()}
	t.opt = newOptimiser(&run.Recipe, r.Model.Params(), run.layout, o.Set)
	if err := t.load(); err != nil {
		return nil, err
	}
	for run.Steps < r.Steps && !run.Stopped {
		err := ctx.Err()
		if err == nil {
			err = t.timed(func() error { return t.advance(ctx) })
		}
		if err != nil && ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), t.save())
		}
		if err != nil {
			return nil, err
		}
		if time.Since(t.savedAt) > o.SaveEach {
			if err := t.save(); err != nil {
				return nil, err
			}
		}
	}
	return run, t.finish(ctx)
}

// newRun is a run before its first step.
func newRun(r Recipe) *Run {
	run := &Run{Recipe: r, layout: LayoutOf(r.Model)}
	run.params = make([]float32, run.layout.Size)
	for i, p := range r.Model.Params() {
		at := run.layout.Tensors[i]
		p.Fill(run.params[at.Offset:at.Offset+at.Size()], newRand(r.Seed, streamBegin, uint64(i)))
	}
	return run
}

// advance evaluates, where that is due and a run that was interrupted has not
// done it, or takes a step.
func (t *trainer) advance(ctx context.Context) error {
	r := &t.run.Recipe
	if r.EvaluateEach == 0 || t.run.Steps == 0 || t.run.Steps%r.EvaluateEach != 0 || t.run.evaluated(r.Evaluate[0]) {
		return t.step()
	}
	if err := t.evaluate(ctx, r.Evaluate[0]); err != nil {
		return err
	}
	e := t.run.Evaluations[len(t.run.Evaluations)-1]
	t.run.Stopped = r.StopAt > 0 && e.Accuracy != nil && *e.Accuracy >= r.StopAt
	return nil
}

// evaluate adds the evaluation of the model as it is at a length.
func (t *trainer) evaluate(ctx context.Context, length int) error {
	e, err := t.run.Evaluate(ctx, t.data, length, t.o)
	if err == nil {
		t.run.Evaluations = append(t.run.Evaluations, *e)
	}
	return err
}

// timed adds the time that f takes to that of the run.
func (t *trainer) timed(f func() error) error {
	began := userSeconds()
	err := f()
	t.run.Seconds += userSeconds() - began
	return err
}

// evaluated reports whether the model as it is was evaluated at a length.
func (r *Run) evaluated(length int) bool {
	return slices.ContainsFunc(r.Evaluations, func(e Evaluation) bool { return e.Step == r.Steps && e.Length == length })
}

// finish evaluates at every length and writes the last checkpoint.
func (t *trainer) finish(ctx context.Context) error {
	for _, l := range t.run.Recipe.Evaluate {
		if t.run.evaluated(l) {
			continue
		}
		if err := t.timed(func() error { return t.evaluate(ctx, l) }); err != nil {
			return errors.Join(err, t.save())
		}
	}
	return t.save()
}

// program builds the loss of a shard, its derivatives and the states that it leaves,
// if they are carried.
func program(data Data, r *Recipe, layout *cpu.Layout, shard, length int, set cpu.Set) (*cpu.Program, []*graph.Node, error) {
	var results, states []*graph.Node
	if _, err := graph.Build(func(g *graph.Graph) {
		var b built
		if r.Carry > 1 {
			given := 0
			logits, left := r.Model.Continue(g, g.Input(inputX, shard, length), func(shape ...int) *graph.Node {
				given++
				return g.Input(inputState(given-1), shape...)
			})
			b, states = lossOf(g, logits, shard, length), left
		} else {
			b = data.loss(g, &r.Model, shard, length)
		}
		loss := g.Scale(g.SumAll(g.Mul(b.loss, b.weights)), 1/float64(r.Batch))
		results = append(results, loss)
		var wrt []*graph.Node
		for _, t := range layout.Tensors {
			wrt = append(wrt, g.Param(t.Name, t.Shape...))
		}
		results = append(append(results, g.Gradients(loss, wrt)...), states...)
	}); err != nil {
		return nil, nil, err
	}
	p, err := cpu.Compile(results, layout, set)
	return p, states, err
}

// step takes one step of training. Shards are computed on any worker and added
// up in their order.
func (t *trainer) step() error {
	r := &t.run.Recipe
	length := r.LengthAt(t.run.Steps)
	shard := r.shard(length)
	if t.workers[length] == nil {
		p, states, err := program(t.data, r, t.run.layout, shard, length, t.o.Set)
		if err != nil {
			return err
		}
		for i, s := range states {
			n := s.Size() / shard * r.Batch
			if i == len(t.carried) && t.run.Steps%r.Carry == 0 {
				t.carried = append(t.carried, make([]float32, n))
			}
			if i >= len(t.carried) || len(t.carried[i]) != n {
				return errors.New("the checkpoint lacks the states that the last windows left (start again with --fresh)")
			}
		}
		if t.workers == nil || r.Order != "mixed" {
			t.workers = map[int][]*cpu.Machine{}
		}
		for range min(t.o.Workers, r.Batch/shard) {
			t.workers[length] = append(t.workers[length], cpu.NewMachine(p))
		}
	}
	loss, gradient, err := t.gradient(shard, length)
	if err != nil {
		return err
	}
	norm := t.opt.clip(gradient)
	if math.IsNaN(loss) || math.IsInf(loss, 0) || math.IsNaN(norm) || math.IsInf(norm, 0) {
		return &DivergedError{Step: t.run.Steps + 1, Saved: t.saved}
	}
	if err := t.opt.update(t.run.params, gradient, t.run.Steps); err != nil {
		return err
	}
	t.run.Steps++
	t.run.Tokens += int64(r.Batch) * int64(length)
	t.run.Loss, t.run.Norm = append(t.run.Loss, float32(loss)), append(t.run.Norm, float32(norm))
	if t.o.Progress != nil {
		t.o.Progress(t.run.Steps, r.Steps, t.run.Tokens, loss)
	}
	return nil
}

// part is the loss and gradient of one shard.
type part struct {
	loss     float64
	gradient []float32
}

// gradient adds up the shards of the step at hand.
func (t *trainer) gradient(shard, length int) (float64, []float32, error) {
	r := &t.run.Recipe
	shards := r.Batch / shard
	done := make([]chan part, shards)
	for i := range done {
		done[i] = make(chan part, 1)
	}
	next := make(chan int) // shards are handed out in order, at most so many ahead
	workers := t.workers[length]
	ahead := make(chan struct{}, 2*len(workers))
	errs := make(chan error, len(workers))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, m := range workers {
		wg.Go(func() {
			for i := range next {
				p, err := t.shard(m, i, shard, length)
				if err != nil {
					errs <- err
					return
				}
				done[i] <- p
			}
		})
	}
	wg.Go(func() {
		defer close(next)
		for i := range shards {
			select {
			case ahead <- struct{}{}:
			case <-stop:
				return
			}
			select {
			case next <- i:
			case <-stop:
				return
			}
		}
	})
	defer wg.Wait()
	defer close(stop)
	var total part
	for i := range shards {
		select {
		case err := <-errs:
			return 0, nil, err
		case p := <-done[i]:
			<-ahead
			total.loss += p.loss
			if total.gradient == nil {
				total.gradient = p.gradient
				continue
			}
			for k, x := range p.gradient {
				total.gradient[k] += x
			}
		}
	}
	return total.loss, total.gradient, nil
}

// shard draws shard number i of the step at hand and runs it.
func (t *trainer) shard(m *cpu.Machine, i, shard, length int) (part, error) {
	r, inputs := &t.run.Recipe, inputsOf(m)
	group, window := t.run.Steps, 0 // of windows that follow each other
	if r.Carry > 1 {
		group, window = t.run.Steps/r.Carry, t.run.Steps%r.Carry
	}
	for k := range shard {
		rng := newRand(r.Seed, streamTrain, uint64(group)*uint64(r.Batch)+uint64(i*shard+k))
		if r.Carry > 1 {
			t.data.(*text).drawPart(rng, k, length, window, r.Carry, inputs)
		} else {
			t.data.draw(rng, k, length, inputs)
		}
	}
	for k, all := range t.carried {
		in := inputs(inputState(k))
		clear(in)
		if window > 0 {
			copy(in, all[i*len(in):])
		}
	}
	if err := m.Run(t.run.params); err != nil {
		return part{}, err
	}
	p := part{loss: float64(m.Output(0)[0]), gradient: make([]float32, 0, t.run.layout.Size)}
	tensors := len(t.run.layout.Tensors)
	for k := range tensors {
		p.gradient = append(p.gradient, m.Output(k+1)...)
	}
	for k, all := range t.carried { // no other shard reads or writes this part
		left := m.Output(1 + tensors + k)
		copy(all[i*len(left):], left)
	}
	return p, nil
}

// inputsOf finds inputs by name; those that the program does not use are
// written nowhere that matters.
func inputsOf(m *cpu.Machine) func(name string) []float32 {
	return func(name string) []float32 {
		x, err := m.Input(name)
		if err != nil {
			panic("train: " + err.Error()) // every loss uses its inputs
		}
		return x
	}
}
