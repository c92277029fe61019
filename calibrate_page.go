package l2m

import (
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// calibrationFaces are the page and the figures.
func calibrationFaces(r *result.Calibration, formats []string) []rundir.Face {
	return append([]rundir.Face{faceOf(rundir.Report, r, report.CalibrationHTML)}, figureFaces(report.CalibrationFigures(r), formats)...)
}
