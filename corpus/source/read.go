package source

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// DefaultMaxRecord limits the length of a record, in bytes.
const DefaultMaxRecord = 256 << 20

// DefaultField is the field with the text of a record.
const DefaultField = "text"

// Options says how to read a file.
type Options struct {
	Format    Format // Auto: by content, then by name
	Field     string // JSON field or table column with the text; dots separate the keys of a path; "" means DefaultField
	MaxRecord int64  // longest record of JSON, a table or a web archive, in bytes; 0 means DefaultMaxRecord
	Strict    bool   // unreadable files within an archive are errors
	TempDir   string // for unpacked copies of Parquet and ZIP files, which need random access; "" means the system's
}

// Input is a file.
type Input struct {
	Name  string // for messages, and for its extension
	R     io.Reader
	At    io.ReaderAt // random access to the same content; nil if there is none
	Size  int64       // of At, bytes
	Found bool        // in a folder or an archive, not named by the user: then a single JSON object is text
}

// Place is the position of a document in its file. It increases from one document to
// the next.
type Place int64

// memberShift leaves room for 2^40 records in each file of an archive.
const memberShift = 40

// Member is the number of the file within an archive, from 1; 0 outside of archives.
func (p Place) Member() int { return int(p >> memberShift) }

// Number is the number of the record (of its line, for JSON and tables), from 1; 0 if
// the file is the document.
func (p Place) Number() int64 { return int64(p) & (1<<memberShift - 1) }

// Document is one document of a file.
type Document struct {
	Place Place
	Text  io.Reader // in UTF-8, unless the format is Bytes; valid until visit returns
}

// Kinds in a Report.
const (
	kindText     = "text"
	kindBytes    = "byte"
	kindJSON     = "JSON record"
	kindNotebook = "notebook"
	kindTable    = "table row"
	kindParquet  = "Parquet row"
	kindArrow    = "Arrow row"
	kindFASTA    = "FASTA record"
	kindFASTQ    = "FASTQ read"
	kindWARC     = "web page"
	kindWiki     = "wiki article"
)

// Reasons for skipping a record.
const (
	passNoField   = "without the field"
	passNull      = "without text"
	passNotText   = "whose field is not text"
	passLong      = "longer than --max-record"
	passRagged    = "rows with more or fewer fields than the header"
	passOtherPage = "of a web archive that hold no text"
	passForeign   = "in an unknown encoding"
	passRedirect  = "redirects and pages that are not articles"
)

// reader reads a file and the files in it.
type reader struct {
	ctx    context.Context
	o      Options
	report *Report
	visit  func(Document) error
	member int    // number of the file within the archive; 0 outside archives
	number int64  // documents read from the current file
	last   int64  // number of the last document
	kind   string // of the current file
}

// Read streams the documents of a file to visit, which need not read a document to its
// end. An error is a *Refusal if the file is not text, a *ReadError if it is damaged,
// or the error of visit or ctx. The Report covers what was read up to the error.
func Read(ctx context.Context, in Input, o Options, visit func(Document) error) (*Report, error) {
	o.Field = cmp.Or(o.Field, DefaultField)
	o.MaxRecord = cmp.Or(o.MaxRecord, DefaultMaxRecord)
	r := &reader{ctx: ctx, o: o, report: &Report{}, visit: visit}
	err := r.file(in, 0)
	return r.report, err
}

// contextReader fails when its context ends.
type contextReader struct {
	ctx  context.Context
	r    io.Reader
	name string
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	switch {
	case err == nil || err == io.EOF || c.ctx.Err() != nil || explained(err):
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = &ReadError{c.name, "its archive ends in the middle of it (copy or download the archive again)", err}
	default:
		err = &ReadError{c.name, cause(err).Error(), err}
	}
	return n, err
}

// cause is a system error without the name of the file, which messages state
// themselves.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// file reads one file, nested in depth archives and compressions.
func (r *reader) file(in Input, depth int) error {
	br := bufio.NewReaderSize(contextReader{r.ctx, in.R, in.Name}, headSize)
	ending := in.Name
	for ; ; depth++ {
		head, err := peek(br)
		if err != nil {
			return err
		}
		c := packing(head)
		if c == nil {
			return r.unpacked(in, ending, br, head, depth)
		}
		if depth >= maxDepth {
			return &Refusal{in.Name, fmt.Sprintf("packed more than %d times", maxDepth), groupArchive, "unpack it"}
		}
		z, closing, err := c.open(br)
		if err != nil {
			return damaged(in.Name, c, err)
		}
		defer closing()
		ending, in.At = c.trimEnding(ending), nil
		br = bufio.NewReaderSize(contextReader{r.ctx, &unpacking{z, in.Name, c}, in.Name}, headSize)
	}
}

// peek returns the beginning of a file.
func peek(br *bufio.Reader) ([]byte, error) {
	head, err := br.Peek(headSize)
	if err == io.EOF {
		err = nil
	}
	return head, err
}

// unpacked reads a file after decompression; ending is its name without the extensions
// of compressions.
func (r *reader) unpacked(in Input, ending string, br *bufio.Reader, head []byte, depth int) error {
	v := verdict{format: r.o.Format}
	if forced := v.format; forced == Auto || forced.Records() {
		v = sniffBinary(head)
		switch {
		case forced == Auto || v.archive != "" || v.refusal == nil && v.format == forced:
		case in.Found && v.refusal != nil:
		case in.Found && (v.format != Auto || forced.binary()):
			v.refusal = otherFormat(forced)
		default:
			v = verdict{format: forced} // the format's reader reports what is wrong
		}
	}
	switch {
	case v.refusal != nil:
		return v.refusal.of(in.Name)
	case v.archive == "tar":
		return r.tar(in, br, depth)
	case v.archive == "zip":
		return r.random(in, br, func(at io.ReaderAt, size int64) error { return r.zip(in, at, size, depth) })
	case v.format == Parquet:
		return r.records(in, kindParquet, func() error {
			return r.random(in, br, func(at io.ReaderAt, size int64) error { return r.parquet(in, at, size) })
		})
	case v.format == Arrow:
		return r.records(in, kindArrow, func() error { return r.arrow(in, br, v.stream) })
	case v.format == WARC:
		return r.records(in, kindWARC, func() error { return r.warc(in, br) })
	case v.format == Bytes:
		return r.records(in, kindBytes, func() error { return r.yield(0, br) })
	}
	if len(head) == headSize && cutRune(head) > 0 {
		head = head[:len(head)-cutRune(head)]
	}
	text, d := decoded(br, head)
	err := r.text(in, ending, text, v.format)
	if errors.Is(err, errForeign) {
		return foreign("not in UTF-8: " + errForeign.Error()).refusal.of(in.Name)
	}
	if err == nil {
		d.note(r.report, in.Name)
	}
	return err
}

func (v *Refusal) of(name string) *Refusal {
	named := *v
	named.Name = name
	return &named
}

// text reads a file of UTF-8 text.
func (r *reader) text(in Input, ending string, br *bufio.Reader, format Format) error {
	head, err := peek(br)
	if err != nil {
		return err
	}
	switch all := len(head) < headSize; {
	case format == Auto:
		v := sniffText(head, all, named(ending), r.o.Field)
		if v.refusal != nil {
			return v.refusal.of(in.Name)
		}
		format = v.format
	case format.Records() && in.Found:
		if v := sniffText(head, all, format, r.o.Field); v.refusal != nil || v.format != format {
			return otherFormat(format).of(in.Name)
		}
	}
	switch format {
	case JSONL:
		return r.records(in, kindJSON, func() error { return r.json(in, ending, br) })
	case CSV:
		return r.records(in, kindTable, func() error { return r.table(in, ending, br) })
	case FASTA:
		return r.records(in, kindFASTA, func() error { return r.fasta(in, br) })
	case FASTQ:
		return r.records(in, kindFASTQ, func() error { return r.fastq(in, br) })
	case MediaWiki:
		return r.records(in, kindWiki, func() error { return r.wiki(in, br) })
	}
	return r.records(in, kindText, func() error { return r.yield(0, br) })
}

// records adds the documents of a file to the report.
func (r *reader) records(in Input, kind string, read func() error) error {
	r.number, r.last, r.kind = 0, 0, kind
	err := read()
	if err == nil || r.number > 0 {
		r.report.read(r.kind, 1, int(r.number))
	}
	return err
}

// yield passes on a document. Documents on the same line get increasing numbers.
func (r *reader) yield(number int64, text io.Reader) error {
	if r.number++; r.number > 1 {
		number = max(number, r.last+1)
	}
	r.last = number
	return r.visit(Document{Place(r.member)<<memberShift | Place(number), text})
}

func (r *reader) yieldText(number int64, text []byte) error {
	return r.yield(number, bytes.NewReader(text))
}

// lacking is the error for a file in which no record has the field.
func (r *reader) lacking(in Input, what string, names []string) error {
	for i, n := range names {
		names[i] = Printable(n)
	}
	const most = 20
	if len(names) > most {
		names = append(names[:most:most], "…")
	}
	return &Refusal{in.Name, fmt.Sprintf("no %s %q (%ss: %s); choose one with --field", what, r.o.Field, what, strings.Join(names, ", ")),
		fmt.Sprintf("without the field %q", r.o.Field), ""}
}

// random opens a file for random access. Packed files and files within archives are
// copied to disk first.
func (r *reader) random(in Input, br *bufio.Reader, read func(at io.ReaderAt, size int64) error) error {
	if in.At != nil {
		return read(in.At, in.Size)
	}
	tmp, err := os.CreateTemp(r.o.TempDir, "l2m-unpacked-*")
	if err != nil {
		return fmt.Errorf("%s: unpacking: %w", in.Name, err)
	}
	defer discard(tmp)()
	n, err := io.Copy(tmp, br)
	if err != nil {
		return err
	}
	return read(tmp, n)
}

// discard removes a temporary file at once if the system allows it, so that a killed
// process leaves nothing behind. The returned function closes and removes it otherwise.
func discard(tmp *os.File) (end func()) {
	gone := os.Remove(tmp.Name()) == nil
	return func() {
		tmp.Close()
		if !gone {
			os.Remove(tmp.Name())
		}
	}
}

// limited is the error for a record that is too long.
func (r *reader) limited(in Input, line int64) error {
	return atLine(in.Name, line, "the record is longer than %d MB (if it is one document, raise --max-record)", r.o.MaxRecord>>20)
}

// isUnicode reports whether text is valid UTF-8 without zero bytes.
func isUnicode(text []byte) bool { return bytes.IndexByte(text, 0) < 0 && utf8.Valid(text) }
