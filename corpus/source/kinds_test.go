package source

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/pierrec/lz4/v4"
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
func lz(s string) string {
	return packed(s, func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil })
}

// packedText is "a packed text\n", packed by libbzip2 1.0.8.
const packedText = "BZh91AY&SY\xec>\x89\xac\x00\x00\x01\xd1\x80\x00\x10@\x00.\x08D@ \x00\x22\x06\x83\xd4\x10\x03\x01Z\x16\x98\x1d\x17\xe2\xeeH\xa7\x0a\x12\x1d\x87\xd15\x80"

// xzOf is an xz file that holds s as it is, behind filters, the last of which is LZMA2
// [XZ Utils, xz-file-format.txt]: an identifier, and properties behind their length.
func xzOf(s string, filters ...string) string {
	sum := func(b string) string {
		return b + string(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(b))))
	}
	padded := func(b string) string { return b + strings.Repeat("\x00", -len(b)&3) }
	number := func(n int) string { return string(binary.AppendUvarint(nil, uint64(n))) }
	header := padded("?" + string(rune(len(filters)-1)) + strings.Join(filters, ""))
	header = sum(string(rune(len(header)/4)) + header[1:])
	block := header + "\x01" + string([]byte{byte((len(s) - 1) >> 8), byte(len(s) - 1)}) + s + "\x00"
	index := sum(padded("\x00\x01" + number(len(block)) + number(len(s))))
	footer := sum(string(binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1))) + "\x00\x00")
	return "\xfd7zXZ\x00" + sum("\x00\x00") + padded(block) + index + footer[6:] + footer[:6] + "YZ"
}

// lzma2 is a filter with a dictionary of 8 MB, delta one that was given differences.
const (
	lzma2 = "\x21\x01\x16"
	delta = "\x03\x01\x00"
)

func differences(s string) string {
	out := []byte(s)
	for i := len(out) - 1; i > 0; i-- {
		out[i] -= out[i-1]
	}
	return string(out)
}

// zipMethod is an archive of one file that is packed in some way or encrypted.
func zipMethod(name string, method, flags uint16) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.CreateRaw(&zip.FileHeader{Name: name, Method: method, Flags: flags, CompressedSize64: 8, UncompressedSize64: 100})
	io.WriteString(f, "whatever")
	w.Close()
	return b.String()
}

// signed is a Parquet file whose footer is signed with a key, which some of its columns
// are encrypted with.
func signed(file string) string {
	at := len(file) - 8
	length := binary.LittleEndian.Uint32([]byte(file[at:])) + 28
	return file[:at] + strings.Repeat("s", 28) + string(binary.LittleEndian.AppendUint32(nil, length)) + "PAR1"
}

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
	return append([]kind{
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
		{"cp1250.txt", encoded(charmap.Windows1250, "Zażółć gęślą jaźń, pchnąć w tę łódź jeża"), "", nil, "neither UTF-8 nor"},
		{"cp437.txt", encoded(charmap.CodePage437, "Les élèves élevés étaient répétés là, fâchés"), "", nil, "neither UTF-8 nor"},
		{"marks.txt", encoded(charmap.Windows1252, "It’s the col·lecció of 30° and £5–£9, ¿no?"), "", []string{"It’s the col·lecció of 30° and £5–£9, ¿no?"}, noteWestern},
		{"mail.txt", "Subject: \x1b$B$3$l$O\x1b(B\n", "", nil, "in the encoding ISO-2022 (iconv"},
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
		{"old.ipynb", `{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": ["a = 1\n", "b"]}, {"cell_type": "markdown", "source": "words"}]}]}`, "", []string{"a = 1\nb\n\nwords"}, "1 notebook"},
		{"page.jsonl", "<!DOCTYPE html>\n<title>404</title>", "", nil, "not JSON, as its name says"},

		{"a.csv", "id,text\n1,row one\n2,\"row two\"\n3,\n", "", rows, "2 table rows in 1 file; records left out: without text (1"},
		{"a.tsv", "id\ttext\n1\trow one\n2\trow two\n", "", rows, "2 table rows"},
		{"semi.csv", "id;text\n1;row one\n2;row two\n", "", rows, ""},
		{"lines.csv", "text,id\n\"one\nrow\",1\n", "", []string{"one\nrow"}, ""},
		{"standard input", "id,text\n1,row one\n2,row two\n", "", rows, "2 table rows"},
		{"other.csv", "id,body\n1,x\n", "", nil, `no column "text" (columns: id, body)`},
		{"ragged.csv", "id,text\n1,row one\n2\n3,a,comma\n\n4,row two,\n", "", rows, "rows with more or fewer fields than the header (2"},
		{"quotes.csv", "id,text\r\n1,say \"so\"\r\n2,\"a \"\"b\"\", c\"\r\n", "", []string{`say "so"`, `a "b", c`}, ""},
		{"cr.csv", "id,text\r1,row one\r2,row two\r", "", rows, ""},
		{"excel.csv", "sep=;\nid;text\n1;row one\n2;row two\n", "", rows, ""},
		{"twice.csv", "text,text\na,b\n", "", nil, `two columns are called "text"`},
		{"open.csv", "id,text\n1,\"row one\n", "", nil, "open.csv: line 2: not a row of the table: the file ends inside a quoted field"},
		{"behind.csv", "id,text\n1,\"row\" one\n", "", nil, "something follows a quoted field"},
		{"bare.tsv", "id\ttext\n1\t\"row\n2\trow \"two\"\n", "", []string{`"row`, `row "two"`}, ""},
		{"quoted.tsv", "id\ttext\n1\t\"row\n\"\"one\"\"\"\n", "", []string{"row\n\"one\""}, ""},

		{"a.parquet", parquetOf(), "", rows, "2 Parquet rows in 1 file; records left out: without text (1"},
		{"blob", parquetOf(parquet.Compression(&parquet.Lz4Raw)), "", rows, "2 Parquet rows"},
		{"v1", parquetOf(parquet.Compression(&parquet.Lz4Raw), parquet.DataPageVersion(1)), "", rows, "2 Parquet rows"},
		{"brotli", parquetOf(parquet.Compression(&parquet.Brotli)), "", rows, ""},
		{"path", parquetOf(parquet.Compression(&parquet.Snappy)), "Doc.Body", []string{"inside", "", ""}, ""},
		{"turns", parquetOf(parquet.Compression(&parquet.Zstd)), "Turns.Content", []string{"hello\ngoodbye"}, "without text (2"},
		{"other.parquet", parquetOf(), "body", nil, `no column "body" (columns: text, Score, Doc.Body, Turns.Role, Turns.Content)`},
		{"number.parquet", parquetOf(), "Score", nil, `column "Score" holds DOUBLE, not text`},
		{"packed.parquet.gz", gz(parquetOf()), "", rows, ""},
		{"secret.parquet", "PARE" + parquetOf()[4:], "", nil, "an encrypted Parquet file (write it again without encryption)"},
		{"signed.parquet", signed(parquetOf()), "", nil, "an encrypted Parquet file (write it again without encryption)"},
		{"cut.parquet", parquetOf()[:300], "", nil, "not a readable Parquet file"},

		{"a.arrow", arrowOf(true), "", rows, "2 Arrow rows"},
		{"data-00000-of-00001.arrow", arrowOf(false), "", rows, "2 Arrow rows"},
		{"turns.arrow", arrowOf(true), "turns.content", []string{"hello\ngoodbye", "alone"}, ""},
		{"labels.feather", arrowOf(true), "label", []string{"good", "bad", "good"}, ""},
		{"other.arrow", arrowOf(false), "body", nil, `no column "body" (columns: id, text, turns, label)`},
		{"footer.arrow", strings.Replace(arrowOf(true), "ARROW1\x00\x00\xff\xff\xff\xff", "ARROW1\x00\x00\x00\x00\x00\x00", 1), "", rows, ""}, // Polars too writes a schema there that is no message
		{"cut.arrow", arrowOf(false)[:500], "", nil, "not readable Arrow data"},

		{"a.fa", ">one\nACgt\nNN\r\n\n>two\n>three\nAC-T.*\n", "", []string{"ACGTNN", "", "AC-T-*"}, "3 FASTA records"},
		{"chromosome", ">one\nACgtACGTACGTACGTACGTACGT\n", "", []string{"ACGTACGTACGTACGTACGTACGT"}, "1 FASTA record"},
		{"comments.fas", "; on top\n# too\n>one\n;between\nAC\nU\n", "", []string{"ACU"}, ""},
		{"hash", "# on top\n>one\nACGTACGTACGTACGTACGTACGT\n", "", []string{"ACGTACGTACGTACGTACGTACGT"}, "1 FASTA record"},
		{"heading", "# Title\n\n> quoted\nword\n", "", []string{"# Title\n\n> quoted\nword\n"}, "1 text file"},
		{"pearson.fa", ";a header\n;a comment\nMKV*\n", "", []string{"MKV*"}, ""},
		{"cr.fa", ">one\rAC\rGT\r>two\rTT\r", "", []string{"ACGT", "TT"}, ""},
		{"numbered.fa", ">one\n        1 gatcctccat\n", "", nil, "numbered line, as in GenBank"},
		{"genbank.gb", "LOCUS       SCU49845     5028 bp    DNA\nORIGIN\n        1 gatcctccat\n", "", nil, "a GenBank file"},
		{"release.seq", "GBBCT1.SEQ  Genetic Sequence Data Bank\n\nLOCUS       X\nORIGIN\n        1 gatc\n", "", nil, "a GenBank file"},
		{"a.pir", ">P1;CRAB\nALPHA CRYSTALLIN\n MDITI HNPL*\n", "", nil, "a PIR file"},
		{"embl.txt", "ID   X56734; SV 1; linear\nXX\nSQ   Sequence 1859 BP\n     aaacaaacca        10\n", "", nil, "an EMBL file"},
		{"reads.fastq", fastqReads, "", []string{"ACGTN", "ACGT"}, "2 FASTQ reads"},
		{"standard input", fastqReads, "", []string{"ACGTN", "ACGT"}, "2 FASTQ reads"},
		{"cr.fq", strings.ReplaceAll(fastqReads, "\n", "\r"), "", []string{"ACGTN", "ACGT"}, ""},
		{"cut.fq", "@r1\nACGT\n+\nII", "", nil, "the file ends in the middle of a read"},
		{"long.fq", "@r1\nACGT\n+\nIIIII\n", "", nil, "a read of 4 bases has quality for 5"},

		{"a.wet", wetText, "", []string{"wet pagé"}, "1 web page"},
		{"a.warc.gz", gz(warcText), "", []string{"<p>x"}, "1 web page"},
		{"latin.warc", warcPage("text/html; charset=iso-8859-1", "", "caf\xe9") + warcPage("text/html", "", "<meta charset='windows-1251'>\xcf\xf0\xe8\xe2\xe5\xf2") + warcPage("text/html; charset=latin1", "", "utf-8 é") + warcPage("text/plain", "gzip", gz("packed")) + warcPage("text/plain", "", "\xcf\xf0\xe8\xe2\xe5\xf2"), "",
			[]string{"café", "<meta charset='windows-1251'>Привет", "utf-8 é", "packed"}, "in an unknown encoding (1"},
		{"cut.warc", wetText[:len(wetText)-8], "", nil, "the file ends in the middle of it"},
		{"dump.xml", wikiDump, "", []string{"'''A''' <b>"}, "1 wiki article"},

		{"a.txt.gz", gz("a text"), "", []string{"a text"}, ""},
		{"plain.txt.gz", "not packed at all", "", []string{"not packed at all"}, ""},
		{"padded.gz", gz("a text") + strings.Repeat("\x00", 700), "", []string{"a text"}, ""},
		{"members.gz", gz("a ") + gz("text"), "", []string{"a text"}, ""},
		{"junk.gz", gz("a text") + "\x00junk", "", nil, "something that is not gzip follows"},
		{"twice.txt.gz", gz(gz("a text")), "", []string{"a text"}, ""},
		{"junk-at-once.gz", gz("a text") + "junk", "", nil, "gzip -dc junk-at-once.gz | l2m … - leaves it out"},
		{"frame.lz4", "\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + lz(long), "", []string{long}, ""},
		{"frame.zst", "\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + zst(long), "", []string{long}, ""},
		{"a.lzma", "\x5d\x00\x00\x80\x00" + strings.Repeat("\xff", 8) + "\x00abcd", "", nil, "compressed with LZMA, which is not read (xz -dc a.lzma | l2m … -)"},
		{"other.lzma", "\x37\x00\x00\x60\x00" + strings.Repeat("\xff", 8) + "\x00abcd", "", nil, "compressed with LZMA, which is not read"},
		{"often.gz", gz(gz(gz(gz(gz("a text"))))), "", nil, "packed more than"},
		{"a.zst", zst("a text"), "", []string{"a text"}, ""},
		{"a.bz2", packedText, "", []string{"a packed text\n"}, ""},
		{"a.xz", xzOf("a text", lzma2), "", []string{"a text"}, ""},
		{"delta.xz", xzOf(differences("a text"), delta, lzma2), "", []string{"a text"}, ""},
		{"x86.xz", xzOf("a text", "\x04\x00", lzma2), "", []string{"a text"}, ""},
		{"padded.xz", xzOf("a ", lzma2) + "\x00\x00\x00\x00" + xzOf("text", lzma2), "", []string{"a text"}, ""},
		{"filter.xz", xzOf("a text", "\x30\x00", lzma2), "", nil, "an unsupported filter or check of xz (xz -dc filter.xz | l2m … -)"},
		{"dictionary.xz", xzOf("a text", "\x21\x01\x26"), "", nil, "its xz dictionary is longer than 64 MB (xz -dc dictionary.xz | l2m … -)"},
		{"cut.xz", xzOf("a text", lzma2)[:40], "", nil, "ends in the middle of its compressed data"},
		{"a.lz4", lz(long), "", []string{long}, ""},
		{"c4-train.00000-of-01024.json.gz", gz(jsonl), "", rows, "2 JSON records"},
		{"cut.gz", gz(long)[:200], "", nil, "ends in the middle of its compressed data"},
		{"damaged.zst", zst(long)[:40] + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "", nil, "damaged"},

		{"a.tar.gz", gz(tarOf("d/a.txt", "a text", "d/b.jsonl", jsonl, "d/c.png", "\x89PNG\r\n\x1a\n", ".git/config", "x")), "", []string{"a text", "row one", "row two"}, "2 files skipped: hidden files and folders (1: a.tar.gz/.git/config), images (1: a.tar.gz/d/c.png)"},
		{"a.zip", zipOf("d/a.txt", "a text", "__MACOSX/x", "y", "d/b.jsonl.gz", gz(jsonl), "p.parquet", parquetOf()), "", []string{"a text", "row one", "row two", "row one", "row two"}, "vendored folders (1"},
		{"a.docx", zipOf("[Content_Types].xml", "<x/>", "word/document.xml", "<w/>"), "", nil, "an office document"},
		{"a.epub", zipOf("mimetype", "application/epub+zip"), "", nil, "an e-book"},
		{"a.npz", zipOf("x.npy", "\x93NUMPY"), "", nil, "arrays or model weights"},
		{"lzma.zip", zipMethod("a.txt", 14, 0), "", nil, "lzma.zip: compressed with LZMA, which is not read (unpack it into a folder, and name that)"},
		{"large.zip", zipMethod("a.txt", 9, 0), "", nil, "compressed with Deflate64, which is not read"},
		{"new.zip", zipMethod("a.txt", 200, 0), "", nil, "compressed with method 200, which is not read"},
		{"secret.zip", zipMethod("a.txt", 8, 1), "", nil, "secret.zip: encrypted (unpack it into a folder with its password, and name that)"},
		{"cut.zip", "PK\x03\x04 and so on", "", nil, "damaged ZIP archive"},

		{"a.pdf", "%PDF-1.7\n...", "", nil, "a PDF document, which holds no plain text (pdftotext a.pdf - | l2m … -)"},
		{"b.txt", "%PDF-1.7\n...", "", nil, "a PDF document"},
		{"a.png", "\x89PNG\r\n\x1a\n....", "", nil, "a PNG image"},
		{"a.jpg", "\xff\xd8\xff\xe0", "", nil, "a JPEG image"},
		{"a.wav", "RIFF\x10\x00\x00\x00WAVEfmt ", "", nil, "a sound file"},
		{"a.exe", "\x7fELF\x02\x01", "", nil, "a program"},
		{"a.7z", "7z\xbc\xaf\x27\x1c", "", nil, "a 7z archive"},
		{"a.db", "SQLite format 3\x00", "", nil, "an SQLite database"},
		{"model.gguf", "GGUF\x03\x00\x00\x00", "", nil, "model weights"},
		{"a.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "", nil, "git lfs pull"},
		{"a.bin", "ab\x00cd", "", nil, "not text"},
		{"noise", "\x01\x02\x03\x04\x05\x06\x07words", "", nil, "not text"},
	}, furtherKinds()...)
}

// warcPage is a record of what a server sent.
func warcPage(kind, packed, body string) string {
	http := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Encoding: %s\r\n\r\n%s", kind, packed, body)
	return fmt.Sprintf("WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n", len(http), http)
}
