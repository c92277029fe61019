package fit

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxTable bounds a table in bytes; a law has some twenty points.
const maxTable = 64 << 20

// grid is a table of cells, as text.
type grid struct {
	head  []string // names of the columns; nil without
	width int      // columns of the widest row
	rows  []gridRow
}

// gridRow is a row and where it stands.
type gridRow struct {
	at    string // "line 3", "row 2"
	cells []string
}

func (r gridRow) cell(i int) string {
	if i < 0 || i >= len(r.cells) {
		return ""
	}
	return strings.TrimSpace(r.cells[i])
}

// number reads the cell of a column that messages call title.
func (r gridRow) number(i int, title string) (float64, error) {
	s := r.cell(i)
	x, err := strconv.ParseFloat(s, 64)
	switch {
	case s == "":
		return 0, fmt.Errorf("%s is empty (delete the row if there is no estimate)", title)
	case err != nil && strings.Contains(s, ","):
		return 0, fmt.Errorf("%s: %q is not a number (write decimals with a point)", title, s)
	case err != nil:
		return 0, fmt.Errorf("%s: %q is not a number", title, s)
	case math.IsNaN(x) || math.IsInf(x, 0):
		return 0, fmt.Errorf("%s is %s (delete the row if there is no estimate)", title, s)
	}
	return x, nil
}

// readGrid reads CSV or JSON, which the first character tells apart.
func readGrid(r io.Reader) (*grid, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxTable+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxTable {
		return nil, fmt.Errorf("it is larger than %d MB: is it a table of estimates?", maxTable>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, errors.New("it is not text in UTF-8 (save it as CSV or JSON)")
	}
	first := bytes.TrimLeft(text, " \t\r\n")
	if len(first) == 0 {
		return nil, errors.New("it is empty")
	}
	if first[0] == '{' || first[0] == '[' {
		return jsonGrid(first)
	}
	return textGrid(text)
}

// textGrid reads rows of text. Lines that begin with # are comments.
func textGrid(text []byte) (*grid, error) {
	var rows []gridRow
	var err error
	switch comma := separator(text); comma {
	case ' ':
		rows, err = blanks(text)
	default:
		rows, err = separated(text, comma)
	}
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("it has no rows")
	}
	g := &grid{rows: rows}
	if _, err := rows[0].number(0, ""); err != nil {
		g.head, g.rows = rows[0].cells, rows[1:]
	}
	for _, row := range rows {
		g.width = max(g.width, len(row.cells))
	}
	return g, nil
}

// separator is what stands between the columns of the first line that is no comment.
func separator(text []byte) rune {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		for _, c := range "\t;," {
			if bytes.ContainsRune(line, c) {
				return c
			}
		}
		break
	}
	return ' '
}

func separated(text []byte, comma rune) ([]gridRow, error) {
	c := csv.NewReader(bytes.NewReader(text))
	c.Comma, c.Comment, c.FieldsPerRecord, c.TrimLeadingSpace = comma, '#', -1, comma != '\t'
	var rows []gridRow
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := c.FieldPos(0)
		rows = append(rows, gridRow{fmt.Sprintf("line %d", line), cells})
	}
}

func blanks(text []byte) ([]gridRow, error) {
	var rows []gridRow
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxTable)
	for n := 1; lines.Scan(); n++ {
		if cells := strings.Fields(lines.Text()); len(cells) > 0 && cells[0][0] != '#' {
			rows = append(rows, gridRow{fmt.Sprintf("line %d", n), cells})
		}
	}
	return rows, lines.Err()
}

// jsonGrid reads an array of rows, which are objects or arrays; an object of columns;
// or one object after another.
func jsonGrid(text []byte) (*grid, error) {
	var values []any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", d.InputOffset(), err)
		}
		values = append(values, v)
	}
	if len(values) == 1 {
		switch v := values[0].(type) {
		case []any:
			values = v
		case map[string]any:
			if rows, err := columnsOf(v); err != nil || rows != nil {
				return rows, err
			}
		}
	}
	g := &grid{}
	for i, v := range values {
		if err := g.addRow(v, fmt.Sprintf("row %d", i+1)); err != nil {
			return nil, err
		}
	}
	if len(g.rows) == 0 {
		return nil, errors.New("it has no rows")
	}
	return g, nil
}

// addRow adds an object or an array.
func (g *grid) addRow(v any, at string) error {
	row := gridRow{at: at}
	switch v := v.(type) {
	case []any:
		if g.head != nil {
			return fmt.Errorf("%s is an array; rows before it are objects", at)
		}
		for _, x := range v {
			cell, err := scalar(x)
			if err != nil {
				return fmt.Errorf("%s: %w", at, err)
			}
			row.cells = append(row.cells, cell)
		}
	case map[string]any:
		if g.head == nil && len(g.rows) > 0 {
			return fmt.Errorf("%s is an object; rows before it are arrays", at)
		}
		for _, k := range sortedKeys(v) {
			i := indexOrAdd(&g.head, k)
			cell, err := scalar(v[k])
			if err != nil {
				continue // no number: a column that is not read, or is missed when it is
			}
			for len(row.cells) <= i {
				row.cells = append(row.cells, "")
			}
			row.cells[i] = cell
		}
	default:
		return fmt.Errorf("%s is neither an object nor an array", at)
	}
	g.rows = append(g.rows, row)
	g.width = max(g.width, len(row.cells))
	return nil
}

// columnsOf reads an object of arrays of one length; nil if the object is a row.
func columnsOf(v map[string]any) (*grid, error) {
	g := &grid{}
	var first string
	for _, k := range sortedKeys(v) {
		column, ok := v[k].([]any)
		if !ok {
			continue
		}
		switch {
		case g.head == nil:
			first = k
			for i := range column {
				g.rows = append(g.rows, gridRow{at: fmt.Sprintf("row %d", i+1)})
			}
		case len(column) != len(g.rows):
			return nil, fmt.Errorf("column %s has %d values, column %s %d", k, len(column), first, len(g.rows))
		}
		g.head = append(g.head, k)
		for i, x := range column {
			cell, err := scalar(x)
			if err != nil {
				return nil, fmt.Errorf("column %s, row %d: %w", k, i+1, err)
			}
			g.rows[i].cells = append(g.rows[i].cells, cell)
		}
	}
	if g.head == nil {
		return nil, nil
	}
	g.width = len(g.head)
	return g, nil
}

// scalar is a number, a word or nothing, as text.
func scalar(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case json.Number:
		return v.String(), nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", fmt.Errorf("a number is expected, not an array or an object")
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// indexOrAdd is the index of a name in a list, to which it is added if missing.
func indexOrAdd(list *[]string, name string) int {
	if i := slices.Index(*list, name); i >= 0 {
		return i
	}
	*list = append(*list, name)
	return len(*list) - 1
}
