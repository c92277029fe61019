package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/arch/serving"
	"github.com/l2m-lab/l2m/internal/pagetest"
	"github.com/l2m-lab/l2m/internal/sample"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/report/page"
	"github.com/l2m-lab/l2m/result"
)

func TestAuditText(t *testing.T) {
	var out bytes.Buffer
	if err := AuditText(&out, sample.Audit(t, true, 1_000_000), TextOptions{Width: 100}); err != nil {
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
	for _, want := range []string{"4 of 7 models keep up", "3 fall behind", "not audited: broken/config.json", "Constant: the state has a fixed size (1 model)", "Mixed: some layers grow like L, the rest is bounded; never too small (1 model)", "<: too small up to"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestAuditTextFitsTheTerminal: the table gives up lengths, never columns of the
// verdict.
func TestAuditTextFitsTheTerminal(t *testing.T) {
	a := sample.Audit(t, false)
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
		if head := strings.Split(out.String(), "\n")[5]; !strings.Contains(head, "1024") || !strings.Contains(head, "131\u202f072") || !strings.Contains(head, "0.01") {
			t.Errorf("width %d: %s", width, head)
		}
	}
}

// TestAuditTextOfOneModel: a single model is described in detail, with
// intervals.
func TestAuditTextOfOneModel(t *testing.T) {
	a := sample.Audit(t, true)
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
	a := sample.Audit(t, true, 1_000_000)
	var first, second bytes.Buffer
	if err := result.Write(&first, a); err != nil {
		t.Fatal(err)
	}
	if err := result.Write(&second, a); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Error("the same audit gives different bytes")
	}
	var back result.Audit
	if err := json.Unmarshal(first.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Schema != result.AuditSchema || len(back.Models) != len(a.Models) || *back.Models[3].Crossovers[0].At != *a.Models[3].Crossovers[0].At ||
		back.Models[0].Crossovers[0].At != nil || back.Models[0].States[1].Total != 131072*2*2*64 {
		t.Errorf("%+v", back.Models[0])
	}
	// Reading it gives the same page.
	read, err := result.Read[result.Audit](bytes.NewReader(first.Bytes()), "audit.json")
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
	if err := result.Write(&second, a); err == nil || !strings.Contains(err.Error(), ".law.a") {
		t.Errorf("NaN written: %v", err)
	}
}

func TestAuditCSV(t *testing.T) {
	var out bytes.Buffer
	a := sample.Audit(t, false)
	if err := result.AuditCSV(&out, a); err != nil {
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
		if err := AuditHTML(&out, sample.Audit(t, known, 10_000, 1_000_000)); err != nil {
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
		if err := result.Write(&doc, sample.Audit(t, known, 10_000, 1_000_000)); err != nil {
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
	empty := &result.Audit{Law: law.PublishedEnglish(), Level: 0.95, DType: "bfloat16", Capacities: []float64{1}, Lengths: []int64{1024}}
	if err := AuditHTML(&bytes.Buffer{}, empty); err != nil {
		t.Errorf("a page without models: %v", err)
	}
	if err := AuditText(&bytes.Buffer{}, empty, TextOptions{}); err != nil {
		t.Errorf("a text without models: %v", err)
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

// TestMemoryAnswer: only caches are said to fit where weights are unknown.
func TestMemoryAnswer(t *testing.T) {
	model := func(name string, fits, known bool) result.ModelPlan {
		m := result.ModelPlan{Known: known}
		m.Model, m.Available = name, 70
		m.Engines = []serving.EngineFit{{Total: 60, Fits: fits, Longest: 9, Sequences: 9}}
		return m
	}
	for _, c := range []struct {
		models []result.ModelPlan
		want   string
		tone   page.Tone
	}{
		{[]result.ModelPlan{model("o/a", true, true)}, "o/a fits at", page.Good},
		{[]result.ModelPlan{model("a", true, false)}, "The cache of a fits at 8 tokens × 4 sequences on 100 bytes; weights are unknown and not counted", page.Neutral},
		{[]result.ModelPlan{model("a", false, false)}, "a does not fit at", page.Bad},
		{[]result.ModelPlan{model("a", true, true), model("b", true, true)}, "2 of 2 models fit", page.Good},
		{[]result.ModelPlan{model("a", true, false), model("b", false, true)}, "the caches of 1 of 2 models fit; weights are unknown and not counted", page.Neutral},
		{[]result.ModelPlan{model("a", true, false), model("b", true, true)}, "1 of 2 models fits; for 1 more the cache fits, but the weights are unknown", page.Neutral},
	} {
		got, tone := memoryAnswer(&result.MemoryPlan{Memory: 100, Devices: 1, Batch: 4, Context: 8, Models: c.models})
		if !strings.Contains(got, c.want) || tone != c.tone {
			t.Errorf("%q with tone %v, want %q with %v", got, tone, c.want, c.tone)
		}
	}
	if got := atMost(model("a", true, false), 9); got != "≤\u00a09" {
		t.Errorf("%q without weights", got)
	}
	if got := atMost(model("a", true, true), 9); got != "9" {
		t.Errorf("%q with weights", got)
	}
}

// TestLengthAnswer: a length that was asked for is answered before anything else.
func TestLengthAnswer(t *testing.T) {
	a := sample.Audit(t, true, 1_000_000)
	a.Models = a.Models[3:4]
	factor := &a.Models[0].Needs[0].At[audited{a}.leastCapacity()+1].Factor
	for _, c := range []struct {
		factor float64
		want   string
	}{
		{2.5, "is large enough: 2.50 times what the law asks for, if each stored number carries"},
		{0.5, "is too small: 0.5 times what the law asks for"},
	} {
		*factor = c.factor
		if got := AuditHeadline(a); !strings.HasPrefix(got, "At 1\u202f000\u202f000 tokens, the state of") || !strings.Contains(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestWithoutOwner(t *testing.T) {
	for name, want := range map[string]string{"o/a": "a", "a": "a", "o/a + pattern:k^1/0.76": "a + pattern:k^1/0.76"} {
		if got := withoutOwner(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestWhichFit: the page names who fits, not only how many.
func TestWhichFit(t *testing.T) {
	plan := func(name string, fits, known bool) result.ModelPlan {
		m := result.ModelPlan{Known: known}
		m.Model, m.Engines = name, []serving.EngineFit{{Fits: fits}}
		return m
	}
	broken := result.ModelPlan{Error: "too large"}
	far := plan("c", true, true)
	far.Engines[0].Longest = 9
	p := &result.MemoryPlan{Models: []result.ModelPlan{plan("o/a", true, true), plan("b", false, false), broken, far, plan("d", true, false)}}
	var got []string
	for _, point := range whichFit(p) {
		got = append(got, point.String())
	}
	if want := []string{"Fit: c (up to 9), a.", "The cache fits, the weights are unknown: d.", "Do not fit: b."}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	p.Models = p.Models[:1]
	if got := whichFit(p); got != nil {
		t.Errorf("%q of one model", got)
	}
}

// TestPolicyAnswer: one model with and without a cache policy is answered by what
// the policy leaves.
func TestPolicyAnswer(t *testing.T) {
	a := sample.Audit(t, true, 1_000_000)
	whole, part := *a.Models[0], *a.Models[3]
	part.Name = whole.Name + " + window:64"
	for _, models := range [][]*arch.Audit{{&whole, &part}, {&part, &whole}} {
		a.Models = models
		got := audited{a}.policyAnswer()
		if want := "window:64 leaves " + short(float64(part.Needs[0].State)) + " of the " + short(float64(whole.Needs[0].State)) + " elements"; !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	more := part
	more.Needs = slices.Clone(part.Needs)
	more.Needs[0].State = whole.Needs[0].State
	a.Models = []*arch.Audit{&whole, &more}
	if got := (audited{a}).policyAnswer(); got != "" {
		t.Errorf("%q of a policy that keeps as many numbers", got)
	}
	a.Models, part.Name = []*arch.Audit{&whole, &part}, "another"
	if got := (audited{a}).policyAnswer(); got != "" {
		t.Errorf("%q of two models", got)
	}
}
