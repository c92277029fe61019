package corpus

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	lz4raw "github.com/parquet-go/parquet-go/compress/lz4"
	"github.com/parquet-go/parquet-go/compress/snappy"
	"github.com/parquet-go/parquet-go/format"
	"golang.org/x/text/encoding/unicode"

	"github.com/l2m-lab/l2m/corpus/source"
)

// Names of fields and columns may hold the dot that also joins paths; the whole
// name goes first.
func TestNamesWithDots(t *testing.T) {
	var pq bytes.Buffer
	type row struct {
		Text string `parquet:"doc.text"`
	}
	if err := parquet.Write(&pq, []row{{"from a column"}}); err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{
		"a.jsonl":   "\ufeff{\"doc.text\": \"after a mark\"}\n{\"doc\": {\"text\": \"inside\"}}\n{\"doc\": {\"text\": \"in\"}, \"doc.text\": \"out\"}",
		"b.parquet": pq.String(),
	})
	got := contents(t, index(t, Options{Field: "doc.text"}, dir), dir)
	for name, want := range map[string]string{"a.jsonl:1": "after a mark", "a.jsonl:2": "inside", "a.jsonl:3": "out", "b.parquet:1": "from a column"} {
		if got[name] != want {
			t.Errorf("%s is read as %q, want %q", name, got[name], want)
		}
	}
}

// Progress counts what is read, and ends at the total whatever was skipped.
func TestIndexProgress(t *testing.T) {
	big := strings.Repeat("a line of text\n", 100_000)
	dir := write(t, map[string]string{"a.txt": big, "b.txt.gz": gz(big), "bin": "\x00" + big, "c.jsonl": "{\"text\": \"x\"}\n"})
	var calls int
	var last, total int64
	index(t, Options{Progress: func(d, n int64) {
		if d < last {
			t.Errorf("progress went back from %d to %d", last, d)
		}
		last, total, calls = d, n, calls+1
	}}, dir)
	if last != total || calls < 8 {
		t.Errorf("%d of %d bytes in %d calls", last, total, calls)
	}
}

// A device is refused in a word, not read for ever.
func TestDevicesAreRefused(t *testing.T) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip("no /dev/zero here")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := Index(ctx, []string{"/dev/zero"}, Options{}); err == nil || !strings.Contains(err.Error(), "/dev/zero: a device") {
		t.Errorf("error %v", err)
	}
	if _, err := Index(ctx, []string{filepath.Join(t.TempDir(), "none")}, Options{}); err == nil {
		t.Error("a missing file was read")
	}
}

// lz4 is the compression that Hadoop wrote, and fastparquet without its frame.
type lz4 struct {
	lz4raw.Codec
	frame bool
}

func (*lz4) String() string                            { return "LZ4" }
func (*lz4) CompressionCodec() format.CompressionCodec { return format.Lz4 }
func (c *lz4) Encode(dst, src []byte) ([]byte, error) {
	packed, err := c.Codec.Encode(nil, src)
	if c.frame {
		dst = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(dst[:0], uint32(len(src))), uint32(len(packed)))
		return append(dst, packed...), err
	}
	return packed, err
}

// lzo stands for a compression that is not read.
type lzo struct{ snappy.Codec }

func (*lzo) String() string                            { return "LZO" }
func (*lzo) CompressionCodec() format.CompressionCodec { return format.LZO }

func TestParquetCompression(t *testing.T) {
	type row struct {
		Text string `parquet:"text"`
	}
	for _, x := range []struct {
		codec compress.Codec
		want  string // error
	}{{&parquet.Zstd, ""}, {&parquet.Snappy, ""}, {&parquet.Gzip, ""}, {&parquet.Lz4Raw, ""}, {&parquet.Brotli, ""},
		{&lz4{frame: true}, ""}, {&lz4{}, ""},
		{&lzo{}, `old.parquet: column "text" is compressed with LZO, which is not supported (write`}} {
		var pq bytes.Buffer
		if err := parquet.Write(&pq, []row{{strings.Repeat("a row ", 100)}}, parquet.Compression(x.codec)); err != nil {
			t.Fatal(err)
		}
		docs, err := read(&pq, "old.parquet", Options{})
		switch {
		case x.want == "" && (err != nil || len(docs) != 1 || docs[0] != strings.Repeat("a row ", 100)):
			t.Errorf("%s: documents %q, error %v", x.codec, docs, err)
		case x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)):
			t.Errorf("%s: error %v does not say %q", x.codec, err, x.want)
		}
	}
}

// utf16 is a text in UTF-16, with its mark.
func utf16(text string, order unicode.Endianness) string {
	s, err := unicode.UTF16(order, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return s
}

// Text is the same text in every encoding that says what it is, under any name.
func TestEncodingsAndNames(t *testing.T) {
	text := "Ein Käse für “alle” 🧀\n" + strings.Repeat("und noch mehr ", 20_000)
	tapas := strings.Repeat("no me va a gustar ", 15)
	tapas = tapas[len(tapas)-len("ustar ")-257:] // "ustar", where archives have it
	jsonl := "{\"text\": \"Käse\"}\n"
	dir := write(t, map[string]string{
		"plain.txt": text, "mark.txt": "\ufeff" + text, "little.txt": utf16(text, unicode.LittleEndian), "big.txt": utf16(text, unicode.BigEndian),
		"little.txt.gz": gz(utf16(text, unicode.LittleEndian)), "packed.txt": gz(text), "packed.log": zst(text), "wrong.gz": zst(text),
		"BZhou.txt": "BZhou is no packed file", "gusto.txt": tapas,
		"l.jsonl": jsonl, "m.jsonl": "\ufeff" + jsonl, "n.jsonl": utf16(jsonl, unicode.LittleEndian),
		"cut.txt": utf16("odd", unicode.LittleEndian) + "x", "western.txt": "caf\xe9 \x93x\x94",
	})
	c := index(t, Options{}, dir)
	got := map[string]int{}
	for _, s := range contents(t, c, dir) {
		got[s]++
	}
	want := map[string]int{text: 1, "Käse": 1, "BZhou is no packed file": 1, tapas: 1, "odd\ufffd": 1, "café “x”": 1}
	if !maps.Equal(got, want) || c.Duplicates() != 7+2 {
		t.Errorf("%d documents, %d duplicates, skipped %v", len(got), c.Duplicates(), c.Skipped())
	}
}

// packedText is "a packed text\n", packed by libbzip2 1.0.8.
const packedText = "BZh91AY&SY\xec>\x89\xac\x00\x00\x01\xd1\x80\x00\x10@\x00.\x08D@ \x00\x22\x06\x83\xd4\x10\x03\x01Z\x16\x98\x1d\x17\xe2\xeeH\xa7\x0a\x12\x1d\x87\xd15\x80"

// Bytes that are not text are found, in one file among others and at any place.
func TestNotUTF8(t *testing.T) {
	long := strings.Repeat("é", 50_000)
	dir := write(t, map[string]string{
		"a.txt": long, "b.txt": "x" + long, "c.txt": "xx€" + long, "y/late.txt": long + "\xff", "y/cut.txt": "x" + long[:len(long)-1],
		"y/middle.txt": long + "\xe2\x82" + long, "y/zero.txt": long + "z\x00e\x00",
	})
	if n, first := index(t, Options{Format: Bytes}, dir).NotUTF8(); n != 4 || first != filepath.Join(dir, "y/cut.txt") {
		t.Errorf("%d files, the first %s", n, first)
	}
	if n, first := index(t, Options{}, filepath.Join(dir, "*.txt")).NotUTF8(); n != 0 || first != "" {
		t.Errorf("%d files, the first %s", n, first)
	}
}

func TestFormats(t *testing.T) {
	type row struct {
		Text *string `parquet:"text,optional"`
		ID   int64   `parquet:"id"`
	}
	one, two := "first row", "second row"
	var pq bytes.Buffer
	if err := parquet.Write(&pq, []row{{&one, 1}, {nil, 2}, {&two, 3}}); err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{
		"a.txt":           "plain",
		"sub/b.txt.gz":    gz("gzipped"),
		"sub/c.txt.zst":   zst("zstandard"),
		"copy.txt":        "plain",
		"empty.txt":       "",
		"d.jsonl":         "{\"text\": \"line one\", \"n\": 1}\n\n{\"text\": null}\n{\"text\": \"line\\ntwo\"}",
		"e.fa":            ">one some gene\nacgt\nNN\r\n>two\n\n>three\nAC-T*\n",
		"g.parquet":       pq.String(),
		"bin":             "ab\x00cd",
		".hidden/x.txt":   "hidden",
		"vendor/v.txt":    "vendored",
		"deep/er/est.log": "log",
	})
	if err := os.Symlink(dir, filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	c := index(t, Options{}, dir)
	want := map[string]string{
		"a.txt": "plain", "sub/b.txt.gz": "gzipped", "sub/c.txt.zst": "zstandard", "deep/er/est.log": "log",
		"d.jsonl:1": "line one", "d.jsonl:4": "line\ntwo",
		"e.fa:1": "ACGTNN", "e.fa:3": "AC-T*",
		"g.parquet:1": "first row", "g.parquet:3": "second row",
	}
	if got := contents(t, c, dir); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read %v\nwant %v", got, want)
	}
	if c.Duplicates() != 1 {
		t.Errorf("%d duplicates, want 1", c.Duplicates())
	}
	wantSkipped := map[string]int{"binary files": 1, source.SkipHidden: 1, source.SkipVendor: 1, passEmpty: 2, "without text": 2}
	if got := c.Skipped(); fmt.Sprint(got) != fmt.Sprint(wantSkipped) {
		t.Errorf("skipped %v, want %v", got, wantSkipped)
	}
	// Who asks for bytes gets them, whatever they are.
	if got := contents(t, index(t, Options{Format: Bytes}, filepath.Join(dir, "bin")), dir); got["bin"] != "ab\x00cd" {
		t.Errorf("named binary file read as %q", got)
	}
	if got := contents(t, index(t, Options{}, filepath.Join(dir, "*.txt")), dir); len(got) != 1 {
		t.Errorf("the glob found %v", got)
	}
	for _, not := range []string{"[!abde]*.*", "[^abde]*.*"} { // as in shells, and as in Go
		if got := contents(t, index(t, Options{}, filepath.Join(dir, not)), dir); len(got) != 3 || got["g.parquet:1"] == "" || got["copy.txt"] == "" {
			t.Errorf("%s found %v", not, got)
		}
	}
}

// A README beside records is none of them, in an archive as in a folder; beside text
// it is text.
func TestCardsInArchives(t *testing.T) {
	archive := func(files map[string]string) string {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			w, err := z.Create(name)
			if err == nil {
				_, err = io.WriteString(w, files[name])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	dir := write(t, map[string]string{
		"rows.zip": archive(map[string]string{"r/README.md": "# Rows", "r/a.jsonl": "{\"text\": \"a row\"}\n", "r/notes.txt": "notes"}),
		"text.zip": archive(map[string]string{"t/README.md": "# Text", "t/a.txt": "a text"}),
	})
	c := index(t, Options{}, filepath.Join(dir, "rows.zip"))
	if got, want := fmt.Sprint(slices.Sorted(maps.Values(contents(t, c, dir)))), "[a row notes]"; got != want || c.Skipped()[skipCard] != 1 || c.Report().Read["text"].Files != 1 {
		t.Errorf("read %s, want %s; %s", got, want, c.Report())
	}
	c = index(t, Options{}, filepath.Join(dir, "text.zip"))
	if got, want := fmt.Sprint(slices.Sorted(maps.Values(contents(t, c, dir)))), "[# Text a text]"; got != want {
		t.Errorf("read %s, want %s; %s", got, want, c.Report())
	}
}

// Text beside records is said, and left out where the format of the records is asked for.
func TestTextBesideRecords(t *testing.T) {
	dir := write(t, map[string]string{
		"d/a.jsonl": "{\"text\": \"a row\"}\n", "d/notes.txt": "notes", "d/config.json": "{\"x\": 1}", "d/a.png": "\x89PNG\r\n\x1a\n", "d/b.parquet": "PAR1",
		"other/text.txt": "text", "d/README": "about", "d/a.fa": ">x\nACGT\n", "d/_SUCCESS": "", "d/empty.txt": "", "other/package.json": "{}",
	})
	c := index(t, Options{}, dir)
	if n := c.Skipped()[skipCard]; n != 3 {
		t.Errorf("%d files of metadata, want README, _SUCCESS and config.json: %s", n, c.Report())
	}
	w := c.Warnings()
	if len(w) != 1 || w[0].Code != "text-beside-records" || !strings.Contains(w[0].Text, "1 text file in folders of records count as documents too (") || !strings.Contains(w[0].Text, "notes.txt") {
		t.Errorf("warnings %v", w)
	}
	for format, want := range map[Format]string{JSONL: "[a row]", FASTA: "[ACGT]"} {
		c := index(t, Options{Format: format}, dir)
		if got := fmt.Sprint(slices.Sorted(maps.Values(contents(t, c, dir)))); got != want || c.Skipped()["files of other formats than --format says"] == 0 || c.Skipped()["images"] != 1 || len(c.Warnings()) > 0 {
			t.Errorf("%s: read %s, want %s; %s; %v", format, got, want, c.Report(), c.Warnings())
		}
	}
	if got := index(t, Options{}, filepath.Join(dir, "d/a.jsonl"), filepath.Join(dir, "d/notes.txt")).Warnings(); len(got) > 0 {
		t.Errorf("files that the user has named: %v", got)
	}
}

func TestStandardInput(t *testing.T) {
	for name, in := range map[string]string{"plain": "from a pipe", "gzip": gz("from a pipe"), "zstd": zst("from a pipe")} {
		spool := t.TempDir()
		c := index(t, Options{Stdin: strings.NewReader(in), SpoolDir: spool}, "-")
		if got := contents(t, c, ""); got["standard input"] != "from a pipe" {
			t.Errorf("%s: read %q", name, got)
		}
		c.Close()
		if left, _ := os.ReadDir(spool); len(left) > 0 {
			t.Errorf("%s: %v is left", name, left)
		}
	}
}

func TestBadInput(t *testing.T) {
	long := gz(strings.Repeat("some text that goes on ", 10000))
	dir := write(t, map[string]string{
		"cut.txt.gz":    long[:len(long)/2],
		"not.gz":        "no gzip at all",
		"not.zst":       "no zstd at all",
		"bad.jsonl":     "{\"text\": \"a\"}\n{\"text\": ",
		"array.jsonl":   "[1, 2]\n",
		"number.jsonl":  "{\"text\": 3}\n",
		"field.jsonl":   "{\"id\": 1, \"body\": \"b\"}\n",
		"nested.jsonl":  "{\"doc\": {\"content\": \"c\"}}\n",
		"bad.fa":        "no header\n",
		"digits.fa":     ">x\nAC1T\n",
		"bad.parquet":   "PAR1 not really",
		"dir/.keep":     "",
		"some/other.go": "package x",
	})
	for _, tc := range []struct{ path, want string }{
		{"missing.txt", "missing.txt: no such file or folder"},
		{"dir", "no files to read in"},
		{"*.none", "no file matches this pattern"},
		{"cut.txt.gz", "cut.txt.gz: the file ends in the middle"},
		{"bad.jsonl", "bad.jsonl: line 2: the file ends inside this JSON value"},
		{"array.jsonl", "no documents in"},
		{"number.jsonl", "whose field is not text (1"},
		{"field.jsonl", `field.jsonl: no field "text" (fields: body, id); choose one with --field`},
		{"bad.fa", "bad.fa: not FASTA, as its name says"},
		{"digits.fa", `digits.fa: line 2: '1' is not a letter`},
		{"bad.parquet", "bad.parquet: not a readable Parquet file"},
	} {
		_, err := Index(context.Background(), []string{filepath.Join(dir, tc.path)}, Options{})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want …%s…", tc.path, err, tc.want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error has several lines: %v", tc.path, err)
		}
	}
	c := index(t, Options{Field: "doc.content"}, filepath.Join(dir, "nested.jsonl"))
	if got := contents(t, c, dir); got["nested.jsonl:1"] != "c" {
		t.Errorf("dotted field read as %v", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Index(ctx, []string{dir}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}
