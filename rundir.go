package l2m

import (
	"io"

	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// faceOf is a file of a run made of a document.
func faceOf[D any](name string, doc D, write func(io.Writer, D) error) rundir.Face {
	return rundir.Face{Name: name, Write: func(w io.Writer) error { return write(w, doc) }}
}

// figureFaces are figures in the given formats; nil means all.
func figureFaces(figures []*report.Figure, formats []string) []rundir.Face {
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

// openRun opens the run directory of a verb.
func openRun(dir string, kind rundir.Kind, command string, fresh bool) (*rundir.Dir, error) {
	return rundir.Open(dir, kind, rundir.Options{Fresh: fresh, Command: command, Version: BuildVersion().Short()})
}

// writeRun writes the result and its faces into the run directory.
func writeRun(run *rundir.Dir, r *result.Result, formats []string) error {
	return run.Write(append([]rundir.Face{faceOf(rundir.Results, r, result.Write[result.Result])}, resultFaces(r, formats)...)...)
}

func resultFaces(r *result.Result, formats []string) []rundir.Face {
	return append([]rundir.Face{
		faceOf(rundir.Estimates, r, result.CSV), faceOf(rundir.Report, r, report.HTML),
	}, figureFaces(report.ResultFigures(r), formats)...)
}
