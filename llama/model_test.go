package llama

import (
	"context"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/hybridgroup/yzma/pkg/llama"

	"github.com/l2m-lab/l2m/lm"
)

// needLibrary skips a test where there is no llama.cpp.
func needLibrary(t testing.TB) {
	t.Helper()
	if err := Load(""); err != nil {
		t.Skipf("%v; scripts/fetch-llama.sh gets it", err)
	}
}

func open(t testing.TB, o Options) *Model {
	t.Helper()
	m, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func randomTokens(rng *rand.Rand, n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = rng.Int32N(256)
	}
	return ids
}

// whole is ln q along a sequence from llama.cpp's own logits of the whole
// sequence in one batch, with a logarithm of a sum in float64.
func whole(t testing.TB, m *Model, ids []int32) []float64 {
	t.Helper()
	llama.MemoryClear(m.mem, true)
	b := llama.BatchInit(int32(len(ids)), 0, 1)
	defer llama.BatchFree(b)
	out := make([]float64, len(ids))
	if m.bos != noToken {
		b.Add(m.bos, 0, []llama.SeqId{0}, true)
	} else if out[0] = -math.Log(float64(m.info.Vocabulary)); len(ids) == 1 {
		return out
	}
	for i, id := range ids[:len(ids)-1] {
		b.Add(llama.Token(id), llama.Pos(i+m.lead), []llama.SeqId{0}, true)
	}
	if code, err := llama.Decode(m.ctx, b); err != nil || code != 0 {
		t.Fatalf("code %d, %v", code, err)
	}
	for i, id := range ids {
		if i < 1-m.lead {
			continue
		}
		logits, err := llama.GetLogitsIth(m.ctx, int32(i-1+m.lead), m.info.Vocabulary)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, v := range logits {
			sum += math.Exp(float64(v) - float64(logits[id]))
		}
		out[i] = -math.Log(sum)
	}
	return out
}

// Whatever the batching and branching, log-probabilities are those of the whole
// sequences, and every shared token is computed once.
func TestBranchesAgreeWithWholeSequences(t *testing.T) {
	needLibrary(t)
	for _, arch := range slices.Sorted(maps.Keys(architectures)) {
		t.Run(arch, func(t *testing.T) {
			path, _ := randomModel(t, arch, small)
			exact := Options{Path: path, KeyType: "f32", ValueType: "f32", FlashAttn: "off", Threads: 1}
			exact.Batch = 256
			wide := open(t, exact)
			for _, o := range []struct{ batch, sequences, rounds int }{{256, 0, 6}, {16, 2, 6}, {37, 5, 6}, {1, 0, 1}} {
				exact.Batch, exact.Sequences = o.batch, o.sequences
				m := open(t, exact)
				rng := rand.New(rand.NewPCG(1, 2))
				for round := range o.rounds {
					tokens := randomTokens(rng, []int{64, 1, 0, 120, 33, 2}[round])
					var branches []Branch
					for range []int{8, 3, 5, 0, 7, 2}[round] {
						branches = append(branches, Branch{At: rng.IntN(len(tokens) + 1), Tokens: randomTokens(rng, rng.IntN(60))})
					}
					before := m.Decoded()
					along, off, err := m.LogProbs(t.Context(), tokens, branches)
					if err != nil {
						t.Fatal(err)
					}
					checkDecoded(t, m.Decoded()-before, tokens, branches)
					compare(t, wide, tokens, along, 0)
					for i, b := range branches {
						compare(t, wide, slices.Concat(tokens[:b.At], b.Tokens), off[i], b.At)
					}
				}
			}
		})
	}
}

// With nothing before a sequence, first tokens have the probability 1/vocabulary,
// and the others are predicted from those before them alone.
func TestNothingBeforeASequence(t *testing.T) {
	needLibrary(t)
	for _, arch := range slices.Sorted(maps.Keys(architectures)) {
		t.Run(arch, func(t *testing.T) {
			path, _ := randomModel(t, arch, small)
			exact := Options{Path: path, KeyType: "f32", ValueType: "f32", FlashAttn: "off", Threads: 1, Batch: 256, BOS: lm.BOSNone}
			wide := open(t, exact)
			exact.Batch = 37
			m := open(t, exact)
			if m.Info().BOS >= 0 {
				t.Fatalf("info %+v", m.Info())
			}
			rng := rand.New(rand.NewPCG(3, 2))
			for _, n := range []int{100, 1, 0} {
				tokens := randomTokens(rng, n)
				branches := []Branch{{At: 0, Tokens: randomTokens(rng, 70)}, {At: n, Tokens: randomTokens(rng, 50)}, {At: n / 2, Tokens: randomTokens(rng, 30)}, {At: 0, Tokens: randomTokens(rng, 1)}}
				along, off, err := m.LogProbs(t.Context(), tokens, branches)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, wide, tokens, along, 0)
				for i, b := range branches {
					compare(t, wide, slices.Concat(tokens[:b.At], b.Tokens), off[i], b.At)
				}
			}
		})
	}
}

// As people run it, with keys and values of 16 bits and flash attention where
// llama.cpp has it, log-probabilities agree to some 1e-3: sums of 16 bits, which some
// processors make of small batches (seen with AVX2 alone: 9e-4 in the median, 0.014 at
// the most, where others are as exact as above), and states, whose rounding may move a
// key to the next number of 16 bits. A wrong token would be off by 1.
func TestDefaultsAgreeWithWholeSequences(t *testing.T) {
	needLibrary(t)
	for _, arch := range []string{"llama", "gpt2", "gemma2", "gemma3"} {
		path, _ := randomModel(t, arch, small)
		wide := open(t, Options{Path: path, Batch: 256, Threads: 1})
		m := open(t, Options{Path: path, Batch: 37, Threads: 1})
		rng := rand.New(rand.NewPCG(2, 2))
		tokens := randomTokens(rng, 150)
		branches := []Branch{{At: 10, Tokens: randomTokens(rng, 90)}, {At: 140, Tokens: randomTokens(rng, 50)}, {At: 0, Tokens: randomTokens(rng, 50)}}
		along, off, err := m.LogProbs(t.Context(), tokens, branches)
		if err != nil {
			t.Fatal(err)
		}
		compareTo(t, 5e-3, wide, tokens, along, 0)
		for i, b := range branches {
			compareTo(t, 5e-3, wide, slices.Concat(tokens[:b.At], b.Tokens), off[i], b.At)
		}
	}
}

// compare wants out to be the log-probabilities of ids from position from on.
func compare(t *testing.T, m *Model, ids []int32, out []float32, from int) {
	t.Helper()
	compareTo(t, 1e-5, m, ids, out, from)
}

// compareTo does, to a relative error; they are some −7.
func compareTo(t *testing.T, tolerance float64, m *Model, ids []int32, out []float32, from int) {
	t.Helper()
	if len(out) != len(ids)-from {
		t.Fatalf("%d log-probabilities for %d tokens", len(out), len(ids)-from)
	}
	if len(out) == 0 {
		return
	}
	for i, want := range whole(t, m, ids)[from:] {
		if d := math.Abs(float64(out[i]) - want); d > tolerance*math.Max(1, math.Abs(want)) {
			t.Fatalf("token %d of %d: %.7f, want %.7f", from+i, len(ids), out[i], want)
		}
	}
}

// checkDecoded: BOS, the tokens up to the last that something follows, and of
// each branch all but its last.
func checkDecoded(t *testing.T, got int64, tokens []int32, branches []Branch) {
	t.Helper()
	last, any := max(0, len(tokens)-1), len(tokens) > 0
	want := 0
	for _, b := range branches {
		if n := len(b.Tokens); n > 0 {
			last, any = max(last, b.At), true
			want += n - 1
		}
	}
	if any {
		want += 1 + last
	}
	if got != int64(want) {
		t.Errorf("%d tokens were computed for %d tokens and %d branches, want %d", got, len(tokens), len(branches), want)
	}
}

// Requests at the same time do not disturb each other.
func TestConcurrentRequests(t *testing.T) {
	needLibrary(t)
	path, _ := randomModel(t, "llama", small)
	m := open(t, Options{Path: path})
	rng := rand.New(rand.NewPCG(3, 4))
	type job struct {
		ids  []int32
		want []float32
		done chan []float32
	}
	var jobs []job
	for range 8 {
		ids := randomTokens(rng, 40)
		want, _, err := m.LogProbs(t.Context(), ids, nil)
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job{ids, want, make(chan []float32, 1)})
	}
	for _, j := range jobs {
		go func() {
			out, _, err := m.LogProbs(t.Context(), j.ids, nil)
			if err != nil {
				t.Error(err)
			}
			j.done <- out
		}()
	}
	for _, j := range jobs {
		if got := <-j.done; !slices.Equal(got, j.want) {
			t.Error("a request among others has another answer")
		}
	}
}

// An interrupted request ends soon, and the next one is not harmed.
func TestInterrupted(t *testing.T) {
	needLibrary(t)
	for _, arch := range []string{"llama", "mamba"} {
		path, _ := randomModel(t, arch, small)
		m := open(t, Options{Path: path, Batch: 16, Threads: 1})
		ids := randomTokens(rand.New(rand.NewPCG(5, 6)), 200)
		branches := []Branch{{At: 3, Tokens: ids[:100]}, {At: 150, Tokens: ids[:9]}}
		want, _, err := m.LogProbs(t.Context(), ids, branches)
		if err != nil {
			t.Fatal(err)
		}
		whole := m.Decoded()
		// As seen by the model: at every look after the n-th, nobody waits any more.
		for n := range 25 {
			ctx := &countdown{Context: t.Context(), left: int64(n)}
			if _, _, err := m.LogProbs(ctx, ids, branches); err != nil && !errors.Is(err, context.Canceled) {
				t.Fatalf("%s, interrupted at look %d: %v", arch, n, err)
			} else if n < 10 && err == nil {
				t.Errorf("%s: interrupted at look %d, and went on to the end", arch, n)
			}
			before := m.Decoded()
			got, _, err := m.LogProbs(t.Context(), ids, branches)
			if err != nil || !slices.Equal(got, want) || m.Decoded()-before != whole {
				t.Fatalf("%s: after an interruption at look %d: %v", arch, n, err)
			}
		}
	}
}

// countdown is cancelled after so many looks at it.
type countdown struct {
	context.Context
	left int64
}

func (c *countdown) Err() error {
	if atomic.AddInt64(&c.left, -1) < 0 {
		return context.Canceled
	}
	return nil
}

// A sequence much longer than a sliding window and than the batch, with branches
// off its far past.
func TestLongSequences(t *testing.T) {
	needLibrary(t)
	long := small
	long.context = 512
	for _, arch := range []string{"llama", "gemma2", "mamba", "jamba"} { // one of each kind of memory
		path, _ := randomModel(t, arch, long)
		exact := Options{Path: path, KeyType: "f32", ValueType: "f32", FlashAttn: "off", Threads: 1, Batch: 512}
		wide := open(t, exact)
		exact.Batch, exact.Sequences = 16, 8
		m := open(t, exact)
		rng := rand.New(rand.NewPCG(9, 1))
		tokens := randomTokens(rng, 450)
		branches := []Branch{{At: 40, Tokens: randomTokens(rng, 30)}, {At: 400, Tokens: randomTokens(rng, 50)}, {At: 1, Tokens: randomTokens(rng, 450)}, {At: 2, Tokens: randomTokens(rng, 250)}, {At: 450, Tokens: randomTokens(rng, 3)}}
		along, off, err := m.LogProbs(t.Context(), tokens, branches)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, wide, tokens, along, 0)
		for i, b := range branches {
			compare(t, wide, slices.Concat(tokens[:b.At], b.Tokens), off[i], b.At)
		}
	}
}

// As many tokens as the model was trained on fit, for the last predicts nothing.
func TestWholeContext(t *testing.T) {
	needLibrary(t)
	for _, arch := range []string{"gpt2", "llama", "jamba"} {
		path, _ := randomModel(t, arch, small)
		exact := Options{Path: path, KeyType: "f32", ValueType: "f32", FlashAttn: "off", Threads: 1, Batch: 256}
		wide := open(t, exact)
		exact.Batch = 30
		m := open(t, exact)
		rng := rand.New(rand.NewPCG(8, 8))
		tokens := randomTokens(rng, small.context)
		branches := []Branch{{At: 0, Tokens: randomTokens(rng, 256)}, {At: 255, Tokens: randomTokens(rng, 1)}, {At: 1, Tokens: randomTokens(rng, 255)}, {At: 100, Tokens: randomTokens(rng, 156)}, {At: 0, Tokens: randomTokens(rng, 256)}}
		along, off, err := m.LogProbs(t.Context(), tokens, branches)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, wide, tokens, along, 0)
		for i, b := range branches {
			compare(t, wide, slices.Concat(tokens[:b.At], b.Tokens), off[i], b.At)
		}
	}
}

// Models with two sets of angles use those for short contexts whenever all
// sequences are short, whatever the batch, and say so otherwise.
func TestRotations(t *testing.T) {
	needLibrary(t)
	path, _ := randomModel(t, "llama-longrope", small)
	ids := randomTokens(rand.New(rand.NewPCG(3, 1)), 60)
	score := func(o Options) ([]float32, string) {
		o.Path, o.KeyType, o.ValueType, o.FlashAttn, o.Threads = path, "f32", "f32", "off", 1
		m := open(t, o)
		out, _, err := m.LogProbs(t.Context(), ids, []Branch{{At: 0, Tokens: ids}, {At: 30, Tokens: ids[:34]}})
		if err != nil {
			t.Fatal(err)
		}
		return out, m.Info().Fingerprint
	}
	short, first := score(Options{Context: 64, Batch: 8})
	again, second := score(Options{Context: 256, Batch: 512})
	wide := open(t, Options{Path: path, Batch: 300, Threads: 1})
	if _, _, err := wide.LogProbs(t.Context(), ids[:2], slices.Repeat([]Branch{{At: 1, Tokens: ids}}, 6)); err != nil {
		t.Error(err)
	}
	long, third := score(Options{Context: 257, Batch: 8})
	furthest := func(a, b []float32) (d float64) {
		for i := range a {
			d = max(d, math.Abs(float64(a[i]-b[i])))
		}
		return d
	}
	if d := furthest(short, again); d > 1e-4 || first != second {
		t.Errorf("contexts of 64 and 256 tokens differ by %g nats, with angles for up to 256", d)
	}
	if d := furthest(short, long); d < 0.1 || first == third {
		t.Errorf("contexts of 64 and 257 tokens differ by %g nats, with angles for up to 256", d)
	}
}

// With windows of 16 tokens in each of 3 layers nothing older than 46 tokens is
// seen; without, everything is.
func TestWindowsSlide(t *testing.T) {
	needLibrary(t)
	for arch, all := range map[string]bool{"gemma3": false, "llama": true, "rwkv6": true} {
		path, _ := randomModel(t, arch, small)
		m := open(t, Options{Path: path, KeyType: "f32", ValueType: "f32", FlashAttn: "off", Threads: 1, Batch: 256})
		ids := randomTokens(rand.New(rand.NewPCG(2, 3)), 100)
		changed := slices.Clone(ids)
		changed[0] ^= 1
		a, _, err := m.LogProbs(t.Context(), ids, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := m.LogProbs(t.Context(), changed, nil)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(a[1:30], b[1:30]) || slices.Equal(a[60:], b[60:]) == all {
			t.Errorf("%s: the first token matters within 30: %t, after 60: %t", arch, !slices.Equal(a[1:30], b[1:30]), !slices.Equal(a[60:], b[60:]))
		}
	}
}

// The branches of a window of the L²M paper fill the batches.
func TestBatchesAreFull(t *testing.T) {
	needLibrary(t)
	path, _ := randomModel(t, "llama", small)
	m := open(t, Options{Path: path, Batch: 32, Threads: 1})
	ids := randomTokens(rand.New(rand.NewPCG(4, 4)), 128)
	var branches []Branch
	for ell := 2; ell <= 64; ell *= 2 {
		branches = append(branches, Branch{At: 0, Tokens: ids[ell : 2*ell]}, Branch{At: ell, Tokens: ids[:ell]})
	}
	if _, _, err := m.LogProbs(t.Context(), ids, branches); err != nil {
		t.Fatal(err)
	}
	if least := (m.Decoded() + 31) / 32; m.batches > least+1 {
		t.Errorf("%d tokens were computed in %d batches of 32", m.Decoded(), m.batches)
	}
}
