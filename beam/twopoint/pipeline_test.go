package twopoint

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/ptest"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

func TestMain(m *testing.M) { ptest.MainWithDefault(m, "prism") }

// The pipeline on the embedded Prism runner and package count write the same file
// of the same documents, byte by byte.
func TestEqualsCount(t *testing.T) {
	many, few, blank, fasta := manyDocuments(t), fewDocuments(t), blankDocuments(t), sequences(t)
	tiktoken := filepath.Join("..", "..", "token", "vocabulary", "testdata", "cl100k_base.tiktoken")
	// A vocabulary whose name is that of a stream is still a vocabulary.
	words := filepath.Join(t.TempDir(), "words")
	folder := filepath.Join(t.TempDir(), "gpt", "tokenizer.json")
	gpt2, err := os.ReadFile(filepath.Join("..", "..", "token", "vocabulary", "testdata", "gpt2.json"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, words, gpt2)
	write(t, folder, gpt2)
	for name, o := range map[string]Options{
		"words":             {Input: many, Tokens: "words", Blocks: 5, Partitions: 7, Shards: 23, buffer: 500},
		"bytes":             {Input: many, Tokens: "bytes", Blocks: 5, Partitions: 7, Shards: 23, buffer: 500},
		"defaults":          {Input: many, Tokens: "words"},
		"no blocks":         {Input: many, Tokens: "words", Blocks: -1},
		"one block":         {Input: many, Tokens: "words", Blocks: 1},
		"many blocks":       {Input: many, Tokens: "words", Blocks: 255},
		"documents of none": {Input: blank, Tokens: "words", Blocks: 255},
		"seed":              {Input: many, Tokens: "words", Seed: 1<<63 + 7},
		"sample":            {Input: many, Tokens: "words", Sample: 0.4, Seed: 2, Shards: 5},
		"sample of bytes":   {Input: many, Tokens: "bytes", Sample: 0.7, Seed: 3, Blocks: -1},
		"few":               {Input: few, Tokens: "words", buffer: 30_000},
		"few, sampled":      {Input: few, Tokens: "bytes", Sample: 0.6, Seed: 4, Blocks: 7},
		"few, no blocks":    {Input: few, Tokens: "words", Blocks: -1},
		"uneven":            {Input: unevenDocuments(t), Tokens: "words", buffer: 30_000},
		"tiktoken":          {Input: many, Tokens: tiktoken},
		"tokenizer.json":    {Input: many, Tokens: folder, Sample: 0.6, Seed: 1},
		"a file of words":   {Input: few, Tokens: words},
		"FASTA":             {Input: fasta, Tokens: "dna:2"},
		"FASTA by format":   {Input: strings.Replace(fasta, "*.fa*", "*.txt", 1), Format: corpus.FASTA, Tokens: "protein"},
		"gaps":              {Input: gaps(t), Tokens: "protein", Blocks: 255, buffer: 500},
		"dna:1 is dna":      {Input: many, Tokens: "dna:1"},
	} {
		t.Run(name, func(t *testing.T) {
			o.Distances = []int{4, 1, 64, 20_000, 1 << 20}
			o.Output = filepath.Join(t.TempDir(), "counts.json")
			if err := pipeline(t, o); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(o.Output)
			if err != nil {
				t.Fatal(err)
			}
			if want := counted(t, o); !bytes.Equal(got, want) {
				at := 0
				for at < min(len(got), len(want)) && got[at] == want[at] {
					at++
				}
				t.Errorf("from byte %d on package count writes …%.200s\nand the pipeline …%.200s", at, want[max(0, at-40):], got[max(0, at-40):])
			}
		})
	}
}

// pipeline counts with Beam.
func pipeline(t *testing.T, o Options) error {
	t.Helper()
	p, s := beam.NewPipelineWithRoot()
	if err := Build(t.Context(), s, o); err != nil {
		return err
	}
	return ptest.Run(p)
}

// counted counts with packages corpus and count, as l2m twopoint does.
func counted(t *testing.T, o Options) []byte {
	t.Helper()
	c, err := corpus.Index(t.Context(), []string{o.Input}, corpus.Options{Format: o.Format, Field: o.Field})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stream, err := token.ParseStream(o.Tokens)
	if err != nil {
		v, err := vocabulary.Open(o.Tokens)
		if err != nil {
			t.Fatal(err)
		}
		stream = vocabulary.NewStream(v)
	}
	if o.Blocks == 0 {
		o.Blocks = 16
	}
	var sizes count.Sizes
	for n := range c.Lengths() {
		sizes.Add(n)
	}
	opts := count.Options{
		Distances: o.Distances, Vocabulary: stream.Size(), Sample: o.Sample, Seed: o.Seed, Blocks: max(0, o.Blocks), BlockTokens: 1 << 14,
		Tables: stream.Size() > 0 && stream.Size() <= 256,
	}.Divide(sizes)
	r, err := count.Pairs(t.Context(), count.SourceFunc(func(yield func(int, []token.ID) error) error {
		return c.Each(t.Context(), func(doc int, r io.Reader) error {
			text, err := io.ReadAll(r)
			if err != nil || !opts.Sampled(doc) {
				return err
			}
			return yield(doc, stream.Encode(nil, text, true))
		})
	}), opts)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := (&count.File{Alphabet: stream.Name(), Result: *r}).Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func zstandard(t *testing.T, text string) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll([]byte(text), nil)
}

// text makes n words, of a vocabulary that is drawn anew all the time.
func text(rng *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, "w%d ", rng.IntN(1+rng.IntN(40)))
	}
	return b.String()
}

// manyDocuments writes files of all kinds: documents that occur twice, bytes that
// are not UTF-8, fields and rows without text.
func manyDocuments(t *testing.T) string {
	rng, dir := rand.New(rand.NewPCG(4, 4)), t.TempDir()
	first := text(rng, 300)
	write(t, filepath.Join(dir, "0.txt"), []byte(first))
	write(t, filepath.Join(dir, "1.txt"), []byte("\xff"+text(rng, 50)+"\xc3(\xfe"))
	write(t, filepath.Join(dir, "2.TXT"), []byte(text(rng, 1)))
	write(t, filepath.Join(dir, "3.txt.zst"), zstandard(t, text(rng, 2000)))
	write(t, filepath.Join(dir, "4.zst"), zstandard(t, first))
	write(t, filepath.Join(dir, "empty.gz"), nil)
	write(t, filepath.Join(dir, "sequence.fa"), []byte(">one\nACGT\nacgtn\n\n>two\nGATTACA\n"))
	var lines strings.Builder
	fmt.Fprintf(&lines, "{\"text\": %q}\n\n{\"text\": null}\n{\"text\": \"\"}\n", first)
	for range 30 {
		fmt.Fprintf(&lines, "{\"id\": 1, \"text\": %q}\n", text(rng, rng.IntN(200)+10))
	}
	write(t, filepath.Join(dir, "more.jsonl.gz"), zipped(t, lines.String()))
	write(t, filepath.Join(dir, "more.ndjson.zst"), zstandard(t, lines.String()))
	type row struct {
		Text *string `parquet:"text,optional"`
		ID   int64   `parquet:"id"`
	}
	one := text(rng, 120)
	if err := parquet.WriteFile(filepath.Join(dir, "rows.parquet"), []row{{&one, 1}, {nil, 2}, {&first, 3}}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "*")
}

// fewDocuments writes fewer documents than there are blocks, longer than a run of
// tokens, one of them by a token.
func fewDocuments(t *testing.T) string {
	rng, dir := rand.New(rand.NewPCG(5, 5)), t.TempDir()
	for i, n := range []int{3*count.DefaultBlockTokens + 100, count.DefaultBlockTokens + 1, 500, 1, 40_000} {
		write(t, filepath.Join(dir, fmt.Sprintf("%d.txt", i)), []byte(text(rng, n)))
	}
	return filepath.Join(dir, "*")
}

// unevenDocuments writes many documents of which one has nearly all of the text.
func unevenDocuments(t *testing.T) string {
	rng, dir := rand.New(rand.NewPCG(7, 7)), t.TempDir()
	for i := range 25 {
		n := 20
		if i == 7 {
			n = 3 * count.DefaultBlockTokens
		}
		write(t, filepath.Join(dir, fmt.Sprintf("%d.txt", i)), []byte(text(rng, n)))
	}
	return filepath.Join(dir, "*")
}

// blankDocuments writes documents of which some have no words.
func blankDocuments(t *testing.T) string {
	rng, dir := rand.New(rand.NewPCG(6, 6)), t.TempDir()
	for i := range 20 {
		content := strings.Repeat(" ", i+1)
		if i%3 > 0 {
			content = text(rng, 100)
		}
		write(t, filepath.Join(dir, fmt.Sprintf("%d.txt", i)), []byte(content))
	}
	return filepath.Join(dir, "*")
}

// sequences writes FASTA files, some under names that do not say so.
func sequences(t *testing.T) string {
	rng, dir := rand.New(rand.NewPCG(7, 7)), t.TempDir()
	var all strings.Builder
	for i := range 25 {
		fmt.Fprintf(&all, ">gene %d ACGT\n", i)
		for range 1 + rng.IntN(40) {
			for range 60 {
				all.WriteByte("ACGTacgt"[rng.IntN(1+rng.IntN(8))])
			}
			all.WriteString("\r\n")
		}
	}
	write(t, filepath.Join(dir, "a.fa"), []byte(all.String()))
	write(t, filepath.Join(dir, "a.txt"), []byte(all.String()))
	write(t, filepath.Join(dir, "b.fasta.zst"), zstandard(t, ">one\nNNACGTNN\n>none\n>two\nAC GT\n"))
	return filepath.Join(dir, "*.fa*")
}

// gaps writes documents of places without tokens, some of them of nothing else.
func gaps(t *testing.T) string {
	rng, dir := rand.New(rand.NewPCG(8, 8)), t.TempDir()
	for i := range 20 {
		letters := make([]byte, 300)
		for j := range letters {
			letters[j] = "***MKVAC"[rng.IntN(8)]
			if i%4 == 0 {
				letters[j] = "*-"[rng.IntN(2)]
			}
		}
		write(t, filepath.Join(dir, fmt.Sprintf("%d.txt", i)), letters)
	}
	return filepath.Join(dir, "*")
}

// What cannot be read fails with its name and the reason, and nothing is written.
func TestBadInput(t *testing.T) {
	long := zstandard(t, text(rand.New(rand.NewPCG(1, 1)), 5000))
	for name, c := range map[string]struct{ file, content, want string }{
		"no JSON":     {"a.jsonl", "{\"text\": \"x\"}\n{\n", "a.jsonl: line 2: the file ends inside this JSON value"},
		"no field":    {"a.jsonl", "{\"body\": \"x\"}\n", "a.jsonl: no field \"text\" (fields: body)"},
		"no Parquet":  {"a.parquet", "PAR1 and nothing else", "a.parquet: not a readable Parquet file"},
		"cut zstd":    {"a.jsonl.zst", string(long[:len(long)/2]), "a.jsonl.zst: the file ends in the middle of its compressed data"},
		"no FASTA":    {"a.fa", "ACGT\n", "a.fa: not FASTA, as its name says"},
		"no letter":   {"a.fasta", ">a\nAC\nA1\n", "a.fasta: line 3: '1' is not a letter"},
		"no text":     {"a.txt", "", "no document with any text"},
		"no file":     {"", "", "no files matching"},
		"folder":      {"sub/a.txt", "text", "is a directory"},
		"small share": {"a.txt", "text", "none of the 1 documents"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.file != "" {
				write(t, filepath.Join(dir, c.file), []byte(c.content))
			}
			o := Options{Input: filepath.Join(dir, "*"), Tokens: "bytes", Distances: []int{1}}
			if name == "small share" {
				o.Sample = 1e-9
			}
			fails(t, o, c.want)
		})
	}
}

// Options that make no sense are refused before anything runs.
func TestBadOptions(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "tokenizer.json")
	write(t, broken, []byte("{\"model\": null}"))
	input := fewDocuments(t)
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no input":           {func(o *Options) { o.Input = "" }, "name the documents"},
		"blank input":        {func(o *Options) { o.Input = " " }, "empty file glob"},
		"no such system":     {func(o *Options) { o.Input = "hdfs://a/*" }, `"hdfs" not registered`},
		"no such output":     {func(o *Options) { o.Output = "hdfs://a/b" }, `"hdfs" not registered`},
		"no such format":     {func(o *Options) { o.Format = "pdf" }, `unknown format "pdf"`},
		"no distances":       {func(o *Options) { o.Distances = nil }, "no distances"},
		"distance":           {func(o *Options) { o.Distances = []int{1, 0} }, "distance 0"},
		"too much":           {func(o *Options) { o.Sample = 2 }, "not 2"},
		"too little":         {func(o *Options) { o.Sample = -0.5 }, "not -0.5"},
		"blocks":             {func(o *Options) { o.Blocks = 256 }, "256 blocks"},
		"tokens":             {func(o *Options) { o.Tokens = "dna:13" }, `"dna:13": K must be from 1 to 12`},
		"no vocabulary":      {func(o *Options) { o.Tokens = "none/x.tiktoken" }, "reading the tokenizer none/x.tiktoken: open none/x.tiktoken: no such file"},
		"no such vocabulary": {func(o *Options) { o.Tokens = "hdfs://a/tokenizer.json" }, `"hdfs" not registered`},
		"broken vocabulary":  {func(o *Options) { o.Tokens = broken }, "reading the tokenizer " + broken + ": not a tokenizer.json: it has no model"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Input: input, Tokens: "bytes", Distances: []int{1}, Output: filepath.Join(t.TempDir(), "counts.json")}
			c.change(&o)
			_, s := beam.NewPipelineWithRoot()
			err := Build(t.Context(), s, o)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v does not say %q, in one line", err, c.want)
			}
		})
	}
}

// A worker that finds another vocabulary than the launcher does not count.
func TestVocabularyChanges(t *testing.T) {
	gpt2, err := os.ReadFile(filepath.Join("..", "..", "token", "vocabulary", "testdata", "gpt2.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(path string) error
		want   string
	}{
		"other": {func(path string) error { return os.WriteFile(path, append(gpt2, '\n'), 0o666) }, "gpt2.json has changed since"},
		"cut":   {func(path string) error { return os.Truncate(path, 1000) }, "gpt2.json: not a tokenizer.json"},
		"gone":  {os.Remove, "gpt2.json: no such file or directory (every worker must be able to read it)"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "gpt2.json")
			write(t, path, gpt2)
			o := Options{Input: fewDocuments(t), Tokens: path, Distances: []int{1}}
			o.Output = filepath.Join(t.TempDir(), "counts.json")
			p, s := beam.NewPipelineWithRoot()
			if err := Build(context.Background(), s, o); err != nil {
				t.Fatal(err)
			}
			if err := c.change(path); err != nil {
				t.Fatal(err)
			}
			failed(t, ptest.Run(p), o, c.want)
		})
	}
}

// fails runs a pipeline that should fail.
func fails(t *testing.T, o Options, want string) {
	t.Helper()
	o.Output = filepath.Join(t.TempDir(), "counts.json")
	failed(t, pipeline(t, o), o, want)
}

// failed checks what a pipeline says that has failed.
func failed(t *testing.T, err error, o Options, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v does not say %q", err, want)
	}
	if _, err := os.Stat(o.Output); err == nil {
		t.Error("a file of counts was written")
	}
}
