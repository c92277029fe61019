package source

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// json reads objects one after another or in an array, with or without newlines between
// them; in an array, strings are documents too. A notebook is one document, the sources
// of its cells. A single object without the field, found in a folder, is text, since
// source trees have many, unless JSON is asked for.
func (r *reader) json(in Input, ending string, br *bufio.Reader) error {
	values := &values{in: br, name: in.Name, max: r.o.MaxRecord, line: 1}
	var lone []byte    // the first object, if it lacks the field
	var names []string // of its fields
	var list string    // of them that holds objects
	lacking := 0
	for count := 1; ; count++ {
		raw, line, err := values.next()
		switch {
		case err == io.EOF:
			return r.jsonEnd(in, ending, lone, names, list, lacking)
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
		case f.lacks != nil:
			if lacking++; lacking == 1 {
				if names, list, err = fieldNames(f.lacks); err != nil {
					return atLine(in.Name, line, "%w", err)
				}
			}
			if count == 1 && !values.array {
				lone = bytes.Clone(raw)
			}
		default:
			r.report.Pass(passNotText, in.Name, 1)
		}
	}
}

// jsonEnd decides what to do about objects without the field.
func (r *reader) jsonEnd(in Input, ending string, lone []byte, names []string, list string, lacking int) error {
	lines := extension(ending) == ".jsonl" || extension(ending) == ".ndjson"
	switch {
	case lone != nil && in.Found && r.o.Format == Auto && !lines:
		r.kind = kindText
		return r.yield(0, bytes.NewReader(lone))
	case lacking > 0 && r.number == 0:
		err := r.lacking(in, "field", names)
		if refusal, ok := errors.AsType[*Refusal](err); ok && lone != nil {
			refusal.Cure = "--format text measures the object itself"
			if list != "" && !lines {
				refusal.Cure = fmt.Sprintf("jq -c '.%s[]' FILE | l2m … - reads the elements of %q as records; ", list, list) + refusal.Cure
			}
		}
		return err
	case lacking > 0:
		r.report.Pass(passNoField, in.Name, lacking)
	}
	return nil
}

// extracted is the field of a JSON value.
type extracted struct {
	text     []byte // valid until the value is overwritten
	found    bool   // there is text
	null     bool   // the field exists but is empty
	notebook bool   // the text is from a notebook's cells
	replaced bool   // half of a surrogate pair was replaced
	lacks    []byte // an object without the field
}

// extract returns the text of a value: an object's field, or the value itself if it is
// a string.
func extract(raw []byte, field string) (extracted, error) {
	value, err := resolve(raw, field)
	if err != nil {
		raw = withoutNaN(raw)
		if value, err = resolve(raw, field); err != nil {
			return extracted{}, err
		}
	}
	if value == nil {
		if cells := notebook(raw); cells != nil {
			return extracted{text: []byte(*cells), notebook: true}, nil
		}
		return extracted{lacks: raw}, nil
	}
	switch value[0] {
	case 'n':
		return extracted{null: true}, nil
	case '"':
		text, replaced := unquote(value)
		return extracted{text: text, found: true, replaced: replaced}, nil
	case '[':
		return joined(value)
	case '{': // which a longer path leads into
		return extracted{lacks: raw}, nil
	}
	return extracted{}, nil
}

// unquote is the text of a valid JSON string; replaced says that an unpaired surrogate
// became U+FFFD.
func unquote(value []byte) (text []byte, replaced bool) {
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], false
	}
	text, _ = jsontext.AppendUnquote(make([]byte, 0, len(value)), value)
	has := func(in []byte, s string) bool { return bytes.Contains(in, []byte(s)) }
	return text, has(text, "\ufffd") && !has(value, "\ufffd") && !has(bytes.ToLower(value), `\ufffd`)
}

// joined joins the strings in an array with newlines. Arrays of other things are not
// text.
func joined(array []byte) (extracted, error) {
	out := extracted{found: true}
	n, other := 0, false
	err := elements(array, func(value []byte) error {
		if n++; n > 1 {
			out.text = append(out.text, '\n')
		}
		switch value[0] {
		case '"':
			text, replaced := unquote(value)
			out.text, out.replaced = append(out.text, text...), out.replaced || replaced
		case 'n':
		default:
			other = true
		}
		return nil
	})
	if err != nil || n == 0 || other {
		return extracted{}, err
	}
	return out, nil
}

// lenient accepts what Python writes; the last of several members of one name counts.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// tokens reads the parts of a JSON value in place.
type tokens struct {
	raw []byte
	d   *jsontext.Decoder
}

func tokensOf(raw []byte) tokens {
	return tokens{raw, jsontext.NewDecoder(bytes.NewBuffer(raw), lenient...)}
}

// value reads the next value verbatim; nil at the end of the object or array.
func (t tokens) value() ([]byte, error) {
	if k := t.d.PeekKind(); k == '}' || k == ']' {
		_, err := t.d.ReadToken()
		return nil, invalid(err)
	}
	v, err := t.d.ReadValue()
	end := int(t.d.InputOffset())
	return t.raw[end-len(v) : end], invalid(err)
}

// open reads the opening bracket of an object or array.
func (t tokens) open() error {
	_, err := t.d.ReadToken()
	return invalid(err)
}

func invalid(err error) error {
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		err = syntax.Err
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("invalid JSON: %w", err)
}

// members visits the members of an object in order.
func members(object []byte, visit func(name, value []byte)) error {
	t := tokensOf(object)
	if err := t.open(); err != nil {
		return err
	}
	for {
		name, err := t.value()
		if name == nil || err != nil {
			return err
		}
		value, err := t.value()
		if err != nil {
			return err
		}
		name, _ = unquote(name)
		visit(name, value)
	}
}

// elements visits the elements of an array in order.
func elements(array []byte, visit func(value []byte) error) error {
	t := tokensOf(array)
	if err := t.open(); err != nil {
		return err
	}
	for {
		value, err := t.value()
		if value == nil || err != nil {
			return err
		}
		if err := visit(value); err != nil {
			return err
		}
	}
}

// resolve finds the value of a field; nil if an object has no such field. A key with
// dots in it takes precedence over a path of keys. If the path leads through an array,
// the values of its elements form an array.
func resolve(raw []byte, path string) ([]byte, error) {
	switch raw[0] {
	case '{':
		return resolveObject(raw, path)
	case '[', '"':
		_, err := tokensOf(raw).value()
		return raw, err
	}
	if !jsontext.Value(raw).IsValid(lenient...) {
		return nil, fmt.Errorf("not JSON: %.40q", raw)
	}
	return raw, nil
}

func resolveObject(raw []byte, path string) ([]byte, error) {
	key, inner, dotted := strings.Cut(path, ".")
	var whole, outer []byte
	err := members(raw, func(name, value []byte) {
		switch string(name) {
		case path:
			whole = value
		case key:
			outer = value
		}
	})
	if err != nil || whole != nil || !dotted || outer == nil {
		return whole, err
	}
	return resolveInside(outer, inner)
}

// resolveInside resolves the rest of a path in a nested value.
func resolveInside(raw []byte, path string) ([]byte, error) {
	switch raw[0] {
	case '{':
		return resolveObject(raw, path)
	case '[':
		list := []byte("[")
		err := elements(raw, func(e []byte) error {
			value, err := resolveInside(e, path)
			if err != nil || value == nil || value[0] != '"' {
				return err
			}
			if len(list) > 1 {
				list = append(list, ',')
			}
			list = append(list, value...)
			return nil
		})
		if err != nil || len(list) == 1 {
			return nil, err
		}
		return append(list, ']'), nil
	}
	return []byte("null"), nil
}

// fieldNames are the paths to the fields of an object, sorted; list is the first of them
// that holds a list of objects. What is nested deeper than three levels, or in other
// elements of a list than the first, is left out.
func fieldNames(object []byte) (names []string, list string, err error) {
	var add func(prefix string, object []byte, depth int) error
	add = func(prefix string, object []byte, depth int) error {
		var inner error
		err := members(object, func(name, value []byte) {
			path, before, isList := prefix+string(name), len(names), value[0] == '['
			if isList {
				value = firstElement(value)
			}
			if value[0] == '{' {
				if isList && depth == 1 && list == "" && isWord(path) {
					list = path
				}
				if depth < 3 && inner == nil {
					inner = add(path+".", value, depth+1)
				}
			}
			if len(names) == before {
				names = append(names, path)
			}
		})
		if err == nil {
			err = inner
		}
		return err
	}
	err = add("", object, 1)
	slices.Sort(names)
	return slices.Compact(names), list, err
}

// firstElement of an array; null if there is none.
func firstElement(array []byte) []byte {
	first := []byte("null")
	elements(array, func(value []byte) error {
		first = value
		return io.EOF
	})
	return first
}

// isWord reports whether a name can stand in a path of jq without quotes.
func isWord(name string) bool {
	return name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == "" && name[0] > '9'
}

// notebook joins the sources of the cells of a Jupyter notebook; nil if raw is not one.
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

// withoutNaN replaces NaN, Infinity and -Infinity, which Python writes but JSON does
// not allow, by null outside of strings.
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
