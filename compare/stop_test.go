package compare

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
)

// limited is I(ell; 2·ell) of a model whose excess loss after t tokens of context is
// t^(beta−1) up to t = stop and constant from there on: the loss of the next ell tokens
// without the last ell, less that with them, token by token.
func limited(ell []int, stop, beta float64) (nats []float64) {
	loss := func(context int) float64 { return math.Pow(min(float64(context)+1, stop), beta-1) }
	for _, n := range ell {
		total := 0.0
		for t := range n {
			total += loss(t) - loss(n+t)
		}
		nats = append(nats, total)
	}
	return nats
}

// Of exact curves, with the exponents of small and of large models, the stop is found to
// 6 % (the sums differ from the integrals behind the formula at short lengths), on and
// between the lengths; a line that meets the constant would say 0.73 of it.
func TestStopOfExactCurves(t *testing.T) {
	ell := []int{2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}
	x := make([]float64, len(ell))
	for i, n := range ell {
		x[i] = float64(n)
	}
	for _, beta := range []float64{0.4, 0.6, 0.76} {
		for _, stop := range []float64{32, 50, 64, 80, 100, 128, 200} {
			nats := limited(ell, stop, beta)
			k := 0
			for x[k] < stop {
				k++
			}
			if got := place(x, nats, k, nats[k]); math.Abs(got/stop-1) > 0.06 {
				t.Errorf("β %g: stop at %g, found %g", beta, stop, got)
			}
		}
	}
}

// sampled is a series of documents whose estimates scatter around truth with
// errors that add up over lengths, as those of windows do.
func sampled(rng *rand.Rand, documents int, ell []int, truth []float64, noise float64) mi.Series {
	s := mi.Series{Ratio: 2, Clusters: documents}
	n := len(ell)
	mean := make([]float64, n)
	for range documents {
		row, walk := make([]float64, n), 0.0
		for i := range ell {
			walk += noise * truth[i] * rng.NormFloat64() / math.Sqrt2
			row[i] = truth[i]*(1+0.3*rng.NormFloat64()*noise) + walk
			mean[i] += row[i] / float64(documents)
		}
		s.Sums = append(s.Sums, row)
		ones := make([]float64, n)
		for i := range ones {
			ones[i] = 1
		}
		s.Counts = append(s.Counts, ones)
	}
	d := float64(documents)
	s.Cov = make([][]float64, n)
	for i := range n {
		s.Cov[i] = make([]float64, n)
		for j := range n {
			for _, row := range s.Sums {
				s.Cov[i][j] += (row[i] - mean[i]) * (row[j] - mean[j]) / d / (d - 1)
			}
		}
		s.Points = append(s.Points, mi.Point{Ell: ell[i], Length: 2 * ell[i]})
		s.Points[i].Value = info.Nats(mean[i])
	}
	return s
}

// Over many corpora the stop is where it is, its interval holds it, and none is
// found where the gain goes on.
func TestStopIsFoundWhereItIs(t *testing.T) {
	ell := []int{2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}
	for _, x := range []struct {
		stop      float64
		documents int
	}{{16, 60}, {90, 60}, {256, 60}, {math.Inf(1), 60}, {90, 20}, {math.Inf(1), 20}} {
		stop := x.stop
		truth := limited(ell, stop, 0.76)
		rng := rand.New(rand.NewPCG(1, uint64(math.Min(stop, 1e6))))
		const rounds = 120
		found, near, covered := 0, 0, 0
		for range rounds {
			s := FindStop(sampled(rng, x.documents, ell, truth, 0.6), Bootstrap{Draws: 200})
			if s.Reason != "" {
				t.Fatal(s.Reason)
			}
			if !s.Found {
				continue
			}
			found++
			if s.At > stop/1.5 && s.At < 1.5*stop {
				near++
			}
			if s.Lo <= stop*1.02 && (s.Hi >= stop*0.98 || s.Hi == 0) {
				covered++
			}
		}
		t.Logf("%d documents, stop at %g: found in %d of %d, within a factor of 1.5 in %d, in the interval in %d", x.documents, stop, found, rounds, near, covered)
		if math.IsInf(stop, 1) {
			// A plateau of two points is found by chance when their difference, truly
			// 6 standard errors here, is below the square root of ln 60.
			if found > rounds/12 {
				t.Errorf("an end was found in %d of %d corpora without one", found, rounds)
			}
			continue
		}
		least := 90 // percent within a factor of 1.5
		if x.documents < 30 {
			least = 75
		}
		if found < rounds*95/100 || near < found*least/100 || covered < found*85/100 {
			t.Errorf("stop at %g: found %d, near %d, covered %d of %d", stop, found, near, covered, rounds)
		}
	}
}

func TestStopNeedsData(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for name, s := range map[string]mi.Series{
		"nothing":       {},
		"few lengths":   sampled(rng, 30, []int{2, 4, 8}, []float64{1, 2, 3}, 0.1),
		"few documents": sampled(rng, 5, []int{2, 4, 8, 16}, []float64{1, 2, 3, 4}, 0.1),
		"no gain":       sampled(rng, 30, []int{2, 4, 8, 16}, []float64{-1, -1, -1, -1}, 0.1),
	} {
		if got := FindStop(s, Bootstrap{Draws: 50}); got.Found || got.Reason == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
