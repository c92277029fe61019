package source

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// headSize is the number of leading bytes by which a file is recognized.
const headSize = 64 << 10

// signature is the beginning of files of a kind that is not text.
type signature struct {
	at    int // offset in bytes
	magic string
	what  string // with its article: "a PNG image"
	group string // counted under this name
	cure  string
	loose bool // text may begin like this too: applies only if the rest is not text
}

const (
	groupImage   = "images"
	groupMedia   = "sound and video"
	groupArchive = "archives that are not read"
	groupOffice  = "office documents"
	groupBinary  = "binary files"
	groupData    = "data that is not text"
	groupGenBank = "GenBank and EMBL files"
)

const fastaCure = "write it as FASTA: any2fasta FILE | l2m … -"

const unpackCure = "unpack it into a folder, and name that"

// signatures are of files that are not read. sniffBinary recognizes those that are.
var signatures = []signature{
	{0, "%PDF-", "a PDF document, which holds no plain text", "PDF documents", "pdftotext FILE - | l2m … -", false},
	{0, "%!PS", "a PostScript document, which holds no plain text", "PostScript documents", "ps2ascii FILE | l2m … -", false},
	{0, "{\\rtf", "a document in Rich Text Format", groupOffice, "save it as plain text", false},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old office program", groupOffice, "save it as plain text", false},
	{0, "\x89PNG\r\n\x1a\n", "a PNG image", groupImage, "", false},
	{0, "\xff\xd8\xff", "a JPEG image", groupImage, "", false},
	{0, "GIF87a", "a GIF image", groupImage, "", false},
	{0, "GIF89a", "a GIF image", groupImage, "", false},
	{0, "II*\x00", "a TIFF image", groupImage, "", false},
	{0, "MM\x00*", "a TIFF image", groupImage, "", false},
	{8, "WEBP", "a WebP image", groupImage, "", true},
	{8, "WAVE", "a sound file", groupMedia, "", true},
	{8, "AVI ", "a video", groupMedia, "", true},
	{4, "ftyp", "a video or picture (MP4, HEIC)", groupMedia, "", true},
	{0, "\x1aE\xdf\xa3", "a video (Matroska)", groupMedia, "", false},
	{0, "OggS", "a sound file (Ogg)", groupMedia, "", true},
	{0, "fLaC", "a sound file (FLAC)", groupMedia, "", true},
	{0, "ID3\x02", "a sound file (MP3)", groupMedia, "", false},
	{0, "ID3\x03", "a sound file (MP3)", groupMedia, "", false},
	{0, "ID3\x04", "a sound file (MP3)", groupMedia, "", false},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive, which is not read", groupArchive, unpackCure, false},
	{0, "Rar!\x1a\x07", "a RAR archive, which is not read", groupArchive, unpackCure, false},
	{0, "\x1f\x9d", "compressed with compress, which is not read", groupArchive, "zcat FILE | l2m … -", false},
	{0, "LZIP", "compressed with lzip, which is not read", groupArchive, "lzip -dc FILE | l2m … -", true},
	{0, "\x02\x21\x4c\x18", "compressed with an old form of LZ4, which is not read", groupArchive, "lz4 -dc FILE | l2m … -", false},
	{0, "\xff\x06\x00\x00sNaPpY", "compressed with Snappy, which is not read", groupArchive, unpackCure, false},
	{0, "\x7fELF", "a program", groupBinary, "", false},
	{0, "\xca\xfe\xba\xbe", "a program", groupBinary, "", false},
	{0, "\xcf\xfa\xed\xfe", "a program", groupBinary, "", false},
	{0, "\x00asm", "a program (WebAssembly)", groupBinary, "", false},
	{0, "SQLite format 3\x00", "an SQLite database", groupData, `sqlite3 -json FILE "SELECT text FROM …" | l2m … -`, false},
	{0, "\x89HDF\r\n\x1a\n", "an HDF5 file", groupData, "convert its text to JSON Lines", false},
	{0, "\x93NUMPY", "a NumPy array", groupData, "", false},
	{0, "Obj\x01", "an Avro file", groupData, "convert its text to Parquet or JSON Lines", false},
	{0, "ORC", "an ORC file", groupData, "convert its text to Parquet or JSON Lines", true},
	{0, "FEA1", "a Feather file of version 1", groupData, "convert it to Parquet or to Feather version 2", true},
	{0, "PARE", "an encrypted Parquet file", groupData, "write it again without encryption", true},
	{0, "GGUF", "model weights (GGUF)", groupData, "", true},
	{0, "BAM\x01", "a BAM file", groupData, "samtools fasta FILE | l2m … -", false},
	{0, "CRAM", "a CRAM file", groupData, "samtools fasta FILE | l2m … -", true},
	{0, "version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the file itself", "Git LFS pointers", "git lfs pull", false},
	{0, "LOCUS       ", "a GenBank file, whose numbered lines are not read", groupGenBank, fastaCure, false},
}

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

// isArrowStream recognizes an Arrow IPC stream: a marker, the length of the schema, and
// a flat buffer, which starts with a small offset.
func isArrowStream(head []byte) bool {
	if len(head) < 12 || binary.LittleEndian.Uint32(head) != 0xffffffff {
		return false
	}
	length, root := binary.LittleEndian.Uint32(head[4:]), binary.LittleEndian.Uint32(head[8:])
	return length > 8 && length%8 == 0 && length < 1<<28 && root < length
}

// isTar recognizes a tar archive by the checksum of its first header [POSIX.1-1988
// ustar].
func isTar(head []byte) bool {
	const block, from, to = 512, 148, 156 // the checksum is at byte 148 and counts as blanks itself
	if len(head) < block || head[0] == 0 {
		return false
	}
	said, err := strconv.ParseInt(strings.Trim(string(head[from:to]), " \x00"), 8, 64)
	if err != nil {
		return false
	}
	var sum int64
	for i, b := range head[:block] {
		if i >= from && i < to {
			b = ' '
		}
		sum += int64(b)
	}
	return sum == said
}

// isLZMA recognizes the predecessor of xz, which has no magic number, as xz does:
// properties below 225, a dictionary of 2ⁿ or 2ⁿ + 2ⁿ⁻¹ bytes, a length below 2³⁸ or
// none, and the initial zero of the range coder [XZ Utils, lzma-file-format.txt].
func isLZMA(head []byte) bool {
	if len(head) < 14 || head[0] >= 225 || head[13] != 0 {
		return false
	}
	dictionary, length := binary.LittleEndian.Uint32(head[1:]), binary.LittleEndian.Uint64(head[5:])
	rest := dictionary >> bits.TrailingZeros32(dictionary)
	return dictionary >= 4096 && (rest == 1 || rest == 3) && (length < 1<<38 || length == 1<<64-1)
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
	start := bytes.TrimLeft(head, " \t\r\n")
	found := Text
	switch {
	case len(start) == 0:
		return verdict{format: Text}
	case bytes.HasPrefix(start, []byte("<mediawiki")) || bytes.HasPrefix(start, []byte("<?xml")) && bytes.Contains(start[:min(len(start), 4096)], []byte("<mediawiki")):
		return verdict{format: MediaWiki}
	case bytes.Contains(start, []byte("\nLOCUS       ")) && bytes.Contains(start, []byte("\nORIGIN")):
		return refuse("a GenBank file, whose numbered lines are not read", groupGenBank, fastaCure)
	case isPIR(start):
		return refuse("a PIR file, which has a line of words in every sequence", groupGenBank, fastaCure)
	case bytes.HasPrefix(start, []byte("ID   ")) && bytes.Contains(start, []byte("\nSQ   ")):
		return refuse("an EMBL file, whose numbered lines are not read", groupGenBank, fastaCure)
	case isJSON(start, all):
		found = JSONL
	case isFASTA(start, all):
		found = FASTA
	case isFASTQ(start, all):
		found = FASTQ
	case says == CSV || says == Auto && isTable(head, field):
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
	line, whole := firstLine(head, false)
	if !whole || !utf8.Valid(line) {
		return false
	}
	comma := delimiter(string(line))
	names := strings.Split(string(line), string(rune(comma)))
	found := false
	for _, n := range names {
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
	t := rows{in: bufio.NewReader(bytes.NewReader(head)), comma: comma, literal: comma == '\t', max: headSize, line: 1}
	for range 2 {
		if t.next() != nil {
			return false
		}
	}
	return t.fields() >= len(names)
}
