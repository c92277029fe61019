package source

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// json reads objects that stand one after another, on a line each or not, or in an
// array; of an array, strings are documents too. A notebook is one document, the
// sources of its cells. A single object without the field, found in a folder, is text
// (a source tree has many).
func (r *reader) json(in Input, ending string, br *bufio.Reader) error {
	values := &values{in: br, name: in.Name, max: r.o.MaxRecord, line: 1}
	var lone []byte // the first object, if it lacks the field
	var names []string
	lacking := 0
	for count := 1; ; count++ {
		raw, line, err := values.next()
		switch {
		case err == io.EOF:
			return r.jsonEnd(in, ending, lone, names, lacking)
		case err == errLong:
			return r.limited(in, line)
		case err != nil:
			return err
		}
		f, err := extract(raw, r.o.Field)
		if err != nil {
			return atLine(in.Name, line, "%w", err)
		}
		lone = nil
		switch {
		case f.notebook:
			r.kind = kindNotebook
			fallthrough
		case f.found:
			if f.replaced {
				r.report.Note(noteReplaced, in.Name)
			}
			if err := r.yieldText(line, f.text); err != nil {
				return err
			}
		case f.null:
			r.report.Pass(passNull, in.Name, 1)
		case f.names != nil:
			if lacking++; lacking == 1 {
				names = f.names
			}
			if count == 1 && !values.array {
				lone = bytes.Clone(raw)
			}
		default:
			r.report.Pass(passNotText, in.Name, 1)
		}
	}
}

// jsonEnd settles what becomes of objects without the field.
func (r *reader) jsonEnd(in Input, ending string, lone []byte, names []string, lacking int) error {
	switch {
	case lone != nil && in.Found && extension(ending) != ".jsonl" && extension(ending) != ".ndjson":
		r.kind = kindText
		return r.yield(0, bytes.NewReader(lone))
	case lacking > 0 && r.number == 0:
		err := r.lacking(in, "field", names)
		if refusal, ok := errors.AsType[*Refusal](err); ok && lone != nil {
			refusal.Cure = "--format text measures the object as it stands"
		}
		return err
	case lacking > 0:
		r.report.Pass(passNoField, in.Name, lacking)
	}
	return nil
}

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
}

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
		case b != ' ' && b != '\t' && b != '\r' && b != 0x1e: // 0x1e: a JSON text sequence [RFC 7464]
			return b, nil
		}
	}
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
	v.buf = v.buf[:0]
	var s scan
	for {
		if _, err := v.in.Peek(1); err == io.EOF && s.bare && s.depth == 0 {
			return v.buf, nil
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
		if int64(len(v.buf)) > v.max {
			return nil, errLong
		}
		if done {
			return v.buf, nil
		}
	}
}

// scan finds how many bytes of a chunk belong to the value, and whether it ends there.
func (v *values) scan(s *scan, chunk []byte) (n int, done bool, err error) {
	for ; n < len(chunk); n++ {
		b := chunk[n]
		if s.inString {
			switch {
			case s.escaped:
				s.escaped = false
			case b == '\\':
				s.escaped = true
			case b == '"':
				if s.inString = false; s.depth == 0 {
					return n + 1, true, nil
				}
			case b == '\n':
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

// extracted is what a JSON value holds in its field.
type extracted struct {
	text     string
	found    bool // there is text
	null     bool // the field is there and holds nothing
	notebook bool // the text is that of the cells
	replaced bool // half of a surrogate pair was replaced
	names    []string
}

// extract takes the text out of a value: an object's field, or the value itself if it
// is a string. names is set where an object lacks the field.
func extract(raw []byte, field string) (extracted, error) {
	value, names, err := resolve(raw, field)
	if err != nil {
		raw = withoutNaN(raw)
		if value, names, err = resolve(raw, field); err != nil {
			return extracted{}, err
		}
	}
	if value == nil {
		if cells := notebook(raw); cells != nil {
			return extracted{text: *cells, notebook: true}, nil
		}
		return extracted{names: names}, nil
	}
	if string(value) == "null" {
		return extracted{null: true}, nil
	}
	var text string
	switch value[0] {
	case '"':
		if err := json.Unmarshal(value, &text); err != nil {
			return extracted{}, fmt.Errorf("invalid JSON: %w", err)
		}
	case '[':
		var pieces []string
		if json.Unmarshal(value, &pieces) != nil || len(pieces) == 0 {
			return extracted{}, nil
		}
		text = strings.Join(pieces, "\n")
	default:
		return extracted{}, nil
	}
	replaced := strings.Contains(text, "\ufffd") && !bytes.Contains(value, []byte("\ufffd")) && !bytes.Contains(bytes.ToLower(value), []byte(`\ufffd`))
	return extracted{text: text, found: true, replaced: replaced}, nil
}

// resolve finds the value of a field; a key that has dots in it goes before a path of
// keys. Where the path leads through an array, the values of its elements make an
// array. nil: an object has no such field, and these are its own.
func resolve(raw []byte, path string) (value []byte, names []string, err error) {
	switch raw[0] {
	case '{':
		var m map[string]json.RawMessage
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil, nil, fmt.Errorf("invalid JSON: %w", err)
		}
		if value, there := m[path]; there {
			return value, nil, nil
		}
		key, inner, dotted := strings.Cut(path, ".")
		if value, there := m[key]; there && dotted {
			value, deeper, err := resolveInside(value, inner)
			for i := range deeper {
				deeper[i] = key + "." + deeper[i]
			}
			return value, deeper, err
		}
		names = slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
		slices.Sort(names)
		return nil, names, nil
	case '[':
		if err := json.Unmarshal(raw, new([]json.RawMessage)); err != nil {
			return nil, nil, fmt.Errorf("invalid JSON: %w", err)
		}
	case '"':
	default:
		if !json.Valid(raw) {
			return nil, nil, fmt.Errorf("not JSON: %.40q", raw)
		}
	}
	return raw, nil, nil
}

// resolveInside resolves the rest of a path in a value that is not at the top.
func resolveInside(raw []byte, path string) (value []byte, names []string, err error) {
	switch raw[0] {
	case '{':
		return resolve(raw, path)
	case '[':
		var elements []json.RawMessage
		if err := json.Unmarshal(raw, &elements); err != nil {
			return nil, nil, fmt.Errorf("invalid JSON: %w", err)
		}
		list := []byte("[")
		for _, e := range elements {
			value, missing, err := resolveInside(e, path)
			if err != nil {
				return nil, nil, err
			}
			if names == nil {
				names = missing
			}
			if value == nil || value[0] != '"' {
				continue
			}
			if len(list) > 1 {
				list = append(list, ',')
			}
			list = append(list, value...)
		}
		if len(list) == 1 {
			return nil, append(names, []string{}...), nil
		}
		return append(list, ']'), nil, nil
	}
	return []byte("null"), nil, nil
}

// notebook joins the sources of the cells of a Jupyter notebook; nil: it is none.
func notebook(raw []byte) *string {
	type cell struct {
		Source json.RawMessage `json:"source"`
		Input  json.RawMessage `json:"input"` // of code, before version 4
	}
	var n struct {
		Format *int    `json:"nbformat"`
		Cells  *[]cell `json:"cells"`
		Sheets []struct {
			Cells []cell `json:"cells"`
		} `json:"worksheets"` // before version 4
	}
	if !bytes.Contains(raw, []byte(`"nbformat"`)) || json.Unmarshal(raw, &n) != nil || n.Format == nil || n.Cells == nil && n.Sheets == nil {
		return nil
	}
	var all []cell
	if n.Cells != nil {
		all = *n.Cells
	}
	for _, s := range n.Sheets {
		all = append(all, s.Cells...)
	}
	var cells []string
	for _, c := range all {
		if c.Source == nil {
			c.Source = c.Input
		}
		var lines []string
		var source string
		if json.Unmarshal(c.Source, &lines) == nil {
			source = strings.Join(lines, "")
		} else if json.Unmarshal(c.Source, &source) != nil {
			continue
		}
		if source != "" {
			cells = append(cells, source)
		}
	}
	text := strings.Join(cells, "\n\n")
	return &text
}

// withoutNaN makes null of the numbers that Python writes and JSON does not know: NaN,
// Infinity and -Infinity, where they stand outside of strings.
func withoutNaN(raw []byte) []byte {
	var out []byte
	inString := false
	for i := 0; i < len(raw); {
		switch b := raw[i]; {
		case inString && b == '\\' && i+1 < len(raw):
			out = append(out, b, raw[i+1])
			i += 2
			continue
		case b == '"':
			inString = !inString
		case !inString && (b == 'N' || b == 'I' || b == '-'):
			word := ""
			for _, w := range []string{"NaN", "Infinity", "-Infinity"} {
				if bytes.HasPrefix(raw[i:], []byte(w)) {
					word = w
				}
			}
			if word != "" {
				out = append(out, "null"...)
				i += len(word)
				continue
			}
		}
		out = append(out, raw[i])
		i++
	}
	return out
}
