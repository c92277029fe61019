// Package page writes self-contained HTML pages: a verdict, the numbers and the
// figure that carry it, then sections of figures, tables and text.
package page

import (
	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/prose"
)

// Page is the frame of every HTML report: a verdict in words, the numbers that
// carry it, the picture that shows it, then sections. Pages are self-contained
// (own style and script, no request of any kind, also from file://), follow
// the reader's light or dark setting, print on A4, and need no script to be
// read: it adds hover values, keyboard stepping and the switch of units.
type Page struct {
	Kind    string       // the verb: "measure", "audit"
	Subject string       // what it is about, such as the corpus; may be hostile text, is escaped
	Verdict prose.Phrase // the finding, as a sentence a stranger understands
	Tone    Tone
	Formula prose.Phrase   // the finding as a formula, set large; may be empty
	Lead    prose.Phrase   // one or two sentences more: how sure, by what
	Points  []prose.Phrase // what the lead goes on to list; may be empty
	Facts   []Fact
	Hero    *figure.Figure // beside the verdict
	// Warnings of the run; shown with their cures after the first screen.
	Warnings []WarningBlock
	Folded   []WarningBlock // of less weight: shown on demand
	Sections []Section
	// Data is the JSON document that the numbers come from, embedded in the
	// page; DataName is its file name in the run directory. May be empty.
	Data     []byte
	DataName string
	Command  string // that made it
	Version  string // of l2m
}

// Tone colours a verdict.
type Tone string

// The tones.
const (
	Neutral  Tone = "neutral"
	Good     Tone = "good"     // holds
	Bad      Tone = "bad"      // rejected
	Doubtful Tone = "doubtful" // undecided
)

// Fact is a number of the first screen with what it means.
type Fact struct {
	Label string
	Value prose.Phrase
	Note  prose.Phrase // small print under the value
}

// Section is a chapter of a page.
type Section struct {
	ID     string // anchor
	Title  string
	Blocks []Block
}

// Block is what sections are made of: a figure (see Draw), Tabs, *Table, Prose, List,
// WarningBlock, Details.
type Block interface{ block() }

// drawing is a figure as a block.
type drawing struct{ *figure.Figure }

// Draw shows a figure, with its title and caption.
func Draw(f *figure.Figure) Block { return drawing{f} }

// Prose is a paragraph.
type Prose struct{ Text prose.Phrase }

// List is a list of paragraphs.
type List struct{ Items []prose.Phrase }

// Tabs shows one of several figures at a time, and all of them in print.
type Tabs struct {
	ID      string // unique in the page
	Figures []Tab
}

// Tab is a figure and the name of its tab.
type Tab struct {
	Label  string
	Figure *figure.Figure
}

// Table is a table of numbers and words, which pages and terminals show.
type Table struct {
	ID      string
	Caption prose.Phrase // of the page; terminals print their own lines around tables
	Columns []Column
	Rows    [][]prose.Phrase // one Phrase per column, or a single one as heading of a group of rows
	Notes   []string         // footnotes, numbered from 1 in superscript
}

// Column is a column of a Table.
type Column struct {
	Head    prose.Phrase
	Over    string // head that it shares with its neighbours; may be empty
	Numeric bool   // aligned right, in figures of equal width
	Wide    bool   // long text, which pages wrap and terminals cut

	// What terminals need to know, which have less room.
	Short    string // stands there in place of Head
	Drop     int    // above 0: columns that are dropped for want of room, the largest first
	PageOnly bool   // not shown there at all
}

// Text is a column of words.
func Text(head string) Column { return Column{Head: prose.Plain(head)} }

// Number is a column of numbers.
func Number(head string) Column { return Column{Head: prose.Plain(head), Numeric: true} }

// Span is a head over several neighbouring columns.
type Span struct {
	Head    string // empty over columns that share none
	Columns int
}

// Spans are the heads that columns share, nil without any.
func Spans(columns []Column) []Span {
	var spans []Span
	any := false
	for _, c := range columns {
		any = any || c.Over != ""
		if n := len(spans); n > 0 && spans[n-1].Head == c.Over {
			spans[n-1].Columns++
			continue
		}
		spans = append(spans, Span{c.Over, 1})
	}
	if !any {
		return nil
	}
	return spans
}

// WarningBlock is a caveat and its cure.
type WarningBlock struct {
	Where string // what it concerns, such as "vclub, L/ℓ = 2"; empty for the whole run
	Text  string
	Fix   string
}

// Details is a part that is folded away until asked for (and open in print).
type Details struct {
	Summary string
	Blocks  []Block
}

func (drawing) block()      {}
func (Tabs) block()         {}
func (*Table) block()       {}
func (Prose) block()        {}
func (List) block()         {}
func (WarningBlock) block() {}
func (Details) block()      {}
