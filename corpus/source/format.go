package source

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Format is how a file holds documents.
type Format string

// The formats.
const (
	Auto      Format = ""          // by the content of the file, then by its name
	Text      Format = "text"      // the whole file is one document
	Bytes     Format = "bytes"     // the whole file is one document, decoded by nothing
	JSONL     Format = "jsonl"     // JSON objects, one per line, in an array or one after another
	CSV       Format = "csv"       // rows of fields, separated by commas, semicolons or tabs
	Parquet   Format = "parquet"   // one document per row
	Arrow     Format = "arrow"     // one document per row: Arrow IPC files and streams, Feather
	FASTA     Format = "fasta"     // one document per record: its letters in capitals
	FASTQ     Format = "fastq"     // one document per read: its bases in capitals
	WARC      Format = "warc"      // one document per page of a web archive (WARC, WET)
	MediaWiki Format = "mediawiki" // one document per article of an XML dump
)

// formats are the values of --format, in the order of messages.
var formats = []Format{Text, Bytes, JSONL, CSV, Parquet, Arrow, FASTA, FASTQ, WARC, MediaWiki}

// ParseFormat reads the name of a format; "json" is jsonl and "tsv" is csv.
func ParseFormat(s string) (Format, error) {
	switch s {
	case "json":
		return JSONL, nil
	case "tsv":
		return CSV, nil
	}
	if f := Format(s); f == Auto || slices.Contains(formats, f) {
		return f, nil
	}
	return Auto, fmt.Errorf("unknown format %q (%s)", s, FormatNames())
}

// FormatNames lists the formats for messages: "text, bytes, jsonl, …".
func FormatNames() string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}

// byExtension maps file extensions to formats.
var byExtension = map[string]Format{
	".jsonl": JSONL, ".ndjson": JSONL, ".json": JSONL, ".ipynb": JSONL,
	".csv": CSV, ".tsv": CSV, ".tab": CSV, ".psv": CSV,
	".parquet": Parquet, ".pq": Parquet,
	".arrow": Arrow, ".feather": Arrow, ".ipc": Arrow,
	".fa": FASTA, ".fasta": FASTA, ".fas": FASTA, ".fna": FASTA, ".ffn": FASTA, ".faa": FASTA, ".frn": FASTA, ".fsa": FASTA, ".mpfa": FASTA,
	".fq": FASTQ, ".fastq": FASTQ,
	".warc": WARC, ".wet": WARC,
}

// named is the format that a file's name suggests. It ignores extensions of
// compressions, which may remain on unpacked files.
func named(name string) Format {
	for i := range compressions {
		name = compressions[i].trimEnding(name)
	}
	return byExtension[extension(name)]
}

func extension(name string) string {
	return strings.ToLower(path.Ext(strings.ReplaceAll(name, `\`, "/")))
}

// Records reports whether files of the format consist of records, each a document.
func (f Format) Records() bool { return f != Text && f != Bytes && f != Auto }

// binary reports whether files of the format are not text.
func (f Format) binary() bool { return f == Parquet || f == Arrow || f == WARC }
