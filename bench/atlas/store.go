package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
)

// keep writes what the atlas shows of the results of a run, with the names of
// folders in place of where they are on this machine.
func (a *atlas) keep(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	named := strings.NewReplacer(a.data, "DATA", filepath.Join(a.work, "data"), "WORK", cmp.Or(goroot(), "\x00"), "GOROOT").Replace(string(text))
	r, err := result.Read[result.Result](strings.NewReader(named), from)
	if err != nil {
		return err
	}
	trim(r)
	var out bytes.Buffer
	if err := result.Write(&out, r); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to+".part", out.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(to+".part", to)
}

// trim leaves the estimates of halves, and of those the ones that need no
// context from another document; the ends of the bracket hold what vCLUB says.
// Two-point information is kept once, with the law over all lengths.
func trim(r *result.Result) {
	if strings.Contains(r.Command, " --range ") {
		r.TwoPoint = nil
	}
	r.Triangle, r.Peak = nil, nil
	r.Series = slices.DeleteFunc(r.Series, func(s result.Series) bool {
		return s.Ratio != 2 || s.Estimator != mi.Paired && s.Estimator != mi.Block && s.Estimator != mi.Paired2Gram
	})
	for i := range r.Series {
		r.Series[i].Cov = nil
	}
}

// load reads the results of a job, nil if it has not been done.
func (a *atlas) load(name string) (*result.Result, error) {
	f, err := os.Open(a.stored(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	return result.Read[result.Result](f, f.Name())
}

// unzip writes the files of an archive to dir under the names that rename gives
// them; "" leaves a file out.
func unzip(archive, dir string, rename func(name string) string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		name := rename(f.Name)
		if name == "" {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
