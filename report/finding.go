package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/law/decay"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
)

// finding is the verdict of a run in words, the same in every face.
type finding struct {
	tone     page.Tone
	headline string       // a sentence without numbers, without its full stop
	caveat   string       // what a check adds to it: a sentence without its full stop, or ""
	reason   string       // why, when the headline alone does not say it
	formula  prose.Phrase // the law, when one was fitted
	series   int          // index of the headline series; -1 when there is none
	exponent *law.Param
	factor   *law.Param

	rejected  bool // the formula is the best single one, and does not fit
	withdrawn bool // a check says that it is no law of the text
}

// misfits is the probability of residuals below which estimates do not follow the best
// power law, as in the verdicts of package law: a check that withdraws the verdict
// leaves no law that they would follow.
const misfits = 0.01

// headlineSeries is the first series that has a law, or the first one.
func headlineSeries(r *result.Result) int {
	for i, s := range r.Series {
		if s.Law != nil && len(s.Points) > 0 {
			return i
		}
	}
	return -1
}

// find states the finding of a run.
func find(r *result.Result) finding {
	f := finding{tone: page.Neutral, series: headlineSeries(r)}
	if f.series < 0 {
		switch {
		case r.TwoPoint != nil && r.TwoPoint.Law != nil:
			d := r.TwoPoint.Law
			f.headline = "Two-point information decays with distance"
			if !d.Decays() {
				f.headline = "Two-point information shows no decay with distance"
			}
			if !d.Holds() {
				f.tone, f.rejected, f.headline = page.Bad, true, f.headline+", but not as one power law"
				if !d.Decays() {
					f.headline = "Two-point information does not follow one power law of the distance"
				}
				if rival := d.Better(); rival != nil {
					f.reason = "Better: " + rival.Name() + "."
				} else {
					f.reason = fmt.Sprintf("The points lie %.0f\u00a0%% off it.", 100*d.Scatter)
				}
			}
			f.formula = decayFormula(d)
		case r.TwoPoint != nil && !slices.ContainsFunc(r.TwoPoint.Points, func(p result.TwoPointPoint) bool { return p.LeftOut == "" || p.LeftOut == decay.SharedLetters }):
			f.headline = "Tokens at a distance tell nothing measurable about each other"
		default:
			f.headline = "Nothing was measured that a law could be fitted to"
		}
		return f
	}
	s := r.Series[f.series]
	switch s.Law.Verdict {
	case law.PowerLawHolds:
		f.tone, f.headline = page.Good, "Mutual information grows as a power law"
	case law.PowerLawRejected:
		f.tone, f.rejected, f.headline = page.Bad, true, "Mutual information grows, but not as a single power law"
	case law.NoInformation:
		f.tone, f.headline = page.Neutral, "The past tells nothing measurable about the future"
	default:
		f.tone, f.headline = page.Doubtful, "There is too little data to tell how information grows"
		if s.Estimator == mi.Given && s.Cov == nil && s.Law.Power != nil {
			f.headline = "A power law through estimates without errors, which cannot be tested"
		}
	}
	f.reason = s.Law.Reason
	if len(r.Findings) > 0 {
		f.found(r.Findings[0])
	}
	if s.Law.Power == nil || s.Law.Verdict == law.NoInformation || f.withdrawn && s.Law.Power.P < misfits {
		return f
	}
	f.factor, f.exponent = param(s.Law.Power, "A"), param(s.Law.Power, "beta")
	if f.factor == nil || f.exponent == nil {
		return f
	}
	base := fmt.Sprintf(".series[%d].law.power", f.series)
	f.formula = prose.Join(prose.Styled(prose.Math, "I"), prose.Plain("("), prose.Styled(prose.Math, "L"), prose.Plain(fmt.Sprintf("/%d; ", s.Ratio)), prose.Styled(prose.Math, "L"), prose.Plain(") ≈ "),
		prose.Amount(info.Nats(f.factor.Value), info.Nats(f.factor.SE), paramRef(base, s.Law.Power, f.factor)), prose.Plain(" · "), prose.Styled(prose.Math, "L"),
		prose.Phrase{{Text: prose.Round(f.exponent.Value, f.exponent.SE), Style: prose.Sup, Ref: paramRef(base, s.Law.Power, f.exponent)}},
		prose.Plain(" "), prose.Unit(""))
	return f
}

// found puts what a check found in the place of the finding it withdraws, or after
// the finding it qualifies.
func (f *finding) found(c check.Finding) {
	f.tone = page.Doubtful
	if c.Severity == check.Withdraws {
		f.withdrawn = true
		fix := ""
		if c.Fix != "" {
			fix = " (" + c.Fix + ")"
		}
		f.headline, f.reason = c.Sentence, upperFirst(c.Detail)+fix+". Taking the estimates at face value: "+f.reason
		return
	}
	f.caveat = c.Sentence
	f.reason = strings.TrimSpace(f.reason + " " + upperFirst(c.Detail) + ".")
}

// verdict is the headline with its caveat.
func (f finding) verdict() string {
	if f.caveat == "" {
		return f.headline + "."
	}
	return f.headline + ". " + f.caveat + "."
}

// decayFormula is the fitted decay of two-point information.
func decayFormula(d *decay.Law) prose.Phrase {
	const base = ".twopoint.law"
	t := prose.Join(prose.Styled(prose.Math, "I"), prose.Plain("("), prose.Styled(prose.Math, "d"), prose.Plain(") ≈ "), decayFactor(d), prose.Plain(" · "), prose.Styled(prose.Math, "d"),
		prose.Phrase{{Text: decayPower(d), Style: prose.Sup, Ref: base + ".alpha"}})
	if d.Floor > 0 {
		t = prose.Join(t, prose.Plain(" + "), prose.Phrase{{Text: prose.Significant(d.Floor, 2), Bits: prose.Significant(info.Nats(d.Floor).Bits(), 2), Ref: base + ".floor"}})
	}
	return prose.Join(t, prose.Plain(" "), prose.Unit(""))
}

// decayFactor is A of a decay; with three digits when its error is not known.
func decayFactor(d *decay.Law) prose.Phrase {
	if d.AInterval == nil {
		return prose.Phrase{{Text: prose.Significant(d.A, 3), Bits: prose.Significant(info.Nats(d.A).Bits(), 3), Ref: ".twopoint.law.a"}}
	}
	return prose.Amount(info.Nats(d.A), halfWidth(d.AInterval), ".twopoint.law.a")
}

// decayPower is the exponent −α of a decay, which is positive where nothing decays.
func decayPower(d *decay.Law) string {
	if d.AlphaInterval == nil {
		return prose.Significant(-d.Alpha, 3)
	}
	return prose.Round(-d.Alpha, float64(halfWidth(d.AlphaInterval)))
}

// param finds a parameter of a fit by its name.
func param(f *law.Fit, name string) *law.Param {
	if f == nil {
		return nil
	}
	for i := range f.Params {
		if f.Params[i].Name == name {
			return &f.Params[i]
		}
	}
	return nil
}

// paramRef is the path of a parameter's value.
func paramRef(base string, f *law.Fit, p *law.Param) string {
	for i := range f.Params {
		if p == &f.Params[i] {
			return fmt.Sprintf("%s.params[%d].value", base, i)
		}
	}
	return ""
}

// halfWidth is an interval's half-width in standard errors, 0 without one.
func halfWidth(i *info.Interval) info.Nats {
	if i == nil || i.Level <= 0 {
		return 0
	}
	return info.Nats((i.Hi - i.Lo) / (2 * info.Z95))
}

// interval writes "lo … hi" rounded like the value it belongs to.
func interval(i *info.Interval, se float64, ref string) prose.Phrase {
	if i == nil {
		return prose.Plain("–")
	}
	if se == 0 {
		se = float64(halfWidth(i))
	}
	return prose.Join(prose.Value(i.Lo, se, ref+".lo"), prose.Plain(" … "), prose.Value(i.Hi, se, ref+".hi"))
}

// level writes the level of an interval: "95 %".
func level(i *info.Interval) string {
	if i == nil || i.Level <= 0 || i.Level >= 1 {
		return ""
	}
	return strconv.FormatFloat(math.Round(1000*i.Level)/10, 'f', -1, 64) + "\u00a0%"
}

// lengthUnit is what a length counts: "bytes" for byte tokens, the letters of
// biological alphabets, otherwise "tokens".
func lengthUnit(r *result.Result) string {
	switch strings.ToLower(r.Corpus.Tokenizer) {
	case "byte", "bytes":
		return "bytes"
	case "dna":
		return "bases"
	case "protein":
		return "residues"
	case "word", "words":
		return "words"
	}
	return "tokens"
}

// lossUnit is the unit of bits_per_byte: letters of biological sequences are bytes.
func lossUnit(r *result.Result) string {
	if unit := lengthUnit(r); unit == "bases" || unit == "residues" {
		return "bits/" + singular(unit)
	}
	return "bits/byte"
}

// singular drops the plural of a length unit.
func singular(unit string) string { return strings.TrimSuffix(unit, "s") }

// estimatorName is the name of an estimator, which a foreign file may have made up.
func estimatorName(e mi.Estimator) string { return printable(e.Name()) }

// familyNames are the families of laws as people write them.
func familyName(f law.Family) string {
	switch f {
	case law.Power:
		return "power law"
	case law.OffsetPower:
		return "power law with offset"
	case law.Logarithm:
		return "logarithm"
	case law.Volume:
		return "volume law"
	case law.Saturation:
		return "saturation"
	case law.Zero:
		return "no information"
	}
	return string(f)
}

// familyFormula is a family's formula.
func familyFormula(f law.Family) prose.Phrase {
	L := prose.Styled(prose.Math, "L")
	sup := func(s string) prose.Phrase { return prose.Styled(prose.Sup, s) }
	switch f {
	case law.Power:
		return prose.Join(prose.Styled(prose.Math, "A·"), L, sup("β"))
	case law.OffsetPower:
		return prose.Join(prose.Styled(prose.Math, "A·"), L, sup("β"), prose.Plain(" + "), prose.Styled(prose.Math, "c"))
	case law.Logarithm:
		return prose.Join(prose.Styled(prose.Math, "a"), prose.Plain(" + "), prose.Styled(prose.Math, "b"), prose.Plain("·ln "), L)
	case law.Volume:
		return prose.Join(prose.Styled(prose.Math, "a·"), L)
	case law.Saturation:
		return prose.Join(prose.Styled(prose.Math, "a·"), prose.Plain("(1 − (1 + "), L, prose.Plain("/"), L, prose.Styled(prose.Sub, "0"), prose.Plain(")"), sup("−γ"), prose.Plain(")"))
	}
	return prose.Plain("0")
}

// verdictMark is the verdict as a word of a table.
func verdictWord(v law.Verdict) string {
	switch v {
	case law.PowerLawHolds:
		return "power law"
	case law.PowerLawRejected:
		return "rejected"
	case law.NoInformation:
		return "nothing"
	}
	return "undecided"
}

// weight writes an Akaike weight.
func weight(w float64) string {
	switch {
	case !prose.Finite(w):
		return "–"
	case w < 0.001:
		return "<\u00a00.001"
	case w > 0.9995:
		return ">\u00a00.999"
	case w < 0.1:
		return prose.Fixed(w, 3)
	}
	return prose.Fixed(w, 2)
}

// probability writes a p-value.
func probability(p float64) string {
	if prose.Finite(p) && p < 0.001 {
		return "<\u00a00.001"
	}
	if p < 0.01 {
		return prose.Significant(p, 1)
	}
	return prose.Significant(p, 2)
}

// paramName is a parameter as people write it.
func paramName(name string) string {
	switch name {
	case "beta":
		return "β"
	case "gamma":
		return "γ"
	case "L0", "l0":
		return "L₀"
	}
	return name
}

// reduced is χ² per degree of freedom.
func reduced(chi2 float64, dof int) string {
	if dof <= 0 {
		return "–"
	}
	return prose.Significant(chi2/float64(dof), 2)
}

// growth is the factor by which a power law grows when the length doubles.
func growth(beta float64) float64 { return math.Exp2(beta) }
