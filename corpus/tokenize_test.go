package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/token"
)

// asWords has a token for every word with the blank before it: its length.
func asWords(_ context.Context, text []byte) ([]token.ID, error) {
	var ids []token.ID
	for i, word := range strings.Split(string(text), " ") {
		if i > 0 || word != "" {
			ids = append(ids, token.ID(len(word)))
		}
	}
	return ids, nil
}

// wordy writes documents of words; document i has words of up to longest[i]
// letters.
func wordy(t *testing.T, longest ...int) string {
	files := map[string]string{}
	for i, most := range longest {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		var b strings.Builder
		for range 4000 {
			fmt.Fprintf(&b, "%s ", strings.Repeat("x", 1+rng.IntN(most)))
		}
		files[fmt.Sprint("doc", i)] = b.String()
	}
	return write(t, files)
}

// The tokens of a window are those of the text where it says it stands, and its
// bytes are theirs.
func TestTokenizedWindows(t *testing.T) {
	c := index(t, Options{}, wordy(t, 9, 9, 12, 9, 10, 9, 9, 11))
	text := map[int]string{}
	err := c.Each(t.Context(), func(doc int, r io.Reader) error {
		b, err := io.ReadAll(r)
		text[doc] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Split(1, 0.9).Tokenized(t.Context(), asWords)
	if err != nil {
		t.Fatal(err)
	}
	// 4,000 words of 1 to 9, 10, 11 or 12 letters and a blank: 6.0 to 7.5 bytes.
	if m := s.BytesPerToken(); m < 5.7 || m > 7.5 {
		t.Errorf("%g bytes per token", m)
	}
	const length = 128
	dropped := 0
	windows, err := s.Windows(t.Context(), WindowOptions{Length: length, PerDocument: 8, Incomplete: func(n int) { dropped += n }})
	if err != nil {
		t.Fatal(err)
	}
	if len(windows) < 30 || dropped > 0 {
		t.Errorf("%d windows, %d dropped", len(windows), dropped)
	}
	for _, w := range windows {
		want, _ := asWords(t.Context(), []byte(text[w.Document][w.Start:]))
		if len(w.Tokens) != length || !slices.Equal(w.Tokens, want[:length]) {
			t.Fatalf("window at %d of document %d holds %v, want %v", w.Start, w.Document, w.Tokens, want[:length])
		}
		if w.Start > 0 && text[w.Document][w.Start] != ' ' {
			t.Errorf("window starts inside a word at %d", w.Start)
		}
		exact := length
		for _, id := range w.Tokens {
			exact += int(id)
		}
		if d := float64(w.Bytes-exact) / float64(exact); d < -0.1 || d > 0.1 {
			t.Errorf("%d bytes for tokens of %d", w.Bytes, exact)
		}
	}
	again, err := s.Windows(t.Context(), WindowOptions{Length: length, PerDocument: 8})
	if err != nil || fmt.Sprint(again) != fmt.Sprint(windows) {
		t.Errorf("drawn again, the windows differ (%v)", err)
	}
}

// Text that is poor in tokens gets what room there is; where that does not do,
// its windows are left out and counted.
func TestTokenizedWindowsOfPoorText(t *testing.T) {
	c := index(t, Options{}, wordy(t, 3, 3, 3, 3, 3, 3, 3, 300))
	all := c.All(1)
	s, err := all.Tokenized(t.Context(), asWords)
	if err != nil {
		t.Fatal(err)
	}
	s.mean = 3 // as if the sample had missed the poor document
	dropped := 0
	windows, err := s.Windows(t.Context(), WindowOptions{Length: 64, PerDocument: 1000, Incomplete: func(n int) { dropped += n }})
	if err != nil {
		t.Fatal(err)
	}
	if dropped == 0 {
		t.Error("windows of 64 words were found in slots too small for them")
	}
	for i, w := range windows {
		if len(w.Tokens) != 64 {
			t.Fatalf("window %d has %d tokens", i, len(w.Tokens))
		}
		if w.Cluster > 7 || i > 0 && w.Cluster < windows[i-1].Cluster {
			t.Fatalf("window %d has cluster %d", i, w.Cluster)
		}
	}
}

func TestTokenizedFailures(t *testing.T) {
	c := index(t, Options{}, wordy(t, 9, 9, 9))
	broken := errors.New("broken")
	if _, err := c.All(1).Tokenized(t.Context(), func(context.Context, []byte) ([]token.ID, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if _, err := c.All(1).Tokenized(t.Context(), func(context.Context, []byte) ([]token.ID, error) { return nil, nil }); err == nil || !strings.Contains(err.Error(), "no tokens") {
		t.Errorf("error %v", err)
	}
	s, err := c.All(1).Tokenized(t.Context(), asWords)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Windows(t.Context(), WindowOptions{Length: 8192, PerDocument: 1}); err == nil || !strings.Contains(err.Error(), "8192 tokens (up to") {
		t.Errorf("error %v", err)
	}
}
