package corpus

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/l2m-lab/l2m/corpus/source"
)

// Format is how a file holds documents.
type Format = source.Format

// Formats; see [source.Format] for all.
const (
	Auto    = source.Auto
	Text    = source.Text
	Bytes   = source.Bytes
	JSONL   = source.JSONL
	Parquet = source.Parquet
	FASTA   = source.FASTA
)

// ParseFormat reads the name of a format.
func ParseFormat(s string) (Format, error) { return source.ParseFormat(s) }

// file is one file to read.
type file struct {
	path  string // to open
	name  string // for people
	size  int64
	mtime time.Time // zero if it does not matter
	root  int       // index of the user's path under which it was found
	found bool      // in a folder, not named by the user: skipped if unreadable
	pipe  bool      // can be read only once

	members  []string // of an archive
	sequence bool     // FASTA or FASTQ

	progress func(n int64) // called for every n bytes read from disk; may be nil
}

// Reasons for skipping files and documents.
const (
	skipBroken = "broken symbolic links"
	skipCard   = "metadata files"
	passEmpty  = "empty documents"
)

// lister finds files.
type lister struct {
	strict bool
	report *source.Report
	root   int
	seen   map[string]bool // files and folders, by their real paths
	links  []link
	files  []file
}

// link is a symbolic link in a folder, followed after all regular files are listed.
type link struct{ path, name string }

// list finds the files that paths name, sorted by name under each path.
func list(paths []string, strict bool, report *source.Report) ([]file, error) {
	l := &lister{strict: strict, report: report, seen: map[string]bool{}}
	for i, p := range paths {
		l.root = i
		from := len(l.files)
		if err := l.path(p); err != nil {
			return nil, err
		}
		slices.SortStableFunc(l.files[from:], func(a, b file) int { return cmp.Compare(a.name, b.name) })
	}
	return l.files, nil
}

// path lists what the user has named: a file, a folder, or a pattern.
func (l *lister) path(p string) error {
	st, err := os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(p, "*?[") {
		matches, err := filepath.Glob(strings.ReplaceAll(p, "[!", "[^")) // ! as in a shell
		if err != nil {
			return fmt.Errorf("%s: not a valid pattern: %w", printable(p), err)
		}
		if len(matches) == 0 {
			return fmt.Errorf("%s: no file matches this pattern", printable(p))
		}
		for _, m := range matches {
			if err := l.path(m); err != nil {
				return err
			}
		}
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such file or folder", printable(p))
	}
	var real string
	if err == nil {
		real, err = realPath(p)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", printable(p), cause(err))
	}
	switch mode := st.Mode(); {
	case mode.IsDir():
		return l.tree(real, p)
	case mode&fs.ModeNamedPipe != 0:
		l.files = append(l.files, file{path: p, name: p, pipe: true, root: l.root})
	case !mode.IsRegular():
		return fmt.Errorf("%s: a device or socket, not a file (- reads standard input)", printable(p))
	default:
		l.add(real, p, st, false)
	}
	return nil
}

// realPath is the absolute path without symbolic links.
func realPath(p string) (string, error) {
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return "", err
	}
	return filepath.Abs(real)
}

func printable(name string) string { return source.Printable(name) }

// cause is a system error without the name of the file, which messages state themselves.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// add adds a file unless it was added before.
func (l *lister) add(real, name string, st fs.FileInfo, found bool) {
	if l.seen[real] {
		return
	}
	l.seen[real] = true
	l.files = append(l.files, file{path: real, name: name, size: st.Size(), mtime: st.ModTime(), root: l.root, found: found})
}

// tree lists the files in a folder that the user has named.
func (l *lister) tree(real, name string) error {
	if _, err := os.ReadDir(real); err != nil {
		return fmt.Errorf("reading the folder %s: %w", printable(name), cause(err))
	}
	if err := l.folder(real, name); err != nil {
		return err
	}
	for len(l.links) > 0 {
		next := l.links[0]
		l.links = l.links[1:]
		if err := l.follow(next); err != nil {
			return err
		}
	}
	return nil
}

// folder lists the files in a folder and collects its links.
func (l *lister) folder(real, name string) error {
	if l.seen[real] {
		return nil
	}
	l.seen[real] = true
	entries, err := os.ReadDir(real)
	if err != nil {
		return l.unreadable(name, err)
	}
	has := func(s string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == s })
	}
	// In the Hugging Face hub's cache, links in snapshots lead to files in blobs.
	cache := has("blobs") && has("snapshots")
	hub := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), "datasets--") })
	described := has("state.json") || has("dataset_info.json") || has("dataset_dict.json")
	for _, e := range entries {
		path, called := filepath.Join(real, e.Name()), filepath.Join(name, e.Name())
		why := source.Ignored(e.Name(), e.IsDir())
		switch {
		case cache && e.Name() != "snapshots":
		case why != "":
			l.report.Skip(why, called)
		case e.IsDir():
			if err := l.folder(path, called); err != nil {
				return err
			}
		case hub && e.Name() == "version.txt", described && slices.Contains([]string{"state.json", "dataset_info.json", "dataset_dict.json"}, e.Name()):
			l.report.Skip(skipCard, called)
		case e.Type()&fs.ModeSymlink != 0:
			l.links = append(l.links, link{path, called})
		case !e.Type().IsRegular():
			l.report.Skip(source.SkipSpecial, called)
		default:
			st, err := e.Info()
			if err != nil {
				if err := l.unreadable(called, err); err != nil {
					return err
				}
				continue
			}
			l.add(path, called, st, true)
		}
	}
	return nil
}

// follow lists the target of a symbolic link, unless it was listed before.
func (l *lister) follow(to link) error {
	real, err := realPath(to.path)
	var st fs.FileInfo
	if err == nil {
		st, err = os.Stat(real)
	}
	switch {
	case err != nil && l.strict:
		return fmt.Errorf("following the symbolic link %s: %w", printable(to.name), cause(err))
	case err != nil:
		l.report.Skip(skipBroken, to.name)
	case st.IsDir():
		return l.folder(real, to.name)
	case st.Mode().IsRegular():
		l.add(real, to.name, st, true)
	default:
		l.report.Skip(source.SkipSpecial, to.name)
	}
	return nil
}

// unreadable skips an unreadable entry of a folder, or fails if strict.
func (l *lister) unreadable(name string, err error) error {
	if l.strict {
		return fmt.Errorf("reading %s: %w", printable(name), cause(err))
	}
	l.report.Skip(source.SkipUnreadable, name)
	return nil
}

// cards are the names, without extensions, of files that describe the data beside
// them.
var cards = []string{"readme", "license", "licence", "copying", "notice", "citation", "changelog", "changes", "dataset_infos", "croissant", "cachedir", "_success", "_metadata", "_common_metadata"}

// dropCards drops the files of an archive that describe the data beside them.
func (r *indexed) dropCards() {
	cards := map[int]string{}
	for i, name := range r.report.Members {
		if isCard(name) {
			cards[i+1] = name
		}
	}
	if len(cards) == 0 {
		return
	}
	r.docs.keep(func(d *document) bool {
		name, card := cards[d.record.Member()]
		if card && d.record.Number() == 0 {
			r.report.Dismiss(skipCard, name)
			return false
		}
		return true
	})
}

// isCard reports whether a file describes the data beside it.
func isCard(name string) bool {
	base := strings.ToLower(filepath.Base(name))
	base, _, _ = strings.Cut(base, ".")
	return slices.Contains(cards, base)
}
