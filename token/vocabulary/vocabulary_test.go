package vocabulary

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/l2m-lab/l2m/internal/thorough"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/token"
)

func open(t testing.TB, path string) *Vocabulary {
	t.Helper()
	v, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// kinds are the tokenizers of testdata, which testdata/make.py has trained with
// the reference implementations.
func kinds(t testing.TB, dir string) []string {
	t.Helper()
	var list []string
	for _, pattern := range []string{"*.json", "*.tiktoken"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	if len(list) < 14 {
		t.Fatalf("only %d tokenizers in %s", len(list), dir)
	}
	return list
}

// The tokens are those of the Python packages tokenizers and tiktoken. With
// L2M_VOCABULARIES a folder of larger ones (make.py OUT TEXT…) is held against
// them too.
func TestAgreesWithReferences(t *testing.T) {
	dirs := []string{"testdata"}
	if d := os.Getenv("L2M_VOCABULARIES"); d != "" {
		dirs = append(dirs, d)
	}
	for _, dir := range dirs {
		for _, path := range kinds(t, dir) {
			v := open(t, path)
			f, err := os.Open(strings.TrimSuffix(path, filepath.Ext(path)) + ".ids")
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(f)
			lines.Buffer(nil, 16<<20)
			total, wrong := 0, 0
			for lines.Scan() {
				var entry [2]json.RawMessage
				var text string
				var want []token.ID
				if json.Unmarshal(lines.Bytes(), &entry) != nil || json.Unmarshal(entry[0], &text) != nil || json.Unmarshal(entry[1], &want) != nil {
					t.Fatalf("%s: %.100s", path, lines.Bytes())
				}
				total++
				if got := v.Encode(nil, []byte(text)); !slices.Equal(got, want) {
					if wrong++; wrong <= 3 {
						t.Errorf("%s: %q\n got %v\nwant %v", path, text, got, want)
					}
				}
			}
			f.Close()
			if wrong > 0 || total < 100 {
				t.Errorf("%s: %d of %d texts have other tokens", path, wrong, total)
			}
			t.Logf("%s: %d texts agree", path, total-wrong)
		}
	}
}

// Byte-level vocabularies lose nothing, and the same text has the same tokens
// whatever was encoded before.
func TestByteLevelIsLossless(t *testing.T) {
	for _, name := range []string{"gpt2.json", "llama3.json", "digits.json", "cl100k_base.tiktoken"} {
		v, again := open(t, "testdata/"+name), open(t, "testdata/"+name)
		rapid.Check(t, func(t *rapid.T) {
			// Blanks and tabs in a row are added tokens of one of them.
			text := rapid.OneOf(rapid.String(), rapid.StringMatching(`([ab]|\t| |\n)*`)).Draw(t, "text")
			ids := v.Encode(nil, []byte(text))
			if back := v.Decode(nil, ids); string(back) != text {
				t.Fatalf("%s: %q comes back as %q", name, text, back)
			}
			for _, id := range ids {
				if int(id) >= v.Size() {
					t.Fatalf("token %d of a vocabulary of %d", id, v.Size())
				}
			}
			if !slices.Equal(ids, again.Encode(nil, []byte(text))) {
				t.Fatalf("%s: %q has other tokens in another order of texts", name, text)
			}
		})
	}
}

// Where a document is cut into pieces makes no difference, and to most kinds it
// makes none that documents are encoded in stretches.
func TestStreamJoinsPieces(t *testing.T) {
	line := "Some words, 123 of them  and\tmore.\n  indented é\nСлова и ещё.\n"
	long := strings.Repeat(line, 5*stretchBytes/2/len(line))
	paths := kinds(t, "testdata")
	if !thorough.Tests() {
		paths = paths[:2]
	}
	for _, path := range paths {
		v := open(t, path)
		whole := v.Encode(nil, []byte(long))
		var want []token.ID
		for _, size := range []int{1 << 20, 1 << 16, 7777} {
			s := NewStream(v)
			var got []token.ID
			for range 2 { // two documents
				got = got[:0]
				for at := 0; at < len(long); at += size {
					got = s.Encode(got, []byte(long[at:min(at+size, len(long))]), false)
				}
				got = s.Encode(got, nil, true)
			}
			if want == nil {
				want = slices.Clone(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: other tokens in pieces of %d bytes", path, size)
			}
		}
		marks := []string{"llama2.json", "roberta.json", "unigram.json", "metaspace.json", "mbart.json", "t5.json"}
		if !slices.Contains(marks, filepath.Base(path)) && !slices.Equal(want, whole) {
			t.Errorf("%s: %d tokens in stretches, %d at once", path, len(want), len(whole))
		}
		if d := len(want) - len(whole); d < -20 || d > 20 {
			t.Errorf("%s: %d tokens in stretches, %d at once", path, len(want), len(whole))
		}
	}
	endless := NewStream(open(t, "testdata/gpt2.json"))
	if got := endless.Encode(nil, bytes.Repeat([]byte("é"), maxStretch), false); len(got) == 0 {
		t.Error("a document without lines is kept whole")
	}
}

// Lines of any script end stretches, at the same places however the text comes.
func TestCutter(t *testing.T) {
	line := "Слова, 123 из них.\n\u2003отступ\n一行\n"
	text := []byte(strings.Repeat(line, 5*stretchBytes/len(line)) + "\n\xd0")
	cut := func(size int) (stretches []string) {
		var c Cutter
		for at := 0; at < len(text); at += size {
			c.Cut(text[at:min(at+size, len(text))], at+size >= len(text), func(stretch []byte, first bool) {
				if first != (len(stretches) == 0) {
					t.Errorf("stretch %d is the first: %t", len(stretches), first)
				}
				stretches = append(stretches, string(stretch))
			})
		}
		return stretches
	}
	whole := cut(len(text))
	if strings.Join(whole, "") != string(text) || len(whole) < 5 {
		t.Errorf("%d stretches are not the text", len(whole))
	}
	for i, s := range whole[:len(whole)-1] {
		if len(s) > stretchBytes+len(line) || !strings.HasSuffix(s, "\n") || strings.HasPrefix(whole[i+1], "\u2003") {
			t.Errorf("stretch %d has %d bytes and ends with %q", i, len(s), s[len(s)-20:])
		}
	}
	for _, size := range []int{1 << 16, 7777, 64<<10 + 1, 13} {
		if got := cut(size); !slices.Equal(got, whole) {
			t.Errorf("other stretches in pieces of %d bytes", size)
		}
	}
}

func TestBadVocabularies(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"none.json":              {"", "not a tokenizer.json"},
		"tokenizer.model":        {"\n\x0e\n\x05<unk>", "save_pretrained(FOLDER)"},
		"tekken.json":            {`{"config": {}, "vocab": []}`, "save_pretrained(FOLDER)"},
		"model.json":             {`{"model": null}`, "it has no model"},
		"type.json":              {`{"model": {"type": "Neural", "vocab": {"a": 0}}}`, `type "Neural"`},
		"normal.json":            {`{"normalizer": {"type": "Cipher"}, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}`, `normalizer: type "Cipher"`},
		"map.json":               {`{"normalizer": {"type": "Precompiled"}, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}`, `normalizer: precompiled_charsmap is empty`},
		"trie.json":              {`{"normalizer": {"type": "Precompiled", "precompiled_charsmap": "////fwAAAAA="}, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}`, `trie size 2147483647 in 4 bytes`},
		"pre.json":               {`{"pre_tokenizer": {"type": "Dictionary"}, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}`, `pre_tokenizer: type "Dictionary"`},
		"delimiter.json":         {`{"pre_tokenizer": {"type": "CharDelimiterSplit", "delimiter": "ab"}, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}`, `the delimiter "ab" is not one character`},
		"merge.json":             {`{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}}`, `of "a" and "b"`},
		"pair.json":              {`{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["ab"]}}`, "is not a pair"},
		"number.json":            {`{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}`, "id -1 is outside"},
		"dropout.json":           {`{"model": {"type": "BPE", "dropout": 0.1, "vocab": {"a": 0}, "merges": []}}`, "dropout"},
		"strip.json":             {`{"added_tokens": [{"id": 1, "content": "x", "lstrip": true}], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}`, "lstrip"},
		"regex.json":             {`{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}`, "pattern"},
		"unknown.tiktoken":       {"YQ== 0", "no pattern to split text"},
		"gpt2.tiktoken":          {"YQ== 0", "no token for the byte 0"},
		"r50k_base.tiktoken":     {"Y 0", "not a token in base64"},
		"p50k_base.tiktoken":     {"YQ== x", `"x" is not a rank`},
		"missing/tokenizer.json": {"", ""},
	} {
		path := filepath.Join(dir, name)
		if c.want != "" {
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: error %v, want …%s…", name, err, c.want)
		}
	}
	v := open(t, "testdata/gpt2.json")
	if got := v.Decode(nil, v.Encode(nil, []byte("a\xffb\x00"))); string(got) != "a\uFFFDb\x00" {
		t.Errorf("bytes that are not UTF-8 read as %q", got)
	}
}

// Read gives what Open gives, whatever file system the path is of.
func TestRead(t *testing.T) {
	for path, name := range map[string]string{
		"testdata/cl100k_base.tiktoken": "cl100k_base.tiktoken",
		"testdata/gpt2.json":            "gpt2.json",
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := open(t, path)
		got, err := Read(bytes.NewReader(data), "gs://bucket/models/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if got.Name() != want.Name() || got.Name() != name || got.Fingerprint() != want.Fingerprint() || got.Size() != want.Size() {
			t.Errorf("%s: %q, %q, %d in place of %q, %q, %d", path, got.Name(), got.Fingerprint(), got.Size(), want.Name(), want.Fingerprint(), want.Size())
		}
		inFolder, err := Read(bytes.NewReader(data), "gs://bucket/models/llama/tokenizer.json")
		if strings.HasSuffix(name, ".json") && (err != nil || inFolder.Name() != "llama/tokenizer.json") {
			t.Errorf("%s in a folder: %v, error %v", name, inFolder, err)
		}
	}
	if _, err := Read(iotest.ErrReader(os.ErrPermission), "gs://bucket/gpt2.json"); err == nil || !strings.Contains(err.Error(), "gs://bucket/gpt2.json: permission denied") {
		t.Errorf("error %v", err)
	}
}

// FuzzParse: any file is read or refused, and what is read can be used.
func FuzzParse(f *testing.F) {
	for _, path := range []string{"testdata/wordpiece.json", "testdata/unigram.json", "testdata/t5.json", "testdata/wordlevel.json", "testdata/scripts.json"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}, "model": {"type": "BPE", "byte_fallback": true, "vocab": {"▁": 0, "a": 1, "▁a": 2}, "merges": [["▁", "a"]]}}`))
	f.Add([]byte(`{"model": {"type": "WordLevel", "unk_token": "x/../../../../trav/pwned", "vocab": {"x/../../../../trav/pwned": 0}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte("Regex")) {
			return // an expression may take for ever by its nature
		}
		v, err := Parse(data)
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
