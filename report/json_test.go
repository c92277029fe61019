package report

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
)

func document(t testing.TB, r *Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteResult(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestResultRoundTrip(t *testing.T) {
	want := sample()
	doc := document(t, want)
	got, err := ReadResult(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(mi.Series{}, "Sums", "Counts"), cmpopts.IgnoreFields(law.Analysis{}, "Draws")); diff != "" {
		t.Error(diff)
	}
	if again := document(t, got); !bytes.Equal(doc, again) {
		t.Error("what was read is not written as it was")
	}
}

func TestWriteResultNamesBadNumbers(t *testing.T) {
	for _, c := range []struct {
		want  string
		spoil func(*Result)
	}{
		{".series[1].points[2].nats is NaN", func(r *Result) { r.Series[1].Points[2].Value = nan }},
		{".series[0].law.power.params[1].interval.lo is -Inf", func(r *Result) { r.Series[0].Law.Power.Params[1].Interval.Lo = math.Inf(-1) }},
		{".series[0].cov[0][0] is +Inf", func(r *Result) { r.Series[0].Cov[0][0] = math.Inf(1) }},
		{".loss.bits_per_byte is NaN", func(r *Result) { r.Loss.BitsPerByte = math.NaN() }},
		{".series[2].cov has 1 rows", func(r *Result) { r.Series[2].Cov = r.Series[2].Cov[:1] }},
		{".series[0].law.used has 1 entries", func(r *Result) { r.Series[0].Law.Used = []bool{true} }},
		{".series[0].ratio is 1", func(r *Result) { r.Series[0].Ratio = 1 }},
		{".schema is", func(r *Result) { r.Schema = "other/9" }},
	} {
		r := sample()
		c.spoil(r)
		if err := WriteResult(new(bytes.Buffer), r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
		if err := HTML(new(bytes.Buffer), r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("page: error %v, want %q", err, c.want)
		}
	}
}

var nan = info.Nats(math.NaN())

func TestReadResultExplains(t *testing.T) {
	doc := string(document(t, sample()))
	for _, c := range []struct{ doc, want string }{
		{"", "empty"},
		{" \n", "empty"},
		{"hello", "line 1"},
		{"{}", `no field "schema"`},
		{`{"schema":"l2m.results/2"}`, `schema "l2m.results/2"`},
		{doc[:len(doc)/2], "truncated"},
		{strings.Replace(doc, `"nats_per_token": 1.339`, `"nats_per_token": NaN`, 1), "NaN is not a number"},
		{strings.Replace(doc, `"nats_per_token": 1.339`, `"nats_per_token": -Infinity`, 1), "not a number"},
		{strings.Replace(doc, `"nats_per_token": 1.339`, `"nats_per_token": "x"`, 1), "nats_per_token"},
		{strings.Replace(doc, `"ratio": 2`, `"ratio": -2`, 1), ".series[0].ratio is -2"},
	} {
		_, err := ReadResult(strings.NewReader(c.doc))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	if _, err := ReadResult(strings.NewReader(strings.Replace(doc, `"verb"`, `"unknown_field": 1, "verb"`, 1))); err != nil {
		t.Errorf("a field of a newer version: %v", err)
	}
}

// A truncated document is an error wherever it is cut, never a result.
func TestReadResultTruncated(t *testing.T) {
	r := sample()
	r.Series = r.Series[:1]
	doc := bytes.TrimRight(document(t, r), "\n")
	for n := 0; n < len(doc); n += 1 + n/97 {
		if _, err := ReadResult(bytes.NewReader(doc[:n])); err == nil {
			t.Fatalf("cut after %d of %d bytes: no error", n, len(doc))
		}
	}
}

// What ReadResult accepts, every face can show.
func FuzzReadResult(f *testing.F) {
	r := sample()
	r.Series, r.Loss.Positions, r.TwoPoint.Points, r.TwoPoint.Law.Used = r.Series[:2], r.Loss.Positions[:3], r.TwoPoint.Points[:3], r.TwoPoint.Law.Used[:3]
	for i := range r.Series {
		s := &r.Series[i]
		s.Points, s.Cov, s.Law.Used, s.Law.Local = s.Points[:2], nil, s.Law.Used[:2], s.Law.Local[:1]
	}
	f.Add(document(f, r))
	f.Add([]byte(`{"schema":"l2m.results/1"}`))
	f.Add([]byte(`{"schema":"l2m.results/1","series":[{"ratio":2,"points":[{"ell":1,"length":2,"nats":-1}],"law":{"verdict":"none"}}]}`))
	f.Add([]byte(`{"schema":"l2m.results/1","series":[{"ratio":2,"points":[{"ell":1,"length":2,"nats":1e300,"se":1e-300}],"law":{"power":{"params":[{"name":"A","value":1e308},{"name":"beta","value":900}]}}}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		r, err := ReadResult(bytes.NewReader(doc))
		if err != nil {
			return
		}
		again := document(t, r)
		if _, err := ReadResult(bytes.NewReader(again)); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if err := Text(new(bytes.Buffer), r, TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := CSV(new(bytes.Buffer), r); err != nil {
			t.Fatal(err)
		}
		for _, fig := range ResultFigures(r) {
			for _, it := range fig.layout(fileFrame).items {
				for _, p := range it.points {
					if !p.finite() {
						t.Fatalf("%s: an item of kind %d at %v", fig.ID, it.kind, p)
					}
				}
			}
		}
		if err := HTML(new(bytes.Buffer), r); err != nil {
			t.Fatal(err)
		}
	})
}
