package mi

import (
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

// bin is the positions from..to of a window, from 1, inclusive.
type bin struct{ from, to int }

// positionBins cuts 1..length into half-octaves: 1, 2, 3, 4–5, 6–7, 8–11, …. A single
// last position joins the bin before it.
func positionBins(length int) []bin {
	var starts []int
	for n := 1; n <= length; n *= 2 {
		starts = append(starts, n)
		if m := n + n/2; m > n && m <= length {
			starts = append(starts, m)
		}
	}
	if n := len(starts); n > 3 && starts[n-1] == length {
		starts = starts[:n-1]
	}
	bins := make([]bin, len(starts))
	for i, from := range starts {
		bins[i] = bin{from, length}
		if i+1 < len(starts) {
			bins[i].to = starts[i+1] - 1
		}
	}
	return bins
}

// Loss is the mean negative log-probability of the joint pass.
type Loss struct {
	Mean      info.Nats      `json:"nats_per_token"`
	SE        info.Nats      `json:"se,omitempty"` // clustered; unknown (0) with fewer than two clusters
	Positions []PositionLoss `json:"positions"`
}

// PositionLoss is the mean loss of the tokens at positions From..To of a
// window (from 1, inclusive), nats per token.
type PositionLoss struct {
	From int       `json:"from"`
	To   int       `json:"to"`
	Mean info.Nats `json:"mean"`
	SE   info.Nats `json:"se,omitempty"` // clustered; unknown (0) with fewer than two clusters
}

// LossSums returns, for every cluster, the summed losses and the numbers of tokens by
// position bin and, last, over whole windows.
func (s *Statistics) LossSums() (sums, counts [][]float64) {
	sums = make([][]float64, len(s.clusters))
	counts = make([][]float64, len(s.clusters))
	for c, from := range s.positions {
		all := 0.0
		for i, v := range from {
			all += v
			counts[c] = append(counts[c], s.windows[c]*float64(s.bins[i].to-s.bins[i].from+1))
		}
		sums[c] = append(slices.Clone(from), all)
		counts[c] = append(counts[c], s.windows[c]*float64(s.length))
	}
	return sums, counts
}

// Loss returns the loss per token over whole windows and by position, in
// half-octave bins of positions.
func (s *Statistics) Loss() Loss {
	sums, counts := s.LossSums()
	value, cov := ratioMean(sums, counts)
	se := func(i int) info.Nats {
		if cov == nil {
			return 0
		}
		return info.Nats(math.Sqrt(cov[i][i]))
	}
	n := len(s.bins)
	out := Loss{Mean: info.Nats(value[n]), SE: se(n)}
	for i, b := range s.bins {
		out.Positions = append(out.Positions, PositionLoss{b.from, b.to, info.Nats(value[i]), se(i)})
	}
	return out
}

// triangleGrid lists the splits of the triangle: sixteenths of the window and the
// dyadic splits below them, mirrored.
func triangleGrid(length int) []int {
	var grid []int
	for ell := 1; ell <= length/16; ell *= 2 {
		grid = append(grid, ell, length-ell)
	}
	for k := 1; k < 16; k++ {
		grid = append(grid, length*k/16)
	}
	slices.Sort(grid)
	grid = slices.Compact(grid)
	return slices.DeleteFunc(grid, func(ell int) bool { return ell < 1 || ell >= length })
}

// Peak says where I(ell; L) is largest over ell at fixed L.
type Peak struct {
	Ell    int       `json:"ell"`    // of the largest estimate
	Length int       `json:"length"` // L
	Value  info.Nats `json:"nats"`

	// From..To are the grid points ell that are within two standard errors (of the
	// difference) of the peak; both equal Ell if errors are unknown.
	From int `json:"from"`
	To   int `json:"to"`
}

func (p Peak) String() string {
	return fmt.Sprintf("largest at ℓ = %d of L = %d (%d … %d within two standard errors)", p.Ell, p.Length, p.From, p.To)
}

// Triangle is the block estimate S(ell) + S(L−ell) − S(L) of I(ell; L) over
// ell at the full window length L, S the cumulative loss of the joint pass from
// a random start (★ docs/method.md). It is symmetric about L/2 by construction,
// as the mutual information of a stationary process is.
func (s *Statistics) Triangle() ([]Point, Peak) {
	value, cov := ratioMean(s.triangle, s.counts(len(s.grid)))
	points := make([]Point, len(s.grid))
	top := 0
	half := s.length / 2
	for i, ell := range s.grid {
		points[i] = Point{Ell: ell, Length: s.length, Value: info.Nats(value[i]), Windows: s.total}
		if cov != nil {
			points[i].SE = info.Nats(math.Sqrt(cov[i][i]))
		}
		// Mirrored splits have equal values; rounding must not decide.
		if value[i] > value[top] && (ell <= half || value[i] > value[top]+1e-9*math.Abs(value[top])) {
			top = i
		}
	}
	peak := Peak{Ell: s.grid[top], Length: s.length, Value: info.Nats(value[top]), From: s.grid[top], To: s.grid[top]}
	if cov != nil {
		for i, ell := range s.grid {
			se := math.Sqrt(max(0, cov[i][i]+cov[top][top]-2*cov[i][top]))
			if value[top]-value[i] <= 2*se {
				peak.From, peak.To = min(peak.From, ell), max(peak.To, ell)
			}
		}
	}
	return points, peak
}
