package source

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// Every reader has a target of its own, whose seeds are the kinds that it reads.

func FuzzText(f *testing.F)      { fuzz(f, Text, kindText) }
func FuzzJSON(f *testing.F)      { fuzz(f, JSONL, kindJSON, kindNotebook) }
func FuzzTable(f *testing.F)     { fuzz(f, CSV, kindTable) }
func FuzzParquet(f *testing.F)   { fuzz(f, Parquet, kindParquet) }
func FuzzArrow(f *testing.F)     { fuzz(f, Arrow, kindArrow) }
func FuzzFASTA(f *testing.F)     { fuzz(f, FASTA, kindFASTA) }
func FuzzFASTQ(f *testing.F)     { fuzz(f, FASTQ, kindFASTQ) }
func FuzzWARC(f *testing.F)      { fuzz(f, WARC, kindWARC) }
func FuzzMediaWiki(f *testing.F) { fuzz(f, MediaWiki, kindWiki) }

// FuzzUnpack is of what is packed and of archives.
func FuzzUnpack(f *testing.F) {
	for _, k := range kinds() {
		if v := sniffBinary([]byte(k.data)); len(k.data) < 1<<15 && (packing([]byte(k.data)) != nil || v.archive != "") {
			f.Add([]byte(k.data), "text")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, field string) {
		readTwice(t, "standard input", data, Options{Field: field})
	})
}

func fuzz(f *testing.F, format Format, wanted ...string) {
	for _, k := range kinds() {
		if len(k.data) > 1<<15 || packing([]byte(k.data)) != nil {
			continue
		}
		_, report, _ := readAll(content(k.name, k.data), Options{Field: k.field})
		if slices.ContainsFunc(wanted, func(kind string) bool { _, read := report.Read[kind]; return read }) {
			f.Add([]byte(k.data), k.field)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, field string) {
		if packing(data) == nil {
			readTwice(t, "standard input", data, Options{Format: format, Field: field})
		}
	})
}

// FuzzRead is of any bytes under any name.
func FuzzRead(f *testing.F) {
	for _, k := range kinds() {
		if len(k.data) < 1<<15 {
			f.Add([]byte(k.data), k.name, k.field)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, name, field string) { readTwice(t, name, data, Options{Field: field}) })
}

// readTwice checks that bytes are read alike as a file and as a stream, or refused in
// one line.
func readTwice(t *testing.T, name string, data []byte, o Options) {
	o.MaxRecord, o.TempDir = 1<<20, t.TempDir()
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
}
