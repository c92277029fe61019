package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/l2m-lab/l2m/corpus"
)

// change makes a text that keeps some of the structure of another. It cuts each
// document into units, puts these in another order, and joins them.
type change struct {
	what string // in the table
	cut  func(doc []byte) [][]byte
	// order is what becomes of the units of one document. nil shuffles them.
	order func(units [][]byte)
	// dealt shuffles the units of all documents together: each document gets as
	// many as it had.
	dealt bool
}

// changes are the controls by name. Information between past and future is the
// same backwards, and on the other strand, since I(X;Y) = I(Y;X): what a
// predictor finds there and does not find here is its own. A shuffle takes away
// everything but what is inside a unit, and which units a document has; dealing
// takes that away as well.
var changes = map[string]change{
	"reversed":           {what: "backwards", cut: runes, order: slices.Reverse[[][]byte]},
	"reverse-complement": {what: "the other strand", cut: letters(1), order: complement},
	"words":              {what: "words shuffled in each document", cut: split(word)},
	"lines":              {what: "lines shuffled in each document", cut: split(line)},
	"sentences":          {what: "sentences shuffled in each document", cut: split(sentence)},
	"lines-dealt":        {what: "lines dealt among all documents", cut: split(line), dealt: true},
	"sentences-dealt":    {what: "sentences dealt among all documents", cut: split(sentence), dealt: true},
	"letters":            {what: "residues shuffled in each protein", cut: letters(1)},
	"triplets":           {what: "triplets shuffled", cut: letters(3)},
	"kilobases":          {what: "stretches of 1,000 bases shuffled", cut: letters(1000)},
}

// Units end with the blanks that follow them.
var (
	word     = regexp.MustCompile(`\S+\s*|\s+`)
	line     = regexp.MustCompile(`[^\n]*\n|[^\n]+$`)
	sentence = regexp.MustCompile(`(?s).+?(?:[.!?…]["'”’»)_]*(?:\s+|$)|\n\s*\n|$)`)
)

// split cuts a document into the matches of re, which cover it.
func split(re *regexp.Regexp) func([]byte) [][]byte {
	return func(doc []byte) [][]byte { return re.FindAll(doc, -1) }
}

// runes cuts a document into characters.
func runes(doc []byte) [][]byte { return bytes.Split(doc, nil) }

// letters cuts a document into n letters each.
func letters(n int) func([]byte) [][]byte {
	return func(doc []byte) [][]byte { return slices.Collect(slices.Chunk(doc, n)) }
}

// complement reverses bases and changes A with T and C with G.
func complement(units [][]byte) {
	slices.Reverse(units)
	pair := map[byte]byte{'A': 'T', 'T': 'A', 'C': 'G', 'G': 'C'}
	for i, u := range units {
		if c, ok := pair[u[0]]; ok {
			units[i] = []byte{c}
		}
	}
}

// apply changes documents. It is the same whenever they are.
func (c change) apply(docs [][]byte) [][]byte {
	rng := rand.New(rand.NewPCG(1, 0))
	shuffle := func(units [][]byte) {
		rng.Shuffle(len(units), func(i, j int) { units[i], units[j] = units[j], units[i] })
	}
	changed := make([][]byte, len(docs))
	if c.dealt {
		var all [][]byte
		counts := make([]int, len(docs))
		for i, doc := range docs {
			units := c.cut(doc)
			all, counts[i] = append(all, units...), len(units)
		}
		shuffle(all)
		for i, n := range counts {
			changed[i], all = bytes.Join(all[:n], nil), all[n:]
		}
		return changed
	}
	order := c.order
	if order == nil {
		order = shuffle
	}
	for i, doc := range docs {
		units := c.cut(doc)
		order(units)
		changed[i] = bytes.Join(units, nil)
	}
	return changed
}

// write makes a changed copy of the documents of paths: files in dir, or a FASTA
// file if they are sequences.
func (c change) write(ctx context.Context, dir string, paths []string) error {
	var docs [][]byte
	sequences := false
	if err := eachDocument(ctx, paths, func(text []byte, fasta bool) error {
		docs, sequences = append(docs, text), fasta
		return nil
	}); err != nil {
		return err
	}
	docs = c.apply(docs)
	if sequences {
		return writeFASTA(filepath.Join(dir, "sequences.fa"), docs)
	}
	for i, doc := range docs {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.txt", i)), doc, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// eachDocument reads all documents of paths. fasta says that they are sequences.
func eachDocument(ctx context.Context, paths []string, visit func(text []byte, fasta bool) error) error {
	index, err := corpus.Index(ctx, paths, corpus.Options{})
	if err != nil {
		return err
	}
	defer index.Close()
	return index.Each(ctx, func(_ int, r io.Reader) error {
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return visit(text, index.AllFASTA())
	})
}

func writeFASTA(name string, docs [][]byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for i, doc := range docs {
		fmt.Fprintf(w, ">%d\n", i)
		for piece := range slices.Chunk(doc, 80) {
			fmt.Fprintf(w, "%s\n", piece)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
