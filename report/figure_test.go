package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/internal/sample"
	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/rundir"
)

func TestFiguresAreDeterministic(t *testing.T) {
	formats := rundir.Formats()
	if testing.Short() {
		formats = []string{"svg", "pdf"} // drawing pixels is slow under the race detector
	}
	figures := func() []*figure.Figure {
		r := sample.Result()
		r.Series = r.Series[:2] // enough figures, fewer seconds
		return ResultFigures(r)
	}
	first, second := figures(), figures()
	if len(first) < 7 {
		t.Fatalf("%d figures", len(first))
	}
	for i, fig := range first {
		for _, format := range formats {
			a, b := encode(t, fig, format), encode(t, second[i], format)
			if !bytes.Equal(a, b) {
				t.Errorf("%s.%s differs between two runs", fig.ID, format)
			}
			if err := wellFormed(a, format); err != nil {
				t.Errorf("%s.%s: %v", fig.ID, format, err)
			}
		}
	}
}

func encode(t *testing.T, fig *figure.Figure, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := fig.Encode(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wellFormed says what keeps a file from being of its format.
func wellFormed(file []byte, format string) error {
	switch format {
	case "png":
		_, err := png.Decode(bytes.NewReader(file))
		return err
	case "pdf":
		if !bytes.HasPrefix(file, []byte("%PDF-")) || !bytes.Contains(file[len(file)-16:], []byte("%%EOF")) {
			return errors.New("not a PDF")
		}
		return nil
	}
	for d := xml.NewDecoder(bytes.NewReader(file)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestFiguresRefuseUnknownFormats(t *testing.T) {
	if err := ResultFigures(sample.Result())[0].Encode(io.Discard, "jpeg"); err == nil || !strings.Contains(err.Error(), `unknown format "jpeg"`) {
		t.Errorf("error %v", err)
	}
}
