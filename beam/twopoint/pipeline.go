// Package twopoint counts pairs of tokens at given distances as an Apache Beam
// pipeline, for corpora that are spread over a cluster. It writes the file of
// counts that l2m twopoint --counts reads; the histograms are those of package
// count on the same documents.
//
// Documents are whole in memory, one per worker thread at a time. Blocks of
// documents for jackknife errors are not counted.
package twopoint

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/fileio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/transforms/filter"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/transforms/stats"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/token"
)

// Options says what to count.
type Options struct {
	Input     string // glob of any file system that is registered: text files, JSON Lines (.jsonl, .ndjson), plain or .gz, or Parquet (.parquet)
	Output    string // file of counts
	Field     string // of JSON Lines, or column of Parquet; "" means "text"
	Tokens    string // as token.ParseStream
	Distances []int
}

// Build adds the pipeline to s.
func Build(s beam.Scope, o Options) error {
	if o.Field == "" {
		o.Field = "text"
	}
	if _, err := token.ParseStream(o.Tokens); err != nil {
		return err
	}
	if len(o.Distances) == 0 {
		return fmt.Errorf("no distances asked for")
	}
	for _, d := range o.Distances {
		if d < 1 {
			return fmt.Errorf("distance %d is below 1", d)
		}
	}
	o.Distances = slices.Compact(slices.Sorted(slices.Values(o.Distances)))
	files := fileio.ReadMatches(s, fileio.MatchFiles(s, o.Input))
	docs := filter.Distinct(s, beam.ParDo(s, &readFn{Field: o.Field}, files))
	counts := stats.SumPerKey(s, beam.ParDo(s, &pairsFn{Tokens: o.Tokens, Distances: o.Distances}, docs))
	bins := stats.SumPerKey(s, beam.ParDo(s, binFn, counts))
	all := beam.GroupByKey(s, beam.AddFixedKey(s, beam.ParDo(s, joinFn, bins)))
	beam.ParDo0(s, &writeFn{Output: o.Output, Tokens: o.Tokens, Distances: o.Distances}, all)
	return nil
}

func init() {
	register.DoFn3x1[context.Context, fileio.ReadableFile, func(string), error](&readFn{})
	register.DoFn2x1[string, func(string, int64), error](&pairsFn{})
	register.DoFn3x1[context.Context, int, func(*string) bool, error](&writeFn{})
	register.Function2x2(binFn)
	register.Function2x1(joinFn)
	register.Emitter1[string]()
	register.Emitter2[string, int64]()
	register.Iter1[string]()
}

// readFn emits the documents of a file.
type readFn struct{ Field string }

// ProcessElement reads one file.
func (f *readFn) ProcessElement(ctx context.Context, file fileio.ReadableFile, emit func(string)) error {
	name := file.Metadata.Path
	r, err := file.Open(ctx)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	defer r.Close()
	switch path.Ext(strings.TrimSuffix(name, ".gz")) {
	case ".jsonl", ".ndjson":
		return f.lines(name, r, emit)
	case ".parquet":
		return f.rows(name, r, emit)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > 0 {
		emit(string(text))
	}
	return nil
}

func (f *readFn) lines(name string, r io.Reader, emit func(string)) error {
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var record map[string]any
			if err := json.Unmarshal(line, &record); err != nil {
				return fmt.Errorf("reading %s:%d: %w", name, n, err)
			}
			text, ok := record[f.Field].(string)
			if !ok {
				return fmt.Errorf("reading %s:%d: no text in field %q", name, n, f.Field)
			}
			if text != "" {
				emit(text)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
}

// Kinds of things that are counted; the first byte of a key. A key is the kind,
// the distance as a varint, and one or two tokens.
const (
	documentKind = 'd'
	unigramKind  = 'u'
	jointKind    = 'j'
	leftKind     = 'l'
	rightKind    = 'r'
)

// pairsFn counts the pairs of a document, by key.
type pairsFn struct {
	Tokens    string
	Distances []int
}

// ProcessElement counts one document.
func (f *pairsFn) ProcessElement(doc string, emit func(string, int64)) error {
	words, err := tokenize(f.Tokens, doc)
	if err != nil {
		return err
	}
	emit(string(documentKind), 1)
	counts := map[string]int64{}
	key := make([]byte, 0, 256)
	for _, w := range words {
		counts[string(append(append(key, unigramKind, 0), w...))]++
	}
	for _, d := range f.Distances {
		for i := 0; i+d < len(words); i++ {
			a, b := words[i], words[i+d]
			at := binary.AppendUvarint(append(key, jointKind), uint64(d))
			at = binary.AppendUvarint(at, uint64(len(a)))
			counts[string(append(append(at, a...), b...))]++
			at = binary.AppendUvarint(append(key, leftKind), uint64(d))
			counts[string(append(at, a...))]++
			at = binary.AppendUvarint(append(key, rightKind), uint64(d))
			counts[string(append(at, b...))]++
		}
	}
	for k, n := range counts {
		emit(k, n)
	}
	return nil
}

// tokenize returns the tokens of a document under names that are the same on
// every machine: words themselves, or the ids of a fixed vocabulary.
func tokenize(tokens, doc string) ([]string, error) {
	stream, err := token.ParseStream(tokens)
	if err != nil {
		return nil, err
	}
	var out []string
	if stream.Name() == "words" {
		var part []byte
		token.EachWord(&part, []byte(doc), true, func(w []byte) { out = append(out, string(w)) })
		return out, nil
	}
	for _, id := range stream.Encode(nil, []byte(doc), true) {
		out = append(out, string(binary.AppendUvarint(nil, uint64(id))))
	}
	return out, nil
}

// binFn turns the count of a thing into one thing of that count. The key keeps
// the kind and the distance and gets the count.
func binFn(key string, n int64) (string, int64) {
	if key[0] == documentKind {
		return key, n
	}
	d, _ := binary.Uvarint([]byte(key[1:]))
	return fmt.Sprintf("%c %d %d", key[0], d, n), 1
}

// joinFn writes a bin as a line: kind, distance, count, types.
func joinFn(key string, types int64) string {
	if key[0] == documentKind {
		return fmt.Sprintf("%c 0 0 %d", documentKind, types)
	}
	return fmt.Sprintf("%s %d", key, types)
}

// writeFn writes the file of counts.
type writeFn struct {
	Output, Tokens string
	Distances      []int
}

// ProcessElement gets all bins at once: they are few.
func (f *writeFn) ProcessElement(ctx context.Context, _ int, lines func(*string) bool) error {
	file := count.File{Alphabet: f.Tokens, Result: count.Result{Sample: 1, Distances: make([]count.Distance, len(f.Distances))}}
	for i, d := range f.Distances {
		file.Distances[i].Distance = d
	}
	var line string
	for lines(&line) {
		var kind rune
		var d int
		var n, types int64
		if _, err := fmt.Sscanf(line, "%c %d %d %d", &kind, &d, &n, &types); err != nil {
			return fmt.Errorf("a bin is %q: %w", line, err)
		}
		bin := count.Bin{Count: n, Types: types}
		if kind == documentKind {
			file.Documents = types
			continue
		}
		if kind == unigramKind {
			file.Unigrams = append(file.Unigrams, bin)
			continue
		}
		i, ok := slices.BinarySearch(f.Distances, d)
		if !ok {
			return fmt.Errorf("a bin of distance %d, which was not asked for", d)
		}
		at := &file.Distances[i]
		switch kind {
		case jointKind:
			at.Joint = append(at.Joint, bin)
		case leftKind:
			at.Left = append(at.Left, bin)
		case rightKind:
			at.Right = append(at.Right, bin)
		}
	}
	sorted(file.Unigrams)
	file.Tokens = file.Unigrams.Total()
	file.Vocabulary = int(file.Unigrams.Types())
	for i := range file.Distances {
		d := &file.Distances[i]
		sorted(d.Joint)
		sorted(d.Left)
		sorted(d.Right)
		d.Pairs = d.Joint.Total()
	}
	fs, err := filesystem.New(ctx, f.Output)
	if err != nil {
		return err
	}
	defer fs.Close()
	w, err := fs.OpenWrite(ctx, f.Output)
	if err != nil {
		return err
	}
	if err := file.Write(w); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}

func sorted(h count.Histogram) {
	slices.SortFunc(h, func(a, b count.Bin) int { return cmp.Compare(a.Count, b.Count) })
}
