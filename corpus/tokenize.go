package corpus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/token"
)

// Encode turns a piece of text, which may begin and end anywhere, into tokens,
// without marks of beginning or end. It must be safe for concurrent use and give
// the same tokens for the same text.
type Encode func(ctx context.Context, text []byte) ([]token.ID, error)

// sampleBytes and sampleWindows are the text from which Tokenized learns how
// long tokens are.
const (
	sampleBytes   = 4096
	sampleWindows = 64
)

// slack is how much more text than average a window is given room for.
const slack = 1.3

// edge is the number of tokens at the end of a cut text that may be other than
// in the whole text.
const edge = 8

// Tokenized returns a split of the same text whose lengths count the tokens that
// encode makes, in place of bytes. It encodes a sample of the evaluation text to
// learn how many bytes a token has.
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
		return nil, errors.New("tokenizing a sample of the text: there are no tokens in it (is this the right tokenizer for this text?)")
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

// BytesPerToken is the mean length of the tokens of a Tokenized split in a
// sample of its text, in bytes; 1 of others.
func (s *Split) BytesPerToken() float64 {
	if s.encode == nil {
		return 1
	}
	return s.mean
}

// span is how many bytes of text are kept for a window of length tokens.
func (s *Split) span(length int) int64 {
	if s.encode == nil {
		return int64(length)
	}
	return int64(s.mean*slack*float64(length+edge)) + maxWord
}

// maxWord bounds the search for the beginning of a word, in bytes.
const maxWord = 128

// beginning is where the first whole word of text begins, with the blank before
// it, which belongs to it in most vocabularies; in text without blanks, the
// first whole character. At most maxWord bytes are looked at.
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

// tokenize fills in a window from the text that begins at its start. Where the
// text holds too few tokens, the window stays without.
func (s *Split) tokenize(ctx context.Context, w *Window, text []byte, length int) error {
	if s.encode == nil {
		w.Tokens = token.Bytes().Encode(make([]token.ID, 0, length), text)
		return nil
	}
	skip := beginning(text)
	text = text[skip:]
	w.Start += int64(skip)
	// First what should do, then all there is.
	for _, n := range []int{min(len(text), int(s.span(length))), len(text)} {
		ids, err := s.encode(ctx, text[:n])
		if err != nil {
			return err
		}
		if len(ids) >= length+edge {
			w.Bytes = int(float64(n)*float64(length)/float64(len(ids)) + 0.5)
			w.Tokens = slices.Clone(ids[:length])
			return nil
		}
		if n == len(text) {
			break
		}
	}
	return nil
}

// complete leaves out windows without tokens, and numbers the clusters anew.
func (s *Split) complete(windows []Window, o WindowOptions) ([]Window, error) {
	drawn := len(windows)
	windows = slices.DeleteFunc(windows, func(w Window) bool { return w.Tokens == nil })
	if n := drawn - len(windows); n > 0 && o.Incomplete != nil {
		o.Incomplete(n)
	}
	number := map[int]int{}
	for i := range windows {
		n, known := number[windows[i].Cluster]
		if !known {
			n = len(number)
			number[windows[i].Cluster] = n
		}
		windows[i].Cluster = n
	}
	if len(number) < 2 && drawn > len(windows) {
		return nil, fmt.Errorf("drawing windows: of %d stretches of text only %d hold %d tokens (choose shorter windows with --length)", drawn, len(windows), o.Length)
	}
	return windows, nil
}
