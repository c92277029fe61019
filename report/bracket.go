package report

import (
	"fmt"

	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// bracket says between which values the information at the longest length is, and for
// which models, beside the estimate there; nil if there is nothing to say.
func bracket(r *result.Result) prose.Phrase {
	b := r.Bracket
	if b == nil {
		return nil
	}
	limit := func(e mi.End, ref string) prose.Phrase {
		x := e.Limit
		return prose.Phrase{{Text: prose.Significant(float64(x), 2), Bits: prose.Significant(x.Bits(), 2), Ref: ".bracket." + ref + ".limit"}}
	}
	at := prose.Join(prose.Plain("\u00a0"), prose.Unit(""), prose.Plain(" at L = "+prose.Count(b.Length)))
	for i, p := range r.Series[0].Points {
		if p.Length == b.Length && p.Ell == b.Ell {
			at = prose.Join(at, prose.Plain(" (estimate: "), prose.Amount(p.Value, p.SE, fmt.Sprintf(".series[0].points[%d].nats", i)), prose.Plain(")"))
		}
	}
	condition := ": the lower end holds for any model, the upper one (vCLUB) for a model that makes full use of the past"
	if b.Upper != nil && b.Upper.By == "entropy" {
		condition = ": both hold for any model"
	}
	switch low := b.Lower.Limit > 0; {
	case low && b.Upper != nil:
		return prose.Join(prose.Plain("Between "), limit(b.Lower, "lower"), prose.Plain(" and "), limit(*b.Upper, "upper"), at, prose.Plain(condition+"."))
	case low:
		return prose.Join(prose.Plain("At least "), limit(b.Lower, "lower"), at, prose.Plain(", for any model."))
	case b.Upper != nil && b.Upper.By == "entropy":
		return prose.Join(prose.Plain("Between 0 and "), limit(*b.Upper, "upper"), at, prose.Plain(condition+"."))
	case b.Upper != nil:
		return prose.Join(prose.Plain("At most "), limit(*b.Upper, "upper"), at, prose.Plain(", by vCLUB, for a model that makes full use of the past; no lower bound above zero."))
	}
	return nil
}
