package report

import (
	"fmt"
	"sort"
	"strings"

	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
)

// estimatorWords say in plain words what an estimator does and how it errs.
var estimatorWords = map[mi.Estimator]string{
	mi.Paired:      "the loss of the future without its past, minus its loss with it, on the same future. Right when the model errs as much without the past as with it.",
	mi.Direct:      "the same with the two losses taken on different documents, as in the L²M paper. Same mean, far noisier.",
	mi.Paired1Gram: "paired, where the model takes the future for the beginning of a document: four fifths of the loss of its first token are replaced by the entropy of single tokens.",
	mi.Paired2Gram: "the same for the first two tokens and the entropy of pairs; the correction of the L²M paper.",
	mi.Direct1Gram: "direct, with the same correction of the first token.",
	mi.Direct2Gram: "direct, with the correction of the first two tokens: the estimate that the L²M paper reports.",
	mi.Block:       "what the loss of one pass over the window says, without a second pass. Needs text that is statistically alike from start to end.",
	mi.VCLUB:       "compares the true past with the past of another document. With a perfect model it still exceeds the mutual information (by the lautum information); compare its exponent, not its height.",
	mi.Auxiliary:   "replaces the loss without a past by the model's own average over pasts of other documents. A lower bound for any model once that average is over many.",
	mi.InfoNCE:     "asks the model to pick the true past out of K. A lower bound for any model, and never above ln K: where it levels off, K is too small.",
	mi.LeaveOneOut: "as auxiliary; an upper bound if the model is perfect.",
	mi.Given:       "estimates that were made elsewhere, read from a table.",
}

// method explains in plain words.
func (b pageBuilder) method() page.Section {
	s := page.Section{ID: "method", Title: "How to read this, and what to distrust"}
	if given(b.r) {
		s.Blocks = append(s.Blocks, page.Prose{Text: prose.Join(prose.Plain("The estimates and their errors are those of the table; l2m fitted the laws. "), prose.Styled(prose.Math, "I(ℓ; L)"),
			prose.Plain(" is the mutual information between the first "), prose.Styled(prose.Math, "ℓ"), prose.Plain(" "+b.unit+" of a window of "), prose.Styled(prose.Math, "L"),
			prose.Plain(" and the rest. Intervals are as good as the errors that were given: what a model or an estimator cannot see is not in them."))})
	} else if len(b.r.Series) > 0 {
		s.Blocks = append(s.Blocks,
			page.Prose{Text: prose.Join(prose.Plain("Take "), prose.Styled(prose.Math, "L"), prose.Plain(" consecutive "+b.unit+" of a document and cut them after "), prose.Styled(prose.Math, "ℓ"),
				prose.Plain(". The mutual information "), prose.Styled(prose.Math, "I(ℓ; L)"), prose.Plain(" is how much knowing the first part reduces the surprise of the second, in "), prose.Unit(""),
				prose.Plain(". It is measured by letting the model score the second part with and without the first. An exponent β near 1 would mean that every "+singular(b.unit)+" keeps adding as much; near 0, that nothing new comes from further back."))},
			page.Prose{Text: prose.Plain("Documents, not windows, are the independent units: intervals say what another sample of such documents would give. They do not cover what the model misses. A model that cannot use what lies far back reports too small an exponent, and one that saw these documents in training may report too little surprise.")})
		var items []prose.Phrase
		for _, e := range mi.Estimators() {
			for _, x := range b.r.Series {
				if x.Estimator == e {
					items = append(items, prose.Join(prose.Styled(prose.Strong, estimatorName(e)), prose.Plain(": "+estimatorWords[e])))
					break
				}
			}
		}
		s.Blocks = append(s.Blocks, page.List{Items: items})
	}
	if t := b.r.TwoPoint; t != nil {
		text := "Two-point information comes from counting pairs, without a model. Counts from a finite text always show some information"
		if hasFloor(t) {
			text += ", as much as the same estimator gives on shuffled pairs"
		}
		errors := "from leaving out blocks of documents in turn"
		switch {
		case t.BlockTokens > 0:
			errors = "from leaving out stretches of text in turn, because most of the text is in a few documents"
		case t.Blocks == 0:
			errors = "those of independent pairs"
		}
		s.Blocks = append(s.Blocks, page.Prose{Text: prose.Plain(text + ". Errors are " + errors + "; a value within two of them is not distinguishable from zero and is not fitted.")})
	}
	return s
}

// given reports whether the estimates were made elsewhere.
func given(r *result.Result) bool { return len(r.Series) > 0 && r.Series[0].Estimator == mi.Given }

// numbers are all estimates in tables.
func (b pageBuilder) numbers() page.Section {
	s := page.Section{ID: "numbers", Title: "All estimates"}
	for i, x := range b.r.Series {
		if len(x.Points) == 0 {
			continue
		}
		t := &page.Table{ID: fmt.Sprintf("series-%d", i), Columns: []page.Column{{Head: prose.Styled(prose.Math, "L"), Numeric: true}, {Head: prose.Styled(prose.Math, "ℓ"), Numeric: true},
			{Head: prose.Join(prose.Plain("I ("), prose.Unit(""), prose.Plain(")")), Numeric: true}, page.Number("95 % interval"), page.Number("standard error"), page.Number("windows"), page.Text("")}}
		for j, p := range x.Points {
			base := fmt.Sprintf(".series[%d].points[%d]", i, j)
			note := ""
			if x.Law != nil && j < len(x.Law.Used) && !x.Law.Used[j] {
				note = "not used by the fit"
			}
			iv := prose.Plain("–")
			if p.SE > 0 {
				iv = prose.Join(prose.Amount(p.Value-info.Z95*p.SE, p.SE, ""), prose.Plain(" … "), prose.Amount(p.Value+info.Z95*p.SE, p.SE, ""))
			}
			t.Rows = append(t.Rows, []prose.Phrase{{{Text: prose.Count(p.Length), Ref: base + ".length"}}, {{Text: prose.Count(p.Ell), Ref: base + ".ell"}}, prose.Amount(p.Value, p.SE, base+".nats"),
				iv, amount2(p.SE, base+".se"), {{Text: prose.Count(p.Windows), Ref: base + ".windows"}}, prose.Styled(prose.Muted, note)})
		}
		s.Blocks = append(s.Blocks, page.Details{Summary: seriesName(x), Blocks: []page.Block{t}})
	}
	return s
}

// provenance says exactly what was done to what.
func (b pageBuilder) provenance() page.Section {
	r := b.r
	t := &page.Table{ID: "origin", Columns: []page.Column{page.Text("what"), {Head: prose.Plain("which"), Wide: true}}}
	row := func(name string, v prose.Phrase) {
		if v.String() != "" {
			t.Rows = append(t.Rows, []prose.Phrase{prose.Plain(name), v})
		}
	}
	c := r.Corpus
	documents := prose.Phrase{{Text: prose.Count(c.Documents), Ref: ".corpus.documents"}, {Text: " distinct, " + prose.Size(c.Bytes) + "; "}}
	if r.Windows.Count > 0 {
		documents = append(documents, prose.Phrase{{Text: prose.Count(c.Training), Ref: ".corpus.training_documents"}, {Text: " for training, "}, {Text: prose.Count(c.Evaluation), Ref: ".corpus.evaluation_documents"}, {Text: " for evaluation; "}}...)
	}
	if given(r) {
		row("Table", prose.Plain(strings.Join(c.Paths, ", ")))
	} else {
		row("Documents", append(documents, prose.Phrase{{Text: prose.Count(c.Duplicates), Ref: ".corpus.duplicates"}, {Text: " duplicates dropped"}}...))
	}
	row("Read", prose.Plain(c.Read))
	if len(c.Skipped) > 0 {
		var reasons []string
		for k := range c.Skipped {
			reasons = append(reasons, k)
		}
		sort.Strings(reasons)
		for i, k := range reasons {
			reasons[i] = fmt.Sprintf("%s: %s", k, prose.Count(c.Skipped[k]))
		}
		row("Skipped", prose.Plain(strings.Join(reasons, "; ")))
	}
	row("Corpus", prose.Styled(prose.Code, c.Fingerprint))
	row("Tokens", prose.Plain(c.Tokenizer))
	if r.Model.Name != "" {
		m := r.Model.Name
		if r.Model.TrainingBytes > 0 {
			m += ", trained on " + prose.Size(r.Model.TrainingBytes)
		}
		row("Model", prose.Join(prose.Plain(m+" "), prose.Styled(prose.Code, r.Model.Fingerprint)))
		row("Sequence start", prose.Plain(map[bool]string{true: "a beginning-of-sequence token precedes every sequence: the model takes it for the start of a document", false: "none: the model starts in the middle of text"}[r.Model.BOS == "prepended"]))
	}
	if w := r.Windows; w.Count > 0 {
		row("Windows", prose.Phrase{{Text: prose.Count(w.Count), Ref: ".windows.count"}, {Text: " of "}, {Text: prose.Count(w.Length), Ref: ".windows.length"}, {Text: " " + b.unit + " from "}, {Text: prose.Count(w.Documents), Ref: ".windows.documents"},
			{Text: " documents, resampled by " + w.ClusterKind + "; seed " + fmt.Sprint(w.Seed)}})
	}
	if p := r.Plan; p.Tokens > 0 {
		text := prose.Phrase{{Text: prose.Count(p.Tokens), Ref: ".plan.tokens"}, {Text: " " + b.unit + " scored"}}
		if p.NaiveTokens > p.Tokens {
			text = append(text, prose.Span{Text: "; passes of full length would have scored "}, prose.Span{Text: prose.Count(p.NaiveTokens), Ref: ".plan.naive_tokens"})
		}
		row("Cost", text)
	}
	if p := r.TwoPoint; p != nil {
		text := prose.Phrase{{Text: prose.Count(p.Tokens), Ref: ".twopoint.tokens"}, {Text: " " + b.unit + "; entropies by the " + p.Estimator + " estimator"}}
		if p.Corrected {
			text = append(text, prose.Span{Text: ", less what it reads on shuffled pairs"})
		}
		row("Pairs", text)
	}
	s := page.Section{ID: "provenance", Title: "How this was made"}
	row("Version", prose.Plain("l2m "+r.Version+", schema "+result.Schema))
	s.Blocks = append(s.Blocks, t)
	return s
}
