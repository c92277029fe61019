package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// listing is a table without borders that fits the terminal: where it would be wider,
// its widest cells are broken between words.
type listing struct {
	heads []any
	rows  [][]any
}

func newListing(heads ...any) *listing { return &listing{heads: heads} }

func (l *listing) add(cells ...any) { l.rows = append(l.rows, cells) }

// listingGap is the number of blanks between two columns.
const listingGap = 2

// widths are the most that each column may take, so that all fit where words allow it.
func (l *listing) widths(most int) []int {
	widths, words := make([]int, len(l.heads)), make([]int, len(l.heads))
	for _, row := range append([][]any{l.heads}, l.rows...) {
		for i, c := range row {
			cell := fmt.Sprint(c)
			widths[i] = max(widths[i], text.StringWidth(cell))
			for _, word := range strings.Fields(cell) {
				words[i] = max(words[i], text.StringWidth(word))
			}
		}
	}
	total := listingGap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > most; total-- {
		widest := -1
		for i, w := range widths {
			if w > words[i] && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}

func (l *listing) print(w io.Writer) error {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", strings.Repeat(" ", listingGap)
	t.SetStyle(style)
	var columns []table.ColumnConfig
	for i, width := range l.widths(terminalWidth(w)) {
		columns = append(columns, table.ColumnConfig{Number: i + 1, WidthMax: width, WidthMaxEnforcer: text.WrapSoft})
	}
	t.SetColumnConfigs(columns)
	t.AppendHeader(l.heads)
	for _, row := range l.rows {
		t.AppendRow(row)
	}
	for line := range strings.SplitSeq(t.Render(), "\n") {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}
