package arch

import (
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/law"
)

// line is ln I as a function of x = ln L: the law, or an end of its interval
// z standard errors away.
type line struct {
	lnA, beta float64
	cov       [2][2]float64
	z         float64
}

func newLine(l law.PowerLaw, z float64) line {
	return line{math.Log(l.A), l.Beta, l.CovLogABeta, z}
}

func (h line) at(x float64) float64 {
	y := h.lnA + h.beta*x
	if h.z != 0 {
		c := h.cov
		y += h.z * math.Sqrt(max(0, c[0][0]+x*(c[0][1]+c[1][0])+x*x*c[1][1]))
	}
	return y
}

// slope is that of at for x → ∞.
func (h line) slope() float64 {
	return h.beta + h.z*math.Sqrt(max(0, h.cov[1][1]))
}

// crossover finds where capacity, the sum of the elements weighed by weight,
// falls below the law for good.
func (m *Model) crossover(l law.PowerLaw, level float64, weight func(Part) float64) Crossover {
	s := m.smooth(weight)
	at, from := s.meets(newLine(l, 0))
	x := Crossover{At: at, From: from}
	if l.Known() {
		z := math.Sqrt2 * math.Erfinv(level)
		lo, _ := s.meets(newLine(l, z))
		hi, _ := s.meets(newLine(l, -z))
		x.Interval = &CrossoverInterval{lo, hi, level, "where the state meets the ends of the law's interval, normal on the log scale"}
	}
	return x
}

// slope is the exponent of the sum for L → ∞.
func (s smooth) slope() float64 {
	g := 0.0
	for _, t := range s {
		switch t.rule {
		case PerToken, PerBlock:
			g = 1
		case Slots:
			g = max(g, t.beta)
		}
	}
	return g
}

// meets compares the capacity with the law over all lengths L ≥ 1. When the
// capacity ends below the law, at is the length from which on it stays below
// (1 if it always is); when it ends above, at is nil, and from is the length
// from which on it stays above, nil if it always is.
func (s smooth) meets(h line) (at, from *float64) {
	if len(s) == 0 { // keeps nothing
		one := 1.0
		return &one, nil
	}
	gap := func(x float64) float64 { return s.at(x) - h.at(x) }
	points := s.grid(h)
	end := len(points) - 1
	holds := gap(points[end]) >= 0
	for end > 0 && (gap(points[end-1]) >= 0) == holds {
		end--
	}
	if end == 0 {
		if holds {
			return nil, nil
		}
		one := 1.0
		return &one, nil
	}
	lo, hi := points[end-1], points[end]
	for range 100 {
		mid := lo + (hi-lo)/2
		if (gap(mid) >= 0) == holds {
			hi = mid
		} else {
			lo = mid
		}
	}
	L := math.Exp(hi)
	if holds {
		return nil, &L
	}
	if math.IsInf(L, 1) {
		return nil, nil // beyond 10^308 tokens
	}
	return &L, nil
}

// grid lists values of ln L, from 0 to where the long run has set in, dense
// enough that between neighbours the gap to the law changes sign at most once.
func (s smooth) grid(h line) []float64 {
	const perSegment = 64
	breaks := []float64{0}
	for _, t := range s {
		if t.n > 0 && t.rule != PerBlock {
			breaks = append(breaks, t.n)
		}
		if t.rule == Slots {
			breaks = append(breaks, max(0, -math.Log(t.beta)/(1-min(t.beta, 0.999999))))
		}
	}
	slices.Sort(breaks)
	// Beyond the last break the slope of the sum tends to its limit: go on until
	// the gap has the sign that it keeps.
	final := s.slope() - h.slope()
	last := breaks[len(breaks)-1] + 1
	for range 60 {
		a, b := s.at(last)-h.at(last), s.at(2*last)-h.at(2*last)
		settled := (final > 0 && a > 0 && b > a) || (final < 0 && a < 0 && b < a) || (final == 0 && math.Abs(b-a) < 1e-9)
		if settled {
			break
		}
		last *= 2
	}
	breaks = append(breaks, last)
	var points []float64
	for i := range len(breaks) - 1 {
		for j := range perSegment {
			points = append(points, breaks[i]+(breaks[i+1]-breaks[i])*float64(j)/perSegment)
		}
	}
	return append(points, last)
}

// String is the crossover in a few words.
func (x Crossover) String() string {
	switch {
	case x.At == nil:
		return "never"
	case *x.At <= 1:
		return "from the start"
	}
	return fmt.Sprintf("L = %.3g", *x.At)
}
