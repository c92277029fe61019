package mixer_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/lab/graph"
	"github.com/l2m-lab/l2m/lab/mixer"
)

// length is of the battery's sequences: three chunks of 4.
const length = 12

// subjects are the configurations that the battery runs over: every mechanism,
// and what differs within one.
func subjects() map[string]mixer.Config {
	base := mixer.Config{Hidden: 8, Layers: 1, Heads: 2, Inner: 12, State: 3, Kernel: 3, Chunk: 4, Window: 4, Vocabulary: 5, Longest: 16, Exponent: 0.8}
	out := map[string]mixer.Config{}
	for _, name := range mixer.Mechanisms() {
		c := base
		c.Types = []string{name}
		out[name] = c
	}
	change := func(name string, types []string, f func(c *mixer.Config)) {
		c := base
		c.Types = types
		f(&c)
		out[name] = c
	}
	attention := []string{"full_attention"}
	for _, name := range []string{"full_attention", "linear_attention", "gated_linear_attention", "gated_delta", "log_linear_attention", "power_law_memory", "memory_caching"} {
		change(name+" with heads of 2", []string{name}, func(c *mixer.Config) { c.Heads, c.HeadDim = 3, 2 })
	}
	for _, name := range []string{"full_attention", "sliding_attention", "power_law_memory", "memory_caching"} {
		change(name+" with shared keys", []string{name}, func(c *mixer.Config) { c.Heads, c.KVHeads, c.HeadDim = 4, 2, 3 })
	}
	change("shared keys, merged by attention", []string{"power_law_memory"}, func(c *mixer.Config) { c.Merge, c.Heads, c.KVHeads = "attention", 4, 1 })
	change("rope", attention, func(c *mixer.Config) { c.Place = "rope" })
	change("rope with shared keys", attention, func(c *mixer.Config) { c.Place, c.KVHeads = "rope", 1 })
	change("learned positions", attention, func(c *mixer.Config) { c.Place, c.Longest = "learned", length })
	change("digits of positions", attention, func(c *mixer.Config) { c.Place, c.Longest = "digits", length })
	change("tied", attention, func(c *mixer.Config) { c.Tied = true })
	change("window of 1", []string{"sliding_attention"}, func(c *mixer.Config) { c.Window = 1 })
	change("sinks", []string{"sliding_attention"}, func(c *mixer.Config) { c.Sinks, c.Place = 2, "rope" })
	change("sinks and a window of 1", []string{"sliding_attention"}, func(c *mixer.Config) { c.Sinks, c.Window = 1, 1 })
	change("wide window", []string{"sliding_attention"}, func(c *mixer.Config) { c.Window = 40 })
	change("kernel of 1", []string{"mamba2"}, func(c *mixer.Config) { c.Kernel = 1 })
	change("gated MLP, RMS norm", attention, func(c *mixer.Config) { c.MLP, c.Norm = "gated", "rmsnorm" })
	change("vectors", []string{"gated_delta"}, func(c *mixer.Config) { c.Vocabulary, c.Vector = 0, 2 })
	change("hybrid without MLP", []string{"mamba2", "sliding_attention"}, func(c *mixer.Config) { c.Layers, c.Inner = 3, 0 })
	change("levels within one chunk", []string{"log_linear_attention"}, func(c *mixer.Config) { c.Chunk = 16 })
	change("levels without a chunk", []string{"log_linear_attention"}, func(c *mixer.Config) { c.Chunk, c.Longest = 1, 12 })
	memory := []string{"power_law_memory"}
	change("memory merged by attention", memory, func(c *mixer.Config) { c.Merge, c.Exponent = "attention", 0.5 })
	change("nested attention", memory, func(c *mixer.Config) { c.Merge, c.Exponent = "nested", 0.5 })
	change("memory of one slot a level", memory, func(c *mixer.Config) { c.Exponent, c.MemoryChunk = 0, 2 })
	change("memory without a chunk", memory, func(c *mixer.Config) { c.Scale, c.MemoryChunk = 1.5, 1 })
	change("orthogonal merges", memory, func(c *mixer.Config) { c.Merge, c.Exponent = "orthogonal", 0.5 })
	change("dense merges", memory, func(c *mixer.Config) { c.Merge, c.Exponent, c.Heads, c.KVHeads = "dense", 0.5, 4, 2 })
	caching := []string{"memory_caching"}
	change("one segment a level", caching, func(c *mixer.Config) { c.Exponent, c.Longest = 0, 12 })
	change("uneven segments", caching, func(c *mixer.Config) { c.Exponent, c.Scale = 0.5, 1.5 })
	return out
}

// trained returns parameters that are no longer at their beginning, so that
// gains, biases and decays all count.
func trained(c mixer.Config, rng *rand.Rand) map[string][]float64 {
	feed := map[string][]float64{}
	for _, p := range c.Params() {
		n := 1
		for _, d := range p.Shape {
			n *= d
		}
		x := make([]float32, n)
		p.Fill(x, rng)
		for _, v := range x {
			feed[p.Name] = append(feed[p.Name], float64(v)+0.3*rng.NormFloat64())
		}
	}
	return feed
}

// tokens draws symbols or vectors.
func tokens(c mixer.Config, rng *rand.Rand) []float64 {
	if c.Vector > 0 {
		x := make([]float64, length*c.Vector)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		return x
	}
	x := make([]float64, length)
	for i := range x {
		x[i] = float64(rng.IntN(c.Vocabulary))
	}
	return x
}

func shape(c mixer.Config, n int) []int {
	if c.Vector > 0 {
		return []int{1, n, c.Vector}
	}
	return []int{1, n}
}

// forward evaluates the training form; one row a token.
func forward(t *testing.T, c mixer.Config, feed map[string][]float64, x []float64) [][]float64 {
	t.Helper()
	var y *graph.Node
	if _, err := graph.Build(func(g *graph.Graph) { y = c.Forward(g, g.Input("x", shape(c, length)...)) }); err != nil {
		t.Fatal(err)
	}
	feed["x"] = x
	v, err := graph.Eval([]*graph.Node{y}, feed)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(slices.Chunk(v[0], len(v[0])/length))
}

func distance(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		d = max(d, math.Abs(a[i]-b[i])/(1+math.Abs(b[i])))
	}
	return d
}

func settled(t *testing.T, c mixer.Config) mixer.Config {
	t.Helper()
	c, err := c.Settled()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheFutureChangesNothing(t *testing.T) {
	for name, c := range subjects() {
		c = settled(t, c)
		rng := rand.New(rand.NewPCG(1, 1))
		feed := trained(c, rng)
		x := tokens(c, rng)
		before := forward(t, c, feed, x)
		const cut = 7
		other := slices.Clone(x)
		width := len(x) / length
		copy(other[cut*width:], tokens(c, rng)[cut*width:])
		other[cut*width] = 1 - x[cut*width] // differs, and is a symbol when x is 0 or 1
		if c.Vocabulary > 0 {
			other[cut] = float64((int(x[cut]) + 1) % c.Vocabulary)
		}
		after := forward(t, c, feed, other)
		for i := range length {
			d := distance(after[i], before[i])
			if i < cut && d > 1e-12 {
				t.Errorf("%s: a change of token %d changes the result at %d by %v", name, cut, i, d)
			}
			if i == cut && d < 1e-6 {
				t.Errorf("%s: a change of token %d changes nothing there", name, cut)
			}
		}
	}
}

// TestStepsAreTheTrainingForm runs token by token and counts what is handed on.
func TestStepsAreTheTrainingForm(t *testing.T) {
	for name, c := range subjects() {
		c = settled(t, c)
		rng := rand.New(rand.NewPCG(2, 2))
		feed := trained(c, rng)
		x := tokens(c, rng)
		want := forward(t, c, feed, x)
		model, err := arch.Parse(bytes.NewReader(c.JSON()))
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, c.JSON())
		}
		var shapes [][]int // of the state; nil for a part that holds nothing
		width := len(x) / length
		for at := range length {
			var y *graph.Node
			var next []*graph.Node
			if _, err := graph.Build(func(g *graph.Graph) {
				var state []*graph.Node
				for i, s := range shapes {
					if s == nil {
						state = append(state, nil)
					} else {
						state = append(state, g.Input(fmt.Sprint("state", i), s...))
					}
				}
				y, next = c.Step(g, g.Input("x", shape(c, 1)...), at, state)
			}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			feed["x"] = x[at*width : (at+1)*width]
			out := []*graph.Node{y}
			for _, n := range next {
				if n != nil {
					out = append(out, n)
				}
			}
			v, err := graph.Eval(out, feed)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if d := distance(v[0], want[at]); !(d < 1e-9) {
				t.Fatalf("%s: step %d differs from the training form by %v", name, at, d)
			}
			shapes = make([][]int, len(next))
			held, k := int64(0), 1
			for i, n := range next {
				if n != nil {
					shapes[i], feed[fmt.Sprint("state", i)] = n.Shape, v[k]
					held += int64(n.Size())
					k++
				}
			}
			state, err := model.State(int64(at + 1))
			if err != nil {
				t.Fatal(err)
			}
			if state.Total != held {
				t.Fatalf("%s: after %d tokens the state holds %d numbers, by its config.json %d", name, at+1, held, state.Total)
			}
		}
	}
}

// Windows that get the state of the window before are the training form of all of them
// together, whatever their length; mechanisms that keep tokens are refused.
func TestCarriedWindowsAreTheTrainingForm(t *testing.T) {
	var carried []string
	for name, c := range subjects() {
		c = settled(t, c)
		if c.CheckCarried() != nil {
			continue
		}
		carried = append(carried, name)
		rng := rand.New(rand.NewPCG(4, 4))
		feed := trained(c, rng)
		x := tokens(c, rng)
		want := forward(t, c, feed, x)
		width := len(x) / length
		var states [][]float64
		at := 0
		for _, n := range []int{4, 2, 5, 1} {
			var out []*graph.Node
			given := 0
			if _, err := graph.Build(func(g *graph.Graph) {
				y, next := c.Continue(g, g.Input("x", shape(c, n)...), func(shape ...int) *graph.Node {
					in := fmt.Sprint("state", given)
					if given < len(states) {
						feed[in] = states[given]
					} else {
						size := 1
						for _, d := range shape {
							size *= d
						}
						feed[in] = make([]float64, size)
					}
					given++
					return g.Input(in, shape...)
				})
				out = append(next, y)
			}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			feed["x"] = x[at*width : (at+n)*width]
			v, err := graph.Eval(out, feed)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			states = v[:len(v)-1]
			if given != len(states) || given == 0 {
				t.Fatalf("%s: %d states are taken and %d left", name, given, len(states))
			}
			for i, row := range slices.Collect(slices.Chunk(v[len(v)-1], len(want[0]))) {
				if d := distance(row, want[at+i]); !(d < 1e-9) {
					t.Fatalf("%s: token %d differs from the training form by %v", name, at+i, d)
				}
			}
			at += n
		}
	}
	for _, name := range []string{"linear_attention", "gated_linear_attention", "mamba2", "mamba", "gated_delta", "short_conv", "gated_delta with heads of 2"} {
		if !slices.Contains(carried, name) {
			t.Errorf("%s does not carry its state; those that do: %q", name, carried)
		}
	}
	for name, says := range map[string]string{"full_attention": "full_attention does not have a state of constant size", "learned positions": "full_attention does not", "hybrid without MLP": "sliding_attention does not", "log_linear_attention": "log_linear_attention does not", "memory_caching": "memory_caching does not"} {
		if err := settled(t, subjects()[name]).CheckCarried(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want %q", name, err, says)
		}
	}
	c := settled(t, subjects()["mamba2"])
	for _, c.Place = range []string{"learned", "digits"} {
		if c.CheckCarried() == nil {
			t.Errorf("positions %s are carried", c.Place)
		}
	}
}

// TestModelsHaveRightGradients compares derivatives by some numbers of every
// parameter with central differences.
func TestModelsHaveRightGradients(t *testing.T) {
	for name, c := range subjects() {
		c = settled(t, c)
		rng := rand.New(rand.NewPCG(3, 3))
		feed := trained(c, rng)
		feed["x"] = tokens(c, rng)
		var loss *graph.Node
		var grads []*graph.Node
		params := c.Params()
		if _, err := graph.Build(func(g *graph.Graph) {
			y := c.Forward(g, g.Input("x", shape(c, length)...))
			weights := make([]float32, y.Size())
			for i := range weights {
				weights[i] = float32(rng.NormFloat64())
			}
			loss = g.SumAll(g.Mul(y, g.Constant(weights, y.Shape...)))
			var wrt []*graph.Node
			for _, p := range params {
				wrt = append(wrt, g.Param(p.Name, p.Shape...))
			}
			grads = g.Gradients(loss, wrt)
		}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := graph.Eval(grads, feed)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		value := func() float64 {
			v, err := graph.Eval([]*graph.Node{loss}, feed)
			if err != nil {
				t.Fatal(err)
			}
			return v[0][0]
		}
		for i, p := range params {
			v := feed[p.Name]
			k := rng.IntN(len(v))
			const h = 1e-5
			x := v[k]
			v[k] = x + h
			up := value()
			v[k] = x - h
			down := value()
			v[k] = x
			if want := (up - down) / (2 * h); math.Abs(got[i][k]-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("%s: derivative by %s, number %d, is %v, by differences %v", name, p.Name, k, got[i][k], want)
			}
		}
	}
}

func TestWhatDoesNotFitIsAnError(t *testing.T) {
	good := mixer.Config{Hidden: 8, Layers: 2, Heads: 2, Types: []string{"full_attention"}, Vocabulary: 5}
	for _, c := range []struct {
		change func(c *mixer.Config)
		says   string
	}{
		{func(c *mixer.Config) { c.Hidden = 9 }, "width 9 is not a multiple of 2 heads"},
		{func(c *mixer.Config) { c.KVHeads = 3 }, "num_key_value_heads is 3, which does not divide the 2 query heads"},
		{func(c *mixer.Config) { c.Types = nil }, "layer_types names no mechanism"},
		{func(c *mixer.Config) { c.Types = []string{"mamba3"} }, `layer_types names "mamba3"`},
		{func(c *mixer.Config) { c.Types = []string{"sliding_attention"} }, "sliding_window is not set"},
		{func(c *mixer.Config) { c.Place = "learned" }, "positions learned need max_position_embeddings"},
		{func(c *mixer.Config) { c.Place = "digits" }, "positions digits need max_position_embeddings"},
		{func(c *mixer.Config) { c.Place, c.Hidden = "rope", 6 }, "rotary positions need heads of even size, not 3"},
		{func(c *mixer.Config) { c.Vocabulary = 0 }, "one of them must be set"},
		{func(c *mixer.Config) { c.Vector = 3 }, "one of them must be set"},
		{func(c *mixer.Config) { c.Layers = 0 }, "num_hidden_layers is 0"},
		{func(c *mixer.Config) { c.Inner = -1 }, "intermediate_size is -1"},
		{func(c *mixer.Config) { c.MLP = "relu" }, `hidden_act is "relu"`},
		{func(c *mixer.Config) { c.Steps = []float64{0.1} }, "time_steps is [0.1]; want the two ends of a range"},
		{func(c *mixer.Config) { c.Rates = []float64{2, 1} }, "decay_rates is [2 1]"},
		{func(c *mixer.Config) { c.Rates = []float64{0, 1} }, "decay_rates is [0 1]"},
	} {
		bad := good
		c.change(&bad)
		if _, err := bad.Settled(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, want %q", err, c.says)
		}
	}
	if _, err := good.Settled(); err != nil {
		t.Error(err)
	}
}

// Steps and rates of decay begin within the ranges that the config states, or those of
// Mamba-2.
func TestDecayBeginsInItsRange(t *testing.T) {
	for _, c := range []struct{ steps, rates, wantSteps, wantRates []float64 }{
		{nil, nil, []float64{0.001, 0.1}, []float64{1, 16}},
		{[]float64{0.02, 1}, []float64{0.01, 0.3}, []float64{0.02, 1}, []float64{0.01, 0.3}},
	} {
		config, err := mixer.Config{Hidden: 64, Layers: 3, Heads: 64, Types: []string{"mamba2", "gated_delta", "mamba"}, Vocabulary: 5, Steps: c.steps, Rates: c.rates}.Settled()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range config.Params() {
			value, within := math.Exp, c.wantRates
			switch {
			case strings.HasSuffix(p.Name, "dt_bias"):
				value, within = func(x float64) float64 { return math.Log1p(math.Exp(x)) }, c.wantSteps
			case !strings.HasSuffix(p.Name, "A_log") || strings.HasPrefix(p.Name, "layers.2"): // mamba's rates are 1, 2, 3 …
				continue
			}
			x := make([]float32, 64)
			p.Fill(x, rand.New(rand.NewPCG(1, 2)))
			least, most := value(float64(slices.Min(x))), value(float64(slices.Max(x)))
			if least < 0.999*within[0] || most > 1.001*within[1] || most < 5*least {
				t.Errorf("%s begins in %g … %g; want %v", p.Name, least, most, within)
			}
		}
	}
}
