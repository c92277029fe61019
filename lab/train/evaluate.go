package train

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/graph"
	"github.com/l2m-lab/l2m/token"
)

// Evaluation is how well a model predicts new sequences of one length.
type Evaluation struct {
	Step      int `json:"step"`
	Length    int `json:"length"`    // tokens
	Sequences int `json:"sequences"` // evaluated
	// Loss is the mean over the tokens that count, in nats: −ln q for symbols, the
	// Kullback–Leibler divergence from the exact law per number for vectors.
	Loss float64 `json:"loss"`
	// ByPosition is the loss of each token, if all count.
	ByPosition []float64 `json:"by_position,omitempty"`
	// Exact is the loss of the true law on the same tokens, by position, in nats;
	// omitted for vectors, where it is 0.
	Exact []float64 `json:"exact,omitempty"`
	// Divergence is the mean Kullback–Leibler divergence of the model's law of each token
	// from the true one, by position, in nats: what it loses beyond Exact, without the
	// chance of which token came. For processes of symbols; omitted where the laws of a
	// sequence have more than 65,536 probabilities.
	Divergence []float64 `json:"divergence,omitempty"`
	// Gain is the information about a token (of a vector, about a number) in everything
	// before it, by position, in nats, to compare the loss with; omitted where it is not
	// known exactly.
	Gain []float64 `json:"gain,omitempty"`
	// Gap is the excess over the gain, see Excess, both summed over positions.
	Gap *float64 `json:"gap,omitempty"`
	// Accuracy is the share of counted positions where the most likely symbol is right;
	// for tasks.
	Accuracy *float64 `json:"accuracy,omitempty"`
}

// Excess is what the model loses beyond the true law, by position, in nats: the
// divergence, or where there is none the loss less that of the true law on the same
// tokens. It is nil where the true law is not known.
func (e *Evaluation) Excess() []float64 {
	switch {
	case e.Divergence != nil:
		return e.Divergence
	case e.Exact != nil && e.ByPosition != nil:
		return floats.SubTo(make([]float64, len(e.Exact)), e.ByPosition, e.Exact)
	case e.Gain != nil:
		return e.ByPosition
	}
	return nil
}

// measureGap sets the gap.
func (e *Evaluation) measureGap() {
	if gain := floats.Sum(e.Gain); gain > 0 {
		gap := floats.Sum(e.Excess()) / gain
		e.Gap = &gap
	}
}

// Evaluate evaluates the model at a length.
func (r *Run) Evaluate(ctx context.Context, data Data, length int, o Options) (*Evaluation, error) {
	e := &Evaluation{Step: r.Steps, Length: length, Sequences: r.Recipe.EvaluateOn}
	test, fixed := data.(tester)
	if fixed {
		e.Sequences = min(e.Sequences, test.tests())
	}
	batch := min(e.Sequences, max(1, 1024/length))
	machine, classes, err := r.evaluator(data, batch, length, o.Set)
	if err != nil {
		return nil, err
	}
	_, isTask := data.(*task)
	sums := make([]float64, length)
	right, inputs := 0.0, inputsOf(machine)
	known, isProcess := data.(*symbols)
	if isProcess = isProcess && length*known.alphabet <= maxLaws; isProcess {
		e.Divergence = make([]float64, length)
	}
	for from := 0; from < e.Sequences; from += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i := range batch {
			k := min(from+i, e.Sequences-1) // the last batch repeats one, which is not counted
			if fixed {
				test.test(k, i, length, inputs)
			} else {
				data.draw(newRand(r.Recipe.Seed, streamEvaluate, uint64(k)), i, length, inputs)
			}
		}
		if err := machine.Run(r.params); err != nil {
			return nil, err
		}
		loss, weights := machine.Output(0), machine.Output(1)
		counted := len(loss) / batch // tokens of a sequence that count
		for i := range min(batch, e.Sequences-from) {
			if isProcess {
				from, to := i*length, (i+1)*length
				if err := known.addDivergence(ctx, e.Divergence, inputs(inputTargets)[from:to], machine.Output(2)[from*classes:to*classes], e.Sequences); err != nil {
					return nil, err
				}
			}
			for t := range counted {
				at := i*counted + t
				w := float64(weights[at])
				if w == 0 {
					continue
				}
				e.Loss += w * float64(loss[at]) / float64(e.Sequences)
				sums[t] += float64(loss[at]) / float64(e.Sequences)
				if isTask && likeliest(machine.Output(2)[at*classes:(at+1)*classes]) == int(inputs(inputTargets)[at]) {
					right += w / float64(e.Sequences)
				}
			}
		}
	}
	if isTask {
		e.Accuracy = &right
		return e, nil
	}
	e.ByPosition = sums
	return e, e.compare(ctx, data, r.Recipe.Seed)
}

// maxLaws bounds the probabilities of the laws of one sequence: a step of the exact
// recursion each.
const maxLaws = 1 << 16

// addDivergence adds the divergence of each position of one of n sequences, over n.
func (d *symbols) addDivergence(ctx context.Context, sums []float64, sequence, logits []float32, n int) error {
	tokens := make([]token.ID, len(sequence))
	for t, x := range sequence {
		tokens[t] = token.ID(x)
	}
	laws, err := d.laws(ctx, tokens)
	if err != nil {
		return err
	}
	classes := len(logits) / len(tokens)
	for t, law := range laws {
		sums[t] += symbolDivergence(law, logits[t*classes:(t+1)*classes]) / float64(n)
	}
	return nil
}

// symbolDivergence is Σ p·(ln p − ln q), in nats, of log-probabilities ln p and of q by
// its logits, of which there may be more.
func symbolDivergence(law []float64, logits []float32) float64 {
	all := make([]float64, len(logits))
	for i, x := range logits {
		all[i] = float64(x)
	}
	total, norm := 0.0, floats.LogSumExp(all)
	for i, lp := range law {
		if p := math.Exp(lp); p > 0 {
			total += p * (lp - (all[i] - norm))
		}
	}
	return total
}

// evaluator compiles the loss without derivatives.
func (r *Run) evaluator(data Data, batch, length int, set cpu.Set) (m *cpu.Machine, classes int, err error) {
	var results []*graph.Node
	if _, err := graph.Build(func(g *graph.Graph) {
		b := data.loss(g, &r.Recipe.Model, batch, length)
		results = []*graph.Node{b.loss, b.weights}
		if b.logits != nil {
			results = append(results, b.logits)
			classes = b.logits.Shape[1]
		}
	}); err != nil {
		return nil, 0, err
	}
	p, err := cpu.Compile(results, r.layout, set)
	if err != nil {
		return nil, 0, err
	}
	return cpu.NewMachine(p), classes, nil
}

// compare adds what is known exactly.
func (e *Evaluation) compare(ctx context.Context, data Data, seed uint64) error {
	switch d := data.(type) {
	case *gaussian:
		f, err := d.factor(e.Length)
		if err != nil {
			return err
		}
		e.Gain = f.gain
		e.measureGap()
	case truth:
		e.Exact = make([]float64, e.Length)
		for k := range e.Sequences {
			x, err := d.exact(ctx, newRand(seed, streamEvaluate, uint64(k)), e.Length)
			if err != nil {
				return err
			}
			for t := range x {
				e.Exact[t] += x[t] / float64(e.Sequences)
			}
		}
		if p, ok := data.(*symbols); ok {
			gain, err := p.gain(ctx, e.Length)
			if err != nil {
				return err
			}
			e.Gain = gain
			e.measureGap()
		}
	}
	return nil
}

func likeliest(logits []float32) int {
	best, at := math.Inf(-1), 0
	for i, x := range logits {
		if float64(x) > best {
			best, at = float64(x), i
		}
	}
	return at
}
