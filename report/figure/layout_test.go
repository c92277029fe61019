package figure

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/pagetest"
)

// Bits and nats share one geometry: a tick at x bits stands where x·ln 2 nats
// are.
func TestTicksInBits(t *testing.T) {
	for _, a := range []Axis{{Scale: Log10}, {Scale: Linear}} {
		for _, k := range a.ticks(3, 4000, nlog2, 8) {
			if k.label == "" {
				continue
			}
			v, _, ok := pagetest.Shown(k.label)
			if !ok || math.Abs(info.Nats(k.at).Bits()-v) > 1e-9*math.Abs(v) {
				t.Errorf("scale %d: tick %q stands at %g bits", a.Scale, k.label, info.Nats(k.at).Bits())
			}
		}
	}
}

func TestTicksProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Axis{Scale: Scale(rapid.IntRange(0, 2).Draw(t, "scale"))}
		lo := math.Exp(rapid.Float64Range(-20, 20).Draw(t, "ln lo"))
		hi := lo * math.Exp(rapid.Float64Range(0.1, 30).Draw(t, "ln hi/lo"))
		most := rapid.IntRange(2, 14).Draw(t, "most")
		ts := a.ticks(lo, hi, 1, most)
		labels := map[string]bool{}
		for i, k := range ts {
			if slack := 1e-6 * map[bool]float64{true: hi - lo, false: lo}[a.Scale == Linear]; k.at < lo-slack || k.at > hi*(1+1e-6) {
				t.Fatalf("tick %g outside %g … %g", k.at, lo, hi)
			}
			if i > 0 && k.at <= ts[i-1].at {
				t.Fatalf("tick %g after %g", k.at, ts[i-1].at)
			}
			if k.label != "" && labels[k.label] {
				t.Fatalf("label %q twice in %g … %g", k.label, lo, hi)
			}
			if k.label != "" {
				labels[k.label] = true
			}
		}
		if len(labels) > 2*most+2 {
			t.Fatalf("%d labels, asked for about %d", len(labels), most)
		}
		if a.Scale == Log10 && most >= 5 && len(labels) < 2 { // one number is no scale
			t.Fatalf("labels %v from %g to %g", labels, lo, hi)
		}
	})
}

func TestSpreadKeepsOrderAndGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		ys := rapid.SliceOfN(rapid.Float64Range(0, 300), n, n).Draw(t, "y")
		for i := 1; i < n; i++ {
			ys[i] = math.Max(ys[i], ys[i-1])
		}
		var at []*float64
		for i := range ys {
			at = append(at, &ys[i])
		}
		spread(at, 15, 0, 300, func(p *float64) *float64 { return p })
		for i := range ys {
			if i > 0 && ys[i]-ys[i-1] < 15-1e-9 {
				t.Fatalf("gap of %g in %v", ys[i]-ys[i-1], ys)
			}
			if ys[i] < -1e-9 || ys[i] > 300+1e-9 {
				t.Fatalf("%g outside in %v", ys[i], ys)
			}
		}
	})
}

func TestClipLineStaysInside(t *testing.T) {
	b := box{0, 0, 10, 10}
	coordinate := rapid.Float64Range(-20, 30)
	rapid.Check(t, func(t *rapid.T) {
		var line []xy
		for range rapid.IntRange(0, 8).Draw(t, "n") {
			line = append(line, xy{coordinate.Draw(t, "x"), coordinate.Draw(t, "y")})
		}
		for _, piece := range clipLine(line, b) {
			for _, p := range piece {
				if p.x < -1e-9 || p.x > 10+1e-9 || p.y < -1e-9 || p.y > 10+1e-9 {
					t.Fatalf("%v outside", p)
				}
			}
		}
	})
	got := clipLine([]xy{{-10, 5}, {5, 5}, {5, 20}, {7, 20}, {7, 5}}, b)
	if len(got) != 2 || len(got[0]) != 3 || got[0][0] != (xy{0, 5}) || got[0][2] != (xy{5, 10}) || got[1][0] != (xy{7, 10}) {
		t.Errorf("pieces %v", got)
	}
}
