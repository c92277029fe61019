// Package rundir keeps run directories: the folders in which verbs leave their
// results, and from which interrupted work continues.
//
//  1. Open takes the lock of a directory for one kind of run, and refuses a
//     directory that holds another kind, or files that no run wrote.
//  2. run.json names the kind, the command, the key of what is stored, and every
//     file of the run: the manifest. It is written before a file is.
//  3. Write and Folder add files and folders to the manifest; what stands there
//     already and is not in the manifest is somebody's, and is refused.
//  4. Discard, and Open with Fresh, remove only what the manifest names.
//  5. Read says what a directory holds, without the lock.
package rundir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/internal/filelock"
)

// Format is the version of run.json.
const Format = "l2m.run/2"

// formatFamily starts the Format of every version.
const formatFamily = "l2m.run/"

// ErrLocked says that another process is writing the run.
var ErrLocked = errors.New("the run is being written")

// ForeignError says that something in the directory is not of this run, so that it
// must not be touched.
type ForeignError struct {
	Path   string // what is in the way
	Reason string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s %s (move it away, or choose another --out)", e.Path, e.Reason)
}

// Header is what run.json says of a run.
type Header struct {
	Format  string          `json:"format"`
	Kind    string          `json:"kind"`
	Command string          `json:"command,omitempty"` // that started the run, or added windows to it
	Version string          `json:"version,omitempty"` // of the l2m that started it
	Key     json.RawMessage `json:"key,omitempty"`     // of what is stored; its meaning is the kind's
	Files   []string        `json:"files"`             // the manifest, sorted; folders end in a slash
}

// Options are the choices when a directory is opened.
type Options struct {
	Fresh   bool   // discard what an earlier run of the same kind left
	Command string // that starts the run
	// Keep names a file in the directory that is the run's input: it may stand there,
	// and the run never writes it.
	Keep string
}

// Dir is a run directory that this process may write to. Its methods are not safe
// for concurrent use.
type Dir struct {
	path    string
	kind    Kind
	head    Header
	stored  bool // run.json is there
	made    bool // the directory was made by Open
	lock    *os.File
	noLocks bool
}

// Open opens the directory at path for a run of one kind: an empty or missing one
// starts a run, that of an earlier run of the same kind goes on. A run that another
// process is writing is refused with ErrLocked; another kind of run, and a file that
// is in the way and that no run wrote, with a *ForeignError, also with o.Fresh.
func Open(dir string, kind Kind, o Options) (_ *Dir, err error) {
	d := &Dir{path: dir, kind: kind, head: Header{Format: Format, Kind: kind.Verb, Command: o.Command, Version: info.BuildVersion().Short()}}
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		d.made = true
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the run directory: %w (choose another --out)", err)
	}
	if err := d.acquire(); err != nil {
		return nil, fmt.Errorf("opening the run %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			d.Close()
			err = fmt.Errorf("opening the run: %w", err)
		}
	}()
	if err := d.load(o.Keep); err != nil {
		return nil, err
	}
	if err := d.removeLeftovers(); err != nil {
		return nil, err
	}
	if o.Fresh && d.stored {
		if err := d.Discard(d.head.Files...); err != nil {
			return nil, err
		}
		d.head.Key, d.head.Command, d.head.Version = nil, o.Command, info.BuildVersion().Short()
		if err := d.save(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// acquire takes the lock.
func (d *Dir) acquire() error {
	for {
		lock, supported, err := filelock.Acquire(d.Path(lockName))
		if errors.Is(err, filelock.ErrHeld) {
			who := strings.TrimPrefix(err.Error(), filelock.ErrHeld.Error())
			return fmt.Errorf("%w%s (wait until it has ended, or choose another --out)", ErrLocked, who)
		} else if err != nil {
			return fmt.Errorf("%w (choose another --out)", err)
		}
		// Between opening the file and locking it, its last owner may have removed it.
		held, err := lock.Stat()
		if err == nil {
			if named, err := os.Stat(d.Path(lockName)); err == nil && os.SameFile(held, named) {
				d.lock, d.noLocks = lock, !supported
				return nil
			}
		}
		lock.Close()
		if err := os.MkdirAll(d.path, 0o755); err != nil {
			return err
		}
	}
}

// load reads run.json. Without one, nothing but the file keep may stand where a run
// of this kind writes.
func (d *Dir) load(keep string) error {
	st, err := os.Lstat(d.Path(RunFile))
	if errors.Is(err, fs.ErrNotExist) {
		return d.refuseForeign(keep)
	} else if err != nil {
		return err
	} else if !st.Mode().IsRegular() {
		return &ForeignError{d.Path(RunFile), "is not the file of a run"}
	}
	content, err := os.ReadFile(d.Path(RunFile))
	if err != nil {
		return err
	}
	head, err := parseHeader(content)
	if err != nil {
		return &ForeignError{d.Path(RunFile), err.Error()}
	}
	if head.Kind != d.kind.Verb {
		return &ForeignError{d.path, "holds a run of l2m " + head.Kind + ", not of l2m " + d.kind.Verb}
	}
	d.head, d.stored = head, true
	for _, entry := range head.Files {
		if err := d.checkFolder(path.Dir(entry)); err != nil {
			return err
		}
	}
	return nil
}

// refuseForeign refuses a directory without run.json in which a name that the run
// needs is taken.
func (d *Dir) refuseForeign(keep string) error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == keep {
			continue
		}
		if d.kind.Holds(e.Name()) || d.kind.owns(e.Name()+"/") == nil {
			return &ForeignError{d.Path(e.Name()), "was not written by this run"}
		}
	}
	return nil
}

// checkFolder refuses a link in the place of a folder of the run: what it points to
// may be outside.
func (d *Dir) checkFolder(folder string) error {
	if folder == "." {
		return nil
	}
	st, err := os.Lstat(d.Path(folder))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !st.IsDir():
		return &ForeignError{d.Path(folder), "is not a folder of this run"}
	}
	return nil
}

// errNotOurs says that a run.json is another program's.
var errNotOurs = errors.New("was not written by l2m")

// parseHeader reads and checks run.json. Its errors follow the name of the file.
func parseHeader(content []byte) (Header, error) {
	var h Header
	if err := json.Unmarshal(content, &h); err != nil {
		return h, fmt.Errorf("was not written by l2m, or is damaged: %w", err)
	}
	if !strings.HasPrefix(h.Format, formatFamily) {
		return h, errNotOurs
	}
	if h.Format != Format {
		return h, fmt.Errorf("is of another version of l2m: its format is %s, this one's %s", h.Format, Format)
	}
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil {
		return h, fmt.Errorf("is damaged: %w", err)
	}
	k, ok := kindOf(h.Kind)
	if !ok {
		return h, fmt.Errorf("names a kind of run that this l2m does not know: %q", h.Kind)
	}
	for _, entry := range h.Files {
		if err := k.owns(entry); err != nil {
			return h, fmt.Errorf("is damaged: %w", err)
		}
	}
	return h, nil
}

// save writes run.json.
func (d *Dir) save() error {
	slices.Sort(d.head.Files)
	d.head.Files = slices.Compact(d.head.Files)
	if d.head.Files == nil {
		d.head.Files = []string{}
	}
	content, err := json.MarshalIndent(d.head, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", RunFile, err)
	}
	if err := atomicfile.WriteBytes(d.Path(RunFile), 0o644, append(content, '\n')); err != nil {
		return err
	}
	d.stored = true
	return nil
}

// Path is the path of a file of the run; name is relative and has slashes.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }

// Locked reports whether the file system has locks, so that two processes cannot
// write the run at the same time.
func (d *Dir) Locked() bool { return !d.noLocks }

// Kind is the kind of the run.
func (d *Dir) Kind() Kind { return d.kind }

// Command is the command that started the run, or that SetCommand stored since.
func (d *Dir) Command() string { return d.head.Command }

// SetCommand stores the command that extends the run.
func (d *Dir) SetCommand(command string) error {
	if d.head.Command == command {
		return nil
	}
	d.head.Command = command
	return d.save()
}

// Key decodes what SetKey stored into key, and reports whether there is anything.
func (d *Dir) Key(key any) (bool, error) {
	if d.head.Key == nil {
		return false, nil
	}
	dec := json.NewDecoder(bytes.NewReader(d.head.Key))
	dec.DisallowUnknownFields()
	if err := dec.Decode(key); err != nil {
		return false, fmt.Errorf("%s: the key of the run is damaged: %w (restore the file, or discard the run with --fresh)", d.Path(RunFile), err)
	}
	return true, nil
}

// SetKey stores what identifies the content of the run. key must encode as JSON.
func (d *Dir) SetKey(key any) error {
	raw, err := json.Marshal(key)
	if err != nil {
		return fmt.Errorf("writing %s: %w", RunFile, err)
	}
	d.head.Key = raw
	return d.save()
}

// Has reports whether the run wrote a file, or made a folder of parts, of that
// name.
func (d *Dir) Has(name string) bool {
	return slices.Contains(d.head.Files, name) || slices.Contains(d.head.Files, name+"/")
}

// Face is a file of the run, as a function that writes its content.
type Face struct {
	Name  string // relative, with slashes
	Write func(io.Writer) error
	Mode  fs.FileMode // 0 means 0644
}

// Faces are the files that make makes of a document; none where make is nil.
func Faces[D any](make func(doc D, formats []string) []Face, doc D, formats []string) []Face {
	if make == nil {
		return nil
	}
	return make(doc, formats)
}

// Write writes files, each whole, replacing only files that the run wrote before.
// Nothing is written if one of them is somebody else's.
func (d *Dir) Write(faces ...Face) error {
	var names []string
	for _, f := range faces {
		if err := d.kind.owns(f.Name); err != nil {
			return err
		}
		if dir := path.Dir(f.Name); dir != "." {
			names = append(names, dir+"/")
		}
		names = append(names, f.Name)
	}
	if err := d.claim(names...); err != nil {
		return err
	}
	for _, f := range faces {
		if err := os.MkdirAll(filepath.Dir(d.Path(f.Name)), 0o755); err != nil {
			return atomicfile.Explain(err)
		}
		mode := f.Mode
		if mode == 0 {
			mode = 0o644
		}
		if err := atomicfile.WriteFile(d.Path(f.Name), mode, f.Write); err != nil {
			return err
		}
	}
	return nil
}

// Folder makes a folder of parts, and returns its path. Parts are added and removed
// by whoever writes them; they have the names that the kind gives them.
func (d *Dir) Folder(name string) (string, error) {
	if _, ok := d.kind.folders[name]; !ok {
		return "", fmt.Errorf("a run of l2m %s has no folder %q", d.kind.Verb, name)
	}
	if err := d.claim(name + "/"); err != nil {
		return "", err
	}
	return d.Path(name), atomicfile.Explain(os.MkdirAll(d.Path(name), 0o755))
}

// Check refuses what stands under the name of a file or folder that the run has not
// written, with a *ForeignError.
func (d *Dir) Check(name string) error {
	if d.Has(name) {
		return nil
	}
	if _, err := os.Lstat(d.Path(name)); err == nil {
		return &ForeignError{d.Path(name), "was not written by this run"}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// claim adds entries to the manifest. What is there already under such a name, and
// not in the manifest, is refused before anything changes.
func (d *Dir) claim(entries ...string) error {
	var added []string
	for _, entry := range entries {
		if slices.Contains(d.head.Files, entry) || slices.Contains(added, entry) {
			continue
		}
		if err := d.Check(strings.TrimSuffix(entry, "/")); err != nil {
			return err
		}
		added = append(added, entry)
	}
	for _, entry := range entries {
		if err := d.checkFolder(strings.TrimSuffix(path.Dir(entry), "/")); err != nil {
			return err
		}
	}
	if len(added) == 0 && d.stored {
		return nil
	}
	d.head.Files = append(d.head.Files, added...)
	return d.save()
}

// Close gives the directory back to other processes. One in which nothing came to
// be is removed, if Open made it.
func (d *Dir) Close() error {
	if d == nil || d.lock == nil {
		return nil
	}
	d.removeEmpty()
	if _, err := os.Lstat(d.Path(RunFile)); errors.Is(err, fs.ErrNotExist) {
		os.Remove(d.Path(lockName))
		if d.made {
			os.Remove(d.path) // fails, as it should, where somebody put something
		}
	}
	err := d.lock.Close()
	d.lock = nil
	return err
}
