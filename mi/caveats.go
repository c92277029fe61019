package mi

import (
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

// unavailable explains why points of a series are missing.
func (s *Statistics) unavailable(e Estimator, j, minus int) []info.Warning {
	missing := func(text, fix string) []info.Warning {
		return []info.Warning{{Code: "not-scored", Text: text, Fix: fix}}
	}
	if e.unpaired() && len(s.clusters) < 2 {
		return missing(fmt.Sprintf("%s needs two documents: one for each of its means", e), "add documents, or use paired")
	}
	if n := minus - kindHead1 + 1; (minus == kindHead1 || minus == kindHead2) && n > len(s.ngrams) {
		return missing(fmt.Sprintf("%s needs the entropy of %d successive tokens", e, n), "give CollectOptions.NGrams, or use paired")
	}
	if minus >= s.kinds() {
		return missing(fmt.Sprintf("%s needs cross passes, and none were scored", e.Name()), "score at least one cross context (--cross 1)")
	}
	scored, infinite, possible := 0, 0, 0
	worst := 0
	for k, ell := range s.splits {
		if s.ratios[j]*ell > s.length {
			continue
		}
		possible++
		column := s.column(minus, j, k)
		if s.have[column] == s.total {
			scored++
		}
		if n := s.infinite[column]; n > 0 {
			infinite++
			worst = max(worst, n)
		}
	}
	var warnings []info.Warning
	switch {
	case possible == 0:
		return missing(fmt.Sprintf("no split ℓ has %d·ℓ within the window of %d tokens", s.ratios[j], s.length), "use longer windows (--length)")
	case scored == 0 && (minus == kindMarginal || minus == kindHead1 || minus == kindHead2):
		return missing(fmt.Sprintf("%s needs the marginal pass, and it was not scored", e.Name()), "score marginal passes, or use block")
	case scored == 0:
		return missing(fmt.Sprintf("%s needs cross passes, and none were scored", e.Name()), "score at least one cross context (--cross 1)")
	case scored < possible:
		warnings = append(warnings, info.Warning{
			Code: "partly-scored",
			Text: fmt.Sprintf("%s: %d of %d splits were scored in every window; the others are left out", e.Name(), scored, possible),
		})
	}
	if infinite > 0 {
		warnings = append(warnings, info.Warning{
			Code: "infinite",
			Text: fmt.Sprintf("%s is infinite at %d splits and left out there: in up to %d of %d windows the model rules out the continuation after another context",
				e.Name(), infinite, worst, s.total),
			Fix: "use paired or block; InfoNCE stays finite",
		})
	}
	return warnings
}

// atCeiling is the code of the warning about InfoNCE near ln K.
const atCeiling = "at-ceiling"

// AtCeiling reports whether estimates are near the most that the estimator can give,
// ln K of InfoNCE. Their growth then says nothing about the information.
func (s Series) AtCeiling() bool {
	return slices.ContainsFunc(s.Warnings, func(w info.Warning) bool { return w.Code == atCeiling })
}

// caveats are the warnings about the points that there are.
func (s *Statistics) caveats(out *Series) []info.Warning {
	var warnings []info.Warning
	d := len(s.clusters)
	switch {
	case d < 2:
		warnings = append(warnings, info.Warning{
			Code: "one-cluster",
			Text: "all windows come from one document, so standard errors are unknown",
			Fix:  "add documents, or treat blocks of the document as clusters",
		})
	case d < fewClusters:
		warnings = append(warnings, info.Warning{
			Code: "few-clusters",
			Text: fmt.Sprintf("only %d documents: the standard errors are themselves uncertain by about ±%.0f %%", d, 100/math.Sqrt(2*float64(d-1))),
			Fix:  "add documents",
		})
	}
	if out.K > 0 && d > 1 {
		warnings = append(warnings, info.Warning{
			Code: "shared-contexts",
			Text: "each document is also a context of others, which these standard errors do not count: they may be up to a third too small",
			Fix:  "take intervals from paired",
		})
	}
	if out.Estimator == InfoNCE {
		ceiling := math.Log(float64(out.K))
		for _, p := range out.Points {
			if float64(p.Value) > 0.8*ceiling {
				warnings = append(warnings, info.Warning{
					Code: atCeiling,
					Text: fmt.Sprintf("InfoNCE cannot exceed ln K = %.3g nats with K = %d contexts and is within 20 %% of that from ℓ = %d on", ceiling, out.K, p.Ell),
					Fix:  "read it as \"at least\"; more cross contexts raise the ceiling slowly",
				})
				break
			}
		}
	}
	return warnings
}
