package npy

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// Archive is an open .npz file: arrays by name.
type Archive struct{ z *zip.ReadCloser }

// OpenArchive opens an .npz file.
func OpenArchive(path string) (*Archive, error) {
	z, err := zip.OpenReader(path)
	if errors.Is(err, zip.ErrFormat) {
		return nil, fmt.Errorf("%s is not an archive of NumPy arrays (.npz)", path)
	}
	if err != nil {
		return nil, err
	}
	return &Archive{z}, nil
}

// Close closes the file.
func (a *Archive) Close() error { return a.z.Close() }

// Names are the names of the arrays, sorted.
func (a *Archive) Names() []string {
	var names []string
	for _, f := range a.z.File {
		names = append(names, strings.TrimSuffix(f.Name, ".npy"))
	}
	slices.Sort(names)
	return names
}

// Floats reads an array of floating-point numbers; fs.ErrNotExist if there is none of
// that name.
func (a *Archive) Floats(name string) (shape []int, values []float32, err error) {
	return entry(a, name, ReadFloats)
}

// Ints reads an array of whole numbers; fs.ErrNotExist if there is none of that name.
func (a *Archive) Ints(name string) (shape []int, values []int64, err error) {
	return entry(a, name, ReadInts)
}

func entry[T any](a *Archive, name string, read func(io.Reader, Header, int64) ([]T, error)) ([]int, []T, error) {
	i := slices.IndexFunc(a.z.File, func(f *zip.File) bool { return f.Name == name+".npy" })
	if i < 0 {
		return nil, nil, fmt.Errorf("there is no array %s (the file has %s): %w", name, strings.Join(a.Names(), ", "), fs.ErrNotExist)
	}
	r, err := a.z.File[i].Open()
	if err != nil {
		return nil, nil, fmt.Errorf("array %s: %w", name, err)
	}
	defer r.Close()
	h, err := ReadHeader(r)
	var values []T
	if err == nil {
		values, err = read(r, h, 0)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("array %s: %w", name, err)
	}
	return h.Shape, values, nil
}
