package source

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// vendored folders contain other projects' files.
var vendored = []string{"vendor", "node_modules", "third_party", "__pycache__", "__MACOSX"}

// Reasons for skipping files and folders by name.
const (
	SkipHidden = "hidden files and folders"
	SkipVendor = "vendored folders"
)

// Ignored is the reason for skipping a file or folder called name within a folder; ""
// if it is read.
func Ignored(name string, folder bool) string {
	switch {
	case strings.HasPrefix(name, ".") && name != "." && name != "..":
		return SkipHidden
	case folder && slices.Contains(vendored, name):
		return SkipVendor
	}
	return ""
}

// ignoredPath is Ignored for a path within an archive.
func ignoredPath(name string) string {
	parts := strings.Split(path.Clean(strings.ReplaceAll(name, `\`, "/")), "/")
	for i, p := range parts {
		if why := Ignored(p, i < len(parts)-1); why != "" {
			return why
		}
	}
	return ""
}

// tar reads the files in a tar archive.
func (r *reader) tar(in Input, br *bufio.Reader, depth int) error {
	archive := tar.NewReader(br)
	for {
		h, err := archive.Next()
		if err == io.EOF {
			more, err := anotherTar(br)
			if err != nil {
				return err
			}
			if !more {
				return nil
			}
			archive = tar.NewReader(br)
			continue
		}
		if err != nil {
			var read *ReadError
			if errors.As(err, &read) || r.ctx.Err() != nil {
				return err
			}
			return &ReadError{in.Name, fmt.Sprintf("damaged tar archive: %v (copy or download it again)", err), err}
		}
		name := in.Name + "/" + h.Name
		switch sparse := h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != "" || h.Typeflag == tar.TypeGNUSparse; {
		case h.Typeflag == tar.TypeDir:
		case h.Typeflag == tar.TypeSymlink || h.Typeflag == tar.TypeLink:
			// The target is in the archive too.
		case !slices.Contains([]byte{tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont}, h.Typeflag):
			r.report.Skip(SkipSpecial, name)
		case sparse:
			r.report.Skip("sparse files in a tar archive", name)
		default:
			if err := r.inside(Input{Name: name, R: archive, Found: true}, h.Name, depth); err != nil {
				return err
			}
		}
	}
}

// anotherTar passes over the zero bytes at the end of an archive. It reports whether
// another one follows, as after cat a.tar b.tar. Something else is left unread, as tar does.
func anotherTar(br *bufio.Reader) (bool, error) {
	for {
		block, err := br.Peek(512)
		if err == io.EOF || err == nil && len(bytes.Trim(block, "\x00")) > 0 {
			return isTar(block), nil
		}
		if err != nil {
			return false, err
		}
		br.Discard(len(block))
	}
}

// SkipSpecial is the reason for skipping devices, pipes and sockets.
const SkipSpecial = "devices, pipes and sockets"

// inside reads a file of an archive. An unreadable one is skipped and counted, unless
// Options.Strict.
func (r *reader) inside(in Input, name string, depth int) error {
	if why := ignoredPath(name); why != "" {
		r.report.Skip(why, in.Name)
		return nil
	}
	outer := r.member
	r.report.Members = append(r.report.Members, in.Name)
	r.member = len(r.report.Members)
	err := r.file(in, depth+1)
	r.member = outer
	if refusal, ok := errors.AsType[*Refusal](err); ok && !r.o.Strict {
		r.report.Skip(refusal.Group, in.Name)
		return nil
	}
	return err
}

// officeParts distinguish office documents from other ZIP archives.
var officeParts = map[string]string{
	"[Content_Types].xml":  "an office document (Word, Excel, PowerPoint)",
	"mimetype":             "an e-book or an OpenDocument file",
	"META-INF/MANIFEST.MF": "a Java archive",
	"AndroidManifest.xml":  "an Android package",
}

// zip reads the files in a ZIP archive.
func (r *reader) zip(in Input, at io.ReaderAt, size int64, depth int) error {
	archive, err := zip.NewReader(at, size)
	if err != nil {
		return &ReadError{in.Name, fmt.Sprintf("damaged ZIP archive: %v (copy or download it again)", err), err}
	}
	archive.RegisterDecompressor(12, func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) })
	archive.RegisterDecompressor(zstd.ZipMethodWinZip, func(r io.Reader) io.ReadCloser {
		z, err := newZstd(bufio.NewReaderSize(r, headSize))
		if err != nil {
			return nil // not with these options
		}
		return z.IOReadCloser()
	})
	for _, f := range archive.File {
		if what, known := officeParts[f.Name]; known {
			return &Refusal{in.Name, what + ", not text", groupOffice, "save it as plain text, or as HTML"}
		}
		if strings.HasSuffix(f.Name, ".npy") || f.Name == "archive/data.pkl" || strings.HasSuffix(f.Name, "/data.pkl") {
			return &Refusal{in.Name, "arrays or model weights, not text", "data that is not text", ""}
		}
	}
	var refused []*Refusal
	files := 0
	for _, f := range archive.File {
		name := in.Name + "/" + f.Name
		switch {
		case f.FileInfo().IsDir():
			continue
		case !f.Mode().IsRegular() && f.Mode()&fs.ModeNamedPipe == 0: // zip marks standard input as a pipe
			r.report.Skip(SkipSpecial, name)
			continue
		}
		files++
		err := r.zipped(f, name, depth)
		if refusal, ok := errors.AsType[*Refusal](err); ok && !r.o.Strict {
			refused = append(refused, refusal)
		} else if err != nil {
			return err
		}
	}
	if len(refused) > 0 && len(refused) == files {
		return refused[0].of(in.Name)
	}
	for _, refusal := range refused {
		r.report.Skip(refusal.Group, refusal.Name)
	}
	return nil
}

// zipMethods are unsupported compressions in ZIP archives [APPNOTE, 4.4.5].
var zipMethods = map[uint16]string{1: "Shrink", 6: "Implode", 9: "Deflate64", 14: "LZMA", 95: "xz", 98: "PPMd"}

// zipped reads a file in a ZIP archive; the error is a *Refusal if it cannot be
// unpacked.
func (r *reader) zipped(f *zip.File, name string, depth int) error {
	if f.Flags&1 != 0 {
		return &Refusal{name, "encrypted", "encrypted files", "unpack it into a folder with its password, and name that"}
	}
	content, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		method := cmp.Or(zipMethods[f.Method], fmt.Sprintf("method %d", f.Method))
		return &Refusal{name, "compressed with " + method + ", which is not read", groupArchive, unpackCure}
	}
	if err != nil {
		return &Refusal{name, fmt.Sprintf("cannot be unpacked: %v", err), SkipDamaged, unpackCure}
	}
	defer content.Close()
	return r.inside(Input{Name: name, R: zipContent{content, name}, Found: true}, f.Name, depth)
}

// zipContent explains what is wrong with a file in a ZIP archive.
type zipContent struct {
	r    io.Reader
	name string
}

func (z zipContent) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	if err != nil && err != io.EOF && !explained(err) {
		err = &ReadError{z.name, fmt.Sprintf("damaged in its ZIP archive: %v (copy or download the archive again)", err), err}
	}
	return n, err
}
