package option

import (
	"github.com/l2m-lab/l2m/corpus/source"
)

// Reading holds the options for reading documents.
type Reading struct {
	Format, Field          *string
	MaxRecord              *int64
	Strict, KeepDuplicates *bool
}

// Reading declares the options of all verbs that read documents.
func (s Set) Reading(r Reading) {
	s.Text(r.Field, "field", "", "", "field of JSON or column of a table that holds the text; dots reach into objects, as in messages.content (default text)", Numbers)
	s.Text(r.Format, "format", "", "", source.FormatNames()+" (default: recognised by content, then by name)", Numbers)
	s.Value(Size(r.MaxRecord), "max-record", "", "longest record to read; it must fit in memory (default 256M)", Numbers)
	s.Bool(r.Strict, "strict", "", false, "stop at unreadable files in folders and archives instead of skipping them", Numbers)
	s.Bool(r.KeepDuplicates, "keep-duplicates", "", false, "keep exact duplicate documents", Numbers)
}

// Output declares where a verb writes and with which figures; fresh is nil for verbs
// that cannot be resumed.
func (s Set) Output(out *string, fresh *bool, figures *[]string, help string) {
	s.Text(out, "out", "o", "", help, Running)
	if fresh != nil {
		s.Bool(fresh, "fresh", "", false, "discard what an earlier run left in the run directory", Running)
	}
	s.List(figures, "figures", nil, "formats of the static figures (default svg,png,pdf)", Running)
}
