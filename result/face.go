package result

import (
	"io"

	"github.com/l2m-lab/l2m/rundir"
)

// Store writes a document into a run, and beside it the files that are made of it.
func Store[D any, P Document[D]](run *rundir.Dir, doc P, faces []rundir.Face) error {
	whole := rundir.Face{Name: run.Kind().Document, Write: func(w io.Writer) error { return Write[D](w, doc) }}
	return run.Write(append([]rundir.Face{whole}, faces...)...)
}
