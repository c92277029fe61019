package pairs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/token"
)

// text returns up to n tokens: the words of the files under the folders that
// L2M_TEXT lists, in that order, one behind the other, numbered by first
// appearance; without it, synthetic ones. It also says what they are.
func text(t testing.TB, n int) (ids []token.ID, what string) {
	paths := filepath.SplitList(os.Getenv("L2M_TEXT"))
	if len(paths) == 0 {
		return synthetic(n), "synthetic"
	}
	stream, err := token.ParseStream("words")
	if err != nil {
		t.Fatal(err)
	}
	// Every file is one document of plain text, as source trees hold broken
	// files of all formats.
	c, err := corpus.Index(t.Context(), paths, corpus.Options{Format: corpus.Text})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	enough := errors.New("enough")
	err = c.Each(t.Context(), func(_ int, r io.Reader) error {
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if ids = stream.Encode(ids, text, true); len(ids) >= n {
			return enough
		}
		return nil
	})
	if err != nil && !errors.Is(err, enough) {
		t.Fatal(err)
	}
	return ids[:min(n, len(ids))], "words of " + os.Getenv("L2M_TEXT")
}

// synthetic returns n word-like tokens of a vocabulary of 100,000 with
// P(k) ∝ 1/(k+2.7) (Zipf–Mandelbrot), ids in random order, of which a quarter
// repeat one a little before.
func synthetic(n int) []token.ID {
	const vocabulary = 100_000
	rng := rand.New(rand.NewPCG(1, 0))
	perm := rng.Perm(vocabulary)
	norm := math.Log((vocabulary + 2.7) / 2.7)
	out := make([]token.ID, n)
	for i := range out {
		if i > 64 && rng.IntN(4) == 0 {
			out[i] = out[i-1-rng.IntN(64)]
			continue
		}
		k := int(2.7*math.Exp(rng.Float64()*norm) - 2.7)
		out[i] = token.ID(perm[min(k, vocabulary-1)])
	}
	return out
}

// vocabulary is how many ids there are up to the largest.
func vocabulary(ids []token.ID) int { return int(slices.Max(ids)) + 1 }

// save writes tokens where peers in other processes read them, as
// little-endian uint32, and returns the path.
func save(t testing.TB, ids []token.ID) string {
	f, err := os.Create(filepath.Join(t.TempDir(), "tokens.u32"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	if err := binary.Write(w, binary.LittleEndian, ids); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// load reads such a file.
func load(path string) ([]token.ID, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	ids := make([]token.ID, 0, st.Size()/4)
	var word [4]byte
	for in := bufio.NewReader(f); len(ids) < cap(ids); {
		if _, err := io.ReadFull(in, word[:]); err != nil {
			return nil, err
		}
		ids = append(ids, token.ID(binary.LittleEndian.Uint32(word[:])))
	}
	return ids, nil
}
