package mixer_test

import (
	"math"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/lab/mixer"
)

// TestEveryWeightIsMultipliedOnce: a token is multiplied by every matrix of the model,
// and reads of the past come on top.
func TestEveryWeightIsMultipliedOnce(t *testing.T) {
	for name, c := range subjects() {
		c = settled(t, c)
		weights := 0
		for _, p := range c.Params() {
			if len(p.Shape) == 2 && strings.HasSuffix(p.Name, ".weight") &&
				!strings.HasPrefix(p.Name, "embed.weight") && !strings.HasPrefix(p.Name, "positions") && !strings.Contains(p.Name, "merge") {
				weights += p.Shape[0] * p.Shape[1]
			}
		}
		if got := c.Operations(length); got < float64(weights) {
			t.Errorf("%s: %v operations a token, and %d weights", name, got, weights)
		}
	}
}

// TestAttentionReadsEveryToken: a key and a value of every token cost 2·width
// multiplications, and the softmax a few operations a head; a recurrent state costs as
// much at every token.
func TestAttentionReadsEveryToken(t *testing.T) {
	// at is the cost of token n: what it adds to the sum over the sequence.
	at := func(c mixer.Config, n int) float64 {
		return float64(n)*c.Operations(n) - float64(n-1)*c.Operations(n-1)
	}
	const heads, width = 2, 8
	c := settled(t, mixer.Config{Hidden: width, Layers: 3, Heads: heads, Vocabulary: 5, Types: []string{"full_attention"}})
	read := (at(c, 12) - at(c, 7)) / 5 / 3
	if least := 2.0 * width; read < least+heads || read > least+10*heads {
		t.Errorf("%v operations a token of the past and layer, want %v and 1 to 10 a head", read, least)
	}
	for _, name := range []string{"mamba2", "gated_delta", "linear_attention"} {
		c.Types = []string{name}
		c := settled(t, c)
		if a, b := at(c, 5), at(c, 12); math.Abs(a-b) > 1e-6*a {
			t.Errorf("%s: %v operations at the fifth token, %v at the twelfth", name, a, b)
		}
	}
}
