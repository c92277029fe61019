package measure

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/l2m-lab/l2m/rundir"
)

// Whatever a plan holds, it is refused or ends in the windows that it names.
func FuzzReadPlan(f *testing.F) {
	f.Add([]byte(`{"schema":"` + planSchema + `","key":{"model":"m","count":2,"plan":{"length":4,"splits":[2],"max_ratio":2}},"evaluate":{"figures":["x/../../../../trav/pwned"]}}`))
	f.Add([]byte(`{"schema":"` + planSchema + `","key":{"count":-1}}`))
	f.Add([]byte(`{"schema":"x/../../../../trav/pwned"}`))
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, rundir.Windows), nil, 0o644); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, plan []byte) {
		if err := os.WriteFile(filepath.Join(dir, rundir.Plan), plan, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, s, err := readPlan(dir); err == nil && len(s.windows) > 0 {
			t.Errorf("%d windows of an empty file", len(s.windows))
		}
	})
}
