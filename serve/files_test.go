package serve

import (
	"testing"

	"github.com/l2m-lab/l2m/rundir"
)

// What can be asked for is what a run of the kind holds, as far as browsers show it.
func TestContentType(t *testing.T) {
	for _, k := range rundir.Kinds() {
		for name, want := range map[string]bool{k.Document: true, rundir.Report: true, rundir.RunFile: true, "figures/law.pdf": true, "notes.json": false, "figures/../run.json": false} {
			if got := contentType(k, name) != ""; got != want {
				t.Errorf("%s of l2m %s: %v", name, k.Verb, got)
			}
		}
	}
	for name, k := range map[string]rundir.Kind{"config.json": rundir.Audit, "requests/answer.py": rundir.Measure, "model.safetensors": rundir.Lab, "lab.json": rundir.Fit} {
		if contentType(k, name) != "" {
			t.Errorf("%s of l2m %s can be asked for", name, k.Verb)
		}
	}
}
