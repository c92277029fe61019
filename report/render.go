package report

import (
	"fmt"
	"os"

	"github.com/l2m-lab/l2m/rundir"
)

// Render writes the page, the tables and the figures of a finished run again from
// its document (results.json, compare.json, audit.json or calibration.json),
// in the given formats (nil: svg, png and pdf; empty: none). Nothing is
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
	faces, err := Faces(i.Run, f, f.Name(), formats)
	if err == nil {
		err = run.Write(faces...)
	}
	if err != nil {
		return fmt.Errorf("making the report: %w", err)
	}
	return nil
}
