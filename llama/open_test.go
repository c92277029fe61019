package llama

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/lm"
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
	if first.BOS != 258 || first.Context != small.context || first.Vocabulary != small.vocabulary || first.Name != "llama" || first.File != "llama.gguf" {
		t.Errorf("info %+v", first)
	}
	other, _ := randomModel(t, "gpt2", small)
	for name, o := range map[string]Options{"model": {Path: other}, "cache": {Path: path, KeyType: "f32"}, "BOS": {Path: path, BOS: "7"}} {
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
	for _, cut := range [][2]string{{"tokenizer.ggml.eos", "tokenizer.ggml.yos"}, {"</s>", "<Q1>"}} {
		data, _ = os.ReadFile(o.Path)
		o = patched(cut[0], cut[1])
	}
	if m, err := Open(o); err == nil || !strings.Contains(err.Error(), "--bos") {
		t.Errorf("a vocabulary without marks: %v", err)
		if err == nil {
			m.Close()
		}
	}
	o.BOS = "0"
	if got := open(t, o).Info().BOS; got != 0 {
		t.Errorf("every sequence starts with %d, although 0 was asked for", got)
	}
}

// Models that were tuned for conversation call a marker of turns the beginning of
// a sequence; those that were trained without BOS say so. Both have seen documents
// follow the token that ends one.
func TestBOSOfChatModels(t *testing.T) {
	needLibrary(t)
	for _, c := range []struct {
		marks []string
		add   string
		asked lm.BOSChoice
		want  int32
		why   string
	}{
		{[]string{"<|im_start|>", "<|im_end|>", "<|endoftext|>"}, "", "", 260, "the file's own, 258 <|im_start|>, marks chat turns"},
		{[]string{"<|im_start|>", "<|im_end|>", "<|endoftext|>"}, "false", "<|im_end|>", 259, "as requested"},
		{[]string{"<|im_start|>", "<|im_end|>"}, "false", "", 258, "no other token"},
		{[]string{"<|startoftext|>", "<|endoftext|>"}, "false", "", 259, "the file says not to add <|startoftext|>"},
		{[]string{"<|startoftext|>", "<|im_end|>"}, "false", "", 258, "the only token"},
		{[]string{"<|begin_of_text|>", "<|eot_id|>", "<|end_of_text|>"}, "true", "", 258, "beginning-of-sequence"},
		{[]string{"<|begin_of_text|>", "<|eot_id|>", "<|end_of_text|>"}, "", "", 258, "beginning-of-sequence"},
		{[]string{"<|endoftext|>", "<|im_end|>"}, "false", "", 258, "ends documents"}, // as Qwen2.5
	} {
		s := small
		s.vocabulary, s.marks = 264, c.marks
		if c.add != "" {
			add := c.add == "true"
			s.addBOS = &add
		}
		path, _ := randomModel(t, "llama", s)
		i := open(t, Options{Path: path, Threads: 1, BOS: c.asked}).Info()
		if i.BOS != c.want || !strings.Contains(i.BOSReason, c.why) || i.BOSText != c.marks[c.want-258] {
			t.Errorf("%v, add %q, asked %q: BOS %d %s (%s), want %d (%s)", c.marks, c.add, c.asked, i.BOS, i.BOSText, i.BOSReason, c.want, c.why)
		}
	}
	path, _ := randomModel(t, "llama", small)
	if _, err := Open(Options{Path: path, BOS: "<|endoftext|>"}); err == nil || !strings.Contains(err.Error(), `no special token "<|endoftext|>" (it has <s> </s> …)`) {
		t.Errorf("a token that is not there: %v", err)
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
	words := filepath.Join(dir, "words.gguf")
	only := &ggufFile{}
	only.set("general.architecture", "llama")
	vocabulary(only, 260, nil)
	only.write(t, words)
	learned, _ := randomModel(t, "gpt2", small)
	for want, o := range map[string]Options{
		"none.gguf: no such file":                {Path: filepath.Join(dir, "none.gguf")},
		"cut.gguf: llama.cpp cannot load it":     {Path: filepath.Join(dir, "cut.gguf")},
		"text.gguf: not a GGUF file":             {Path: filepath.Join(dir, "text.gguf")},
		"empty.gguf: not a GGUF file":            {Path: filepath.Join(dir, "empty.gguf")},
		"not in the vocabulary of 260":           {Path: path, BOS: "1000"},
		"does not divide":                        {Path: path, KeyType: "q8_0"},
		"unknown type \"f8\"":                    {Path: path, KeyType: "f8"},
		"no model file named":                    {},
		"words.gguf: llama.cpp cannot load it: ": {Path: words},
		"its positions end at 256":               {Path: learned, Context: 257},
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
		"starts at 3, outside":     {[]int32{1}, []Branch{{At: 3, Tokens: nil}}},
		"branch 0: token 0 is 999": {[]int32{1}, []Branch{{At: 0, Tokens: []int32{999}}}},
		"of 34 tokens is longer":   {make([]int32, 32), []Branch{{At: 32, Tokens: []int32{1, 2}}}},
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
