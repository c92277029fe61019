package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/pagetest"
	"github.com/l2m-lab/l2m/law"
)

// sampleAudit audits small configurations of every growth class against a law
// with or without a known uncertainty.
func sampleAudit(t *testing.T, known bool, ask ...int64) *Audit {
	t.Helper()
	l := law.PublishedEnglish()
	if known {
		l = law.PowerLaw{A: 2.3, Beta: 0.74, Unit: "token", Source: "run", CovLogABeta: [2][2]float64{{0.01, -0.0014}, {-0.0014, 0.0002}}}
	}
	a := &Audit{Command: "l2m audit configs", Version: "v0.0.0", Law: l, Level: 0.95, DType: "bfloat16", Capacities: []float64{1, 0.01}, Lengths: []int64{1024, 131072}}
	for _, L := range ask {
		a.Questions = append(a.Questions, NewQuestion(l, L, a.Capacities, a.Level))
	}
	for _, m := range []struct{ name, policy, config string }{
		{"org/dense", "", `{"model_type":"llama","num_hidden_layers":2,"num_attention_heads":4,"hidden_size":64,"max_position_embeddings":4096}`},
		{"org/hybrid", "", `{"model_type":"jamba","num_hidden_layers":8,"num_attention_heads":4,"hidden_size":64,"attn_layer_period":8,"attn_layer_offset":4,"mamba_d_state":16,"mamba_d_conv":4,"mamba_expand":2}`},
		{"org/windowed", "", `{"model_type":"mistral","num_hidden_layers":2,"num_attention_heads":4,"hidden_size":64,"sliding_window":512}`},
		{"org/recurrent-with-a-name-that-is-too-long-for-a-column", "", `{"model_type":"mamba","num_hidden_layers":2,"hidden_size":64,"expand":2,"state_size":16,"conv_kernel":4}`},
		{"org/tree", "log-linear", `{"model_type":"gla","num_hidden_layers":2,"hidden_size":64,"num_heads":2}`},
		{"org/slots", "power:0.8", `{"model_type":"gpt2","n_layer":2,"n_head":2,"n_embd":64}`},
		{"=cmd|' /C calc'!A0\x1b[31m<script>", "", `{"model_type":"gpt2","n_layer":1,"n_head":2,"n_embd":64}`},
	} {
		model, err := arch.Parse(strings.NewReader(m.config))
		if err != nil {
			t.Fatal(err)
		}
		model.Name = m.name
		if m.policy != "" {
			p, err := arch.ParsePolicy(m.policy)
			if err != nil {
				t.Fatal(err)
			}
			if model, err = model.With(p); err != nil {
				t.Fatal(err)
			}
		}
		x, err := model.Audit(l, arch.AuditOptions{Lengths: a.Lengths, Capacities: a.Capacities, Ask: ask})
		if err != nil {
			t.Fatal(err)
		}
		a.Models = append(a.Models, x)
	}
	a.Failures = []AuditFailure{{Path: "broken/config.json", Error: "line 3: key \"a\" occurs twice"}}
	a.Warnings = []info.Warning{{Code: "files-skipped", Text: "2 other JSON files are not configurations", Fix: "name a file"}}
	return a
}

func TestAuditText(t *testing.T) {
	var out bytes.Buffer
	if err := AuditText(&out, sampleAudit(t, true, 1_000_000), TextOptions{Width: 100}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	golden(t, "audit.txt", text)
	for i, line := range strings.Split(text, "\n") {
		if n := len([]rune(line)); n > 100 {
			t.Errorf("line %d has %d columns: %s", i+1, n, line)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("a control character of a name reached the terminal")
	}
	for _, want := range []string{"4 of 7 models keep up", "3 fall behind", "not audited: broken/config.json", "constant: the state has a fixed size (1 model)", "mixed: some layers grow like L, the rest is bounded; never too small (1 model)", "<: too small up to"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestAuditTextFitsTheTerminal: the table gives up lengths, never columns of the
// verdict.
func TestAuditTextFitsTheTerminal(t *testing.T) {
	a := sampleAudit(t, false)
	a.Capacities, a.Lengths = []float64{1, 0.1, 0.01}, []int64{1024, 4096, 32768, 131072}
	for i, m := range a.Models {
		m.States = append(m.States[:1:1], m.States[0], m.States[0], m.States[1])
		m.Crossovers = append(m.Crossovers, m.Crossovers[i%3])
	}
	for _, width := range []int{80, 90, 120} {
		var out bytes.Buffer
		if err := AuditText(&out, a, TextOptions{Width: width}); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(out.String(), "\n") {
			if n := len([]rune(line)); n > width {
				t.Errorf("width %d: line %d has %d columns: %s", width, i+1, n, line)
			}
		}
		if head := strings.Split(out.String(), "\n")[5]; !strings.Contains(head, "1024") || !strings.Contains(head, "131072") || !strings.Contains(head, "0.01") {
			t.Errorf("width %d: %s", width, head)
		}
	}
}

// TestAuditTextOfOneModel: a single model is described in detail, with
// intervals.
func TestAuditTextOfOneModel(t *testing.T) {
	a := sampleAudit(t, true)
	a.Models = a.Models[3:4]
	var out bytes.Buffer
	if err := AuditText(&out, a, TextOptions{Width: 200}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"falls behind: the state has a fixed size", "2 layers: state space of 128 × 16: 2048; 3 past columns of 128", "recurrent 4096, conv 768", "95 % interval"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestAuditJSON(t *testing.T) {
	a := sampleAudit(t, true, 1_000_000)
	var first, second bytes.Buffer
	if err := WriteAudit(&first, a); err != nil {
		t.Fatal(err)
	}
	if err := WriteAudit(&second, a); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Error("the same audit gives different bytes")
	}
	var back Audit
	if err := json.Unmarshal(first.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Schema != AuditSchema || len(back.Models) != len(a.Models) || *back.Models[3].Crossovers[0].At != *a.Models[3].Crossovers[0].At ||
		back.Models[0].Crossovers[0].At != nil || back.Models[0].States[1].Total != 131072*2*2*64 {
		t.Errorf("%+v", back.Models[0])
	}
	// Reading it gives the same page.
	read, err := ReadAudit(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	var page, again bytes.Buffer
	if err := AuditHTML(&page, a); err != nil {
		t.Fatal(err)
	}
	if err := AuditHTML(&again, read); err != nil {
		t.Fatal(err)
	}
	if page.String() != again.String() {
		t.Error("what was read gives another page")
	}
	a.Law.A = math.NaN()
	if err := WriteAudit(&second, a); err == nil || !strings.Contains(err.Error(), ".law.a") {
		t.Errorf("NaN written: %v", err)
	}
}

func TestAuditCSV(t *testing.T) {
	var out bytes.Buffer
	a := sampleAudit(t, false)
	if err := AuditCSV(&out, a); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+len(a.Models)*len(a.Lengths) {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows[1:] {
		var sum int64
		for i, name := range rows[0] {
			if strings.HasSuffix(name, "_elements") && name != "total_elements" && name != "float32_elements" {
				n, err := strconv.ParseInt(row[i], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				sum += n
			}
			if name == "total_elements" && row[i] != strconv.FormatInt(sum, 10) {
				t.Errorf("%s: total %s, kinds sum to %d", row[0], row[i], sum)
			}
		}
		if strings.HasPrefix(row[0], "=") {
			t.Errorf("a name that spreadsheets take for a formula: %s", row[0])
		}
	}
}

func TestAuditPage(t *testing.T) {
	for _, known := range []bool{false, true} {
		var out bytes.Buffer
		if err := AuditHTML(&out, sampleAudit(t, known, 10_000, 1_000_000)); err != nil {
			t.Fatal(err)
		}
		page := out.String()
		for _, want := range []string{"4 of 7 models keep up", "<svg", "What a length needs", "Layer by layer", `id="data"`, "&lt;script&gt;"} {
			if !strings.Contains(page, want) {
				t.Errorf("no %q in the page", want)
			}
		}
		if strings.Contains(page, "calc'!A0\x1b[31m<script>") {
			t.Error("a hostile name is not escaped")
		}
		var doc bytes.Buffer
		if err := WriteAudit(&doc, sampleAudit(t, known, 10_000, 1_000_000)); err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(doc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		if n := pagetest.Numbers(t, page, v); n < 60 {
			t.Errorf("only %d numbers have a place in audit.json", n)
		}
		if got := strings.Contains(page, "intervals of the length"); got != known {
			t.Errorf("known uncertainty %v, intervals shown %v", known, got)
		}
	}
	empty := &Audit{Law: law.PublishedEnglish(), Level: 0.95, DType: "bfloat16", Capacities: []float64{1}, Lengths: []int64{1024}}
	if err := AuditHTML(&bytes.Buffer{}, empty); err != nil {
		t.Errorf("a page without models: %v", err)
	}
	if err := AuditText(&bytes.Buffer{}, empty, TextOptions{}); err != nil {
		t.Errorf("a text without models: %v", err)
	}
}

// Damaged documents are refused or shown, never a panic.
func FuzzReadAudit(f *testing.F) {
	f.Add([]byte(`{"schema":"l2m.audit/1"}`))
	f.Add([]byte(`{"schema":"l2m.audit/1","lengths":[1],"capacities":[1],"models":[null]}`))
	f.Add([]byte(`{"schema":"l2m.audit/1","law":{"a":2,"beta":0.5,"unit":"token"},"lengths":[1024],"capacities":[1],"models":[{"name":"x","states":[{"length":1024}],"crossovers":[{},{"at":1e300}],"layers":[{"layers":[0],"parts":[{"kind":"kv","width":8,"rule":"all"}]}]}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		a, err := ReadAudit(bytes.NewReader(doc))
		if err != nil {
			return
		}
		_ = AuditHTML(io.Discard, a)
		_ = AuditText(io.Discard, a, TextOptions{Width: 80})
		_ = AuditCSV(io.Discard, a)
	})
}

// TestNewQuestion: I(L) = 2·L^0.5 holds 64 nats at 1,024 tokens, 128 at 4,096
// and 200 at 10,000; at half a nat per element twice as many elements.
func TestNewQuestion(t *testing.T) {
	q := NewQuestion(law.PowerLaw{A: 2, Beta: 0.5, Unit: "token"}, 10_000, []float64{0.5}, 0.95)
	if math.Abs(q.PerTenfold-math.Sqrt(10)) > 1e-12 || len(q.Series) != 3 {
		t.Fatalf("%+v", q)
	}
	for i, want := range []struct {
		L        int64
		elements float64
	}{{1024, 128}, {4096, 256}, {10_000, 400}} {
		if s := q.Series[i]; s.Length != want.L || math.Abs(s.Elements[0]-want.elements) > 1e-9 || math.Abs(float64(s.Information)-want.elements/2) > 1e-9 {
			t.Errorf("%+v, want %+v", s, want)
		}
	}
	if q := NewQuestion(law.PowerLaw{A: 2, Beta: 0.5, Unit: "token"}, 1, []float64{1}, 0.95); len(q.Series) != 1 {
		t.Errorf("%+v", q)
	}
	if q := NewQuestion(law.PowerLaw{A: 2, Beta: 0.5, Unit: "token"}, math.MaxInt64, []float64{1}, 0.95); len(q.Series) < 20 {
		t.Errorf("%d lengths up to the largest", len(q.Series))
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 7: "7", 999: "999", 1000: "1.00k", 1024: "1.02k", 9994: "9.99k", 9995.1: "10.0k", 99_960: "100k", 131072: "131k", 999_499: "999k", 999_600: "1.00M",
		3.963e8: "396M", 1.5e12: "1.50T", 9.9e14: "990T", 1e15: "1e15", 4.2e22: "4e22", 0.5: "0.5", 0.000768: "0.00077",
	} {
		if got := short(v); got != want {
			t.Errorf("short(%g) = %s, want %s", v, got, want)
		}
	}
}

func TestRanges(t *testing.T) {
	for want, ns := range map[string][]int{"": nil, "3": {3}, "0–2, 5, 7–8": {0, 1, 2, 5, 7, 8}} {
		if got := ranges(ns); got != want {
			t.Errorf("%v: %q, want %q", ns, got, want)
		}
	}
}
