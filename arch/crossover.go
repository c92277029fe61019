package arch

import (
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/law"
)

// line is ln I as a function of x = ln L: the law, or one end of its interval, z
// standard errors away.
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

// slope is the slope of at for x → ∞.
func (h line) slope() float64 {
	return h.beta + h.z*math.Sqrt(max(0, h.cov[1][1]))
}

// crossover finds the length from which capacity, the sum of the elements weighted by
// weight, stays below the law.
func (m *Model) crossover(l law.PowerLaw, level float64, weight func(Part) float64) Crossover {
	s := m.smooth(weight)
	at, from := s.meets(newLine(l, 0))
	x := Crossover{At: at, From: from}
	if l.Known() {
		z, method := quantile(l, level)
		lo, _ := s.meets(newLine(l, z))
		hi, _ := s.meets(newLine(l, -z))
		x.Interval = &CrossoverInterval{lo, hi, level, "where the state meets the ends of the law's interval (" + method + ")"}
	}
	return x
}

// quantile is the half-width of the law's intervals in standard errors, and their
// method.
func quantile(l law.PowerLaw, level float64) (float64, string) {
	for _, L := range []float64{1, math.E, 1 << 10} { // the standard error may vanish at one length
		if se := l.SE(L); se > 0 {
			iv := l.Interval(L, level)
			return math.Log(iv.Hi/float64(l.At(L))) / se, iv.Method
		}
	}
	return 0, "exact"
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

// meets compares the capacity with the law over all lengths L ≥ 1. If the capacity is
// below the law in the end, at is the length from which it stays below (1 if it always
// is); if it is above, at is nil, and from is the length from which it stays above, nil
// if it always is.
func (s smooth) meets(h line) (at, from *float64) {
	if len(s) == 0 { // keeps nothing
		one := 1.0
		return &one, nil
	}
	gap := func(x float64) float64 { return s.at(x) - h.at(x) }
	points := touches(gap, s.grid(h))
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

// touches adds to a grid the points at which the gap comes closest to changing sign: it
// may do so twice between neighbours.
func touches(gap func(float64) float64, grid []float64) []float64 {
	y := make([]float64, len(grid))
	for i, x := range grid {
		y[i] = gap(x)
	}
	out := grid[:1:1]
	for i := 1; i < len(grid); i++ {
		// An extremum towards zero lies beside i where i is lower in absolute
		// value than both neighbours of the same sign.
		sign := 1.0
		if y[i] < 0 {
			sign = -1
		}
		turns := i+1 < len(grid) && sign*y[i] <= sign*y[i-1] && sign*y[i] <= sign*y[i+1]
		if turns {
			for _, side := range [][2]float64{{grid[i-1], grid[i]}, {grid[i], grid[i+1]}} {
				lo, hi := side[0], side[1]
				for range 60 { // ternary search on a smooth piece
					a, b := lo+(hi-lo)/3, hi-(hi-lo)/3
					if sign*gap(a) <= sign*gap(b) {
						hi = b
					} else {
						lo = a
					}
				}
				out = append(out, lo+(hi-lo)/2)
			}
		}
		out = append(out, grid[i])
	}
	slices.Sort(out)
	return out
}

// grid lists values of ln L, from 0 to where the asymptotic behaviour has set in,
// including all points where a part changes its rule.
func (s smooth) grid(h line) []float64 {
	const perSegment = 64
	breaks := []float64{0}
	for _, t := range s {
		if t.n > 0 && t.rule != PerBlock && t.rule != Slots {
			breaks = append(breaks, t.n)
		}
		if t.rule == Slots && t.n > 0 && t.beta < 1 { // else one slot a token is no bound
			breaks = append(breaks, t.n/(1-t.beta))
		}
	}
	slices.Sort(breaks)
	var points []float64
	// Between two breaks, however far apart, as fine near the first one as beyond the last.
	step := func(x, start float64) float64 { return max(0.25, 0.05*(x-start)) }
	for i := range len(breaks) - 1 {
		start, end := breaks[i], breaks[i+1]
		for x := start; x < end; x += max(1e-6, min(step(x, start), (end-start)/perSegment)) {
			points = append(points, x)
		}
	}
	start := breaks[len(breaks)-1]
	x := start
	for range 2000 { // e^(start·1.05^1900) is beyond any length
		points = append(points, x)
		if x > start+1 && s.settled(h, x) {
			break
		}
		x += step(x, start)
	}
	return points
}

// settled reports whether, beyond x and beyond all breaks, the gap to the law
// keeps its sign. The slope of the sum is the mean of its parts' slopes,
// weighted by their shares: at most that of its fastest part or of the
// logarithm, and at least the fastest one's share of it; that share grows with
// x. The law's slope lies between its value at x and its limit.
func (s smooth) settled(h line, x float64) bool {
	const dx = 1e-4
	here := (h.at(x+dx) - h.at(x)) / dx
	gap := s.at(x) - h.at(x)
	top := s.slope()
	switch final := top - h.slope(); {
	case final > 0:
		fastest := math.Inf(-1)
		for _, t := range s {
			if (t.rule == PerToken || t.rule == PerBlock) && top == 1 || t.rule == Slots && t.beta == top || top == 0 {
				fastest = max(fastest, t.at(x))
			}
		}
		return gap > 0 && top*math.Exp(fastest-s.at(x)) > max(here, h.slope())
	case final < 0:
		return gap < 0 && max(top, 1/(math.Ln2+x)) < min(here, h.slope())
	}
	return x > 100
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
