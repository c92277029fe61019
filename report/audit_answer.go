package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/arch/serving"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// headline is the finding as a sentence: what fits where that was asked, what a
// length asks of the models where one was given, else which models keep up.
func (a audited) headline() (string, page.Tone) {
	switch {
	case a.answersMemory():
		return memoryAnswer(a.Memory)
	case a.answersLength():
		return a.lengthAnswer()
	}
	return a.growthHeadline()
}

func (a audited) answersMemory() bool { return a.Memory != nil && len(a.Memory.Models) > 0 }

func (a audited) answersLength() bool {
	if len(a.Questions) == 0 || len(a.Models) == 0 || len(a.Capacities) == 0 {
		return false
	}
	for _, m := range a.Models {
		if len(m.Needs) < len(a.Questions) || len(m.Needs[len(a.Questions)-1].At) <= len(a.Capacities) {
			return false
		}
	}
	return true
}

// leadGrowth says in the lead which models keep up, where the headline answers
// another question.
func (a audited) leadGrowth() string {
	if !a.answersMemory() && !a.answersLength() {
		return ""
	}
	s, _ := a.growthHeadline()
	return " " + s + "."
}

// lengthAnswer compares what the models keep at the longest length asked for
// with the law, at the most demanding capacity.
func (a audited) lengthAnswer() (string, page.Tone) {
	if s := a.policyAnswer(); s != "" {
		return s, page.Neutral
	}
	question, least := a.longestQuestion(), a.leastCapacity()
	enough, name, factor := 0, "", math.Inf(1)
	for _, m := range a.Models {
		at := m.Needs[question].At[least+1] // the first is the hard one
		if at.Factor >= 1 {
			enough++
		}
		if at.Factor < factor {
			factor, name = at.Factor, m.Name
		}
	}
	length := a.Questions[question].Length
	mark := a.beyondMark(float64(length))
	at := fmt.Sprintf("At %s tokens,", prose.Count(length))
	capacity := "if each stored number carries " + a.capacityLabel(least)
	tone := page.Neutral
	if enough < len(a.Models) {
		tone = page.Doubtful
	}
	if len(a.Models) == 1 {
		verdict := "is large enough"
		if enough == 0 {
			verdict = "is too small"
		}
		return fmt.Sprintf("%s the state of %s %s: %s%s times what the law asks for, %s", at, withoutOwner(name), verdict, mark, short(factor), capacity), tone
	}
	return fmt.Sprintf("%s %d of %d models %s as much as the law asks for, %s; the smallest, %s, keeps %s%s times that",
		at, enough, len(a.Models), agree(enough, "keeps", "keep"), capacity, withoutOwner(name), mark, short(factor)), tone
}

// policyAnswer says what a cache policy leaves of a model, where one model was
// audited with and without one; "" otherwise.
func (a audited) policyAnswer() string {
	if len(a.Models) != 2 {
		return ""
	}
	whole, part := a.Models[0], a.Models[1]
	if strings.Contains(whole.Name, " + ") {
		whole, part = part, whole
	}
	policy, with := strings.CutPrefix(part.Name, whole.Name+" + ")
	if !with {
		return ""
	}
	question, least := a.longestQuestion(), a.leastCapacity()
	need, all := part.Needs[question], whole.Needs[question]
	if need.State >= all.State {
		return "" // it changes the format of numbers, or keeps more of them
	}
	length := a.Questions[question].Length
	s := fmt.Sprintf("At %s tokens, %s leaves %s of the %s elements that %s keeps: %s%s times what the law asks for, if each stored number carries %s",
		prose.Count(length), policy, short(float64(need.State)), short(float64(all.State)), withoutOwner(whole.Name),
		a.beyondMark(float64(length)), short(need.At[least+1].Factor), a.capacityLabel(least))
	if x := part.Crossovers[least+1]; x.At != nil && *x.At > float64(length) {
		s += fmt.Sprintf("; it is too small from L = %s%s", a.beyondMark(*x.At), short(*x.At))
	}
	return s
}

// longestQuestion is the index of the longest length asked for.
func (a audited) longestQuestion() int {
	longest := 0
	for i, q := range a.Questions {
		if q.Length > a.Questions[longest].Length {
			longest = i
		}
	}
	return longest
}

// beyondMark is "~" for a length beyond those measured.
func (a audited) beyondMark(length float64) string {
	if a.Evidence.Beyond(length) {
		return "~"
	}
	return ""
}

// lengthFacts are the tiles of a length: what the law asks for there, and the
// model that is the first to be too small.
func (a audited) lengthFacts() []page.Fact {
	if a.answersMemory() || !a.answersLength() {
		return nil
	}
	question, least := a.longestQuestion(), a.leastCapacity()
	q := a.Questions[question]
	need := a.Models[0].Needs[question]
	mark := a.beyondMark(float64(q.Length))
	facts := []page.Fact{{
		Label: "the law asks for", Value: prose.Plain(mark + short(need.At[least+1].Elements) + " elements"),
		Note: prose.Plain(fmt.Sprintf("at %s tokens, at %s each: the past carries %s%s nats about the future",
			prose.Count(q.Length), a.capacityLabel(least), mark, prose.Round(float64(need.Information), 0))),
	}}
	return append(facts, a.soonest()...)
}

// memoryAnswer is the finding as a sentence: how many fit. Weights that are not known
// are not counted, so only caches are known to fit there, and the sentence says so.
func memoryAnswer(p *result.MemoryPlan) (string, page.Tone) {
	by := byFit(p)
	fit, caches := len(by["yes"]), len(by["cache"])
	planned := fit + caches + len(by["no"])
	at := memoryQuestion(p)
	if planned == 1 {
		switch {
		case fit == 1:
			return fmt.Sprintf("%s fits at %s", by["yes"][0].Model, at), page.Good
		case caches == 1:
			return fmt.Sprintf("The cache of %s fits at %s; weights are unknown and not counted", by["cache"][0].Model, at), page.Neutral
		}
		return fmt.Sprintf("%s does not fit at %s", by["no"][0].Model, at), page.Bad
	}
	s, tone := fmt.Sprintf("At %s, %d of %s %s", at, fit, prose.Plural(planned, "model", "models"), agree(fit, "fits", "fit")), page.Neutral
	switch {
	case caches > 0 && fit == 0:
		s = fmt.Sprintf("At %s, the caches of %d of %s fit; weights are unknown and not counted", at, caches, prose.Plural(planned, "model", "models"))
	case caches > 0:
		s += fmt.Sprintf("; for %d more the cache fits, but the weights are unknown", caches)
	case fit == 0:
		tone = page.Bad
	case fit == planned:
		tone = page.Good
	}
	return s, tone
}

// byFit groups the models by the word of fitsWord.
func byFit(p *result.MemoryPlan) map[string][]*result.ModelPlan {
	by := map[string][]*result.ModelPlan{}
	for i := range p.Models {
		if m := &p.Models[i]; m.Error == "" {
			by[fitsWord(*m)] = append(by[fitsWord(*m)], m)
		}
	}
	return by
}

// whichFit names the models that fit, those of which only the cache is known to,
// and those that do not, the longest context first.
func whichFit(p *result.MemoryPlan) []prose.Phrase {
	by := byFit(p)
	if len(by["yes"])+len(by["cache"])+len(by["no"]) < 2 {
		return nil
	}
	var points []prose.Phrase
	for _, group := range []struct{ word, lead string }{
		{"yes", "Fit: "}, {"cache", "The cache fits, the weights are unknown: "}, {"no", "Do not fit: "},
	} {
		var names []string
		models := by[group.word]
		slices.SortStableFunc(models, func(a, b *result.ModelPlan) int { return cmp.Compare(b.Needed().Longest, a.Needed().Longest) })
		for _, m := range models {
			name := withoutOwner(m.Model)
			switch n := m.Needed().Longest; {
			case n == serving.Unbounded:
				name += " (any length)"
			case n > 0:
				name += " (up to " + prose.Count(n) + ")"
			}
			names = append(names, name)
		}
		if len(names) > 0 {
			points = append(points, prose.Join(prose.Styled(prose.Strong, group.lead), prose.Plain(strings.Join(names, ", ")+".")))
		}
	}
	return points
}

// fitsWord says whether a model fits; "cache" where only its cache is known to.
func fitsWord(m result.ModelPlan) string {
	switch {
	case !m.Needed().Fits:
		return "no"
	case !m.Known:
		return "cache"
	}
	return "yes"
}

// atMost marks what weights that are not known would lessen.
func atMost(m result.ModelPlan, n int64) string {
	s := longest(n)
	if !m.Known && n > 0 && s != "any" {
		s = "≤\u00a0" + s
	}
	return s
}

// agree is the verb that agrees with a number.
func agree(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// withoutOwner is a model's name without the owner before it, with its cache
// policy.
func withoutOwner(name string) string {
	plain, policy, with := strings.Cut(name, " + ")
	plain = plain[strings.LastIndexByte(plain, '/')+1:]
	if with {
		plain += " + " + policy
	}
	return plain
}
