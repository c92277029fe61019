package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/lab/graph"
)

// run evaluates b on random operands and returns them and the value.
func run(t *testing.T, b build, seed uint64) (in [][]float64, out []float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 2))
	feed := map[string][]float64{}
	var y *graph.Node
	_, err := graph.Build(func(g *graph.Graph) {
		var nodes []*graph.Node
		for i, s := range b.params {
			n := g.Param(fmt.Sprint(i), s...)
			v := make([]float64, n.Size())
			for k := range v {
				v[k] = rng.NormFloat64()
			}
			feed[n.Name], nodes, in = v, append(nodes, n), append(in, v)
		}
		y = b.f(g, nodes)
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := graph.Eval([]*graph.Node{y}, feed)
	if err != nil {
		t.Fatal(err)
	}
	return in, v[0]
}

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if math.Abs(got[i]-want[i]) > 1e-10*(1+math.Abs(want[i])) {
			t.Fatalf("%s: number %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// TestAttentionIsItsDefinition adds up over the visible keys one by one.
func TestAttentionIsItsDefinition(t *testing.T) {
	const L, d = 6, 3
	for _, attr := range []graph.AttentionAttr{{}, {Window: 2}, {Window: 3, Sinks: 1}, {Window: 9}} {
		shape := []int{1, L, 1, d}
		in, got := run(t, build{[][]int{shape, shape, shape}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
			return g.Attention(in[0], in[1], in[2], attr)
		}}, 1)
		want := make([]float64, L*d)
		for i := range L {
			total := 0.0
			for j := range i + 1 {
				if attr.Window > 0 && i-j >= attr.Window && j >= attr.Sinks {
					continue
				}
				dot := 0.0
				for k := range d {
					dot += in[0][i*d+k] * in[1][j*d+k]
				}
				w := math.Exp(dot / math.Sqrt(d))
				total += w
				for k := range d {
					want[i*d+k] += w * in[2][j*d+k]
				}
			}
			for k := range d {
				want[i*d+k] /= total
			}
		}
		near(t, fmt.Sprintf("%+v", attr), got, want)
	}
}

// TestBlocksAreTheirDefinition asks of every slot whether a query sees it.
func TestBlocksAreTheirDefinition(t *testing.T) {
	const chunk, n, d = 2, 16, 3
	slots := []int{2, 1, 5}
	shapes := [][]int{{1, n, 1, d}, {1, n / chunk, chunk, 1, 2 * d}}
	for i, s := range slots {
		shapes = append(shapes, []int{1, n / chunk >> i / 2, s, 1, 2 * d})
	}
	in, got := run(t, build{shapes, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Blocks(in[0], in[1], in[2:]) }}, 8)
	want := make([]float64, n*d)
	for i := range n {
		total := 0.0
		see := func(slot []float64) {
			dot := 0.0
			for k := range d {
				dot += in[0][i*d+k] * slot[k]
			}
			total += math.Exp(dot)
			for k := range d {
				want[i*d+k] += math.Exp(dot) * slot[d+k]
			}
		}
		for j := i / chunk * chunk; j <= i; j++ {
			see(in[1][j*2*d:])
		}
		for l, s := range slots {
			if block := i / (chunk << l); block%2 == 1 { // the left half is before it
				for j := range s {
					see(in[2+l][(block/2*s+j)*2*d:])
				}
			}
		}
		for k := range d {
			want[i*d+k] /= total
		}
	}
	near(t, "blocks", got, want)
}

// TestRecurrencesAreTheirDefinition steps through time with an explicit state.
func TestRecurrencesAreTheirDefinition(t *testing.T) {
	const L, n, p = 12, 2, 3
	shapes := [][]int{{1, L, 1, n}, {1, L, 1, n}, {1, L, 1, p}, {1, L, 1}, {1, L, 1}}
	for _, chunk := range []int{1, 2, 4, 64} {
		for _, delta := range []bool{false, true} {
			in, got := run(t, build{shapes, func(g *graph.Graph, in []*graph.Node) *graph.Node {
				if delta {
					return g.Delta(in[0], in[1], in[2], g.Scale(in[3], 0.1), g.Scale(in[4], 0.1), chunk)
				}
				return g.Decayed(in[0], in[1], in[2], g.Scale(in[3], 0.1), chunk)
			}}, 3)
			var state [n][p]float64
			want := make([]float64, L*p)
			for i := range L {
				q, k, v := in[0][i*n:], in[1][i*n:], in[2][i*p:]
				a, b := math.Exp(0.1*in[3][i]), 0.1*in[4][i]
				for y := range p {
					held := 0.0
					for x := range n {
						state[x][y] *= a
						held += state[x][y] * k[x]
					}
					write := v[y]
					if delta {
						write = b * (v[y] - held)
					}
					for x := range n {
						state[x][y] += write * k[x]
						want[i*p+y] += state[x][y] * q[x]
					}
				}
			}
			near(t, fmt.Sprintf("delta %v, chunk %d", delta, chunk), got, want)
		}
	}
}

func TestScanIsItsDefinition(t *testing.T) {
	const L, d = 7, 2
	shape := []int{1, L, d}
	in, got := run(t, build{[][]int{shape, shape}, func(g *graph.Graph, in []*graph.Node) *graph.Node { return g.Scan(in[0], in[1]) }}, 4)
	want := make([]float64, L*d)
	for i := range want {
		want[i] = in[1][i]
		if i >= d {
			want[i] += in[0][i] * want[i-d]
		}
	}
	near(t, "scan", got, want)
}

func TestShortConvIsItsDefinition(t *testing.T) {
	const L, d, k = 5, 2, 3
	in, got := run(t, build{[][]int{{1, L, d}, {k, d}, {d}}, func(g *graph.Graph, in []*graph.Node) *graph.Node {
		return g.ShortConv(in[0], in[1], in[2])
	}}, 5)
	want := make([]float64, L*d)
	for i := range L {
		for c := range d {
			want[i*d+c] = in[2][c]
			for j := range k {
				if at := i - k + 1 + j; at >= 0 {
					want[i*d+c] += in[1][j*d+c] * in[0][at*d+c]
				}
			}
		}
	}
	near(t, "shortconv", got, want)
}

// TestGaussianKLVanishesAtTheTruth and is what the textbook formula says
// elsewhere.
func TestGaussianKLVanishesAtTheTruth(t *testing.T) {
	for _, c := range []struct{ mean, logSD, m, v, want float64 }{
		{1, math.Log(2), 1, 4, 0},
		{0, 0, 1, 1, 0.5},                   // (m − mean)²/2σ²
		{0, math.Log(2), 0, 1, 0.318147181}, // ln 2 + 1/8 − 1/2
	} {
		var y *graph.Node
		if _, err := graph.Build(func(g *graph.Graph) {
			y = g.GaussianKL(g.Fill(c.mean, 1), g.Fill(c.logSD, 1), g.Fill(c.m, 1), g.Fill(c.v, 1))
		}); err != nil {
			t.Fatal(err)
		}
		v, err := graph.Eval([]*graph.Node{y}, nil)
		if err != nil || math.Abs(v[0][0]-c.want) > 1e-8 {
			t.Errorf("%+v: %v %v", c, v, err)
		}
	}
}

// TestInlinedCallsAreTheCalls copies programs with their calls replaced by the
// bodies, derivatives included, and finds the same numbers.
func TestInlinedCallsAreTheCalls(t *testing.T) {
	for name, b := range functions {
		rng := rand.New(rand.NewPCG(9, 9))
		feed := map[string][]float64{}
		var outs, flat []*graph.Node
		g, err := graph.Build(func(g *graph.Graph) {
			var in []*graph.Node
			for i, s := range b.params {
				n := g.Param(fmt.Sprint(i), s...)
				v := make([]float64, n.Size())
				for k := range v {
					v[k] = rng.NormFloat64()
				}
				feed[n.Name], in = v, append(in, n)
			}
			y := b.f(g, in)
			outs = append([]*graph.Node{y}, g.Gradients(g.SumAll(g.Mul(y, y)), in)...)
		})
		if err != nil {
			t.Fatal(err)
		}
		inlined := &graph.Graph{}
		flat = graph.Copy(inlined, outs, nil, nil)
		for _, n := range inlined.Nodes {
			if n.Op == graph.Invoke {
				t.Fatalf("%s: a call is left", name)
			}
		}
		want, err := graph.Eval(outs, feed)
		if err != nil {
			t.Fatal(err)
		}
		got, err := graph.Eval(flat, feed)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			near(t, fmt.Sprintf("%s, result %d of %d nodes", name, i, len(g.Nodes)), got[i], want[i])
		}
	}
}

func TestEqualNodesAreOne(t *testing.T) {
	g := &graph.Graph{}
	a, b := g.Param("a", 2, 3), g.Param("b", 3)
	sum, fill := g.Add(a, b), g.Fill(2, 3)
	if g.Add(a, b) != sum || g.Fill(2, 3) != fill || g.Param("a", 2, 3) != a {
		t.Error("an equal node was built twice")
	}
	if g.Add(a, b) == g.Sub(a, b) || g.Fill(2, 3) == g.Fill(2, 3, 1) {
		t.Error("different nodes were taken for one")
	}
}

func TestMisfitsAreErrors(t *testing.T) {
	for name, f := range map[string]func(g *graph.Graph){
		"add":       func(g *graph.Graph) { g.Add(g.Fill(1, 2), g.Fill(1, 3)) },
		"dot":       func(g *graph.Graph) { g.Dot(g.Fill(1, 2, 3), g.Fill(1, 2, 3), false, false) },
		"reshape":   func(g *graph.Graph) { g.Reshape(g.Fill(1, 2, 3), 4) },
		"reshape -": func(g *graph.Graph) { g.Reshape(g.Fill(1, 2, 3), 4, -1) },
		"empty":     func(g *graph.Graph) { g.Param("x", 0) },
		"slice":     func(g *graph.Graph) { g.Slice(g.Fill(1, 2), []int{1}, []int{2}) },
		"axis":      func(g *graph.Graph) { g.Sum(g.Fill(1, 2), 1) },
		"program":   func(g *graph.Graph) { g.Neg((&graph.Graph{}).Param("x", 1)) },
		"loss":      func(g *graph.Graph) { g.Gradients(g.Param("x", 2), nil) },
		"blocks": func(g *graph.Graph) { // three pairs of blocks in four chunks
			g.Blocks(g.Fill(1, 1, 8, 1, 2), g.Fill(1, 1, 4, 2, 1, 4), []*graph.Node{g.Fill(1, 1, 3, 1, 1, 4)})
		},
		"groups": func(g *graph.Graph) {
			g.Decayed(g.Fill(1, 1, 2, 2, 1), g.Fill(1, 1, 2, 2, 1), g.Fill(1, 1, 2, 3, 1), g.Fill(0, 1, 2, 3), 2)
		},
	} {
		if _, err := graph.Build(f); err == nil || !strings.HasPrefix(err.Error(), "building a program: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestEvalRefusesWrongFeeds(t *testing.T) {
	g := &graph.Graph{}
	x := g.Param("x", 2)
	if _, err := graph.Eval([]*graph.Node{x}, map[string][]float64{"x": {1}}); err == nil {
		t.Error("a parameter of the wrong size was taken")
	}
	if _, err := graph.Eval([]*graph.Node{g.Gather(g.Fill(1, 2, 2), x)}, map[string][]float64{"x": {1, 5}}); err == nil {
		t.Error("row 5 of a table of 2 was taken")
	}
}
