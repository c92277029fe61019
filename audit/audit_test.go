package audit

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/arch/serving"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
)

func TestModelName(t *testing.T) {
	for path, want := range map[string]string{
		"config.json": "config", "./config.json": "config", "../config.json": "config",
		"models/gpt2/config.json":                              "gpt2",
		"a/Qwen--Qwen3-8B.json":                                "Qwen/Qwen3-8B",
		"/x/models--Qwen--Qwen3-8B/snapshots/0a1b/config.json": "Qwen/Qwen3-8B",
		"m/llama.gguf":                                         "llama", "--.json": "--",
	} {
		if got := modelName(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestParseLaw(t *testing.T) {
	l, err := ParseLaw("2.27, 0.76")
	if err != nil || l.A != 2.27 || l.Beta != 0.76 || l.Unit != "token" || l.Known() {
		t.Errorf("%+v, %v", l, err)
	}
	for _, bad := range []string{"", "2.27", "2.27;0.76", "a,b", "-1,0.5", "0,0.5", "NaN,0.5", "1,NaN", "1,Inf", "1,0.5,2", "1,99"} {
		if l, err := ParseLaw(bad); err == nil {
			t.Errorf("%q accepted as %+v", bad, l)
		}
	}
}

// writeLawRun makes the results.json of a run with the given tokenizer and law.
func writeLawRun(t *testing.T, tokenizer string, a *law.Analysis) string {
	t.Helper()
	dir := t.TempDir()
	r := &result.Result{
		Schema: result.Schema, Verb: "measure", Command: "l2m measure x", Version: "v0",
		Corpus:  result.Corpus{Paths: []string{"x"}, Tokenizer: tokenizer},
		Windows: result.Windows{Length: 512},
		Series:  []result.Series{{Series: mi.Series{Estimator: mi.Paired, Ratio: 2}, Law: a}},
	}
	f, err := os.Create(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := result.Write[result.Result](f, r); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReadLaw(t *testing.T) {
	measured := law.PowerLaw{A: 1.5, Beta: 0.7, CovLogABeta: [2][2]float64{{0.01, -0.001}, {-0.001, 0.0002}}, DoF: 20}
	power := &law.Fit{Family: law.Power}
	dir := writeLawRun(t, "bytes", &law.Analysis{Verdict: law.PowerLawHolds, Power: power, Law: &measured})
	for _, path := range []string{dir, filepath.Join(dir, "results.json")} {
		l, _, err := ReadLaw(path)
		if err != nil || l.A != 1.5 || l.Beta != 0.7 || l.CovLogABeta != measured.CovLogABeta || l.DoF != 20 || l.Unit != "byte" || l.Source != path+", measured up to L = 512 bytes" {
			t.Errorf("%s: %+v, %v", path, l, err)
		}
	}
	rejected := writeLawRun(t, "bytes", &law.Analysis{Verdict: law.PowerLawRejected, Power: power, Law: &measured})
	if l, _, err := ReadLaw(rejected); err != nil || !strings.Contains(l.Source, "reject a single power law") {
		t.Errorf("%+v, %v", l, err)
	}
	if l, _, err := ReadLaw(writeLawRun(t, "llama3", &law.Analysis{Verdict: law.PowerLawHolds, Power: power, Law: &measured})); err != nil || l.Unit != "token" {
		t.Errorf("%+v, %v", l, err)
	}
	for name, c := range map[string]struct {
		dir, want string
	}{
		"no information": {writeLawRun(t, "bytes", &law.Analysis{Verdict: law.NoInformation, Reason: "nothing above zero", Power: power, Law: &measured}), "nothing above zero"},
		"no law":         {writeLawRun(t, "bytes", nil), "has no law"},
		"letters of DNA": {writeLawRun(t, "dna", &law.Analysis{Verdict: law.PowerLawHolds, Power: power, Law: &measured}), "count bases"},
		"no run":         {t.TempDir(), "is it the directory of a finished run?"},
	} {
		if _, _, err := ReadLaw(c.dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestAuditUnits: a law in bytes is never taken for one in tokens, and its
// conversion carries the interval along.
func TestAuditUnits(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(config, []byte(`{"model_type":"mamba","num_hidden_layers":24,"hidden_size":768,"intermediate_size":1536,"state_size":16,"conv_kernel":4}`), 0o644); err != nil {
		t.Fatal(err)
	}
	perByte := law.PowerLaw{A: 1, Beta: 0.75, Unit: "byte", CovLogABeta: [2][2]float64{{0.01, -0.001}, {-0.001, 0.0002}}}
	ctx := context.Background()
	if _, err := Run(ctx, Options{Paths: []string{config}, Law: perByte}); err == nil || !strings.Contains(err.Error(), "--bytes-per-token") {
		t.Errorf("a law in bytes: %v", err)
	}
	if _, err := Run(ctx, Options{Paths: []string{config}, BytesPerToken: 4}); err == nil {
		t.Error("bytes per token for a law in tokens")
	}
	a, err := Run(ctx, Options{Paths: []string{config}, Law: perByte, BytesPerToken: 4})
	if err != nil {
		t.Fatal(err)
	}
	// 700,416 elements at 1 nat hold I(L) = (4·L)^0.75 up to L = 700,416^(4/3)/4.
	x := a.Models[0].Crossovers[1]
	if want := math.Pow(700_416, 4.0/3) / 4; x.At == nil || math.Abs(*x.At/want-1) > 1e-9 || x.Interval == nil {
		t.Errorf("%+v, want %g", x, want)
	}
}

func TestAuditCommand(t *testing.T) {
	p, err := arch.ParsePolicy("sinks:4+60")
	if err != nil {
		t.Fatal(err)
	}
	q8, err := arch.ParseDType("q8_0")
	if err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]Options{
		"l2m audit a.json": {Paths: []string{"a.json"}},
		"l2m audit --law 2,0.5 --at 7,8 --length 1000000 --capacity 0.5 --dtype q8_0 --cache sinks:4+60 --assume llama --level 0.9 'a b.json'": {
			Paths: []string{"a b.json"}, Law: law.PowerLaw{A: 2, Beta: 0.5, Unit: "token"}, Assume: "llama", Policies: []arch.Policy{p}, DType: q8,
			Lengths: []int64{7, 8}, Capacities: []float64{0.5}, Ask: []int64{1e6}, Level: 0.9,
		},
	} {
		if got := o.Command(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestAuditCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Options{Paths: []string{"../arch/testdata/checkpoints"}}); err == nil {
		t.Error("audited after cancellation")
	}
}

// TestAuditEverything audits the checkpoints of arch together.
func TestAuditEverything(t *testing.T) {
	a, err := Run(context.Background(), Options{Paths: []string{"../arch/testdata/checkpoints"}, Ask: []int64{1e6}})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Failures) > 0 || len(a.Models) < 40 {
		t.Errorf("%d models, failures %v", len(a.Models), a.Failures)
	}
	for _, m := range a.Models {
		if grows := m.Growth.Exponent >= 0.76; grows != (m.Verdict == arch.KeepsUp) || len(m.Needs) != 1 {
			t.Errorf("%s: %s, %s", m.Name, m.Growth.Class, m.Verdict)
		}
	}
}

// TestMeasuredEvidence: the interval of β is the run's own, other laws that fit as
// well are named, and the covariance reaches as far as that interval.
func TestMeasuredEvidence(t *testing.T) {
	measured := law.PowerLaw{A: 1.5, Beta: 0.7, CovLogABeta: [2][2]float64{{0.01, -0.001}, {-0.001, 0.0002}}}
	fit := func(f law.Family, p, aicc, beta float64, iv *info.Interval) law.Fit {
		return law.Fit{Family: f, P: p, AICc: aicc, Params: []law.Param{{Name: "beta", Estimate: info.Estimate{Value: beta, Interval: iv}}}}
	}
	power := fit(law.Power, 0.4, 10, 0.7, &info.Interval{Lo: 0.5, Hi: 0.8, Level: 0.95})
	dir := writeLawRun(t, "llama3", &law.Analysis{Verdict: law.PowerLawHolds, Power: &power, Law: &measured, Clusters: 12, Rivals: []law.Fit{
		fit(law.OffsetPower, 0.5, 11, 0.9, nil), fit(law.Logarithm, 0.01, 10, 0, nil), fit(law.Volume, 0.5, 13, 0, nil),
	}})
	l, e, err := ReadLaw(dir)
	if err != nil {
		t.Fatal(err)
	}
	if e.To != 512 || e.Documents != 12 || e.Beta.Lo != 0.5 || len(e.Rivals) != 1 || e.Rivals[0] != (arch.Rival{Family: law.OffsetPower, Exponent: 0.9}) {
		t.Errorf("%+v", e)
	}
	// 0.7 − 0.5 is 1.959964 standard errors (DoF 0: normal).
	if se := math.Sqrt(l.CovLogABeta[1][1]); math.Abs(se*1.959964/0.2-1) > 1e-6 {
		t.Errorf("standard error %g of β", se)
	}
}

// TestAuditMemory: the plan stands beside the audit, weights by name or for all.
func TestAuditMemory(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"small.json": `{"model_type":"llama","num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"hidden_size":4096,"max_position_embeddings":131072}`,
		"draft.json": `{"model_type":"llama","num_hidden_layers":8,"num_attention_heads":32,"num_key_value_heads":8,"hidden_size":4096,"max_position_embeddings":131072}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const gib = 1 << 30
	o := Options{Paths: []string{filepath.Join(dir, "small.json")}, Memory: MemoryOptions{
		Serving: serving.Options{Memory: 80 * gib, Batch: 4}, Weights: map[string]int64{"small": 16 * gib}, Draft: filepath.Join(dir, "draft.json"),
	}}
	a, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	// 56 GiB for 4 × 131,072 tokens of 160 KiB, the draft's 32 KiB among them: 80 GiB.
	m := a.Memory.Models[0]
	if x := m.Needed(); !m.Known || m.Available != 56*gib || x.Total != 80*gib || x.Fits || m.Draft != "draft" || len(m.Table) != len(a.Memory.Contexts)*len(a.Memory.Batches) {
		t.Errorf("%+v", m)
	}
	o.Memory.Weights = nil
	if a, err = Run(context.Background(), o); err != nil || len(a.Warnings) != 1 || a.Warnings[0].Code != "weights-unknown" {
		t.Errorf("%+v, %v", a.Warnings, err)
	}
}

// TestAuditOfATrainedModel: of a run of l2m lab train only the configuration is
// read, though lab.json names a model_type, too.
func TestAuditOfATrainedModel(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"config.json": `{"model_type": "l2m-lab", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "layer_types": ["full_attention"]}`,
		"lab.json":    "{\n  \"schema\": \"l2m.lab/1\",\n  \"recipe\": {\"model\": {\"model_type\": \"l2m-lab\"}}\n}",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := Run(context.Background(), Options{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Failures) > 0 || len(a.Models) != 1 {
		t.Errorf("%d models, failures %v", len(a.Models), a.Failures)
	}
}
