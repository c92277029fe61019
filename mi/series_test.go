package mi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestByHand is one window of four tokens with two contexts, all numbers
// worked out on paper.
func TestByHand(t *testing.T) {
	w := Window{
		Joint:    []float32{-1, -2, -0.5, -0.25},
		Marginal: map[int][]float32{2: {-1, -1}},
		Cross:    map[int][][]float32{2: {{-1, -0.5}, {-2, -0.5}}},
	}
	s := collect(t, windows{4, []Window{w, {Cluster: 1, Joint: w.Joint, Marginal: w.Marginal, Cross: w.Cross}}}, CollectOptions{NGrams: []EntropyEstimate{{Value: 1.5}, {Value: 2.75}}})
	// ln q(Y|X) = −0.75, ln q(Y) = −2, first two tokens −3, contexts −1.5 and −2.5.
	want := map[Estimator]float64{
		Paired: 1.25, Direct: 1.25,
		// ln q(Y) becomes −1 + (−1 − 4·1.5)/5 = −2.4 and (−2 − 4·2.75)/5 = −2.6.
		Paired1Gram: 1.65, Direct1Gram: 1.65, Paired2Gram: 1.85, Direct2Gram: 1.85,
		Block: 2.25, VCLUB: 1.25,
		Auxiliary:   -0.75 - math.Log((math.Exp(-1.5)+math.Exp(-2.5))/2),
		LeaveOneOut: -0.75 - math.Log((math.Exp(-1.5)+math.Exp(-2.5))/2),
		InfoNCE:     -0.75 - math.Log((math.Exp(-0.75)+math.Exp(-1.5)+math.Exp(-2.5))/3),
	}
	if got := s.Available(); len(got) != len(want) {
		t.Errorf("available: %v", got)
	}
	for e, v := range want {
		out := series(t, s, e, 2)
		if len(out.Points) != 1 || math.Abs(float64(out.Points[0].Value)-v) > 1e-12 {
			t.Errorf("%s: %+v, want %v", e, out.Points, v)
		}
	}
	if k := series(t, s, InfoNCE, 2).K; k != 3 {
		t.Errorf("infonce averages over %d, want 3", k)
	}
	double := series(t, s, Auxiliary, 2).Doubling
	if len(double) != 2 || double[0].K != 1 || double[1].K != 2 || math.Abs(float64(double[0].Values[0])-0.75) > 1e-12 {
		t.Errorf("K-doubling %+v, want 0.75 at K = 1", double)
	}
	if l := s.Loss(); math.Abs(float64(l.Mean)-3.75/4) > 1e-12 {
		t.Errorf("loss per token %v, want %v", l.Mean, 3.75/4)
	}
}

// TestOrderings: the bounds that hold on every data set.
func TestOrderings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		contexts := rapid.IntRange(1, 9).Draw(t, "contexts")
		src := random(rng, 16, 6, 3, contexts, 2)
		s, err := Collect(context.Background(), src, CollectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		get := func(e Estimator) []Point {
			out, err := s.Series(e, 2)
			if err != nil {
				t.Fatal(err)
			}
			return out.Points
		}
		club, aux, nce, loo := get(VCLUB), get(Auxiliary), get(InfoNCE), get(LeaveOneOut)
		for i := range club {
			if v := float64(nce[i].Value); v > math.Log(float64(contexts+1))+1e-9 {
				t.Fatalf("infonce %v above ln %d", v, contexts+1)
			}
			if aux[i].Value > club[i].Value+1e-9 { // Jensen
				t.Fatalf("auxiliary %v above vclub %v", aux[i].Value, club[i].Value)
			}
			if aux[i].Value != loo[i].Value {
				t.Fatalf("auxiliary %v and leave-one-out %v differ", aux[i].Value, loo[i].Value)
			}
			if contexts == 1 && math.Abs(float64(aux[i].Value-club[i].Value)) > 1e-9 {
				t.Fatalf("with one context auxiliary %v is not vclub %v", aux[i].Value, club[i].Value)
			}
		}
	})
}

// TestDirect: the two means come from disjoint halves of the documents, and
// the covariance is the sum of theirs.
func TestDirect(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	src := random(rng, 8, 30, 7, 0, 2)
	s := collect(t, src, CollectOptions{Seed: 5})
	out := series(t, s, Direct, 2)
	// The sums of a document depend on its joint or on its marginal pass, never
	// on both: change one pass of one document and see whose sums move.
	halves := map[bool]int{}
	for _, id := range s.Clusters() {
		changed := windows{length: 8}
		for _, w := range src.all {
			if w.Cluster == id {
				w.Marginal = map[int][]float32{2: {-9, -9}, 4: {-9, -9, -9, -9}}
			}
			changed.all = append(changed.all, w)
		}
		moved := series(t, collect(t, changed, CollectOptions{Seed: 5}), Direct, 2).Points[0].Value != out.Points[0].Value
		halves[moved]++
	}
	if halves[false] != 4 || halves[true] != 3 {
		t.Errorf("marginals come from %d documents, conditionals from %d; want 3 and 4", halves[true], halves[false])
	}
	// Variance by hand at ell = 2.
	variance, value := 0.0, 0.0
	for h, sign := range []float64{1, -1} {
		sum, count := map[int]float64{}, map[int]float64{}
		for _, w := range src.all {
			if inFirst(s, 5, w.Cluster) != (h == 0) {
				continue
			}
			v := float64(w.Joint[2]) + float64(w.Joint[3])
			if h == 1 {
				v = float64(w.Marginal[2][0]) + float64(w.Marginal[2][1])
			}
			sum[w.Cluster] += v
			count[w.Cluster]++
		}
		mean, n := 0.0, 0.0
		for c := range sum {
			mean += sum[c]
			n += count[c]
		}
		mean /= n
		value += sign * mean
		d := float64(len(sum))
		for c := range sum {
			r := (sum[c] - mean*count[c]) / n
			variance += d / (d - 1) * r * r
		}
	}
	if got := float64(out.Points[0].Value); math.Abs(got-value) > 1e-9 {
		t.Errorf("direct %v, want %v", got, value)
	}
	if got := out.Cov[0][0]; math.Abs(got-variance) > 1e-9 {
		t.Errorf("variance %v, want %v", got, variance)
	}
}

// inFirst finds a document's half by changing nothing else than the order.
func inFirst(s *Statistics, seed uint64, cluster int) bool {
	d := len(s.clusters)
	ones, zeros := make([][]float64, d), make([][]float64, d)
	for c := range d {
		ones[c], zeros[c] = []float64{0}, []float64{0}
		if s.clusters[c] == cluster {
			ones[c][0] = 1
		}
	}
	n := slices.Repeat([]float64{1}, d)
	sums, _ := unpaired(ones, zeros, n, seed)
	total := 0.0
	for _, row := range sums {
		total += row[0]
	}
	return math.Abs(total) > 1e-9
}

// TestClusterOrder: the order of windows does not matter beyond rounding.
func TestClusterOrder(t *testing.T) {
	src := random(rand.New(rand.NewPCG(4, 4)), 16, 20, 6, 2, 4)
	back := windows{16, slices.Clone(src.all)}
	slices.Reverse(back.all)
	a, b := collect(t, src, CollectOptions{}), collect(t, back, CollectOptions{})
	for _, e := range Estimators() {
		x, y := series(t, a, e, 2), series(t, b, e, 2)
		for i := range x.Points {
			if math.Abs(float64(x.Points[i].Value-y.Points[i].Value)) > 1e-12 || math.Abs(float64(x.Points[i].SE-y.Points[i].SE)) > 1e-12 {
				t.Errorf("%s: %+v forward, %+v backward", e, x.Points[i], y.Points[i])
			}
		}
	}
}

func warned(list Series, code string) bool {
	for _, w := range list.Warnings {
		if w.Code == code && w.Text != "" {
			return true
		}
	}
	return false
}

func TestUnavailable(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	full := random(rng, 8, 6, 3, 2, 4)
	strip := func(change func(w *Window)) windows {
		out := windows{length: 8}
		for _, w := range full.all {
			change(&w)
			out.all = append(out.all, w)
		}
		return out
	}
	noMarginal := strip(func(w *Window) { w.Marginal = nil })
	noCross := strip(func(w *Window) { w.Cross = nil })
	oneCluster := strip(func(w *Window) { w.Cluster = 0 })
	short := strip(func(w *Window) { w.Marginal = map[int][]float32{2: w.Marginal[2][:2], 4: w.Marginal[4]} })
	partly := strip(func(w *Window) { w.Marginal = map[int][]float32{4: w.Marginal[4]} })
	impossible := windows{length: 8, all: slices.Clone(full.all)}
	w := impossible.all[2]
	w.Cross = map[int][][]float32{
		2: {w.Cross[2][0], slices.Repeat([]float32{float32(math.Inf(-1))}, 6)},
		4: w.Cross[4],
	}
	impossible.all[2] = w
	for _, c := range []struct {
		name   string
		src    windows
		e      Estimator
		ratio  int
		points int
		code   string
	}{
		{"all", full, Paired, 2, 2, "few-clusters"},
		{"no marginal", noMarginal, Paired, 2, 0, "not-scored"},
		{"no marginal", noMarginal, Direct, 2, 0, "not-scored"},
		{"no marginal", noMarginal, Block, 2, 2, "few-clusters"},
		{"no cross", noCross, VCLUB, 2, 0, "not-scored"},
		{"no cross", noCross, Auxiliary, 2, 0, "not-scored"},
		{"no cross", noCross, LeaveOneOut, 2, 0, "not-scored"},
		{"no cross", noCross, InfoNCE, 2, 0, "not-scored"},
		{"one cluster", oneCluster, Paired, 2, 2, "one-cluster"},
		{"one cluster", oneCluster, Direct, 2, 0, "not-scored"},
		{"short marginal", short, Paired, 2, 2, "few-clusters"},
		{"short marginal", short, Paired, 4, 0, "not-scored"},
		{"one split", partly, Paired, 2, 1, "partly-scored"},
		{"direct, 3 documents", full, Direct, 2, 2, "few-clusters"},
		{"ratio 4", full, Block, 4, 1, "few-clusters"},
		{"impossible context", impossible, VCLUB, 2, 1, "infinite"},
		{"impossible context", impossible, InfoNCE, 2, 2, "few-clusters"},
		{"impossible context", impossible, Auxiliary, 2, 2, "few-clusters"},
	} {
		s := collect(t, c.src, CollectOptions{})
		out := series(t, s, c.e, c.ratio)
		if len(out.Points) != c.points || !warned(out, c.code) {
			t.Errorf("%s, %s, ratio %d: %d points, warnings %+v; want %d and %s", c.name, c.e, c.ratio, len(out.Points), out.Warnings, c.points, c.code)
		}
		if known := len(s.Clusters()) >= 2 && c.e != Direct; len(out.Points) > 0 && (out.Cov != nil) != known {
			t.Errorf("%s, %s: covariance %v", c.name, c.e, out.Cov)
		}
		if _, err := json.Marshal(out); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if slices.Contains(s.Available(), c.e) != (c.points > 0) && c.ratio == 2 {
			t.Errorf("%s: available says %v", c.name, s.Available())
		}
	}
	s := collect(t, full, CollectOptions{})
	if _, err := s.Series("magic", 2); err == nil {
		t.Error("an unknown estimator was accepted")
	}
	if _, err := s.Series(Paired, 7); err == nil {
		t.Error("a ratio that was not collected was accepted")
	}
}

func TestWarnings(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	src := random(rng, 16, 24, 12, 1, 2)
	for i := range src.all { // the true context is far better: infonce saturates
		for j := range src.all[i].Joint {
			src.all[i].Joint[j] = -0.01
		}
	}
	s := collect(t, src, CollectOptions{})
	if out := series(t, s, InfoNCE, 2); !warned(out, "at-ceiling") {
		t.Errorf("infonce at its ceiling: %+v", out.Warnings)
	}
	if out := series(t, s, Auxiliary, 2); !warned(out, "one-context") {
		t.Errorf("auxiliary with one context: %+v", out.Warnings)
	}
	if out := series(t, collect(t, random(rng, 16, 200, 20, 8, 2), CollectOptions{}), Auxiliary, 2); !warned(out, "k-not-converged") {
		t.Errorf("auxiliary that falls with K: %+v", out.Warnings)
	}
}

func TestCollectRefuses(t *testing.T) {
	good := random(rand.New(rand.NewPCG(7, 7)), 8, 2, 2, 1, 2)
	nan := float32(math.NaN())
	change := func(f func(w *Window)) windows {
		out := windows{8, slices.Clone(good.all)}
		w := out.all[1]
		f(&w)
		out.all[1] = w
		return out
	}
	for name, src := range map[string]Source{
		"no windows":     windows{length: 8},
		"length":         windows{length: 1},
		"short joint":    change(func(w *Window) { w.Joint = w.Joint[:7] }),
		"nan":            change(func(w *Window) { w.Joint = append(slices.Clone(w.Joint[:7]), nan) }),
		"nan marginal":   change(func(w *Window) { w.Marginal = map[int][]float32{2: {nan, 0}} }),
		"inf marginal":   change(func(w *Window) { w.Marginal = map[int][]float32{2: {float32(math.Inf(-1)), 0}} }),
		"nan cross":      change(func(w *Window) { w.Cross = map[int][][]float32{2: {{nan, 0}}} }),
		"other contexts": change(func(w *Window) { w.Cross = map[int][][]float32{2: {{0, 0}, {0, 0}}} }),
	} {
		_, err := Collect(context.Background(), src, CollectOptions{})
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if w, many := src.(windows); many && len(w.all) == 2 && !strings.Contains(err.Error(), "window 1") {
			t.Errorf("%s: %q does not name the window", name, err)
		}
	}
	for _, o := range []CollectOptions{{Ratios: []int{1}}, {Splits: []int{8}}, {Splits: []int{4, 2}}, {Splits: []int{0}}} {
		if _, err := Collect(context.Background(), good, o); err == nil {
			t.Errorf("%+v: accepted", o)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Collect(ctx, good, CollectOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gave %v", err)
	}
}

// TestTriangle: symmetric, and equal to the block estimate where both exist.
func TestTriangle(t *testing.T) {
	src := random(rand.New(rand.NewPCG(8, 8)), 32, 9, 4, 0, 2)
	s := collect(t, src, CollectOptions{})
	points, peak := s.Triangle()
	at := map[int]Point{}
	for _, p := range points {
		at[p.Ell] = p
	}
	for ell, p := range at {
		if q := at[32-ell]; math.Abs(float64(p.Value-q.Value)) > 1e-9 || math.Abs(float64(p.SE-q.SE)) > 1e-9 {
			t.Errorf("ell %d: %+v, mirrored %+v", ell, p, q)
		}
		if p.Value > peak.Value+1e-9 {
			t.Errorf("ell %d is above the peak %+v", ell, peak)
		}
	}
	block := series(t, s, Block, 2)
	if p := block.Points[len(block.Points)-1]; p.Ell != 16 || math.Abs(float64(p.Value-at[16].Value)) > 1e-9 {
		t.Errorf("block %+v, triangle %+v", p, at[16])
	}
	if peak.From > peak.Ell || peak.To < peak.Ell {
		t.Errorf("peak %v", peak)
	}
	for _, length := range []int{2, 3, 4, 5, 17, 100} {
		for _, ell := range triangleGrid(length) {
			if ell < 1 || ell >= length {
				t.Errorf("length %d has ell %d", length, ell)
			}
		}
	}
}

func TestLoss(t *testing.T) {
	src := random(rand.New(rand.NewPCG(9, 9)), 21, 10, 3, 0, 2)
	s := collect(t, src, CollectOptions{})
	l := s.Loss()
	next := 1
	for _, p := range l.Positions {
		if p.From != next || p.To < p.From {
			t.Fatalf("bins %+v do not tile the window", l.Positions)
		}
		next = p.To + 1
		mean := 0.0
		for _, w := range src.all {
			for _, v := range w.Joint[p.From-1 : p.To] {
				mean -= float64(v) / float64(len(src.all)*(p.To-p.From+1))
			}
		}
		if math.Abs(float64(p.Mean)-mean) > 1e-9 || !(p.SE > 0) {
			t.Errorf("positions %d–%d: %+v, want %v", p.From, p.To, p, mean)
		}
	}
	if next != 22 {
		t.Errorf("bins end at %d, want 21", next-1)
	}
}

func TestSameBytes(t *testing.T) {
	src := random(rand.New(rand.NewPCG(10, 10)), 32, 40, 9, 3, 4)
	encode := func() []byte {
		s := collect(t, src, CollectOptions{Seed: 3})
		var out []any
		for _, e := range Estimators() {
			out = append(out, series(t, s, e, 2))
		}
		points, peak := s.Triangle()
		b, err := json.Marshal(append(out, s.Loss(), points, peak))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(encode(), encode()) {
		t.Error("two collections of the same windows differ")
	}
}
