package l2m

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/report"
)

// Names of the files of a run directory (docs/format.md).
const (
	resultsName   = "results.json"
	estimatesName = "estimates.csv"
	reportName    = "report.html"
	figuresName   = "figures"

	auditName       = "audit.json"
	auditCSVName    = "audit.csv"
	calibrationName = "calibration.json"
	rivalsName      = "rivals.json"
)

// face is a file made of a document.
type face[D any] struct {
	name  string
	write func(io.Writer, D) error
}

// writeFaces writes files made of a document into a folder, which it makes, each
// file whole.
func writeFaces[D any](dir string, doc D, faces ...face[D]) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("creating the run directory: %w", err)
	}
	for _, f := range faces {
		path := filepath.Join(dir, f.name)
		if err := atomicfile.WriteFile(path, 0o644, func(w io.Writer) error { return f.write(w, doc) }); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
	}
	return nil
}

// allFormats are the formats of figures when none are named.
var allFormats = []string{"svg", "png", "pdf"}

// writeFigures draws figures into a run directory, in every format when formats is
// nil.
func writeFigures(dir string, figures []*report.Figure, formats []string) error {
	if formats == nil {
		formats = allFormats
	}
	if len(formats) == 0 || len(figures) == 0 {
		return nil
	}
	to := filepath.Join(dir, figuresName)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("drawing figures: %w", err)
	}
	if err := report.WriteFigures(to, figures, formats); err != nil {
		return fmt.Errorf("drawing figures: %w", err)
	}
	return nil
}

// writeRun writes the result and its faces into the run directory.
func writeRun(dir string, r *report.Result, formats []string) error {
	if err := writeFaces(dir, r, face[*report.Result]{resultsName, report.WriteResult}); err != nil {
		return err
	}
	return renderRun(dir, r, formats)
}

// renderRun writes the faces of a result.
func renderRun(dir string, r *report.Result, formats []string) error {
	if err := writeFaces(dir, r, face[*report.Result]{estimatesName, report.CSV}, face[*report.Result]{reportName, report.HTML}); err != nil {
		return err
	}
	return writeFigures(dir, report.ResultFigures(r), formats)
}
