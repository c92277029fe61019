package source

import (
	"bufio"
	"bytes"
	"io"
	"slices"
)

// rows reads the rows of a text table [RFC 4180]. Unlike encoding/csv it accepts rows
// that end with CR, keeps a quote inside an unquoted field, as Python does, and limits
// the length of a row.
type rows struct {
	in      *bufio.Reader
	comma   byte
	literal bool  // quotes have no special meaning
	padded  bool  // a blank follows every comma
	max     int64 // longest row in bytes
	line    int64 // current line, from 1
	quotes  bool  // a field was quoted

	row  int64 // line of the last row
	text []byte
	ends []int // of the fields in text
}

// What is wrong with a row.
type rowError string

func (e rowError) Error() string { return string(e) }

// next reads a row that is not empty; io.EOF if there is none.
func (t *rows) next() error {
	t.text, t.ends, t.row = t.text[:0], t.ends[:0], t.line
	begun, quoted, closed := false, false, false // of the field: it has a quote or more, is inside quotes, is after them
	for {
		b, err := t.in.ReadByte()
		switch {
		case err == io.EOF && quoted:
			return rowError("the file ends inside a quoted field")
		case err == io.EOF && !begun && len(t.ends) == 0:
			return io.EOF
		case err == io.EOF:
			t.ends = append(t.ends, len(t.text))
			return nil
		case err != nil:
			return err
		case int64(len(t.text)) > t.max:
			return errLong
		}
		end := b == '\n' || b == '\r'
		if end {
			t.endOfLine(b, quoted)
		}
		switch {
		case quoted && b == '"':
			quoted, closed = false, true
		case quoted:
			t.text = append(t.text, b)
		case end && !begun && len(t.ends) == 0:
			t.row = t.line
		case end:
			t.ends = append(t.ends, len(t.text))
			return nil
		case b == t.comma:
			t.ends = append(t.ends, len(t.text))
			begun, closed = false, false
		case closed && b == '"': // written twice
			t.text = append(t.text, b)
			quoted, closed = true, false
		case closed && b != ' ':
			return rowError("something follows a quoted field (a quote inside a field is written twice)")
		case closed:
		case b == ' ' && !begun && t.padded:
		case b == '"' && !begun && !t.literal:
			begun, quoted, t.quotes = true, true, true
		default:
			begun = true
			t.text = append(t.text, b)
		}
	}
}

// endOfLine counts lines; CRLF counts once.
func (t *rows) endOfLine(b byte, quoted bool) {
	next, _ := t.in.Peek(1)
	if b == '\r' && len(next) > 0 && next[0] == '\n' {
		if quoted {
			return // the LF counts
		}
		t.in.ReadByte()
	}
	t.line++
}

func (t *rows) fields() int { return len(t.ends) }

// field is valid until the next row is read.
func (t *rows) field(i int) []byte {
	from := 0
	if i > 0 {
		from = t.ends[i-1]
	}
	return t.text[from:t.ends[i]]
}

func (t *rows) blank(i int) bool { return len(bytes.TrimSpace(t.field(i))) == 0 }

// isQuoted reports, from its beginning, whether a table with tabs or bars quotes fields: some
// are quoted, and all rows have the same number of fields if quotes are interpreted.
func isQuoted(head []byte, comma byte) bool {
	t := rows{in: bufio.NewReader(bytes.NewReader(head)), comma: comma, max: headSize, line: 1}
	var lengths []int
	err := t.next()
	for ; err == nil; err = t.next() {
		lengths = append(lengths, t.fields())
	}
	switch cut := len(head) == headSize; {
	case err != io.EOF && !cut:
		return false
	case err == io.EOF && cut && len(lengths) > 1:
		lengths = lengths[:len(lengths)-1]
	}
	return t.quotes && len(lengths) > 1 && len(slices.Compact(lengths)) == 1
}
