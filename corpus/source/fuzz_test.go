package source

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// FuzzRead: any bytes under any name are read alike twice, as a file and as a stream,
// or refused in one line.
func FuzzRead(f *testing.F) {
	for _, k := range kinds() {
		if len(k.data) < 1<<15 {
			f.Add([]byte(k.data), k.name, k.field)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, name, field string) {
		dir := t.TempDir()
		o := Options{Field: field, MaxRecord: 1 << 20, TempDir: dir}
		docs, report, err := readAll(content(name, string(data)), o)
		again, _, err2 := readAll(Input{Name: name, R: strings.NewReader(string(data))}, o)
		if (err == nil) != (err2 == nil) || err == nil && !slices.Equal(docs, again) {
			t.Fatalf("%q, %v in place; %q, %v in order", docs, err, again, err2)
		}
		if strings.ContainsAny(report.String(), "\n\x1b") {
			t.Fatalf("report %q", report)
		}
		if err == nil {
			return
		}
		_, refused := errors.AsType[*Refusal](err)
		_, damaged := errors.AsType[*ReadError](err)
		if !refused && !damaged {
			t.Fatalf("error %v says nothing of the file", err)
		}
		if strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Fatalf("error %q", err)
		}
	})
}
