package corpus

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// Names of fields and columns may hold the dot that also joins paths; the whole
// name goes first.
func TestNamesWithDots(t *testing.T) {
	var pq bytes.Buffer
	type row struct {
		Text string `parquet:"doc.text"`
	}
	if err := parquet.Write(&pq, []row{{"from a column"}}); err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{
		"a.jsonl":   "\ufeff{\"doc.text\": \"after a mark\"}\n{\"doc\": {\"text\": \"inside\"}}\n{\"doc\": {\"text\": \"in\"}, \"doc.text\": \"out\"}",
		"b.parquet": pq.String(),
	})
	got := contents(t, index(t, Options{Field: "doc.text"}, dir), dir)
	for name, want := range map[string]string{"a.jsonl:1": "after a mark", "a.jsonl:2": "inside", "a.jsonl:3": "out", "b.parquet:1": "from a column"} {
		if got[name] != want {
			t.Errorf("%s is read as %q, want %q", name, got[name], want)
		}
	}
}

// A PDF without zero bytes in its head is no text.
func TestPDFIsBinary(t *testing.T) {
	dir := write(t, map[string]string{"a.pdf": "%PDF-1.7\n...", "b.txt": "text"})
	c := index(t, Options{}, dir)
	if c.Documents() != 1 || c.Skipped()[skipBinary] != 1 {
		t.Errorf("%d documents, skipped %v", c.Documents(), c.Skipped())
	}
}

// Progress counts what is read, and ends at the total whatever was skipped.
func TestIndexProgress(t *testing.T) {
	big := strings.Repeat("a line of text\n", 100_000)
	dir := write(t, map[string]string{"a.txt": big, "b.txt.gz": gz(big), "bin": "\x00" + big, "c.jsonl": "{\"text\": \"x\"}\n"})
	var calls int
	var last, total int64
	index(t, Options{Progress: func(d, n int64) {
		if d < last {
			t.Errorf("progress went back from %d to %d", last, d)
		}
		last, total, calls = d, n, calls+1
	}}, dir)
	if last != total || calls < 8 {
		t.Errorf("%d of %d bytes in %d calls", last, total, calls)
	}
}

// A device is refused in a word, not read for ever.
func TestDevicesAreRefused(t *testing.T) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip("no /dev/zero here")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := Index(ctx, []string{"/dev/zero"}, Options{}); err == nil || !strings.Contains(err.Error(), "/dev/zero: a device") {
		t.Errorf("error %v", err)
	}
	if _, err := Index(ctx, []string{filepath.Join(t.TempDir(), "none")}, Options{}); err == nil {
		t.Error("a missing file was read")
	}
}
