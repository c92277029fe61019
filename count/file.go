package count

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/l2m-lab/l2m/info"
)

// FileSchema is the version of the files that WriteFile writes.
const FileSchema = "l2m.counts/1"

// File is a document of counts, as JSON: what l2m twopoint --counts reads, and
// what other programs may write. Histograms are lists of [count, types] with
// ascending counts.
type File struct {
	Schema   string `json:"schema"`
	Alphabet string `json:"alphabet"`      // what the tokens are: "words"
	Key      string `json:"key,omitempty"` // identifies documents and options
	Result
}

// Write writes the file.
func (f *File) Write(w io.Writer) error {
	f.Schema = FileSchema
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// ReadFile reads a file and checks that its numbers can be counts.
func ReadFile(r io.Reader) (*File, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var f File
	if err := json.Unmarshal(data, &f); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("line %d: %w (is the file complete?)", 1+bytes.Count(data[:syntax.Offset], []byte("\n")), err)
		}
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			return nil, fmt.Errorf("not a file of counts: %s where it should be something else, %s", wrong.Value, cmp.Or(wrong.Field, "at the start"))
		}
		return nil, err
	}
	if f.Schema != FileSchema {
		return nil, fmt.Errorf("schema %q, this version of l2m reads %q", f.Schema, FileSchema)
	}
	if f.Sample == 0 {
		f.Sample = 1
	}
	last := 0
	for _, d := range f.Distances {
		if d.Distance <= last {
			return nil, fmt.Errorf("distance %d after %d: distances must be positive and ascending", d.Distance, last)
		}
		last = d.Distance
		for _, c := range append([]Counts{d.Counts}, d.Without...) {
			if err := c.check(); err != nil {
				return nil, fmt.Errorf("distance %d: %w", d.Distance, err)
			}
		}
		if len(d.Table) != 0 && len(d.Table) != f.Vocabulary*f.Vocabulary {
			return nil, fmt.Errorf("distance %d: a table of %d cells for a vocabulary of %d", d.Distance, len(d.Table), f.Vocabulary)
		}
	}
	return &f, nil
}

// check says whether the histograms can be of the same pairs.
func (c Counts) check() error {
	for _, h := range []struct {
		name string
		h    info.Histogram
	}{{"joint", c.Joint}, {"left", c.Left}, {"right", c.Right}} {
		last, left := int64(0), c.Pairs
		for _, b := range h.h {
			if b.Count <= last || b.Types <= 0 {
				return fmt.Errorf("the %s histogram has [%d, %d] after count %d", h.name, b.Count, b.Types, last)
			}
			if b.Types > left/b.Count {
				return fmt.Errorf("%d pairs, but the %s histogram is of more", c.Pairs, h.name)
			}
			last = b.Count
			left -= b.Count * b.Types
		}
		if left != 0 {
			return fmt.Errorf("%d pairs, but the %s histogram is of %d", c.Pairs, h.name, c.Pairs-left)
		}
	}
	return nil
}
