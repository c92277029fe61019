package llama

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/token"
	words "github.com/l2m-lab/l2m/token/vocabulary"
)

// The core reads the vocabularies of GGUF files by itself (lab train --tokenizer). It must
// cut text into the tokens of llama.cpp: merges of bytes (gpt2, with digits apart) and
// SentencePiece's merges by score (llama).
func TestVocabularyOfGGUF(t *testing.T) {
	needLibrary(t)
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	random, _ := randomModel(t, "gpt2", small)
	for name, path := range map[string]string{
		"random":  random,
		"stories": "../../shared/models/stories260K.gguf",
		"smollm2": filepath.Join(cache, "l2m", "models", "SmolLM2-135M-Instruct.Q4_1.gguf"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(path); err != nil {
				t.Skip(err)
			}
			v, err := words.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			m := open(t, Options{Path: path})
			if v.Size() != m.Info().Vocabulary {
				t.Errorf("%d tokens, llama.cpp has %d", v.Size(), m.Info().Vocabulary)
			}
			same := func(t interface{ Errorf(string, ...any) }, text string) {
				var want []token.ID
				for _, id := range m.Tokenize(text) {
					want = append(want, token.ID(id))
				}
				if got := v.Encode(nil, []byte(text)); !slices.Equal(got, want) {
					t.Errorf("%.200q: %d tokens, llama.cpp has %d (from %v, %v)", text, len(got), len(want), got[:min(12, len(got))], want[:min(12, len(want))])
				}
			}
			for _, text := range []string{"", " ", "  a", "Once upon a time, there was a little girl.", "1234567 x 89", "Œuvre naïve: 東京 🙂🙂\r\n\r\n\tfin", "don't  we'LL\n\n\n  so <s> </s> <unk> <0x0A> <|im_start|>", "ⅷ ½ ٣٤", "e\u0301\u200d\u00a0\u3000x"} {
				same(t, text)
			}
			books, _ := filepath.Glob("../../shared/data/books/*.txt")
			for _, b := range books[:min(3, len(books))] {
				data, err := os.ReadFile(b)
				if err != nil {
					t.Fatal(err)
				}
				same(t, strings.ToValidUTF8(string(data[:min(len(data), 60_000)]), ""))
			}
			if t.Failed() {
				return
			}
			rapid.Check(t, func(t *rapid.T) {
				same(t, strings.ReplaceAll(rapid.String().Draw(t, "text"), "\x00", "")) // where text ends for llama.cpp
			})
		})
	}
}
