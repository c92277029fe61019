package llama

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// Of a large file the fingerprint covers its size, its first headBytes, which
// hold the metadata, and sampleBlocks blocks of blockBytes evenly spread to its
// end: quick enough for files of hundreds of gigabytes, and different for other
// weights or another quantisation.
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

func sum(facts ...string) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, facts)))
}
