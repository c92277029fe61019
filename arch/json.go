package arch

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of the JSON reader. Real configurations are a few kilobytes, nest
// less than ten deep and hold a few thousand values.
const (
	maxConfigBytes = 16 << 20
	maxDepth       = 100
	maxValues      = 500_000
)

// valueKind is the type of a JSON value.
type valueKind uint8

const (
	kindNull valueKind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

func (k valueKind) String() string {
	return [...]string{"null", "true or false", "a number", "a string", "a list", "an object"}[k]
}

// value is a parsed JSON value that remembers its line, for messages.
type value struct {
	kind  valueKind
	flag  bool           // kindBool
	text  string         // literal of a number, content of a string
	items []value        // elements of an array, values of an object
	names []string       // keys of an object, in order of the file
	index map[string]int // key → position in items
	line  int
	class bool // default of the configuration class: not in the file
}

// get returns the value of a key, nil when it is absent or null: Transformers
// treats the two alike.
func (v *value) get(key string) *value {
	if v == nil || v.kind != kindObject {
		return nil
	}
	i, ok := v.index[key]
	if !ok || v.items[i].kind == kindNull {
		return nil
	}
	return &v.items[i]
}

// parseJSON reads one JSON document, which may start with a byte order mark. It is stricter than encoding/json where a
// mistake would be silent (duplicate keys, invalid UTF-8) and laxer in one
// point: Python writes and reads the bare words Infinity, -Infinity and NaN,
// and published configurations contain them.
func parseJSON(data []byte) (*value, error) {
	if len(data) > maxConfigBytes {
		return nil, fmt.Errorf("larger than %d MiB: not a model configuration", maxConfigBytes>>20)
	}
	p := &jsonParser{data: bytes.TrimPrefix(data, []byte("\ufeff")), line: 1}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(p.data) {
		return nil, p.errorf("unexpected %s after the end of the document", p.found())
	}
	return &v, nil
}

type jsonParser struct {
	data   []byte
	pos    int
	line   int
	values int
}

// lineError is an error that knows its line in the configuration.
type lineError struct {
	line int
	msg  string
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.msg) }

func (p *jsonParser) errorf(format string, args ...any) error {
	return &lineError{p.line, fmt.Sprintf(format, args...)}
}

// found names what stands at the current position.
func (p *jsonParser) found() string {
	if p.pos >= len(p.data) {
		return "end of file"
	}
	r, _ := utf8.DecodeRune(p.data[p.pos:])
	return strconv.QuoteRune(r)
}

func (p *jsonParser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case '\n':
			p.line++
		case ' ', '\t', '\r':
		default:
			return
		}
		p.pos++
	}
}

func (p *jsonParser) word(w string) bool {
	if len(p.data)-p.pos >= len(w) && string(p.data[p.pos:p.pos+len(w)]) == w {
		p.pos += len(w)
		return true
	}
	return false
}

func (p *jsonParser) value(depth int) (value, error) {
	p.space()
	v := value{line: p.line}
	if depth > maxDepth {
		return v, p.errorf("nested more than %d deep: not a model configuration", maxDepth)
	}
	if p.values++; p.values > maxValues {
		return v, p.errorf("more than %d values: not a model configuration", maxValues)
	}
	if p.pos >= len(p.data) {
		return v, p.errorf("unexpected end of file")
	}
	var err error
	switch c := p.data[p.pos]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		v.kind = kindString
		v.text, err = p.string()
	case p.word("null"):
	case p.word("true"):
		v.kind, v.flag = kindBool, true
	case p.word("false"):
		v.kind = kindBool
	default:
		v.kind = kindNumber
		v.text, err = p.number()
	}
	return v, err
}

func (p *jsonParser) array(depth int) (value, error) {
	v := value{kind: kindArray, line: p.line}
	p.pos++
	if p.space(); p.pos < len(p.data) && p.data[p.pos] == ']' {
		p.pos++
		return v, nil
	}
	for {
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
		more, err := p.next(']')
		if err != nil || !more {
			return v, err
		}
	}
}

func (p *jsonParser) object(depth int) (value, error) {
	v := value{kind: kindObject, line: p.line, index: map[string]int{}}
	p.pos++
	if p.space(); p.pos < len(p.data) && p.data[p.pos] == '}' {
		p.pos++
		return v, nil
	}
	for {
		p.space()
		if p.pos >= len(p.data) || p.data[p.pos] != '"' {
			return v, p.errorf("found %s where a key in quotes belongs", p.found())
		}
		name, err := p.string()
		if err != nil {
			return v, err
		}
		if at, twice := v.index[name]; twice {
			return v, p.errorf("key %q occurs twice (first on line %d): which one holds is undefined", name, v.items[at].line)
		}
		p.space()
		if p.pos >= len(p.data) || p.data[p.pos] != ':' {
			return v, p.errorf("found %s where ':' belongs after key %q", p.found(), name)
		}
		p.pos++
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.index[name] = len(v.items)
		v.items = append(v.items, item)
		v.names = append(v.names, name)
		more, err := p.next('}')
		if err != nil || !more {
			return v, err
		}
	}
}

// next consumes a comma (true) or the closing bracket (false).
func (p *jsonParser) next(closing byte) (bool, error) {
	p.space()
	switch {
	case p.pos < len(p.data) && p.data[p.pos] == ',':
		p.pos++
		return true, nil
	case p.pos < len(p.data) && p.data[p.pos] == closing:
		p.pos++
		return false, nil
	}
	return false, p.errorf("found %s where ',' or '%c' belongs", p.found(), closing)
}

// number checks the JSON grammar and returns the literal.
func (p *jsonParser) number() (string, error) {
	start := p.pos
	for _, w := range []string{"Infinity", "-Infinity", "NaN"} {
		if p.word(w) {
			return w, nil
		}
	}
	digits := func() int {
		n := p.pos
		for p.pos < len(p.data) && p.data[p.pos] >= '0' && p.data[p.pos] <= '9' {
			p.pos++
		}
		return p.pos - n
	}
	bad := func() (string, error) {
		p.pos = start
		return "", p.errorf("found %s where a value belongs", p.found())
	}
	p.word("-")
	leading := p.pos
	n := digits()
	if n == 0 || (n > 1 && p.data[leading] == '0') {
		return bad()
	}
	if p.word(".") && digits() == 0 {
		return bad()
	}
	if p.word("e") || p.word("E") {
		if !p.word("+") {
			p.word("-")
		}
		if digits() == 0 {
			return bad()
		}
	}
	return string(p.data[start:p.pos]), nil
}

// string reads a quoted string and undoes its escapes.
func (p *jsonParser) string() (string, error) {
	p.pos++
	var out []byte
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		switch {
		case c == '"':
			p.pos++
			if !utf8.Valid(out) {
				return "", p.errorf("a string is not valid UTF-8")
			}
			return string(out), nil
		case c < ' ':
			return "", p.errorf("a string contains a raw control character or is not closed")
		case c != '\\':
			out = append(out, c)
			p.pos++
		default:
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		}
	}
	return "", p.errorf("a string is not closed")
}

func (p *jsonParser) escape() (rune, error) {
	if p.pos+1 >= len(p.data) {
		return 0, p.errorf("a string is not closed")
	}
	c := p.data[p.pos+1]
	p.pos += 2
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		r, err := p.hex()
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if !p.word(`\u`) {
			return utf8.RuneError, nil
		}
		low, err := p.hex()
		return utf16.DecodeRune(r, low), err
	}
	return 0, p.errorf(`unknown escape \%c in a string`, c)
}

func (p *jsonParser) hex() (rune, error) {
	if p.pos+4 > len(p.data) {
		return 0, p.errorf("a string is not closed")
	}
	x, err := strconv.ParseUint(string(p.data[p.pos:p.pos+4]), 16, 32)
	if err != nil {
		return 0, p.errorf(`\u wants four hexadecimal digits`)
	}
	p.pos += 4
	return rune(x), nil
}
