package bytemix

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// prose makes n bytes of text-like data: words of a Zipf vocabulary in lines.
func prose(seed uint64, n int) []byte {
	rng := rand.New(rand.NewPCG(seed, 7))
	vocabulary := make([]string, 400)
	for i := range vocabulary {
		w := make([]byte, 1+rng.IntN(9))
		for j := range w {
			w[j] = "etaoinshrdlucmfwyp"[min(rng.IntN(18), rng.IntN(18))]
		}
		vocabulary[i] = string(w)
	}
	zipf := rand.NewZipf(rng, 1.2, 2, uint64(len(vocabulary)-1))
	b := make([]byte, 0, n+16)
	for line := 0; len(b) < n; {
		w := vocabulary[zipf.Uint64()]
		b = append(b, w...)
		if line += len(w) + 1; line > 60 {
			b, line = append(b, '\n'), 0
			continue
		}
		b = append(b, ' ')
	}
	return b[:n]
}

func one(docs ...[]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func ids(b []byte) []token.ID {
	t := make([]token.ID, len(b))
	for i, c := range b {
		t[i] = token.ID(c)
	}
	return t
}

func trained(t testing.TB, bits int) *Model {
	t.Helper()
	m, err := Train(context.Background(), Options{TableBits: bits, Restart: 2000}, one(prose(1, 30000), prose(2, 10000)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func sum(s []float32) float64 {
	var v float64
	for _, x := range s {
		v += float64(x)
	}
	return v
}

func TestProbabilitiesOfAllBytesSumToOne(t *testing.T) {
	universal, err := New(Options{TableBits: 14})
	if err != nil {
		t.Fatal(err)
	}
	text := prose(1, 3000)
	copy(text[1000:], "\x00\xff\xfe binary \x80\x00\x00\x00\x00\x00")
	for _, m := range []*Model{universal, trained(t, 14)} {
		r := lm.Request[token.ID]{Tokens: ids(text)}
		places := []int{0, 1, 2, 17, 999, 1000, 1003, 1015, 2999, 3000}
		for _, at := range places {
			for v := range 256 {
				r.Branches = append(r.Branches, lm.Branch[token.ID]{At: at, Tokens: []token.ID{token.ID(v)}})
			}
		}
		s, err := m.LogProbs(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range places {
			total := 0.0
			for _, b := range s.Branches[i*256:][:256] {
				total += math.Exp(float64(b[0]))
				if math.IsInf(float64(b[0]), 0) || b[0] >= 0 {
					t.Fatalf("position %d: log-probability %v", at, b[0])
				}
			}
			if math.Abs(total-1) > 1e-5 { // 256 roundings to float32
				t.Errorf("position %d: probabilities sum to %v", at, total)
			}
			if at < len(text) && s.Branches[i*256+int(text[at])][0] != s.Tokens[at] {
				t.Errorf("position %d: the branch and the tokens disagree", at)
			}
		}
	}
}

// Every branch scores as its whole text does in a request of its own, and no
// request changes the state.
func TestBranchesScoreAsWholeTexts(t *testing.T) {
	m := trained(t, 13)
	before := m.stateHash(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 300),
			rapid.Custom(func(t *rapid.T) []byte {
				return prose(rapid.Uint64Range(1, 4).Draw(t, "seed"), rapid.IntRange(0, 600).Draw(t, "n"))
			})).Draw(t, "text")
		r := lm.Request[token.ID]{Tokens: ids(text)}
		for range rapid.IntRange(0, 5).Draw(t, "branches") {
			r.Branches = append(r.Branches, lm.Branch[token.ID]{
				At:     rapid.IntRange(0, len(text)).Draw(t, "at"),
				Tokens: ids(rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "branch")),
			})
		}
		got, err := m.LogProbs(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := m.LogProbs(context.Background(), lm.Request[token.ID]{Tokens: r.Tokens})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Tokens, alone.Tokens) {
			t.Fatal("branches change the scores of the tokens")
		}
		for b, br := range r.Branches {
			whole, err := m.LogProbs(context.Background(), lm.Request[token.ID]{Tokens: slices.Concat(r.Tokens[:br.At], br.Tokens)})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(whole.Tokens[br.At:], got.Branches[b]) {
				t.Fatalf("branch %d at %d differs from its whole text", b, br.At)
			}
		}
	})
	if after := m.stateHash(t); after != before {
		t.Fatal("scoring left a trace in the state")
	}
}

func (m *Model) stateHash(t testing.TB) string {
	t.Helper()
	w := <-m.pool
	defer func() { m.pool <- w }()
	return fingerprint(m.opts, m.trained, w.engine)
}

func TestConcurrentRequestsAgree(t *testing.T) {
	m := trained(t, 13)
	r := lm.Request[token.ID]{Tokens: ids(prose(3, 2000))}
	want, err := m.LogProbs(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 3 {
				got, err := m.LogProbs(context.Background(), r)
				if err != nil || !slices.Equal(got.Tokens, want.Tokens) {
					t.Errorf("scores differ between requests (error %v)", err)
				}
			}
		})
	}
	wg.Wait()
	if m.made > m.opts.Workers {
		t.Errorf("%d copies of the state for %d workers", m.made, m.opts.Workers)
	}
}

func TestTrainingHelpsAndIsReproducible(t *testing.T) {
	a, b := trained(t, 14), trained(t, 14)
	if a.Info() != b.Info() {
		t.Errorf("the same training gave %v and %v", a.Info(), b.Info())
	}
	universal, err := New(Options{TableBits: 14})
	if err != nil {
		t.Fatal(err)
	}
	if universal.Info().Fingerprint == a.Info().Fingerprint {
		t.Error("trained and universal models share a fingerprint")
	}
	other, err := Train(context.Background(), Options{TableBits: 14, Restart: 2000}, one(prose(1, 30000)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if other.Info().Fingerprint == a.Info().Fingerprint {
		t.Error("different training texts share a fingerprint")
	}
	r := lm.Request[token.ID]{Tokens: ids(prose(1, 34000)[32000:])}
	u, err := universal.LogProbs(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.LogProbs(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	// The words are drawn independently, so that a trained model approaches
	// the entropy of the words while a universal one has to learn them first.
	if gain := (sum(s.Tokens) - sum(u.Tokens)) / 2000; gain < 0.3 {
		t.Errorf("training gains only %.3f nats per byte", gain)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	m, err := New(Options{TableBits: 12})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]lm.Request[token.ID]{
		"token 1 of the request is 256": {Tokens: []token.ID{1, 256}},
		"token 0 of branch 0 is 300":    {Branches: []lm.Branch[token.ID]{{Tokens: []token.ID{300}}}},
		"branch 0 starts at 2":          {Tokens: []token.ID{1}, Branches: []lm.Branch[token.ID]{{At: 2}}},
		"branch 0 starts at -1":         {Branches: []lm.Branch[token.ID]{{At: -1}}},
	} {
		if _, err := m.LogProbs(context.Background(), r); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one that says %q", err, name)
		}
	}
	if _, err := New(Options{TableBits: 99}); err == nil {
		t.Error("TableBits 99 accepted")
	}
	if _, err := Train(context.Background(), Options{TableBits: 12}, one(), nil); err == nil {
		t.Error("training on nothing accepted")
	}
	cause := errors.New("disk on fire")
	_, err = Train(context.Background(), Options{TableBits: 12}, func(yield func([]byte, error) bool) { yield(nil, cause) }, nil)
	if !errors.Is(err, cause) {
		t.Errorf("error %v does not wrap its cause", err)
	}
}

func TestCancelledRequestsLeaveNoTrace(t *testing.T) {
	m := trained(t, 13)
	before := m.stateHash(t)
	ctx, cancel := context.WithCancel(context.Background())
	r := lm.Request[token.ID]{Tokens: ids(prose(5, 1<<20))}
	go cancel()
	if _, err := m.LogProbs(ctx, r); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	if m.stateHash(t) != before {
		t.Error("a cancelled request left a trace")
	}
	if _, err := Train(ctx, Options{TableBits: 12}, one(prose(1, 100)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("training: error %v, want %v", err, context.Canceled)
	}
}

func Example() {
	text := []byte(strings.Repeat("How much wood would a woodchuck chuck? ", 50))
	m, err := Train(context.Background(), Options{TableBits: 14}, one(text), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := m.LogProbs(context.Background(), lm.Request[token.ID]{
		Tokens: ids([]byte("a woodchuck ")),
		Branches: []lm.Branch[token.ID]{
			{At: 12, Tokens: ids([]byte("chuck"))},
			{At: 12, Tokens: ids([]byte("zebra"))},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("chuck is likelier than zebra:", sum(s.Branches[0]) > sum(s.Branches[1])+20)
	// Output: chuck is likelier than zebra: true
}

// Tables chosen for little text have room for it: scores are nearly those of the
// largest tables, and beyond the largest nothing is chosen.
func TestTablesFitTheTrainingText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<20).Draw(t, "training bytes")
		bits := TableBits(n)
		if slots := int64(1) << bits; slots < 64*n && bits < 23 || bits > 20 && slots/2 >= 64*(n+16384) {
			t.Errorf("%d bytes of training get 2^%d slots", n, bits)
		}
	})
	if b := TableBits(math.MaxInt64); b != 23 {
		t.Errorf("endless training gets 2^%d slots", b)
	}
	text, window := prose(1, 8192), ids(prose(2, 2048))
	var loss [2]float64
	for i, bits := range []int{TableBits(int64(len(text))), 23} {
		m, err := Train(t.Context(), Options{TableBits: bits, Workers: 1}, one(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: window})
		if err != nil {
			t.Fatal(err)
		}
		loss[i] = -sum(s.Tokens) / float64(len(window)) / math.Ln2
	}
	if loss[0]-loss[1] > 0.01 {
		t.Errorf("%.4f bits a byte, %.4f in the largest tables", loss[0], loss[1])
	}
}
