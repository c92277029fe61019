package twopoint

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
// histograms of the same files: text, JSON Lines and Parquet, documents that
// occur twice, bytes that are not UTF-8; with each block of documents left out,
// too.
func TestEqualsCount(t *testing.T) {
	for _, tokens := range []string{"words", "bytes"} {
		t.Run(tokens, func(t *testing.T) {
			dir := t.TempDir()
			docs := writeCorpus(t, dir)
			o := Options{
				Input: filepath.Join(dir, "*"), Output: filepath.Join(t.TempDir(), "counts.json"), Tokens: tokens,
				Distances: []int{4, 1, 64, 1 << 20}, Blocks: 5, Partitions: 7, Shards: 23, buffer: 500,
			}
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
			// l2m twopoint has its documents in the order of their hashes.
			slices.SortFunc(docs, func(a, b string) int {
				x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
				return bytes.Compare(x[:], y[:])
			})
			var ids count.Documents
			for _, d := range docs {
				ids = append(ids, stream.Encode(nil, []byte(d), true))
			}
			want, err := count.Pairs(context.Background(), ids, count.Options{Distances: o.Distances, Blocks: o.Blocks, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*want, got.Result, cmpopts.IgnoreFields(count.Result{}, "Vocabulary")); diff != "" {
				t.Errorf("(-count +beam):\n%s", diff)
			}
		})
	}
}

// writeCorpus writes files of all kinds and returns their distinct documents.
func writeCorpus(t *testing.T, dir string) []string {
	t.Helper()
	rng := rand.New(rand.NewPCG(4, 4))
	text := func(n int) string {
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, "w%d ", rng.IntN(1+rng.IntN(40)))
		}
		return b.String()
	}
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	docs := []string{text(300), "\xff" + text(50) + "\xc3(\xfe", text(1)}
	for i, d := range docs {
		write(fmt.Sprintf("%d.txt", i), d)
	}
	var lines bytes.Buffer
	fmt.Fprintf(&lines, "{\"text\": %q}\n\n", docs[0])
	for range 30 {
		more := text(rng.IntN(200) + 10)
		fmt.Fprintf(&lines, "{\"id\": 1, \"text\": %q}\n", more)
		docs = append(docs, more)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(lines.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write("more.jsonl.gz", packed.String())
	type row struct {
		Text *string `parquet:"text,optional"`
		ID   int64   `parquet:"id"`
	}
	one := text(120)
	if err := parquet.WriteFile(filepath.Join(dir, "rows.parquet"), []row{{&one, 1}, {nil, 2}, {&docs[0], 3}}); err != nil {
		t.Fatal(err)
	}
	return append(docs, one)
}

// An input that cannot be read fails with its name, and nothing is written.
func TestBadInput(t *testing.T) {
	for name, c := range map[string]struct{ file, content, want string }{
		"no JSON":    {"a.jsonl", "{\"text\": \"x\"}\n{\n", "a.jsonl:2"},
		"no field":   {"a.jsonl", "{\"body\": \"x\"}\n", "no text in field \"text\""},
		"no Parquet": {"a.parquet", "PAR1 and nothing else", "not a readable Parquet file"},
		"no gzip":    {"a.txt.gz", "plain", "a.txt.gz"},
		"no text":    {"a.txt", "", "no document with any text"},
		"no file":    {"", "", "no files matching"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.content), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			out := filepath.Join(t.TempDir(), "counts.json")
			p, s := beam.NewPipelineWithRoot()
			if err := Build(s, Options{Input: filepath.Join(dir, "*"), Output: out, Tokens: "bytes", Distances: []int{1}}); err != nil {
				t.Fatal(err)
			}
			err := ptest.Run(p)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not say %q", err, c.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("a file of counts was written")
			}
		})
	}
}
