package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Info is what a directory says of the run in it.
type Info struct {
	Header
	Run      Kind
	Finished bool // its document is there
}

// Read says which run a directory holds, from run.json or, in a directory that has
// none because only the document was kept, from the document's name. The error is
// fs.ErrNotExist for a folder that holds no run, a *ForeignError for a run.json that
// is damaged or of another version.
func Read(fsys fs.FS) (Info, error) {
	content, err := fs.ReadFile(fsys, RunFile)
	if err != nil {
		for _, k := range Kinds() {
			if regular(fsys, k.Document) {
				return Info{Header: Header{Kind: k.Verb}, Run: k, Finished: true}, nil
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = fs.ErrNotExist
		}
		return Info{}, err
	}
	h, err := parseHeader(content)
	if errors.Is(err, errNotOurs) {
		return Info{}, fs.ErrNotExist
	} else if err != nil {
		return Info{}, &ForeignError{RunFile, err.Error()}
	}
	k, _ := kindOf(h.Kind)
	return Info{Header: h, Run: k, Finished: regular(fsys, k.Document)}, nil
}

// ReadDir is Read for the path of a directory.
func ReadDir(dir string) (Info, error) {
	i, err := Read(os.DirFS(dir))
	var foreign *ForeignError
	if errors.As(err, &foreign) {
		return i, &ForeignError{filepath.Join(dir, foreign.Path), foreign.Reason}
	} else if errors.Is(err, fs.ErrNotExist) {
		return i, fmt.Errorf("%s is not the directory of a run of l2m: it has no %s", dir, RunFile)
	} else if err != nil {
		return i, fmt.Errorf("%s: %w", dir, err)
	}
	return i, nil
}

// Reopen opens the directory of an existing run to write its faces again. A
// directory that has only a document, without run.json, becomes a run of its kind;
// the document itself stays somebody else's file.
func Reopen(dir string) (*Dir, Info, error) {
	i, err := ReadDir(dir)
	if err != nil {
		return nil, i, err
	}
	d, err := Open(dir, i.Run, Options{Command: i.Command, Keep: i.Run.Document})
	return d, i, err
}

func regular(fsys fs.FS, name string) bool {
	st, err := fs.Stat(fsys, filepath.ToSlash(name))
	return err == nil && st.Mode().IsRegular()
}
