package count

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

// cellCost is roughly the number of pairs that can be dealt in the time it takes to
// draw one cell of a table.
const cellCost = 16

// shuffledTable draws the table of shuffled pairs cell by cell: given its margins and
// the cells before it, a cell is hypergeometric. The histogram has the same
// distribution as if every pair were dealt, at a cost independent of their number.
func shuffledTable(ctx context.Context, left, right info.Histogram, seed uint64) (info.Histogram, error) {
	rng := seeded(seed, 3)
	lefts, rights := countsOf(left), countsOf(right)
	rest := left.Total() // left tokens without a right one
	var cells tally
	for _, n := range rights {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		others := rest // left tokens of the remaining types
		rest -= n
		for a := range lefts {
			if n == 0 {
				break
			}
			others -= lefts[a]
			x := hypergeometric(rng, lefts[a], others, n)
			cells.add(x, 1)
			lefts[a] -= x
			n -= x
		}
	}
	return cells.histogram(), nil
}

// countsOf returns all counts of a histogram, in descending order.
func countsOf(h info.Histogram) []int64 {
	out := make([]int64, 0, h.Types())
	for _, b := range slices.Backward(h) {
		for range b.Types {
			out = append(out, b.Count)
		}
	}
	return out
}

// hypergeometric draws the number of good items among n drawn without replacement from
// good and bad ones. It walks from the mode to both sides, by the ratio of successive
// probabilities, until they add up to a uniform number: about as many steps as the
// standard deviation.
func hypergeometric(rng *rand.Rand, good, bad, n int64) int64 {
	lo, hi := max(0, n-bad), min(good, n)
	if lo == hi {
		return lo
	}
	g, b, m := float64(good), float64(bad), float64(n)
	mode := min(max(int64((m+1)*(g+1)/(g+b+2)), lo), hi)
	k := float64(mode)
	// Where logarithms of factorials are large, the probability of the mode has a
	// relative error (about 10⁻³ for 10¹² items). A slightly smaller one is used;
	// uniform numbers beyond the sum are drawn again, which keeps the ratios, and so
	// the distribution, exact.
	const margin = 0.99
	atMode := margin * math.Exp(logChoose(g, k)+logChoose(b, m-k)-logChoose(g+b, m))
	for {
		u := rng.Float64() - atMode
		if u < 0 {
			return mode
		}
		up, down := atMode, atMode
		i, j := k, k
		for up > 0 || down > 0 {
			up *= (g - i) * (m - i) / ((i + 1) * (b - m + i + 1))
			i++
			if u -= up; u < 0 {
				return int64(i)
			}
			down *= j * (b - m + j) / ((g - j + 1) * (m - j + 1))
			j--
			if u -= down; u < 0 {
				return int64(j)
			}
			if up+down < 1e-18*atMode {
				break
			}
		}
	}
}

// logChoose is the logarithm of the binomial coefficient.
func logChoose(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}
