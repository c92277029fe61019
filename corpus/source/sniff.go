package source

import (
	"bufio"
	"bytes"
	"strings"
	"unicode/utf8"
)

// headSize is the number of leading bytes by which a file is recognized.
const headSize = 64 << 10

// verdict is the format of a file, or why it is not read.
type verdict struct {
	format  Format
	archive string // "tar" or "zip"
	stream  bool   // Arrow IPC stream, without the file's magic
	refusal *Refusal
}

func refuse(what, group, cure string) verdict {
	return verdict{refusal: &Refusal{What: what, Group: group, Cure: cure}}
}

// foreign refuses text in an unsupported encoding.
func foreign(what string) verdict {
	return refuse(what, "text in other encodings", "iconv -f ENCODING -t utf-8 FILE | l2m … -")
}

const rawCure = "--format bytes measures it as it is"

// sniffBinary recognizes files that are not text by their first bytes. For text it
// returns the zero verdict.
func sniffBinary(head []byte) verdict {
	switch {
	case bytes.HasPrefix(head, []byte("WARC/1.")):
		return verdict{format: WARC} // its pages have their own encodings
	case bytes.HasPrefix(head, []byte("PAR1")):
		return verdict{format: Parquet}
	case bytes.HasPrefix(head, []byte("ARROW1\x00\x00")):
		return verdict{format: Arrow}
	case isArrowStream(head):
		return verdict{format: Arrow, stream: true}
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return verdict{archive: "zip"}
	case isTar(head):
		return verdict{archive: "tar"}
	}
	// A few bytes may precede a PDF document [ISO 32000-1, annex H, 3.4.1].
	if bytes.HasPrefix(bytes.TrimLeft(head[:min(len(head), 1024)], " \t\r\n\x00\xef\xbb\xbf"), []byte("%PDF-")) {
		head = head[bytes.Index(head, []byte("%PDF-")):]
	}
	for _, s := range signatures {
		if len(head) < s.at || !bytes.HasPrefix(head[s.at:], []byte(s.magic)) {
			continue
		}
		if s.loose && isText(head) {
			continue
		}
		return refuse(s.what, s.group, s.cure)
	}
	switch {
	case len(head) > 0 && len(bytes.Trim(head, "\x00")) == 0:
		return refuse("zero bytes, not text", groupBinary, "copy or download it again")
	case isPickle(head):
		return refuse("a Python pickle", groupData, convertCure)
	case isSafetensors(head):
		return refuse("model weights (safetensors)", groupData, "")
	case isTFRecord(head):
		return refuse("records of TensorFlow (TFRecord)", groupData, convertCure)
	case isLZMA(head):
		return refuse("compressed with LZMA, which is not read", groupArchive, "xz -dc FILE | l2m … -")
	case wideOf(head) != nil:
	case !isText(head):
		return refuse("not text: it has bytes that text does not contain", groupBinary, rawCure)
	case bytes.Contains(head, []byte("\x1b$")): // Japanese mail [RFC 1468]
		return foreign("in the encoding ISO-2022")
	}
	return verdict{}
}

// isText reports whether bytes may be text in an encoding other than UTF-16 and UTF-32:
// no zero bytes and, except in single-byte encodings, few control characters.
func isText(head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	controls := 0
	for _, b := range head {
		if b < ' ' && !strings.ContainsRune("\t\n\v\f\r\b\x1b", rune(b)) || b == 0x7f {
			controls++
		}
	}
	return controls*20 <= len(head)
}

// sniffText recognizes UTF-8 text by its beginning; says is the format suggested by the
// file's name, and all says that head is the whole file.
func sniffText(head []byte, all bool, says Format, field string) verdict {
	start := bytes.TrimLeft(head, " \t\r\n\x1e") // 0x1e: a JSON text sequence [RFC 7464]
	found := Text
	switch {
	case len(start) == 0:
		return verdict{format: Text}
	case bytes.HasPrefix(start, []byte("<mediawiki")) || bytes.HasPrefix(start, []byte("<?xml")) && bytes.Contains(start[:min(len(start), 4096)], []byte("<mediawiki")):
		return verdict{format: MediaWiki}
	case bytes.Contains(start, []byte("\nLOCUS       ")) && bytes.Contains(start, []byte("\nORIGIN")):
		return refuse("a GenBank file, whose numbered lines are not read", groupGenBank, fastaCure)
	case bytes.HasPrefix(start, []byte("CLUSTAL")) && bytes.Contains(start[:min(len(start), 80)], []byte("alignment")):
		return refuse("an alignment of Clustal, which is not read", groupBiology, alignmentCure)
	case isPIR(start):
		return refuse("a PIR file, which has a line of words in every sequence", groupGenBank, fastaCure)
	case bytes.HasPrefix(start, []byte("ID   ")) && bytes.Contains(start, []byte("\nSQ   ")):
		return refuse("an EMBL file, whose numbered lines are not read", groupGenBank, fastaCure)
	case isJSON(start, all), says == JSONL && start[0] == '"': // strings, one per line
		found = JSONL
	case isFASTA(start, all):
		found = FASTA
	case isFASTQ(start, all):
		found = FASTQ
	case says == CSV && !isPage(start) || says == Auto && isTable(head, field):
		found = CSV
	}
	switch {
	case says == Auto || found == says:
	case says == JSONL && (start[0] == '{' || start[0] == '['), says == FASTA && (start[0] == '>' || start[0] == ';' || start[0] == '#'), says == FASTQ && start[0] == '@':
		found = says // its reader reports what is wrong
	case found == Text:
		return refuse("not "+article[says]+", as its name says", "files that are not what their names say", "correct its name, or say what it is: --format text")
	}
	return verdict{format: found}
}

// otherFormat refuses a file in a folder that is not of the format asked for.
func otherFormat(asked Format) *Refusal {
	return &Refusal{What: "not " + article[asked], Group: "files of other formats than --format says"}
}

// article names formats with their article.
var article = map[Format]string{
	JSONL: "JSON", CSV: "a table", Parquet: "Parquet", Arrow: "Arrow", FASTA: "FASTA", FASTQ: "FASTQ", WARC: "a web archive", MediaWiki: "a MediaWiki dump",
}

// firstLine is the first line of text that is not blank; whole says that the line ends
// within text.
func firstLine(text []byte, all bool) (line []byte, whole bool) {
	line, _, whole = bytes.Cut(bytes.TrimLeft(text, " \t\r\n"), []byte("\n"))
	return bytes.TrimSpace(line), whole || all
}

// isJSON recognizes an object or array by its first tokens: program text may also begin
// with {} or [], an INI file with "[section]", and a template with "{{".
func isJSON(start []byte, all bool) bool {
	if start[0] != '{' && start[0] != '[' {
		return false
	}
	next := bytes.TrimLeft(start[1:], " \t\r\n")
	if len(next) == 0 {
		return !all
	}
	if start[0] == '{' {
		if next[0] == '}' {
			return true
		}
		// A string and a colon after it.
		if next[0] != '"' {
			return false
		}
		end := stringEnd(next)
		if end < 0 {
			return !all
		}
		after := bytes.TrimLeft(next[end:], " \t\r\n")
		return len(after) == 0 && !all || len(after) > 0 && after[0] == ':'
	}
	switch next[0] {
	case '{':
		return isJSON(next, all)
	case '"':
		end := stringEnd(next)
		if end < 0 {
			return !all
		}
		after := bytes.TrimLeft(next[end:], " \t\r\n")
		return len(after) == 0 && !all || len(after) > 0 && (after[0] == ',' || after[0] == ']')
	case '[', ']', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		line, whole := firstLine(start, all)
		return !whole || len(bytes.Trim(line, "[]{}0123456789+-.eE, \t\r\n\"")) == 0
	}
	return false
}

// stringEnd is the length of the JSON string at the beginning of text, -1 if it does
// not end.
func stringEnd(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// isFASTA recognizes records of letters between header lines. Quoted e-mail also has
// ">": the lines of a sequence have no spaces, and one of them is long or all are
// nucleic acids.
func isFASTA(start []byte, all bool) bool {
	if start[0] != '>' && start[0] != ';' && start[0] != '#' {
		return false
	}
	headers, letters, longest, foreign := 0, 0, 0, 0
	lines := bytes.FieldsFunc(start, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, line := range lines {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0 || line[0] == ';' || line[0] == '#':
		case line[0] == '>':
			headers++
		case headers == 0 && start[0] == '#':
			return false
		default:
			for _, b := range line {
				switch {
				case residue[b] == 0:
					return i == len(lines)-1 && !all && letters > 0 // a header cut by the end of head
				case !bytes.ContainsRune([]byte("ACGTUNacgtun-."), rune(b)):
					foreign++
				}
			}
			letters, longest = letters+len(line), max(longest, len(line))
		}
	}
	return headers > 0 && letters > 0 && (longest >= 20 || foreign == 0)
}

// isPage recognizes the page that a server sent instead of a file.
func isPage(start []byte) bool {
	begin := bytes.ToLower(start[:min(len(start), 9)])
	return string(begin) == "<!doctype" || bytes.HasPrefix(begin, []byte("<html"))
}

// isPIR recognizes ">P1;name" [PIR-International, NBRF format].
func isPIR(start []byte) bool {
	return len(start) > 4 && start[0] == '>' && bytes.IndexByte([]byte("PFDRN"), start[1]) >= 0 && bytes.IndexByte([]byte("1L3C"), start[2]) >= 0 && start[3] == ';'
}

// isFASTQ recognizes a read by its four lines.
func isFASTQ(start []byte, all bool) bool {
	if start[0] != '@' {
		return false
	}
	if bytes.IndexByte(start, '\n') < 0 {
		start = bytes.ReplaceAll(start, []byte("\r"), []byte("\n"))
	}
	lines := bytes.SplitN(bytes.ReplaceAll(start, []byte("\r"), nil), []byte("\n"), 5)
	if len(lines) < 4 || len(lines[1]) == 0 {
		return false
	}
	for _, b := range lines[1] {
		if residue[b] == 0 {
			return false
		}
	}
	if bytes.HasPrefix(lines[2], []byte("+")) {
		return len(lines[3]) == len(lines[1]) || len(lines) == 4 && !all
	}
	return bytes.Contains(start, []byte("\n+")) // bases on several lines
}

// isTable recognizes a table without a telling name by its header, short names that
// include the field, and a next row with as many fields.
func isTable(head []byte, field string) bool {
	line, whole := headerLine(head)
	if !whole || !utf8.Valid(line) {
		return false
	}
	comma := delimiter(string(line))
	names := strings.Split(string(line), string(rune(comma)))
	found := false
	for i, n := range names {
		if n == "" && (i == 0 || i == len(names)-1 && i > 1) {
			continue // pandas numbers rows in a column without a name; others end all lines with a comma
		}
		if n == "" || n[0] == ' ' {
			return false // a sentence
		}
		n = strings.Trim(n, `" `)
		if n == "" || len(n) > 40 || strings.Count(n, " ") > 2 || strings.ContainsAny(n, ".!?") && n != field {
			return false
		}
		found = found || n == field
	}
	if !found || len(names) < 2 {
		return false
	}
	t := rows{in: bufio.NewReader(bytes.NewReader(head)), comma: comma, literal: comma == '\t' || comma == '|', max: headSize, line: 1}
	for range 2 {
		if t.next() != nil {
			return false
		}
	}
	return t.fields() >= len(names)
}
