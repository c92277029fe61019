package l2m

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/report"
)

// Render makes the faces of a finished run anew from its document (results.json,
// compare.json, audit.json, calibration.json or rivals.json): the page, the tables
// and the figures, in the given formats of report.WriteFigures (nil: svg, png and
// pdf; empty: none). Nothing is measured again, and the document stays as it is.
func Render(dir string, formats []string) error {
	var names []string
	for _, d := range documents {
		f, err := os.Open(filepath.Join(dir, d.name))
		if errors.Is(err, fs.ErrNotExist) {
			names = append(names, d.name)
			continue
		} else if err != nil {
			return fmt.Errorf("making the report: %w", err)
		}
		defer f.Close()
		if err := d.render(dir, f, formats); err != nil {
			return fmt.Errorf("making the report of %s: %w", dir, err)
		}
		return nil
	}
	last := len(names) - 1
	return fmt.Errorf("making the report: %s has neither %s nor %s (a run that is not finished goes on with its own command)", dir, strings.Join(names[:last], ", "), names[last])
}

// documents are what runs leave, by the name of the file.
var documents = []struct {
	name   string
	render func(dir string, doc io.Reader, formats []string) error
}{
	{resultsName, func(dir string, doc io.Reader, formats []string) error {
		r, err := report.ReadResult(doc)
		if err != nil {
			return err
		}
		return renderRun(dir, r, formats)
	}},
	{compareName, func(dir string, doc io.Reader, formats []string) error {
		c, err := report.ReadComparison(doc)
		if err != nil {
			return err
		}
		return renderComparison(dir, c, formats)
	}},
	{auditName, func(dir string, doc io.Reader, formats []string) error {
		a, err := report.ReadAudit(doc)
		if err != nil {
			return err
		}
		return renderAudit(dir, a, formats)
	}},
	{calibrationName, func(dir string, doc io.Reader, formats []string) error {
		var r Calibration
		if err := report.ReadDocument(doc, CalibrationSchema, &r); err != nil {
			return fmt.Errorf("reading the calibration: %w", err)
		}
		return r.render(dir, formats)
	}},
	{rivalsName, func(dir string, doc io.Reader, formats []string) error {
		var r Rivals
		if err := report.ReadDocument(doc, RivalsSchema, &r); err != nil {
			return fmt.Errorf("reading the comparison of estimators: %w", err)
		}
		return r.render(dir, formats)
	}},
}

// holdsOther refuses a folder that holds the document of another kind of run,
// whose report would be overwritten.
func holdsOther(dir, name string) error {
	for _, d := range documents {
		if d.name == name {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, d.name)); err == nil {
			return fmt.Errorf("%s holds another run, with its %s (name another directory with --out)", dir, d.name)
		}
	}
	return nil
}

// renderComparison writes the faces of a comparison.
func renderComparison(dir string, c *report.Comparison, formats []string) error {
	if err := writeFaces(dir, c, face[*report.Comparison]{compareCSVName, report.ComparisonCSV}, face[*report.Comparison]{reportName, report.ComparisonHTML}); err != nil {
		return err
	}
	return writeFigures(dir, report.ComparisonFigures(c), formats)
}

// WriteAudit writes an audit as a run directory: audit.json, audit.csv, the page
// and the figure, in the given formats (nil: svg, png and pdf; empty: none).
func WriteAudit(dir string, a *report.Audit, formats []string) error {
	if err := holdsOther(dir, auditName); err != nil {
		return fmt.Errorf("writing the audit: %w", err)
	}
	if err := writeFaces(dir, a, face[*report.Audit]{auditName, report.WriteAudit}); err != nil {
		return err
	}
	return renderAudit(dir, a, formats)
}

func renderAudit(dir string, a *report.Audit, formats []string) error {
	if err := writeFaces(dir, a, face[*report.Audit]{auditCSVName, report.AuditCSV}, face[*report.Audit]{reportName, report.AuditHTML}); err != nil {
		return err
	}
	figures := slices.DeleteFunc([]*report.Figure{report.AuditFigure(a)}, func(f *report.Figure) bool { return f == nil })
	return writeFigures(dir, figures, formats)
}
