package report

import (
	"fmt"
	"math"
	"strings"

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
	capacity := fmt.Sprintf("if each stored number carries %s nats", prose.Exact(a.Capacities[least]))
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
	return fmt.Sprintf("%s %d of %d models %s as much as the law asks for, %s; the smallest is %s with %s%s times that",
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
	s := fmt.Sprintf("At %s tokens, %s leaves %s of the %s elements that %s keeps: %s%s times what the law asks for, if each stored number carries %s nats",
		prose.Count(length), policy, short(float64(need.State)), short(float64(all.State)), withoutOwner(whole.Name),
		a.beyondMark(float64(length)), short(need.At[least+1].Factor), prose.Exact(a.Capacities[least]))
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
		Note: prose.Plain(fmt.Sprintf("at %s tokens, at %s nats each: the past tells %s%s nats about the future",
			prose.Count(q.Length), prose.Exact(a.Capacities[least]), mark, prose.Round(float64(need.Information), 0))),
	}}
	soonest, at := "", math.Inf(1)
	for _, m := range a.Models {
		if x := m.Crossovers[least+1]; x.At != nil && *x.At < at {
			soonest, at = m.Name, *x.At
		}
	}
	if soonest != "" {
		facts = append(facts, page.Fact{
			Label: "first to be too small", Value: prose.Plain("from L = " + a.beyondMark(at) + short(at)),
			Note: prose.Plain(fmt.Sprintf("%s, at %s nats per element", soonest, prose.Exact(a.Capacities[least]))),
		})
	}
	return facts
}

// memoryAnswer is the finding as a sentence: how many fit, and which leaves least
// room. Weights that are not known are not counted, so only caches are known to
// fit there, and the sentence says so.
func memoryAnswer(p *result.MemoryPlan) (string, page.Tone) {
	fit, planned, unknown := 0, 0, 0
	tightest, room := "", math.Inf(1)
	for _, m := range p.Models {
		if m.Error != "" {
			continue
		}
		planned++
		x := m.Needed()
		if !x.Fits {
			continue
		}
		fit++
		if !m.Known {
			unknown++
		}
		if r := float64(m.Available-x.Total) / float64(p.Memory); r < room {
			room, tightest = r, m.Model
		}
	}
	var s string
	switch {
	case planned == 1 && unknown == 1:
		s = fmt.Sprintf("The cache of %s fits at %s", tightest, memoryQuestion(p))
	case planned == 1 && fit == 1:
		s = fmt.Sprintf("%s fits at %s", tightest, memoryQuestion(p))
	case fit > 0 && unknown == fit:
		s = fmt.Sprintf("At %s, the caches of %d of %s fit", memoryQuestion(p), fit, prose.Plural(planned, "model", "models"))
	default:
		s = fmt.Sprintf("At %s, %d of %s %s", memoryQuestion(p), fit, prose.Plural(planned, "model", "models"), agree(fit, "fits", "fit"))
	}
	switch {
	case planned == 1 && fit == 0:
		for _, m := range p.Models {
			if m.Error == "" {
				s = fmt.Sprintf("%s does not fit at %s", m.Model, memoryQuestion(p))
			}
		}
	case unknown > 0 && unknown == fit:
		s += "; weights are not known and not counted"
	case unknown > 0:
		s += fmt.Sprintf("; the weights of %d of these are not known and not counted", unknown)
	}
	if planned > 1 && fit > 0 {
		s += fmt.Sprintf("; the tightest is %s with %.0f %% of the memory to spare", withoutOwner(tightest), 100*room)
	}
	switch {
	case fit == 0:
		return s, page.Bad
	case fit == planned && unknown == 0:
		return s, page.Good
	}
	return s, page.Neutral
}

// whichFit names the models that fit, those of which only the cache is known to,
// and those that do not.
func whichFit(p *result.MemoryPlan) string {
	by, planned := map[string][]string{}, 0
	for _, m := range p.Models {
		if m.Error == "" {
			planned++
			by[fitsWord(m)] = append(by[fitsWord(m)], withoutOwner(m.Model))
		}
	}
	if planned < 2 {
		return ""
	}
	s := ""
	for _, group := range []struct{ word, lead string }{
		{"yes", "Fit: "}, {"cache", "The cache fits, the weights are not known: "}, {"no", "Do not fit: "},
	} {
		if names := by[group.word]; len(names) > 0 {
			s += group.lead + strings.Join(names, ", ") + ". "
		}
	}
	return s
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
		s = "≤ " + s
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
