package train

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/l2m-lab/l2m/internal/jsonfile"
)

// DecodeFile reads the one JSON object of a small file. Unknown keys and further objects
// are errors, in which the file is called what, such as "a recipe".
func DecodeFile[T any](r io.Reader, what string) (T, error) {
	var out, none T
	if err := jsonfile.Decode(r, 1<<20, &out); err != nil {
		return none, fmt.Errorf("reading %s: %w", what, err)
	}
	return out, nil
}

// BuiltIn reads all embedded files that match a pattern; name is called with what a file holds and the
// name of that file without extension. It panics on files that cannot be read, which tests find.
func BuiltIn[T any](files fs.FS, pattern string, read func(io.Reader) (T, error), name func(*T, string)) []T {
	paths, err := fs.Glob(files, pattern)
	if err != nil {
		panic(err)
	}
	var out []T
	for _, p := range paths {
		data, err := fs.ReadFile(files, p)
		if err != nil {
			panic(err)
		}
		item, err := read(bytes.NewReader(data))
		if err != nil {
			panic(p + ": " + err.Error())
		}
		name(&item, strings.TrimSuffix(path.Base(p), ".json"))
		out = append(out, item)
	}
	return out
}
