package source

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// warc yields the pages of a web archive [ISO 28500]: the text of WET files; in WARC
// files what servers sent as text, including HTML markup.
func (r *reader) warc(in Input, br *bufio.Reader) error {
	for n := int64(1); ; n++ {
		head, err := warcHeader(br)
		if err == io.EOF {
			return nil
		}
		var length int64
		if err == nil {
			length, err = strconv.ParseInt(head.Get("Content-Length"), 10, 64)
		}
		if err != nil || length < 0 {
			if read, ok := errors.AsType[*ReadError](err); ok {
				return read
			}
			return &ReadError{in.Name, fmt.Sprintf("record %d: not a record of a web archive: %v (copy or download it again)", n, err), err}
		}
		body := &io.LimitedReader{R: br, N: length}
		text, ok, err := r.page(head, body)
		switch {
		case err == errLong:
			r.report.Pass(passLong, in.Name, 1)
		case errors.Is(err, errForeign):
			r.report.Pass(passForeign, in.Name, 1)
		case err != nil:
			return err
		case !ok:
			r.report.Pass(passOtherPage, in.Name, 1)
		default:
			if err := r.yield(n, bytes.NewReader(text)); err != nil {
				return err
			}
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return err
		}
		if body.N > 0 {
			return &ReadError{in.Name, fmt.Sprintf("record %d: the file ends in the middle of it (copy or download it again)", n), io.ErrUnexpectedEOF}
		}
	}
}

// warcHeader reads the lines before the content of a record.
func warcHeader(br *bufio.Reader) (textproto.MIMEHeader, error) {
	for {
		b, err := br.ReadByte()
		if err != nil {
			return nil, err
		}
		if b != '\r' && b != '\n' {
			if err := br.UnreadByte(); err != nil {
				return nil, err
			}
			break
		}
	}
	// A header is short; nothing longer is kept.
	t := textproto.NewReader(bufio.NewReader(&headerReader{in: br, left: 1 << 20}))
	version, err := t.ReadLine()
	if err == nil && !strings.HasPrefix(version, "WARC/") {
		err = fmt.Errorf("%.20q instead of WARC/1.0", version)
	}
	if err != nil {
		return nil, notEnd(err)
	}
	h, err := t.ReadMIMEHeader()
	return h, notEnd(err)
}

func notEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// headerReader reads lines up to the first empty one.
type headerReader struct {
	in   *bufio.Reader
	left int
	rest []byte
	done bool
}

func (h *headerReader) Read(p []byte) (int, error) {
	if len(h.rest) == 0 {
		if h.done {
			return 0, io.EOF
		}
		line, err := h.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if h.left -= len(line); h.left < 0 {
			return 0, errors.New("its header is longer than 1 MB")
		}
		h.done = len(bytes.TrimRight(line, "\r\n")) == 0
		h.rest = bytes.Clone(line)
	}
	n := copy(p, h.rest)
	h.rest = h.rest[n:]
	return n, nil
}

// page returns the text of a record; ok is false if there is none.
func (r *reader) page(head textproto.MIMEHeader, body io.Reader) (text []byte, ok bool, err error) {
	kind := head.Get("Content-Type")
	switch head.Get("Warc-Type") {
	case "conversion", "resource":
		ok = strings.HasPrefix(kind, "text/")
	case "response":
		response, err := http.ReadResponse(bufio.NewReader(&bounded{r: body, left: r.o.MaxRecord + 1}), nil)
		if errors.Is(err, errLong) {
			return nil, false, errLong
		}
		if err != nil {
			return nil, false, nil // other protocol, or cut by the crawler
		}
		defer response.Body.Close()
		kind, body = response.Header.Get("Content-Type"), response.Body
		packed := response.Header.Get("Content-Encoding")
		ok = response.StatusCode == http.StatusOK && strings.HasPrefix(kind, "text/")
		switch packed {
		case "", "identity":
		case "gzip", "x-gzip":
			z, err := gzip.NewReader(body)
			if err != nil {
				return nil, false, nil
			}
			body = z
		default:
			ok = false
		}
	}
	if !ok {
		return nil, false, nil
	}
	raw, err := io.ReadAll(io.LimitReader(body, r.o.MaxRecord+1))
	switch {
	case int64(len(raw)) > r.o.MaxRecord || errors.Is(err, errLong):
		return nil, false, errLong
	case err == nil || errors.Is(err, io.ErrUnexpectedEOF): // keep pages that the crawler cut
	case explained(err) || r.ctx.Err() != nil:
		return nil, false, err
	default: // the page is damaged, not the file
		return nil, false, nil
	}
	text, err = pageText(raw, kind)
	return text, err == nil && bytes.IndexByte(text, 0) < 0, err
}

// metaCharset matches the declaration of an encoding in HTML.
var metaCharset = regexp.MustCompile(`(?i)<meta[^>]{1,200}charset\s*=\s*["']?([-\w]+)`)

// pageText converts a page to UTF-8 from the encoding that the server or the page
// declares, or else like the text of a file.
func pageText(raw []byte, kind string) ([]byte, error) {
	if utf8.Valid(raw) {
		return bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), nil
	}
	label := ""
	if _, params, err := mime.ParseMediaType(kind); err == nil {
		label = params["charset"]
	}
	if m := metaCharset.FindSubmatch(raw[:min(len(raw), 4096)]); label == "" && m != nil {
		label = string(m[1])
	}
	if e, err := htmlindex.Get(label); err == nil && e != unicode.UTF8 && wideOf(raw) == nil {
		return e.NewDecoder().Bytes(raw)
	}
	text, _ := decoded(bufio.NewReader(bytes.NewReader(raw)), raw)
	return io.ReadAll(text)
}

// bounded fails after left bytes.
type bounded struct {
	r         io.Reader
	max, left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a page: %w", errLong)
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

// wiki yields the last revision of every article of a MediaWiki dump, in wiki markup:
// pages in the main namespace that are not redirects.
func (r *reader) wiki(in Input, br *bufio.Reader) error {
	bound := &bounded{r: br, max: r.o.MaxRecord, left: r.o.MaxRecord}
	d := xml.NewDecoder(bound)
	for n := int64(0); ; {
		t, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return r.wikiError(in, d, err)
		}
		start, ok := t.(xml.StartElement)
		if !ok || start.Name.Local != "page" {
			continue
		}
		n++
		page := wikiPage{bound: bound}
		if err := page.read(d); err != nil {
			return r.wikiError(in, d, err)
		}
		switch {
		case page.redirect || page.namespace != "" && page.namespace != "0":
			r.report.Pass(passRedirect, in.Name, 1)
		case page.text == "":
			r.report.Pass(passNull, in.Name, 1)
		default:
			if err := r.yieldText(n, []byte(page.text)); err != nil {
				return err
			}
		}
	}
}

func (r *reader) wikiError(in Input, d *xml.Decoder, err error) error {
	line, _ := d.InputPos()
	var syntax *xml.SyntaxError
	switch {
	case errors.Is(err, errLong):
		return r.limited(in, int64(line))
	case errors.As(err, &syntax):
		return atLine(in.Name, int64(syntax.Line), "damaged XML: %s (copy or download it again)", syntax.Msg)
	}
	return err
}

// wikiPage is what is kept of a page.
type wikiPage struct {
	bound     *bounded
	namespace string
	redirect  bool
	text      string // of the last revision
}

func (p *wikiPage) read(d *xml.Decoder) error {
	for {
		p.bound.left = p.bound.max // for every element
		t, err := d.Token()
		if err != nil {
			return notEnd(err)
		}
		switch e := t.(type) {
		case xml.EndElement:
			if e.Name.Local == "page" {
				return nil
			}
		case xml.StartElement:
			switch e.Name.Local {
			case "redirect":
				p.redirect = true
			case "ns":
				err = d.DecodeElement(&p.namespace, &e)
			case "text":
				p.text = ""
				err = d.DecodeElement(&p.text, &e)
			}
			if err != nil {
				return err
			}
		}
	}
}
