package measure

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/token"
)

// scoredWindows are windows of text, scored one by one.
type scoredWindows struct {
	model   lm.Model[token.ID]
	windows []corpus.Window
}

func (s scoredWindows) Length() int { return len(s.windows[0].Tokens) }

func (s scoredWindows) Each(yield func(mi.Window) error) error {
	for _, w := range s.windows {
		scores, err := s.model.LogProbs(context.Background(), lm.Request[token.ID]{Tokens: w.Tokens})
		if err != nil {
			return err
		}
		if err := yield(mi.Window{Cluster: w.Cluster, Joint: scores.Tokens}); err != nil {
			return err
		}
	}
	return nil
}

// TestBlockOfBlanks: block needs windows that start anywhere. In a renewal process whose
// events are the blanks of a text, windows that started at the beginnings of words would
// start after an event, where most is known.
func TestBlockOfBlanks(t *testing.T) {
	const length, documents = 64, 150
	p, err := process.NewRenewal(1.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, symbols := range map[string][2]string{"letters": {"a", " "}, "tokens": {"ab", " "}} {
		dir := t.TempDir()
		for i := range documents {
			var text strings.Builder
			for _, id := range p.Sample(process.NewRand(7, i), 6000) {
				text.WriteString(symbols[id])
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(text.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		c, err := corpus.Index(t.Context(), []string{dir}, corpus.Options{})
		if err != nil {
			t.Fatal(err)
		}
		split, err := c.All(1).Tokenized(t.Context(), func(_ context.Context, text []byte) ([]token.ID, error) {
			var ids []token.ID
			for _, b := range bytes.ReplaceAll(text, []byte("ab"), []byte("a")) { // a half is left at a cut
				id := token.ID(0)
				if b == ' ' {
					id = 1
				}
				ids = append(ids, id)
			}
			return ids, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		windows, err := split.Windows(t.Context(), corpus.WindowOptions{Length: length, PerDocument: 8})
		if err != nil {
			t.Fatal(err)
		}
		s, err := mi.Collect(t.Context(), scoredWindows{p.Model(), windows}, mi.CollectOptions{Ratios: []int{2}})
		if err != nil {
			t.Fatal(err)
		}
		block, err := s.Series(mi.Block, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, point := range block.Points {
			exact, err := p.BipartiteMI(point.Ell, point.Length)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %.3f ± %.3f nats at L = %d, exactly %.3f", name, point.Value, point.SE, point.Length, exact)
			if math.Abs(float64(point.Value-exact)) > 4*float64(point.SE) {
				t.Errorf("%s: block is %.3f ± %.3f nats at L = %d, exactly %.3f", name, point.Value, point.SE, point.Length, exact)
			}
		}
	}
}
