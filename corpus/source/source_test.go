package source

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// readAll reads a file in memory; docs are its documents in their order.
func readAll(in Input, o Options) (docs []string, report *Report, err error) {
	last := Place(-1)
	report, err = Read(context.Background(), in, o, func(d Document) error {
		if d.Place <= last {
			return fmt.Errorf("place %d after %d", d.Place, last)
		}
		last = d.Place
		text, err := io.ReadAll(d.Text)
		docs = append(docs, string(text))
		return err
	})
	return docs, report, err
}

// content is a file in memory.
func content(name, data string) Input {
	return Input{Name: name, R: strings.NewReader(data), At: strings.NewReader(data), Size: int64(len(data))}
}

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func packed(s string, open func(w io.Writer) (io.WriteCloser, error)) string {
	var b bytes.Buffer
	w, err := open(&b)
	if err != nil {
		panic(err)
	}
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func zst(s string) string {
	return packed(s, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })
}
func xzip(s string) string {
	return packed(s, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) })
}
func lz(s string) string {
	return packed(s, func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil })
}

// packedText is "a packed text\n", packed by libbzip2 1.0.8.
const packedText = "BZh91AY&SY\xec>\x89\xac\x00\x00\x01\xd1\x80\x00\x10@\x00.\x08D@ \x00\x22\x06\x83\xd4\x10\x03\x01Z\x16\x98\x1d\x17\xe2\xeeH\xa7\x0a\x12\x1d\x87\xd15\x80"

func tarOf(files ...string) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o644, Typeflag: tar.TypeReg})
		io.WriteString(w, files[i+1])
	}
	w.Close()
	return b.String()
}

func zipOf(files ...string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, _ := w.Create(files[i])
		io.WriteString(f, files[i+1])
	}
	w.Close()
	return b.String()
}

func encoded(e encoding.Encoding, s string) string {
	out, err := e.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	return out
}

// parquetOf and arrowOf write a column "text" of which one row is null.
func parquetOf(o ...parquet.WriterOption) string {
	type message struct {
		Role, Content string
	}
	type row struct {
		Text  *string `parquet:"text,optional"`
		Score float64
		Doc   struct{ Body string }
		Turns []message `parquet:"Turns,list"`
	}
	one, two := "row one", "row two"
	var b bytes.Buffer
	nested := row{Text: &one, Turns: []message{{"user", "hello"}, {"bot", "goodbye"}}}
	nested.Doc.Body = "inside"
	if err := parquet.Write(&b, []row{nested, {}, {Text: &two}}, o...); err != nil {
		panic(err)
	}
	return b.String()
}

func arrowOf(file bool) string {
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "text", Type: arrow.BinaryTypes.LargeString, Nullable: true},
		{Name: "turns", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "content", Type: arrow.BinaryTypes.String}))},
		{Name: "label", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	b.Field(0).(*array.Int64Builder).AppendValues([]int64{1, 2, 3}, nil)
	text := b.Field(1).(*array.LargeStringBuilder)
	text.Append("row one")
	text.AppendNull()
	text.Append("row two")
	turns := b.Field(2).(*array.ListBuilder)
	for _, list := range [][]string{{"hello", "goodbye"}, nil, {"alone"}} {
		turns.Append(true)
		for _, s := range list {
			st := turns.ValueBuilder().(*array.StructBuilder)
			st.Append(true)
			st.FieldBuilder(0).(*array.StringBuilder).Append(s)
		}
	}
	for _, s := range []string{"good", "bad", "good"} {
		b.Field(3).(*array.BinaryDictionaryBuilder).AppendString(s)
	}
	var out bytes.Buffer
	if file {
		w, err := ipc.NewFileWriter(&out, ipc.WithSchema(schema), ipc.WithZstd())
		if err != nil {
			panic(err)
		}
		if err := w.Write(b.NewRecordBatch()); err != nil {
			panic(err)
		}
		w.Close()
	} else {
		w := ipc.NewWriter(&out, ipc.WithSchema(schema), ipc.WithLZ4())
		if err := w.Write(b.NewRecordBatch()); err != nil {
			panic(err)
		}
		w.Close()
	}
	return out.String()
}

const (
	wetText = "WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Type: application/warc-fields\r\nContent-Length: 4\r\n\r\na: b\r\n\r\n" +
		"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nwet pagé\r\n\r\n"
	warcText = "WARC/1.1\r\nWARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: 63\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>x\r\n\r\n" +
		"WARC/1.1\r\nWARC-Type: request\r\nContent-Length: 2\r\n\r\nab\r\n\r\n"
	wikiDump = `<mediawiki xml:lang="en"><siteinfo><sitename>W</sitename></siteinfo>
<page><title>A</title><ns>0</ns><revision><text>old</text></revision><revision><text bytes="3">'''A''' &lt;b&gt;</text></revision></page>
<page><title>B</title><ns>0</ns><redirect title="A" /><revision><text>#REDIRECT [[A]]</text></revision></page>
<page><title>Talk:A</title><ns>1</ns><revision><text>talk</text></revision></page></mediawiki>`
	fastqReads = "@r1\nACgtN\n+\n!!@@+\n@r2\r\nAC\r\nGT\r\n+r2\r\n@!\r\n+I\r\n"
	notebookV4 = `{"cells": [{"cell_type": "markdown", "source": ["# Title\n", "text"]}, {"cell_type": "code", "outputs": [{"data": {"image/png": "iVBORw0KGgo"}}], "source": "x = 1"}], "metadata": {}, "nbformat": 4}`
)

// kind is a row of the table of what becomes of files: its documents, or the error.
type kind struct {
	name, data string
	field      string
	docs       []string
	says       string // of the report or the error
}

func kinds() []kind {
	rows := []string{"row one", "row two"}
	jsonl := "{\"text\": \"row one\"}\n{\"text\": \"row two\"}\n"
	long := strings.Repeat("some words that go on and on\n", 5000)
	return []kind{
		{"plain.txt", "a text\n", "", []string{"a text\n"}, "1 text file"},
		{"empty.txt", "", "", []string{""}, ""},
		{"page.html", "<!DOCTYPE html><p>x</p>", "", []string{"<!DOCTYPE html><p>x</p>"}, "1 text file"},
		{"paper.tex", "\\documentclass{article}", "", []string{"\\documentclass{article}"}, ""},
		{"log", "\x1b[31mred\x1b[0m\n", "", []string{"\x1b[31mred\x1b[0m\n"}, ""},
		{"settings.ini", "[section]\nkey = 1\n", "", []string{"[section]\nkey = 1\n"}, ""},
		{"template", "{{ name }} and {x}\n", "", []string{"{{ name }} and {x}\n"}, ""},
		{"mail", "> quoted words of a letter\nand an answer\n", "", []string{"> quoted words of a letter\nand an answer\n"}, ""},
		{"tweet", "@someone hello\nthere\n+1\nyes\n", "", []string{"@someone hello\nthere\n+1\nyes\n"}, ""},
		{"prose, with commas", "text, and more, of it\nhere, there, elsewhere\n", "", []string{"text, and more, of it\nhere, there, elsewhere\n"}, ""},
		{"Organ", "ORCHESTRAL WORKS", "", []string{"ORCHESTRAL WORKS"}, ""},
		{"BZhou.txt", "BZhou is no packed file", "", []string{"BZhou is no packed file"}, ""},
		{"bom.txt", "\ufeffmarked", "", []string{"marked"}, ""},
		{"u16le.txt", encoded(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "Käse 🧀"), "", []string{"Käse 🧀"}, noteWide},
		{"u16be-unmarked.txt", encoded(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "no mark here, but letters"), "", []string{"no mark here, but letters"}, noteWide},
		{"u32le.txt", encoded(utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), "Käse 🧀"), "", []string{"Käse 🧀"}, noteWide},
		{"u32be-unmarked.txt", encoded(utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), "no mark here, but letters"), "", []string{"no mark here, but letters"}, noteWide},
		{"u16.jsonl", encoded(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), jsonl), "", rows, noteWide},
		{"latin1.txt", "une caf\xe9 tr\xe8s na\xefve", "", []string{"une café très naïve"}, noteWestern},
		{"cp1252.txt", "\x93quoted\x94 \x80 5", "", []string{"“quoted” € 5"}, noteWestern},
		{"latin1.jsonl", "{\"text\": \"caf\xe9\"}\n", "", []string{"café"}, noteWestern},
		{"koi8.txt", encoded(charmap.KOI8R, "Все счастливые семьи похожи друг на друга"), "", nil, "neither UTF-8 nor"},
		{"gbk.txt", encoded(simplifiedchinese.GBK, "天下大勢，分久必合，合久必分"), "", nil, "neither UTF-8 nor"},
		{"damaged.txt", "Все счастливые семьи \xd0 похожи друг на друга" + strings.Repeat(", все счастливые семьи", 5), "", []string{"Все счастливые семьи Ð похожи друг на друга" + strings.Repeat(", все счастливые семьи", 5)}, noteWestern},

		{"a.jsonl", jsonl, "", rows, "2 JSON records in 1 file"},
		{"a.json", jsonl, "", rows, "2 JSON records"},
		{"standard input", jsonl, "", rows, "2 JSON records"},
		{"crlf.ndjson", strings.ReplaceAll(jsonl, "\n", "\r\n"), "", rows, ""},
		{"array.json", "[\n{\"text\": \"row one\"},\n {\"text\": \"row two\"}]", "", rows, "2 JSON records"},
		{"strings.json", `["row one", "row two"]`, "", rows, "2 JSON records"},
		{"pretty.json", "{\n \"text\":\n \"row one\"\n}\n{\n \"text\": \"row two\"\n}", "", rows, ""},
		{"deep.jsonl", `{"a": {"b": {"c": "row one"}}} {"a": {"b": {"c": "row two"}}}`, "a.b.c", rows, ""},
		{"chat.jsonl", `{"turns": [{"content": "hello"}, {"content": "goodbye"}]}`, "turns.content", []string{"hello\ngoodbye"}, ""},
		{"pieces.jsonl", `{"text": ["hello", "goodbye"]}`, "", []string{"hello\ngoodbye"}, ""},
		{"nan.jsonl", "{\"text\": \"NaN -Infinity\", \"x\": NaN, \"y\": -Infinity, \"z\": [Infinity]}\n{\"text\": NaN}\n", "", []string{"NaN -Infinity"}, "without text (1"},
		{"holes.jsonl", "{\"text\": \"row one\"}\n\n{\"text\": null}\n{\"id\": 2}\n{\"text\": 7}\n{\"text\": \"row two\"}\n", "", rows, "without the field (1"},
		{"surrogate.jsonl", `{"text": "half \ud83d"}`, "", []string{"half \ufffd"}, noteReplaced},
		{"other.jsonl", `{"id": 1, "body": "b"}`, "", nil, `no field "text" (fields: body, id); choose one with --field`},
		{"escape.jsonl", `{"\u001b[31m": 1}`, "", nil, `(fields: \x1b[31m)`},
		{"cut.jsonl", "{\"text\": \"row one\"}\n{\"text\": \"ro", "", nil, "cut.jsonl: line 2: the file ends inside"},
		{"torn.jsonl", "{\"text\": \"ro\n{\"text\": \"row one\"}\n", "", nil, "torn.jsonl: line 1: invalid JSON: the line ends inside a string"},
		{"wrong.jsonl", "{\"text\": \"x\",}\n", "", nil, "wrong.jsonl: line 1: invalid JSON"},
		{"numbers.json", "[1, 2.5, -3e7]", "", []string{}, "whose field is not text (3"},
		{"package.json", `{"name": "x", "version": "1"}`, "", nil, "--format text"},
		{"note.ipynb", notebookV4, "", []string{"# Title\ntext\n\nx = 1"}, "1 notebook"},
		{"note", notebookV4, "", []string{"# Title\ntext\n\nx = 1"}, "1 notebook"},
		{"page.jsonl", "<!DOCTYPE html>\n<title>404</title>", "", nil, "not JSON, as its name says"},

		{"a.csv", "id,text\n1,row one\n2,\"row two\"\n3,\n", "", rows, "2 table rows in 1 file; records left out: without text (1"},
		{"a.tsv", "id\ttext\n1\trow one\n2\trow two\n", "", rows, "2 table rows"},
		{"semi.csv", "id;text\n1;row one\n2;row two\n", "", rows, ""},
		{"lines.csv", "text,id\n\"one\nrow\",1\n", "", []string{"one\nrow"}, ""},
		{"standard input", "id,text\n1,row one\n2,row two\n", "", rows, "2 table rows"},
		{"other.csv", "id,body\n1,x\n", "", nil, `no column "text" (columns: id, body)`},
		{"short.csv", "id,text\n1\n", "", nil, "short.csv: line 2: the row has 1 fields, and the header 2"},

		{"a.parquet", parquetOf(), "", rows, "2 Parquet rows in 1 file; records left out: without text (1"},
		{"blob", parquetOf(parquet.Compression(&parquet.Lz4Raw)), "", rows, "2 Parquet rows"},
		{"v1", parquetOf(parquet.Compression(&parquet.Lz4Raw), parquet.DataPageVersion(1)), "", rows, "2 Parquet rows"},
		{"brotli", parquetOf(parquet.Compression(&parquet.Brotli)), "", rows, ""},
		{"path", parquetOf(parquet.Compression(&parquet.Snappy)), "Doc.Body", []string{"inside", "", ""}, ""},
		{"turns", parquetOf(parquet.Compression(&parquet.Zstd)), "Turns.Content", []string{"hello\ngoodbye"}, "without text (2"},
		{"other.parquet", parquetOf(), "body", nil, `no column "body" (columns: text, Score, Doc.Body, Turns.Role, Turns.Content)`},
		{"number.parquet", parquetOf(), "Score", nil, `column "Score" holds DOUBLE, not text`},
		{"packed.parquet.gz", gz(parquetOf()), "", rows, ""},
		{"cut.parquet", parquetOf()[:300], "", nil, "not a readable Parquet file"},

		{"a.arrow", arrowOf(true), "", rows, "2 Arrow rows"},
		{"data-00000-of-00001.arrow", arrowOf(false), "", rows, "2 Arrow rows"},
		{"turns.arrow", arrowOf(true), "turns.content", []string{"hello\ngoodbye", "alone"}, ""},
		{"labels.feather", arrowOf(true), "label", []string{"good", "bad", "good"}, ""},
		{"other.arrow", arrowOf(false), "body", nil, `no column "body" (columns: id, text, turns, label)`},
		{"cut.arrow", arrowOf(false)[:500], "", nil, "not readable Arrow data"},

		{"a.fa", ">one\nACgt\nNN\r\n\n>two\n>three\nAC-T.*\n", "", []string{"ACGTNN", "", "AC-T-*"}, "3 FASTA records"},
		{"chromosome", ">one\nACgtACGTACGTACGTACGTACGT\n", "", []string{"ACGTACGTACGTACGTACGTACGT"}, "1 FASTA record"},
		{"comments.fas", "; on top\n# too\n>one\n;between\nAC\nU\n", "", []string{"ACU"}, ""},
		{"pearson.fa", ";a header\n;a comment\nMKV*\n", "", []string{"MKV*"}, ""},
		{"cr.fa", ">one\rAC\rGT\r>two\rTT\r", "", []string{"ACGT", "TT"}, ""},
		{"numbered.fa", ">one\n        1 gatcctccat\n", "", nil, "numbered line, as in GenBank"},
		{"genbank.gb", "LOCUS       SCU49845     5028 bp    DNA\nORIGIN\n        1 gatcctccat\n", "", nil, "a GenBank file"},
		{"embl.txt", "ID   X56734; SV 1; linear\nXX\nSQ   Sequence 1859 BP\n     aaacaaacca        10\n", "", nil, "an EMBL file"},
		{"reads.fastq", fastqReads, "", []string{"ACGTN", "ACGT"}, "2 FASTQ reads"},
		{"standard input", fastqReads, "", []string{"ACGTN", "ACGT"}, "2 FASTQ reads"},
		{"cut.fq", "@r1\nACGT\n+\nII", "", nil, "the file ends in the middle of a read"},
		{"long.fq", "@r1\nACGT\n+\nIIIII\n", "", nil, "a read of 4 bases has quality for 5"},

		{"a.wet", wetText, "", []string{"wet pagé"}, "1 web page"},
		{"a.warc.gz", gz(warcText), "", []string{"<p>x"}, "1 web page"},
		{"cut.warc", wetText[:len(wetText)-8], "", nil, "the file ends in the middle of it"},
		{"dump.xml", wikiDump, "", []string{"'''A''' <b>"}, "1 wiki article"},

		{"a.txt.gz", gz("a text"), "", []string{"a text"}, ""},
		{"plain.txt.gz", "not packed at all", "", []string{"not packed at all"}, ""},
		{"padded.gz", gz("a text") + strings.Repeat("\x00", 700), "", []string{"a text"}, ""},
		{"members.gz", gz("a ") + gz("text"), "", []string{"a text"}, ""},
		{"junk.gz", gz("a text") + "\x00junk", "", nil, "something follows the zero bytes"},
		{"twice.txt.gz", gz(gz("a text")), "", []string{"a text"}, ""},
		{"often.gz", gz(gz(gz(gz(gz("a text"))))), "", nil, "packed more than"},
		{"a.zst", zst("a text"), "", []string{"a text"}, ""},
		{"a.bz2", packedText, "", []string{"a packed text\n"}, ""},
		{"a.xz", xzip("a text"), "", []string{"a text"}, ""},
		{"a.lz4", lz(long), "", []string{long}, ""},
		{"c4-train.00000-of-01024.json.gz", gz(jsonl), "", rows, "2 JSON records"},
		{"cut.gz", gz(long)[:200], "", nil, "ends in the middle of its compressed data"},
		{"damaged.zst", zst(long)[:40] + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "", nil, "damaged"},

		{"a.tar.gz", gz(tarOf("d/a.txt", "a text", "d/b.jsonl", jsonl, "d/c.png", "\x89PNG\r\n\x1a\n", ".git/config", "x")), "", []string{"a text", "row one", "row two"}, "2 files skipped: hidden files and folders (1: a.tar.gz/.git/config), images (1: a.tar.gz/d/c.png)"},
		{"a.zip", zipOf("d/a.txt", "a text", "__MACOSX/x", "y", "d/b.jsonl.gz", gz(jsonl), "p.parquet", parquetOf()), "", []string{"a text", "row one", "row two", "row one", "row two"}, "vendored folders (1"},
		{"a.docx", zipOf("[Content_Types].xml", "<x/>", "word/document.xml", "<w/>"), "", nil, "an office document"},
		{"a.epub", zipOf("mimetype", "application/epub+zip"), "", nil, "an e-book"},
		{"a.npz", zipOf("x.npy", "\x93NUMPY"), "", nil, "arrays or weights"},
		{"cut.zip", "PK\x03\x04 and so on", "", nil, "damaged ZIP archive"},

		{"a.pdf", "%PDF-1.7\n...", "", nil, "a PDF document, which holds no plain text (pdftotext a.pdf - | l2m … -)"},
		{"b.txt", "%PDF-1.7\n...", "", nil, "a PDF document"},
		{"a.png", "\x89PNG\r\n\x1a\n....", "", nil, "a PNG image"},
		{"a.jpg", "\xff\xd8\xff\xe0", "", nil, "a JPEG image"},
		{"a.wav", "RIFF\x10\x00\x00\x00WAVEfmt ", "", nil, "a sound file"},
		{"a.exe", "\x7fELF\x02\x01", "", nil, "a program"},
		{"a.7z", "7z\xbc\xaf\x27\x1c", "", nil, "a 7z archive"},
		{"a.db", "SQLite format 3\x00", "", nil, "an SQLite database"},
		{"model.gguf", "GGUF\x03\x00\x00\x00", "", nil, "the weights of a model"},
		{"a.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "", nil, "git lfs pull"},
		{"a.bin", "ab\x00cd", "", nil, "not text"},
		{"noise", "\x01\x02\x03\x04\x05\x06\x07words", "", nil, "not text"},
	}
}

// What a file is, is read from it: its documents, or a refusal that says what it is.
func TestKinds(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			docs, report, err := readAll(content(k.name, k.data), Options{Field: k.field, TempDir: t.TempDir()})
			said := report.String()
			if err != nil {
				said = err.Error()
			}
			switch {
			case (err == nil) != (k.docs != nil):
				t.Errorf("documents %q, error %v; want documents %q", docs, err, k.docs)
			case err == nil && !slices.Equal(docs, k.docs):
				t.Errorf("documents %q, want %q", docs, k.docs)
			case !strings.Contains(said, k.says):
				t.Errorf("%q does not say %q", said, k.says)
			case strings.ContainsAny(said, "\n\x1b"):
				t.Errorf("%q holds what a terminal obeys", said)
			}
		})
	}
}

// Every case that once went wrong, with its right value. The texts are 60,761 bytes in
// 20 documents, the sequences 120,000 or 90,000 letters.
func TestCases(t *testing.T) {
	root := "../../../shared/cases"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no cases beside the checkout")
	}
	for _, c := range []struct {
		path      string
		documents int
		bytes     int64
		says      string
	}{
		{"text/c4-like/c4-train.00000-of-01024.json.gz", 10, 15085, "10 JSON records in 1 file"},
		{"text/json-array-of-objects.json", 20, 60761, "20 JSON records"},
		{"text/named-pdf.pdf", 0, 0, "a PDF document, which holds no plain text (pdftotext"},
		{"text/double-gzip.txt.gz", 20, 60761, "20 JSON records"},
		{"text/notebook-with-base64-image.ipynb", 1, 4028, "1 notebook"}, // 10 cells of 401 letters, 9 times two ends of lines
		{"text/jsonl-nan-infinity-numbers.jsonl", 20, 60761, "20 JSON records"},
		{"text/jsonl-null-and-missing-text.jsonl", 20, 60761, "without text (1"},
		{"text/jsonl-latin1-bytes.jsonl", 20, 59878, noteWestern}, // 40 letters take two bytes
		{"text/gzip-trailing-zero-padding.jsonl.gz", 20, 60761, ""},
		{"text/zstd-long-31.jsonl.zst", 20, 60761, ""},
		{"fasta/chrom.fas", 20, 120000, "20 FASTA records"},
		{"fasta/fastq-realistic-quality.fastq", 600, 90000, "600 FASTQ reads"},
		{"fasta/multi-fasta-reads-150bp.fa", 600, 90000, "600 FASTA records"},
		{"fasta/gap-dots.fa", 20, 120000, "20 FASTA records"},
		{"fasta/semicolon-comments.fa", 20, 120000, "20 FASTA records"},
		{"parquet/codec-lz4.parquet", 20, 60761, "20 Parquet rows"},
	} {
		data, err := os.ReadFile(filepath.Join(root, c.path))
		if err != nil {
			t.Error(err)
			continue
		}
		docs, report, err := readAll(content(c.path, string(data)), Options{TempDir: t.TempDir()})
		said, total := report.String(), int64(0)
		for _, d := range docs {
			total += int64(len(d))
		}
		if err != nil {
			said = err.Error()
		}
		if len(docs) != c.documents || total != c.bytes || !strings.Contains(said, c.says) {
			t.Errorf("%s: %d documents of %d bytes, %s; want %d of %d, %s", c.path, len(docs), total, said, c.documents, c.bytes, c.says)
		}
	}
}

// A single JSON object in a folder is text, as in source trees.
func TestLoneObject(t *testing.T) {
	in := content("package.json", `{"name": "x"}`+"\n")
	in.Found = true
	if docs, report, err := readAll(in, Options{}); err != nil || len(docs) != 1 || docs[0] != `{"name": "x"}` || report.String() != "1 text file" {
		t.Errorf("%q, %v, %v", docs, report, err)
	}
}

// A record above the bound is refused before it is all in memory.
func TestMaxRecord(t *testing.T) {
	const most = 1 << 20
	for name, begin := range map[string]string{"a.jsonl": `{"text": "`, "a.json": `[{"text": "`, "a.csv": "text\n\"", "a.fq": "@r\nACGT", "dump.xml": "<mediawiki><page><revision><text>"} {
		endless := &endless{begin: begin, b: 'A'}
		_, _, err := readAll(Input{Name: name, R: endless}, Options{MaxRecord: most})
		if err == nil || !strings.Contains(err.Error(), "raise --max-record") {
			t.Errorf("%s: error %v", name, err)
		}
		if endless.n > 4*most {
			t.Errorf("%s: %d bytes were read", name, endless.n)
		}
	}
}

// endless is a file that goes on with one letter.
type endless struct {
	begin string
	b     byte
	n     int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n > 1<<30 {
		return 0, errors.New("too much was read")
	}
	n := copy(p, e.begin)
	e.begin = e.begin[n:]
	for i := n; i < len(p); i++ {
		p[i] = e.b
	}
	e.n += len(p)
	return len(p), nil
}

// What a header claims allocates nothing: files of a few bytes that claim gigabytes.
func TestClaimsAllocateNothing(t *testing.T) {
	arrowClaim := []byte(arrowOf(false))
	// The length of the body of the first batch stands in the metadata behind the schema.
	schema := 8 + int(binary.LittleEndian.Uint32(arrowClaim[4:]))
	for name, data := range map[string]string{
		"metadata.arrow": "\xff\xff\xff\xff\xf8\xff\xff\x0f\x10\x00\x00\x00" + strings.Repeat("x", 100),
		"cut.arrow":      string(arrowClaim[:schema+200]),
		"a.xz":           "\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x26\x00\x00\x00\xd6\x6a\x54\x1d" + strings.Repeat("x", 100),
		"a.parquet":      "PAR1" + strings.Repeat("x", 100) + "\xff\xff\xff\x7fPAR1",
		"a.warc":         "WARC/1.0\r\nWARC-Type: conversion\r\nContent-Type: text/plain\r\nContent-Length: 9000000000000\r\n\r\nx",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, _, err := readAll(content(name, data), Options{TempDir: t.TempDir()}); err == nil {
			t.Errorf("%s: no error", name)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 24<<20 {
			t.Errorf("%s: %d MB allocated", name, n>>20)
		}
	}
}
