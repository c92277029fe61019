package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/l2m-lab/l2m/lab/graph"
)

// program is a value to compare: shapes of its operands, and how it is built.
type program struct {
	shapes [][]int
	f      func(g *graph.Graph, in []*graph.Node) *graph.Node
}

// compare runs a program and its gradients on every instruction set and against
// the interpreter. Float32 against float64: what tolerance bounds is the error
// by the largest number of a result.
func compare(t *testing.T, name string, p program, tolerance float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	var results []*graph.Node
	layout := &Layout{}
	feed := map[string][]float64{}
	var params []float32
	_, err := graph.Build(func(g *graph.Graph) {
		var in []*graph.Node
		for i, s := range p.shapes {
			layout.Add(fmt.Sprint(i), s...)
			n := g.Param(fmt.Sprint(i), s...)
			in = append(in, n)
			for range n.Size() {
				x := float32(rng.NormFloat64())
				params = append(params, x)
				feed[n.Name] = append(feed[n.Name], float64(x))
			}
		}
		y := p.f(g, in)
		weights := random(rng, y.Size())
		loss := g.SumAll(g.Mul(y, g.Constant(weights, y.Shape...)))
		results = append([]*graph.Node{y}, g.Gradients(loss, in)...)
	})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	want, err := graph.Eval(results, feed)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, set := range sets() {
		c, err := Compile(results, layout, set)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m := NewMachine(c)
		for i := range m.arena {
			m.arena[i] = float32(math.NaN()) // nothing may be read before it is written
		}
		for run := range 2 { // the second finds the arena full
			if err := m.Run(params); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for i := range want {
				got := m.Output(i)
				largest := 1.0
				for _, x := range want[i] {
					largest = max(largest, math.Abs(x))
				}
				for k, x := range want[i] {
					if !(math.Abs(float64(got[k])-x) <= tolerance*largest) {
						t.Fatalf("%s, %s, run %d: number %d of result %d (%v) is %v, want %v", name, set, run, k, i, results[i].Shape, got[k], x)
					}
				}
			}
		}
	}
}

var plainPrograms = map[string]program{
	"elementwise": {[][]int{{3, 70}, {70}, {3, 1}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		x := g.Add(g.Mul(in[0], in[1]), in[2])
		y := g.Max(g.Sub(g.Fill(1), g.Exp(g.Scale(x, 0.3))), g.Neg(g.Tanh(in[0])))
		return g.Select(g.Less(y, g.Fill(0.1)), g.Div(y, g.Shift(g.Mul(x, x), 1)), g.Log(g.Shift(g.Sqrt(g.Exp(x)), 1)))
	}},
	"long":   {[][]int{{2, 600}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Sigmoid(g.Softplus(in[0])) }},
	"scalar": {[][]int{{}, {}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Mul(in[0], g.Exp(in[1])) }},
	"sums": {[][]int{{3, 4, 5}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		a := g.Reshape(g.Sum(in[0], 0, 2), 4)
		b := g.Reshape(g.Sum(in[0], 1), 15)
		return g.Concat(0, a, b, g.Reshape(g.MaxOf(in[0], 1), 15), g.Reshape(g.MaxOf(in[0], 2), 12), g.Reshape(g.SumAll(in[0]), 1))
	}},
	"moves": {[][]int{{2, 3, 4}, {3, 1}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		a := g.Transpose(in[0], 2, 0, 1)
		b := g.Pad(g.Slice(a, []int{1, 0, 1}, []int{2, 2, 2}), []int{0, 0, 1}, []int{4, 2, 3})
		return g.Concat(1, g.CumSum(b, 0, true), g.CumSum(g.Mul(a, g.Iota(0, a.Shape...)), 2, false), g.Broadcast(g.Reshape(in[1], 1, 1, 3), 4, 1, 3))
	}},
	"fixed": {[][]int{{4, 4}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Mul(in[0], g.Less(g.Iota(0, 4, 4), g.Shift(g.Iota(1, 4, 4), 1)))
	}},
	"dots": {[][]int{{2, 9, 5}, {2, 5, 7}, {2, 7, 9}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Dot(g.Dot(in[1], in[0], true, true), g.Dot(in[2], in[0], false, false), true, false)
	}},
	"rows": {[][]int{{5, 3}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Gather(in[0], g.Constant([]float32{4, 0, 4, 2}, 2, 2))
	}},
	"solve": {[][]int{{2, 4, 4}, {2, 4, 3}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Solve(g.Scale(in[0], 0.3), in[1], false) }},
	"shared": {[][]int{{4, 6}, {6, 6}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		x := in[0]
		for range 5 { // residual blocks whose memory is used again
			x = g.Add(x, g.Tanh(g.Linear(g.Scale(x, 0.5), in[1])))
		}
		return x
	}},
}

func TestProgramsRunAsTheInterpreterSays(t *testing.T) {
	for name, p := range plainPrograms {
		compare(t, name, p, 2e-5)
	}
}

var functionPrograms = map[string]program{
	"layernorm": {[][]int{{3, 2, 20}, {20}, {20}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.LayerNorm(in[0], in[1], in[2], 1e-5) }},
	"rmsnorm":   {[][]int{{3, 2, 20}, {20}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.RMSNorm(in[0], in[1], 1e-6) }},
	"unit":      {[][]int{{3, 2, 20}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.RMSNorm(in[0], g.Fill(2, 20), 1e-6) }},
	"gelu":      {[][]int{{3, 300}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.GELU(in[0]) }},
	"silu":      {[][]int{{3, 30}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.SiLU(in[0]) }},
	"gated":     {[][]int{{3, 30}, {3, 30}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Gated(in[0], in[1]) }},
	"crossentropy": {[][]int{{3, 21}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.CrossEntropy(in[0], g.Constant([]float32{20, 0, 7}, 3))
	}},
	"gaussiankl": {[][]int{{3, 9}, {9}, {3, 9}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.GaussianKL(in[0], in[1], in[2], g.Fill(0.7, 9))
	}},
	"rotary": {[][]int{{2, 3, 2, 6}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		angle := g.Mul(g.Iota(0, 3, 3), g.Fill(0.4))
		return g.Rotary(in[0], g.Tanh(angle), g.Exp(angle))
	}},
	"shortconv": {[][]int{{2, 9, 10}, {4, 10}, {10}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.ShortConv(in[0], in[1], in[2]) }},
	"short":     {[][]int{{2, 2, 3}, {4, 3}, {3}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.ShortConv(in[0], in[1], in[2]) }},
	"scan":      {[][]int{{2, 9, 3, 5}, {2, 9, 3, 5}}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Scan(g.Sigmoid(in[0]), in[1]) }},
	"decayed": {[][]int{{2, 16, 1, 6}, {2, 16, 1, 6}, {2, 16, 4, 5}, {2, 16, 4}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Decayed(in[0], in[1], in[2], g.Neg(g.Softplus(in[3])), 4)
	}},
	"groups": {[][]int{{1, 12, 2, 3}, {1, 12, 2, 3}, {1, 12, 6, 5}, {1, 12, 6}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Decayed(in[0], in[1], in[2], g.Neg(g.Softplus(in[3])), 4)
	}},
	"one chunk": {[][]int{{1, 8, 1, 3}, {1, 8, 1, 3}, {1, 8, 1, 9}, {1, 8, 1}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Decayed(in[0], in[1], in[2], g.Neg(g.Softplus(in[3])), 8)
	}},
	"linear attention": {[][]int{{1, 12, 2, 3}, {1, 12, 2, 3}, {1, 12, 2, 5}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Decayed(in[0], in[1], in[2], g.Fill(0, 1, 12, 2), 4)
	}},
	"keys that fade as fast as may be": {[][]int{{1, 32, 2, 3}, {1, 32, 2, 3}, {1, 32, 2, 5}, {1, 32, 2, 3}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.DecayedKeys(in[0], in[1], in[2], g.Shift(g.Scale(g.Sigmoid(in[3]), 0.1), -5), 64)
	}},
	"delta": {[][]int{{2, 16, 2, 6}, {2, 16, 2, 6}, {2, 16, 2, 5}, {2, 16, 2}, {2, 16, 2}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.Delta(in[0], g.Scale(in[1], 0.3), in[2], g.Neg(g.Softplus(in[3])), g.Sigmoid(in[4]), 8)
	}},
}

func TestFunctionsRunAsTheirBodies(t *testing.T) {
	for name, p := range functionPrograms {
		compare(t, name, p, 3e-5)
	}
}

// TestAttentionRunsAsItsBody over lengths on both sides of a block.
func TestAttentionRunsAsItsBody(t *testing.T) {
	for _, L := range []int{5, 64, 71} {
		for _, attr := range []graph.AttentionAttr{{}, {Window: 3}, {Window: 66, Sinks: 2}, {Window: 100}} {
			compare(t, fmt.Sprintf("L = %d, %+v", L, attr), program{[][]int{{2, L, 2, 4}, {2, L, 2, 4}, {2, L, 2, 3}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
				return g.Attention(in[0], in[1], in[2], attr)
			}}, 3e-5)
		}
	}
}

// TestBlocksRunAsTheirBody with chunks and sequences on both sides of a block of queries.
func TestBlocksRunAsTheirBody(t *testing.T) {
	for _, c := range []struct {
		chunk int
		slots []int
	}{{4, nil}, {1, []int{1}}, {4, []int{4, 6, 3}}, {2, []int{1, 1, 1, 9, 2, 5, 20}}, {16, []int{1, 30, 7, 5}}, {64, []int{3}}, {128, []int{100}}} {
		n, H, d := c.chunk<<len(c.slots), 2, 3
		shapes := [][]int{{2, n, H, d}, {2, n / c.chunk, c.chunk, H, 2 * d}}
		for i, s := range c.slots {
			shapes = append(shapes, []int{2, n / (c.chunk << i) / 2, s, H, 2 * d})
		}
		compare(t, fmt.Sprintf("%+v", c), program{shapes, func(g *graph.Graph, in []*graph.Node) *graph.Node {
			return g.Blocks(in[0], in[1], in[2:])
		}}, 3e-5)
	}
}

// TestArenaGivesRoomOnlyOnce takes and frees at random and keeps a map of what
// is in use.
func TestArenaGivesRoomOnlyOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var a arena
	used := map[int]int{}
	for range 2000 {
		if rng.IntN(2) == 0 {
			n := 1 + rng.IntN(100)
			at := a.take(n)
			for o, k := range used {
				if at < o+k && o < at+n {
					t.Fatalf("%d numbers at %d overlap %d at %d", n, at, k, o)
				}
			}
			if at+n > a.size {
				t.Fatalf("%d numbers at %d lie beyond %d", n, at, a.size)
			}
			used[at] = n
			continue
		}
		for o, k := range used {
			a.free(o, k)
			delete(used, o)
			break
		}
	}
	for o, k := range used {
		a.free(o, k)
	}
	if len(a.gaps) != 1 || a.gaps[0] != [2]int{0, a.size} {
		t.Errorf("all is free, and the gaps are %v of %d", a.gaps, a.size)
	}
}

func TestWrongParametersAreErrors(t *testing.T) {
	g := &graph.Graph{}
	x := g.Param("x", 2)
	layout := &Layout{}
	layout.Add("x", 2)
	if _, err := Compile([]*graph.Node{x}, &Layout{}, Plain); err == nil {
		t.Error("a parameter without a place was taken")
	}
	p, err := Compile([]*graph.Node{g.Neg(x)}, layout, Plain)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewMachine(p).Run(make([]float32, 3)); err == nil {
		t.Error("three parameters were taken for two")
	}
	if _, err := NewMachine(p).Input("y"); err == nil {
		t.Error("an unknown input was found")
	}
}
