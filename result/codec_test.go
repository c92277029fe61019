package result_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/sample"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
)

func document(t testing.TB, r *result.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := result.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestResultRoundTrip(t *testing.T) {
	want := sample.Result()
	doc := document(t, want)
	got, err := result.Read[result.Result](bytes.NewReader(doc), "results.json")
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
		spoil func(*result.Result)
	}{
		{".series[1].points[2].nats is NaN", func(r *result.Result) { r.Series[1].Points[2].Value = nan }},
		{".series[0].law.power.params[1].interval.lo is -Inf", func(r *result.Result) { r.Series[0].Law.Power.Params[1].Interval.Lo = math.Inf(-1) }},
		{".series[0].cov[0][0] is +Inf", func(r *result.Result) { r.Series[0].Cov[0][0] = math.Inf(1) }},
		{".loss.bits_per_byte is NaN", func(r *result.Result) { r.Loss.BitsPerByte = math.NaN() }},
		{".series[2].cov has 1 rows", func(r *result.Result) { r.Series[2].Cov = r.Series[2].Cov[:1] }},
		{".series[0].law.used has 1 entries", func(r *result.Result) { r.Series[0].Law.Used = []bool{true} }},
		{".series[0].ratio is 1", func(r *result.Result) { r.Series[0].Ratio = 1 }},
		{".schema is", func(r *result.Result) { r.Schema = "other/9" }},
	} {
		r := sample.Result()
		c.spoil(r)
		if err := result.Write(new(bytes.Buffer), r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

var nan = info.Nats(math.NaN())

func TestReadResultExplains(t *testing.T) {
	doc := string(document(t, sample.Result()))
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
		_, err := result.Read[result.Result](strings.NewReader(c.doc), "results.json")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	if _, err := result.Read[result.Result](strings.NewReader(strings.Replace(doc, `"verb"`, `"unknown_field": 1, "verb"`, 1)), "results.json"); err != nil {
		t.Errorf("a field of a newer version: %v", err)
	}
}

// A truncated document is an error wherever it is cut, never a result.
func TestReadResultTruncated(t *testing.T) {
	r := sample.Result()
	r.Series = r.Series[:1]
	doc := bytes.TrimRight(document(t, r), "\n")
	for n := 0; n < len(doc); n += 1 + n/97 {
		if _, err := result.Read[result.Result](bytes.NewReader(doc[:n]), "results.json"); err == nil {
			t.Fatalf("cut after %d of %d bytes: no error", n, len(doc))
		}
	}
}
