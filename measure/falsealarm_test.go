package measure_test

import (
	"context"
	"os"
	"testing"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/measure"
)

// falseAlarmProcesses are bounded, logarithmic and power-law sources, and one
// without information; vclub is finite on all.
var falseAlarmProcesses = []string{
	"powergauss:beta=0.5,signs=random", "powergauss:beta=0.9,signs=random", "sticky:states=2,stay=0.99,clear=0.75",
	"urn:symbols=4,concentration=1", "iid:p=0.7/0.2/0.1",
}

// TestFalseAlarms: the checks find something in at most 1 % of runs of an exact
// model, at 20 documents, where Student's t is least normal. Of the checks only
// learning-curve is not asked, which an exact model has no need of.
func TestFalseAlarms(t *testing.T) {
	runs := 4
	if os.Getenv("L2M_LONG") != "" {
		runs = 200 // a process: 1,000 in all
	}
	cross, alarms, all := 1, 0, 0
	codes := map[string]map[check.Code]int{}
	for _, p := range falseAlarmProcesses {
		codes[p] = map[check.Code]int{}
		for seed := range runs {
			r, err := measure.Run(context.Background(), measure.Options{
				Process: p, Length: 64, MaxWindows: 20, Cross: &cross, Draws: 20, Seed: uint64(seed + 1), Out: t.TempDir(), Workers: 1,
			})
			if err != nil {
				t.Fatal(err)
			}
			all++
			if len(r.Findings) > 0 {
				alarms++
			}
			for _, f := range r.Findings {
				codes[p][f.Code]++
				t.Log(p, seed+1, f.Code, f.Detail)
			}
		}
	}
	t.Logf("%d of %d runs: %v", alarms, all, codes)
	if alarms > max(1, all/100) {
		t.Errorf("%d false alarms in %d runs", alarms, all)
	}
}
