package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// maxDocument bounds what ReadDocument reads, in bytes.
const maxDocument = 256 << 20

// WriteResult writes the document of a run: JSON of schema Schema, indented,
// the same bytes for the same result. It fails, naming the field, when a number
// is not finite or the result contradicts itself (see Validate). An empty
// r.Schema is written as Schema.
func WriteResult(w io.Writer, r *Result) error {
	doc, err := encodeResult(r)
	if err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	_, err = w.Write(doc)
	return err
}

func encodeResult(r *Result) ([]byte, error) {
	if r == nil {
		return nil, errors.New("there is no result")
	}
	copied := *r
	if copied.Schema == "" {
		copied.Schema = Schema
	}
	if err := copied.Validate(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(&copied); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// ReadResult reads a document that WriteResult wrote and validates it.
// Unknown fields of the same schema are ignored, so that older versions read
// what newer ones add.
func ReadResult(rd io.Reader) (*Result, error) {
	var r Result
	err := ReadDocument(rd, Schema, &r)
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	return &r, nil
}

// ReadDocument reads a JSON document of at most 256 MiB whose field "schema" must
// be the given one. Unknown fields are ignored.
func ReadDocument(rd io.Reader, schema string, into any) error {
	kind, _, _ := strings.Cut(schema, "/")
	doc, err := io.ReadAll(io.LimitReader(rd, maxDocument+1))
	if err != nil {
		return err
	}
	if len(doc) > maxDocument {
		return fmt.Errorf("more than %s: not a document of %s", size(maxDocument), kind)
	}
	var head struct {
		Schema *string `json:"schema"`
	}
	if err := json.Unmarshal(doc, &head); err != nil {
		return explainJSON(doc, err)
	}
	switch {
	case head.Schema == nil:
		return fmt.Errorf(`no field "schema": not a document of %s`, kind)
	case *head.Schema != schema:
		return fmt.Errorf("schema %q, this version of l2m reads %q (make the run again with this version, or read it with the version that wrote it)", *head.Schema, schema)
	}
	if err := json.Unmarshal(doc, into); err != nil {
		return explainJSON(doc, err)
	}
	return nil
}

// explainJSON says where and why a document is not JSON.
func explainJSON(doc []byte, err error) error {
	if len(bytes.TrimSpace(doc)) == 0 {
		return errors.New("the file is empty")
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at := min(int(syntax.Offset), len(doc))
		line := 1 + bytes.Count(doc[:at], []byte("\n"))
		for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
			if from := max(0, at-len(word)-1); bytes.Contains(doc[from:min(len(doc), at+len(word))], []byte(word)) {
				return fmt.Errorf("line %d: %s is not a number in JSON: l2m never writes it, the file was made or changed by something else", line, word)
			}
		}
		if at >= len(doc) {
			return fmt.Errorf("line %d: the document ends too early: the file is truncated (run the command again to write it whole)", line)
		}
		return fmt.Errorf("line %d: %w", line, err)
	case errors.As(err, &kind):
		line := 1 + bytes.Count(doc[:min(int(kind.Offset), len(doc))], []byte("\n"))
		return fmt.Errorf("line %d: field %q holds a %s where %s belongs", line, kind.Field, kind.Value, kind.Type)
	}
	return err
}

// Validate says what is wrong with a result, naming the field as a jq path:
// numbers that are not finite, lists whose lengths contradict each other,
// lengths and counts that cannot be.
func (r *Result) Validate() error {
	if r.Schema != Schema {
		return fmt.Errorf(".schema is %q, not %q", r.Schema, Schema)
	}
	if err := finiteNumbers(reflect.ValueOf(r).Elem(), ""); err != nil {
		return err
	}
	for i, s := range r.Series {
		at := fmt.Sprintf(".series[%d]", i)
		if s.Ratio < 2 {
			return fmt.Errorf("%s.ratio is %d; a window is at least twice its first part", at, s.Ratio)
		}
		if len(s.Cov) != 0 && len(s.Cov) != len(s.Points) {
			return fmt.Errorf("%s.cov has %d rows for %d points", at, len(s.Cov), len(s.Points))
		}
		for j, row := range s.Cov {
			if len(row) != len(s.Points) {
				return fmt.Errorf("%s.cov[%d] has %d columns for %d points", at, j, len(row), len(s.Points))
			}
		}
		for j, p := range s.Points {
			if p.Ell < 1 || p.Length <= p.Ell {
				return fmt.Errorf("%s.points[%d]: ell %d does not cut a window of %d", at, j, p.Ell, p.Length)
			}
			if p.SE < 0 {
				return fmt.Errorf("%s.points[%d].se is negative", at, j)
			}
		}
		if s.Law != nil && len(s.Law.Used) != 0 && len(s.Law.Used) != len(s.Points) {
			return fmt.Errorf("%s.law.used has %d entries for %d points", at, len(s.Law.Used), len(s.Points))
		}
	}
	for j, p := range r.Triangle {
		if p.Ell < 1 || p.Length <= p.Ell || p.SE < 0 {
			return fmt.Errorf(".triangle[%d]: ell %d, length %d, standard error %g cannot be", j, p.Ell, p.Length, float64(p.SE))
		}
	}
	for j, p := range r.Loss.Positions {
		if p.From < 1 || p.To < p.From || p.SE < 0 {
			return fmt.Errorf(".loss.positions[%d]: positions %d to %d, standard error %g cannot be", j, p.From, p.To, p.SE)
		}
	}
	if t := r.TwoPoint; t != nil {
		for j, p := range t.Points {
			if p.Distance < 1 || p.SE < 0 || p.Pairs < 0 {
				return fmt.Errorf(".twopoint.points[%d]: distance %d, pairs %d, standard error %g cannot be", j, p.Distance, p.Pairs, float64(p.SE))
			}
		}
		if t.Law != nil && len(t.Law.Used) != 0 && len(t.Law.Used) != len(t.Points) {
			return fmt.Errorf(".twopoint.law.used has %d entries for %d points", len(t.Law.Used), len(t.Points))
		}
	}
	return nil
}

// finiteNumbers walks a value and names the first number that JSON cannot
// hold. Fields that are not written are not looked at.
func finiteNumbers(v reflect.Value, path string) error {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%s is %v, not a finite number", path, f)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return finiteNumbers(v.Elem(), path)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := finiteNumbers(v.Index(i), path+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if err := finiteNumbers(it.Value(), path+"."+it.Key().String()); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case name == "-" || !f.IsExported():
				continue
			case name == "" && f.Anonymous:
				if err := finiteNumbers(v.Field(i), path); err != nil {
					return err
				}
				continue
			case name == "":
				name = f.Name
			}
			if err := finiteNumbers(v.Field(i), path+"."+name); err != nil {
				return err
			}
		}
	}
	return nil
}
