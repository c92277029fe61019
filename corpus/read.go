package corpus

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxLine bounds one line of JSON Lines, which must be in memory, in bytes.
const maxLine = 1 << 30

// record is one document while its file is being read.
type record struct {
	number int64 // of the record in its file, from 1; 0 where the file is the document
	r      io.Reader
	bad    bool // had bytes that are not UTF-8, which are replaced
}

// errBinary says that a file found in a folder is not text.
var errBinary = errors.New("binary")

// Read streams the documents of one file whose content is r, as [Index] reads a
// file that the user has named: for files that are not in the file system of this
// machine. Format and compression are told by name, unless o has a Format. Of o,
// Format and Field matter. Parquet, which is not read in order, is held in memory.
//
// What visitor leaves of a document is skipped. A document may be empty; records
// without text are passed over.
func Read(ctx context.Context, r io.Reader, name string, o Options, visitor func(doc io.Reader) error) error {
	f := newFile(name, 0, o.Format)
	f.named = true
	null := func() {}
	visit := func(r record) error { return visitor(r.r) }
	field := cmp.Or(o.Field, defaultField)
	if f.form != Parquet {
		return f.inOrder(ctx, r, field, null, visit)
	}
	all, err := io.ReadAll(&named{contextReader{ctx, r}, name})
	if err != nil {
		return err
	}
	f.size = int64(len(all))
	return f.parquet(ctx, bytes.NewReader(all), field, null, visit)
}

// records reads the documents of a file one after another. What yield leaves
// of a record is skipped. null is called for records without text.
func (f file) records(ctx context.Context, field string, null func(), yield func(record) error) error {
	raw, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, errors.Unwrap(err))
	}
	defer raw.Close()
	if err := f.unchanged(raw); err != nil {
		return err
	}
	if f.form == Parquet {
		err = f.parquet(ctx, raw, field, null, yield)
	} else {
		err = f.inOrder(ctx, raw, field, null, yield)
	}
	// What is read of a file that changes may look like anything.
	if changed := f.unchanged(raw); changed != nil && ctx.Err() == nil {
		return changed
	}
	return err
}

// unchanged says whether the file is still as it was when it was found.
func (f file) unchanged(raw *os.File) error {
	if f.mtime.IsZero() {
		return nil
	}
	st, err := raw.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, errors.Unwrap(err))
	}
	if st.Size() != f.size || !st.ModTime().Equal(f.mtime) {
		return fmt.Errorf("%s: %w", f.name, ErrChanged)
	}
	return nil
}

// inOrder reads the documents of raw, which is a file that is not Parquet.
func (f file) inOrder(ctx context.Context, raw io.Reader, field string, null func(), yield func(record) error) error {
	c, err := f.unpack(raw)
	if err != nil {
		return err
	}
	defer c.Close()
	in, err := unmarked(bufio.NewReaderSize(contextReader{ctx, c}, 1<<16))
	if err != nil {
		return err
	}
	switch f.form {
	case JSONL:
		return readJSONL(in, f.name, field, null, yield)
	case FASTA:
		return readFASTA(in, f.name, yield)
	}
	head, err := in.Peek(8192)
	switch {
	case err != nil && err != io.EOF:
		return err
	case !f.named && isBinary(head):
		return errBinary
	case isTar(head):
		return fmt.Errorf("%s: a tar archive is not read: unpack it into a folder, and name that", f.name)
	}
	return yield(record{r: in})
}

// unmarked leaves out the mark of byte order that UTF-8 may begin with, and turns
// UTF-16, which does begin with it, into UTF-8.
func unmarked(in *bufio.Reader) (*bufio.Reader, error) {
	head, err := in.Peek(3)
	if err != nil && err != io.EOF {
		return nil, err
	}
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(head, []byte(mark)) {
			t := unicode.BOMOverride(encoding.Nop.NewDecoder())
			return bufio.NewReaderSize(transform.NewReader(in, t), 1<<16), nil
		}
	}
	return in, nil
}

// isBinary judges a file by its first 8 KB: text has no zero bytes. PDF is the
// one common format that may have none so early.
func isBinary(head []byte) bool {
	return bytes.IndexByte(head, 0) >= 0 || bytes.HasPrefix(head, []byte("%PDF-"))
}

// isTar knows an archive by the mark in its first header.
func isTar(head []byte) bool {
	return len(head) > 264 && string(head[257:262]) == "ustar" && (head[262] == 0 || head[264] == 0)
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// readJSONL reads one JSON object per line; field is a path of keys joined by
// dots. Blank lines are passed over. Text that is not Unicode, which JSON cannot
// hold, reads as U+FFFD.
func readJSONL(in *bufio.Reader, name, field string, null func(), yield func(record) error) error {
	for line := int64(1); ; line++ {
		text, err := readLine(in)
		if err != nil && err != io.EOF {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 {
			s, ok, ferr := fieldOf(trimmed, field)
			if ferr != nil {
				return fmt.Errorf("%s:%d: %w", name, line, ferr)
			}
			if !ok {
				null()
			} else if yerr := yield(record{line, strings.NewReader(s), !utf8.Valid(trimmed)}); yerr != nil {
				return yerr
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// readLine reads up to and including the next newline, at most maxLine bytes.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if line == nil && err == nil {
			return part, nil
		}
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, fmt.Errorf("the line is longer than %d MB (one JSON object per line is wanted)", maxLine>>20)
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

// fieldOf takes a string out of a JSON object; ok is false where it is null. A
// key that has dots in it goes before a path of keys.
func fieldOf(object []byte, field string) (s string, ok bool, err error) {
	rest, path := object, field
	for {
		outer := strings.TrimSuffix(field[:len(field)-len(path)], ".")
		var m map[string]json.RawMessage
		var mismatch *json.UnmarshalTypeError
		switch err := json.Unmarshal(rest, &m); {
		case err == nil && m != nil:
		case outer != "":
			return "", false, fmt.Errorf("field %q is not an object; choose another with --field", outer)
		case err == nil || errors.As(err, &mismatch):
			return "", false, errors.New("not a JSON object (one object per line is wanted)")
		default:
			return "", false, fmt.Errorf("invalid JSON: %w (one object per line is wanted)", err)
		}
		if value, there := m[path]; there {
			rest = value
			break
		}
		key, inner, dotted := strings.Cut(path, ".")
		value, there := m[key]
		if !there || !dotted {
			return "", false, fmt.Errorf("no field %q (fields: %s); choose one with --field", strings.TrimPrefix(outer+"."+key, "."), strings.Join(slices.Sorted(maps.Keys(m)), ", "))
		}
		rest, path = value, inner
	}
	if string(rest) == "null" {
		return "", false, nil
	}
	if err := json.Unmarshal(rest, &s); err != nil {
		return "", false, fmt.Errorf("field %q is not a string; choose another with --field", field)
	}
	return s, true, nil
}

// readFASTA yields the letters of every record, upper-cased and without line
// ends. '*' and '-' count as letters.
func readFASTA(in *bufio.Reader, name string, yield func(record) error) error {
	line := int64(1)
	// Blank lines may precede the first header.
	for {
		b, err := in.ReadByte()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if b == '>' {
			break
		}
		if b == '\n' {
			line++
		} else if b != '\r' && b != ' ' {
			return fmt.Errorf("%s:%d: a FASTA record starts with '>', not %q (choose another --format)", name, line, b)
		}
	}
	for n := int64(1); ; n++ {
		s := &sequence{in: in, name: name, line: line, header: true}
		if err := yield(record{number: n, r: s}); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, s); err != nil {
			return err
		}
		if !s.another {
			return nil
		}
		line = s.line
	}
}

// sequence reads the letters of one FASTA record, from its header line to the
// '>' of the next.
type sequence struct {
	in      *bufio.Reader
	name    string
	line    int64
	header  bool // inside the header line
	middle  bool // inside a line of letters
	done    bool
	another bool // a further record follows
}

func (s *sequence) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && !s.done {
		b, err := s.in.ReadByte()
		if err == io.EOF {
			s.done = true
			break
		}
		if err != nil {
			return n, err
		}
		switch {
		case b == '\n':
			s.line++
			s.header, s.middle = false, false
		case s.header || b == '\r' || b == ' ' || b == '\t':
		case b == '>' && !s.middle:
			s.done, s.another = true, true
		case b >= 'a' && b <= 'z':
			p[n], s.middle = b-'a'+'A', true
			n++
		case b >= 'A' && b <= 'Z' || b == '*' || b == '-':
			p[n], s.middle = b, true
			n++
		default:
			return n, fmt.Errorf("%s:%d: %q is not a letter of a sequence (is this FASTA? choose another --format)", s.name, s.line, b)
		}
	}
	if n == 0 && s.done {
		return 0, io.EOF
	}
	return n, nil
}
