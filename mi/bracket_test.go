package mi

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/info"
)

// TestContrastBounds: whatever the scores, InfoNCE is at most ln K, and where the own
// past is never worse than the mean of the others it is at most LeaveOneOut, which is
// at most VCLUB (Jensen).
func TestContrastBounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := rapid.IntRange(2, 9).Draw(rt, "contexts")
		c := Contrast{Ell: 2, Length: 4}
		for range rapid.IntRange(2, 5).Draw(rt, "windows") {
			row := make([]float64, k)
			for j := range row {
				row[j] = rapid.Float64Range(-50, -5).Draw(rt, "ln q")
			}
			row[0] = rapid.Float64Range(-5, 0).Draw(rt, "own")
			c.LogProbs = append(c.LogProbs, row)
		}
		nce, loo, v := c.InfoNCE().Value, c.LeaveOneOut().Value, c.VCLUB().Value
		if nce > math.Log(float64(k))+1e-12 || nce > loo+1e-12 || loo > v+1e-12 {
			rt.Errorf("infonce %g ≤ ln %d, leave-one-out %g, vclub %g", nce, k, loo, v)
		}
	})
}

// TestContrastSettles: of two equally likely kinds of documents that a past reveals,
// I = ln 2; with few contexts the bound still moves, with many it is there.
func TestContrastSettles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	c := Contrast{Ell: 2, Length: 4}
	for range 200 {
		row := make([]float64, 400)
		for j := range row {
			row[j] = -1
			if j > 0 && rng.IntN(2) == 0 { // of the other kind
				row[j] = math.Inf(-1)
			}
		}
		c.LogProbs = append(c.LogProbs, row)
	}
	if e := c.InfoNCE(); math.Abs(e.Value-math.Ln2) > 4*e.SE+0.01 || !c.Settled() {
		t.Errorf("infonce %g ± %g, settled %t; I = ln 2", e.Value, e.SE, c.Settled())
	}
	b := NewBracket(c, nil, []End{NewEnd("entropy", info.Estimate{Value: 3, SE: 0.1}, 100, 1)}, false)
	if forgets := NewBracket(Contrast{LogProbs: [][]float64{{-1, -2}, {-1, -2.5}, {-1, -2}}}, nil, nil, true); forgets.Upper != nil {
		t.Errorf("the upper end of a model that forgets: %+v", forgets.Upper)
	}
	if b.Upper == nil || b.Upper.By != "entropy" || b.Lower.By != string(InfoNCE) || b.Lower.K != 400 {
		t.Errorf("vclub is infinite, the entropy is 3 nats: %+v", b)
	}
	if (Contrast{LogProbs: [][]float64{{-1, -9}, {-1, -9}}}).Settled() {
		t.Error("settled at ln 2, though the own past is worth 8 nats")
	}
}
