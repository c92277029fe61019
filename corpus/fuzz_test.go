package corpus

import (
	"bytes"
	"context"
	"io"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

func FuzzJSONL(f *testing.F) {
	f.Add([]byte("{\"text\": \"a\"}\n{\"text\": \"b\"}"))
	f.Add([]byte("{\"text\": {\"x\": 1}}\n"))
	f.Add([]byte("\n\n{\"text\": null}\n\xff{"))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzReader(t, data, JSONL) })
}

func FuzzFASTA(f *testing.F) {
	f.Add([]byte(">a\nACGT\n>b\nNN\n"))
	f.Add([]byte("\n>\n>\n>"))
	f.Add([]byte(">x\r\nac gt\r\n*"))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzReader(t, data, FASTA) })
}

func FuzzStdin(f *testing.F) {
	f.Add([]byte(gz("text")))
	f.Add([]byte(zst("text")))
	f.Add([]byte{0x1f, 0x8b})
	f.Add([]byte(packedText))
	f.Add([]byte(utf16("text", unicode.BigEndian) + "x"))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzReader(t, data, Text) })
}

// fuzzReader: any bytes are read alike twice, or refused in one line.
func fuzzReader(t *testing.T, data []byte, format Format) {
	c, err := Index(context.Background(), []string{"-"}, Options{Stdin: bytes.NewReader(data), Format: format, SpoolDir: t.TempDir()})
	if err != nil {
		return
	}
	defer c.Close()
	var n int64
	if err := c.Each(context.Background(), func(_ int, r io.Reader) error {
		k, err := io.Copy(io.Discard, r)
		n += k
		return err
	}); err != nil {
		t.Fatalf("indexed, but then: %v", err)
	}
	if n != c.Bytes() {
		t.Fatalf("%d bytes indexed, %d read", c.Bytes(), n)
	}
}
