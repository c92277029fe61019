package llama

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// medium has 26 million parameters.
var medium = shape{vocabulary: 16384, width: 384, layers: 8, heads: 6, kvHeads: 2, hidden: 1024, context: 2048}

// BenchmarkScoring compares LogProbs on one long sequence with a loop that only
// has llama.cpp compute the same logits. The two take turns, since a machine is
// rarely as fast now as it was a minute ago; ratio is the median over the turns
// of the speed of LogProbs as a part of that of the loop. Speeds are of one thread, per
// second of the processor, so that other programs hardly change them. The branches of
// a window, as a plan without cross contexts has them, are timed too: branched is the
// number of log-probabilities of such a window per second, and saved how many
// times as long passes over the whole window, one for each of its branches, would take.
// L2M_BENCH_MODEL names a GGUF file to use in place of a random model, and
// L2M_BENCH_LENGTH another number of tokens than 1,024.
func BenchmarkScoring(b *testing.B) {
	needLibrary(b)
	path := os.Getenv("L2M_BENCH_MODEL")
	length := 1023
	if path == "" {
		path, _ = randomModel(b, "llama", medium)
		length = 2047
	}
	if n, err := strconv.Atoi(os.Getenv("L2M_BENCH_LENGTH")); err == nil {
		length = n - 1
	}
	m := open(b, Options{Path: path, Context: length + 1, Threads: 1})
	ids := randomTokens(rand.New(rand.NewPCG(1, 1)), length)
	timed := func(f func()) time.Duration {
		begin := processorTime(b)
		f()
		return processorTime(b) - begin
	}
	score := func() {
		if _, _, err := m.LogProbs(b.Context(), ids, nil); err != nil {
			b.Fatal(err)
		}
	}
	decode := func() { bareDecode(b, m, ids) }
	var branches []Branch // of L/ell up to 4, as package score plans them
	asked := length
	for ell := 2; 2*ell <= length+1; ell *= 2 {
		y := ids[ell:min(length, 4*ell)]
		branches = append(branches, Branch{Tokens: y})
		asked += len(y)
	}
	decode()
	var branching []time.Duration
	var scoring, decoding []time.Duration
	var ratios []float64
	for b.Loop() {
		before, s, after := timed(decode), timed(score), timed(decode)
		scoring, decoding = append(scoring, s), append(decoding, before, after)
		branching = append(branching, timed(func() {
			if _, _, err := m.LogProbs(b.Context(), ids, branches); err != nil {
				b.Fatal(err)
			}
		}))
		ratios = append(ratios, float64(before+after)/2/float64(s))
	}
	slices.Sort(scoring)
	slices.Sort(decoding)
	slices.Sort(ratios)
	median := func(d []time.Duration) float64 { return float64(len(ids)) / d[len(d)/2].Seconds() }
	slices.Sort(branching)
	branched := branching[len(branching)/2].Seconds()
	b.ReportMetric(float64(asked)/branched, "branched/cpu-s")
	b.ReportMetric(float64(len(branches)+1)*scoring[len(scoring)/2].Seconds()/branched, "saved")
	b.ReportMetric(median(scoring), "tokens/cpu-s")
	b.ReportMetric(median(decoding), "decoded/cpu-s")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
}

// processorTime is what this process, llama.cpp included, has had of the processors.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bareDecode computes the logits that predict ids, and looks at none but one.
func bareDecode(b *testing.B, m *Model, ids []int32) {
	llama.MemoryClear(m.mem, false)
	for at := 0; at < len(ids); at += m.options.Batch {
		m.batch.Clear()
		for i, id := range ids[at:min(len(ids), at+m.options.Batch)] {
			m.batch.Add(llama.Token(id), llama.Pos(at+i), []llama.SeqId{0}, true)
		}
		if code, err := llama.Decode(m.ctx, m.batch); code != 0 || err != nil {
			b.Fatal(code, err)
		}
		if _, err := llama.GetLogitsIth(m.ctx, 0, m.info.Vocabulary); err != nil {
			b.Fatal(err)
		}
	}
	m.batch.Clear()
}

// BenchmarkLogSumExp is the cost of one position of a vocabulary of 128,256.
func BenchmarkLogSumExp(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 128256)
	for i := range x {
		x[i] = float32(3 * rng.NormFloat64())
	}
	for b.Loop() {
		logSumExp(x)
	}
}
