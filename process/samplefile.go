package process

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/l2m-lab/l2m/internal/npy"
	"github.com/l2m-lab/l2m/token"
)

// SampleFormat is a file format of samples.
type SampleFormat string

// The formats (docs/processes.md shows how to read them from Python).
const (
	// NPY is a NumPy array file, version 1.0: float64 of shape (count, length)
	// or (count, length, width), or uint32 of shape (count, length) for symbols.
	NPY SampleFormat = "npy"
	// Parquet has one row per sample: "sample" (its index) and the list "tokens"
	// (doubles, vectors one after the other, or 32-bit integers).
	Parquet SampleFormat = "parquet"
	// Text has one line per sample: the text of processes that are written in
	// letters, a letter or digit for each symbol of an alphabet of up to 62,
	// decimal numbers between spaces for others. Symbols only.
	Text SampleFormat = "text"
	// JSONLines has one object per line with the field "text", as Text: documents
	// for l2m measure. Symbols only.
	JSONLines SampleFormat = "jsonl"
)

// letters stand for symbols in text.
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// SampleOptions say what WriteSamples writes.
type SampleOptions struct {
	Format   SampleFormat
	Length   int // tokens per sample
	Count    int // samples
	Seed     uint64
	Workers  int            // 0 means GOMAXPROCS; does not change a byte
	Progress func(done int) // samples written; may be nil
}

// WriteSamples draws samples and writes them to w as they come: memory is that
// of a few samples. Equal options give equal bytes.
func WriteSamples(ctx context.Context, w io.Writer, p Truth, o SampleOptions) error {
	if o.Length < 1 || o.Count < 1 {
		return fmt.Errorf("%d samples of %d tokens asked for; both must be at least 1", o.Count, o.Length)
	}
	d := p.Describe()
	if d.Token != Symbol && (o.Format == Text || o.Format == JSONLines) {
		return fmt.Errorf("the tokens of %s are %ss, which %s cannot hold (choose npy or parquet)", d.Spec, d.Token, o.Format)
	}
	switch p := p.(type) {
	case Process[token.ID]:
		return writeSamples(ctx, w, p, o, func(b []byte, tokens []token.ID) []byte {
			for _, t := range tokens {
				b = binary.LittleEndian.AppendUint32(b, uint32(t))
			}
			return b
		}, func(tokens []token.ID) any {
			row := symbolRow{Tokens: make([]int64, len(tokens))}
			for i, t := range tokens {
				row.Tokens[i] = int64(t)
			}
			return row
		})
	case Process[float64]:
		return writeSamples(ctx, w, p, o, appendFloats, func(tokens []float64) any { return numberRow{Tokens: tokens} })
	case Process[[]float64]:
		return writeSamples(ctx, w, p, o, func(b []byte, tokens [][]float64) []byte {
			for _, v := range tokens {
				b = appendFloats(b, v)
			}
			return b
		}, func(tokens [][]float64) any {
			var row numberRow
			for _, v := range tokens {
				row.Tokens = append(row.Tokens, v...)
			}
			return row
		})
	}
	return fmt.Errorf("%s: %T has tokens of an unknown type", d.Spec, p)
}

func appendFloats(b []byte, x []float64) []byte {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// numberRow and symbolRow are the rows of a Parquet file.
type numberRow struct {
	Sample int64     `parquet:"sample"`
	Tokens []float64 `parquet:"tokens"`
}

type symbolRow struct {
	Sample int64   `parquet:"sample"`
	Tokens []int64 `parquet:"tokens"`
}

func writeSamples[T any](ctx context.Context, w io.Writer, p Process[T], o SampleOptions,
	encode func(b []byte, tokens []T) []byte, row func(tokens []T) any) error {
	d := p.Describe()
	buffered := bufio.NewWriterSize(w, 1<<20)
	var put func(i int, tokens []T) error
	finish := func() error { return nil }
	switch o.Format {
	case NPY:
		kind, shape := "<f8", []int{o.Count, o.Length}
		if d.Token == Symbol {
			kind = "<u4"
		} else if d.Token == Vector {
			shape = append(shape, d.Width)
		}
		if _, err := buffered.Write(npy.Header{Kind: kind, Shape: shape}.Bytes()); err != nil {
			return err
		}
		var b []byte
		put = func(_ int, tokens []T) error {
			b = encode(b[:0], tokens)
			_, err := buffered.Write(b)
			return err
		}
	case Parquet:
		put, finish = parquetRows(buffered, row)
	case Text, JSONLines:
		put = func(_ int, tokens []T) error {
			return writeLine(buffered, any(tokens).([]token.ID), d, o.Format)
		}
	default:
		return fmt.Errorf("unknown format %q (npy, parquet, text or jsonl)", o.Format)
	}
	err := Samples(ctx, p, o.Seed, o.Length, o.Count, o.Workers, func(i int, tokens []T) error {
		if err := put(i, tokens); err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(i + 1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := finish(); err != nil {
		return err
	}
	return buffered.Flush()
}

// parquetRows writes rows of either type, some of them per row group.
func parquetRows[T any](w io.Writer, row func([]T) any) (put func(int, []T) error, finish func() error) {
	const group = 32 << 20 // bytes
	var numbers *parquet.GenericWriter[numberRow]
	var symbols *parquet.GenericWriter[symbolRow]
	unsaved := 0
	put = func(i int, tokens []T) error {
		var err error
		switch r := row(tokens).(type) {
		case numberRow:
			if numbers == nil {
				numbers = parquet.NewGenericWriter[numberRow](w)
			}
			r.Sample = int64(i)
			if _, err = numbers.Write([]numberRow{r}); err != nil {
				return err
			}
			if unsaved += 8 * len(r.Tokens); unsaved > group {
				unsaved = 0
				err = numbers.Flush()
			}
		case symbolRow:
			if symbols == nil {
				symbols = parquet.NewGenericWriter[symbolRow](w)
			}
			r.Sample = int64(i)
			if _, err = symbols.Write([]symbolRow{r}); err != nil {
				return err
			}
			if unsaved += 8 * len(r.Tokens); unsaved > group {
				unsaved = 0
				err = symbols.Flush()
			}
		}
		return err
	}
	finish = func() error {
		if numbers != nil {
			return numbers.Close()
		}
		return symbols.Close()
	}
	return put, finish
}

func writeLine(w *bufio.Writer, tokens []token.ID, d Description, format SampleFormat) error {
	var line []byte
	for i, t := range tokens {
		switch {
		case d.Letters != "":
			line = append(line, byte(t))
		case d.Alphabet <= len(letters):
			line = append(line, letters[t])
		default:
			if i > 0 {
				line = append(line, ' ')
			}
			line = strconv.AppendUint(line, uint64(t), 10)
		}
	}
	if format == JSONLines {
		var err error
		if line, err = json.Marshal(struct {
			Text string `json:"text"`
		}{string(line)}); err != nil {
			return err
		}
	}
	w.Write(line)
	return w.WriteByte('\n') // a bufio.Writer keeps its first error
}
