package corpus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/token"
)

// Encode tokenizes a piece of text, which may begin and end anywhere, without
// special tokens. It must be deterministic and safe for concurrent use.
type Encode func(ctx context.Context, text []byte) ([]token.ID, error)

// sampleBytes and sampleWindows are the length in bytes and the number of the
// pieces of text from which Tokenized estimates the length of tokens.
const (
	sampleBytes   = 4096
	sampleWindows = 64
)

// slack is the text set aside for a window, relative to the average.
const slack = 1.3

// edge is the number of tokens at either end of a cut text that may differ from
// those of the whole text.
const edge = 8

// stretch is the length in bytes of the text in which a window may start: some
// thousand tokens, so that the few at its ends where none can start do not matter.
const stretch = 8 << 10

// Tokenized returns a split of the same text with lengths in tokens of encode
// instead of bytes. It encodes a sample of the evaluation text to estimate the
// bytes per token.
func (s *Split) Tokenized(ctx context.Context, encode Encode) (*Split, error) {
	var bytes, tokens int
	err := s.sample(ctx, func(name string, text []byte) error {
		text = text[beginning(text):]
		ids, err := encode(ctx, text)
		if err != nil {
			return fmt.Errorf("tokenizing %s: %w", name, err)
		}
		bytes += len(text)
		tokens += len(ids)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if tokens == 0 {
		return nil, errors.New("tokenizing a sample of the text gave no tokens (is this the right tokenizer?)")
	}
	t := *s
	t.encode, t.mean = encode, float64(bytes)/float64(tokens)
	return &t, nil
}

// sample visits pieces of the evaluation text.
func (s *Split) sample(ctx context.Context, visit func(document string, text []byte) error) error {
	length := sampleBytes
	if s.CheckLength(length) != nil {
		var err error
		if length, err = s.SuggestLength(sampleBytes); err != nil {
			return err
		}
	}
	windows, err := s.Windows(ctx, WindowOptions{Length: length, PerDocument: 4, MaxTotal: sampleWindows})
	if err != nil {
		return err
	}
	for _, w := range windows {
		if err := visit(s.c.Name(w.Document), token.Bytes().Decode(nil, w.Tokens)); err != nil {
			return err
		}
	}
	return nil
}

// BytesPerToken is the mean length of a token in bytes, estimated from a sample of
// the text; 1 for a split that is not Tokenized.
func (s *Split) BytesPerToken() float64 {
	if s.encode == nil {
		return 1
	}
	return s.mean
}

// span is the number of bytes of text set aside for a window of length tokens.
func (s *Split) span(length int) int64 {
	if s.encode == nil {
		return int64(length)
	}
	if s.letters() {
		return int64(math.Ceil(s.mean * float64(length)))
	}
	return int64(s.mean*slack*float64(length+2*edge)) + maxWord
}

// letters reports whether practically every token is one byte: then text may be
// cut anywhere and needs no slack.
func (s *Split) letters() bool { return s.mean < 1.1 }

// maxWord is how far to search for the beginning of a word, in bytes.
const maxWord = 128

// beginning is where the first whole word of text begins, including the space
// before it, which belongs to it in most vocabularies. If there is no space in the
// first maxWord bytes, it is where the first whole character begins.
func beginning(text []byte) int {
	blank := func(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }
	for i := 1; i < min(len(text), maxWord); i++ {
		if blank(text[i]) && !blank(text[i-1]) {
			return i
		}
	}
	for i := range min(len(text), utf8.UTFMax) {
		if utf8.RuneStart(text[i]) {
			return i
		}
	}
	return 0
}

// tokenize fills in a window from the text that contains it. pick, in [0,1),
// chooses its first token, uniformly from those that have length-1 others after
// them. Tokens near a cut inside the document are left out, since they may differ
// from those of the whole text. A window stays empty if text has too few tokens.
func (s *Split) tokenize(ctx context.Context, w *Window, text []byte, length int, pick float64) error {
	if s.encode == nil {
		w.Tokens = token.Bytes().Encode(make([]token.ID, 0, length), text)
		return nil
	}
	lead, tail := 0, 0
	if !s.letters() {
		if w.Start > 0 {
			skip := beginning(text)
			text, lead = text[skip:], edge
			w.Start += int64(skip)
		}
		if w.Start+int64(len(text)) < s.c.docs.at(w.Document).bytes {
			tail = edge
		}
	}
	ids, err := s.encode(ctx, text)
	if err != nil {
		return err
	}
	starts := len(ids) - lead - tail - length + 1
	if starts < 1 {
		return nil
	}
	first := lead + int(pick*float64(starts))
	width := float64(len(text)) / float64(len(ids))
	w.Start += int64(width * float64(first))
	w.Bytes = int(width*float64(length) + 0.5)
	w.Tokens = slices.Clone(ids[first : first+length])
	return nil
}
