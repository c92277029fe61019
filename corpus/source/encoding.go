package source

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	wide "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// Notes on how text was read.
const (
	noteWide     = "read as UTF-16 or UTF-32"
	noteWestern  = "not UTF-8, read as Windows-1252 (Latin-1)"
	noteZeros    = "with zero bytes in the text"
	noteReplaced = "with invalid Unicode, replaced by U+FFFD"
)

// wideOf recognizes UTF-16 and UTF-32 by their byte order mark, or by the zero bytes
// that ASCII characters have in them; nil for other text.
func wideOf(head []byte) encoding.Encoding {
	for _, m := range []struct {
		mark string
		e    encoding.Encoding
	}{
		{"\xff\xfe\x00\x00", utf32.UTF32(utf32.LittleEndian, utf32.ExpectBOM)},
		{"\x00\x00\xfe\xff", utf32.UTF32(utf32.BigEndian, utf32.ExpectBOM)},
		{"\xff\xfe", wide.UTF16(wide.LittleEndian, wide.ExpectBOM)},
		{"\xfe\xff", wide.UTF16(wide.BigEndian, wide.ExpectBOM)},
	} {
		if bytes.HasPrefix(head, []byte(m.mark)) {
			return m.e
		}
	}
	// Zero bytes are at the same position in most units, and rare at the others.
	var zeros [4]int
	n := len(head) &^ 3
	for i, b := range head[:n] {
		if b == 0 {
			zeros[i&3]++
		}
	}
	units := n / 4
	if units < 4 {
		return nil
	}
	most := func(i int) bool { return zeros[i]*10 >= units*7 }
	none := func(i int) bool { return zeros[i]*50 <= units }
	var e encoding.Encoding
	switch {
	case none(0) && most(1) && most(2) && most(3):
		e = utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	case most(0) && most(1) && most(2) && none(3):
		e = utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
	case none(0) && most(1) && none(2) && most(3):
		e = wide.UTF16(wide.LittleEndian, wide.IgnoreBOM)
	case most(0) && none(1) && most(2) && none(3):
		e = wide.UTF16(wide.BigEndian, wide.IgnoreBOM)
	default:
		return nil
	}
	// Real text has few control characters and little invalid Unicode.
	text, err := e.NewDecoder().Bytes(head[:n])
	if err != nil || !isText(text) || bytes.Count(text, []byte("\ufffd"))*50 > len(text) {
		return nil
	}
	return e
}

// decoded converts text to UTF-8. The decoder's note is valid after all text was read.
func decoded(in *bufio.Reader, head []byte) (*bufio.Reader, *decoder) {
	d := &decoder{}
	switch e := wideOf(head); {
	case e != nil:
		d.in, d.wide = transform.NewReader(in, e.NewDecoder()), true
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		in.Discard(3)
		fallthrough
	default:
		d.in = in
	}
	return bufio.NewReaderSize(d, headSize), d
}

// errForeign is returned for text that is neither UTF-8 nor Western European.
var errForeign = errors.New("its letters are neither UTF-8 nor those of a Western European encoding")

// decoder converts text to UTF-8. Bytes that are not valid UTF-8 are read as
// Windows-1252, as web browsers do. Every byte is decoded on its own, so that the
// result does not depend on where reading begins. In other single-byte encodings
// (Cyrillic) and in multi-byte ones (Chinese) such bytes come in runs, which gives an
// error.
type decoder struct {
	in   io.Reader
	wide bool

	out  []byte // decoded, not yet read
	part []byte // read, not yet decoded: an incomplete character
	buf  []byte
	end  error

	valid    int64 // continuation bytes of valid UTF-8
	strays   int64 // bytes that are not UTF-8
	runs     int64 // of these: without ASCII on either side, signs inside a word, or undefined in Windows-1252
	replaced bool  // UTF-16 or UTF-32 had invalid characters
	zeros    bool
	last     byte
	spelling
}

func (d *decoder) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.end != nil {
			return 0, d.end
		}
		if d.buf == nil {
			d.buf = make([]byte, 32<<10)
		}
		n, err := d.in.Read(d.buf[copy(d.buf, d.part):])
		piece := d.buf[:len(d.part)+n]
		d.part = nil
		if err != nil {
			d.end = err
		} else {
			whole := len(piece) - cutRune(piece)
			d.part = append([]byte(nil), piece[whole:]...)
			piece = piece[:whole]
		}
		if d.out = d.decode(piece); d.foreign(d.end == io.EOF) {
			d.out, d.end = nil, errForeign
		}
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// cutRune is the number of bytes at the end of text that begin an incomplete character.
func cutRune(text []byte) int {
	for i := 1; i <= min(len(text), utf8.UTFMax); i++ {
		if b := text[len(text)-i]; utf8.RuneStart(b) {
			if !utf8.FullRune(text[len(text)-i:]) {
				return i
			}
			break
		}
	}
	return 0
}

func (d *decoder) decode(piece []byte) []byte {
	d.zeros = d.zeros || bytes.IndexByte(piece, 0) >= 0
	if d.wide {
		d.replaced = d.replaced || bytes.Contains(piece, []byte("\ufffd"))
		return piece
	}
	ascii := isASCII(piece)
	if ascii || utf8.Valid(piece) {
		d.pass(piece)
		if len(piece) > 0 {
			d.last = piece[len(piece)-1]
		}
		if !ascii {
			d.valid += int64(len(piece) - utf8.RuneCount(piece))
		}
		return piece
	}
	out := make([]byte, 0, len(piece)+len(piece)/8)
	for i := 0; i < len(piece); {
		r, n := utf8.DecodeRune(piece[i:])
		if r != utf8.RuneError || n > 1 {
			out = append(out, piece[i:i+n]...)
			d.pass(piece[i : i+n])
			d.valid += int64(n - 1)
			i += n
			continue
		}
		b := piece[i]
		d.strays++
		d.add(b)
		before, after := d.last, byte(0)
		if i > 0 {
			before = piece[i-1]
		}
		if i+1 < len(piece) {
			after = piece[i+1]
		}
		if r = western(b); r == utf8.RuneError {
			d.runs += 8 // not defined in Windows-1252
			r = rune(b)
		}
		if before >= utf8.RuneSelf && after >= utf8.RuneSelf || inWord(before) && inWord(after) && !insideWords(r) {
			d.runs++
		}
		out = utf8.AppendRune(out, r)
		i++
	}
	if len(piece) > 0 {
		d.last = piece[len(piece)-1]
	}
	return out
}

// inWord reports whether a byte may belong to a letter.
func inWord(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= utf8.RuneSelf }

// insideWords reports whether a Windows-1252 character may stand between two letters,
// unlike the signs that are letters in other encodings (¹ for ą, ³ for ł).
func insideWords(r rune) bool {
	return unicode.IsLetter(r) || strings.ContainsRune("‘’“”–—·\u00a0\u00ad", r)
}

// foreign reports whether the invalid bytes cannot be Western letters, once there are
// enough of them or the text has ended.
func (d *decoder) foreign(end bool) bool {
	if d.strays < 64 && !end || d.strays*100 < d.valid {
		return false
	}
	return d.runs*4 > d.strays || d.strange(end)
}

// note adds to a report what was special about the text.
func (d *decoder) note(r *Report, name string) {
	if d.zeros {
		r.Note(noteZeros, name)
	}
	switch {
	case d.wide:
		r.Note(noteWide, name)
		if d.replaced {
			r.Note(noteReplaced, name)
		}
	case d.strays > 0:
		r.Note(noteWestern, name)
	}
}

// western decodes a byte of Windows-1252; U+FFFD for the five that are undefined.
func western(b byte) rune {
	if b < 0x80 || b >= 0xa0 {
		return rune(b)
	}
	if r := windows1252[b-0x80]; r != 0 {
		return r
	}
	return utf8.RuneError
}

// windows1252 are the characters of the bytes from 0x80 to 0x9f [WHATWG Encoding,
// index windows-1252].
var windows1252 = [32]rune{
	'€', 0, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0, 'Ž', 0,
	0, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0, 'ž', 'Ÿ',
}

// isASCII spares text in ASCII the count of its characters, eight bytes at a time.
func isASCII(text []byte) bool {
	for ; len(text) >= 8; text = text[8:] {
		if binary.LittleEndian.Uint64(text)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, b := range text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
