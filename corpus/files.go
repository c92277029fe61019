package corpus

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Format is how the documents stand in a file.
type Format string

// The formats.
const (
	Auto    Format = ""        // by the name of the file; plain text if it says nothing
	Text    Format = "text"    // the whole file is one document
	JSONL   Format = "jsonl"   // one JSON object per line
	Parquet Format = "parquet" // one document per row
	FASTA   Format = "fasta"   // one document per record: its letters, upper-cased
)

// ParseFormat reads the name of a format.
func ParseFormat(s string) (Format, error) {
	f := Format(s)
	if slices.Contains([]Format{Auto, Text, JSONL, Parquet, FASTA}, f) {
		return f, nil
	}
	return Auto, fmt.Errorf("unknown format %q (text, jsonl, parquet or fasta)", s)
}

// compression of a file.
type compression int

const (
	plain compression = iota
	gzipped
	zstandard
)

// file is one file to read.
type file struct {
	path  string // to open
	name  string // for people
	size  int64
	mtime time.Time // of the last change; zero where it does not matter
	form  Format
	comp  compression
	named bool // named by the user, not found in a folder: never skipped as binary
	pipe  bool // can be read only once

	progress func(n int64) // told of n more bytes read, as they stand on disk; may be nil
}

// Reasons for which files or folders found in a folder are skipped.
const (
	skipBinary   = "binary files"
	skipPacked   = "archives and packed files"
	skipHidden   = "hidden files and folders"
	skipVendor   = "vendored folders"
	skipSpecial  = "symbolic links and special files"
	skipEmpty    = "empty documents"
	skipNullRows = "rows without text"
)

// vendored folders hold other projects' files.
var vendored = []string{"vendor", "node_modules", "third_party", "__pycache__"}

// list finds the files that paths name, in lexical order within each folder.
func list(paths []string, format Format) ([]file, map[string]int, error) {
	var files []file
	skipped := map[string]int{}
	for _, p := range paths {
		found, err := listOne(p, format, skipped)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, found...)
	}
	return files, skipped, nil
}

func listOne(p string, format Format, skipped map[string]int) ([]file, error) {
	st, err := os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		if !strings.ContainsAny(p, "*?[") {
			return nil, fmt.Errorf("%s: no such file or folder", p)
		}
		matches, err := filepath.Glob(p)
		if err != nil {
			return nil, fmt.Errorf("%s: not a valid pattern: %w", p, err)
		}
		if len(matches) == 0 {
			return nil, fmt.Errorf("%s: no file matches this pattern", p)
		}
		var files []file
		for _, m := range matches {
			found, err := listOne(m, format, skipped)
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		}
		return files, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p, err)
	}
	if !st.IsDir() {
		f := newFile(p, st.Size(), format)
		f.mtime = st.ModTime()
		f.named = true
		switch mode := st.Mode(); {
		case mode&fs.ModeNamedPipe != 0 && f.form == Parquet:
			return nil, fmt.Errorf("%s: a pipe cannot hold Parquet, which is not read in order (save it to a file)", p)
		case mode&fs.ModeNamedPipe != 0:
			f.pipe = true
		case !mode.IsRegular():
			return nil, fmt.Errorf("%s: a device or socket, not a file (- reads standard input)", p)
		}
		return []file{f}, nil
	}
	root, err := filepath.EvalSymlinks(p)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p, err)
	}
	var files []file
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("reading folder: %w", err)
		}
		switch name := e.Name(); {
		case path == root:
		case strings.HasPrefix(name, "."):
			skipped[skipHidden]++
			return skipDir(e)
		case e.IsDir() && slices.Contains(vendored, name):
			skipped[skipVendor]++
			return fs.SkipDir
		case e.IsDir():
		case !e.Type().IsRegular():
			skipped[skipSpecial]++
		default:
			st, err := e.Info()
			if err != nil {
				return fmt.Errorf("reading folder: %w", err)
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			f := newFile(path, st.Size(), format)
			f.mtime = st.ModTime()
			f.name = filepath.Join(p, rel)
			files = append(files, f)
		}
		return nil
	})
	return files, err
}

func skipDir(e fs.DirEntry) error {
	if e.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// newFile tells format and compression from the name.
func newFile(path string, size int64, format Format) file {
	f := file{path: path, name: path, size: size, form: format}
	base := strings.ToLower(filepath.Base(path))
	switch ext := filepath.Ext(base); ext {
	case ".gz":
		f.comp, base = gzipped, strings.TrimSuffix(base, ext)
	case ".zst", ".zstd":
		f.comp, base = zstandard, strings.TrimSuffix(base, ext)
	}
	if f.form == Auto {
		switch filepath.Ext(base) {
		case ".jsonl", ".ndjson":
			f.form = JSONL
		case ".parquet":
			f.form = Parquet
		case ".fa", ".fasta", ".fna", ".faa":
			f.form = FASTA
		default:
			f.form = Text
		}
	}
	return f
}

// packings are what files begin with that are not text as they stand, and what
// to do where they are not read.
var packings = []struct {
	magic string
	comp  compression
	cure  string
}{
	{"\x1f\x8b", gzipped, ""},
	{"\x28\xb5\x2f\xfd", zstandard, ""},
	{"BZh", plain, "bzip2 is not read: unpack it, or pipe it in (bzip2 -dc FILE | l2m … -)"},
	{"\xfd7zXZ\x00", plain, "xz is not read: unpack it, or pipe it in (xz -dc FILE | l2m … -)"},
	{"PK\x03\x04", plain, "a ZIP archive is not read: unpack it into a folder, and name that"},
	{"7z\xbc\xaf\x27\x1c", plain, "a 7z archive is not read: unpack it into a folder, and name that"},
}

// errPacked says that a file is packed in a way that is not read.
var errPacked = errors.New("packed")

// unpack returns the decompressed content of raw, which is the file. Close it,
// and then raw.
func (f file) unpack(raw io.Reader) (io.ReadCloser, error) {
	in := bufio.NewReaderSize(counted{raw, f.progress}, 1<<18)
	magic, err := in.Peek(10)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	comp := f.comp
	if len(magic) == 0 {
		comp = plain // nothing was compressed into it
	}
	// Names may be wrong, and standard input has none. What is found in a folder under
	// a name that says nothing, and is packed, is of some other format.
	data := f.named || f.form != Text || comp != plain
	for _, p := range packings {
		switch {
		case !bytes.HasPrefix(magic, []byte(p.magic)):
		case p.magic == "BZh" && !bytes.HasSuffix(magic, []byte("1AY&SY")):
			// text that begins with these letters
		case !data:
			return nil, errPacked
		case p.cure == "":
			comp = p.comp
		default:
			return nil, fmt.Errorf("%s: %s", f.name, p.cure)
		}
	}
	switch comp {
	case gzipped:
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("%s: not gzip: %w (unpack it, or mend its name)", f.name, err)
		}
		return content{&named{z, f.name}, func() { z.Close() }}, nil
	case zstandard:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return nil, fmt.Errorf("%s: not Zstandard: %w (unpack it, or mend its name)", f.name, err)
		}
		return content{&named{z, f.name}, z.Close}, nil
	}
	return content{&named{in, f.name}, func() {}}, nil
}

// content is unpacked text, and what frees its decompressor.
type content struct {
	io.Reader
	close func()
}

func (c content) Close() error { c.close(); return nil }

// counted tells how many bytes are read.
type counted struct {
	r    io.Reader
	tell func(n int64)
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.tell != nil && n > 0 {
		c.tell(int64(n))
	}
	return n, err
}

// named says in its errors which file was read and why it may fail.
type named struct {
	r    io.Reader
	name string
}

func (n *named) Read(p []byte) (int, error) {
	k, err := n.r.Read(p)
	switch {
	case err == nil || err == io.EOF:
		return k, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return k, fmt.Errorf("%s: the file ends in the middle of its compressed data (copy or download it again)", n.name)
	default:
		return k, fmt.Errorf("%s: %w", n.name, err)
	}
}
