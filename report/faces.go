package report

import (
	"io"

	"github.com/l2m-lab/l2m/report/figure"

	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// ResultFaces are the files made of a result: the table, the page, and the figures in
// the given formats (nil: all).
func ResultFaces(r *result.Result, formats []string) []rundir.Face {
	return append([]rundir.Face{
		face(rundir.Estimates, r, result.CSV), face(rundir.Report, r, HTML),
	}, figureFaces(ResultFigures(r), formats)...)
}

// ComparisonFaces are the files made of a comparison.
func ComparisonFaces(c *result.Comparison, formats []string) []rundir.Face {
	return append([]rundir.Face{
		face("compare.csv", c, result.ComparisonCSV), face(rundir.Report, c, comparisonHTML),
	}, figureFaces(ComparisonFigures(c), formats)...)
}

// AuditFaces are the files made of an audit.
func AuditFaces(a *result.Audit, formats []string) []rundir.Face {
	faces := []rundir.Face{face("audit.csv", a, result.AuditCSV), face(rundir.Report, a, AuditHTML)}
	if f := auditFigure(a); f != nil {
		faces = append(faces, figureFaces([]*figure.Figure{f}, formats)...)
	}
	if a.Memory != nil {
		faces = append(faces, figureFaces([]*figure.Figure{memoryFigure(a.Memory)}, formats)...)
	}
	return faces
}

// CalibrationFaces are the files made of a calibration.
func CalibrationFaces(c *result.Calibration, formats []string) []rundir.Face {
	return append([]rundir.Face{face(rundir.Report, c, calibrationHTML)}, figureFaces(calibrationFigures(c), formats)...)
}

// Faces are the files made of the document of a run of some kind, which doc holds;
// name is that of its file, for errors.
func Faces(kind rundir.Kind, doc io.Reader, name string, formats []string) ([]rundir.Face, error) {
	switch kind.Verb {
	case rundir.Compare.Verb:
		return facesOf(doc, name, ComparisonFaces, formats)
	case rundir.Audit.Verb:
		return facesOf(doc, name, AuditFaces, formats)
	case rundir.Calibrate.Verb:
		return facesOf(doc, name, CalibrationFaces, formats)
	case rundir.Lab.Verb:
		return facesOf(doc, name, LabFaces, formats)
	case rundir.Study.Verb:
		return facesOf(doc, name, StudyFaces, formats)
	}
	return facesOf(doc, name, ResultFaces, formats)
}

func facesOf[D any, P result.Document[D]](doc io.Reader, name string, faces func(P, []string) []rundir.Face, formats []string) ([]rundir.Face, error) {
	d, err := result.Read[D, P](doc, name)
	if err != nil {
		return nil, err
	}
	return faces(d, formats), nil
}

// face is a file made of a document.
func face[D any](name string, doc D, write func(io.Writer, D) error) rundir.Face {
	return rundir.Face{Name: name, Write: func(w io.Writer) error { return write(w, doc) }}
}

// figureFaces are figures in the given formats; nil means all.
func figureFaces(figures []*figure.Figure, formats []string) []rundir.Face {
	if formats == nil {
		formats = rundir.Formats()
	}
	var faces []rundir.Face
	for _, fig := range figures {
		for _, format := range formats {
			faces = append(faces, rundir.Face{Name: rundir.Figures + "/" + fig.ID + "." + format, Write: func(w io.Writer) error { return fig.Encode(w, format) }})
		}
	}
	return faces
}
