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

// edge is the number of tokens at either end of a cut text that may be other than
// in the whole text.
const edge = 8

// stretch is the text, in bytes, in which a window may start: some thousand tokens,
// next to which the few at its ends that are no starts do not count.
const stretch = 8 << 10

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
	if s.letters() {
		return int64(math.Ceil(s.mean * float64(length)))
	}
	return int64(s.mean*slack*float64(length+2*edge)) + maxWord
}

// letters reports that all tokens are letters, next to none of which is no token:
// then text may be cut anywhere, and needs no room for more.
func (s *Split) letters() bool { return s.mean < 1.1 }

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

// tokenize fills in a window from text in which it is to lie. Of the tokens that have
// length-1 others after them, pick, in [0,1), chooses the first: all are equally
// likely, and none of them is where tokenizing began or ended inside the document,
// where tokens may be other than in the whole text. Where the text holds too few
// tokens, the window stays without.
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
		if w.Start+int64(len(text)) < s.c.docs[w.Document].bytes {
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
