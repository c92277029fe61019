package bytemix

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestFastAdaptationEqualsItsReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		var a lanes
		for i := range a.v {
			a.v[i] = rng.Uint32()
			if i >= laneExpect && rng.IntN(2) == 0 {
				a.flip[i] = 1<<22 - 1
			}
		}
		b := a
		y, limit, direct := rng.Uint32N(2), rng.Uint32N(1024), rng.Uint32N(1024)
		a.adapt(y, fixed(), limit, direct)
		b.adaptGeneric(y, fixed(), limit, direct)
		if a != b {
			t.Fatalf("lanes %v, want %v", a, b)
		}
	}
}

func TestFastMixerEqualsItsReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const rowsN = 20
	w := make([]int16, rowsN*rowLen)
	for i := range w {
		w[i] = int16(rng.Uint32())
	}
	v := slices.Clone(w)
	for range 2000 {
		var x, y inputs
		for i := range x {
			x[i] = rng.Uint32()
			if rng.IntN(2) == 0 { // the usual size of an input
				x[i] &= 0x0fff0fff
			}
		}
		var rows, next, err, a, b [nSets]int32
		for k, r := range rng.Perm(rowsN)[:nSets] { // the sets never share a row
			rows[k] = int32(r)
			next[k] = int32(rng.IntN(rowsN))
			y[k] = rng.Uint32()
			err[k] = rng.Int32N(1<<16) - 1<<15
			if rng.IntN(8) == 0 {
				err[k] = 0
			}
		}
		dotRows(&x, w, &rows, &a)
		dotGeneric(&x, v, &rows, &b)
		if a != b {
			t.Fatalf("dot products %v, want %v", a, b)
		}
		trainAndDot(&x, w, &rows, &err, &y, &next, &a)
		trainAndDotGeneric(&x, v, &rows, &err, &y, &next, &b)
		if a != b {
			t.Fatalf("dot products after training %v, want %v", a, b)
		}
		trainRows(&x, w, &rows, &err)
		trainGeneric(&x, v, &rows, &err)
		if !slices.Equal(w, v) {
			t.Fatal("weights differ after training")
		}
	}
}
