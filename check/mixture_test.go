package check_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/token"
)

// scoredAs are windows with log-probabilities of their tokens.
func scoredAs[T any](windows [][]T, score func(w []T, t int) float64) mi.Source {
	var out []mi.Window
	for _, w := range windows {
		var s mi.Window
		for t := range w {
			s.Joint = append(s.Joint, float32(score(w, t)))
		}
		out = append(out, s)
	}
	return mi.InMemory(len(windows[0]), out)
}

// TestMixtures: the gains are those of looking everything up in the window and in the
// other documents.
func TestMixtures(t *testing.T) {
	const q = 0.3
	rapid.Check(t, func(t *rapid.T) {
		symbols, ell := rapid.IntRange(1, 3).Draw(t, "symbols"), rapid.IntRange(1, 8).Draw(t, "ell")
		var windows [][]token.ID
		var documents []int
		for i := range rapid.IntRange(6, 9).Draw(t, "windows") {
			w := make([]token.ID, 2*ell)
			for i := range w {
				w[i] = token.ID(rapid.IntRange(1, symbols).Draw(t, "symbol"))
			}
			windows, documents = append(windows, w), append(documents, (i*5/6)*7)
		}
		got, err := check.Mixtures(windows, documents, ell, scoredAs(windows, func([]token.ID, int) float64 { return math.Log(q) }))
		if err != nil || len(got) != 14 {
			t.Fatal(len(got), err)
		}
		want := func(m, document int) (sum float64) {
			for i, w := range windows {
				for at := ell; at < len(w) && documents[i] == document; at++ {
					if m < 12 {
						k, weight := []int{0, 1, 2, 4}[m/3], []float64{8, 64, 512}[m%3]
						total, n := 0.0, 0.0
						for s := range at {
							if from := max(0, at-k); string(runes(w[max(0, s-k):s])) == string(runes(w[from:at])) {
								total++
								if w[s] == w[at] {
									n++
								}
							}
						}
						sum += math.Log((n + weight*q) / (total + weight) / q)
						continue
					}
					of, all := 0.0, 0.0
					for j, v := range windows {
						for _, id := range v {
							if shown := string(runes(w[:at])); documents[j] != document {
								for _, r := range shown {
									if token.ID(r) == id {
										all++
										if id == w[at] {
											of++
										}
										break
									}
								}
							}
						}
					}
					share := []float64{1. / 32, 1. / 8}[m-12]
					if all > 0 {
						sum += math.Log(((1-share)*q + share*of/all) / q)
					}
				}
			}
			return sum
		}
		order := []int{}
		for i, d := range documents {
			if i == 0 || d != documents[i-1] {
				order = append(order, d)
			}
		}
		for m, g := range got {
			for c, d := range order {
				if w := want(m, d); math.Abs(g.Gains[c]-w) > 1e-5 {
					t.Fatalf("mixture %d, document %d: %g, want %g", m, d, g.Gains[c], w)
				}
			}
		}
	})
}

// TestMixturesOfExact: with the exact law nothing gains: of numbers, an autoregression.
func TestMixturesOfExact(t *testing.T) {
	const a, documents, n = 0.8, 200, 64
	rng := rand.New(rand.NewPCG(1, 2))
	var windows [][]float64
	var ids []int
	for d := range documents {
		w := []float64{rng.NormFloat64() / math.Sqrt(1-a*a)}
		for len(w) < n {
			w = append(w, a*w[len(w)-1]+rng.NormFloat64())
		}
		windows, ids = append(windows, w), append(ids, d)
	}
	gain := func(score func(w []float64, t int) float64) (best float64) {
		got, err := check.Mixtures(windows, ids, n/2, scoredAs(windows, score))
		if err != nil || len(got) != 2 {
			t.Fatal(len(got), err)
		}
		best = math.Inf(-1)
		for _, m := range got {
			sum := 0.0
			for _, g := range m.Gains {
				sum += g / documents
			}
			best = max(best, sum)
		}
		return best
	}
	normal := func(e, v float64) float64 { return -(math.Log(2*math.Pi*v) + e*e/v) / 2 }
	if g := gain(func(w []float64, t int) float64 { return normal(w[t]-a*w[max(0, t-1)], 1) }); g > 0 {
		t.Errorf("the exact law gains %g nats", g)
	}
	// Without its past the model loses −½ ln(1 − a²) = 0.51 nats a token.
	if g := gain(func(w []float64, t int) float64 { return normal(w[t], 1/(1-a*a)) }); g < 1 {
		t.Errorf("a model without a past gains %g nats", g)
	}
}

// TestMixturesOfVectors: the likelihood ratios of components are multiplied, and a
// model that ignores the past of one component is found.
func TestMixturesOfVectors(t *testing.T) {
	const a, documents, n = 0.8, 200, 32
	rng := rand.New(rand.NewPCG(3, 4))
	var windows [][][]float64
	var first, second [][]float64
	var ids []int
	for d := range documents {
		var w [][]float64
		var x, y []float64
		u, v := rng.NormFloat64()/math.Sqrt(1-a*a), 0.0
		for range n {
			v = rng.NormFloat64()
			w, x, y = append(w, []float64{u, v}), append(x, u), append(y, v)
			u = a*u + rng.NormFloat64()
		}
		windows, first, second, ids = append(windows, w), append(first, x), append(second, y), append(ids, d)
	}
	normal := func(e, v float64) float64 { return -(math.Log(2*math.Pi*v) + e*e/v) / 2 }
	white := func(w []float64, t int) float64 { return normal(w[t], 1) }
	blind := func(w []float64, t int) float64 { return normal(w[t], 1/(1-a*a)) }
	got, err := check.Mixtures(windows, ids, n/2, scoredAs(windows, func(w [][]float64, t int) float64 {
		return normal(w[t][0], 1/(1-a*a)) + normal(w[t][1], 1)
	}))
	if err != nil || len(got) != 2 {
		t.Fatal(len(got), err)
	}
	// The second component is scored by its exact law and has nothing to gain.
	one, err := check.Mixtures(first, ids, n/2, scoredAs(first, blind))
	if err != nil {
		t.Fatal(err)
	}
	none, err := check.Mixtures(second, ids, n/2, scoredAs(second, white))
	if err != nil {
		t.Fatal(err)
	}
	mean := func(m check.Mixture) (sum float64) {
		for _, g := range m.Gains {
			sum += g / documents
		}
		return sum
	}
	for k := range got {
		if g, w := mean(got[k]), mean(one[k]); math.Abs(g-w) > 0.15*w || g < 1 {
			t.Errorf("mixture %d gains %g nats, of the first component alone %g", k, g, w)
		}
		if g := mean(none[k]); g > 0 {
			t.Errorf("mixture %d gains %g nats over the exact law of the second component", k, g)
		}
	}
}
