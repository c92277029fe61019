package measure

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/token"
)

// Text that is tokenized for n-gram entropies: of a larger corpus, the same share of
// every document. Where another process tokenizes, a megabyte takes about a second, and
// a run of five minutes is not to spend a minute of them on this.
const (
	ngramBytes  = 64 << 20
	ngramAsking = 8 << 20
	ngramChunk  = 1 << 20
)

// corpusNGrams estimates the entropies of single tokens and of pairs in all documents,
// those that are not scored included, for a model behind a beginning-of-sequence token;
// nil for others.
func corpusNGrams(ctx context.Context, c *corpus.Corpus, e *open.Model, progress info.ProgressFunc) ([]mi.NGramEntropy, error) {
	if e.Info.BOS == lm.NoBOS || e.Encode == nil {
		return nil, nil
	}
	var lengths []int64
	for n := range c.Lengths() {
		lengths = append(lengths, n)
	}
	most := ngramBytes
	if e.Asks {
		most = ngramAsking
	}
	share := min(1, float64(most)/float64(max(1, c.Bytes())))
	stage := progress.Stage("tokenizing", "B")
	done, total := int64(0), int64(share*float64(c.Bytes()))
	var documents [][]token.ID
	err := c.Each(ctx, func(doc int, r io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(r, int64(math.Ceil(share*float64(lengths[doc])))))
		if err != nil {
			return err
		}
		var tokens []token.ID
		for len(text) > 0 {
			n := chunk(text)
			ids, err := e.Encode(ctx, text[:n])
			if err != nil {
				return fmt.Errorf("tokenizing %s: %w", c.Name(doc), err)
			}
			tokens, text = append(tokens, ids...), text[n:]
			done += int64(n)
			stage(done, max(done, total), 0)
		}
		if len(tokens) > 1 {
			documents = append(documents, tokens)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading all documents for the entropy of tokens: %w", err)
	}
	var out []mi.NGramEntropy
	for n := 1; n <= 2; n++ {
		h, err := mi.NGram(documents, n)
		if err != nil {
			return nil, fmt.Errorf("estimating the entropy of tokens: %w", err)
		}
		out = append(out, h)
	}
	return out, nil
}

// chunk is the length of the next piece of a text to tokenize: it ends before a blank
// or a line break if it can.
func chunk(text []byte) int {
	if len(text) <= ngramChunk {
		return len(text)
	}
	if i := bytes.LastIndexAny(text[:ngramChunk], " \n"); i > 0 {
		return i
	}
	return ngramChunk
}

// corrections are the corrected forms of paired, the better one first: pairs of tokens,
// unless their entropy still rises with the text by more than half of what the second
// token changes.
func corrections(series []mi.Series, ngrams []mi.NGramEntropy) []mi.Estimator {
	order := []mi.Estimator{mi.Paired2Gram, mi.Paired1Gram}
	one, two := shortest(series, mi.Paired1Gram), shortest(series, mi.Paired2Gram)
	if len(ngrams) == 2 && one != nil && two != nil && ngramWeight*float64(ngrams[1].Rising) > math.Abs(float64(one.Value-two.Value))/2 {
		slices.Reverse(order)
	}
	return order
}

// ngramWeight is the weight of an n-gram entropy in a corrected estimate (docs/method.md).
const ngramWeight = 0.8

// shortest is the estimate at the shortest length of the headline's ratio.
func shortest(series []mi.Series, e mi.Estimator) *mi.Point {
	for _, s := range series {
		if s.Estimator == e && s.Ratio == series[0].Ratio && len(s.Points) > 0 {
			return &s.Points[0]
		}
	}
	return nil
}

// undersampled warns if the entropy behind the better correction still rises with the
// text by more than the error of the estimates.
func undersampled(series []mi.Series, ngrams []mi.NGramEntropy, order []mi.Estimator) *info.Warning {
	p := shortest(series, order[0])
	if len(ngrams) != 2 || p == nil {
		return nil
	}
	n, lowered := 2, ""
	if order[0] == mi.Paired1Gram {
		n, lowered = 1, "the entropy of pairs of tokens is undersampled, so that only the first token is corrected for; "
	}
	rising := ngrams[n-1].Rising
	if by := ngramWeight * float64(rising); by > float64(p.SE) {
		of := []string{"single tokens", "pairs of tokens"}[n-1]
		lowered += fmt.Sprintf("the entropy of %s, %.2f nats, still rises by %.2g nats when the text is doubled, so the corrected series may be too low by %.2g nats or more at every length", of, float64(ngrams[n-1].Value), float64(rising), by)
	}
	if lowered == "" {
		return nil
	}
	return &info.Warning{Code: "ngrams-undersampled", Text: strings.TrimSuffix(lowered, "; "), Fix: "measure more text: documents that are not scored count too"}
}
