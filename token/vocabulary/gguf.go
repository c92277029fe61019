package vocabulary

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/internal/gguf"
	"github.com/l2m-lab/l2m/token"
)

// limits of the metadata that a vocabulary is read from; the largest that are published
// have some 260,000 tokens and half a million merges.
var limits = gguf.Limits{Bytes: 256 << 20, String: 64 << 10, Numbers: 1 << 22, Strings: true}

// Types of tokens (llama.cpp, llama_token_type).
const (
	tokenControl     = 3
	tokenUserDefined = 4
)

// ggufFile is what the metadata of a GGUF file says of its tokenizer.
type ggufFile struct {
	all    map[string]any
	tokens []string
	types  []any
}

func (g ggufFile) text(key string) string {
	s, _ := g.all["tokenizer.ggml."+key].(string)
	return s
}

// flag is a truth value, or what it is where it is not given.
func (g ggufFile) flag(key string, otherwise bool) bool {
	if b, ok := g.all["tokenizer.ggml."+key].(bool); ok {
		return b
	}
	return otherwise
}

// readGGUF reads the vocabulary of a GGUF file, without its weights.
func readGGUF(r io.Reader) (*Vocabulary, []byte, error) {
	all, err := gguf.Metadata(r, limits)
	if err != nil {
		return nil, nil, err
	}
	g := ggufFile{all: all}
	g.tokens, _ = all["tokenizer.ggml.tokens"].([]string)
	g.types, _ = all["tokenizer.ggml.token_type"].([]any)
	switch {
	case len(g.tokens) == 0:
		return nil, nil, errors.New("the file has no vocabulary (tokenizer.ggml.tokens)")
	case len(g.types) != 0 && len(g.types) != len(g.tokens):
		return nil, nil, fmt.Errorf("%d types of %d tokens", len(g.types), len(g.tokens))
	}
	var v *Vocabulary
	switch kind := g.text("model"); kind {
	case "gpt2":
		v, err = g.byteLevel()
	case "llama":
		v, err = g.sentencePiece()
	default:
		return nil, nil, fmt.Errorf("its tokenizer is of the kind %q; of GGUF files, gpt2 and llama are supported (name the model's tokenizer.json in its place)", kind)
	}
	if err != nil {
		return nil, nil, err
	}
	// Keys are sorted, so that the same vocabulary has the same identity in files of other
	// weights.
	same := map[string]any{}
	for key, value := range all {
		if strings.HasPrefix(key, "tokenizer.ggml.") {
			same[key] = value
		}
	}
	identity, err := json.Marshal(same)
	return v, identity, err
}

// How llama.cpp cuts text before merging, by the name in tokenizer.ggml.pre
// (llama-vocab.cpp, LLAMA_VOCAB_PRE_TYPE); digits says that every digit is cut off first.
type cutting struct {
	pattern string
	digits  bool
	whole   bool // pieces that are tokens are not taken apart
}

// qwen2Pattern is cl100kPattern with one digit at a time.
var qwen2Pattern = strings.Replace(cl100kPattern, `\p{N}{1,3}`, `\p{N}`, 1)

var cuttings = map[string]cutting{
	"gpt-2": {pattern: gpt2Pattern}, "mpt": {pattern: gpt2Pattern}, "olmo": {pattern: gpt2Pattern},
	"smollm": {pattern: gpt2Pattern, digits: true}, "starcoder": {pattern: gpt2Pattern, digits: true}, "refact": {pattern: gpt2Pattern, digits: true},
	"command-r": {pattern: gpt2Pattern, digits: true},
	"llama-bpe": {pattern: cl100kPattern, whole: true}, "llama3": {pattern: cl100kPattern, whole: true}, "llama-v3": {pattern: cl100kPattern, whole: true},
	"dbrx": {pattern: cl100kPattern}, "smaug-bpe": {pattern: cl100kPattern},
	"qwen2": {pattern: qwen2Pattern}, "stablelm2": {pattern: qwen2Pattern},
}

// byteLevel is a vocabulary of merges of bytes.
func (g ggufFile) byteLevel() (*Vocabulary, error) {
	name := g.text("pre")
	c, ok := cuttings[name]
	if !ok {
		return nil, fmt.Errorf("how its tokenizer cuts text, %q, is not supported (name the model's tokenizer.json in its place)", name)
	}
	merges, _ := g.all["tokenizer.ggml.merges"].([]string)
	if len(merges) == 0 {
		return nil, errors.New("the file has no merges (tokenizer.ggml.merges)")
	}
	cuts := []map[string]any{{"type": "Split", "pattern": map[string]any{"Regex": c.pattern}, "behavior": "Isolated"},
		{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}}
	if c.digits {
		cuts = append([]map[string]any{{"type": "Digits", "individual_digits": true}}, cuts...)
	}
	return g.parse(map[string]any{"type": "BPE", "merges": merges, "ignore_merges": c.whole}, map[string]any{"type": "Sequence", "pretokenizers": cuts})
}

// sentencePiece is a vocabulary whose neighbouring pieces are merged by the score of what
// they make, the highest first, of equal ones the leftmost (llama-vocab.cpp,
// llm_tokenizer_spm_session).
func (g ggufFile) sentencePiece() (*Vocabulary, error) {
	scores, _ := g.all["tokenizer.ggml.scores"].([]any)
	if len(scores) != len(g.tokens) {
		return nil, fmt.Errorf("%d scores of %d tokens (tokenizer.ggml.scores)", len(scores), len(g.tokens))
	}
	v, err := g.parse(map[string]any{"type": "BPE", "merges": []string{}, "byte_fallback": true}, nil)
	if err != nil {
		return nil, err
	}
	score := func(id token.ID) float32 { x, _ := scores[id].(float32); return x }
	b := v.model.(*bpe)
	ordered := make([]token.ID, 0, len(b.ids))
	for _, id := range b.ids {
		ordered = append(ordered, id)
	}
	slices.SortFunc(ordered, func(x, y token.ID) int { return cmp.Compare(score(y), score(x)) })
	rank := int32(0)
	for i, id := range ordered {
		if i > 0 && score(id) != score(ordered[i-1]) {
			rank++
		}
		for at := 1; at < len(g.tokens[id]); at++ {
			left, okL := b.ids[g.tokens[id][:at]]
			right, okR := b.ids[g.tokens[id][at:]]
			if okL && okR {
				b.ranks[[2]token.ID{left, right}] = rule{rank, id}
			}
		}
	}
	prefix := g.flag("add_space_prefix", true)
	v.split = []splitter{func(dst []part, p part) []part {
		if prefix && p.first {
			// As l2m-llama reads it: the space that begins a text is the one that is put there.
			if p.text = strings.TrimPrefix(p.text, " "); p.text == "" {
				return dst
			}
			p.text = " " + p.text
		}
		p.text = strings.ReplaceAll(p.text, " ", "▁")
		return append(dst, p)
	}}
	return v, nil
}

// parse makes a vocabulary of a model, as in tokenizer.json, with the tokens of the file.
func (g ggufFile) parse(model, cut map[string]any) (*Vocabulary, error) {
	ids := make(map[string]int, len(g.tokens))
	var added []map[string]any
	for id, s := range g.tokens {
		if _, twice := ids[s]; !twice {
			ids[s] = id
		}
		if id < len(g.types) && (g.types[id] == int64(tokenUserDefined) || g.types[id] == int64(tokenControl)) {
			added = append(added, map[string]any{"id": id, "content": s, "special": g.types[id] == int64(tokenControl)})
		}
	}
	model["vocab"] = ids
	document := map[string]any{"model": model, "added_tokens": added}
	if cut != nil {
		document["pre_tokenizer"] = cut
	}
	data, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	v, err := Parse(data)
	if err == nil {
		v.size = len(g.tokens)
	}
	return v, err
}
