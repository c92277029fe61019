package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// oneColumn is the separator of a table with one column, which has none: rows end there.
const oneColumn = '\n'

// delimiter is the separator of a header line: the most frequent of tab, comma,
// semicolon and bar.
func delimiter(header string) byte {
	best, most := byte(oneColumn), 0
	for _, d := range []byte("\t,;|") {
		if n := strings.Count(header, string(rune(d))); n > most {
			best, most = d, n
		}
	}
	return best
}

// headerLine is the first line of a table that is not empty; whole says that it ends
// within text. Tabs at its beginning stand for columns without a name.
func headerLine(text []byte) (line []byte, whole bool) {
	text = bytes.TrimLeft(text, "\r\n")
	end := bytes.IndexAny(text, "\r\n")
	if end < 0 {
		return text, false
	}
	return text[:end], true
}

// table reads the rows below a header line.
func (r *reader) table(in Input, ending string, br *bufio.Reader) error {
	head, err := peek(br)
	if err != nil {
		return err
	}
	header, _ := headerLine(head)
	t := &rows{in: br, comma: delimiter(string(header)), max: r.o.MaxRecord, line: 1}
	t.padded = t.comma != oneColumn && bytes.Count(header, []byte{t.comma}) == bytes.Count(header, []byte{t.comma, ' '})
	declared := len(header) == 5 && bytes.HasPrefix(header, []byte("sep=")) // as Excel writes
	switch {
	case declared:
		t.comma = header[4]
	case extension(ending) == ".tsv":
		t.comma = '\t'
	}
	t.literal = (t.comma == '\t' || t.comma == '|') && !isQuoted(head, t.comma)
	if declared {
		if err := t.next(); err != nil {
			return r.tableError(in, t, err)
		}
	}
	if err := t.next(); err == io.EOF {
		return nil
	} else if err != nil {
		return r.tableError(in, t, err)
	}
	var names []string
	for i := range t.fields() {
		names = append(names, string(bytes.TrimSpace(t.field(i))))
	}
	column := slices.Index(names, r.o.Field)
	switch {
	case column < 0:
		return r.lacking(in, "column", names)
	case slices.Contains(names[column+1:], r.o.Field):
		return r.twice(in)
	}
	return r.tableRows(in, t, column, len(names))
}

// twice is the error for two columns with the name of the field.
func (r *reader) twice(in Input) error {
	return &Refusal{in.Name, fmt.Sprintf("two columns are called %q (rename one)", r.o.Field), "with two columns of the same name", ""}
}

func (r *reader) tableRows(in Input, t *rows, column, columns int) error {
	for {
		err := t.next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return r.tableError(in, t, err)
		}
		extra := false // an unquoted delimiter split a field
		for i := columns; i < t.fields(); i++ {
			extra = extra || !t.blank(i)
		}
		switch {
		case extra || column >= t.fields():
			r.report.Pass(passRagged, in.Name, 1)
			continue
		case len(t.field(column)) == 0:
			r.report.Pass(passNull, in.Name, 1)
			continue
		}
		if err := r.yieldText(t.row, t.field(column)); err != nil {
			return err
		}
	}
}

func (r *reader) tableError(in Input, t *rows, err error) error {
	var wrong rowError
	switch {
	case errors.Is(err, errLong):
		return r.limited(in, t.row)
	case errors.As(err, &wrong):
		return atLine(in.Name, t.row, "not a row of the table: %w", err)
	}
	return err
}
