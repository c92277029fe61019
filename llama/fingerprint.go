package llama

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// For large files the fingerprint covers the size, the first headBytes, which hold the
// metadata, and sampleBlocks blocks of blockBytes spread evenly to the end: quick
// enough for files of hundreds of gigabytes, and different for other weights or another
// quantization.
const (
	headBytes    = 32 << 20
	blockBytes   = 64 << 10
	sampleBlocks = 256
)

// fingerprint identifies the content of a model's files.
func fingerprint(path string) (string, error) {
	files, err := parts(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for i, name := range files {
		if err := hashFile(h, name, i == 0); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

func hashFile(h io.Writer, name string, first bool) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return errors.New("not a file")
	}
	n := st.Size()
	magic := make([]byte, 4)
	if _, err := f.ReadAt(magic, 0); err != nil || first && !bytes.Equal(magic, []byte("GGUF")) {
		return errors.New("not a GGUF file")
	}
	fmt.Fprintf(h, "%d\n", n)
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, headBytes)); err != nil {
		return err
	}
	if n <= headBytes {
		return nil
	}
	for k := range int64(sampleBlocks) {
		at := headBytes + (n-headBytes-blockBytes)*k/(sampleBlocks-1)
		if _, err := io.Copy(h, io.NewSectionReader(f, max(at, headBytes), blockBytes)); err != nil {
			return err
		}
	}
	return nil
}

// wholeBytes is the largest file that is hashed completely, which takes seconds; larger
// ones take as long to load.
const wholeBytes = 4 << 30

// hashWhole is the SHA-256 of a single file that is not too large, else the hash of the
// sample.
func hashWhole(path, sample string) (string, error) {
	files, err := parts(path)
	if err != nil {
		return "", err
	}
	f, err := os.Open(files[0])
	if err != nil {
		return "", err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || len(files) > 1 || st.Size() > wholeBytes {
		return "sample:" + sample, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil)), nil
}

// probePieces is the number of tokens in the text by which vocabularies are compared.
const probePieces = 4096

// fingerprintVocabulary identifies the tokenizer, which is the same in models of one
// family, whatever their size and quantization: every token with its kind and score,
// the rules that split a text before it is tokenized, and the tokens of a text made of
// tokens from all over the vocabulary, which shows the order of merges.
func (m *Model) fingerprintVocabulary(size int) string {
	h := sha256.New()
	for _, key := range []string{"model", "pre", "add_space_prefix", "remove_extra_whitespaces"} {
		value, _ := llama.ModelMetaValStr(m.model, "tokenizer.ggml."+key)
		fmt.Fprintf(h, "%s %q\n", key, value)
	}
	var probe strings.Builder
	piece := make([]byte, 1024)
	step := max(1, size/probePieces)
	for id := range llama.Token(size) {
		fmt.Fprintf(h, "%q %d %g\n", llama.VocabGetText(m.vocab, id), llama.VocabGetAttr(m.vocab, id), llama.VocabGetScore(m.vocab, id))
		if int(id)%step == 0 {
			if n := llama.TokenToPiece(m.vocab, id, piece, 0, false); n > 0 {
				probe.Write(piece[:n])
			}
		}
	}
	fmt.Fprintln(h, m.Tokenize(probe.String()))
	return fmt.Sprintf("%x", h.Sum(nil))
}

func sum(facts ...string) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, facts)))
}
