package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/graph"
	"github.com/l2m-lab/l2m/lab/mixer"
	"github.com/l2m-lab/l2m/token"
)

// filled draws a sequence of a task.
func filled(d Data, rng *rand.Rand, length int) map[string][]float32 {
	x, targets, weights := make([]float32, length), make([]float32, length), make([]float32, length)
	d.(*task).fill(rng, x, targets, weights)
	return map[string][]float32{inputX: x, inputTargets: targets, inputWeights: weights}
}

// The loss of a task is that of all tokens where those without an answer weigh nothing,
// for every number of sequences, and so are its derivatives.
func TestOnlyAnswersAreComputed(t *testing.T) {
	for _, spec := range []string{"recall:pairs=3,vocabulary=32", "recall:growth=0.5,vocabulary=32", "copy:symbols=6", "selective:symbols=6,items=3"} {
		d, err := OpenData(spec)
		if err != nil {
			t.Fatal(err)
		}
		const batch, length = 3, 17
		r := Recipe{Data: spec, Lengths: []int{length}, Steps: 1, Batch: batch, Rate: 0.01, Seed: 1}
		r.Model = mixer.Config{Types: []string{"short_conv", "full_attention"}, Hidden: 8, Layers: 2, Heads: 2, Inner: 8, Place: "learned"}
		if r, err = r.Settled(d); err != nil {
			t.Fatal(err)
		}
		run := newRun(r)
		// evaluate returns the loss and its derivatives.
		evaluate := func(loss func(g *graph.Graph) built, draw func(k int, input func(string) []float32)) [][]float32 {
			var results []*graph.Node
			if _, err := graph.Build(func(g *graph.Graph) {
				b := loss(g)
				total := g.SumAll(g.Mul(b.loss, b.weights))
				var wrt []*graph.Node
				for _, p := range run.layout.Tensors {
					wrt = append(wrt, g.Param(p.Name, p.Shape...))
				}
				results = append([]*graph.Node{total}, g.Gradients(total, wrt)...)
			}); err != nil {
				t.Fatal(err)
			}
			p, err := cpu.Compile(results, run.layout, cpu.Best())
			if err != nil {
				t.Fatal(err)
			}
			m := cpu.NewMachine(p)
			for k := range batch {
				draw(k, inputsOf(m))
			}
			if err := m.Run(run.params); err != nil {
				t.Fatal(err)
			}
			var out [][]float32
			for i := range results {
				out = append(out, slices.Clone(m.Output(i)))
			}
			return out
		}
		rng := func(k int) *rand.Rand { return rand.New(rand.NewPCG(uint64(k), 5)) }
		got := evaluate(func(g *graph.Graph) built { return d.loss(g, &run.Recipe.Model, batch, length) },
			func(k int, input func(string) []float32) { d.draw(rng(k), k, length, input) })
		want := evaluate(func(g *graph.Graph) built { return symbolLoss(g, &run.Recipe.Model, batch, length) },
			func(k int, input func(string) []float32) {
				for name, x := range filled(d, rng(k), length) {
					copy(input(name)[k*length:], x)
				}
			})
		for i := range want {
			for j := range want[i] {
				if a, b := float64(got[i][j]), float64(want[i][j]); !(math.Abs(a-b) <= 1e-5*(1+math.Abs(b))) {
					t.Fatalf("%s: result %d, number %d is %g, want %g", spec, i, j, a, b)
				}
			}
		}
		if got[0][0] < 1 {
			t.Errorf("%s: an untrained model loses only %g nats an answer", spec, got[0][0]/batch)
		}
	}
}

// TestRecallAsksForWhatItTold checks the answers of recall against its pairs.
func TestRecallAsksForWhatItTold(t *testing.T) {
	d, err := OpenData("recall:pairs=5,vocabulary=64")
	if err != nil {
		t.Fatal(err)
	}
	const length = 32
	for seed := range uint64(50) {
		buffers := filled(d, rand.New(rand.NewPCG(seed, 1)), length)
		pairs := map[float32]float32{}
		x := buffers[inputX]
		for i := range 5 {
			pairs[x[2*i]] = x[2*i+1]
		}
		asked := 0
		for at, w := range buffers[inputWeights] {
			if w == 0 {
				continue
			}
			asked++
			value, told := pairs[x[at]]
			if !told || value != buffers[inputTargets][at] || at < 10 || value < 32 || x[at] >= 32 {
				t.Fatalf("seed %d: at %d key %v asks for %v, pairs %v", seed, at, x[at], buffers[inputTargets][at], pairs)
			}
		}
		if asked != 5 || len(pairs) != 5 {
			t.Fatalf("seed %d: %d questions about %d pairs", seed, asked, len(pairs))
		}
	}
}

// With every=N and growth=G the number of pairs follows the length, up to the keys that
// there are.
func TestRecallOfMorePairsInLongerSequences(t *testing.T) {
	for spec, counts := range map[string]map[int]int{
		"recall:every=4,vocabulary=32":     {4: 1, 7: 1, 8: 2, 32: 8, 63: 15, 3: 0, 64: 0},
		"recall:growth=0.5,vocabulary=32":  {3: 0, 4: 1, 15: 1, 16: 2, 64: 4, 255: 7, 256: 8, 1023: 15, 1024: 0},
		"recall:growth=0.75,vocabulary=32": {4: 1, 8: 1, 16: 2, 64: 8, 147: 14, 148: 15, 160: 15, 164: 0},
	} {
		t.Run(spec, func(t *testing.T) { checkRecall(t, spec, counts) })
	}
}

// checkRecall draws a sequence of each length, and counts the pairs; 0 where none fits.
func checkRecall(t *testing.T, spec string, counts map[int]int) {
	d, err := OpenData(spec)
	if err != nil {
		t.Fatal(err)
	}
	for length, pairs := range counts {
		if err := d.CheckLength(length); (err == nil) != (pairs > 0) {
			t.Errorf("length %d: %v", length, err)
		}
		if pairs == 0 {
			continue
		}
		buffers := filled(d, rand.New(rand.NewPCG(3, 1)), length)
		asked := 0
		for at, w := range buffers[inputWeights] {
			if w == 0 {
				continue
			}
			asked++
			told := slices.Index(buffers[inputX][:2*pairs], buffers[inputX][at])
			if told < 0 || told%2 != 0 || buffers[inputX][told+1] != buffers[inputTargets][at] || at < 2*pairs {
				t.Errorf("length %d: the answer at %d was not told", length, at)
			}
		}
		if asked != pairs {
			t.Errorf("length %d asks for %d of %d pairs", length, asked, pairs)
		}
	}
}

// The law of every symbol sums to one, gives the token that came its probability, and
// diverges from itself by nothing; from another by what the definition says.
func TestExactDivergenceOfSymbols(t *testing.T) {
	for _, spec := range []string{"renewal:tail=1.5", "grammar:symbols=8,rules=2", "urn:symbols=4,concentration=1", "sticky:states=2,stay=0.95,clear=0.9", "markov:transition=0.9/0.1;0.2/0.8", "iid:symbols=4", "repeat:symbols=4,longest=16"} {
		d, err := OpenData(spec)
		if err != nil {
			t.Fatal(err)
		}
		s := d.(*symbols)
		const length = 16
		draw := func() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
		tokens := s.p.Sample(draw(), length)
		laws, err := s.laws(t.Context(), tokens)
		if err != nil {
			t.Fatal(spec, err)
		}
		exact, err := s.exact(t.Context(), draw(), length)
		if err != nil {
			t.Fatal(spec, err)
		}
		for at, law := range laws {
			sum, logits := 0.0, make([]float32, len(law))
			for i, lp := range law {
				sum += math.Exp(lp)
				logits[i] = float32(lp) + 3 // logits are known up to a constant
			}
			if math.Abs(sum-1) > 1e-5 || math.Abs(law[tokens[at]]+exact[at]) > 1e-6 {
				t.Errorf("%s, token %d: the law sums to %g and gives %g, the model gives %g", spec, at, sum, law[tokens[at]], -exact[at])
			}
			if kl := symbolDivergence(law, logits); math.Abs(kl) > 1e-6 {
				t.Errorf("%s, token %d diverges from itself by %g", spec, at, kl)
			}
		}
	}
	// p = (1/4, 3/4, 0), q = (1/2, 1/4, 1/8, 1/8): 1/4·ln(1/2) + 3/4·ln 3.
	law := []float64{math.Log(0.25), math.Log(0.75), math.Inf(-1)}
	logits := []float32{float32(math.Log(4)), float32(math.Log(2)), 0, 0}
	if got, want := symbolDivergence(law, logits), 0.25*math.Log(0.5)+0.75*math.Log(3); math.Abs(got-want) > 1e-6 {
		t.Errorf("%g, want %g", got, want)
	}
}

// What a model loses beyond the exact law is the divergence, but for chance. The variance
// of ln p/q of a token is about twice its divergence where that is small, so that the mean
// over n tokens has the standard error √(2·divergence/n); four of them are allowed.
func TestDivergenceIsWhatIsLostBeyondTheExactLaw(t *testing.T) {
	r := Recipe{Data: "sticky:states=2,stay=0.95,clear=0.9", Lengths: []int{16}, Steps: 30, Batch: 8, Rate: 0.01, Seed: 1, EvaluateOn: 400}
	r.Model = mixer.Config{Types: []string{"full_attention"}, Hidden: 16, Layers: 1, Heads: 2, Inner: 16, Place: "learned"}
	d, err := OpenData(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = r.Settled(d); err != nil {
		t.Fatal(err)
	}
	run, err := Train(t.Context(), r, d, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := run.Evaluations[len(run.Evaluations)-1]
	lost, exactly := e.Loss-stat.Mean(e.Exact, nil), stat.Mean(e.Divergence, nil)
	if allowed := 4 * math.Sqrt(2*exactly/(16*400)); exactly < 0.001 || math.Abs(lost-exactly) > allowed {
		t.Errorf("%g nats a token lost, %g exactly, %g apart allowed", lost, exactly, allowed)
	} else {
		t.Logf("%g nats a token lost, %g exactly, %g apart allowed", lost, exactly, allowed)
	}
	// The process is stationary: a token's past holds H(token) − H(token | past), where
	// the second is what the exact law loses. A mean of −ln p over n tokens, of at most
	// 1.5 nats of deviation each, has a standard error below 1.5/√n.
	entropy := entropyOfOne(t, d.(*symbols))
	for at, gain := range e.Gain {
		if math.Abs(entropy-e.Exact[at]-gain) > 4*1.5/math.Sqrt(400) {
			t.Errorf("the past of token %d holds %g nats; %g and %g nats are lost without and with it", at+1, gain, entropy, e.Exact[at])
		}
	}
	if e.Gain[0] != 0 || !(e.Gain[15] > 0.1) {
		t.Errorf("the pasts of the first and last token hold %g and %g nats", e.Gain[0], e.Gain[15])
	}
	if want := 16 * exactly / (16 * stat.Mean(e.Gain, nil)); math.Abs(*e.Gap-want) > 1e-9 {
		t.Errorf("the gap is %g, want %g", *e.Gap, want)
	}
	// Without the divergence the gap is that of losses on the same tokens.
	sampled := e
	sampled.Divergence = nil
	sampled.measureGap()
	if want := lost / stat.Mean(e.Gain, nil); math.Abs(*sampled.Gap-want) > 1e-9 {
		t.Errorf("the gap of losses is %g, want %g", *sampled.Gap, want)
	}
}

// entropyOfOne is that of a first token, nats.
func entropyOfOne(t *testing.T, d *symbols) float64 {
	laws, err := d.laws(t.Context(), []token.ID{0})
	if err != nil {
		t.Fatal(err)
	}
	h := 0.0
	for _, lp := range laws[0] {
		if p := math.Exp(lp); p > 0 {
			h -= p * lp
		}
	}
	return h
}

func TestCopiesAreCopies(t *testing.T) {
	for _, spec := range []string{"copy:symbols=5", "selective:symbols=5,items=4"} {
		d, err := OpenData(spec)
		if err != nil {
			t.Fatal(err)
		}
		const length = 20
		buffers := filled(d, rand.New(rand.NewPCG(2, 1)), length)
		mark := slices.Index(buffers[inputX], 5)
		var told, asked []float32
		total := float32(0)
		for at, x := range buffers[inputX] {
			if at < mark && x < 5 {
				told = append(told, x)
			}
			if w := buffers[inputWeights][at]; w > 0 {
				asked, total = append(asked, buffers[inputTargets][at]), total+w
			}
		}
		if len(told) == 0 || !slices.Equal(told, asked) || math.Abs(float64(total)-1) > 1e-6 {
			t.Errorf("%s: told %v, asked for %v with weight %v", spec, told, asked, total)
		}
	}
}
