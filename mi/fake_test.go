package mi

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// windows is a Source in memory.
type windows struct {
	length int
	all    []Window
}

func (w windows) Length() int { return w.length }

func (w windows) Each(yield func(Window) error) error {
	for _, x := range w.all {
		if err := yield(x); err != nil {
			return err
		}
	}
	return nil
}

// random makes windows with all passes, at every dyadic split.
func random(rng *rand.Rand, length, count, clusters, contexts, maxRatio int) windows {
	w := windows{length: length}
	logs := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = -float32(rng.ExpFloat64())
		}
		return v
	}
	for i := range count {
		x := Window{Cluster: 10 + i%clusters, Joint: logs(length), Marginal: map[int][]float32{}, Cross: map[int][][]float32{}}
		for ell := 2; 2*ell <= length; ell *= 2 {
			n := (min(maxRatio, length/ell) - 1) * ell
			x.Marginal[ell] = logs(n)
			for range contexts {
				x.Cross[ell] = append(x.Cross[ell], logs(n))
			}
		}
		w.all = append(w.all, x)
	}
	return w
}

func collect(t testing.TB, src Source, o CollectOptions) *Statistics {
	t.Helper()
	s, err := Collect(context.Background(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func series(t testing.TB, s *Statistics, e Estimator, ratio int) Series {
	t.Helper()
	out, err := s.Series(e, ratio)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// testNGrams are arbitrary entropies of one and two tokens.
var testNGrams = []EntropyEstimate{{Value: 2.5}, {Value: 4.25}}

// reference is the value of an estimator on one window, straight from its
// definition in docs/method.md.
func reference(e Estimator, w Window, ell, ratio int) float64 {
	n := (ratio - 1) * ell
	add := func(v []float32) float64 {
		total := 0.0
		for _, x := range v {
			total += float64(x)
		}
		return total
	}
	joint := add(w.Joint[ell : ratio*ell])
	var cross []float64
	for _, c := range w.Cross[ell] {
		cross = append(cross, add(c[:n]))
	}
	meanOf := func(v []float64) float64 {
		total := 0.0
		for _, x := range v {
			total += math.Exp(x)
		}
		return total / float64(len(v))
	}
	switch e {
	case Paired, Direct:
		return joint - add(w.Marginal[ell][:n])
	case Paired1Gram, Paired2Gram:
		first := map[Estimator]int{Paired1Gram: 1, Paired2Gram: 2}[e]
		model := add(w.Marginal[ell][:first])
		return joint - add(w.Marginal[ell][first:n]) - (model-4*float64(testNGrams[first-1].Value))/5
	case Block:
		return joint - add(w.Joint[:n])
	case VCLUB:
		total := 0.0
		for _, x := range cross {
			total += (joint - x) / float64(len(cross))
		}
		return total
	case InfoNCE:
		return joint - math.Log(meanOf(append(slices.Clone(cross), joint)))
	default:
		return joint - math.Log(meanOf(cross))
	}
}

// TestAgainstReference compares every estimator, ratio and split with the mean
// of the definitions over windows, and the covariance with its formula.
func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		length := rapid.IntRange(4, 40).Draw(t, "length")
		count := rapid.IntRange(2, 12).Draw(t, "windows")
		clusters := rapid.IntRange(1, 6).Draw(t, "clusters")
		src := random(rng, length, count, clusters, rapid.IntRange(1, 5).Draw(t, "contexts"), 4)
		s, err := Collect(context.Background(), src, CollectOptions{NGrams: testNGrams})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range Estimators() {
			if e.unpaired() {
				continue // TestDirect
			}
			for ratio := 2; ratio <= 4; ratio++ {
				out, err := s.Series(e, ratio)
				if err != nil {
					t.Fatal(err)
				}
				checkSeries(t, out, src, e, ratio)
			}
		}
	})
}

func checkSeries(t *rapid.T, out Series, src windows, e Estimator, ratio int) {
	i := 0
	for ell := 2; 2*ell <= src.length; ell *= 2 {
		if ratio*ell > src.length {
			continue
		}
		if i >= len(out.Points) {
			t.Fatalf("%s, ratio %d: only %d points", e, ratio, len(out.Points))
		}
		p := out.Points[i]
		mean := 0.0
		for _, w := range src.all {
			mean += reference(e, w, ell, ratio) / float64(len(src.all))
		}
		if p.Ell != ell || p.Length != ratio*ell || p.Windows != len(src.all) || math.Abs(float64(p.Value)-mean) > 1e-9 {
			t.Fatalf("%s, ratio %d, ell %d: %+v, want %v", e, ratio, ell, p, mean)
		}
		// Cluster-robust variance D/(D−1)·Σ (S_c − θ n_c)²/N².
		residual := map[int]float64{}
		for _, w := range src.all {
			residual[w.Cluster] += (reference(e, w, ell, ratio) - mean) / float64(len(src.all))
		}
		d, v := float64(len(residual)), 0.0
		for _, r := range residual {
			v += d / (d - 1) * r * r
		}
		switch {
		case d < 2 && (out.Cov != nil || p.SE != 0):
			t.Fatalf("one cluster, but covariance %v, SE %v", out.Cov, p.SE)
		case d >= 2 && math.Abs(out.Cov[i][i]-v) > 1e-9*(1+v), d >= 2 && math.Abs(float64(p.SE)-math.Sqrt(v)) > 1e-9*(1+v):
			t.Fatalf("%s, ratio %d, ell %d: variance %v, want %v", e, ratio, ell, out.Cov[i][i], v)
		}
		total, windows := 0.0, 0.0
		for c := range out.Sums {
			total += out.Sums[c][i]
			windows += out.Counts[c][i]
		}
		if math.Abs(total/windows-mean) > 1e-9 {
			t.Fatalf("%s: the sums give %v, not %v", e, total/windows, mean)
		}
		i++
	}
	if i != len(out.Points) {
		t.Fatalf("%s, ratio %d: %d points, want %d", e, ratio, len(out.Points), i)
	}
}
