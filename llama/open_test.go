package llama

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTokenize(t *testing.T) {
	needLibrary(t)
	path, _ := randomModel(t, "gpt2", small)
	m := open(t, Options{Path: path})
	text := "the th é\x00\xff\n"
	var want []int32
	for _, p := range []any{'t', 257, 256, 'h', ' ', 0xc3, 0xa9, 0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xbd, '\n'} {
		switch v := p.(type) {
		case rune:
			want = append(want, v)
		case int:
			want = append(want, int32(v))
		}
	}
	if got := m.Tokenize(text); !slices.Equal(got, want) {
		t.Errorf("%q is %v, want %v", text, got, want)
	}
	if got := m.Tokenize(""); len(got) != 0 {
		t.Errorf("an empty text has tokens %v", got)
	}
}

func TestFingerprint(t *testing.T) {
	needLibrary(t)
	path, _ := randomModel(t, "llama", small)
	first := open(t, Options{Path: path}).Info()
	if first.BOS != 258 || first.Context != small.context || first.Vocabulary != small.vocabulary || first.Name != "random llama" {
		t.Errorf("info %+v", first)
	}
	other, _ := randomModel(t, "gpt2", small)
	bos := int32(7)
	for name, o := range map[string]Options{"model": {Path: other}, "cache": {Path: path, KeyType: "f32"}, "BOS": {Path: path, BOS: &bos}} {
		if open(t, o).Info().Fingerprint == first.Fingerprint {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
	if open(t, Options{Path: other}).Info().Tokenizer != first.Tokenizer {
		t.Error("another model with the same vocabulary has another tokenizer")
	}
	// The same tokens, merged in another order.
	merges := filepath.Join(t.TempDir(), "merges.gguf")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(merges, bytes.Replace(data, []byte("h e"), []byte("h f"), 1), 0o644)
	if open(t, Options{Path: merges}).Info().Tokenizer == first.Tokenizer {
		t.Error("another list of merges has the same tokenizer")
	}
	copied := filepath.Join(t.TempDir(), "copy.gguf")
	os.WriteFile(copied, data, 0o644)
	if open(t, Options{Path: copied, Batch: 64, Threads: 1}).Info().Fingerprint != first.Fingerprint {
		t.Error("a copy, run in other batches, has another fingerprint")
	}
}

// What starts every sequence is what the file says, never what llama.cpp assumes
// where the file says nothing.
func TestBOS(t *testing.T) {
	needLibrary(t)
	path, _ := randomModel(t, "llama", small)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	patched := func(from, to string) Options {
		if bytes.Count(data, []byte(from)) != 1 {
			t.Fatalf("%q does not occur once", from)
		}
		path := filepath.Join(t.TempDir(), "patched.gguf")
		os.WriteFile(path, bytes.Replace(data, []byte(from), []byte(to), 1), 0o644)
		return Options{Path: path, Threads: 1}
	}
	const bos = "bos_token_id\x04\x00\x00\x00"
	for _, c := range []struct {
		from, to string
		want     int32
	}{
		{bos, bos, 258},
		{"tokenizer.ggml.bos", "tokenizer.ggml.xos", 259},         // no BOS: the end of a text
		{bos + "\x02\x01", bos + "\xff\x01", 259},                 // BOS outside the vocabulary
		{bos + "\x02\x01\x00\x00", bos + "\xff\xff\xff\xff", 259}, // BOS "none"
	} {
		if got := open(t, patched(c.from, c.to)).Info().BOS; got != c.want {
			t.Errorf("%q: every sequence starts with %d, want %d", c.to, got, c.want)
		}
	}
	o := patched("tokenizer.ggml.bos", "tokenizer.ggml.xos")
	data, _ = os.ReadFile(o.Path)
	o = patched("tokenizer.ggml.eos", "tokenizer.ggml.yos")
	if m, err := Open(o); err == nil || !strings.Contains(err.Error(), "--bos") {
		t.Errorf("a vocabulary without marks: %v", err)
		if err == nil {
			m.Close()
		}
	}
	o.BOS = new(int32)
	if got := open(t, o).Info().BOS; got != 0 {
		t.Errorf("every sequence starts with %d, although 0 was asked for", got)
	}
}

func TestBadInput(t *testing.T) {
	needLibrary(t)
	path, _ := randomModel(t, "llama", small)
	dir := t.TempDir()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "cut.gguf"), data[:len(data)/2], 0o644)
	os.WriteFile(filepath.Join(dir, "text.gguf"), []byte("no model at all"), 0o644)
	os.WriteFile(filepath.Join(dir, "empty.gguf"), nil, 0o644)
	far := int32(1000)
	words := filepath.Join(dir, "words.gguf")
	only := &ggufFile{}
	only.set("general.architecture", "llama")
	vocabulary(only, 260)
	only.write(t, words)
	learned, _ := randomModel(t, "gpt2", small)
	for want, o := range map[string]Options{
		"none.gguf: no such file":                  {Path: filepath.Join(dir, "none.gguf")},
		"cut.gguf: llama.cpp does not load it":     {Path: filepath.Join(dir, "cut.gguf")},
		"text.gguf: not a GGUF file":               {Path: filepath.Join(dir, "text.gguf")},
		"empty.gguf: not a GGUF file":              {Path: filepath.Join(dir, "empty.gguf")},
		"not in the vocabulary of 260":             {Path: path, BOS: &far},
		"does not divide":                          {Path: path, KeyType: "q8_0"},
		"unknown type \"f8\"":                      {Path: path, KeyType: "f8"},
		"no model file named":                      {},
		"words.gguf: llama.cpp does not load it: ": {Path: words},
		"its positions end at 256":                 {Path: learned, Context: 257},
	} {
		if m, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want …%s…", err, want)
			if err == nil {
				m.Close()
			}
		}
	}
	m := open(t, Options{Path: path, Context: 32})
	for want, r := range map[string]struct {
		tokens   []int32
		branches []Branch
	}{
		"token 1 is 260":           {[]int32{1, 260}, nil},
		"token 0 is -1":            {[]int32{-1}, nil},
		"longer than the context":  {make([]int32, 33), nil},
		"leaves at 3, outside":     {[]int32{1}, []Branch{{3, nil}}},
		"branch 0: token 0 is 999": {[]int32{1}, []Branch{{0, []int32{999}}}},
		"of 34 tokens is longer":   {make([]int32, 32), []Branch{{32, []int32{1, 2}}}},
	} {
		if _, _, err := m.LogProbs(t.Context(), r.tokens, r.branches); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want …%s…", err, want)
		}
	}
	m.Close()
	if _, _, err := m.LogProbs(t.Context(), []int32{1}, nil); err == nil {
		t.Error("a closed model answers")
	}
}
