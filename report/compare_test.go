package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/compare"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/pagetest"
)

// sampleComparison has a model that gains throughout and one that stops at 200,
// whose name is hostile.
func sampleComparison() *Comparison {
	e := func(v float64) info.Estimate {
		return info.Estimate{Value: v, SE: v / 20, Interval: &info.Interval{Lo: v * 0.9, Hi: v * 1.1, Level: 0.95, Method: "test"}}
	}
	p := func(v float64) *info.Estimate { x := e(v); return &x }
	c := &Comparison{Schema: CompareSchema, Command: "l2m compare full cut", Version: "v1", Unit: "byte", Paired: true, Length: 4096, Documents: 40, Level: 0.95}
	full := ComparedRun{Run: "full", Model: "bytemix", Loss: e(1.2), Estimator: "paired", Stop: compare.Stop{Longest: 2048, Level: 0.95}}
	cut := ComparedRun{Run: "cut", Model: "within <script>alert(1)</script>", Loss: e(1.3), Difference: p(0.1), Estimator: "paired",
		Stop:     compare.Stop{Found: true, At: 203.4, Lo: 150, Hi: 290, Longest: 2048, Share: 1, Level: 0.95},
		Capacity: &ComparedCapacity{Config: "config.json", Ell: 256, Elements: 1024, NatsPerElement: e(0.0123)}}
	for ell := 2.0; ell <= 2048; ell *= 2 {
		a, b := 1.5*math.Pow(ell, 0.7), 1.5*math.Pow(min(ell, 203), 0.7)
		full.Information = append(full.Information, ComparedPoint{Ell: ell, Nats: e(a)})
		x := ComparedPoint{Ell: ell, Nats: e(b)}
		if a > b {
			x.Lost, x.Difference = p(100*(a-b)/a), p(b-a)
		}
		cut.Information = append(cut.Information, x)
		full.Positions = append(full.Positions, ComparedBin{From: ell, To: 2*ell - 1, Loss: e(1 + 2/ell)})
		cut.Positions = append(cut.Positions, ComparedBin{From: ell, To: 2*ell - 1, Loss: e(1 + 2/min(ell, 200)), Difference: p(0.01 + 2/min(ell, 200) - 2/ell)})
	}
	c.Runs = []ComparedRun{full, cut}
	return c
}

func TestComparisonFaces(t *testing.T) {
	c := sampleComparison()
	var text, page, doc, table bytes.Buffer
	if err := ComparisonText(&text, c, TextOptions{Width: 90}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"takes 80 % less than bytemix from 2048 bytes of past", "gains up to 2048 bytes", "stops gaining at 203 bytes (150 … 290)", "--capacity 0.0123"} {
		if !strings.Contains(strings.Join(strings.Fields(text.String()), " "), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if err := ComparisonHTML(&page, c); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<script>alert") {
		t.Error("a hostile name is markup")
	}
	if err := WriteComparison(&doc, c); err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(doc.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if n := pagetest.Numbers(t, page.String(), v); n < 100 {
		t.Errorf("only %d numbers have a place in compare.json", n)
	}
	if err := ComparisonCSV(&table, c); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(rows) != 1+4*11 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	c.Runs[1].Loss.Value = math.NaN()
	if err := WriteComparison(&doc, c); err == nil || !strings.Contains(err.Error(), "loss") {
		t.Errorf("a number that is none: %v", err)
	}
}

// Damaged documents are refused or shown, never a panic.
func FuzzReadComparison(f *testing.F) {
	var doc bytes.Buffer
	if err := WriteComparison(&doc, sampleComparison()); err != nil {
		f.Fatal(err)
	}
	f.Add(doc.Bytes())
	f.Add([]byte(`{"schema":"l2m.compare/2","runs":[{},{}]}`))
	f.Add([]byte(`{"schema":"l2m.compare/2","runs":[{"information":[{"ell":2}]},{"information":[{"ell":2,"lost":{"value":1}},{"ell":4}]}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, err := ReadComparison(bytes.NewReader(doc))
		if err != nil {
			return
		}
		_ = ComparisonHTML(io.Discard, c)
		_ = ComparisonText(io.Discard, c, TextOptions{Width: 80})
		_ = ComparisonCSV(io.Discard, c)
	})
}

func TestOverlay(t *testing.T) {
	r := []*Result{sample(), sample()}
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
