package vocabulary

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/token"
)

// ggufBytes writes metadata, after docs/gguf.md of ggml and independently of the reader.
func ggufBytes(entries map[string]any) []byte {
	var b bytes.Buffer
	put := func(v any) {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	str := func(s string) { put(uint64(len(s))); b.WriteString(s) }
	b.WriteString("GGUF")
	put(uint32(3))
	put(uint64(0))
	put(uint64(len(entries)))
	for key, v := range entries {
		str("tokenizer.ggml." + key)
		switch v := v.(type) {
		case string:
			put(uint32(8))
			str(v)
		case bool:
			put(uint32(7))
			put(v)
		case []string:
			put(uint32(9))
			put(uint32(8))
			put(uint64(len(v)))
			for _, s := range v {
				str(s)
			}
		case []float32:
			put(uint32(9))
			put(uint32(6))
			put(uint64(len(v)))
			put(v)
		case []int32:
			put(uint32(9))
			put(uint32(5))
			put(uint64(len(v)))
			put(v)
		}
	}
	return b.Bytes()
}

func readBytes(t interface{ Fatal(...any) }, entries map[string]any) *Vocabulary {
	v, err := Read(bytes.NewReader(ggufBytes(entries)), "model.gguf")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// GPT-2's merges give the same tokens from a GGUF file as from tokenizer.json.
func TestByteLevelGGUF(t *testing.T) {
	data, err := os.ReadFile("testdata/gpt2.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		AddedTokens []struct {
			ID      int
			Content string
			Special bool
		} `json:"added_tokens"`
		Model struct {
			Vocab  map[string]int
			Merges []any
		}
	}
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	size := len(d.Model.Vocab)
	for _, a := range d.AddedTokens {
		size = max(size, a.ID+1)
	}
	tokens, types := make([]string, size), make([]int32, size)
	for s, id := range d.Model.Vocab {
		tokens[id], types[id] = s, 1
	}
	for _, a := range d.AddedTokens {
		tokens[a.ID], types[a.ID] = a.Content, tokenUserDefined
		if a.Special {
			types[a.ID] = tokenControl
		}
	}
	var merges []string
	for _, m := range d.Model.Merges {
		if pair, ok := m.([]any); ok {
			m = pair[0].(string) + " " + pair[1].(string)
		}
		merges = append(merges, m.(string))
	}
	v, want := readBytes(t, map[string]any{"model": "gpt2", "pre": "gpt-2", "tokens": tokens, "token_type": types, "merges": merges}), open(t, "testdata/gpt2.json")
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.OneOf(rapid.String(), rapid.StringMatching(`([a-z' ]{1,8}[0-9 \n]{0,3}(    |\t\t|<s>)?){0,9}`)).Draw(t, "text"))
		ids := v.Encode(nil, text)
		if w := want.Encode(nil, text); !slices.Equal(ids, w) {
			t.Fatalf("%q: %v, want %v", text, ids, w)
		}
		if back := v.Decode(nil, ids); string(back) != strings.ToValidUTF8(string(text), "\uFFFD") {
			t.Fatalf("%q comes back as %q", text, back)
		}
	})
}

// SentencePiece's merges by the definition: again and again the neighbours that make the
// token with the highest score, of equal ones the leftmost.
func TestSentencePieceGGUF(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tokens := []string{"<unk>", "<s>", "▁", "a", "b", "c"}
		for range rapid.IntRange(0, 12).Draw(t, "merges") {
			s := rapid.StringMatching(`▁?[abc]{1,5}`).Draw(t, "token")
			if !slices.Contains(tokens, s) {
				tokens = append(tokens, s)
			}
		}
		scores, types := make([]float32, len(tokens)), make([]int32, len(tokens))
		for i := range tokens {
			scores[i], types[i] = -float32(rapid.IntRange(0, 5).Draw(t, "score")), 1
		}
		types[0], types[1] = 2, 3
		prefix := rapid.Bool().Draw(t, "prefix")
		v := readBytes(t, map[string]any{"model": "llama", "tokens": tokens, "scores": scores, "token_type": types, "add_space_prefix": prefix})
		text := rapid.StringMatching(`[abc][abc ]{0,15}`).Draw(t, "text")
		var pieces []string
		for _, r := range strings.ReplaceAll(text, " ", "▁") {
			pieces = append(pieces, string(r))
		}
		if prefix {
			pieces = append([]string{"▁"}, pieces...)
		}
		for {
			best, at := float32(math.Inf(-1)), -1
			for i := range len(pieces) - 1 {
				if id := slices.Index(tokens, pieces[i]+pieces[i+1]); id >= 0 && scores[id] > best {
					best, at = scores[id], i
				}
			}
			if at < 0 {
				break
			}
			pieces = slices.Replace(pieces, at, at+2, pieces[at]+pieces[at+1])
		}
		var want []token.ID
		for _, p := range pieces {
			want = append(want, token.ID(slices.Index(tokens, p)))
		}
		if got := v.Encode(nil, []byte(text)); !slices.Equal(got, want) {
			t.Fatalf("%q with %q and %v: %v, want %v", text, tokens, scores, got, want)
		}
	})
}

// A real file: what has no token is spelled in bytes, and all comes back.
func TestRealGGUF(t *testing.T) {
	path := "../../../shared/models/stories260K.gguf"
	if _, err := os.Stat(path); err != nil {
		t.Skip("no models beside the checkout")
	}
	v := open(t, path)
	text := "Once upon a time: 東京 🙂\n\tfin"
	ids := v.Encode(nil, []byte(text))
	if back := string(v.Decode(nil, ids)); v.Size() != 512 || back != " "+text || len(ids) >= len(text)+1 {
		t.Errorf("%d tokens of %d, back as %q", len(ids), v.Size(), back)
	}
}

func TestBadGGUFVocabularies(t *testing.T) {
	good := map[string]any{"model": "gpt2", "pre": "gpt-2", "tokens": []string{"a", "b", "ab"}, "merges": []string{"a b"}}
	for want, change := range map[string]map[string]any{
		`of the kind "bert"`:    {"model": "bert"},
		`of the kind ""`:        {"model": true},
		"has no vocabulary":     {"tokens": []string{}},
		"has no merges":         {"merges": []string{}},
		`cuts text, "klingon"`:  {"pre": "klingon"},
		"1 types of 3 tokens":   {"token_type": []int32{1}},
		`of "a" and "c"`:        {"merges": []string{"a c"}},
		"0 scores of 3 tokens":  {"model": "llama"},
		"2 scores of 3 tokens":  {"model": "llama", "scores": []float32{1, 2}},
		"within its metadata":   nil,
		"name the model's toke": {"pre": ""},
	} {
		entries := map[string]any{}
		for _, m := range []map[string]any{good, change} {
			for k, v := range m {
				entries[k] = v
			}
		}
		data := ggufBytes(entries)
		if change == nil {
			data = data[:len(data)-3]
		}
		path := filepath.Join(t.TempDir(), "model.gguf")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "model.gguf") {
			t.Errorf("error %v, want …%s…", err, want)
		}
	}
}

// The same vocabulary in a file with other weights or names is the same vocabulary.
func TestFingerprintOfGGUF(t *testing.T) {
	entries := map[string]any{"model": "gpt2", "pre": "gpt-2", "tokens": []string{"a", "b", "ab"}, "merges": []string{"a b"}}
	one := readBytes(t, entries)
	weights, err := Read(bytes.NewReader(append(ggufBytes(entries), 1, 2, 3)), "other.gguf")
	if err != nil || weights.Fingerprint() != one.Fingerprint() {
		t.Errorf("with other weights: %v", err)
	}
	entries["merges"] = []string{"b a"}
	entries["tokens"] = []string{"a", "b", "ba"}
	if readBytes(t, entries).Fingerprint() == one.Fingerprint() {
		t.Error("another vocabulary has the same fingerprint")
	}
}

// FuzzGGUF: any file is read or refused, and what is read can be used.
func FuzzGGUF(f *testing.F) {
	f.Add(ggufBytes(map[string]any{"model": "gpt2", "pre": "smollm", "tokens": []string{"a", "b", "ab"}, "merges": []string{"a b"}}))
	f.Add(ggufBytes(map[string]any{"model": "llama", "tokens": []string{"<unk>", "▁", "a", "▁a", "<0x0A>"}, "scores": []float32{0, -1, -1, -2, 0}, "token_type": []int32{2, 1, 1, 4, 6}}))
	f.Add(ggufBytes(map[string]any{"model": "x/../../../../trav/pwned", "tokens": []string{"a"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Read(bytes.NewReader(append([]byte("GGUF"), bytes.TrimPrefix(data, []byte("GGUF"))...)), "x.gguf")
		if err != nil {
			return
		}
		for _, id := range v.Encode(nil, []byte("a b\n\xffé <s>")) {
			if int(id) >= max(v.Size(), 1) {
				t.Fatalf("token %d of a vocabulary of %d", id, v.Size())
			}
			v.Decode(nil, []token.ID{id})
		}
	})
}
