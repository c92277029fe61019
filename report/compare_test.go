package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/internal/pagetest"
	"github.com/l2m-lab/l2m/internal/sample"
	"github.com/l2m-lab/l2m/result"
)

func TestComparisonFaces(t *testing.T) {
	c := sample.Comparison()
	var text, page, doc, table bytes.Buffer
	if err := ComparisonText(&text, c, TextOptions{Width: 90}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"takes 80 % less than bytemix from 2048 bytes of past", "gains up to 2048 bytes", "stops gaining at 203 bytes (150 … 290)", "--capacity 0.0123",
		"line, at --ideal-loss", "the exponent is 0.700 (0.630 … 0.770)", "2.0 times as far below the best model", "do not lie on a line: within"} {
		if !strings.Contains(strings.Join(strings.Fields(text.String()), " "), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if err := comparisonHTML(&page, c); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<script>alert") {
		t.Error("a hostile name is markup")
	}
	if err := result.Write(&doc, c); err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(doc.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if n := pagetest.Numbers(t, page.String(), v); n < 100 {
		t.Errorf("only %d numbers have a place in compare.json", n)
	}
	if err := result.ComparisonCSV(&table, c); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(rows) != 1+4*11 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	c.Runs[1].Loss.Value = math.NaN()
	if err := result.Write(&doc, c); err == nil || !strings.Contains(err.Error(), "loss") {
		t.Errorf("a number that is none: %v", err)
	}
}

func TestOverlay(t *testing.T) {
	r := []*result.Result{sample.Result(), sample.Result()}
	page, err := Overlay([]string{"one", "two"}, r)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := page.HTML(&out); err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(page.Data, &v); err != nil {
		t.Fatal(err)
	}
	if n := pagetest.Numbers(t, out.String(), v); n < 2*len(r[0].Series[0].Points) {
		t.Errorf("only %d numbers have a place in the data", n)
	}
	if _, err := Overlay(nil, nil); err == nil {
		t.Error("nothing was laid over nothing")
	}
}
