package source

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// delimiter is what separates the fields of a header line: the most frequent of tab,
// comma, semicolon and bar.
func delimiter(header string) rune {
	best, most := ',', 0
	for _, d := range "\t,;|" {
		if n := strings.Count(header, string(d)); n > most {
			best, most = d, n
		}
	}
	return best
}

// table reads the rows below a header line; the field is a column's name.
func (r *reader) table(in Input, ending string, br *bufio.Reader) error {
	head, err := peek(br)
	if err != nil {
		return err
	}
	header, _ := firstLine(head, true)
	bound := &bounded{r: br, max: r.o.MaxRecord, left: r.o.MaxRecord}
	c := csv.NewReader(bound)
	c.Comma, c.ReuseRecord, c.FieldsPerRecord = delimiter(string(header)), true, -1
	if extension(ending) == ".tsv" {
		c.Comma = '\t'
	}
	c.LazyQuotes = c.Comma == '\t' // tables with tabs mostly do not quote
	names, err := c.Read()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return r.tableError(in, 1, err)
	}
	names = slices.Clone(names)
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	column := slices.Index(names, r.o.Field)
	if column < 0 {
		return r.lacking(in, "column", names)
	}
	for {
		bound.left = bound.max
		row, err := c.Read()
		if err == io.EOF {
			return nil
		}
		line, _ := 0, 0
		if err == nil && len(row) > 0 {
			line, _ = c.FieldPos(0)
		}
		if err != nil {
			return r.tableError(in, int64(line), err)
		}
		if column >= len(row) {
			return atLine(in.Name, int64(line), "the row has %d fields, and the header %d", len(row), len(names))
		}
		if row[column] == "" {
			r.report.Pass(passNull, in.Name, 1)
			continue
		}
		if err := r.yieldText(int64(line), row[column]); err != nil {
			return err
		}
	}
}

func (r *reader) tableError(in Input, line int64, err error) error {
	var parse *csv.ParseError
	switch {
	case errors.Is(err, errLong):
		return r.limited(in, line)
	case errors.As(err, &parse):
		return atLine(in.Name, int64(parse.Line), "not a row of the table: %w (a quote inside a field is written twice)", parse.Err)
	}
	return err
}

// bounded is an error once more than left bytes were read. csv reads ahead, by its
// buffer.
type bounded struct {
	r         io.Reader
	max, left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a row: %w", errLong)
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}
