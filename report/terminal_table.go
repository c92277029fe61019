package report

import (
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"
)

// The gaps between columns: what they are where there is room, and at least.
const roomyGap, narrowGap = 3, 1

// Names are cut to shortestName before columns are dropped, and to leastName afterwards.
const shortestName, leastName = 28, 16

// textTable is a page.Table laid out in columns of characters.
type textTable struct {
	columns []page.Column
	rows    [][]string // headings of groups are rows of one cell
	widths  []int
	gap     int
	dropped bool // some columns had no room
}

// table writes a table, one of its rows bold (0 is none). Where the terminal is
// narrow, columns come closer, those that matter least are dropped, and names are
// cut, in this order. It reports whether all columns are shown.
func (t *terminal) table(tab *page.Table, bold int) (whole bool) {
	x := layTable(tab, t.opts.Width)
	if over := x.over(); over != "" {
		t.out.WriteString(t.colour(over, text.Faint) + "\n")
	}
	for i, row := range append([][]string{x.heads()}, x.rows...) {
		line := x.line(row)
		switch {
		case i == 0:
			line = t.colour(line, text.Faint)
		case i == bold || len(row) == 1 && len(x.columns) > 1:
			line = t.colour(line, text.Bold)
		}
		t.out.WriteString(line + "\n")
	}
	for _, note := range tab.Notes {
		t.paragraph(note, 2, text.Faint)
	}
	return !x.dropped
}

// layTable chooses the columns and widths of a table.
func layTable(tab *page.Table, width int) *textTable {
	x := &textTable{gap: roomyGap}
	grouped := slices.ContainsFunc(tab.Rows, func(row []prose.Phrase) bool { return len(row) == 1 && len(tab.Columns) > 1 })
	var from []int
	for i, c := range tab.Columns {
		if !c.PageOnly {
			x.columns, from = append(x.columns, c), append(from, i)
		}
	}
	for _, row := range tab.Rows {
		var cells []string
		for _, i := range from {
			if len(row) == 1 {
				cells = []string{printable(row[0].String())}
				break
			}
			cells = append(cells, strings.ReplaceAll(printable(row[i].String()), "\u00a0", " "))
		}
		if grouped && len(cells) > 1 {
			cells[0] = "  " + cells[0]
		}
		x.rows = append(x.rows, cells)
	}
	for x.measure() > width {
		switch least := x.least(); {
		case x.gap > narrowGap:
			x.gap--
		case x.cut(x.measure()-width, shortestName):
		case least >= 0:
			x.drop(least)
		default:
			x.cut(x.measure()-width, leastName)
			return x
		}
	}
	return x
}

// measure sets the widths of the columns and returns that of the table.
func (x *textTable) measure() int {
	x.widths = make([]int, len(x.columns))
	for _, row := range append(x.rows, x.heads()) {
		for i, c := range row {
			if len(row) == len(x.columns) {
				x.widths[i] = max(x.widths[i], text.StringWidthWithoutEscSequences(c))
			}
		}
	}
	end := 0
	for _, span := range page.Spans(x.columns) { // the last column makes room for the head over it
		end += span.Columns
		have := x.gap * (span.Columns - 1)
		for _, w := range x.widths[end-span.Columns : end] {
			have += w
		}
		x.widths[end-1] += max(0, text.StringWidthWithoutEscSequences(span.Head)-have)
	}
	total := x.gap * (len(x.widths) - 1)
	for _, w := range x.widths {
		total += w
	}
	return total
}

// least is the column to drop first, -1 where all must stay.
func (x *textTable) least() int {
	least := -1
	for i, c := range x.columns {
		if c.Drop > 0 && (least < 0 || c.Drop >= x.columns[least].Drop) {
			least = i
		}
	}
	return least
}

func (x *textTable) drop(i int) {
	without := func(s []string) []string { return append(s[:i:i], s[i+1:]...) }
	for j, row := range x.rows {
		if len(row) == len(x.columns) {
			x.rows[j] = without(row)
		}
	}
	x.columns = append(x.columns[:i:i], x.columns[i+1:]...)
	x.dropped = true
}

// cut shortens the names in wide columns by excess, but not below least. It reports
// whether there was anything to cut.
func (x *textTable) cut(excess, least int) bool {
	any := false
	for i, c := range x.columns {
		if !c.Wide || x.widths[i] <= least {
			continue
		}
		w := max(least, x.widths[i]-excess)
		excess -= x.widths[i] - w
		x.widths[i], any = w, true
		for _, row := range x.rows {
			if len(row) == len(x.columns) {
				row[i] = cutName(row[i], w)
			}
		}
	}
	return any
}

func (x *textTable) heads() []string {
	var heads []string
	for _, c := range x.columns {
		if c.Short != "" {
			heads = append(heads, c.Short)
		} else {
			heads = append(heads, printable(c.Head.String()))
		}
	}
	return heads
}

// line writes a row, or the heading of a group.
func (x *textTable) line(row []string) string {
	if len(row) != len(x.columns) {
		return row[0]
	}
	var b strings.Builder
	for i, c := range row {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", x.gap))
		}
		if x.columns[i].Numeric {
			b.WriteString(text.AlignRight.Apply(c, x.widths[i]))
		} else {
			b.WriteString(text.Pad(c, x.widths[i], ' '))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// over is the line of heads that several columns share; "" without any.
func (x *textTable) over() string {
	var b strings.Builder
	i := 0
	for _, span := range page.Spans(x.columns) {
		room := x.gap * (span.Columns - 1)
		if i > 0 {
			b.WriteString(strings.Repeat(" ", x.gap))
		}
		for ; span.Columns > 0; span.Columns-- {
			room += x.widths[i]
			i++
		}
		b.WriteString(text.AlignRight.Apply(span.Head, room))
	}
	return b.String()
}
