package twopoint

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/ptest"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/token"
)

func TestMain(m *testing.M) { ptest.MainWithDefault(m, "prism") }

// The pipeline on the embedded Prism runner and package count give the same
// histograms of the same files: text, JSON Lines and Parquet, two documents twice.
func TestEqualsCount(t *testing.T) {
	for _, tokens := range []string{"words", "bytes"} {
		t.Run(tokens, func(t *testing.T) {
			dir := t.TempDir()
			rng := rand.New(rand.NewPCG(4, 4))
			text := func(n int) string {
				var b strings.Builder
				for range n {
					fmt.Fprintf(&b, "w%d ", rng.IntN(1+rng.IntN(40)))
				}
				return b.String()
			}
			docs := []string{text(300), text(50), text(1)}
			for i, d := range docs {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.txt", i)), []byte(d), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			more := text(200)
			lines := fmt.Sprintf("{\"text\": %q}\n{\"text\": %q}\n\n", more, docs[0])
			if err := os.WriteFile(filepath.Join(dir, "more.jsonl"), []byte(lines), 0o666); err != nil {
				t.Fatal(err)
			}
			docs = append(docs, more)
			type row struct {
				Text *string `parquet:"text,optional"`
				ID   int64   `parquet:"id"`
			}
			packed := text(120)
			if err := parquet.WriteFile(filepath.Join(dir, "rows.parquet"), []row{{&packed, 1}, {nil, 2}, {&docs[1], 3}}); err != nil {
				t.Fatal(err)
			}
			docs = append(docs, packed)
			o := Options{Input: filepath.Join(dir, "*"), Output: filepath.Join(t.TempDir(), "counts.json"), Tokens: tokens, Distances: []int{4, 1, 64, 1 << 20}}
			p, s := beam.NewPipelineWithRoot()
			if err := Build(s, o); err != nil {
				t.Fatal(err)
			}
			if err := ptest.Run(p); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(o.Output)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got, err := count.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			stream, err := token.ParseStream(tokens)
			if err != nil {
				t.Fatal(err)
			}
			var ids count.Documents
			for _, d := range docs {
				ids = append(ids, stream.Encode(nil, []byte(d), true))
			}
			want, err := count.Pairs(context.Background(), ids, count.Options{Distances: o.Distances})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*want, got.Result, cmpopts.IgnoreFields(count.Result{}, "Vocabulary")); diff != "" {
				t.Errorf("(-count +beam):\n%s", diff)
			}
		})
	}
}
