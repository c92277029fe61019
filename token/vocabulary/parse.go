package vocabulary

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/token"
)

// document is the part of tokenizer.json that matters for encoding: all but the
// post-processor (beginning and end of text), truncation and padding.
type document struct {
	Added         []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	Model         json.RawMessage `json:"model"`
	Decoder       json.RawMessage `json:"decoder"`
	hasByteLetter bool
}

// convertCure is what to do with tokenizer.model, tekken.json, vocab.txt, and vocab.json
// with merges.txt.
const convertCure = "AutoTokenizer.from_pretrained(MODEL).save_pretrained(FOLDER), of the Python package transformers, writes one from other files"

// Parse reads the content of tokenizer.json.
func Parse(data []byte) (*Vocabulary, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("not a tokenizer.json: %w (%s)", err, convertCure)
	}
	if isNull(d.Model) {
		return nil, fmt.Errorf("not a tokenizer.json: it has no model (%s)", convertCure)
	}
	v := &Vocabulary{name: "tokenizer.json", known: map[string][]token.ID{}}
	var err error
	if v.normalize, err = parseNormalizer(d.Normalizer); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if v.split, err = parseSplitter(d.PreTokenizer, &d.hasByteLetter); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if err := v.parseModel(d); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if v.added, err = newAddedTokens(d.Added, v.normalize); err != nil {
		return nil, fmt.Errorf("added_tokens: %w", err)
	}
	added, model, inModel := map[token.ID][]byte{}, v.text, v.size
	for _, a := range d.Added {
		v.size = max(v.size, a.ID+1)
		if a.ID >= inModel && !a.Special {
			added[token.ID(a.ID)] = []byte(a.Content)
		}
	}
	v.text = func(id token.ID) []byte {
		if content, ok := added[id]; ok {
			return content
		}
		return model(id)
	}
	return v, nil
}

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}

// maxID bounds token ids, which index tables.
const maxID = 1 << 24

// modelSpec is the model in tokenizer.json.
type modelSpec struct {
	Type         string          `json:"type"`
	Vocab        json.RawMessage `json:"vocab"`
	Merges       json.RawMessage `json:"merges"`
	Dropout      *float64        `json:"dropout"`
	Unknown      *string         `json:"unk_token"`
	UnknownID    *int            `json:"unk_id"`
	Prefix       string          `json:"continuing_subword_prefix"`
	Suffix       string          `json:"end_of_word_suffix"`
	FuseUnknown  bool            `json:"fuse_unk"`
	ByteFallback bool            `json:"byte_fallback"`
	IgnoreMerges bool            `json:"ignore_merges"`
	Longest      int             `json:"max_input_chars_per_word"`
}

// kind is the type of the model, inferred for older files that lack it.
func (m *modelSpec) kind() string {
	switch {
	case m.Type != "":
		return m.Type
	case !isNull(m.Merges):
		return "BPE"
	case m.Longest > 0:
		return "WordPiece"
	case m.UnknownID != nil:
		return "Unigram"
	}
	return ""
}

func (v *Vocabulary) parseModel(d document) error {
	var m modelSpec
	if err := json.Unmarshal(d.Model, &m); err != nil {
		return err
	}
	kind := m.kind()
	if kind == "Unigram" {
		return v.parseUnigram(m.Vocab, m.UnknownID, m.ByteFallback)
	}
	ids, texts, err := parseIDs(m.Vocab)
	if err != nil {
		return err
	}
	v.size = len(texts)
	unknown, hasUnknown := token.ID(0), false
	if m.Unknown != nil {
		if unknown, hasUnknown = ids[*m.Unknown]; !hasUnknown && kind == "WordPiece" {
			return fmt.Errorf("the unknown token %q is not in the vocabulary", *m.Unknown)
		}
	}
	switch kind {
	case "BPE":
		if m.Dropout != nil && *m.Dropout != 0 {
			return fmt.Errorf("dropout %g would make the tokens random", *m.Dropout)
		}
		b := &bpe{ids: ids, unknown: unknown, hasUnknown: hasUnknown, fuseUnknown: m.FuseUnknown, byteFallback: m.ByteFallback,
			whole: m.IgnoreMerges, prefix: m.Prefix, suffix: m.Suffix}
		if b.ranks, err = parseMerges(m.Merges, ids, b.prefix); err != nil {
			return err
		}
		v.model = b
		v.text = func(id token.ID) []byte { return plain(texts, id, d.hasByteLetter) }
	case "WordPiece":
		v.model = &wordPiece{ids: ids, unknown: unknown, prefix: m.Prefix, longest: cmp.Or(m.Longest, 100)}
		v.text = func(id token.ID) []byte { return wordText(texts, id, m.Prefix) }
	case "WordLevel":
		v.model = &wordLevel{ids, unknown, hasUnknown}
		v.text = func(id token.ID) []byte { return wordText(texts, id, "") }
	default:
		return fmt.Errorf("type %q is not supported (BPE, Unigram, WordLevel, WordPiece)", kind)
	}
	return nil
}

// wordText is the text of a token that begins a word, unless it has the prefix.
func wordText(texts []string, id token.ID, prefix string) []byte {
	if int(id) >= len(texts) {
		return nil
	}
	if s, ok := strings.CutPrefix(texts[id], prefix); ok && prefix != "" {
		return []byte(s)
	}
	return []byte(" " + texts[id])
}

// plain is the text of a token of a byte-level vocabulary (letters), or of one
// that writes spaces as U+2581.
func plain(texts []string, id token.ID, letters bool) []byte {
	if int(id) >= len(texts) {
		return nil
	}
	s := texts[id]
	if !letters {
		if b, ok := isByteToken(s); ok {
			return []byte{b}
		}
		return []byte(strings.ReplaceAll(s, "▁", " "))
	}
	var out []byte
	for _, r := range s {
		if b, ok := letterBytes[r]; ok {
			out = append(out, b)
		} else {
			out = append(out, string(r)...)
		}
	}
	return out
}

func parseIDs(raw json.RawMessage) (map[string]token.ID, []string, error) {
	var vocab map[string]int
	if err := json.Unmarshal(raw, &vocab); err != nil {
		return nil, nil, fmt.Errorf("vocab: %w", err)
	}
	if len(vocab) == 0 {
		return nil, nil, errors.New("the vocabulary is empty")
	}
	ids := make(map[string]token.ID, len(vocab))
	var texts []string
	for s, id := range vocab {
		if id < 0 || id >= maxID {
			return nil, nil, fmt.Errorf("token %q: id %d is outside 0..%d", s, id, maxID-1)
		}
		ids[s] = token.ID(id)
		for len(texts) <= id {
			texts = append(texts, make([]string, id+1-len(texts))...)
		}
		texts[id] = s
	}
	return ids, texts, nil
}

func parseMerges(raw json.RawMessage, ids map[string]token.ID, prefix string) (map[[2]token.ID]rule, error) {
	var pairs [][2]string
	var lines []string
	if err := json.Unmarshal(raw, &lines); err == nil {
		for i, l := range lines {
			a, b, ok := strings.Cut(l, " ")
			if strings.HasPrefix(l, "#version") {
				continue
			}
			if !ok || strings.Contains(b, " ") {
				return nil, fmt.Errorf("merge %d, %q, is not a pair", i, l)
			}
			pairs = append(pairs, [2]string{a, b})
		}
	} else if err := json.Unmarshal(raw, &pairs); err != nil {
		return nil, fmt.Errorf("merges: %w", err)
	}
	ranks := make(map[[2]token.ID]rule, len(pairs))
	for i, p := range pairs {
		a, okA := ids[p[0]]
		b, okB := ids[p[1]]
		c, okC := ids[p[0]+strings.TrimPrefix(p[1], prefix)]
		if !okA || !okB || !okC {
			return nil, fmt.Errorf("merge %d, of %q and %q, has a token that is not in the vocabulary", i, p[0], p[1])
		}
		ranks[[2]token.ID{a, b}] = rule{int32(i), c}
	}
	return ranks, nil
}

func (v *Vocabulary) parseUnigram(raw json.RawMessage, unknown *int, fallback bool) error {
	var vocab [][2]any
	if err := json.Unmarshal(raw, &vocab); err != nil {
		return fmt.Errorf("vocab: %w", err)
	}
	u := &unigram{ids: make(map[string]token.ID, len(vocab)), least: math.Inf(1)}
	texts := make([]string, len(vocab))
	for i, entry := range vocab {
		s, okS := entry[0].(string)
		score, okN := entry[1].(float64)
		if !okS || !okN {
			return fmt.Errorf("entry %d of the vocabulary is not a token with a score", i)
		}
		texts[i] = s
		u.ids[s] = token.ID(i)
		u.scores = append(u.scores, score)
		u.longest = max(u.longest, len(s))
		u.least = min(u.least, score)
	}
	if len(vocab) == 0 {
		return errors.New("the vocabulary is empty")
	}
	delete(u.ids, "")
	if unknown != nil {
		if *unknown < 0 || *unknown >= len(vocab) {
			return fmt.Errorf("the id %d of the unknown token is not in the vocabulary", *unknown)
		}
		u.unknown, u.hasUnknown = token.ID(*unknown), true
	}
	if fallback {
		var table [256]token.ID
		all := true
		for b := range table {
			id, ok := u.ids[fmt.Sprintf("<0x%02X>", b)]
			table[b], all = id, all && ok
		}
		if all {
			u.byteFallback = &table
		}
	}
	v.size, v.model = len(vocab), u
	v.text = func(id token.ID) []byte { return plain(texts, id, false) }
	return nil
}

// parseRanks reads a tiktoken file: on each line a token in base64 and its rank.
func parseRanks(data []byte, name string) (*Vocabulary, error) {
	pattern, ok := rankPatterns[name]
	if !ok {
		return nil, fmt.Errorf("no pattern to split text is known for %q (name the file cl100k_base, o200k_base, p50k_base, r50k_base or gpt2, with .tiktoken)", name)
	}
	cut, err := splitBy(pattern)
	if err != nil {
		return nil, err
	}
	b := &bpe{ids: map[string]token.ID{}, whole: true, bytes: new([256]token.ID)}
	var texts []string
	for n, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		word, number, _ := strings.Cut(line, " ")
		text, err := base64.StdEncoding.DecodeString(word)
		if err != nil {
			return nil, fmt.Errorf("line %d: not a token in base64: %w", n+1, err)
		}
		rank, err := strconv.Atoi(number)
		if err != nil || rank < 0 || rank >= maxID {
			return nil, fmt.Errorf("line %d: %q is not a rank", n+1, number)
		}
		b.ids[string(text)] = token.ID(rank)
		for len(texts) <= rank {
			texts = append(texts, make([]string, rank+1-len(texts))...)
		}
		texts[rank] = string(text)
	}
	for c := range 256 {
		id, ok := b.ids[string([]byte{byte(c)})]
		if !ok {
			return nil, fmt.Errorf("there is no token for the byte %d", c)
		}
		b.bytes[c] = id
	}
	b.ranks = make(map[[2]token.ID]rule, 4*len(b.ids))
	for s, id := range b.ids {
		for i := 1; i < len(s); i++ {
			l, okL := b.ids[s[:i]]
			r, okR := b.ids[s[i:]]
			if okL && okR {
				b.ranks[[2]token.ID{l, r}] = rule{int32(id), id}
			}
		}
	}
	none, err := newAddedTokens(nil, nil)
	return &Vocabulary{size: len(texts), added: none, split: []splitter{cut}, model: b, known: map[string][]token.ID{}, text: func(id token.ID) []byte {
		if int(id) >= len(texts) {
			return nil
		}
		return []byte(texts[id])
	}}, err
}

// Patterns by which tiktoken's vocabularies split text.
const (
	gpt2Pattern   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	cl100kPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	o200kPattern  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

var rankPatterns = map[string]string{
	"gpt2": gpt2Pattern, "r50k_base": gpt2Pattern, "p50k_base": gpt2Pattern, "cl100k_base": cl100kPattern, "o200k_base": o200kPattern,
}
