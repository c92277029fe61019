package source

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/l2m-lab/l2m/info"
)

// Refusal says why a file was not read: it is not text, or not what its name says.
type Refusal struct {
	Name  string // of the file
	What  string // what it is: "a PDF document, which holds no plain text"
	Group string // counted together under this name: "PDF documents"
	Cure  string // what to do; may be empty
}

func (r *Refusal) Error() string {
	msg := fmt.Sprintf("%s: %s", Printable(r.Name), r.What)
	if r.Cure != "" {
		msg += " (" + strings.ReplaceAll(r.Cure, "FILE", shellName(r.Name)) + ")"
	}
	return msg
}

// ReadError says why a recognized file could not be read to its end.
type ReadError struct {
	Name string // of the file
	Text string // what is wrong, where, and what to do
	Err  error  // cause; may be nil
}

func (e *ReadError) Error() string { return Printable(e.Name) + ": " + e.Text }
func (e *ReadError) Unwrap() error { return e.Err }

// brief is the first line of an error: libraries join several.
func brief(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// atLine is an error in a line or row of a file.
func atLine(name string, line int64, format string, args ...any) *ReadError {
	err := fmt.Errorf(format, args...)
	return &ReadError{name, fmt.Sprintf("line %d: %v", line, err), errors.Unwrap(err)}
}

// Printable replaces control characters in a name, which would act on a terminal.
func Printable(name string) string {
	clean := func(r rune) bool { return unicode.IsPrint(r) && r != unicode.ReplacementChar }
	for _, r := range name {
		if !clean(r) {
			q := strconv.Quote(name)
			return q[1 : len(q)-1]
		}
	}
	return name
}

// shellName quotes a name for the shell.
func shellName(name string) string {
	if strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+=:,", r))
	}) < 0 {
		return name
	}
	return "'" + strings.ReplaceAll(Printable(name), "'", `'\''`) + "'"
}

// Tally counts files or records of one kind.
type Tally struct {
	Count int      `json:"count"`
	Names []string `json:"names,omitempty"` // of the first files, sorted
}

// maxNames is the number of names a Tally keeps.
const maxNames = 5

func (t *Tally) add(n int, names ...string) {
	t.Count += n
	for _, name := range names {
		if i, known := slices.BinarySearch(t.Names, name); !known {
			t.Names = slices.Insert(t.Names, i, name)
		}
	}
	if len(t.Names) > maxNames {
		t.Names = t.Names[:maxNames]
	}
}

// Add counts a file.
func (t *Tally) Add(name string) { t.add(1, Printable(name)) }

// Counts is what was read of one kind.
type Counts struct {
	Files     int `json:"files"`
	Documents int `json:"documents"` // including empty ones and copies
}

// Report counts what was found in files and what was done with it. Reports can be
// added.
type Report struct {
	Read    map[string]Counts `json:"read,omitempty"`    // by kind: "text", "JSON", "FASTA", …
	Skipped map[string]*Tally `json:"skipped,omitempty"` // files, by reason
	Passed  map[string]*Tally `json:"passed,omitempty"`  // records within files that were read, by reason
	Notes   map[string]*Tally `json:"notes,omitempty"`   // files that were read in a special way

	Members []string `json:"-"` // names of the files within an archive; the first has Member 1
}

func tally(m *map[string]*Tally, reason string, n int, names ...string) {
	if *m == nil {
		*m = map[string]*Tally{}
	}
	t := (*m)[reason]
	if t == nil {
		t = &Tally{}
		(*m)[reason] = t
	}
	t.add(n, names...)
}

// Skip counts a file that was not read.
func (r *Report) Skip(reason, name string) { tally(&r.Skipped, reason, 1, Printable(name)) }

// Dismiss counts a text file that was read as one that was skipped.
func (r *Report) Dismiss(reason, name string) {
	r.read(kindText, -1, -1)
	if r.Read[kindText].Files == 0 {
		delete(r.Read, kindText)
	}
	r.Skip(reason, name)
}

// Pass counts n skipped records of a file.
func (r *Report) Pass(reason, name string, n int) { tally(&r.Passed, reason, n, Printable(name)) }

// Note counts a file that was read in a special way.
func (r *Report) Note(what, name string) { tally(&r.Notes, what, 1, Printable(name)) }

func (r *Report) read(kind string, files, documents int) {
	if r.Read == nil {
		r.Read = map[string]Counts{}
	}
	k := r.Read[kind]
	r.Read[kind] = Counts{k.Files + files, k.Documents + documents}
}

// Sequences reports whether everything that was read is FASTA or FASTQ.
func (r *Report) Sequences() bool {
	for kind := range r.Read {
		if kind != kindFASTA && kind != kindFASTQ {
			return false
		}
	}
	return len(r.Read) > 0
}

// Text says that what was read is a file of text, which is one document.
func (r *Report) Text() bool { return len(r.Read) == 1 && r.Read[kindText].Files > 0 }

// Records reports whether some documents are records rather than whole text files.
func (r *Report) Records() bool {
	for kind, n := range r.Read {
		if kind != kindText && kind != kindBytes && kind != kindNotebook && n.Documents > 0 {
			return true
		}
	}
	return false
}

// Add adds the counts of another report, but not its Members.
func (r *Report) Add(o *Report) {
	for kind, k := range o.Read {
		r.read(kind, k.Files, k.Documents)
	}
	for _, m := range []struct {
		to   *map[string]*Tally
		from map[string]*Tally
	}{{&r.Skipped, o.Skipped}, {&r.Passed, o.Passed}, {&r.Notes, o.Notes}} {
		for reason, t := range m.from {
			tally(m.to, reason, t.Count, t.Names...)
		}
	}
}

// String summarizes the report in one line: "720 JSON records in 1 file; 43 files
// skipped: binary files (42), unreadable (1: c.txt)".
func (r *Report) String() string {
	var parts []string
	for _, kind := range slices.SortedFunc(maps.Keys(r.Read), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Read[b].Documents, r.Read[a].Documents), cmp.Compare(a, b))
	}) {
		k := r.Read[kind]
		if kind == kindText || kind == kindBytes {
			parts = append(parts, info.Plural(k.Files, kind+" file"))
			continue
		}
		parts = append(parts, fmt.Sprintf("%s in %s", info.Plural(k.Documents, kind), info.Plural(k.Files, "file")))
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing was read")
	}
	files := 0
	for _, t := range r.Skipped {
		files += t.Count
	}
	out := strings.Join(parts, ", ")
	if files > 0 {
		out += fmt.Sprintf("; %s skipped: %s", info.Plural(files, "file"), tallies(r.Skipped))
	}
	if len(r.Passed) > 0 {
		out += "; records left out: " + tallies(r.Passed)
	}
	if len(r.Notes) > 0 {
		out += "; " + tallies(r.Notes)
	}
	return out
}

// Reasons for skipping a file that the user may want to fix.
const (
	SkipDamaged    = "damaged"
	SkipUnreadable = "unreadable"
)

// tallies lists reasons, most frequent first. It names files only if there are few, or
// if the user may want to fix them: a folder of source code skips hundreds, whose names
// would hide the counts.
func tallies(m map[string]*Tally) string {
	const few = 2
	var parts []string
	for _, reason := range slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b].Count, m[a].Count), cmp.Compare(a, b))
	}) {
		t := m[reason]
		names := ""
		fixable := reason == SkipDamaged || reason == SkipUnreadable
		if (t.Count <= few || fixable) && len(t.Names) > 0 {
			names = ": " + strings.Join(t.Names, ", ")
		}
		if fixable && t.Count > maxNames {
			names += ", …"
		}
		parts = append(parts, fmt.Sprintf("%s (%d%s)", reason, t.Count, names))
	}
	return strings.Join(parts, ", ")
}
