package recorded

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// columns are those of a table with a row for each token. Rows of a document follow
// each other in the order of the text.
var columns = []string{"document", "window", "position", "logprob", "bytes"}

// needed are the columns that a table must have; position is checked if it is there,
// and window tells several windows of a document apart.
var needed = []string{"document", "logprob"}

// builder makes arrays of the rows of a table.
type builder struct {
	values    []float32
	lengths   []int64
	documents []int64
	bytes     []int64
	numbers   map[string]int64 // of documents, by name
	begun     map[[2]string]bool
	last      [2]string // document and window of the row before
	first     int64     // position at which windows begin: 0 or 1
}

// tableRow is a row of a table.
type tableRow struct {
	document, window string
	position         int64 // −1 where there is no such column
	logprob          float32
	bytes            int64 // −1 where there is no such column
}

func (b *builder) add(r tableRow) error {
	key := [2]string{r.document, r.window}
	if len(b.lengths) == 0 || key != b.last {
		if b.begun[key] {
			return fmt.Errorf("document %s continues after another one: keep the rows of a window together", r.document)
		}
		if b.begun == nil {
			b.begun, b.numbers = map[[2]string]bool{}, map[string]int64{}
			b.first = r.position
		}
		b.begun[key], b.last = true, key
		if _, seen := b.numbers[r.document]; !seen {
			b.numbers[r.document] = int64(len(b.numbers))
		}
		b.lengths = append(b.lengths, 0)
		b.documents = append(b.documents, b.numbers[r.document])
	}
	n := len(b.lengths) - 1
	if r.position >= 0 {
		if b.first != 0 && b.first != 1 {
			return fmt.Errorf("position %d: the first position of a document is 0 or 1", r.position)
		}
		if want := b.first + b.lengths[n]; r.position != want {
			return fmt.Errorf("document %s: position %d where %d follows", r.document, r.position, want)
		}
	}
	b.lengths[n]++
	b.values = append(b.values, r.logprob)
	if r.bytes >= 0 {
		b.bytes = append(b.bytes, r.bytes)
	}
	return nil
}

func (b *builder) arrays() (arrays, error) {
	if len(b.values) == 0 {
		return arrays{}, errors.New("the table has no rows")
	}
	a := arrays{
		floats: map[string]floats{"logprobs": {[]int{len(b.values)}, b.values}},
		whole:  map[string]ints{"lengths": {[]int{len(b.lengths)}, b.lengths}, "document": {[]int{len(b.documents)}, b.documents}},
	}
	if len(b.bytes) == len(b.values) {
		a.whole["bytes"] = ints{[]int{len(b.bytes)}, b.bytes}
	}
	return a, nil
}

// find is where the columns of a table stand, −1 for those it lacks.
func find(head []string) (map[string]int, error) {
	at := map[string]int{}
	for _, c := range columns {
		at[c] = slices.IndexFunc(head, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), c) })
	}
	for _, c := range needed {
		if at[c] < 0 {
			return nil, fmt.Errorf("it is neither a NumPy file nor a table with the columns %s and, if there are, %s (its columns: %.200s)",
				strings.Join(needed, ", "), "window, position, bytes", strings.Join(head, ", "))
		}
	}
	return at, nil
}

func readCSV(f *os.File) (arrays, error) {
	c := csv.NewReader(f)
	c.ReuseRecord = true
	head, err := c.Read()
	if err != nil {
		return arrays{}, err
	}
	head = slices.Clone(head)
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	at, err := find(head)
	if err != nil {
		return arrays{}, err
	}
	var b builder
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return b.arrays()
		}
		if err != nil {
			return arrays{}, err
		}
		line, _ := c.FieldPos(0)
		r, err := parse(cells, at)
		if err == nil {
			err = b.add(r)
		}
		if err != nil {
			return arrays{}, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func parse(cells []string, at map[string]int) (tableRow, error) {
	r := tableRow{document: cells[at["document"]], position: -1, bytes: -1}
	if i := at["window"]; i >= 0 {
		r.window = cells[i]
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(cells[at["logprob"]]), 64)
	if err != nil {
		return r, fmt.Errorf("logprob %q is not a number", cells[at["logprob"]])
	}
	r.logprob = float32(x)
	for name, to := range map[string]*int64{"position": &r.position, "bytes": &r.bytes} {
		i := at[name]
		if i < 0 {
			continue
		}
		if *to, err = strconv.ParseInt(strings.TrimSpace(cells[i]), 10, 64); err != nil || *to < 0 {
			return r, fmt.Errorf("%s %q is not a whole number from 0", name, cells[i])
		}
	}
	return r, nil
}

func readParquet(f *os.File, size int64) (arrays, error) {
	file, err := parquet.OpenFile(f, size)
	if err != nil {
		return arrays{}, fmt.Errorf("it is not a Parquet file that can be read: %w", err)
	}
	var head []string
	for _, c := range file.Schema().Columns() {
		head = append(head, strings.Join(c, "."))
	}
	at, err := find(head)
	if err != nil {
		return arrays{}, err
	}
	var b builder
	n := 0
	for _, group := range file.RowGroups() {
		if err := eachRow(group, func(row parquet.Row) error {
			defer func() { n++ }()
			r, err := fromParquet(row, at)
			if err == nil {
				err = b.add(r)
			}
			if err != nil {
				return fmt.Errorf("row %d: %w", n, err)
			}
			return nil
		}); err != nil {
			return arrays{}, err
		}
	}
	return b.arrays()
}

func eachRow(group parquet.RowGroup, visit func(parquet.Row) error) error {
	rows := group.Rows()
	defer rows.Close()
	buf := make([]parquet.Row, 1024)
	for {
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			if err := visit(row); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func fromParquet(row parquet.Row, at map[string]int) (tableRow, error) {
	r := tableRow{position: -1, bytes: -1}
	var seen int
	for _, v := range row {
		if v.IsNull() {
			continue
		}
		text := v.String
		switch v.Column() {
		case at["document"]:
			r.document = text()
			seen++
		case at["window"]:
			r.window = text()
		case at["logprob"]:
			switch v.Kind() {
			case parquet.Float:
				r.logprob = v.Float()
			case parquet.Double:
				r.logprob = float32(v.Double())
			default:
				return r, fmt.Errorf("logprob is of type %s, not float or double", v.Kind())
			}
			seen++
		case at["position"], at["bytes"]:
			var n int64
			switch v.Kind() {
			case parquet.Int32:
				n = int64(v.Int32())
			case parquet.Int64:
				n = v.Int64()
			default:
				return r, fmt.Errorf("position and bytes are whole numbers, not of type %s", v.Kind())
			}
			if v.Column() == at["position"] {
				r.position = n
			} else {
				r.bytes = n
			}
		}
	}
	if seen < len(needed) {
		return r, errors.New("document or logprob is missing")
	}
	return r, nil
}
