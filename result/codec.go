package result

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

	"github.com/l2m-lab/l2m/internal/jsonfile"
)

// maxDocument bounds what Read reads, in bytes.
const maxDocument = 256 << 20

// about says how a kind of document is written.
type about struct {
	schema string // "l2m.results/1"
	name   string // what messages call it
	indent string
}

// Document is one of the documents that are files of their own.
type Document[D any] interface {
	*D
	// Validate says what keeps a document from being shown, naming the field.
	Validate() error
	about() about
	header() *string // its field Schema
}

// Marshal is a document as indented JSON: the same bytes for the same document.
// It fails, naming the field as a jq path, when a number is not finite or the
// document contradicts itself. An empty schema is written as this version's.
func Marshal[D any, P Document[D]](doc P) ([]byte, error) {
	kind := P(new(D)).about()
	if doc == nil {
		return nil, fmt.Errorf("writing %s: there is nothing to write", kind.name)
	}
	copied := P(new(D))
	*copied = *doc
	if *copied.header() == "" {
		*copied.header() = kind.schema
	}
	if err := checkDocument[D](copied); err != nil {
		return nil, fmt.Errorf("writing %s: %w", kind.name, err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", kind.indent)
	if err := enc.Encode(copied); err != nil {
		return nil, fmt.Errorf("writing %s: %w", kind.name, err)
	}
	return b.Bytes(), nil
}

// Write writes a document as Marshal gives it.
func Write[D any, P Document[D]](w io.Writer, doc P) error {
	b, err := Marshal[D](doc)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// Read reads a document of at most 256 MiB that Write wrote, and checks it.
// Unknown fields of the same schema are ignored, so that older versions read what
// newer ones add. Errors begin with name, which is that of the file.
func Read[D any, P Document[D]](r io.Reader, name string) (P, error) {
	doc := P(new(D))
	err := decode(r, doc.about().schema, doc)
	if err == nil {
		err = checkDocument[D](doc)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return doc, nil
}

func checkDocument[D any, P Document[D]](doc P) error {
	if schema := doc.about().schema; *doc.header() != schema {
		return fmt.Errorf(".schema is %q, not %q", *doc.header(), schema)
	}
	if err := finiteNumbers(reflect.ValueOf(doc).Elem(), ""); err != nil {
		return err
	}
	return doc.Validate()
}

// decode reads JSON whose field "schema" must be the given one.
func decode(r io.Reader, schema string, into any) error {
	kind, _, _ := strings.Cut(schema, "/")
	doc, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return err
	}
	if len(doc) > maxDocument {
		return fmt.Errorf("more than %d MiB: not a document of %s", maxDocument>>20, kind)
	}
	var head struct {
		Schema *string `json:"schema"`
	}
	if err := json.Unmarshal(doc, &head); err != nil {
		return explain(doc, err)
	}
	switch {
	case head.Schema == nil:
		return fmt.Errorf(`no field "schema": not a document of %s`, kind)
	case *head.Schema != schema:
		return fmt.Errorf("schema %q, this version of l2m reads %q (make the run again with this version, or read it with the version that wrote it)", *head.Schema, schema)
	}
	if err := json.Unmarshal(doc, into); err != nil {
		return explain(doc, err)
	}
	return nil
}

// explain says where and why a document is not one that l2m wrote.
func explain(doc []byte, err error) error {
	err = jsonfile.Explain(doc, err)
	if errors.Is(err, jsonfile.ErrTruncated) {
		return fmt.Errorf("%w (run the command again to write it whole)", err)
	}
	return err
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
