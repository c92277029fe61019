package l2m

import (
	"errors"
	"fmt"
	"strings"

	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/result"
)

// measuredLaw is the power law of the headline series of a run. Its Source says
// how far it was measured, and whether the run's own verdict supports it.
func measuredLaw(r *result.Result) (law.PowerLaw, error) {
	for _, s := range r.Series {
		if s.Law == nil {
			continue
		}
		if s.Law.Law == nil || s.Law.Verdict == law.NoInformation {
			return law.PowerLaw{}, fmt.Errorf("the headline estimator %s has no power law: %s", s.Estimator, s.Law.Reason)
		}
		l := *s.Law.Law
		if l.Unit == "" {
			l.Unit = unitOf(r.Corpus.Tokenizer)
		}
		if l.Unit != "token" && l.Unit != "byte" {
			return law.PowerLaw{}, fmt.Errorf("its lengths count %ss, which cannot be converted to tokens of a language model", l.Unit)
		}
		l.Source = fmt.Sprintf("measured up to L = %d %ss", r.Windows.Length, l.Unit)
		switch s.Law.Verdict {
		case law.PowerLawRejected:
			l.Source += ", where the data reject a single power law"
		case law.Undecided:
			l.Source += ", where the data cannot tell whether a power law holds"
		}
		return l, nil
	}
	return law.PowerLaw{}, errors.New("the run has no law (l2m measure fits one when it has enough documents)")
}

// unitOf is what a length counts under a tokenizer.
func unitOf(tokenizer string) string {
	switch strings.ToLower(tokenizer) {
	case "byte", "bytes":
		return "byte"
	case "dna":
		return "base"
	case "protein":
		return "residue"
	case "word", "words":
		return "word"
	}
	return "token"
}
