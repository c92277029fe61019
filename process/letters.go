package process

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Letters is a process of symbols written as letters: its tokens are the bytes of a
// text, so that it can be tokenized, split into words and scored by models of bytes.
// The information is that of the symbols.
type Letters struct {
	desc    Description
	one     Process[token.ID]
	letters string
}

// NewLetters writes symbol i as letters[i]: as many different printable ASCII
// characters other than commas as there are symbols. With a blank among them,
// symbols become words.
func NewLetters(one Process[token.ID], letters string) (*Letters, error) {
	d := one.Describe()
	if len(letters) != d.Alphabet {
		return nil, fmt.Errorf("letters = %q: %d letters for %d symbols", letters, len(letters), d.Alphabet)
	}
	for i := range len(letters) {
		if c := letters[i]; c < ' ' || c > '~' || c == ',' {
			return nil, fmt.Errorf("letters = %q: %q is not a printable ASCII character other than a comma", letters, c)
		}
		if j := strings.IndexByte(letters, letters[i]); j < i {
			return nil, fmt.Errorf("letters = %q: symbols %d and %d have the same letter", letters, j, i)
		}
	}
	d.Spec += ",letters=" + letters
	d.Title += ", written in letters"
	d.Alphabet, d.Letters = 256, letters
	d.Params = append(append([]Param(nil), d.Params...), Param{"letters", letters, "a letter for each symbol"})
	return &Letters{d, one, letters}, nil
}

// Describe implements Truth.
func (w *Letters) Describe() Description { return w.desc }

// BipartiteMI implements Truth.
func (w *Letters) BipartiteMI(ell, L int) (info.Nats, error) { return w.one.BipartiteMI(ell, L) }

// TwoPointMI implements Truth.
func (w *Letters) TwoPointMI(d int) (info.Nats, bool) { return w.one.TwoPointMI(d) }

// EntropyRate implements Truth.
func (w *Letters) EntropyRate() info.Nats { return w.one.EntropyRate() }

// Sample implements Process: token i is a byte of the text.
func (w *Letters) Sample(rng *rand.Rand, length int) []token.ID {
	out := w.one.Sample(rng, length)
	for i, s := range out {
		out[i] = token.ID(w.letters[s])
	}
	return out
}

// Model implements Process. It fails for bytes that are not letters of the text.
func (w *Letters) Model() lm.Model[token.ID] {
	return &lettersModel{modelInfo(w.desc), w.one.Model(), w.letters}
}

type lettersModel struct {
	info    lm.Info
	one     lm.Model[token.ID]
	letters string
}

// Info implements lm.Model.
func (m *lettersModel) Info() lm.Info { return m.info }

// LogProbs implements lm.Model.
func (m *lettersModel) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	read := func(tokens []token.ID) ([]token.ID, error) {
		out := make([]token.ID, len(tokens))
		for i, b := range tokens {
			s := -1
			if b < 128 {
				s = strings.IndexByte(m.letters, byte(b))
			}
			if s < 0 {
				return nil, fmt.Errorf("token %d: byte %d is none of the letters %q", i, b, m.letters)
			}
			out[i] = token.ID(s)
		}
		return out, nil
	}
	symbols := lm.Request[token.ID]{}
	var err error
	if symbols.Tokens, err = read(r.Tokens); err != nil {
		return lm.Scores{}, fmt.Errorf("sequence, %w", err)
	}
	for i, b := range r.Branches {
		tokens, err := read(b.Tokens)
		if err != nil {
			return lm.Scores{}, fmt.Errorf("branch %d, %w", i, err)
		}
		symbols.Branches = append(symbols.Branches, lm.Branch[token.ID]{At: b.At, Tokens: tokens})
	}
	return m.one.LogProbs(ctx, symbols)
}
