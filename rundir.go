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
)

// writeRun writes every face of the result into the run directory, each file
// whole.
func writeRun(dir string, r *report.Result, figures []string) error {
	for _, face := range []struct {
		name  string
		write func(io.Writer, *report.Result) error
	}{
		{resultsName, report.WriteResult},
		{estimatesName, report.CSV},
		{reportName, report.HTML},
	} {
		path := filepath.Join(dir, face.name)
		if err := atomicfile.WriteFile(path, 0o644, func(w io.Writer) error { return face.write(w, r) }); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
	}
	if len(figures) > 0 {
		to := filepath.Join(dir, figuresName)
		if err := os.MkdirAll(to, 0o755); err != nil {
			return fmt.Errorf("drawing figures: %w", err)
		}
		if err := report.Figures(to, r, figures); err != nil {
			return fmt.Errorf("drawing figures: %w", err)
		}
	}
	return nil
}
