package fit

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/info"
)

// Table holds estimates of information at increasing lengths.
type Table struct {
	Length []float64 // in tokens or bytes, increasing
	Value  []float64 // nats
	SE     []float64 // nats; nil if the table has no errors
	Bytes  bool      // the column of lengths is called bytes
	Unused []string  // columns that were not read
	order  []int     // row of the file, by row of Length
	scale  float64   // nats in the unit of the file
}

// Columns says which columns to read. Zero values ask for those that have usual names.
type Columns struct {
	Names  []string // of length, estimate and, optionally, standard error
	Series string   // of a table with columns estimator and ratio: ESTIMATOR/RATIO
	Bits   bool     // estimates and errors are in bits
}

// Usual names of columns, in lower case.
var (
	lengthNames = []string{"length", "l", "tokens", "bytes", "window", "context", "n"}
	valueNames  = []string{"nats", "bits", "i", "mi", "information", "mutual_information", "estimate", "value"}
	errorNames  = []string{"se", "stderr", "std_err", "std_error", "standard_error", "error", "err", "sigma", "se_nats", "se_bits"}
	lowNames    = []string{"lo95", "lo_95", "ci_low", "lower", "lo"}
	highNames   = []string{"hi95", "hi_95", "ci_high", "upper", "hi"}
)

// ReadTable reads a table in CSV (commas, semicolons, tabs or blanks between columns) or
// JSON (objects with a key for each column, an array of rows, or an object of arrays).
// name is for messages. Rows may stand in any order. Errors come from a column of
// standard errors, or from the ends of 95 % intervals.
func ReadTable(r io.Reader, name string, c Columns) (*Table, error) {
	raw, err := readGrid(r)
	if err != nil {
		return nil, fmt.Errorf("reading the table %s: %w", name, err)
	}
	t, err := raw.table(c)
	if err != nil {
		return nil, fmt.Errorf("reading the table %s: %w", name, err)
	}
	return t, nil
}

// picked are the indices of the columns that are read, −1 for none.
type picked struct{ length, value, se, lo, hi int }

func (g *grid) table(c Columns) (*Table, error) {
	p, err := g.pick(c)
	if err != nil {
		return nil, err
	}
	rows, err := g.ofSeries(c.Series)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("no row has an estimate")
	}
	t := &Table{scale: 1}
	if c.Bits || g.isBits(p.value) {
		t.scale = math.Ln2
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		if err := t.add(row, p, g); err != nil {
			return nil, fmt.Errorf("%s: %w", row.at, err)
		}
		lines[i] = row.at
	}
	if p.length >= 0 && len(g.head) > 0 {
		t.Bytes = columnName(g.head[p.length]) == "bytes"
	}
	for i, h := range g.head {
		if !slices.Contains([]int{p.length, p.value, p.se, p.lo, p.hi}, i) {
			t.Unused = append(t.Unused, h)
		}
	}
	return t, t.sort(lines)
}

// add reads the numbers of a row.
func (t *Table) add(row gridRow, p picked, g *grid) error {
	number := func(i int) (float64, error) { return row.number(i, g.title(i)) }
	l, err := number(p.length)
	if err != nil {
		return err
	}
	if l < 2 {
		return fmt.Errorf("length %g: a window that is cut in two has 2 tokens or more", l)
	}
	v, err := number(p.value)
	if err != nil {
		return err
	}
	t.Length, t.Value = append(t.Length, l), append(t.Value, t.scale*v)
	switch {
	case p.se >= 0:
		se, err := number(p.se)
		if err != nil {
			return err
		}
		if se <= 0 {
			return fmt.Errorf("the standard error %g is not above zero (leave the column out if errors are not known: --columns LENGTH,ESTIMATE)", se)
		}
		t.SE = append(t.SE, t.scale*se)
	case p.lo >= 0 && p.hi >= 0:
		lo, err := number(p.lo)
		if err != nil {
			return err
		}
		hi, err := number(p.hi)
		if err != nil {
			return err
		}
		if !(lo < hi) || v < lo || v > hi {
			return fmt.Errorf("the estimate %g does not lie within its interval %g to %g", v, lo, hi)
		}
		t.SE = append(t.SE, t.scale*(hi-lo)/(2*info.Z95))
	}
	return nil
}

// sort orders the rows by length.
func (t *Table) sort(lines []string) error {
	t.order = make([]int, len(t.Length))
	for i := range t.order {
		t.order[i] = i
	}
	slices.SortStableFunc(t.order, func(a, b int) int {
		switch {
		case t.Length[a] < t.Length[b]:
			return -1
		case t.Length[a] > t.Length[b]:
			return 1
		}
		return 0
	})
	for i := 1; i < len(t.order); i++ {
		if a, b := t.order[i-1], t.order[i]; t.Length[a] == t.Length[b] {
			return fmt.Errorf("%s and %s both have length %g: a law is fitted to one estimate at each length", lines[a], lines[b], t.Length[a])
		}
	}
	arrange := func(x []float64) []float64 {
		if x == nil {
			return nil
		}
		out := make([]float64, len(x))
		for i, k := range t.order {
			out[i] = x[k]
		}
		return out
	}
	t.Length, t.Value, t.SE = arrange(t.Length), arrange(t.Value), arrange(t.SE)
	return nil
}

// pick finds the columns.
func (g *grid) pick(c Columns) (picked, error) {
	p := picked{-1, -1, -1, -1, -1}
	if len(c.Names) > 0 {
		if len(c.Names) < 2 || len(c.Names) > 3 {
			return p, fmt.Errorf("--columns names two or three columns, LENGTH,ESTIMATE[,ERROR], not %d", len(c.Names))
		}
		for i, at := range []*int{&p.length, &p.value, &p.se}[:len(c.Names)] {
			k, err := g.find(c.Names[i])
			if err != nil {
				return p, err
			}
			*at = k
		}
		return p, nil
	}
	if len(g.head) == 0 {
		switch g.width {
		case 2:
			return picked{0, 1, -1, -1, -1}, nil
		case 3:
			return picked{0, 1, 2, -1, -1}, nil
		}
		return p, fmt.Errorf("%s without names: say which to read by number, as in --columns 1,2,3 for length, estimate and standard error", info.Plural(g.width, "column"))
	}
	for _, x := range []struct {
		at    *int
		names []string
	}{{&p.length, lengthNames}, {&p.value, valueNames}, {&p.se, errorNames}, {&p.lo, lowNames}, {&p.hi, highNames}} {
		*x.at = g.first(x.names)
	}
	for _, x := range []struct {
		at    int
		what  string
		names []string
	}{{p.length, "lengths", lengthNames}, {p.value, "estimates", valueNames}} {
		if x.at < 0 {
			return p, fmt.Errorf("no column of %s (one of %s) among %s; name the columns with --columns LENGTH,ESTIMATE[,ERROR]",
				x.what, strings.Join(x.names, ", "), strings.Join(g.head, ", "))
		}
	}
	return p, nil
}

// first is the column that has the first of the names that any column has.
func (g *grid) first(names []string) int {
	for _, n := range names {
		if i := slices.IndexFunc(g.head, func(h string) bool { return columnName(h) == n }); i >= 0 {
			return i
		}
	}
	return -1
}

// find is the column of a name, or of a number from 1.
func (g *grid) find(name string) (int, error) {
	if i := slices.Index(g.head, name); i >= 0 {
		return i, nil
	}
	if i := slices.IndexFunc(g.head, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), name) }); i >= 0 {
		return i, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= g.width {
		return n - 1, nil
	}
	have := info.Plural(g.width, "column") + " without names"
	if len(g.head) > 0 {
		have = strings.Join(g.head, ", ")
	}
	return 0, fmt.Errorf("--columns: no column %q (the table has %s)", name, have)
}

// title is how messages call a column.
func (g *grid) title(i int) string {
	if i < len(g.head) {
		return "column " + g.head[i]
	}
	return fmt.Sprintf("column %d", i+1)
}

// isBits reports whether a column says that it is in bits.
func (g *grid) isBits(i int) bool {
	if i < 0 || i >= len(g.head) {
		return false
	}
	h := strings.ToLower(g.head[i])
	return columnName(h) == "bits" || strings.Contains(h, "(bit") || strings.Contains(h, "[bit")
}

// columnName is the name of a column without its unit, in lower case: "i" of "I (nats)".
func columnName(head string) string {
	if i := strings.IndexAny(head, "([/"); i > 0 {
		head = head[:i]
	}
	return strings.NewReplacer(" ", "_", "-", "_", ".", "_").Replace(strings.ToLower(strings.TrimSpace(head)))
}

// ofSeries are the rows of one series of estimates.csv as l2m measure writes it; all
// rows of another table.
func (g *grid) ofSeries(want string) ([]gridRow, error) {
	estimator, ratio, quantity := g.first([]string{"estimator"}), g.first([]string{"ratio"}), g.first([]string{"quantity"})
	if estimator < 0 || ratio < 0 {
		if want != "" {
			return nil, fmt.Errorf("--series %s: the table has no columns estimator and ratio", want)
		}
		return g.rows, nil
	}
	var names []string
	by := map[string][]gridRow{}
	for _, row := range g.rows {
		if quantity >= 0 && row.cell(quantity) != "bipartite" {
			continue
		}
		name := row.cell(estimator) + "/" + row.cell(ratio)
		if by[name] == nil {
			names = append(names, name)
		}
		by[name] = append(by[name], row)
	}
	switch {
	case want == "" && len(names) == 1:
		return by[names[0]], nil
	case want == "" && len(names) > 1:
		return nil, fmt.Errorf("the table has several series; choose one: --series %s", strings.Join(names, " | "))
	case by[want] == nil:
		return nil, fmt.Errorf("--series %s: no such series (the table has %s)", want, strings.Join(names, ", "))
	}
	return by[want], nil
}
