package llama

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hybridgroup/yzma/pkg/llama"

	"github.com/l2m-lab/l2m/lm"
)

// noToken is the absence of a token.
const noToken = llama.Token(-1)

// findBOS chooses the token before the first one, which has no probability otherwise,
// and says why. By default it is
//
//  1. the file's beginning-of-sequence token, unless the file says not to add it, or
//     it marks chat turns, and so never preceded a document in training;
//  2. the token that ends documents, which preceded nearly all of them;
//  3. whatever begins or ends sequences in this file.
func (m *Model) findBOS(size int) (id llama.Token, reason string, err error) {
	choice := m.options.BOS
	if choice == lm.BOSNone {
		return noToken, "none, as requested; first tokens have the probability 1/vocabulary", nil
	}
	if n, ok := choice.ID(); ok {
		if int(n) >= size {
			return 0, "", fmt.Errorf("token %d, which is to start every sequence (--bos), is not in the vocabulary of %d", n, size)
		}
		return llama.Token(n), "as requested", nil
	}
	if choice != "" {
		id, err := m.special(string(choice), size)
		return id, "as requested", err
	}
	bos, eos := m.named("bos", llama.VocabBOS, size), m.named("eos", llama.VocabEOS, size)
	added, _ := llama.ModelMetaValStr(m.model, "tokenizer.ggml.add_bos_token")
	if bos != noToken {
		why := "the file says not to add " + m.text(bos)
		switch {
		case isChatMarker(m.text(bos)):
			why = fmt.Sprintf("the file's own, %d %s, marks chat turns", bos, m.text(bos))
		case added != "false":
			return bos, "the file's beginning-of-sequence token", nil
		}
		if end := m.documentEnd(eos, size); end != noToken {
			return end, "it ends documents; " + why, nil
		}
	}
	for _, id := range []llama.Token{bos, eos} {
		if id != noToken && !isChatMarker(m.text(id)) {
			return id, "the only token of this file that begins or ends a text", nil
		}
	}
	if end := m.documentEnd(eos, size); end != noToken {
		return end, "it ends documents", nil
	}
	for _, id := range []llama.Token{bos, eos} {
		if id != noToken {
			return id, "the file has no other token that begins or ends a text", nil
		}
	}
	return 0, "", errors.New("its vocabulary has no token that begins or ends a text; name one (--bos)")
}

// named is the file's token for a purpose: bos or eos.
func (m *Model) named(purpose string, fallback func(llama.Vocab) llama.Token, size int) llama.Token {
	id := int(fallback(m.vocab))
	if s, ok := llama.ModelMetaValStr(m.model, "tokenizer.ggml."+purpose+"_token_id"); ok {
		n, err := strconv.Atoi(s)
		if err != nil {
			return noToken
		}
		id = n
	} else if llama.GetVocabType(m.vocab) == llama.VocabTypeBPE {
		return noToken // llama.cpp then says 11, whatever that token is
	}
	if id < 0 || id >= size {
		return noToken
	}
	return llama.Token(id)
}

func (m *Model) text(id llama.Token) string { return llama.VocabGetText(m.vocab, id) }

// chatMarks are parts of the names of tokens that structure conversations.
var chatMarks = []string{"im_start", "im_end", "_of_turn", "turn|", "user", "assistant", "system", "inst]", "header", "eot_id", "role"}

func isChatMarker(name string) bool {
	name = strings.ToLower(name)
	for _, mark := range chatMarks {
		if strings.Contains(name, mark) {
			return true
		}
	}
	return false
}

// documentEnds are names of the token between documents in model families.
var documentEnds = []string{"<|endoftext|>", "<|end_of_text|>", "<|end_of_document|>", "<｜end▁of▁sentence｜>", "</s>", "<eos>", "<|eos|>", "[EOS]"}

// documentEnd is the token that ends documents: one known by name, else the file's eos
// unless it marks chat turns.
func (m *Model) documentEnd(eos llama.Token, size int) llama.Token {
	for _, name := range documentEnds {
		if id, err := m.special(name, size); err == nil {
			return id
		}
	}
	if eos != noToken && !isChatMarker(m.text(eos)) {
		return eos
	}
	return noToken
}

// special finds a special token by name.
func (m *Model) special(name string, size int) (llama.Token, error) {
	const kinds = llama.TokenAttrControl | llama.TokenAttrUserDef | llama.TokenAttrUnknown
	var others []string
	for id := range llama.Token(size) {
		if llama.VocabGetAttr(m.vocab, id)&kinds == 0 {
			continue
		}
		text := m.text(id)
		if text == name {
			return id, nil
		}
		if len(others) < 12 {
			others = append(others, text)
		}
	}
	return 0, fmt.Errorf("its vocabulary has no special token %q (it has %s …)", name, strings.Join(others, " "))
}
