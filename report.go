package l2m

import (
	"fmt"
	"io"
	"os"

	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// Render writes the page, the tables and the figures of a finished run again from
// its document (results.json, compare.json, audit.json, calibration.json or
// rivals.json), in the given formats (nil: svg, png and pdf; empty: none). Nothing is
// measured again, and the document stays as it is.
func Render(dir string, formats []string) error {
	run, i, err := rundir.Reopen(dir)
	if err != nil {
		return fmt.Errorf("making the report: %w", err)
	}
	defer run.Close()
	if !i.Finished {
		return fmt.Errorf("making the report: %s has no %s: the run is not finished (repeat its command, which continues)", dir, i.Run.Document)
	}
	f, err := os.Open(run.Path(i.Run.Document))
	if err != nil {
		return fmt.Errorf("making the report: %w", err)
	}
	defer f.Close()
	faces, err := facesOf(i.Run, f, f.Name(), formats)
	if err == nil {
		err = run.Write(faces...)
	}
	if err != nil {
		return fmt.Errorf("making the report: %w", err)
	}
	return nil
}

// facesOf are the faces of the document of a run.
func facesOf(kind rundir.Kind, doc io.Reader, name string, formats []string) ([]rundir.Face, error) {
	switch kind.Document {
	case rundir.Compare.Document:
		c, err := result.Read[result.Comparison](doc, name)
		if err != nil {
			return nil, err
		}
		return comparisonFaces(c, formats), nil
	case rundir.Audit.Document:
		a, err := result.Read[result.Audit](doc, name)
		if err != nil {
			return nil, err
		}
		return auditFaces(a, formats), nil
	case rundir.Calibrate.Document:
		r, err := result.Read[result.Calibration](doc, name)
		if err != nil {
			return nil, err
		}
		return calibrationFaces(r, formats), nil
	case rundir.Rivals.Document:
		r, err := result.Read[result.Rivals](doc, name)
		if err != nil {
			return nil, err
		}
		return rivalsFaces(r, formats), nil
	}
	r, err := result.Read[result.Result](doc, name)
	if err != nil {
		return nil, err
	}
	return resultFaces(r, formats), nil
}

// comparisonFaces are the files made of a comparison.
func comparisonFaces(c *result.Comparison, formats []string) []rundir.Face {
	return append([]rundir.Face{
		faceOf("compare.csv", c, result.ComparisonCSV), faceOf(rundir.Report, c, report.ComparisonHTML),
	}, figureFaces(report.ComparisonFigures(c), formats)...)
}

// WriteAudit writes an audit as a run directory: audit.json, audit.csv, the page
// and the figure, in the given formats (nil: svg, png and pdf; empty: none).
func WriteAudit(dir string, a *result.Audit, formats []string) error {
	run, err := openRun(dir, rundir.Audit, a.Command, false)
	if err == nil {
		defer run.Close()
		err = run.Write(append([]rundir.Face{faceOf(rundir.Audit.Document, a, result.Write[result.Audit])}, auditFaces(a, formats)...)...)
	}
	if err != nil {
		return fmt.Errorf("writing the audit: %w", err)
	}
	return nil
}

func auditFaces(a *result.Audit, formats []string) []rundir.Face {
	faces := []rundir.Face{faceOf("audit.csv", a, result.AuditCSV), faceOf(rundir.Report, a, report.AuditHTML)}
	if f := report.AuditFigure(a); f != nil {
		faces = append(faces, figureFaces([]*report.Figure{f}, formats)...)
	}
	return faces
}
