package count

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

// FileSchema is the version of the format of [File].
const FileSchema = "l2m.counts/1"

// File holds counts as JSON, which l2m twopoint --counts reads and other programs may
// write. Histograms are lists of [count, types] with ascending counts.
type File struct {
	Schema   string `json:"schema"`
	Alphabet string `json:"alphabet"`      // what the tokens are: "words"
	Key      string `json:"key,omitempty"` // identifies documents and options
	Result
}

// Write writes the file.
func (f *File) Write(w io.Writer) error {
	f.Schema = FileSchema
	head := *f
	head.Distances = nil
	data, err := json.Marshal(&head)
	if err != nil {
		return err
	}
	data, last := bytes.CutSuffix(data, []byte(`null}`))
	if !last {
		return errors.New("the distances are not the last field of counts")
	}
	out := bufio.NewWriter(w)
	out.Write(data) // errors show in Flush
	out.WriteByte('[')
	for i := range f.Distances {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := f.Distances[i].write(out); err != nil {
			return err
		}
	}
	out.WriteString("]}\n")
	return out.Flush()
}

// write writes the distance as json.Marshal does, but piece by piece: the text is far
// larger than the counts in memory.
func (d *Distance) write(out *bufio.Writer) error {
	head := *d
	head.Without, head.Table = nil, nil
	data, err := json.Marshal(&head)
	if err != nil {
		return err
	}
	out.Write(data[:len(data)-1]) // errors show in Flush
	for i, p := range d.Without {
		between := ","
		if i == 0 {
			between = `,"without":[`
		}
		out.WriteString(between)
		if data, err = p.MarshalJSON(); err != nil {
			return err
		}
		out.Write(data)
	}
	if len(d.Without) > 0 {
		out.WriteByte(']')
	}
	if len(d.Table) > 0 {
		out.WriteString(`,"table":`)
		if data, err = json.Marshal(d.Table); err != nil {
			return err
		}
		out.Write(data)
	}
	return out.WriteByte('}')
}

// ReadFile reads a file and checks its numbers for consistency.
func ReadFile(r io.Reader) (*File, error) {
	in := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
	var f File
	if err := f.decode(in); err != nil {
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			return nil, fmt.Errorf("not a file of counts: unexpected %s, %s", wrong.Value, cmp.Or(wrong.Field, "at the start"))
		}
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("at byte %d: %w (is the file complete?)", in.InputOffset(), err)
		}
		return nil, err
	}
	if f.Schema != FileSchema {
		return nil, fmt.Errorf("schema %q, but this version of l2m reads %q", f.Schema, FileSchema)
	}
	if f.Sample == 0 {
		f.Sample = 1
	}
	if err := f.plausible(); err != nil {
		return nil, err
	}
	return &f, nil
}

// decode reads the file one distance at a time.
func (f *File) decode(in *json.Decoder) error {
	if err := expect(in, '{'); err != nil {
		return err
	}
	head := map[string]json.RawMessage{}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return err
		}
		if key != "distances" {
			var value json.RawMessage
			if err := in.Decode(&value); err != nil {
				return err
			}
			head[key.(string)] = value
			continue
		}
		if err := expect(in, '['); err != nil {
			return err
		}
		for in.More() {
			var d Distance
			if err := in.Decode(&d); err != nil {
				return err
			}
			f.Distances = append(f.Distances, d)
		}
		if _, err := in.Token(); err != nil {
			return err
		}
	}
	if _, err := in.Token(); err != nil {
		return err
	}
	if _, err := in.Token(); err != io.EOF {
		return fmt.Errorf("at byte %d: unexpected data after the counts", in.InputOffset())
	}
	data, err := json.Marshal(head)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, f)
}

// expect reads the opening bracket of an object or a list.
func expect(in *json.Decoder, want json.Delim) error {
	got, err := in.Token()
	if err == nil && got != want {
		err = fmt.Errorf("not a file of counts: %v at byte %d, expected %v", got, in.InputOffset(), want)
	}
	return err
}

// plausible checks that the numbers can be of one corpus. Files of other programs may
// lack the number of tokens with their histogram, and the vocabulary.
func (f *File) plausible() error {
	switch {
	case f.Vocabulary > maxVocabulary:
		return fmt.Errorf("a vocabulary of %d is too large", f.Vocabulary)
	case f.Documents < 0 || f.Tokens < 0 || f.Vocabulary < 0 || f.BlockTokens < 0:
		return errors.New("negative number of documents, tokens or symbols")
	case !(f.Sample > 0 && f.Sample <= 1):
		return fmt.Errorf("the sample must be between 0 and 1, not %g", f.Sample)
	case f.Vocabulary > 0 && f.Unigrams.Types() > int64(f.Vocabulary):
		return fmt.Errorf("%d distinct tokens of a vocabulary of %d", f.Unigrams.Types(), f.Vocabulary)
	}
	if len(f.Unigrams) > 0 {
		if err := checkHistogram("unigram", f.Unigrams, f.Tokens, "tokens"); err != nil {
			return err
		}
	}
	last := 0
	for _, d := range f.Distances {
		if d.Distance <= last {
			return fmt.Errorf("distance %d after %d: distances must be positive and ascending", d.Distance, last)
		}
		last = d.Distance
		err := d.plausible(f.Vocabulary)
		switch {
		case err != nil:
		case f.Tokens > 0 && d.Pairs > f.Tokens:
			err = fmt.Errorf("%d pairs of %d tokens", d.Pairs, f.Tokens)
		case len(d.Without) != len(f.Distances[0].Without):
			err = fmt.Errorf("%d blocks, where distance %d has %d", len(d.Without), f.Distances[0].Distance, len(f.Distances[0].Without))
		}
		if err != nil {
			return fmt.Errorf("distance %d: %w", d.Distance, err)
		}
	}
	return nil
}

// plausible checks that the blocks and the table can be of the same pairs as the
// histograms.
func (d *Distance) plausible(vocabulary int) error {
	if err := d.Counts.plausible(); err != nil {
		return err
	}
	left := d.Pairs
	for b, packed := range d.Without {
		w := packed.Counts()
		if err := w.plausible(); err != nil {
			return fmt.Errorf("without block %d: %w", b, err)
		}
		if w.Pairs > d.Pairs || w.Joint.Types() > d.Joint.Types() {
			return fmt.Errorf("without block %d there are %d pairs, %d of them distinct; with it %d and %d", b, w.Pairs, w.Joint.Types(), d.Pairs, d.Joint.Types())
		}
		left -= d.Pairs - w.Pairs
	}
	if len(d.Without) > 0 && left != 0 {
		return fmt.Errorf("%d pairs, but the blocks have %d", d.Pairs, d.Pairs-left)
	}
	if len(d.Table) == 0 {
		return nil
	}
	if len(d.Table) != vocabulary*vocabulary {
		return fmt.Errorf("a table of %d cells for a vocabulary of %d", len(d.Table), vocabulary)
	}
	if slices.Min(d.Table) < 0 {
		return errors.New("negative cell in the table")
	}
	rows, columns := make([]int64, vocabulary), make([]int64, vocabulary)
	for i, n := range d.Table {
		rows[i/vocabulary] += n
		columns[i%vocabulary] += n
	}
	if !slices.Equal(info.HistogramOf(d.Table), d.Joint) || !slices.Equal(info.HistogramOf(rows), d.Left) || !slices.Equal(info.HistogramOf(columns), d.Right) {
		return errors.New("the table and the histograms are of different pairs")
	}
	return nil
}

// plausible checks that the histograms can be of the same pairs.
func (c Counts) plausible() error {
	for _, h := range []struct {
		name string
		h    info.Histogram
	}{{"joint", c.Joint}, {"left", c.Left}, {"right", c.Right}} {
		if err := checkHistogram(h.name, h.h, c.Pairs, "pairs"); err != nil {
			return err
		}
	}
	joint, left, right := c.Joint.Types(), c.Left.Types(), c.Right.Types()
	if joint < max(left, right) || left > 0 && (joint+left-1)/left > right {
		return fmt.Errorf("%d distinct pairs cannot be of %d left and %d right tokens", joint, left, right)
	}
	return nil
}

// checkHistogram checks that a histogram can be of n things.
func checkHistogram(name string, h info.Histogram, n int64, things string) error {
	last, left := int64(0), n
	for _, b := range h {
		if b.Count <= last || b.Types <= 0 {
			return fmt.Errorf("the %s histogram has [%d, %d] after count %d", name, b.Count, b.Types, last)
		}
		if b.Types > left/b.Count {
			return fmt.Errorf("%d %s, but the %s histogram is of more", n, things, name)
		}
		last = b.Count
		left -= b.Count * b.Types
	}
	if left != 0 {
		return fmt.Errorf("%d %s, but the %s histogram is of %d", n, things, name, n-left)
	}
	return nil
}
