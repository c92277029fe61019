package report

import (
	"fmt"
	"sort"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
)

// estimatorWords say in plain words what an estimator does and how it errs.
var estimatorWords = map[mi.Estimator]string{
	mi.Paired:      "the loss of the future without its past, minus its loss with it, on the same future. Right when the model errs as much without the past as with it.",
	mi.Direct:      "the same with the two losses taken on different documents, as in the L²M paper. Same mean, far noisier.",
	mi.Paired1Gram: "paired, where the model takes the future for the beginning of a document: four fifths of the loss of its first token give way to the entropy of single tokens.",
	mi.Paired2Gram: "the same for the first two tokens and the entropy of pairs; the correction of the L²M paper.",
	mi.Direct1Gram: "direct, with the same correction of the first token.",
	mi.Direct2Gram: "direct, with the correction of the first two tokens: the estimate that the L²M paper reports.",
	mi.Block:       "what the loss of one pass over the window says, without a second pass. Needs text that is statistically alike from start to end.",
	mi.VCLUB:       "compares the true past with the past of another document. With a perfect model it still exceeds the mutual information (by the lautum information); compare its exponent, not its height.",
	mi.Auxiliary:   "replaces the loss without a past by the model's own average over pasts of other documents. A lower bound for any model once that average is over many.",
	mi.InfoNCE:     "asks the model to pick the true past out of K. A lower bound for any model, and never above ln K: where it levels off, K is too small.",
	mi.LeaveOneOut: "as auxiliary; an upper bound if the model is perfect.",
}

// method explains in plain words.
func (b pageBuilder) method() Section {
	s := Section{ID: "method", Title: "How to read this, and what to distrust"}
	if len(b.r.Series) > 0 {
		s.Blocks = append(s.Blocks,
			Prose{Join(Plain("Take "), Styled(Math, "L"), Plain(" consecutive "+b.unit+" of a document and cut them after "), Styled(Math, "ℓ"),
				Plain(". The mutual information "), Styled(Math, "I(ℓ; L)"), Plain(" is by how much knowing the first part reduces the surprise of the second, in "), Unit(""),
				Plain(". It is measured by letting the model score the second part with and without the first. An exponent β near 1 would mean that every "+singular(b.unit)+" keeps adding as much; near 0, that nothing new comes from further back."))},
			Prose{Plain("Documents, not windows, are the independent units: intervals say what another sample of such documents would give. They do not cover the model's own blindness. A model that cannot use what lies far back reports too small an exponent, and one that has read these documents in training may report too little surprise.")})
		var items []Phrase
		for _, e := range mi.Estimators() {
			for _, x := range b.r.Series {
				if x.Estimator == e {
					items = append(items, Join(Styled(Strong, estimatorName(e)), Plain(": "+estimatorWords[e])))
					break
				}
			}
		}
		s.Blocks = append(s.Blocks, List{items})
	}
	if t := b.r.TwoPoint; t != nil {
		text := "Two-point information comes from counting pairs, without a model. Counts of a finite text always show some information"
		if hasFloor(t) {
			text += ": that much the same estimator reads when the pairs are shuffled"
		}
		errors := "from leaving out blocks of documents in turn"
		switch {
		case t.BlockTokens > 0:
			errors = "from leaving out stretches of text in turn, for there are few documents"
		case t.Blocks == 0:
			errors = "those of independent pairs"
		}
		s.Blocks = append(s.Blocks, Prose{Plain(text + ". Errors are " + errors + "; a value within two of them cannot be told from nothing and is not fitted.")})
	}
	return s
}

// numbers are all estimates in tables.
func (b pageBuilder) numbers() Section {
	s := Section{ID: "numbers", Title: "All estimates"}
	for i, x := range b.r.Series {
		if len(x.Points) == 0 {
			continue
		}
		t := &Table{ID: fmt.Sprintf("series-%d", i), Columns: []Column{{Head: Styled(Math, "L"), Numeric: true}, {Head: Styled(Math, "ℓ"), Numeric: true},
			{Head: Join(Plain("I ("), Unit(""), Plain(")")), Numeric: true}, {Head: Plain("95 % interval"), Numeric: true}, {Head: Plain("standard error"), Numeric: true}, {Head: Plain("windows"), Numeric: true}, {Head: Plain("")}}}
		for j, p := range x.Points {
			base := fmt.Sprintf(".series[%d].points[%d]", i, j)
			note := ""
			if x.Law != nil && j < len(x.Law.Used) && !x.Law.Used[j] {
				note = "not used by the fit"
			}
			iv := Plain("–")
			if p.SE > 0 {
				iv = Join(Amount(p.Value-info.Z95*p.SE, p.SE, ""), Plain(" … "), Amount(p.Value+info.Z95*p.SE, p.SE, ""))
			}
			t.Rows = append(t.Rows, []Phrase{{{Text: count(p.Length), Ref: base + ".length"}}, {{Text: count(p.Ell), Ref: base + ".ell"}}, Amount(p.Value, p.SE, base+".nats"),
				iv, amount2(p.SE, base+".se"), {{Text: count(p.Windows), Ref: base + ".windows"}}, Styled(Muted, note)})
		}
		s.Blocks = append(s.Blocks, Details{Summary: seriesName(x), Blocks: []Block{t}})
	}
	return s
}

// provenance says exactly what was done to what.
func (b pageBuilder) provenance() Section {
	r := b.r
	t := &Table{ID: "origin", Columns: []Column{{Head: Plain("what")}, {Head: Plain("which"), Wide: true}}}
	row := func(name string, v Phrase) {
		if v.String() != "" {
			t.Rows = append(t.Rows, []Phrase{Plain(name), v})
		}
	}
	c := r.Corpus
	documents := Phrase{{Text: count(c.Documents), Ref: ".corpus.documents"}, {Text: " distinct, " + size(c.Bytes) + "; "}}
	if r.Windows.Count > 0 {
		documents = append(documents, Phrase{{Text: count(c.Training), Ref: ".corpus.training_documents"}, {Text: " for training, "}, {Text: count(c.Evaluation), Ref: ".corpus.evaluation_documents"}, {Text: " for evaluation; "}}...)
	}
	row("Documents", append(documents, Phrase{{Text: count(c.Duplicates), Ref: ".corpus.duplicates"}, {Text: " duplicates dropped"}}...))
	row("Read", Plain(c.Read))
	if len(c.Skipped) > 0 {
		var reasons []string
		for k := range c.Skipped {
			reasons = append(reasons, k)
		}
		sort.Strings(reasons)
		for i, k := range reasons {
			reasons[i] = fmt.Sprintf("%s: %s", k, count(c.Skipped[k]))
		}
		row("Skipped", Plain(strings.Join(reasons, "; ")))
	}
	row("Corpus", Styled(Code, c.Fingerprint))
	row("Tokens", Plain(c.Tokenizer))
	if r.Model.Name != "" {
		m := r.Model.Name
		if r.Model.TrainingBytes > 0 {
			m += ", trained on " + size(r.Model.TrainingBytes)
		}
		row("Model", Join(Plain(m+" "), Styled(Code, r.Model.Fingerprint)))
		row("Sequence start", Plain(map[bool]string{true: "a beginning-of-sequence token precedes every sequence: the model takes it for the start of a document", false: "none: the model starts in the middle of text"}[r.Model.BOS == "prepended"]))
	}
	if w := r.Windows; w.Count > 0 {
		row("Windows", Phrase{{Text: count(w.Count), Ref: ".windows.count"}, {Text: " of "}, {Text: count(w.Length), Ref: ".windows.length"}, {Text: " " + b.unit + " from "}, {Text: count(w.Documents), Ref: ".windows.documents"},
			{Text: " documents, resampled by " + w.ClusterKind + "; seed " + fmt.Sprint(w.Seed)}})
	}
	if p := r.Plan; p.Tokens > 0 {
		text := Phrase{{Text: count(p.Tokens), Ref: ".plan.tokens"}, {Text: " " + b.unit + " scored"}}
		if p.NaiveTokens > p.Tokens {
			text = append(text, Span{Text: "; passes of full length would have scored "}, Span{Text: count(p.NaiveTokens), Ref: ".plan.naive_tokens"})
		}
		row("Cost", text)
	}
	if p := r.TwoPoint; p != nil {
		text := Phrase{{Text: count(p.Tokens), Ref: ".twopoint.tokens"}, {Text: " " + b.unit + "; entropies by the " + p.Estimator + " estimator"}}
		if p.Corrected {
			text = append(text, Span{Text: ", less what it reads on shuffled pairs"})
		}
		row("Pairs", text)
	}
	s := Section{ID: "provenance", Title: "How this was made"}
	row("Version", Plain("l2m "+r.Version+", schema "+result.Schema))
	s.Blocks = append(s.Blocks, t)
	return s
}
