package source

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
)

// errLong is the error of a record that is longer than the bound.
var errLong = errors.New("too long")

// values splits a file into the values that stand one after another in it, or in the
// arrays that do.
type values struct {
	in    *bufio.Reader
	name  string
	max   int64
	line  int64 // at which the reader stands, from 1
	array bool  // inside an array
	comma bool  // wanted before the next value of the array
	buf   []byte
	full  [][]byte // the beginning of a long value, in pieces
}

// piece is how much of a long value is kept together, in bytes: a slice that grew to hold
// all of it would take several times as much.
const piece = 4 << 20

// next returns the next value, which is valid until the call after, and its line.
func (v *values) next() ([]byte, int64, error) {
	for {
		b, err := v.blank()
		if err == io.EOF && v.array {
			return nil, 0, &ReadError{v.name, "the file ends inside a JSON array (copy or download it again)", io.ErrUnexpectedEOF}
		}
		if err != nil {
			return nil, 0, err
		}
		switch {
		case b == '[' && !v.array:
			v.array, v.comma = true, false
		case b == ']' && v.array:
			v.array = false
		case b == ',' && v.array && v.comma:
			v.comma = false
		case v.array && v.comma:
			return nil, 0, atLine(v.name, v.line, "invalid JSON: %q where a comma was expected", b)
		default:
			line := v.line
			if err := v.in.UnreadByte(); err != nil {
				return nil, 0, err
			}
			v.comma = v.array
			raw, err := v.value(line)
			return raw, line, err
		}
	}
}

// blank passes over white space.
func (v *values) blank() (byte, error) {
	for {
		b, err := v.in.ReadByte()
		switch {
		case err != nil:
			return 0, err
		case b == '\n':
			v.line++
		case b == 0xef && v.mark():
		case b != ' ' && b != '\t' && b != '\r' && b != 0x1e: // 0x1e: a JSON text sequence [RFC 7464]
			return b, nil
		}
	}
}

// mark passes over the rest of a byte order mark, which a file that others were joined
// to has in the middle.
func (v *values) mark() bool {
	rest, _ := v.in.Peek(2)
	if string(rest) != "\xbb\xbf" {
		return false
	}
	v.in.Discard(2)
	return true
}

// What bytes mean to the end of a value.
const (
	opens = 1 + iota
	closes
	quote
	newline
	ends // a bare word
)

var meaning = [256]uint8{'{': opens, '[': opens, '}': closes, ']': closes, '"': quote, '\n': newline, ' ': ends, '\t': ends, '\r': ends, ',': ends}

// scan is where in a value the reader stands.
type scan struct {
	depth             int
	inString, escaped bool
	bare              bool // a word without quotes has begun
}

// value reads one value, of which it checks no more than where it ends.
func (v *values) value(line int64) ([]byte, error) {
	v.buf, v.full = v.buf[:0], nil
	var s scan
	for {
		if _, err := v.in.Peek(1); err == io.EOF && s.bare && s.depth == 0 {
			return v.whole(), nil
		} else if err == io.EOF {
			return nil, atLine(v.name, line, "the file ends inside this JSON value (copy or download it again)")
		} else if err != nil {
			return nil, err
		}
		chunk, _ := v.in.Peek(v.in.Buffered())
		n, done, err := v.scan(&s, chunk)
		if err != nil {
			return nil, err
		}
		v.buf = append(v.buf, chunk[:n]...)
		if done && len(v.buf) == 0 { // a lone bracket
			return nil, atLine(v.name, line, "invalid JSON: %q where a value was expected", chunk[n])
		}
		if _, err := v.in.Discard(n); err != nil {
			return nil, err
		}
		if int64(len(v.full))*piece+int64(len(v.buf)) > v.max {
			v.buf, v.full = nil, nil
			return nil, errLong
		}
		if done {
			return v.whole(), nil
		}
		if len(v.buf) >= piece {
			v.full = append(v.full, v.buf[:piece:piece])
			v.buf = append(make([]byte, 0, piece+headSize), v.buf[piece:]...)
		}
	}
}

// whole joins the pieces of a value.
func (v *values) whole() []byte {
	if v.full != nil {
		v.buf, v.full = slices.Concat(append(v.full, v.buf)...), nil
	}
	return v.buf
}

// marks finds the bytes that mean something inside a string, many bytes at a time. Every
// byte of a chunk is looked at once for each of them.
type marks struct {
	chunk          []byte
	quote          int // the next one; behind the chunk if there is none
	slash, newline int // the next ones before it; at it if there are none
}

// next is where the next mark stands, from n on.
func (m *marks) next(n int) int {
	if m.quote < n {
		m.quote = m.find('"', n, len(m.chunk))
		m.newline = m.find('\n', n, m.quote)
	}
	if m.slash < n {
		m.slash = m.find('\\', n, m.quote)
	}
	return min(m.slash, m.newline, m.quote)
}

func (m *marks) find(b byte, from, to int) int {
	if k := bytes.IndexByte(m.chunk[from:to], b); k >= 0 {
		return from + k
	}
	return to
}

// scan finds how many bytes of a chunk belong to the value, and whether it ends there.
func (v *values) scan(s *scan, chunk []byte) (n int, done bool, err error) {
	m := marks{chunk: chunk, quote: -1, slash: -1}
	for ; n < len(chunk); n++ {
		b := chunk[n]
		switch {
		case s.escaped:
			s.escaped = false
			continue
		case s.inString:
			if n = m.next(n); n == len(chunk) {
				return n, false, nil
			}
			switch b = chunk[n]; b {
			case '\\':
				s.escaped = true
			case '"':
				if s.inString = false; s.depth == 0 {
					return n + 1, true, nil
				}
			case '\n':
				return 0, false, atLine(v.name, v.line, "invalid JSON: the line ends inside a string")
			}
			continue
		}
		switch meaning[b] {
		case opens:
			s.depth++
		case closes:
			if s.depth--; s.depth == 0 {
				return n + 1, true, nil
			}
			if s.depth < 0 { // behind a bare word
				return n, true, nil
			}
		case quote:
			s.inString = true
		case newline, ends:
			if s.depth == 0 {
				return n, true, nil
			}
			if b == '\n' {
				v.line++
			}
		default:
			s.bare = s.bare || s.depth == 0
		}
	}
	return n, false, nil
}
