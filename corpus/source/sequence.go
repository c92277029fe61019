package source

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// residue maps a byte to the letter of a sequence, 0 if it is none: letters in upper
// case (lower case is soft masking), * for a stop, - or a dot for a gap.
var residue = func() (t [256]byte) {
	for b := 'A'; b <= 'Z'; b++ {
		t[b], t[b|0x20] = byte(b), byte(b)
	}
	t['*'], t['-'], t['.'] = '*', '-', '-'
	return t
}()

// fasta yields the letters of every record, without line ends (LF, CRLF or CR). Lines
// that begin with ; or # are comments; if no header begins with >, the first comment is
// the header of a single record [Pearson and Lipman 1988].
func (r *reader) fasta(in Input, br *bufio.Reader) error {
	s := &sequence{in: br, name: in.Name, line: 1, start: true}
	if err := s.toHeader(); err == io.EOF {
		return nil
	} else if err != nil {
		return err
	}
	for n := int64(1); ; n++ {
		if err := r.yield(n, s); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, s); err != nil {
			return err
		}
		if !s.another {
			return nil
		}
		s.done, s.another, s.header = false, false, true
	}
}

// sequence reads the letters of one FASTA record, up to the > of the next.
type sequence struct {
	in      *bufio.Reader
	name    string
	line    int64
	header  bool // inside a header or a comment
	start   bool // at the beginning of a line
	cr      bool // after a CR, which LF may follow
	done    bool
	another bool // another record follows
}

// toHeader skips what precedes the first record, and its >.
func (s *sequence) toHeader() error {
	comment := false
	for {
		b, err := s.in.ReadByte()
		if err != nil {
			return err
		}
		switch {
		case s.ended(b):
			s.header = false
		case s.header || b == ' ' || b == '\t':
		case b == '>':
			s.header, s.start = true, false
			return nil
		case b == ';' || b == '#':
			comment = comment || b == ';'
			s.header = true
		case comment && residue[b] != 0:
			s.start = false
			return s.in.UnreadByte()
		default:
			return atLine(s.name, s.line, "a FASTA record starts with '>', not %q (choose another --format)", b)
		}
	}
}

// ended handles line ends: CRLF, LF and CR.
func (s *sequence) ended(b byte) bool {
	switch {
	case b == '\n' && s.cr:
		s.cr = false
	case b == '\n' || b == '\r':
		s.line++
		s.cr = b == '\r'
	default:
		s.cr = false
		return false
	}
	s.start = true
	return true
}

func (s *sequence) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && !s.done {
		if _, err := s.in.Peek(1); err == io.EOF {
			s.done = true
			break
		} else if err != nil {
			return n, err
		}
		chunk, _ := s.in.Peek(min(s.in.Buffered(), len(p)-n))
		used, err := 0, error(nil)
		for used < len(chunk) && !s.done && err == nil {
			b := chunk[used]
			used++
			switch {
			case s.ended(b):
				s.header = false
			case s.header:
			case b == '>' && s.start:
				s.done, s.another = true, true
			case (b == ';' || b == '#') && s.start:
				s.header = true
			case residue[b] != 0:
				p[n], s.start = residue[b], false
				n++
			case b == ' ' || b == '\t':
			case b >= '0' && b <= '9' && s.start:
				err = atLine(s.name, s.line, "a numbered line, as in GenBank and EMBL files, which are not supported (convert it to FASTA: any2fasta)")
			default:
				err = atLine(s.name, s.line, "%q is not a letter of a sequence (is this FASTA? choose another --format)", b)
			}
		}
		if _, derr := s.in.Discard(used); derr != nil {
			return n, derr
		}
		if err != nil {
			return n, err
		}
	}
	if n == 0 && s.done {
		return 0, io.EOF
	}
	return n, nil
}

// fastq yields the bases of every read in upper case, without the quality values.
// Either may be on several lines [Cock et al. 2010].
func (r *reader) fastq(in Input, br *bufio.Reader) error {
	head, err := peek(br)
	if err != nil {
		return err
	}
	if bytes.IndexByte(head, '\r') >= 0 && bytes.IndexByte(head, '\n') < 0 {
		br = bufio.NewReaderSize(carriageReturns{br}, headSize)
	}
	q := &lines{in: br, max: r.o.MaxRecord}
	var bases, line []byte
	for n := int64(1); ; n++ {
		for line, err = q.next(); err == nil && len(line) == 0; line, err = q.next() {
		}
		if err == io.EOF {
			return nil
		}
		if err == nil && line[0] != '@' {
			return atLine(in.Name, q.number, "a FASTQ read starts with '@', not %q (choose another --format)", line[0])
		}
		bases = bases[:0]
		for line, err = q.next(); err == nil && !bytes.HasPrefix(line, []byte("+")); line, err = q.next() {
			for _, b := range line {
				if residue[b] == 0 {
					return atLine(in.Name, q.number, "%q is not a base (is this FASTQ? choose another --format)", b)
				}
				bases = append(bases, residue[b])
			}
			if int64(len(bases)) > r.o.MaxRecord {
				err = errLong
				break
			}
		}
		quality := 0
		for err == nil && (quality < len(bases) || quality == 0 && len(bases) > 0) {
			if line, err = q.next(); err == nil {
				quality += len(line)
			}
		}
		switch {
		case err == errLong:
			return r.limited(in, q.number)
		case err == io.EOF:
			return atLine(in.Name, q.number, "the file ends in the middle of a read (copy or download it again)")
		case err != nil:
			return err
		case quality > len(bases):
			return atLine(in.Name, q.number, "a read of %d bases has quality for %d", len(bases), quality)
		}
		if err := r.yield(n, bytes.NewReader(bases)); err != nil {
			return err
		}
	}
}

// carriageReturns converts CR, which old programs wrote as line end, to LF.
type carriageReturns struct{ r io.Reader }

func (c carriageReturns) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// lines reads lines, without line ends.
type lines struct {
	in     *bufio.Reader
	max    int64
	number int64 // of the last line
	long   []byte
}

// next returns the next line, valid until the next call, or errLong if it exceeds the
// limit.
func (l *lines) next() ([]byte, error) {
	l.number++
	part, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = append(l.long[:0], part...)
		for errors.Is(err, bufio.ErrBufferFull) {
			if int64(len(l.long)) > l.max {
				return nil, errLong
			}
			part, err = l.in.ReadSlice('\n')
			l.long = append(l.long, part...)
		}
		part = l.long
	}
	if err == io.EOF && len(part) > 0 {
		err = nil
	}
	return bytes.TrimRight(part, "\r\n"), err
}
