package measure

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/token"
)

// TestCorpusNGrams: all documents are counted once, and no pair goes over their ends.
func TestCorpusNGrams(t *testing.T) {
	dir := t.TempDir()
	for i := range 8 {
		text := strings.Repeat("ab", 500+i) + strings.Repeat("cd", 500)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := corpus.Index(t.Context(), []string{dir}, corpus.Options{Format: "text"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	e := &open.Model{Info: lm.Info{BOS: lm.BOSPrepended}, Encode: func(_ context.Context, text []byte) ([]token.ID, error) {
		return token.Bytes().Encode(nil, text), nil
	}}
	got, err := corpusNGrams(t.Context(), c, e, nil)
	if err != nil {
		t.Fatal(err)
	}
	tokens := int64(8*2000 + 2*(0+1+2+3+4+5+6+7))
	if len(got) != 2 || got[0].N != tokens || got[1].N != tokens-8 || got[0].Distinct != 4 || got[1].Distinct != 5 {
		t.Errorf("%+v: want %d tokens of 4 kinds, and pairs of 5", got, tokens)
	}
	e.Info.BOS = lm.NoBOS
	if got, err := corpusNGrams(t.Context(), c, e, nil); got != nil || err != nil {
		t.Errorf("without a token for the start: %v, %v", got, err)
	}
}

// TestCorrections: pairs of tokens come first, unless their entropy is worth less than
// what the second token changes.
func TestCorrections(t *testing.T) {
	series := func(e mi.Estimator, value info.Nats) mi.Series {
		return mi.Series{Estimator: e, Ratio: 2, Points: []mi.Point{{Ell: 2, Length: 4, Value: value, SE: 0.05}}}
	}
	one, two := series(mi.Paired1Gram, 1), series(mi.Paired2Gram, 0.6) // the second token changes 0.4 nats
	list := []mi.Series{series(mi.Paired, 2), two, one}
	for rising, want := range map[float64]mi.Estimator{0.01: mi.Paired2Gram, 0.2: mi.Paired2Gram, 0.3: mi.Paired1Gram} {
		ngrams := []mi.NGramEntropy{{}, {}}
		ngrams[1].Rising = info.Nats(rising)
		got := corrections(list, ngrams)
		warning := undersampled(list, ngrams, got)
		if got[0] != want || (warning != nil) != (rising > 0.1) {
			t.Errorf("rising by %g: %v, %v", rising, got, warning)
		}
	}
}
