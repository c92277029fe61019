package llama

import (
	"math/rand/v2"
	"testing"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// medium has 26 million parameters.
var medium = shape{vocabulary: 16384, width: 384, layers: 8, heads: 6, kvHeads: 2, hidden: 1024, context: 2048}

// BenchmarkScoring compares LogProbs on one long sequence with a loop that only
// has llama.cpp compute the same logits: run both in one go and divide.
func BenchmarkScoring(b *testing.B) {
	needLibrary(b)
	path, _ := randomModel(b, "llama", medium)
	m := open(b, Options{Path: path})
	ids := randomTokens(rand.New(rand.NewPCG(1, 1)), 2047)
	perToken := func(b *testing.B) {
		b.ReportMetric(float64(len(ids))*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
	}
	b.Run("LogProbs", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := m.LogProbs(b.Context(), ids, nil); err != nil {
				b.Fatal(err)
			}
		}
		perToken(b)
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
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
		}
		m.batch.Clear()
		perToken(b)
	})
}
