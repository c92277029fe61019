package bytemix

import (
	"context"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// sources is Go's own source code, up to n bytes of it.
func sources(b *testing.B, n int) []byte {
	b.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		b.Fatal(err)
	}
	var text []byte
	err = filepath.WalkDir(filepath.Join(strings.TrimSpace(string(root)), "src"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || len(text) >= n {
			return err
		}
		t, err := os.ReadFile(path)
		text = append(text, t...)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return text[:min(len(text), n)]
}

func excerpt(text []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) { yield(text, nil) }
}

// perByte reports the processor time that has passed since start.
func perByte(b *testing.B, start time.Duration, bytes int) {
	b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(b.N)/float64(bytes), "cpu-ns/byte")
}

// BenchmarkTrain trains on 4 MB of source code.
func BenchmarkTrain(b *testing.B) {
	text := sources(b, 4<<20)
	start := cpuTime()
	for b.Loop() {
		if _, err := Train(context.Background(), Options{}, excerpt(text), nil); err != nil {
			b.Fatal(err)
		}
	}
	perByte(b, start, len(text))
}

// BenchmarkScore scores windows of 16 KiB: straight, and with the branches of a
// measured run (marginal and cross passes at ell = 2, 4, …, 8,192 up to ratio
// 4), whose bytes count too. Divide the two.
func BenchmarkScore(b *testing.B) {
	const length = 16 << 10
	text := sources(b, 8<<20)
	m, err := Train(context.Background(), Options{Workers: 1}, excerpt(text[:4<<20]), nil)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	window := func() []token.ID {
		at := 4<<20 + rng.IntN(len(text)-4<<20-length)
		return token.Bytes().Encode(nil, text[at:at+length])
	}
	for _, kind := range []string{"straight", "branches"} {
		b.Run(kind, func(b *testing.B) {
			bytes := 0
			b.ReportAllocs()
			start := cpuTime()
			for b.Loop() {
				r := lm.Request[token.ID]{Tokens: window()}
				n := length
				if kind == "branches" {
					other := window()
					for ell := 2; 2*ell <= length; ell *= 2 {
						y := (min(4, length/ell) - 1) * ell
						r.Branches = append(r.Branches, lm.Branch[token.ID]{At: 0, Tokens: r.Tokens[ell : ell+y]}, lm.Branch[token.ID]{At: ell, Tokens: other[ell : ell+y]})
						n += 2 * y
					}
				}
				if _, err := m.LogProbs(b.Context(), r); err != nil {
					b.Fatal(err)
				}
				bytes = n
			}
			perByte(b, start, bytes)
		})
	}
}
