// Package jsonfile reads small JSON files that people write, and says what is wrong with
// them in their own words: lines and keys of the file.
package jsonfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Decode reads the one JSON value of a file of at most limit bytes. Keys that into lacks
// and further values are errors, as explained by Explain.
func Decode(r io.Reader, limit int64, into any) error {
	doc, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return err
	}
	if int64(len(doc)) > limit {
		return fmt.Errorf("the file has more than %d bytes", limit)
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return Explain(doc, err)
	}
	end := d.InputOffset()
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		rest := bytes.TrimLeft(doc[end:], " \t\r\n")
		return at(doc, len(doc)-len(rest), errors.New("more than one object"))
	}
	return nil
}

// ErrTruncated is in the chain of an error that Explain returns for a document that ends
// too early.
var ErrTruncated = errors.New("the file is truncated")

// Explain turns an error of package json about a document into one that names the key, in
// an Error that names the line.
func Explain(doc []byte, err error) error {
	if len(bytes.TrimSpace(doc)) == 0 {
		return errors.New("the file is empty")
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && int(syntax.Offset) >= len(doc) && strings.Contains(syntax.Error(), "unexpected end"):
		return at(doc, len(doc), ErrTruncated)
	case syntax != nil:
		end := min(int(syntax.Offset), len(doc))
		for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
			if from := max(0, end-len(word)-1); bytes.Contains(doc[from:min(len(doc), end+len(word))], []byte(word)) {
				return at(doc, end, fmt.Errorf("%s is not a number in JSON", word))
			}
		}
		return at(doc, end, err)
	case errors.As(err, &kind):
		what := "the file"
		if kind.Field != "" {
			what = fmt.Sprintf("%q", kind.Field)
		}
		return at(doc, int(kind.Offset), fmt.Errorf("%s is %s; want %s", what, value(kind.Value), wanted(kind.Type)))
	}
	if quoted, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		return at(doc, max(0, bytes.Index(doc, []byte(quoted))), fmt.Errorf("unknown key %s", quoted))
	}
	return err
}

// Error is what is wrong on a line of a file.
type Error struct {
	Line int // from 1
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// WithoutLine is what an error says apart from the line, for a file that nobody wrote.
func WithoutLine(err error) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

func at(doc []byte, offset int, err error) error {
	return &Error{1 + bytes.Count(doc[:min(offset, len(doc))], []byte("\n")), err}
}

// value describes what json.UnmarshalTypeError found.
func value(found string) string {
	if number, ok := strings.CutPrefix(found, "number "); ok {
		return number
	}
	switch found {
	case "string":
		return "text"
	case "bool":
		return "true or false"
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "number":
		return "a number"
	}
	return found
}

// wanted describes a type of Go as a value of JSON.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number of 0 or more"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Slice, reflect.Array:
		return "a list"
	}
	return "an object"
}
