package report

import (
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/result"
)

// PlanText says in a line what is about to be scored and what that saves.
func PlanText(p result.Plan, w result.Windows, m lm.Info) string {
	s := fmt.Sprintf("%s scores %s tokens in %s of %s", printable(m.Name), prose.Count(p.Tokens), prose.Plural(w.Count, "window", "windows"), prose.Count(w.Length))
	if ratio := float64(p.NaiveTokens) / float64(p.Tokens); ratio >= 1.05 {
		s += fmt.Sprintf("; passes over whole windows would score %s times as many", prose.Fixed(ratio, int(math.Max(0, 1-math.Floor(math.Log10(ratio))))))
	}
	return s
}
