package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/lab/graph"
)

// build makes a value from operands; params are their shapes.
type build struct {
	params [][]int
	f      func(g *graph.Graph, in []*graph.Node) *graph.Node
}

func dim(t *rapid.T, name string) int { return rapid.IntRange(1, 4).Draw(t, name) }

func shapeOf(t *rapid.T, least int) []int {
	return rapid.SliceOfN(rapid.IntRange(1, 3), least, 4).Draw(t, "shape")
}

func axisOf(t *rapid.T, shape []int) int { return rapid.IntRange(0, len(shape)-1).Draw(t, "axis") }

// elementwiseCase is a case with n operands of one shape.
func elementwiseCase(n int, f func(g *graph.Graph, in []*graph.Node) *graph.Node) func(t *rapid.T) build {
	return func(t *rapid.T) build {
		return build{slices.Repeat([][]int{shapeOf(t, 0)}, n), f}
	}
}

// primitives draws for every primitive a program in which it stands.
var primitives = map[graph.Op]func(t *rapid.T) build{
	graph.Constant: elementwiseCase(1, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		data := make([]float32, in[0].Size())
		for i := range data {
			data[i] = float32(i)
		}
		return g.Mul(in[0], g.Constant(data, in[0].Shape...))
	}),
	graph.Fill: elementwiseCase(1, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Mul(in[0], g.Fill(3)) }),
	graph.Iota: func(t *rapid.T) build {
		shape := shapeOf(t, 1)
		axis := axisOf(t, shape)
		return build{[][]int{shape}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
			return g.Mul(in[0], g.Iota(axis, in[0].Shape...))
		}}
	},
	graph.Neg:  elementwiseCase(1, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Neg(in[0]) }),
	graph.Exp:  elementwiseCase(1, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Exp(in[0]) }),
	graph.Log:  elementwiseCase(1, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Log(g.Exp(g.Scale(in[0], 2))) }),
	graph.Sqrt: elementwiseCase(1, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Sqrt(g.Exp(in[0])) }),
	graph.Tanh: elementwiseCase(1, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Tanh(in[0]) }),
	graph.Add:  elementwiseCase(2, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Add(in[0], in[1]) }),
	graph.Sub:  elementwiseCase(2, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Sub(in[0], in[1]) }),
	graph.Mul:  elementwiseCase(2, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Mul(in[0], in[1]) }),
	graph.Div: elementwiseCase(2, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Div(in[0], g.Exp(in[1]))
	}),
	graph.Max: elementwiseCase(2, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Max(in[0], in[1]) }),
	graph.Less: elementwiseCase(2, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Mul(in[0], g.Less(in[0], in[1]))
	}),
	graph.Select: elementwiseCase(3, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Select(g.Less(in[0], g.Fill(0)), in[1], in[2])
	}),
	graph.Reshape: elementwiseCase(1, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Mul(g.Reshape(in[0], in[0].Size()), g.Iota(0, in[0].Size()))
	}),
	graph.Transpose: func(t *rapid.T) build {
		shape := shapeOf(t, 1)
		order := make([]int, len(shape))
		for i := range order {
			order[i] = i
		}
		order = rapid.Permutation(order).Draw(t, "order")
		return build{[][]int{shape}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Transpose(in[0], order...) }}
	},
	graph.Broadcast: func(t *rapid.T) build {
		shape := shapeOf(t, 1)
		small := slices.Clone(shape[rapid.IntRange(0, len(shape)).Draw(t, "lacking"):])
		for i := range small {
			if rapid.Bool().Draw(t, "one") {
				small[i] = 1
			}
		}
		return build{[][]int{small}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Broadcast(in[0], shape...) }}
	},
	graph.Slice: func(t *rapid.T) build { return blockCase(t, true) },
	graph.Pad:   func(t *rapid.T) build { return blockCase(t, false) },
	graph.Concat: func(t *rapid.T) build {
		shape := shapeOf(t, 1)
		axis := axisOf(t, shape)
		other := slices.Clone(shape)
		other[axis] = dim(t, "other")
		return build{[][]int{shape, other}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Concat(axis, in[0], in[1], in[0]) }}
	},
	graph.Sum: func(t *rapid.T) build {
		shape := shapeOf(t, 1)
		axes := rapid.SliceOfN(rapid.IntRange(0, len(shape)-1), 0, 3).Draw(t, "axes")
		return build{[][]int{shape}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Sum(in[0], axes...) }}
	},
	graph.MaxOf: func(t *rapid.T) build {
		shape := shapeOf(t, 1)
		axis := axisOf(t, shape)
		return build{[][]int{shape}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.MaxOf(in[0], axis) }}
	},
	graph.CumSum: func(t *rapid.T) build {
		shape := shapeOf(t, 1)
		axis, flip := axisOf(t, shape), rapid.Bool().Draw(t, "flip")
		return build{[][]int{shape}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.CumSum(in[0], axis, flip) }}
	},
	graph.Dot: func(t *rapid.T) build {
		batch := rapid.SliceOfN(rapid.IntRange(1, 3), 0, 2).Draw(t, "batch")
		m, k, n := dim(t, "m"), dim(t, "k"), dim(t, "n")
		ta, tb := rapid.Bool().Draw(t, "ta"), rapid.Bool().Draw(t, "tb")
		a, b := append(slices.Clone(batch), m, k), append(slices.Clone(batch), k, n)
		if ta {
			a = append(slices.Clone(batch), k, m)
		}
		if tb {
			b = append(slices.Clone(batch), n, k)
		}
		return build{[][]int{a, b}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Dot(in[0], in[1], ta, tb) }}
	},
	graph.Gather: func(t *rapid.T) build {
		n, ids := dim(t, "n"), idsCase(t)
		return build{[][]int{{n, dim(t, "d")}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Gather(in[0], ids(g, n)) }}
	},
	graph.Scatter: func(t *rapid.T) build {
		n, d, ids := dim(t, "n"), dim(t, "d"), idsCase(t)
		return build{[][]int{{2, 3, d}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Scatter(ids(g, n), in[0], n) }}
	},
	graph.Solve: func(t *rapid.T) build {
		n, m, transposed := dim(t, "n"), dim(t, "m"), rapid.Bool().Draw(t, "transposed")
		return build{[][]int{{2, n, n}, {2, n, m}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Solve(in[0], in[1], transposed) }}
	},
}

func blockCase(t *rapid.T, cut bool) build {
	shape := shapeOf(t, 1)
	start, part := make([]int, len(shape)), make([]int, len(shape))
	for i, d := range shape {
		start[i] = rapid.IntRange(0, d-1).Draw(t, "start")
		part[i] = rapid.IntRange(1, d-start[i]).Draw(t, "part")
	}
	if cut {
		return build{[][]int{shape}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Slice(in[0], start, part) }}
	}
	return build{[][]int{part}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Pad(in[0], start, shape) }}
}

// idsCase draws 2·3 row numbers.
func idsCase(t *rapid.T) func(g *graph.Graph, n int) *graph.Node {
	draws := rapid.SliceOfN(rapid.IntRange(0, 11), 6, 6).Draw(t, "ids")
	return func(g *graph.Graph, n int) *graph.Node {
		ids := make([]float32, len(draws))
		for i, x := range draws {
			ids[i] = float32(x % n)
		}
		return g.Constant(ids, 2, 3)
	}
}

func numbers(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// spaced draws numbers for operands of these shapes: quantiles of the standard
// normal in random order, so that no two are equal or zero to within differenceStep.
// There Less, Max and MaxOf have a kink or a jump, where differences say nothing.
func spaced(rng *rand.Rand, shapes [][]int) [][]float64 {
	total := 0
	for _, s := range shapes {
		total += numbers(s)
	}
	order := rng.Perm(total)
	operands := make([][]float64, len(shapes))
	for i, s := range shapes {
		operands[i] = make([]float64, numbers(s))
		for k := range operands[i] {
			// A quarter in place of a half: a middle one of an odd number would be zero.
			operands[i][k] = math.Sqrt2 * math.Erfinv(2*(float64(order[0])+0.25)/float64(total)-1)
			order = order[1:]
		}
	}
	return operands
}

// differenceStep is half the distance of a central difference, which errs by its
// square times f‴/6 and by 1e-16 over it.
const differenceStep = 1e-5

// checkGradients compares derivatives of a weighted sum of the value with
// central differences.
func checkGradients(t interface{ Fatalf(string, ...any) }, b build, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	feed := map[string][]float64{}
	for i, v := range spaced(rng, b.params) {
		feed[fmt.Sprint(i)] = v
	}
	var loss *graph.Node
	var grads []*graph.Node
	_, err := graph.Build(func(g *graph.Graph) {
		var in []*graph.Node
		for i, s := range b.params {
			in = append(in, g.Param(fmt.Sprint(i), s...))
		}
		y := b.f(g, in)
		weights := make([]float32, y.Size())
		for i := range weights {
			weights[i] = float32(rng.NormFloat64())
		}
		loss = g.SumAll(g.Mul(y, g.Constant(weights, y.Shape...)))
		grads = g.Gradients(loss, in)
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	value := func() float64 {
		v, err := graph.Eval([]*graph.Node{loss}, feed)
		if err != nil {
			t.Fatalf("%v", err)
		}
		return v[0][0]
	}
	got, err := graph.Eval(grads, feed)
	if err != nil {
		t.Fatalf("%v", err)
	}
	for i := range grads {
		v := feed[fmt.Sprint(i)]
		for k := range v {
			x := v[k]
			v[k] = x + differenceStep
			up := value()
			v[k] = x - differenceStep
			down := value()
			v[k] = x
			want := (up - down) / (2 * differenceStep)
			if math.Abs(got[i][k]-want) > 1e-6*(1+math.Abs(want)) {
				t.Fatalf("operand %d of shape %v, number %d: derivative %v, by differences %v", i, b.params[i], k, got[i][k], want)
			}
		}
	}
}

func TestEveryPrimitiveHasRightGradients(t *testing.T) {
	for op := graph.Param; op < graph.Invoke; op++ {
		draw, ok := primitives[op]
		if !ok {
			if op != graph.Param && op != graph.Input && op != graph.Stop {
				t.Errorf("no case for %s", op)
			}
			continue
		}
		t.Run(op.String(), rapid.MakeCheck(func(t *rapid.T) {
			checkGradients(t, draw(t), rapid.Uint64().Draw(t, "seed"))
		}))
	}
}

func TestOperandsAreFarFromKinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shapes := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(1, 3), 0, 4), 1, 3).Draw(t, "shapes")
		all := slices.Concat(spaced(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), shapes)...)
		all = append(all, 0)
		slices.Sort(all)
		for i := range all[1:] {
			if d := all[i+1] - all[i]; d < 100*differenceStep {
				t.Fatalf("%v and %v are %v apart", all[i], all[i+1], d)
			}
		}
	})
}

func TestStopHasNoGradient(t *testing.T) {
	var grad []*graph.Node
	_, err := graph.Build(func(g *graph.Graph) {
		x := g.Param("x")
		grad = g.Gradients(g.Mul(x, g.Stop(x)), []*graph.Node{x})
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := graph.Eval(grad, map[string][]float64{"x": {3}})
	if err != nil || v[0][0] != 3 {
		t.Errorf("derivative of x·stop(x) at 3: %v %v, want 3", v, err)
	}
}

// functions are calls with small operands, for gradients through their bodies.
var functions = map[string]build{
	"layernorm": {[][]int{{2, 3, 4}, {4}, {4}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.LayerNorm(in[0], in[1], in[2], 1e-5)
	}},
	"rmsnorm": {[][]int{{2, 3, 4}, {4}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.RMSNorm(in[0], in[1], 1e-6) }},
	"gelu":    {[][]int{{3, 2}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.GELU(in[0]) }},
	"silu":    {[][]int{{3, 2}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.SiLU(in[0]) }},
	"gated":   {[][]int{{3, 2}, {3, 2}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Gated(in[0], in[1]) }},
	"crossentropy": {[][]int{{3, 5}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.CrossEntropy(in[0], g.Constant([]float32{4, 0, 2}, 3))
	}},
	"gaussiankl": {[][]int{{3, 2}, {2}, {3, 2}, {2}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.GaussianKL(in[0], in[1], in[2], g.Exp(in[3]))
	}},
	"rotary": {[][]int{{2, 3, 2, 4}, {3, 2}, {3, 2}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Rotary(in[0], in[1], in[2])
	}},
	"shortconv": {[][]int{{2, 5, 3}, {4, 3}, {3}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.ShortConv(in[0], in[1], in[2])
	}},
	"attention": {[][]int{{1, 4, 2, 2}, {1, 4, 2, 2}, {1, 4, 2, 2}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Attention(in[0], in[1], in[2], graph.AttentionAttr{})
	}},
	"window": {[][]int{{1, 5, 1, 2}, {1, 5, 1, 2}, {1, 5, 1, 3}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Attention(in[0], in[1], in[2], graph.AttentionAttr{Window: 2, Sinks: 1})
	}},
	"blocks": {[][]int{{1, 8, 1, 2}, {1, 4, 2, 1, 4}, {1, 2, 3, 1, 4}, {1, 1, 1, 1, 4}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Blocks(in[0], in[1], in[2:])
	}},
	"decayed": {[][]int{{1, 6, 1, 2}, {1, 6, 1, 2}, {1, 6, 2, 3}, {1, 6, 2}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Decayed(in[0], in[1], in[2], g.Neg(g.Softplus(in[3])), 2)
	}},
	"decayed keys": {[][]int{{1, 6, 2, 2}, {1, 6, 2, 2}, {1, 6, 2, 3}, {1, 6, 2, 2}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.DecayedKeys(in[0], in[1], in[2], g.Neg(g.Softplus(in[3])), 2)
	}},
	"delta": {[][]int{{1, 8, 1, 2}, {1, 8, 1, 2}, {1, 8, 1, 3}, {1, 8, 1}, {1, 8, 1}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Delta(in[0], g.Scale(in[1], 0.5), in[2], g.Neg(g.Softplus(in[3])), g.Sigmoid(in[4]), 4)
	}},
	"scan": {[][]int{{1, 5, 2}, {1, 5, 2}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Scan(g.Sigmoid(in[0]), in[1]) }},
}

func TestEveryFunctionHasRightGradients(t *testing.T) {
	for name, b := range functions {
		t.Run(name, func(t *testing.T) { checkGradients(t, b, 7) })
	}
}
