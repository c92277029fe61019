package result_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/internal/sample"
	"github.com/l2m-lab/l2m/result"
)

// What Read accepts is written and read again as the same bytes.
func FuzzRead(f *testing.F) {
	for _, doc := range []func() ([]byte, error){
		func() ([]byte, error) { return result.Marshal(sample.Result()) },
		func() ([]byte, error) { return result.Marshal(sample.Comparison()) },
	} {
		b, err := doc()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, doc := range []string{
		`{"schema":"l2m.audit/1","lengths":[1],"capacities":[1],"models":[]}`,
		`{"schema":"l2m.calibration/1","cells":[]}`,
		`{"schema":"l2m.lab/1","recipe":{"name":"a"},"steps":1,"evaluations":[{"step":1,"length":1,"by_position":[1]}]}`,
		`{"schema":"l2m.results/1","series":[{"estimator":"x/../../../../trav/pwned","ratio":2,"points":[]}]}`,
		`{"schema":"l2m.calibration/1","cells":[{"damage":"x/../../../../trav/pwned=1"}]}`,
		`{"schema":"l2m.results/1","twopoint":{"estimator":"x/../../../../trav/pwned","points":[{"distance":1}]}}`,
		`{"schema":"l2m.audit/1","lengths":[1],"capacities":[1],"models":[{"name":"x/../../../../trav/pwned","states":[{"length":1}]}]}`,
		`{"schema":"l2m.compare/2","runs":[{"run":"x/../../../../trav/pwned","estimator":"x/../../../../trav/pwned"},{"run":"b"}]}`,
		`{"schema":"l2m.lab/1","recipe":{"name":"x/../../../../trav/pwned"},"steps":1,"evaluations":[{"step":1,"length":1,"by_position":[1]}]}`,
		`{"schema":"l2m.results/1","loss":{"se":1e999}}`,
		`{"schema":"l2m.study/1","panels":[{"name":"a"}],"figures":[{"id":"f","x":"state","panels":["a"]}],"cells":[{"panel":"a","length":4,"recipe":{},"gap":0.5}]}`,
		`{"schema":"l2m.study/1","figures":[{"id":"x/../../../../trav/pwned","x":"state"}]}`,
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		twice(t, doc, result.Read[result.Result], result.Marshal[result.Result])
		twice(t, doc, result.Read[result.Audit], result.Marshal[result.Audit])
		twice(t, doc, result.Read[result.Comparison], result.Marshal[result.Comparison])
		twice(t, doc, result.Read[result.Calibration], result.Marshal[result.Calibration])
		twice(t, doc, result.Read[result.Lab], result.Marshal[result.Lab])
		twice(t, doc, result.Read[result.Study], result.Marshal[result.Study])
	})
}

func twice[D any](t *testing.T, doc []byte, read func(io.Reader, string) (*D, error), write func(*D) ([]byte, error)) {
	t.Helper()
	first, err := read(bytes.NewReader(doc), "document")
	if err != nil {
		return
	}
	once, err := write(first)
	if err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	second, err := read(bytes.NewReader(once), "document")
	if err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	if again, err := write(second); err != nil || !bytes.Equal(once, again) {
		t.Fatalf("written twice, it differs: %v", err)
	}
}

// Names that would lead elsewhere are errors that say where they stand.
func TestReadRefusesForeignNames(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{`{"schema":"l2m.results/1","series":[{"estimator":"x/../../pwned","ratio":2}]}`, `results.json: .series[0].estimator is "x/../../pwned"`},
		{`{"schema":"l2m.results/1","twopoint":{"estimator":"x/../../pwned"}}`, `results.json: .twopoint.estimator is "x/../../pwned"`},
	} {
		if _, err := result.Read[result.Result](strings.NewReader(c.doc), "results.json"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	for _, c := range []struct{ doc, want string }{
		{`{"schema":"l2m.calibration/1","cells":[{"damage":"none","estimators":[{"estimator":"x/../../pwned"}]}]}`, `.cells[0].estimators[0].estimator is "x/../../pwned"`},
		{`{"schema":"l2m.calibration/1","cells":[{"damage":"x/../../pwned=1"}]}`, `.cells[0].damage: damage "x/../../pwned=1"`},
		{`{"schema":"l2m.calibration/1","cells":[{"damage":"order=2.0"}]}`, `.cells[0].damage`},
	} {
		if _, err := result.Read[result.Calibration](strings.NewReader(c.doc), "calibration.json"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}
