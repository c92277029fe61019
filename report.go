package l2m

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/report"
)

// Render makes the faces of a finished run anew from its results.json or
// compare.json: the page, the tables and the figures, in the given formats (nil:
// all; empty: none). Nothing is measured again, and the results stay as they are.
func Render(dir string, figures []string) error {
	if figures == nil {
		figures = []string{"svg", "png", "pdf"}
	}
	f, err := os.Open(filepath.Join(dir, resultsName))
	if errors.Is(err, fs.ErrNotExist) {
		return renderComparison(dir, figures)
	} else if err != nil {
		return fmt.Errorf("making the report: %w", err)
	}
	defer f.Close()
	r, err := report.ReadResult(f)
	if err != nil {
		return fmt.Errorf("making the report of %s: %w", dir, err)
	}
	return writeRun(dir, r, figures)
}

func renderComparison(dir string, figures []string) error {
	f, err := os.Open(filepath.Join(dir, compareName))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("making the report: %s has neither %s nor %s (a run that is not finished goes on with its own command)", dir, resultsName, compareName)
	} else if err != nil {
		return fmt.Errorf("making the report: %w", err)
	}
	defer f.Close()
	var c report.Comparison
	if err := json.NewDecoder(io.LimitReader(f, 256<<20)).Decode(&c); err != nil {
		return fmt.Errorf("making the report of %s: %s is damaged: %w", dir, compareName, err)
	}
	if c.Schema != report.CompareSchema {
		return fmt.Errorf("making the report of %s: %s has schema %q, this version reads %s", dir, compareName, c.Schema, report.CompareSchema)
	}
	return writeComparison(dir, &c, figures)
}

// writeComparison writes every face of a comparison into a folder.
func writeComparison(dir string, c *report.Comparison, figures []string) error {
	for _, face := range []struct {
		name  string
		write func(io.Writer, *report.Comparison) error
	}{
		{compareName, report.WriteComparison}, {compareCSVName, report.ComparisonCSV}, {reportName, report.ComparisonHTML},
	} {
		path := filepath.Join(dir, face.name)
		if err := atomicfile.WriteFile(path, 0o644, func(w io.Writer) error { return face.write(w, c) }); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
	}
	if len(figures) == 0 {
		return nil
	}
	to := filepath.Join(dir, figuresName)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("drawing figures: %w", err)
	}
	return report.WriteFigures(to, report.ComparisonFigures(c), figures)
}
