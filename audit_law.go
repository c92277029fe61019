package l2m

import (
	"errors"
	"fmt"

	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/report"
)

// measuredLaw is the power law of the headline series of a run.
func measuredLaw(r *report.Result) (law.PowerLaw, error) {
	for _, s := range r.Series {
		switch {
		case s.Law == nil:
			continue
		case s.Law.Law == nil || s.Law.Verdict == law.NoInformation:
			return law.PowerLaw{}, fmt.Errorf("the headline estimator %s has no power law: %s", s.Estimator, s.Law.Reason)
		case s.Law.Law.Unit != "token" && s.Law.Law.Unit != "byte":
			return law.PowerLaw{}, fmt.Errorf("its lengths count %ss, which tokens of a language model cannot be converted to", s.Law.Law.Unit)
		}
		return *s.Law.Law, nil
	}
	return law.PowerLaw{}, errors.New("the run has no law (l2m measure fits one when it has enough documents)")
}
