package source

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"io/fs"
	"math/bits"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// tfRecord is a record of TensorFlow, with the checksum of its length.
func tfRecord(data string) string {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	sum := crc32.Checksum(length, crc32.MakeTable(crc32.Castagnoli))
	return string(binary.LittleEndian.AppendUint32(length, bits.RotateLeft32(sum, 17)+0xa282ead8)) + data + "\x00\x00\x00\x00"
}

// withDictionary is text packed with a Zstandard dictionary that nobody else has.
func withDictionary(s string) string {
	return packed(s, func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderDictRaw(7, []byte(s)))
	})
}

// emptyGroup is a table without rows, written by pyarrow 26: a group of no rows and no
// page.
const emptyGroup = "PAR1\x15\x04\x19,5\x00\x18\x06schema\x15\x02\x00\x15\x0c%\x02\x18\x04text%\x00L\x1c\x00\x00\x00\x16\x00\x19\x1c\x19\x1c&\x00\x1c\x15\x0c\x19\x15\x06\x19\x18\x04text\x15\x00\x16\x00\x16\x00\x16\x00&\x00I\x0c\x00\x00\x16\x00\x16\x00&\x00\x16\x00\x00( parquet-cpp-arrow version 26.0.1\x19\x1c\x1c\x00\x00\x00v\x00\x00\x00PAR1"

// sameNames is a Parquet file with two columns of one name, which no good library writes.
func sameNames() string {
	type row struct {
		One string `parquet:"text"`
		Two string `parquet:"tex2"`
	}
	var b bytes.Buffer
	if err := parquet.Write(&b, []row{{"a", "b"}}, parquet.Compression(&parquet.Uncompressed)); err != nil {
		panic(err)
	}
	return strings.ReplaceAll(b.String(), "tex2", "text")
}

// stored is an archive of a file that is not compressed, pipeName one of standard input.
func stored(text string) string {
	return zipWith(&zip.FileHeader{Name: "a.txt", Method: zip.Store}, text)
}

func pipeName(text string) string {
	h := &zip.FileHeader{Name: "-", Method: zip.Deflate}
	h.SetMode(fs.ModeNamedPipe | 0o600)
	return zipWith(h, text)
}

func zipWith(h *zip.FileHeader, text string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.CreateHeader(h)
	io.WriteString(f, text)
	w.Close()
	return b.String()
}

// furtherKinds are those of a second collection of files that people have.
func furtherKinds() []kind {
	rows := []string{"row one", "row two"}
	jsonl := "{\"text\": \"row one\"}\n{\"text\": \"row two\"}\n"
	commas := []string{"row one, with a comma", "row two; with a semicolon"}
	turkish := "Çarşamba günü teşekkür ettim; güçlüğü düşünüyordu"
	czech := "Ověřování formulářů: nejvýše pět chráněných výsledků, úspěšně"
	hungarian := "Szűrők és erős betűkből álló szavak: sűrűség, bőrű"
	romanian := "Începeţi însă cu conţinutul; ştergeţi sfârşitul"
	croatian := "Zaštićene riječi: lužičkosrpski, češćih, oštećena važeća"
	lithuanian := "Jūsų sąrašas turėtų būti trumpas; minučių reikšmė"
	western := "Où êtes-vous allés, élèves? Größe überall. ¿Qué pasó, señor Núñez? Peníscola és aïllada; qüestió. Não há ações; coração. " +
		"È già più giù. Blåbärssås på Ærøskøbing. Ég hef aldrei séð það áður, þeir fóru út á sjó. Coöperatie, zeeën. Jäääär, õhtusöök. Hyvää yötä. Tá sé ródhéanach"
	return []kind{
		{"marked.json", "\ufeff[{\"text\": \"row one\"}, {\"text\": \"row two\"}]", "", rows, "2 JSON records"},
		{"sequence.json", "\x1e{\"text\": \"row one\"}\n\x1e{\"text\": \"row two\"}\n", "", rows, "2 JSON records"},
		{"strings.jsonl", "\"row one\"\n\"row two\"\n", "", rows, "2 JSON records"},
		{"quotation", "\"Quoted,\" he said.\n", "", []string{"\"Quoted,\" he said.\n"}, "1 text file"},
		{"twice.jsonl", `{"text": "first", "text": "row one"} {"text": "row two"}`, "", rows, ""},
		{"messages.jsonl", `{"id": 1, "messages": [{"role": "user", "content": "hello"}], "none": [], "meta": {"a": {"b": {"c": 1}}}}`, "", nil, `no field "text" (fields: id, messages.content, messages.role, meta.a.b, none)`},
		{"wrapped.json", `{"version": 1, "data": [{"text": "row one"}]}`, "", nil, `(jq -c '.data[]' wrapped.json | l2m … - reads the elements of "data" as records; --format text`},
		{"joined.jsonl", "\ufeff{\"text\": \"row one\"}\n\ufeff{\"text\": \"row two\"}\n", "", rows, "2 JSON records"},
		{"languages.jsonl", `{"text": {"en": "row one", "de": "Zeile eins"}}`, "", nil, `no field "text" (fields: text.de, text.en); choose one with --field`},
		{"unnamed.json", `{"": [{"": 1}], "a b": [{"c": 1}]}`, "", nil, "choose one with --field (--format text measures the object itself)"},
		{"lines.json", "// a comment\n" + jsonl, "", nil, "not JSON, as its name says"},

		{"excel.csv", encoded(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "\ttext\r\n0\trow one, with a comma\r\n1\trow two; with a semicolon\r\n"), "", commas, "2 table rows in 1 file; " + noteWide},
		{"standard input", ",text\n0,row one\n1,row two\n", "", rows, "2 table rows"},
		{"standard input", "id,text,\n0,row one,\n1,row two,\n", "", rows, "2 table rows"},
		{"sentence", "text,\nand more,\n", "", []string{"text,\nand more,\n"}, "1 text file"},
		{"one.csv", "text\nrow one, with a comma\n\"row two; with a semicolon\"\n", "", commas, "2 table rows"},
		{"padded.csv", "id, text\n1, \"row one, with a comma\"\n2,  row two; with a semicolon\n", "", commas, "2 table rows"},
		{"bars.psv", "id|text\n1|\"row\" one\n2|row \"two\n", "", []string{`"row" one`, `row "two`}, "2 table rows"},
		{"bars.csv", "id|text\n1|\"row|one\"\n", "", []string{"row|one"}, ""},
		{"page.csv", "<!DOCTYPE html>\n<title>404, not found</title>", "", nil, "not a table, as its name says"},

		{"empty.parquet", emptyGroup, "", []string{}, "0 Parquet rows"},
		{"twice.parquet", sameNames(), "", nil, `two columns are called "text"`},

		{"turkish.txt", encoded(charmap.Windows1254, turkish), "", nil, "neither UTF-8 nor"},
		{"czech.txt", encoded(charmap.Windows1250, czech), "", nil, "neither UTF-8 nor"},
		{"latin2.txt", encoded(charmap.ISO8859_2, czech), "", nil, "neither UTF-8 nor"},
		{"hungarian.txt", encoded(charmap.Windows1250, hungarian), "", nil, "neither UTF-8 nor"},
		{"romanian.txt", encoded(charmap.Windows1250, romanian), "", nil, "neither UTF-8 nor"},
		{"croatian.txt", encoded(charmap.Windows1250, croatian), "", nil, "neither UTF-8 nor"},
		{"lithuanian.txt", encoded(charmap.Windows1257, lithuanian), "", nil, "neither UTF-8 nor"},
		{"western.txt", encoded(charmap.Windows1252, western), "", []string{western}, noteWestern},
		{"late.txt", strings.Repeat("words ", headSize/6+1) + "\x00", "", []string{strings.Repeat("words ", headSize/6+1) + "\x00"}, noteZeros},
		{"zeros", strings.Repeat("\x00", 1000), "", nil, "zero bytes, not text"},

		{"each.warc.gz", gz(warcText[:strings.Index(warcText, "WARC/1.1\r\nWARC-Type: request")]) + gz(wetText), "", []string{"<p>x", "wet pagé"}, "2 web pages"},
		{"a.arc", "filedesc://x.arc 0.0.0.0 20260101000000 text/plain 76\n", "", nil, "the old ARC format"},
		{"parts.bz2", packedText + packedText, "", []string{"a packed text\na packed text\n"}, ""},
		{"dictionary.zst", withDictionary(strings.Repeat("some words ", 50)), "", nil, "compressed with a Zstandard dictionary"},
		{"a.zz", "\x78\x9c\x00\x01", "", nil, "compressed with zlib, which is not read (pigz -dc a.zz | l2m … -)"},
		{"tar.zip", zipOf("inner.tar", tarOf("d/a.txt", "a text")), "", []string{"a text"}, "1 text file"},
		{"names.zip", zipWith(&zip.FileHeader{Name: "caf\x82.txt", NonUTF8: true}, "a text"), "", []string{"a text"}, "1 text file"},
		{"cut.tar", tarOf("a.txt", "a text")[:515], "", nil, "cut.tar/a.txt: its archive ends in the middle of it"},
		{"joined.tar", tarOf("a.txt", "a text") + tarOf("b.jsonl", jsonl), "", []string{"a text", "row one", "row two"}, "2 JSON records in 1 file, 1 text file"},
		{"sum.zip", strings.Replace(stored("a text"), "a text", "a test", 1), "", nil, "damaged in its ZIP archive: zip: checksum error"},
		{"pipe.zip", pipeName("a text"), "", []string{"a text"}, "1 text file"},
		{"a.deb", "!<arch>\ndebian-binary   1342943816  0     0     100644  4         `\n2.0\n", "", nil, "an ar archive"},
		{"a.cab", "MSCF\x00\x00\x00\x00abc", "", nil, "a cabinet archive"},

		{"bare.fa", ">\nACGT\n>\nTTTT\n", "", []string{"ACGT", "TTTT"}, "2 FASTA records"},
		{"protein.faa", ">one\nMKbxzjou*\n", "", []string{"MKBXZJOU*"}, ""},
		{"at.fq", "@r1\nAC\nGT\n+\n@@\n@+\n@r2\nA\n+\n@\n", "", []string{"ACGT", "A"}, "2 FASTQ reads"},
		{"a.sam", "@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:9\nr1\t0\tchr1\t1\t60\t4M\t*\t0\t0\tACGT\tFFFF\n", "", nil, "a SAM file (samtools fasta a.sam | l2m … -)"},
		{"a.bam", gz("BAM\x01\x00\x00"), "", nil, "a BAM file"},
		{"a.vcf", "##fileformat=VCFv4.2\n#CHROM\tPOS\n", "", nil, "a table of variants (VCF), not sequences"},
		{"a.bcf", gz("BCF\x02\x02\x00"), "", nil, "a table of variants (BCF), not sequences"},
		{"a.gff", "##gff-version 3\nchr1\tx\tgene\t1\t9\n", "", nil, "annotations of sequences (GFF)"},
		{"a.sto", "# STOCKHOLM 1.0\na  ACGT\nb  AC-T\n//\n", "", nil, "an alignment in Stockholm format, which is not read (esl-reformat afa a.sto | l2m … -)"},
		{"a.aln", "CLUSTAL W (1.83) multiple sequence alignment\n\na   ACGT\nb   AC-T\n", "", nil, "an alignment of Clustal"},
		{"a.nex", "#NEXUS\nbegin data;\n", "", nil, "a NEXUS file"},
		{"a.2bit", "\x43\x27\x41\x1a\x00\x00", "", nil, "a 2bit file"},

		{"late.pdf", "\n\n%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "", nil, "a PDF document"},
		{"a.rtf", "{\\rtf1\\ansi hello}", "", nil, "a document in Rich Text Format"},
		{"a.mobi", strings.Repeat("\x00", 60) + "BOOKMOBI", "", nil, "an e-book (Kindle)"},
		{"a.djvu", "AT&TFORM\x00\x00\x00\x10DJVU", "", nil, "a DjVu document (djvutxt a.djvu | l2m … -)"},
		{"a.chm", "ITSF\x03\x00\x00\x00", "", nil, "a compiled help file"},
		{"a.pkl", "\x80\x04\x95\x10\x00\x00", "", nil, "a Python pickle"},
		{"a.safetensors", "\x0a\x00\x00\x00\x00\x00\x00\x00{\"w\":null}", "", nil, "model weights (safetensors)"},
		{"a.tfrecord", tfRecord("\n\x08\n\x06\n\x04text"), "", nil, "records of TensorFlow (TFRecord)"},
		{"a.duckdb", "\x00\x00\x00\x00\x00\x00\x00\x00DUCK", "", nil, "a DuckDB database"},
		{"a.rds", gz("X\n\x00\x00\x00\x02"), "", nil, "data of R"},
		{"a.RData", gz("RDX3\nX\n\x00\x00\x00\x03"), "", nil, "data of R"},
		{"a.mat", "MATLAB 5.0 MAT-file, Platform: GLNXA64\x00", "", nil, "data of MATLAB"},
		{"a.dta", "<stata_dta><header>\x00", "", nil, "data of Stata"},
	}
}
