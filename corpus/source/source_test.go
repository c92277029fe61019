package source

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

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

// A long value is kept in pieces, and its line counts.
func TestLongValue(t *testing.T) {
	long := strings.Repeat("0123456789", piece/4)
	in := "[{\"text\": \"" + long + "\"},\n{\"text\": \"short\"},\n\"" + long[:piece-1] + "\",\n{\"text\": 1,}]"
	docs, _, err := readAll(content("a.json", in), Options{})
	if len(docs) != 3 || docs[0] != long || docs[1] != "short" || docs[2] != long[:piece-1] || err == nil || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("%d documents, %v", len(docs), err)
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
