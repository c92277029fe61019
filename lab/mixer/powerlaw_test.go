package mixer_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/lab/mixer"
)

// TestAMemoryOfAllTokensIsFullAttention: with scale and exponent 1, merges that
// change nothing and no shifts, every token keeps its key and value.
func TestAMemoryOfAllTokensIsFullAttention(t *testing.T) {
	attention := settled(t, mixer.Config{Hidden: 8, Layers: 1, Heads: 2, Inner: 12, Vocabulary: 5, Types: []string{"full_attention"}})
	all := attention
	all.Types, all.Exponent, all.Longest, all.MemoryChunk = []string{"power_law_memory"}, 1, 16, 2
	all = settled(t, all)
	rng := rand.New(rand.NewPCG(4, 4))
	feed := trained(attention, rng)
	x := tokens(attention, rng)
	want := forward(t, attention, feed, x)
	const d, size = 8, 4
	kv := make([]float64, d*2*d)
	for i := range d {
		for j := range d { // a head's keys and values lie together
			at := i*2*d + j/size*2*size + j%size
			kv[at], kv[at+size] = feed["layers.0.mixer.k.weight"][i*d+j], feed["layers.0.mixer.v.weight"][i*d+j]
		}
	}
	feed["layers.0.mixer.kv.weight"] = kv
	for _, p := range all.Params() {
		switch {
		case strings.HasSuffix(p.Name, ".shift"):
			feed[p.Name] = make([]float64, p.Shape[0]*p.Shape[1]*p.Shape[2])
		case strings.HasSuffix(p.Name, ".merge.weight"):
			identity := make([]float64, p.Shape[0]*p.Shape[1])
			for i := range p.Shape[0] {
				identity[i*p.Shape[1]+i] = 1
			}
			feed[p.Name] = identity
		}
	}
	for i, y := range forward(t, all, feed, x) {
		if d := distance(y, want[i]); !(d < 1e-12) {
			t.Errorf("token %d differs from full attention by %v", i, d)
		}
	}
}

func TestMemoriesThatDoNotFitAreErrors(t *testing.T) {
	good := mixer.Config{Hidden: 8, Layers: 1, Heads: 2, Types: []string{"power_law_memory"}, Vocabulary: 5, Longest: 16, Exponent: 0.5}
	if _, err := good.Settled(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		change func(c *mixer.Config)
		says   string
	}{
		{func(c *mixer.Config) { c.Longest = 0 }, "max_position_embeddings is not set"},
		{func(c *mixer.Config) { c.Exponent = 1.1 }, "memory_exponent is 1.1"},
		{func(c *mixer.Config) { c.Scale = -1 }, "memory_scale is -1"},
		{func(c *mixer.Config) { c.MemoryChunk = 6 }, "memory_chunk is 6; want a power of two"},
		{func(c *mixer.Config) { c.Merge = "mean" }, `memory_merge is "mean"; want one of linear, orthogonal`},
		{func(c *mixer.Config) { c.Place = "rope" }, "positions must be none, learned or digits"},
		{func(c *mixer.Config) { c.Tied, c.Vocabulary, c.Vector = true, 0, 4 }, "tie_word_embeddings is for symbols"},
	} {
		bad := good
		c.change(&bad)
		if _, err := bad.Settled(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, want %q", err, c.says)
		}
	}
}

// With one slot a block, nested attention sees of a block its newest token alone.
func TestNestedAttentionSeesTheTokensThatItKeeps(t *testing.T) {
	c := settled(t, mixer.Config{Hidden: 8, Layers: 1, Heads: 2, Vocabulary: 5, Types: []string{"power_law_memory"}, Merge: "nested", MemoryChunk: 2, Longest: 16})
	rng := rand.New(rand.NewPCG(5, 5))
	feed := trained(c, rng)
	x := tokens(c, rng)
	want := forward(t, c, feed, x)
	for changed, seen := range map[int]bool{0: false, 3: false, 6: false, 7: true, 9: true} { // token 10 reads blocks 0–7 and 8–9, and itself
		other := append([]float64(nil), x...)
		other[changed] = float64((int(x[changed]) + 1) % c.Vocabulary)
		if d := distance(forward(t, c, feed, other)[10], want[10]); (d > 1e-9) != seen {
			t.Errorf("a change of token %d changes token 10 by %v", changed, d)
		}
	}
}

// Orthogonal merges begin with rows that are orthonormal, also where a block keeps all slots.
func TestOrthogonalMergesBeginOrthonormal(t *testing.T) {
	for _, b := range []float64{0, 0.5, 0.8, 1} {
		c := settled(t, mixer.Config{Hidden: 8, Layers: 1, Heads: 2, Vocabulary: 5, Types: []string{"power_law_memory"}, Merge: "orthogonal", Exponent: b, Longest: 64})
		rng := rand.New(rand.NewPCG(7, 7))
		for _, p := range c.Params() {
			if !strings.HasSuffix(p.Name, ".merge.weight") {
				continue
			}
			n, from := p.Shape[0], p.Shape[1]
			x := make([]float32, n*from)
			p.Fill(x, rng)
			for i := range n {
				for k := range i + 1 {
					product, want := 0.0, 0.0
					for j := range from {
						product += float64(x[i*from+j]) * float64(x[k*from+j])
					}
					if i == k {
						want = 1
					}
					if math.Abs(product-want) > 1e-6 {
						t.Fatalf("%s, b = %g: rows %d and %d have product %g", p.Name, b, i, k, product)
					}
				}
			}
		}
	}
}

// Dense merges begin as the linear ones, number by number.
func TestDenseMergesBeginAsLinearOnes(t *testing.T) {
	c := settled(t, mixer.Config{Hidden: 8, Layers: 1, Heads: 2, Vocabulary: 5, Types: []string{"power_law_memory"}, Exponent: 0.5, Longest: 64})
	d := c
	d.Merge = "dense"
	d = settled(t, d)
	const width = 8
	linear := c.Params()
	for at, p := range d.Params() {
		if !strings.HasSuffix(p.Name, ".merge.weight") {
			continue
		}
		n, from := linear[at].Shape[0], linear[at].Shape[1]
		x, y := make([]float32, n*from), make([]float32, p.Shape[0]*p.Shape[1]*p.Shape[2])
		rng := rand.New(rand.NewPCG(8, 8))
		linear[at].Fill(x, rng)
		p.Fill(y, rng)
		for i, v := range y {
			head, row, column := i/(n*width*from*width), i/(from*width)%(n*width), i%(from*width)
			near := 0.0
			if row%width == column%width {
				near = float64(x[row/width*from+column/width])
			}
			if math.Abs(float64(v)-near) > 0.35 {
				t.Fatalf("%s, head %d: %g at %d, %d; the linear merge has %g there", p.Name, head, v, row, column, near)
			}
		}
	}
}
