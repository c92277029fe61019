package vocabulary

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/internal/gguf"
	"github.com/l2m-lab/l2m/token"
)

// Vocabulary is a tokenizer read from a file. It is safe for concurrent use.
type Vocabulary struct {
	name  string
	print string
	size  int

	added     *addedTokens
	normalize []normalizer
	split     []splitter
	model     model
	text      func(id token.ID) []byte // what Decode makes of a token

	mu    sync.RWMutex
	known map[string][]token.ID
}

// model turns a piece of text into tokens.
type model interface {
	encode(dst []token.ID, piece string) ([]token.ID, error)
}

// maxFile bounds the size of a file, in bytes.
const maxFile = 512 << 20

// Open reads tokenizer.json (or the folder that holds it), a .tiktoken file,
// whose name decides how text is split (cl100k_base, o200k_base, p50k_base,
// r50k_base or gpt2), or the vocabulary of a GGUF file.
func Open(path string) (*Vocabulary, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		path = filepath.Join(path, "tokenizer.json")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the tokenizer: %w", err)
	}
	defer f.Close()
	return Read(f, path)
}

// Read is like [Open], but reads the file's content from r; path is its name.
func Read(r io.Reader, path string) (*Vocabulary, error) {
	v, identity, err := read(bufio.NewReader(r), path)
	if err != nil {
		return nil, fmt.Errorf("reading the tokenizer %s: %w", path, err)
	}
	v.name = filepath.Base(path)
	if v.name == "tokenizer.json" {
		if abs, err := filepath.Abs(path); err == nil {
			v.name = filepath.Base(filepath.Dir(abs)) + "/" + v.name
		}
	}
	v.print = fmt.Sprintf("vocabulary/1 %x", sha256.Sum256(identity))
	return v, nil
}

// read returns a vocabulary and what identifies it.
func read(r *bufio.Reader, path string) (*Vocabulary, []byte, error) {
	if head, _ := r.Peek(len(gguf.Magic)); string(head) == gguf.Magic {
		return readGGUF(r)
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, nil, err
	}
	if len(data) > maxFile {
		return nil, nil, fmt.Errorf("larger than %d MiB, so not a vocabulary", maxFile>>20)
	}
	var v *Vocabulary
	if strings.HasSuffix(path, ".tiktoken") {
		v, err = parseRanks(data, strings.TrimSuffix(filepath.Base(path), ".tiktoken"))
	} else {
		v, err = Parse(data)
	}
	return v, data, err
}

// Name is the file's name, with that of its folder for tokenizer.json.
func (v *Vocabulary) Name() string { return v.name }

// Size is the largest token id plus one.
func (v *Vocabulary) Size() int { return v.size }

// Fingerprint covers the file's content, of GGUF files what describes the vocabulary.
func (v *Vocabulary) Fingerprint() string { return v.print }

// maxKnown bounds the number of cached pieces.
const maxKnown = 1 << 16

// Memory estimates the memory of the vocabulary in bytes: 165 for each token, as
// measured on cl100k_base, and 90 for each cached piece.
func (v *Vocabulary) Memory() int64 { return 165*int64(v.size) + 90*maxKnown }

// Encode appends the tokens of text to dst. A vocabulary without an unknown token
// skips the pieces that it has no token for.
func (v *Vocabulary) Encode(dst []token.ID, text []byte) []token.ID {
	return v.EncodeStretch(dst, text, true)
}

// EncodeStretch is Encode for a stretch of a document; first says that the stretch
// begins it.
func (v *Vocabulary) EncodeStretch(dst []token.ID, text []byte, first bool) []token.ID {
	s := string(text)
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	for _, p := range v.added.plain.cut(s) {
		if p.id >= 0 {
			dst, first = append(dst, token.ID(p.id)), false
			continue
		}
		t := p.text
		for _, n := range v.normalize {
			t = n(t)
		}
		for _, p := range v.added.normalized.cut(t) {
			if p.id >= 0 {
				dst = append(dst, token.ID(p.id))
			} else if p.text != "" { // nothing is prepended to nothing
				dst = v.encodeText(dst, part{p.text, first})
			}
			first = false
		}
	}
	return dst
}

// encodeText appends the tokens of normalized text without added tokens.
func (v *Vocabulary) encodeText(dst []token.ID, text part) []token.ID {
	parts := []part{text}
	for _, split := range v.split {
		var next []part
		for _, p := range parts {
			next = split(next, p)
		}
		parts = next
	}
	for _, p := range parts {
		if p.text != "" {
			dst = v.encodePiece(dst, p.text)
		}
	}
	return dst
}

func (v *Vocabulary) encodePiece(dst []token.ID, piece string) []token.ID {
	v.mu.RLock()
	ids, ok := v.known[piece]
	v.mu.RUnlock()
	if !ok {
		var err error
		if ids, err = v.model.encode(nil, piece); err != nil {
			return dst
		}
		if len(piece) <= 64 {
			v.mu.Lock()
			if len(v.known) >= maxKnown {
				clear(v.known)
			}
			v.known[strings.Clone(piece)] = ids
			v.mu.Unlock()
		}
	}
	return append(dst, ids...)
}

// Decode appends the text of ids to dst. It inverts Encode for byte-level
// vocabularies, and otherwise up to what the normalizer changes.
func (v *Vocabulary) Decode(dst []byte, ids []token.ID) []byte {
	for _, id := range ids {
		dst = append(dst, v.text(id)...)
	}
	return dst
}

var _ token.Tokenizer = (*Vocabulary)(nil)

var errNoToken = errors.New("the vocabulary has no token for this text")
