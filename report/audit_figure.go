package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// auditFigure draws the state of every model against length on logarithmic
// axes, with the states that the law asks for at each capacity, and marks where
// a model's state becomes too small.
func auditFigure(doc *result.Audit) *figure.Figure {
	a := audited{doc}
	hi := a.reach()
	f := &figure.Figure{
		ID: "states", Title: "What models keep, and what the law asks for",
		Caption: prose.Plain("Solid lines: the elements that a model keeps after L tokens. Dashed lines: what the law asks for at that many nats per element; " +
			"where a model's line drops below one, marked by a cross, its state becomes too small."),
		X:      figure.Axis{Label: "length L", Unit: "tokens", Scale: figure.Log2, Min: 64, Max: hi},
		Y:      figure.Axis{Label: "history state", Unit: "elements", Scale: figure.Log10},
		Aspect: 0.75,
	}
	for i, c := range append([]float64{a.hardCapacity()}, a.Capacities...) {
		curve := figure.Curve{Hue: figure.Ink, Line: figure.Dashed, Quiet: i > 0}
		if i == 0 {
			curve.Name, curve.Label = "needed if every bit were used", "every bit"
		} else {
			curve.Name, curve.Label = "needed at "+a.capacityLabel(i-1)+" per element", a.capacityNats(i-1)
		}
		for _, L := range lengthsTo(hi) {
			at, iv := float64(a.Law.At(L)), a.Law.Interval(L, a.Level)
			curve.Points = append(curve.Points, figure.Point{X: L, Y: at / c, Lo: iv.Lo / c, Hi: iv.Hi / c, XText: "L = " + short(L)})
		}
		curve.Band = a.Law.Known() && (i == 0 || i == a.leastCapacity()+1) // bands of all would cover each other
		f.Curves = append(f.Curves, curve)
	}
	named := len(a.Models) <= 12
	labelled := map[arch.Class]bool{}
	groups := a.byClass()
	n := 0
	for _, class := range arch.Classes() {
		for _, m := range groups[class] {
			c := figure.Curve{Name: m.Name, Hue: classHue(class), Line: figure.Solid, Quiet: !named}
			switch {
			case named:
				c.Label, c.Hue, c.Marker = shortName(m.Name), figure.HueOf(n), figure.MarkerOf(n+n/6)
			case !labelled[class]:
				c.Label = string(class)
				labelled[class] = true
			}
			n++
			for _, L := range modelLengths(m, hi) {
				if y := m.Elements(L); y > 0 {
					c.Points = append(c.Points, figure.Point{X: L, Y: y, Lo: y, Hi: y, XText: "L = " + short(L)})
				}
			}
			f.Curves = append(f.Curves, c)
		}
	}
	f.Curves = append(f.Curves, a.crossings(hi)...)
	return f
}

// classHue tells growth classes apart.
func classHue(c arch.Class) figure.Hue {
	return map[arch.Class]figure.Hue{
		arch.Linear: figure.Blue, arch.Mixed: figure.Green, arch.Power: figure.Purple, arch.Logarithmic: figure.Sky, arch.Saturating: figure.Ochre, arch.Constant: figure.Vermilion,
	}[c]
}

// crossings marks, for each capacity, where a state becomes too small.
func (a audited) crossings(hi float64) []figure.Curve {
	var curves []figure.Curve
	for i := range len(a.Capacities) + 1 {
		c := figure.Curve{Name: "crossing, every bit used", Hue: figure.Ink, Marker: figure.Cross}
		if i > 0 {
			c.Name = fmt.Sprintf("crossing at %s per element", a.capacityLabel(i-1))
		}
		for _, m := range a.Models {
			x := m.Crossovers[i]
			if x.At == nil || *x.At > hi || *x.At < 1 {
				continue
			}
			y := m.Elements(*x.At)
			c.Points = append(c.Points, figure.Point{X: *x.At, Y: y, Lo: y, Hi: y, XText: m.Name + ", L = " + short(*x.At)})
		}
		if len(c.Points) > 0 {
			curves = append(curves, c)
		}
	}
	return curves
}

// hardCapacity is the capacity of an element of the cache with every bit used.
func (a audited) hardCapacity() float64 {
	d, err := arch.ParseDType(a.DType)
	if err != nil {
		d = arch.BFloat16()
	}
	return float64(info.Nats(d.Bits() * math.Ln2))
}

// reach is the longest length that the figure shows: the longest one asked for,
// else the longest that a model declares, up to 2⁴⁰.
func (a audited) reach() float64 {
	hi := 1 << 17 * 1.0
	for _, L := range a.Lengths {
		hi = max(hi, float64(L))
	}
	if a.Memory != nil {
		hi = max(hi, float64(a.Memory.Context))
	}
	if len(a.Questions) == 0 && a.Memory == nil {
		for _, m := range a.Models {
			hi = max(hi, float64(m.MaxLength))
		}
	}
	for _, q := range a.Questions {
		hi = max(hi, float64(q.Length))
	}
	return min(math.Exp2(math.Ceil(math.Log2(hi))), 1<<40)
}

// shortName is a name without its organisation, cut to what fits beside a plot.
func shortName(name string) string {
	plain, variant := splitName(name)
	return cutName(plain[strings.LastIndexByte(plain, '/')+1:]+variant, 22)
}

// splitName separates the end of a name that tells variants of one model apart: a cache
// policy, a cut of the context, or the folder of the run.
func splitName(name string) (plain, variant string) {
	at := len(name)
	for _, start := range []string{" + ", " within ", " ("} {
		if i := strings.Index(name, start); i >= 0 {
			at = min(at, i)
		}
	}
	return name[:at], name[at:]
}

// cutName cuts a name to so many characters, and keeps its variant where there is room.
func cutName(name string, longest int) string {
	snip := func(s string, n int) string {
		if r := []rune(s); len(r) > n {
			return string(r[:n-1]) + "…"
		}
		return s
	}
	plain, variant := splitName(name)
	if len([]rune(name)) > longest {
		plain = snip(plain, max(longest-len([]rune(variant)), longest/3))
	}
	return snip(plain+variant, longest)
}

// modelLengths are lengths a factor of eight apart, and that where the state
// bends: markers at every power of two would hide the line.
func modelLengths(m *arch.Audit, hi float64) []float64 {
	out := []float64{}
	for L := 64.0; L < hi; L *= 8 {
		out = append(out, L)
	}
	if bend := float64(m.Growth.SaturateAt); bend > 64 && bend < hi {
		out = append(out, bend)
	}
	out = append(out, hi)
	slices.Sort(out)
	return slices.Compact(out)
}

// lengthsTo lists the powers of two from 64 to hi.
func lengthsTo(hi float64) []float64 {
	var out []float64
	for L := 64.0; L <= hi; L *= 2 {
		out = append(out, L)
	}
	return out
}

// natsLabel labels a capacity.
func natsLabel(c float64) string {
	if c == 1 {
		return "1 nat"
	}
	return prose.Exact(c) + " nats"
}

// measuredOn is the model that capacity i was measured on, "" where it was stated.
func (a audited) measuredOn(i int) string {
	if i >= len(a.CapacityNames) {
		return ""
	}
	return withoutOwner(a.CapacityNames[i])
}

// capacityNats is capacity i with its unit, rounded where it was measured.
func (a audited) capacityNats(i int) string {
	if a.measuredOn(i) != "" {
		return prose.Significant(a.Capacities[i], 3) + " nats"
	}
	return natsLabel(a.Capacities[i])
}

// capacityLabel labels capacity i, with the model that it was measured on.
func (a audited) capacityLabel(i int) string {
	if name := a.measuredOn(i); name != "" {
		return a.capacityNats(i) + " (measured on " + name + ")"
	}
	return a.capacityNats(i)
}
