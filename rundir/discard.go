package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/internal/atomicfile"
)

// Discard removes files and folders of the run, as far as the manifest names them.
// Of a folder it removes the files of the run; the folder itself only if nothing
// else is in it.
func (d *Dir) Discard(entries ...string) error {
	var gone []string
	for _, entry := range entries {
		if slices.Contains(d.head.Files, entry) {
			gone = append(gone, entry)
		}
	}
	// Longest first: files before their folders.
	slices.SortFunc(gone, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	slices.SortStableFunc(gone, func(a, b string) int { return boolInt(strings.HasSuffix(a, "/")) - boolInt(strings.HasSuffix(b, "/")) })
	for _, entry := range gone {
		if err := d.remove(entry); err != nil {
			return atomicfile.Explain(fmt.Errorf("discarding an earlier result: %w", err))
		}
	}
	if len(gone) == 0 {
		return nil
	}
	d.head.Files = slices.DeleteFunc(d.head.Files, func(entry string) bool {
		_, err := os.Lstat(d.Path(strings.TrimSuffix(entry, "/")))
		return slices.Contains(gone, entry) && errors.Is(err, fs.ErrNotExist)
	})
	return d.save()
}

// DiscardAllBut removes everything that the manifest names but some entries.
func (d *Dir) DiscardAllBut(kept ...string) error {
	return d.Discard(slices.DeleteFunc(slices.Clone(d.head.Files), func(entry string) bool { return slices.Contains(kept, entry) })...)
}

// DiscardIn removes the files that the manifest names in a folder.
func (d *Dir) DiscardIn(folder string) error {
	return d.Discard(slices.DeleteFunc(slices.Clone(d.head.Files), func(entry string) bool {
		return path.Dir(entry) != folder || strings.HasSuffix(entry, "/")
	})...)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// remove removes one entry of the manifest.
func (d *Dir) remove(entry string) error {
	folder, isFolder := strings.CutSuffix(entry, "/")
	if !isFolder {
		if err := d.checkFolder(path.Dir(entry)); err != nil {
			return err
		}
		return ignoreMissing(os.Remove(d.Path(entry)))
	}
	if err := d.checkFolder(folder); err != nil {
		return err
	}
	list, err := os.ReadDir(d.Path(folder))
	if err != nil {
		return ignoreMissing(err)
	}
	left := len(list)
	for _, e := range list {
		if parts := d.kind.folders[folder]; parts == nil || !parts.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		if err := ignoreMissing(os.Remove(d.Path(path.Join(folder, e.Name())))); err != nil {
			return err
		}
		left--
	}
	if left > 0 {
		return nil // somebody else's files
	}
	return ignoreMissing(os.Remove(d.Path(folder)))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeLeftovers removes the unfinished files of processes that were killed.
func (d *Dir) removeLeftovers() error {
	folders := []string{"."}
	for _, entry := range d.head.Files {
		if folder, is := strings.CutSuffix(entry, "/"); is {
			folders = append(folders, folder)
		}
	}
	for _, folder := range folders {
		if err := ignoreMissing(atomicfile.RemoveTemps(d.Path(folder))); err != nil {
			return err
		}
	}
	return nil
}

// removeEmpty removes run.json where nothing of what the manifest names came to be.
func (d *Dir) removeEmpty() {
	if !d.stored {
		return
	}
	for _, entry := range d.head.Files {
		folder, isFolder := strings.CutSuffix(entry, "/")
		if isFolder && d.checkFolder(folder) == nil {
			os.Remove(d.Path(folder)) // only if it is empty
		}
		if _, err := os.Lstat(d.Path(folder)); err == nil {
			return
		}
	}
	os.Remove(d.Path(RunFile))
}
