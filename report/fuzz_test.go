package report

import (
	"bytes"
	"io"
	"regexp"
	"testing"

	"github.com/l2m-lab/l2m/report/figure"

	"github.com/l2m-lab/l2m/internal/sample"
	"github.com/l2m-lab/l2m/result"
)

// traversals name figures, series and damage such that a file made of the name
// would stand outside the run.
var traversals = []string{
	`{"schema":"l2m.results/1","series":[{"estimator":"x/../../../../trav/pwned","ratio":2,"points":[{"ell":1,"length":2,"nats":1}]}]}`,
	`{"schema":"l2m.compare/2","runs":[{"run":"../../x","model":"x/../../../../trav/pwned","estimator":"paired","information":[{"ell":2}]},{"run":"b","estimator":"x/../../../../trav/pwned","information":[{"ell":2}]}]}`,
	`{"schema":"l2m.audit/1","lengths":[1],"capacities":[1],"models":[{"name":"x/../../../../trav/pwned","states":[{"length":1}],"crossovers":[{},{}]}]}`,
	`{"schema":"l2m.calibration/1","cells":[{"damage":"none","estimators":[{"estimator":"x/../../../../trav/pwned","points":[{"truth":1}]}]}]}`,
	`{"schema":"l2m.calibration/1","cells":[{"damage":"x/../../../../trav/pwned=1","estimators":[{"estimator":"paired","beta":{"bias":1},"points":[]}]}]}`,
	`{"schema":"l2m.results/1","twopoint":{"estimator":"x/../../../../trav/pwned","points":[{"distance":1},{"distance":2}]}}`,
	`{"schema":"l2m.study/1","panels":[{"name":"a"}],"figures":[{"id":"x/../../../../trav/pwned","x":"state","panels":["a"]}],"cells":[{"panel":"a","length":4,"recipe":{},"gap":0.5}]}`,
	`{"schema":"l2m.lab/1","name":"x/../../../../trav/pwned","recipe":{"name":"x/../../../../trav/pwned"},"steps":1,"evaluations":[{"step":1,"length":2,"by_position":[1,1]}]}`,
}

// figureID is what a figure may be called: it names a file.
var figureID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// notFinite is a coordinate that no picture has.
var notFinite = regexp.MustCompile(`(?:[ML,="(]|[0-9] )[-+]?(?:NaN|Inf)\b`)

// Whatever a document holds, it is refused or every face shows it, and its
// figures have names that cannot lead elsewhere.
func FuzzFaces(f *testing.F) {
	r := sample.Result()
	r.Series, r.Loss.Positions, r.TwoPoint.Points, r.TwoPoint.Law.Used = r.Series[:2], r.Loss.Positions[:3], r.TwoPoint.Points[:3], r.TwoPoint.Law.Used[:3]
	for i := range r.Series {
		s := &r.Series[i]
		s.Points, s.Cov, s.Law.Used, s.Law.Local = s.Points[:2], nil, s.Law.Used[:2], s.Law.Local[:1]
	}
	comparison, err := result.Marshal(sample.Comparison())
	if err != nil {
		f.Fatal(err)
	}
	for _, doc := range append([]string{
		string(document(f, r)), string(comparison),
		`{"schema":"l2m.results/1"}`,
		`{"schema":"l2m.results/1","series":[{"estimator":"paired","ratio":2,"points":[{"ell":1,"length":2,"nats":-1}],"law":{"verdict":"none"}}]}`,
		`{"schema":"l2m.results/1","series":[{"estimator":"paired","ratio":2,"points":[{"ell":1,"length":2,"nats":1e300,"se":1e-300}],"law":{"power":{"params":[{"name":"A","value":1e308},{"name":"beta","value":900}]}}}]}`,
		"{\"schema\":\"l2m.results/1\",\"series\":[{\"estimator\":\"paired\",\"ratio\":2,\"points\":[{\"ell\":1,\"length\":2,\"nats\":1e308,\"se\":1e-300}],\"law\":{\"power\":{\"params\":[{\"name\":\"A\xba=2\xbd7\xc6.\",\"value\":1e308},{\"name\":\"beta\",\"value\":900}]}}}]}",
		`{"schema":"l2m.audit/1"}`,
		`{"schema":"l2m.audit/1","lengths":[1],"capacities":[1],"models":[null]}`,
		`{"schema":"l2m.audit/1","law":{"a":2,"beta":0.5,"unit":"token"},"lengths":[1024],"capacities":[1],"models":[{"name":"x","states":[{"length":1024}],"crossovers":[{},{"at":1e300}],"layers":[{"layers":[0],"parts":[{"kind":"kv","width":8,"rule":"all"}]}]}]}`,
		`{"schema":"l2m.compare/2","runs":[{},{}]}`,
		`{"schema":"l2m.compare/2","runs":[{},{}],"models":{"runs":[{"run":7}],"residual":{"run":1}}}`,
		`{"schema":"l2m.compare/2","runs":[{},{}],"models":{"lowest":{},"residual":{"run":-5,"nats":{"se":1}}}}`,
		`{"schema":"l2m.compare/2","runs":[{"estimator":"paired","information":[{"ell":2}]},{"estimator":"paired","information":[{"ell":2,"lost":{"value":1}},{"ell":4}]}]}`,
		`{"schema":"l2m.calibration/1","coverage":{"covered":1,"of":1,"coverage":1},"cells":[{"damage":"order=2","estimators":[{"estimator":"paired","beta":{"truth":1},"points":[{"truth":1,"mean":-1,"spread":1e300}]}]}]}`,
		`{"schema":"l2m.lab/1","recipe":{},"steps":2,"curve":[{"step":1,"loss":1,"gradient_norm":0},{"step":2,"loss":-1}],"evaluations":[{"step":2,"length":2,"by_position":[1,-1],"gain":[0,1e-300],"gap":0.5}]}`,
		`{"schema":"l2m.study/1","models":[{"name":"m","family":"f"}],"panels":[{"name":"a"},{"name":"b"}],"figures":[{"id":"f","x":"state","panels":["a","b"]},{"id":"g","x":"length","panels":["a"]}],
			"cells":[{"panel":"a","model":"m","length":4,"recipe":{},"gap":0.5},{"panel":"a","model":"m","length":4,"recipe":{},"gap":-1e300},{"panel":"b","model":"n","state":9,"length":4,"recipe":{},"accuracy":0}]}`,
		`{"schema":"l2m.study/1","panels":[{"name":"a"}],"figures":[{"id":"f","x":"gap","y":"exponent","panels":["a"]},{"id":"g","x":"gap","y":"information","panels":["a"]}],
			"cells":[{"panel":"a","model":"m","length":4,"recipe":{},"gap":0.5,"measured":{"exponent":1,"interval":{"lo":0,"hi":2},"nats":1,"exact_nats":1e-300,"upper_nats":null}}]}`,
	}, traversals...) {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		opts := TextOptions{Width: 80}
		if r, err := result.Read[result.Result](bytes.NewReader(doc), "results.json"); err == nil {
			show(t, ResultFigures(r), HTML(io.Discard, r), Text(io.Discard, r, opts), result.CSV(io.Discard, r))
		}
		if c, err := result.Read[result.Comparison](bytes.NewReader(doc), "compare.json"); err == nil {
			show(t, ComparisonFigures(c), comparisonHTML(io.Discard, c), ComparisonText(io.Discard, c, opts), result.ComparisonCSV(io.Discard, c))
		}
		if a, err := result.Read[result.Audit](bytes.NewReader(doc), "audit.json"); err == nil {
			show(t, []*figure.Figure{auditFigure(a)}, AuditHTML(io.Discard, a), AuditText(io.Discard, a, opts), result.AuditCSV(io.Discard, a))
		}
		if c, err := result.Read[result.Calibration](bytes.NewReader(doc), "calibration.json"); err == nil {
			show(t, calibrationFigures(c), calibrationHTML(io.Discard, c))
		}
		if l, err := result.Read[result.Lab](bytes.NewReader(doc), "lab.json"); err == nil {
			show(t, labFigures(l), LabHTML(io.Discard, l))
		}
		if s, err := result.Read[result.Study](bytes.NewReader(doc), "study.json"); err == nil {
			show(t, studyFigures(s), StudyHTML(io.Discard, s), StudyText(io.Discard, s, opts))
		}
	})
}

// show checks the faces of a document that was read.
func show(t *testing.T, figures []*figure.Figure, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, fig := range figures {
		if !figureID.MatchString(fig.ID) {
			t.Fatalf("a figure is called %q", fig.ID)
		}
		var svg bytes.Buffer
		if err := fig.Encode(&svg, "svg"); err != nil {
			t.Fatal(err)
		}
		if nowhere := notFinite.Find(svg.Bytes()); nowhere != nil {
			t.Fatalf("%s: something is drawn at %s", fig.ID, nowhere)
		}
	}
}
