package twopoint

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/l2m-lab/l2m/internal/thorough"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law/decay"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/token"
)

// A Markov chain of three states has I(d) = Σ π_a (Tᵈ)_ab ln[(Tᵈ)_ab/π_b],
// computed here from powers of T; π is the row that Tᵈ tends to.
func TestTwoPointOfAMarkovChain(t *testing.T) {
	transition := [3][3]float64{{0.7, 0.2, 0.1}, {0.1, 0.6, 0.3}, {0.3, 0.1, 0.6}}
	power := func(d int) [3][3]float64 {
		p := [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
		for range d {
			var q [3][3]float64
			for a := range 3 {
				for b := range 3 {
					for k := range 3 {
						q[a][b] += p[a][k] * transition[k][b]
					}
				}
			}
			p = q
		}
		return p
	}
	pi := power(500)[0]
	truth := func(d int) float64 {
		p, sum := power(d), 0.0
		for a := range 3 {
			for b := range 3 {
				sum += pi[a] * p[a][b] * math.Log(p[a][b]/pi[b])
			}
		}
		return sum
	}
	rng := rand.New(rand.NewPCG(9, 9))
	docs := make(count.Documents, 64)
	shuffled := make(count.Documents, len(docs))
	for i := range docs {
		state := 0
		for range 20 { // forget where it started
			state = step(rng, transition[state])
		}
		for range 4000 {
			state = step(rng, transition[state])
			docs[i] = append(docs[i], token.ID(state))
			shuffled[i] = append(shuffled[i], token.ID(step(rng, pi)))
		}
	}
	measure := func(docs count.Documents) []float64 {
		r, err := count.Pairs(t.Context(), docs, count.Options{Distances: []int{1, 2, 3, 4, 200}, Vocabulary: 3, Blocks: 16})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Options{Seed: 1}.withDefaults().estimation().run(context.Background(), &count.File{Result: *r})
		if err != nil {
			t.Fatal(err)
		}
		var z []float64
		for _, p := range got.Points {
			want := 0.0
			if &docs[0] != &shuffled[0] {
				want = truth(p.Distance)
			}
			// Near zero the estimate is not normal: χ² of 4 degrees of freedom.
			noise := math.Hypot(float64(p.SE), math.Sqrt(4.0/2)/float64(p.Pairs))
			z = append(z, (float64(p.Value)-want)/noise)
			if far := p.Distance > 100 || &docs[0] == &shuffled[0]; far != (p.LeftOut == decay.BelowFloor) {
				t.Errorf("d = %d: left out as %q; want below the floor: %t (%g ± %g)", p.Distance, p.LeftOut, far, p.Value, p.SE)
			}
		}
		return z
	}
	for _, docs := range []count.Documents{docs, shuffled} {
		for i, z := range measure(docs) {
			if math.Abs(z) > 4 {
				t.Errorf("distance number %d is off by %.1f standard errors", i, z)
			}
		}
	}
}

func step(rng *rand.Rand, p [3]float64) int {
	u := rng.Float64()
	switch {
	case u < p[0]:
		return 0
	case u < p[0]+p[1]:
		return 1
	}
	return 2
}

// skipNumbers skips a test of numbers, not of goroutines, under the race detector,
// which makes it take minutes.
func skipNumbers(t *testing.T) {
	if !thorough.Tests() {
		t.Skip("simulates for many seconds: set L2M_THOROUGH=1")
	}
}

// Estimates from counts, with floors subtracted, hold the known information of
// hidden Markov chains within their errors: over many corpora their intervals
// cover it as often as they say, whether the vocabulary is small, or so large
// that most pairs are seen once or never.
func TestTwoPointOfHiddenMarkovChains(t *testing.T) {
	skipNumbers(t)
	const repeats = 40
	for _, c := range []struct {
		vocabulary, documents, length int
	}{{4, 48, 1000}, {600, 48, 2000}} {
		t.Run(fmt.Sprintf("vocabulary=%d", c.vocabulary), func(t *testing.T) {
			h := zipfChain(t, c.vocabulary)
			distances := []int{1, 4, 16, 64}
			covered, biases := make([]int, len(distances)), make([]float64, len(distances))
			lost := 0.0
			for r := range repeats {
				rng := rand.New(rand.NewPCG(uint64(r), 31))
				docs := make(count.Documents, c.documents)
				for i := range docs {
					docs[i] = h.Sample(rng, c.length)
				}
				counts, err := count.Pairs(t.Context(), docs, count.Options{Distances: distances, Vocabulary: c.vocabulary, Blocks: 16, Seed: uint64(r)})
				if err != nil {
					t.Fatal(err)
				}
				got, err := Options{Seed: uint64(r)}.withDefaults().estimation().run(t.Context(), &count.File{Alphabet: "words", Result: *counts})
				if err != nil {
					t.Fatal(err)
				}
				for i, p := range got.Points {
					truth, _ := h.TwoPointMI(p.Distance)
					biases[i] += float64(p.Value-truth) / float64(repeats)
					lost += p.Attenuation / float64(repeats*len(distances))
					// Student's t of 15 degrees of freedom.
					if math.Abs(float64(p.Value-truth)) <= 2.131*float64(p.SE) {
						covered[i]++
					}
				}
			}
			for i, d := range distances {
				truth, _ := h.TwoPointMI(d)
				t.Logf("d = %d: %d of %d intervals hold %.6f; bias %.6f", d, covered[i], repeats, float64(truth), biases[i])
				// Binomial: 95 % ± 3.4 %.
				if covered[i] < repeats*85/100-1 {
					t.Errorf("d = %d: %d of %d intervals hold the information", d, covered[i], repeats)
				}
			}
			// What is lost where pairs are rare is not more than the result says.
			truth, _ := h.TwoPointMI(1)
			share := -biases[0] / float64(truth)
			t.Logf("%.3f of the information of neighbours is lost, %.3f by the result", share, lost)
			// The bias has a standard error of about 2 % of the information.
			if share < -0.06 || share > lost+0.06 {
				t.Errorf("%.3f of the information of neighbours is lost, the result says up to %.3f", share, lost)
			}
		})
	}
}

// The floor of a distance is what shuffled pairs read, whether it is computed or,
// for other estimators, read off shuffled pairs.
func TestFloors(t *testing.T) {
	skipNumbers(t)
	h := zipfChain(t, 900)
	rng := rand.New(rand.NewPCG(1, 77))
	docs := make(count.Documents, 30)
	for i := range docs {
		docs[i] = h.Sample(rng, 1500)
	}
	counts, err := count.Pairs(t.Context(), docs, count.Options{Distances: []int{1, 5, 20, 100, 140, 700}, Vocabulary: 900, Blocks: 16})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []mi.EntropyEstimator{mi.Grassberger, mi.MillerMadow} {
		got, err := Options{Estimator: string(e), Seed: 3}.withDefaults().estimation().run(t.Context(), &count.File{Alphabet: "words", Result: *counts})
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range counts.Distances {
			p := pairCountsOf(d)
			p.Without = nil
			for r := range uint64(20) {
				h, err := count.Shuffled(t.Context(), d.Left, d.Right, 100+r, 0)
				if err != nil {
					t.Fatal(err)
				}
				p.Shuffled = append(p.Shuffled, h)
			}
			want, err := mi.TwoPoint(p, mi.TwoPointOptions{Estimator: e})
			if err != nil {
				t.Fatal(err)
			}
			// Of the mean of 20, and of 16 for what is not computed.
			noise := float64(mi.IndependentSE(d.Left, d.Right)) * math.Sqrt(1.0/20+1.0/16)
			floor := got.Points[i].Floor
			t.Logf("%s, d = %d: %.5f, shuffled %.5f ± %.5f", e, d.Distance, floor, want.Floor, noise)
			if math.Abs(float64(floor-want.Floor)) > 4*noise {
				t.Errorf("%s, d = %d: the floor is %g, shuffled pairs read %g ± %g", e, d.Distance, floor, want.Floor, noise)
			}
		}
	}
}

// Two pairs at the largest distance, for which the formula does not hold, do not make
// all distances be shuffled.
func TestFloorsOfFewPairs(t *testing.T) {
	h := zipfChain(t, 4)
	rng := rand.New(rand.NewPCG(1, 78))
	docs := count.Documents{h.Sample(rng, 502)}
	for range 20 {
		docs = append(docs, h.Sample(rng, 500))
	}
	copy(docs[0], []token.ID{0, 0})
	copy(docs[0][500:], []token.ID{1, 2})
	counts, err := count.Pairs(t.Context(), docs, count.Options{Distances: []int{1, 100, 500}, Vocabulary: 4, Blocks: 16})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Options{Seed: 1}.withDefaults().estimation().run(t.Context(), &count.File{Result: *counts})
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range counts.Distances[:2] {
		want, err := mi.IndependentFloor(d.Left, d.Right)
		if err != nil {
			t.Fatal(err)
		}
		if p := got.Points[i]; p.Floor != want {
			t.Errorf("d = %d, %d pairs: the floor is %g, by the marginals %g", d.Distance, d.Pairs, p.Floor, want)
		}
	}
	// Whichever of the two is dealt which, they read the same.
	if p := got.Points[2]; p.Pairs != 2 || p.Value != 0 || p.LeftOut != decay.FewPairs {
		t.Errorf("%+v, want two pairs, of which shuffled ones read as much", p)
	}
}

// What is of a few documents only is not fitted, and errors where one has all pairs
// say what they are.
func TestFewBlocks(t *testing.T) {
	h := zipfChain(t, 4)
	rng := rand.New(rand.NewPCG(1, 80))
	var docs count.Documents
	for i := range 43 {
		docs = append(docs, h.Sample(rng, []int{1000, 20_000}[i/40]))
	}
	docs = append(docs, h.Sample(rng, 23_000))
	counts, err := count.Pairs(t.Context(), docs, count.Options{Distances: []int{1, 1500, 21_000}, Vocabulary: 4, Blocks: 16, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Options{Seed: 1}.withDefaults().estimation().run(t.Context(), &count.File{Result: *counts})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		reason decay.LeftOut
		method string
		blocks float64
	}{{"", mi.Jackknife, 0}, {decay.FewBlocks, mi.Jackknife, 0}, {decay.FewPairs, mi.Bound, 1}} {
		p := got.Points[i]
		if p.LeftOut != want.reason || p.Method != want.method || want.blocks > 0 && p.Blocks != want.blocks {
			t.Errorf("d = %d: left out for %q, errors by %s over %g blocks; want %+v", p.Distance, p.LeftOut, p.Method, p.Blocks, want)
		}
	}
	if got.Blocks != 16 || !slices.ContainsFunc(got.Warnings, func(w info.Warning) bool { return w.Code == "few-blocks" }) {
		t.Errorf("%d blocks, warnings %+v", got.Blocks, got.Warnings)
	}
}

// Where shuffled pairs do not read what the marginals say, this is found: the formula
// is one for symbols none of which is a large share of all.
func TestFloorsAreChecked(t *testing.T) {
	for _, c := range []struct {
		marginals info.Histogram
		want      bool
	}{
		{info.Histogram{{Count: 1, Types: 400}, {Count: 50, Types: 20}}, true},
		{info.Histogram{{Count: 1, Types: 400}, {Count: 500, Types: 2}}, false},
	} {
		p := mi.PairCounts{Left: c.marginals, Right: c.marginals, Pairs: info.Histogram{{Count: 1, Types: 1400}}}
		for seed := range uint64(mostShuffles) {
			h, err := count.Shuffled(t.Context(), p.Left, p.Right, seed, 1)
			if err != nil {
				t.Fatal(err)
			}
			p.Shuffled = append(p.Shuffled, h)
		}
		if ok, err := formulaHolds(p); ok != c.want || err != nil {
			t.Errorf("%v: the formula holds: %t, want %t; error %v", c.marginals, ok, c.want, err)
		}
	}
}

// zipfChain is a hidden chain of three states that emit symbols of very different
// frequency.
func zipfChain(t *testing.T, symbols int) *process.HiddenMarkov {
	rng := rand.New(rand.NewPCG(5, 5))
	o := process.HiddenMarkovOptions{Transition: [][]float64{{0.95, 0.025, 0.025}, {0.025, 0.95, 0.025}, {0.025, 0.025, 0.95}}}
	for range o.Transition {
		emission, sum := make([]float64, symbols), 0.0
		for k := range emission {
			emission[k] = math.Exp(rng.NormFloat64()) / (float64(k) + 3)
			sum += emission[k]
		}
		for k := range emission {
			emission[k] /= sum
		}
		o.Emission = append(o.Emission, emission)
	}
	h, err := process.NewHiddenMarkov(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Points that are not of the law of all text are shown and left out of the fit.
func TestTwoPointLeavesOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	dir := t.TempDir()
	fasta := func(name string, letters int) string {
		text := []byte(">" + name + "\n")
		for range letters {
			text = append(text, "ACGT"[rng.IntN(1+rng.IntN(4))])
		}
		file := filepath.Join(dir, name+".fa")
		if err := os.WriteFile(file, text, 0o666); err != nil {
			t.Fatal(err)
		}
		return file
	}
	var paths []string
	for i := range 24 {
		paths = append(paths, fasta(fmt.Sprint("short", i), 500))
	}
	paths = append(paths, fasta("long", 5000))
	for name, c := range map[string]struct {
		distances []int
		want      map[int]decay.LeftOut
	}{
		"default": {nil, map[int]decay.LeftOut{512: decay.FewPairs, 1024: decay.FewPairs, 2048: decay.FewPairs, 4096: decay.FewPairs}},
		"asked":   {[]int{1, 2, 3, 600}, map[int]decay.LeftOut{1: decay.SharedLetters, 2: decay.SharedLetters, 600: decay.FewPairs}},
	} {
		r, err := Run(t.Context(), Options{Paths: paths, Tokens: "dna:3", Distances: c.distances, Out: filepath.Join(dir, name), Seed: 1, Figures: []string{}})
		if err != nil {
			t.Fatal(err)
		}
		if first := r.TwoPoint.Points[0].Distance; c.distances == nil && first != 4 {
			t.Errorf("%s: distances begin at %d, want 4: words of three letters", name, first)
		}
		got := map[int]decay.LeftOut{}
		for _, p := range r.TwoPoint.Points {
			if p.LeftOut != "" && p.LeftOut != decay.BelowFloor {
				got[p.Distance] = p.LeftOut
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// Of small corpora, too, l2m measure subtracts what the estimator reads where there
// is nothing: here 200 bytes of equal frequency, each pair of them seen every other
// time, make it 0.2 nats.
func TestMeasuredPairsHaveNoFloor(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	dir := t.TempDir()
	for i := range 20 {
		text := make([]byte, 1000)
		for j := range text {
			text[j] = byte(1 + rng.IntN(200))
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".txt")), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c, err := corpus.Index(t.Context(), []string{dir}, corpus.Options{Format: corpus.Bytes})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := Sample(t.Context(), c, "bytes", 0, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Corrected || len(r.Points) != 10 {
		t.Errorf("%d points, floors subtracted: %t", len(r.Points), r.Corrected)
	}
	for _, p := range r.Points {
		if p.Floor < 0.1 || math.Abs(float64(p.Value)) > 2*float64(p.Limit) {
			t.Errorf("d = %d: %g ± %g, floor %g", p.Distance, p.Value, p.SE, p.Floor)
		}
	}
}
