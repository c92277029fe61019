package mixer

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/l2m-lab/l2m/lab/graph"
)

// mechanism is the way in which a layer accesses the past.
type mechanism struct {
	name    string
	limited bool // it has parameters for sequences up to max_position_embeddings
	check   func(c *Config) error
	// mix maps x [B T d] to [B T d]; it accesses the past through seq.
	mix func(s scope, seq sequence, x *graph.Node) *graph.Node
}

func mechanisms() []*mechanism {
	return []*mechanism{&fullAttention, &slidingAttention, &linearAttention, &gatedLinear, &mamba2, &mamba, &gatedDelta, &shortConv, &logLinear, &powerLawMemory, &memoryCaching}
}

// Mechanisms lists the values of Config.Types.
func Mechanisms() []string {
	var names []string
	for _, m := range mechanisms() {
		names = append(names, m.name)
	}
	return names
}

func mechanismOf(name string) *mechanism {
	for _, m := range mechanisms() {
		if m.name == name {
			return m
		}
	}
	return nil
}

// Param is a trained tensor.
type Param struct {
	Name  string
	Shape []int
	Decay bool // weight decay applies: to matrices, not to norms, biases and decay rates

	begin func(rng *rand.Rand) float64
}

// Fill draws the initial values of a parameter.
func (p Param) Fill(x []float32, rng *rand.Rand) {
	for i := range x {
		x[i] = float32(p.begin(rng))
	}
}

// scope builds parameters under a prefix.
type scope struct {
	g      *graph.Graph
	c      *Config
	prefix string
	params *[]Param
}

func (s scope) in(name string) scope {
	s.prefix += name + "."
	return s
}

func (s scope) param(name string, decay bool, begin func(rng *rand.Rand) float64, shape ...int) *graph.Node {
	*s.params = append(*s.params, Param{s.prefix + name, shape, decay, begin})
	return s.g.Param(s.prefix+name, shape...)
}

func normal(sd float64) func(*rand.Rand) float64 {
	return func(rng *rand.Rand) float64 { return sd * rng.NormFloat64() }
}

func always(x float64) func(*rand.Rand) float64 { return func(*rand.Rand) float64 { return x } }

// linear is x·w without bias, initialized with variance 1/(3·in), like torch's Linear.
func (s scope) linear(name string, x *graph.Node, out int) *graph.Node {
	in := x.Shape[len(x.Shape)-1]
	return s.g.Linear(x, s.param(name, true, normal(math.Sqrt(1/(3*float64(in)))), in, out))
}

// output is linear for the residual stream: its initial weights are smaller by
// √(2·layers), as in GPT-2.
func (s scope) output(name string, x *graph.Node, out int) *graph.Node {
	in := x.Shape[len(x.Shape)-1]
	sd := math.Sqrt(1 / (3 * float64(in)) / float64(2*s.c.Layers))
	return s.g.Linear(x, s.param(name, true, normal(sd), in, out))
}

// biased is linear with a bias, initially 0.
func (s scope) biased(name string, x *graph.Node, out int) *graph.Node {
	return s.g.Add(s.linear(name+".weight", x, out), s.param(name+".bias", false, always(0), out))
}

const LayerNormEpsilon = 1e-5

// RMSNormEpsilon is added to the mean square in RMS norms.
const RMSNormEpsilon = 1e-6

// norm is the configured norm of the last axis.
func (s scope) norm(name string, x *graph.Node) *graph.Node {
	d := x.Shape[len(x.Shape)-1]
	gain := s.param(name+".weight", false, always(1), d)
	if s.c.Norm == "rmsnorm" {
		return s.g.RMSNorm(x, gain, RMSNormEpsilon)
	}
	return s.g.LayerNorm(x, gain, s.param(name+".bias", false, always(0), d), LayerNormEpsilon)
}

// rms is an RMS norm of the last axis.
func (s scope) rms(name string, x *graph.Node) *graph.Node {
	return s.g.RMSNorm(x, s.param(name+".weight", false, always(1), x.Shape[len(x.Shape)-1]), RMSNormEpsilon)
}

// split cuts the last axis of x into heads: [B T H·d] to [B T H d].
func (s scope) split(x *graph.Node, heads int) *graph.Node {
	return s.g.Reshape(x, x.Shape[0], x.Shape[1], heads, -1)
}

// merge is the inverse of split.
func (s scope) merge(x *graph.Node) *graph.Node {
	return s.g.Reshape(x, x.Shape[0], x.Shape[1], -1)
}

// conv is a short causal convolution, initialized with variance 1/(3·kernel), like
// torch's Conv1d.
func (s scope) conv(name string, seq sequence, x *graph.Node) *graph.Node {
	d := x.Shape[2]
	w := s.param(name+".weight", false, normal(math.Sqrt(1/(3*float64(s.c.Kernel)))), s.c.Kernel, d)
	return seq.conv(x, w, s.param(name+".bias", false, always(0), d))
}

// decayRate is the logarithm of the decay, −e^rate·softplus(Δ + bias), for Δ
// [B T H] and parameters per head, which begin as in Mamba-2 (arXiv 2405.21060, and its
// code) unless the config says otherwise. It also returns the step softplus(Δ + bias).
func (s scope) decayRate(step *graph.Node) (a, dt *graph.Node) {
	h := step.Shape[2]
	from, to := 1.0, 16.0
	if len(s.c.Rates) == 2 {
		from, to = s.c.Rates[0], s.c.Rates[1]
	}
	rate := s.param("A_log", false, func(rng *rand.Rand) float64 { return math.Log(from + (to-from)*rng.Float64()) }, h)
	bias := s.param("dt_bias", false, s.c.stepBias(), h)
	dt = s.g.Softplus(s.g.Add(step, bias))
	return s.g.Neg(s.g.Mul(s.g.Exp(rate), dt)), dt
}

// stepBias draws softplus⁻¹ of a step.
func (c *Config) stepBias() func(*rand.Rand) float64 {
	from, ratio := 0.001, 100.0
	if len(c.Steps) == 2 {
		from, ratio = c.Steps[0], c.Steps[1]/c.Steps[0]
	}
	return func(rng *rand.Rand) float64 {
		dt := math.Exp(math.Log(from) + rng.Float64()*math.Log(ratio))
		return dt + math.Log(-math.Expm1(-dt))
	}
}

// Forward builds the model for tokens x, all at once: symbols [B L] or vectors
// [B L Vector]. The result is [B·L Vocabulary] logits of the next symbol, or
// [B L 2·Vector]: means and logarithms of deviations of the next vector.
func (c Config) Forward(g *graph.Graph, x *graph.Node) *graph.Node {
	y, _ := c.build(g, whole{g: g}, x, nil)
	return y
}

// ForwardAt is Forward of symbols for some tokens only, rows [K], numbered from 0 over all
// sequences: their logits [K Vocabulary].
func (c Config) ForwardAt(g *graph.Graph, x, rows *graph.Node) *graph.Node {
	y, _ := c.build(g, whole{g: g}, x, rows)
	return y
}

// Params lists the parameters in the order in which they lie in checkpoints.
func (c Config) Params() []Param {
	g := &graph.Graph{}
	shape := []int{1, 1}
	if c.Vector > 0 {
		shape = append(shape, c.Vector)
	}
	_, params := c.build(g, whole{g: g}, g.Input("x", shape...), nil)
	return params
}

// build builds the blocks, and the head for some rows or, where nil, for all.
func (c Config) build(g *graph.Graph, seq sequence, x, rows *graph.Node) (*graph.Node, []Param) {
	var params []Param
	s := scope{g: g, c: &c, params: &params}
	h := s.embed(seq, x)
	for i, t := range c.Types {
		l := s.in(fmt.Sprintf("layers.%d", i))
		h = g.Add(h, mechanismOf(t).mix(l.in("mixer"), seq, l.norm("norm", h)))
		if c.Inner > 0 {
			h = g.Add(h, l.in("mlp").feedForward(l.norm("mlp_norm", h)))
		}
	}
	if rows != nil {
		h = g.Gather(g.Reshape(h, -1, c.Hidden), rows)
	}
	h = s.norm("norm", h)
	if c.Tied {
		table := g.Param(tableName, c.Vocabulary, c.Hidden)
		return g.Dot(g.Reshape(h, -1, c.Hidden), table, false, true), params
	}
	if c.Vocabulary > 0 {
		return s.linear("head.weight", g.Reshape(h, -1, c.Hidden), c.Vocabulary), params
	}
	return s.biased("head.1", g.GELU(s.biased("head.0", h, c.Hidden)), 2*c.Vector), params
}

// tableName is the name of the vectors of symbols.
const tableName = "embed.weight"

// embed maps tokens to vectors of the model's width: rows of a table, or two layers
// (L²M paper, appendix F.I).
func (s scope) embed(seq sequence, x *graph.Node) *graph.Node {
	var h *graph.Node
	if s.c.Vocabulary > 0 {
		h = s.g.Gather(s.param(tableName, false, normal(0.1), s.c.Vocabulary, s.c.Hidden), x)
	} else {
		e := s.in("embed")
		h = e.biased("1", s.g.GELU(e.biased("0", x, s.c.Hidden)), s.c.Hidden)
	}
	switch s.c.Place {
	case "learned":
		table := s.param(positionsName, false, normal(0.1), s.c.Longest, s.c.Hidden)
		h = s.g.Add(h, s.g.Cut(table, 0, seq.position(), h.Shape[1]))
	case "digits":
		n := max(1, bits.Len(uint(s.c.Longest-1)))
		table := s.param(positionsName, false, normal(0.1), n, s.c.Hidden)
		h = s.g.Add(h, s.g.Dot(s.g.Constant(digits(seq.position(), h.Shape[1], n), h.Shape[1], n), table, false, false))
	}
	return h
}

// positionsName is the name of the vectors of positions.
const positionsName = "positions.weight"

// digits are the n binary digits of the positions from at on, lowest first, as 1 and −1,
// [length n]. With one vector a digit, a product of two positions can say how many of
// their digits agree, and so which aligned blocks they share.
func digits(at, length, n int) []float32 {
	d := make([]float32, 0, length*n)
	for t := at; t < at+length; t++ {
		for j := range n {
			d = append(d, float32(t>>j&1)*2-1)
		}
	}
	return d
}

func (s scope) feedForward(x *graph.Node) *graph.Node {
	if s.c.MLP == "gated" {
		return s.output("down.weight", s.g.Gated(s.linear("gate.weight", x, s.c.Inner), s.linear("up.weight", x, s.c.Inner)), s.c.Hidden)
	}
	up := s.biased("up", x, s.c.Inner)
	return s.g.Add(s.output("down.weight", s.g.GELU(up), s.c.Hidden), s.param("down.bias", false, always(0), s.c.Hidden))
}
