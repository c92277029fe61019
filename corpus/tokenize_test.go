package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/internal/thorough"
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
		whole, _ := asWords(t.Context(), []byte(text[w.Document]))
		if at := indexOf(whole, w.Tokens); len(w.Tokens) != length || at < 0 {
			t.Fatalf("window at %d of document %d holds %v, which are not tokens of the document", w.Start, w.Document, w.Tokens)
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

func indexOf(all, part []token.ID) int {
	for i := 0; i+len(part) <= len(all); i++ {
		if slices.Equal(all[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// numbered has two tokens for every word: the first says which word it is, the second
// is the other half of it.
func numbered(_ context.Context, text []byte) ([]token.ID, error) {
	var ids []token.ID
	for _, word := range strings.Fields(string(text)) {
		var n int
		fmt.Sscanf(word, "%d", &n)
		ids = append(ids, token.ID(2*n), token.ID(2*n+1))
	}
	return ids, nil
}

// Every token of a document is as likely as any other to be the first of a window,
// though words have one, two or three letters, and tokenizing begins at words.
func TestWindowsAreStationary(t *testing.T) {
	const words, length = 300, 64
	draws := 1000
	if thorough.Tests() {
		draws = 4000
	}
	var b strings.Builder
	for i := range words {
		fmt.Fprintf(&b, "%d%s ", i, strings.Repeat("x", i%97))
	}
	c := index(t, Options{}, write(t, map[string]string{"a": b.String(), "b": b.String() + " "}))
	s, err := c.All(1).Tokenized(t.Context(), numbered)
	if err != nil {
		t.Fatal(err)
	}
	const starts = 2*words - length + 1
	var seen [starts]int
	for seed := range draws {
		s.seed = uint64(seed)
		windows, err := s.Windows(t.Context(), WindowOptions{Length: length, PerDocument: 1})
		if err != nil || len(windows) != 2 {
			t.Fatal(len(windows), err)
		}
		for _, w := range windows {
			seen[w.Tokens[0]]++
		}
	}
	// Pearson's χ² of equal shares: mean starts-1, variance twice that.
	chi, want := 0.0, 2*float64(draws)/starts
	for _, n := range seen {
		chi += (float64(n) - want) * (float64(n) - want) / want
	}
	if dof := float64(starts - 1); math.Abs(chi-dof) > 5*math.Sqrt(2*dof) {
		t.Errorf("χ² = %.0f with %.0f degrees of freedom", chi, dof)
	}
}

// Of letters, windows need no room beyond their own, and fill a document to its end.
func TestWindowsOfLetters(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	files := map[string]string{}
	for i := range 5 {
		letters := make([]byte, 150)
		for j := range letters {
			letters[j] = "ACGT"[rng.IntN(4)]
		}
		files[fmt.Sprint(i)] = string(letters)
	}
	c := index(t, Options{}, write(t, files))
	s, err := c.Split(1, 1).Tokenized(t.Context(), func(_ context.Context, text []byte) ([]token.ID, error) {
		return token.Bytes().Encode(nil, text), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.SuggestLength(16384); n != 128 || err != nil {
		t.Errorf("reads of 150 letters are measured at %d (%v), want 128", n, err)
	}
	windows, err := s.Windows(t.Context(), WindowOptions{Length: 150, PerDocument: 4})
	if err != nil || len(windows) != 5 {
		t.Errorf("%d windows of whole documents, want 5 (%v)", len(windows), err)
	}
}

// A fraction of 1 evaluates all that there is, of a lone document too.
func TestEvaluateEverything(t *testing.T) {
	for _, n := range []int{1, 2, 5} {
		files := map[string]string{}
		for i := range n {
			files[fmt.Sprint(i)] = strings.Repeat(fmt.Sprint("text ", i), 1000)
		}
		c := index(t, Options{}, write(t, files))
		s := c.Split(1, 1)
		all := int64(0)
		for _, r := range s.regions {
			all += r.end - r.start
		}
		if s.Training() != 0 || s.Evaluation() != n || all != c.Bytes() || s.Blocks() != (n == 1) {
			t.Errorf("%d documents: %d train, %d of %d bytes are evaluated", n, s.Training(), all, c.Bytes())
		}
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
	clusters := 0
	for i, w := range windows {
		if len(w.Tokens) != 64 {
			t.Fatalf("window %d has %d tokens", i, len(w.Tokens))
		}
		if w.Cluster > min(7, clusters) {
			t.Fatalf("window %d has cluster %d, after %d others", i, w.Cluster, clusters)
		}
		clusters = max(clusters, w.Cluster+1)
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
