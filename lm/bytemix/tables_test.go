package bytemix

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestConstantsAgreeWithFloatingPoint(t *testing.T) {
	c := fixed()
	rng := rand.New(rand.NewPCG(5, 6))
	for range 100000 {
		q := rng.Uint64() >> rng.IntN(64)
		if q == 0 {
			continue
		}
		want := 64*math.Ln2 - math.Log(float64(q))
		if got := float64(c.cost(q)) / (1 << costBits); math.Abs(got-want) > 1e-8 {
			t.Fatalf("cost(%d) = %v, want %v", q, got, want)
		}
	}
	for x := -2800; x <= 2800; x++ {
		want := probOne / (1 + math.Exp(-float64(x)/256))
		if got := float64(c.squash[x+squashRange]); math.Abs(got-want) > 1+want/256 {
			t.Fatalf("squash(%d) = %v, want %v", x, got, want)
		}
	}
	for i, s := range c.stretch {
		p := (float64(i) + 0.5) / 4096
		if want := 256 * math.Log(p/(1-p)); math.Abs(float64(s)-want) > 0.6 {
			t.Fatalf("stretch[%d] = %d, want %v", i, s, want)
		}
	}
}

func TestBitHistoriesFitAByteAndFollowTheBits(t *testing.T) {
	c := fixed()
	seen := map[uint8]bool{0: true}
	todo := []uint8{0}
	for len(todo) > 0 {
		s := todo[0]
		todo = todo[1:]
		for y := range 2 {
			n := c.next[y][s]
			if n == 0 {
				t.Fatalf("state %d forgets everything after bit %d", s, y)
			}
			if up := c.prior[n] > c.prior[s]; c.weight[s] > 0 && up != (y == 1) && c.prior[n] != c.prior[s] {
				t.Errorf("state %d: prior %d after bit %d, from %d", s, c.prior[n]>>10, y, c.prior[s]>>10)
			}
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	t.Logf("%d states", len(seen))
}
