package corpus

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/parquet-go/parquet-go"
)

// read returns the documents that Read finds, empty ones left out.
func read(r io.Reader, name string, o Options) ([]string, error) {
	var docs []string
	err := Read(context.Background(), r, name, o, func(doc io.Reader) error {
		text, err := io.ReadAll(doc)
		if len(text) > 0 {
			docs = append(docs, string(text))
		}
		return err
	})
	return docs, err
}

// Read finds in the content of a file what Index finds in the file.
func TestReadEqualsIndex(t *testing.T) {
	type row struct {
		Text *string `parquet:"text,optional"`
	}
	one := "a row"
	var pq bytes.Buffer
	if err := parquet.Write(&pq, []row{{&one}, {nil}}); err != nil {
		t.Fatal(err)
	}
	fasta := ">one\nacgt\nNN\r\n>two\n\n>three\nAC-T*\n"
	files := map[string]string{
		"a.txt": "plain \xff text", "b.txt.gz": gz("gzipped"), "c.TXT.zst": zst("zstandard"), "d.log.zstd": zst("the same"), "e.gz": "",
		"f.jsonl":    "{\"text\": \"line one\"}\n\n{\"text\": null}\n{\"text\": \"\"}\n{\"text\": \"line\\ntwo\"}",
		"g.ndjson":   "{\"text\": \"other\"}\n",
		"h.jsonl.gz": gz("{\"text\": \"packed\"}\n"),
		"i.fa":       fasta, "j.fasta.zst": zst(">x\nMKV\n"), "k.fna": ">y\nAA\n", "l.faa.gz": gz(">z\nKK\n"), "m.txt": fasta,
		"n.parquet": pq.String(),
	}
	dir := write(t, files)
	for name, content := range files {
		o := Options{}
		if name == "m.txt" {
			o.Format = FASTA
		}
		// A reader that gives a byte at a time, as a slow network would.
		got, err := read(iotest.OneByteReader(strings.NewReader(content)), "gs://bucket/"+name, o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var want []string
		if c, err := Index(context.Background(), []string{filepath.Join(dir, name)}, o); err == nil {
			for _, text := range contents(t, c, dir) {
				want = append(want, text)
			}
			c.Close()
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: Read finds %q, Index %q", name, got, want)
		}
	}
}

// What goes wrong while a file is read is said with its name; an error of the
// visitor ends the reading.
func TestReadErrors(t *testing.T) {
	long := zst(strings.Repeat("some text that goes on ", 10000))
	for _, tc := range []struct {
		name string
		r    io.Reader
		want string
	}{
		{"s3://b/cut.txt.zst", strings.NewReader(long[:len(long)/2]), "s3://b/cut.txt.zst: the file ends in the middle"},
		{"cut.fa.gz", strings.NewReader("\x1f\x8b\x08"), "cut.fa.gz: the file ends in the middle"},
		{"a.parquet", strings.NewReader("PAR1"), "a.parquet: not a readable Parquet file"},
		{"a.parquet.gz", strings.NewReader("x"), "a.parquet.gz: not Parquet, as its name says"},
		{"a.jsonl", strings.NewReader("{"), "a.jsonl: line 1: the file ends inside"},
		{"a.txt", iotest.ErrReader(os.ErrPermission), "a.txt: permission denied"},
		{"b.parquet", iotest.ErrReader(os.ErrPermission), "b.parquet: permission denied"},
		{"b.txt", io.MultiReader(strings.NewReader("text"), iotest.ErrReader(os.ErrPermission)), "b.txt: permission denied"},
	} {
		if _, err := read(tc.r, tc.name, Options{}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v does not say %q", tc.name, err, tc.want)
		}
	}
	enough := errors.New("enough")
	err := Read(context.Background(), strings.NewReader(">a\nA\n>b\nC\n"), "x.fa", Options{}, func(io.Reader) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("error %v", err)
	}
}
