package figure

import (
	"math"
	"strconv"

	"github.com/l2m-lab/l2m/report/prose"
)

// tick is a mark of an axis; minor ticks have no label.
type tick struct {
	at    float64 // value, in the unit of the axis (nats, even when the label is in bits)
	label string
}

// scale maps values of an axis to positions: at(lo) = from, at(hi) = to.
type scale struct {
	kind     Scale
	lo, hi   float64
	from, to float64
}

// transform linearises the axis; values ≤ 0 of a logarithmic axis go to −∞.
func (k Scale) transform(v float64) float64 {
	if k == Linear {
		return v
	}
	if v <= 0 {
		return math.Inf(-1)
	}
	return math.Log(v)
}

// inverse undoes transform.
func (k Scale) inverse(t float64) float64 {
	if k == Linear {
		return t
	}
	return math.Exp(t)
}

// at is the position of v; −∞ of a logarithmic axis stays infinite.
func (s scale) at(v float64) float64 {
	t := s.kind.transform(v)
	lo, hi := s.kind.transform(s.lo), s.kind.transform(s.hi)
	return s.from + (t-lo)/(hi-lo)*(s.to-s.from)
}

// farthest is the largest value that an axis reaches to: beyond it bits overflow.
const farthest = 1e300

// rangeOf is the range that an axis shows for the given values: padded, never
// empty, positive on logarithmic axes.
func rangeOf(a Axis, values []float64, pad float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	take := func(v float64) {
		if prose.Finite(v) && (a.Scale == Linear || v > 0) {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	for _, v := range values {
		take(v)
	}
	if a.Min != 0 || a.Max != 0 {
		take(a.Min)
		take(a.Max)
	}
	if a.Zero && a.Scale == Linear {
		take(0)
	}
	if lo > hi {
		lo, hi = 1, 10
	}
	tlo, thi := a.Scale.transform(lo), a.Scale.transform(hi)
	switch {
	case thi-tlo > 1e-9*(math.Abs(thi)+math.Abs(tlo)):
	case a.Scale == Linear:
		d := math.Max(math.Abs(hi), 1) / 2
		tlo, thi = tlo-d, thi+d
	default:
		tlo, thi = tlo-math.Ln2, thi+math.Ln2
	}
	d := pad * (thi - tlo)
	plo, phi := a.Scale.inverse(tlo-d), math.Min(a.Scale.inverse(thi+d), farthest)
	if a.Scale != Linear {
		plo = math.Max(plo, 1/farthest)
	}
	if a.Zero && a.Scale == Linear && lo < hi {
		if lo == 0 {
			plo = 0
		}
		if hi == 0 {
			phi = 0
		}
	}
	return plo, phi
}

// ticks of an axis from lo to hi, at most about most of them labelled. per is
// the number of units shown per unit of the axis: 1, or 1/ln 2 for bits.
func (a Axis) ticks(lo, hi, per float64, most int) []tick {
	switch a.Scale {
	case Log2:
		return powerTicks(lo*per, hi*per, per, most)
	case Log10:
		return decadeTicks(lo*per, hi*per, per, most)
	default:
		return linearTicks(lo*per, hi*per, per, a.Step, most)
	}
}

// powerTicks marks powers of two.
func powerTicks(lo, hi, per float64, most int) []tick {
	first, last := int(math.Ceil(math.Log2(lo)-1e-9)), int(math.Floor(math.Log2(hi)+1e-9))
	step := (last-first)/max(most, 1) + 1
	var ts []tick
	for e := first; e <= last; e++ {
		t := tick{at: math.Ldexp(1, e) / per}
		if (e-first)%step == 0 {
			t.label = lengthLabel(math.Ldexp(1, e))
		}
		ts = append(ts, t)
	}
	return ts
}

// lengthLabel writes a length: in full up to five digits, with binary
// multiples beyond.
func lengthLabel(v float64) string {
	for _, u := range []struct {
		unit float64
		name string
	}{{1 << 40, "T"}, {1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "K"}} {
		if v >= 1<<17 && v >= u.unit && v/u.unit == math.Trunc(v/u.unit) {
			return prose.Count(int64(v/u.unit)) + u.name
		}
	}
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return prose.Count(int64(v))
	}
	return prose.Minus(strconv.FormatFloat(v, 'g', 4, 64))
}

// decadeTicks marks decades, and 2 and 5 between them when there are few. Where that
// labels fewer than two, within a decade, it marks multiples of a number, as on a linear axis.
func decadeTicks(lo, hi, per float64, most int) []tick {
	first, last := int(math.Floor(math.Log10(lo))), int(math.Floor(math.Log10(hi)))
	span := math.Log10(hi) - math.Log10(lo)
	step := max(1, int(math.Ceil(span/float64(most))))
	labelled := func(e, m int) bool {
		switch {
		case m == 1:
			return (e-first)%step == 0
		case span < 0.7 && (hi-lo)/math.Pow(10, float64(first)) <= float64(2*most):
			return true // at most as many as there are units of the first decade
		case span*3 <= float64(most):
			return m == 2 || m == 5
		case span*2 <= float64(most):
			return m == 3
		}
		return false
	}
	var ts []tick
	labels := 0
	for e := first; e <= last; e++ {
		for m := 1; m < 10; m++ {
			if m > 1 && step > 1 {
				break
			}
			v := float64(m) * math.Pow(10, float64(e))
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) {
				continue
			}
			t := tick{at: v / per}
			if labelled(e, m) {
				t.label = decadeLabel(m, e)
				labels++
			}
			ts = append(ts, t)
		}
	}
	if labels < 2 && span < 1 {
		if even := linearTicks(lo, hi, per, 0, most); len(even) > labels {
			return even
		}
	}
	return ts
}

// decadeLabel writes m·10^e.
func decadeLabel(m, e int) string {
	switch {
	case e >= 0 && e <= 4:
		return prose.Fixed(float64(m)*math.Pow(10, float64(e)), 0)
	case e < 0 && e >= -3:
		return strconv.FormatFloat(float64(m)*math.Pow(10, float64(e)), 'f', -e, 64)
	case m == 1:
		return "10" + prose.Superscript(e)
	default:
		return strconv.Itoa(m) + "·10" + prose.Superscript(e)
	}
}

// linearTicks marks multiples of step, or of 1, 2 or 5 times a power of ten.
func linearTicks(lo, hi, per, step float64, most int) []tick {
	raw := (hi - lo) / math.Max(float64(most), 1)
	if !prose.Finite(raw) || !(raw > 1e-14*math.Max(math.Abs(lo), math.Abs(hi))) {
		return nil // numbers that no axis can tell apart
	}
	e := math.Floor(math.Log10(raw))
	for step > 0 && step < raw*(1-1e-9) {
		step *= 2
	}
	for _, m := range []float64{1, 2, 5, 10} {
		if step > 0 {
			break
		}
		if s := m * math.Pow(10, e); s >= raw*(1-1e-9) {
			step = s
		}
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	var ts []tick
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+1e-9*step && len(ts) <= 3*most; k++ {
		ts = append(ts, tick{at: k * step / per, label: prose.Fixed(k*step, decimals)})
	}
	return ts
}
