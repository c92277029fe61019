package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/corpus"
)

// documents draws some documents of words, blank lines, marks and letters that
// are not ASCII.
func documents(t *rapid.T) [][]byte {
	texts := rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("ab cé.!\n\n”ACGT")), 1, 60, -1), 1, 4).Draw(t, "documents")
	docs := make([][]byte, len(texts))
	for i, text := range texts {
		docs[i] = []byte(text)
	}
	return docs
}

// Every control is a rearrangement of units that together are the document, and
// the same one at every call.
func TestChangesRearrange(t *testing.T) {
	for name, c := range changes {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			docs := documents(t)
			for _, doc := range docs {
				if joined := bytes.Join(c.cut(doc), nil); !bytes.Equal(joined, doc) {
					t.Fatalf("%q is cut into units that join to %q", doc, joined)
				}
			}
			changed := c.apply(docs)
			if got, want := sorted(changed), sorted(docs); !bytes.Equal(got, want) {
				t.Fatalf("the bytes are %q, not %q", got, want)
			}
			for i, doc := range c.apply(docs) {
				if !c.dealt && len(doc) != len(docs[i]) {
					t.Fatalf("%q becomes %q", docs[i], doc)
				}
				if !bytes.Equal(doc, changed[i]) {
					t.Fatalf("another call makes %q, not %q", doc, changed[i])
				}
			}
		}))
	}
}

// sorted are all bytes in order, with the bases of a pair as one.
func sorted(docs [][]byte) []byte {
	all := bytes.Join(docs, nil)
	all = bytes.ReplaceAll(bytes.ReplaceAll(all, []byte("T"), []byte("A")), []byte("G"), []byte("C"))
	slices.Sort(all)
	return all
}

func TestChanges(t *testing.T) {
	units := func(name, doc string) string {
		return string(bytes.Join(changes[name].cut([]byte(doc)), []byte("|")))
	}
	for _, c := range []struct{ name, doc, want string }{
		{"sentences", "One. “Two?” Three!\nA heading\n\nMr. X", "One. |“Two?” |Three!\n|A heading\n\n|Mr. |X"},
		{"words", "a  b\nc", "a  |b\n|c"},
		{"lines", "a\n\nb", "a\n|\n|b"},
		{"triplets", "ACGTA", "ACG|TA"},
		{"reversed", "né", "n|é"},
	} {
		if got := units(c.name, c.doc); got != c.want {
			t.Errorf("%s of %q: %q, not %q", c.name, c.doc, got, c.want)
		}
	}
	for _, c := range []struct{ name, doc, want string }{{"reversed", "né", "én"}, {"reverse-complement", "AACGN", "NCGTT"}} {
		if got := changes[c.name].apply([][]byte{[]byte(c.doc)}); string(got[0]) != c.want {
			t.Errorf("%s of %s: %s, not %s", c.name, c.doc, got[0], c.want)
		}
	}
}

// Dealing gives each document as many units as it had, of all documents.
func TestDealing(t *testing.T) {
	docs := changes["lines-dealt"].apply([][]byte{[]byte(strings.Repeat("a\n", 50)), []byte(strings.Repeat("b\n", 30))})
	if n, m := bytes.Count(docs[0], []byte("\n")), bytes.Count(docs[1], []byte("\n")); n != 50 || m != 30 {
		t.Errorf("the documents have %d and %d lines, not 50 and 30", n, m)
	}
	if !bytes.Contains(docs[0], []byte("b")) || !bytes.Contains(docs[1], []byte("a")) {
		t.Errorf("nothing was dealt from one document to the other: %q", docs)
	}
}

// A changed genome is FASTA again, so that l2m reads it as bases.
func TestChangedSequences(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.fa")
	if err := os.WriteFile(file, []byte(">one\nACGT\nAC\n>two\nGGG\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := changes["reversed"].write(t.Context(), out, []string{file}); err != nil {
		t.Fatal(err)
	}
	index, err := corpus.Index(context.Background(), []string{out}, corpus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	lengths := slices.Sorted(index.Lengths())
	if !index.AllFASTA() || !slices.Equal(lengths, []int64{3, 6}) {
		t.Errorf("FASTA %v, of sequences of %v bases, not 3 and 6", index.AllFASTA(), lengths)
	}
}

func TestEntries(t *testing.T) {
	names := map[string]bool{}
	for _, e := range entries {
		for _, c := range e.control {
			if changes[c].cut == nil || changes[c].what == "" {
				t.Errorf("%s: there is no change called %q", e.name, c)
			}
		}
		if hues[e.group] == 0 {
			t.Errorf("%s: the domain %q has no colour", e.name, e.group)
		}
		if letter(e) == "" || (e.paths == nil) == (e.make == nil) {
			t.Errorf("%s is not complete", e.name)
		}
	}
	for _, j := range jobs(entries) {
		if names[j.name] {
			t.Errorf("two jobs are called %s", j.name)
		}
		names[j.name] = true
	}
	if _, err := choose(jobs(entries), "english,klingon"); err == nil || !strings.Contains(err.Error(), "klingon") {
		t.Errorf("an unknown run: %v", err)
	}
	picked, err := choose(jobs(entries), "go.range,lambda*")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range picked {
		got = append(got, j.name)
	}
	if want := []string{"go.range", "lambda", "lambda.range", "lambda.twopoint"}; !slices.Equal(got, want) {
		t.Errorf("the runs are %v, not %v", got, want)
	}
}

func TestBetween(t *testing.T) {
	got, err := between([]byte("a\n<!-- x -->\nold\n<!-- end of x -->\nb"), "x", "new")
	if want := "a\n<!-- x -->\n\nnew\n<!-- end of x -->\nb"; err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := between([]byte("a"), "x", "new"); err == nil {
		t.Error("a page without marks is taken")
	}
}

// The page shows what is stored.
func TestPageIsCurrent(t *testing.T) {
	docs := t.TempDir()
	if err := os.CopyFS(docs, os.DirFS("../../docs")); err != nil {
		t.Fatal(err)
	}
	a := &atlas{docs: docs}
	if err := a.page(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"atlas.md", "atlas/laws.svg"} {
		want, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join("../../docs", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/%s is not what the results say (%v): go run ./atlas -render", name, err)
		}
	}
}

// WikiText is cut at the headings of articles, not at those of sections.
func TestArticles(t *testing.T) {
	data, out := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "wiki"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := " \n = One = \n \n a \n = = Section = = \n b \n = Two = \n c = d = e\n"
	if err := os.WriteFile(filepath.Join(data, "wiki/wikitext-2-test.txt"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := articles(t.Context(), data, out); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"0001.txt": " = One = \n \n a \n = = Section = = \n b \n", "0002.txt": " = Two = \n c = d = e\n"} {
		if got, err := os.ReadFile(filepath.Join(out, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; not %q", name, got, err, want)
		}
	}
	if files, _ := os.ReadDir(out); len(files) != 2 {
		t.Errorf("%d articles, not 2", len(files))
	}
}
