package check_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/token"
)

// TestCounts: the losses of counts are those of looking up every context in the other
// documents.
func TestCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		symbols := rapid.IntRange(1, 3).Draw(t, "symbols")
		var windows [][]token.ID
		var documents []int
		for range rapid.IntRange(6, 12).Draw(t, "windows") {
			w := make([]token.ID, 16)
			for i := range w {
				w[i] = token.ID(10 * rapid.IntRange(1, symbols).Draw(t, "symbol"))
			}
			windows, documents = append(windows, w), append(documents, len(documents)*5/6+3)
		}
		seen := map[token.ID]bool{}
		for _, w := range windows {
			for _, id := range w {
				seen[id] = true
			}
		}
		// loss is −ln r(w[to−1] | w[from:to−1]) of document d.
		loss := func(d int, w []token.ID, from, to int) float64 {
			p := 1 / float64(len(seen))
			for k := 0; k <= 4 && to-1-k >= from; k++ {
				total, next := 0.0, 0.0
				for i, v := range windows {
					for end := k + 1; end <= len(v) && documents[i] != d; end++ {
						if string(runes(v[end-1-k:end-1])) == string(runes(w[to-1-k:to-1])) {
							total++
							if v[end-1] == w[to-1] {
								next++
							}
						}
					}
				}
				p = (next + p) / (total + 1)
			}
			return -math.Log(p)
		}
		got, err := check.Observe(windows, documents)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Simple) != 3 {
			t.Fatalf("%d splits", len(got.Simple))
		}
		for _, s := range got.Simple {
			fresh, after := map[int]float64{}, map[int]float64{}
			for i, w := range windows {
				for to := s.Ell + 1; to <= 2*s.Ell; to++ {
					fresh[documents[i]] += loss(documents[i], w, s.Ell, to)
					after[documents[i]] += loss(documents[i], w, 0, to)
				}
			}
			for c, d := 0, -1; c < len(s.Fresh); c++ {
				for d++; fresh[d] == 0 && after[d] == 0 && d < 99; {
					d++
				}
				if math.Abs(s.Fresh[c]-fresh[d]) > 1e-9 || math.Abs(s.After[c]-after[d]) > 1e-9 {
					t.Fatalf("ell %d, document %d: %g, %g, want %g, %g", s.Ell, d, s.Fresh[c], s.After[c], fresh[d], after[d])
				}
			}
		}
	})
}

func runes(tokens []token.ID) []rune {
	out := make([]rune, len(tokens))
	for i, id := range tokens {
		out[i] = rune(id)
	}
	return out
}

// TestLinear: the losses on numbers are those of the Gaussian law with the covariances
// of the other documents, and above the entropy of an autoregression, by little.
func TestLinear(t *testing.T) {
	const documents, length, a = 200, 64, 0.8
	rng := rand.New(rand.NewPCG(1, 1))
	var windows [][]float64
	var ids []int
	for d := range documents {
		w := []float64{rng.NormFloat64() / math.Sqrt(1-a*a)}
		for len(w) < length {
			w = append(w, a*w[len(w)-1]+rng.NormFloat64())
		}
		for i := range w {
			w[i] += 100
		}
		windows, ids = append(windows, w), append(ids, d)
	}
	got, err := check.Observe(windows, ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range got.Simple {
		fresh, after := 0.0, 0.0
		for d := range documents {
			fresh, after = fresh+s.Fresh[d]/documents, after+s.After[d]/documents
		}
		// The entropy rate is that of the unit noise, the first number has ½ ln 1/(1−a²) more.
		n := float64(s.Ell)
		rate := n * math.Log(2*math.Pi*math.E) / 2
		se := math.Sqrt(n / 2 / documents)
		for _, c := range []struct {
			name       string
			value, low float64
		}{{"fresh", fresh, rate - math.Log(1-a*a)/2}, {"after", after, rate}} {
			if c.value < c.low-4*se || c.value > c.low+4*se+0.05 {
				t.Errorf("%s, ell %d: %g, entropy %g ± %g", c.name, s.Ell, c.value, c.low, se)
			}
		}
	}
	for _, d := range []int{0, 77} {
		if want := gaussianLoss(windows, d, 8); math.Abs(got.Simple[2].Fresh[d]-want) > 1e-6*want {
			t.Errorf("document %d: %g, want %g", d, got.Simple[2].Fresh[d], want)
		}
	}
}

// gaussianLoss is the loss of w[n:2n] of a document under the Gaussian law with the
// mean and autocovariances of the others.
func gaussianLoss(windows [][]float64, document, n int) float64 {
	mean, count := 0.0, 0.0
	for d, w := range windows {
		for _, x := range w {
			if d != document {
				mean, count = mean+x, count+1
			}
		}
	}
	mean /= count
	cov := mat.NewSymDense(n, nil)
	for k := range n {
		sum, pairs := 0.0, 0.0
		for d, w := range windows {
			for t := k; t < len(w) && d != document; t++ {
				sum, pairs = sum+(w[t]-mean)*(w[t-k]-mean), pairs+1
			}
		}
		for i := k; i < n; i++ {
			cov.SetSym(i, i-k, sum/pairs)
		}
	}
	var c mat.Cholesky
	c.Factorize(cov)
	e := mat.NewVecDense(n, nil)
	for i := range n {
		e.SetVec(i, windows[document][n+i]-mean)
	}
	var solved mat.VecDense
	_ = c.SolveVecTo(&solved, e)
	return (float64(n)*math.Log(2*math.Pi) + c.LogDet() + mat.Dot(e, &solved)) / 2
}

// TestObserveFew: of few documents, of vectors and of nothing there is no simple
// predictor.
func TestObserveFew(t *testing.T) {
	four := [][]token.ID{{1, 2, 1, 2}, {1, 1, 1, 2}, {2, 2, 1, 2}, {1, 2, 1, 1}}
	if got, err := check.Observe(four, []int{0, 1, 2, 3}); err != nil || got.Simple != nil || len(got.Entropy) != 2 {
		t.Errorf("four documents: %+v, %v", got, err)
	}
	if got, err := check.Observe([][][]float64{{{1}, {2}}}, []int{0}); err != nil || got.Simple != nil || got.Entropy != nil {
		t.Errorf("vectors: %+v, %v", got, err)
	}
	if got, err := check.Observe([][]float64{}, nil); err != nil || got.Simple != nil {
		t.Errorf("nothing: %+v, %v", got, err)
	}
}
