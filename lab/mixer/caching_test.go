package mixer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/l2m-lab/l2m/lab/graph"
)

// TestQueriesReadSegmentsByDefinition compares the training form with the definition, one
// query at a time over lists of tokens: every token a segment (b = 1), one for each level
// (b = 0), and a block of 2, 4, 8 tokens 2, 2, 3 (b = 1/2).
func TestQueriesReadSegmentsByDefinition(t *testing.T) {
	const T, size, H = 13, 3, 4
	for b, widths := range map[float64][]int{1: {1, 2, 4, 8}, 0: {1, 1, 1, 1}, 0.5: {1, 2, 2, 3}} {
		for _, G := range []int{1, 2, 4} {
			t.Run(fmt.Sprint("b ", b, ", groups ", G), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(6, uint64(G)))
				feed := map[string][]float64{}
				draw := func(name string, heads int) {
					for range T * heads * size {
						feed[name] = append(feed[name], rng.NormFloat64())
					}
				}
				draw("q", H)
				draw("u", H)
				draw("k", G)
				draw("v", G)
				g := &graph.Graph{}
				s := scope{g: g, c: &Config{Longest: 16, Scale: 1, Exponent: b}}
				in := func(name string, heads int) *graph.Node { return g.Input(name, 1, T, heads, size) }
				y := whole{g}.segments(in("q", H), in("u", H), in("k", G), in("v", G), s.segments())
				got, err := graph.Eval([]*graph.Node{y}, feed)
				if err != nil {
					t.Fatal(err)
				}
				at := func(name string, heads, t, h int) []float64 {
					return feed[name][(t*heads+h*heads/H)*size:][:size]
				}
				var blocks [][][]int // of past tokens, the longest first
				for i := range T {
					seen := [][]int{{i}}
					for _, block := range blocks {
						seen = append(seen, block...)
					}
					for h := range H {
						want, total := make([]float64, size), 0.0
						for _, segment := range seen {
							agrees := 0.0
							for _, j := range segment {
								agrees += dot(at("u", H, i, h), at("k", G, j, h)) / float64(len(segment)) / math.Sqrt(size)
							}
							total += math.Exp(agrees)
							for _, j := range segment {
								for e, v := range at("v", G, j, h) {
									want[e] += math.Exp(agrees) * dot(at("q", H, i, h), at("k", G, j, h)) * v
								}
							}
						}
						for e := range want {
							if x := got[0][(i*H+h)*size+e]; math.Abs(x-want[e]/total) > 1e-12*(1+math.Abs(x)) {
								t.Fatalf("token %d, head %d: %v, want %v", i, h, x, want[e]/total)
							}
						}
					}
					block := [][]int{{i}}
					for level := 1; len(blocks) > 0 && (i+1)>>level<<level == i+1; level++ {
						halves := append(blocks[len(blocks)-1], block...)
						blocks = blocks[:len(blocks)-1]
						block = make([][]int, widths[level])
						for j, segment := range halves {
							to := j * widths[level] / len(halves)
							block[to] = append(block[to], segment...)
						}
					}
					blocks = append(blocks, block)
				}
			})
		}
	}
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}
