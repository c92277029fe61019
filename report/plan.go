package report

import (
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/result"
)

// PlanText says in a line what is about to be scored and what that saves. computed is
// how many tokens that takes where the context of the model is cut; 0: it is not.
func PlanText(p result.Plan, w result.Windows, m lm.Info, computed int64) string {
	s := fmt.Sprintf("%s scores %s tokens in %s of %s", printable(m.Name), prose.Count(p.Tokens), prose.Plural(w.Count, "window", "windows"), prose.Count(w.Length))
	if computed > p.Tokens {
		return s + fmt.Sprintf("; as its context is cut, it computes %s for that", prose.Count(computed))
	}
	if ratio := float64(p.NaiveTokens) / float64(p.Tokens); ratio >= 1.05 {
		s += fmt.Sprintf("; passes over whole windows would score %s times as many", prose.Fixed(ratio, int(math.Max(0, 1-math.Floor(math.Log10(ratio))))))
	}
	return s
}
