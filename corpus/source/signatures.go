package source

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"strconv"
	"strings"
)

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
	groupBiology = "alignments, variants and annotations"
)

const fastaCure = "write it as FASTA: any2fasta FILE | l2m … -"

const alignmentCure = "esl-reformat afa FILE | l2m … -"

const convertCure = "convert its text to JSON Lines"

const unpackCure = "unpack it into a folder, and name that"

// signatures are of files that are not read. sniffBinary recognizes those that are.
var signatures = []signature{
	{0, "%PDF-", "a PDF document, which holds no plain text", "PDF documents", "pdftotext FILE - | l2m … -", false},
	{0, "%!PS", "a PostScript document, which holds no plain text", "PostScript documents", "ps2ascii FILE | l2m … -", false},
	{0, "{\\rtf", "a document in Rich Text Format", groupOffice, "save it as plain text", false},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old office program", groupOffice, "save it as plain text", false},
	{60, "BOOKMOBI", "an e-book (Kindle)", groupOffice, "save it as plain text, or as HTML", true},
	{0, "AT&TFORM", "a DjVu document", groupOffice, "djvutxt FILE | l2m … -", true},
	{0, "ITSF\x03", "a compiled help file", groupOffice, "save it as plain text, or as HTML", false},
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
	{0, "!<arch>\n", "an ar archive (Debian package, library), which is not read", groupArchive, unpackCure, false},
	{0, "MSCF\x00\x00\x00\x00", "a cabinet archive, which is not read", groupArchive, unpackCure, false},
	{0, "\x78\x01", "compressed with zlib, which is not read", groupArchive, "pigz -dc FILE | l2m … -", true},
	{0, "\x78\x9c", "compressed with zlib, which is not read", groupArchive, "pigz -dc FILE | l2m … -", true},
	{0, "\x78\xda", "compressed with zlib, which is not read", groupArchive, "pigz -dc FILE | l2m … -", true},
	{0, "filedesc://", "a web archive of the old ARC format, which is not read", groupArchive, "warcio recompress FILE NEW.warc.gz", false},
	{0, "\x1f\x9d", "compressed with compress, which is not read", groupArchive, "zcat FILE | l2m … -", false},
	{0, "LZIP", "compressed with lzip, which is not read", groupArchive, "lzip -dc FILE | l2m … -", true},
	{0, "\x02\x21\x4c\x18", "compressed with an old form of LZ4, which is not read", groupArchive, "lz4 -dc FILE | l2m … -", false},
	{0, "\xff\x06\x00\x00sNaPpY", "compressed with Snappy, which is not read", groupArchive, unpackCure, false},
	{0, "\x7fELF", "a program", groupBinary, "", false},
	{0, "\xca\xfe\xba\xbe", "a program", groupBinary, "", false},
	{0, "\xcf\xfa\xed\xfe", "a program", groupBinary, "", false},
	{0, "\x00asm", "a program (WebAssembly)", groupBinary, "", false},
	{0, "SQLite format 3\x00", "an SQLite database", groupData, `sqlite3 -json FILE "SELECT text FROM …" | l2m … -`, false},
	{0, "\x89HDF\r\n\x1a\n", "an HDF5 file", groupData, convertCure, false},
	{0, "\x93NUMPY", "a NumPy array", groupData, "", false},
	{0, "Obj\x01", "an Avro file", groupData, "convert its text to Parquet or JSON Lines", false},
	{0, "ORC", "an ORC file", groupData, "convert its text to Parquet or JSON Lines", true},
	{0, "FEA1", "a Feather file of version 1", groupData, "convert it to Parquet or to Feather version 2", true},
	{0, "PARE", "an encrypted Parquet file", groupData, "write it again without encryption", true},
	{8, "DUCK", "a DuckDB database", groupData, "convert its text to Parquet or JSON Lines", true},
	{0, "RDX2\n", "data of R", groupData, convertCure, true},
	{0, "RDX3\n", "data of R", groupData, convertCure, true},
	{0, "X\n\x00\x00\x00", "data of R", groupData, convertCure, true},
	{0, "MATLAB 5.0 MAT-file", "data of MATLAB", groupData, convertCure, true},
	{0, "<stata_dta>", "data of Stata", groupData, convertCure, true},
	{0, "GGUF", "model weights (GGUF)", groupData, "", true},
	{0, "BAM\x01", "a BAM file", groupBiology, "samtools fasta FILE | l2m … -", false},
	{0, "CRAM", "a CRAM file", groupBiology, "samtools fasta FILE | l2m … -", true},
	{0, "version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the file itself", "Git LFS pointers", "git lfs pull", false},
	{0, "LOCUS       ", "a GenBank file, whose numbered lines are not read", groupGenBank, fastaCure, false},
	{0, "@HD\tVN:", "a SAM file", groupBiology, "samtools fasta FILE | l2m … -", false},
	{0, "@SQ\tSN:", "a SAM file", groupBiology, "samtools fasta FILE | l2m … -", false},
	{0, "##fileformat=VCF", "a table of variants (VCF), not sequences", groupBiology, "", false},
	{0, "BCF\x02", "a table of variants (BCF), not sequences", groupBiology, "", false},
	{0, "##gff-version", "annotations of sequences (GFF)", groupBiology, "", false},
	{0, "# STOCKHOLM 1.", "an alignment in Stockholm format, which is not read", groupBiology, alignmentCure, false},
	{0, "#NEXUS", "a NEXUS file, which is not read", groupBiology, "", false},
	{0, "\x43\x27\x41\x1a", "a 2bit file", groupBiology, "twoBitToFa FILE stdout | l2m … -", false},
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

// isPickle recognizes a Python pickle of protocol 2 to 5 by its first two operations.
func isPickle(head []byte) bool {
	return len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5 && bytes.IndexByte([]byte("}](cX\x95"), head[2]) >= 0
}

// isSafetensors recognizes weights by the length of the JSON at their beginning.
func isSafetensors(head []byte) bool {
	return len(head) > 10 && binary.LittleEndian.Uint64(head) < 1<<28 && (string(head[8:10]) == `{"` || string(head[8:10]) == "{}")
}

// isTFRecord recognizes TensorFlow's records by the checksum of the first length
// [TensorFlow, TFRecord format: a rotated CRC-32C plus a constant].
func isTFRecord(head []byte) bool {
	if len(head) < 12 {
		return false
	}
	sum := crc32.Checksum(head[:8], crc32.MakeTable(crc32.Castagnoli))
	return binary.LittleEndian.Uint32(head[8:]) == bits.RotateLeft32(sum, 17)+0xa282ead8
}
