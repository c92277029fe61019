package report

import (
	"bytes"
	"encoding/csv"
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/pagetest"
	"github.com/l2m-lab/l2m/internal/sample"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/result"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with testdata/golden/name, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./report -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// variants are results of every kind that a face must be able to show.
func variants() map[string]*result.Result {
	out := map[string]*result.Result{"holds": sample.Result()}
	edit := func(name string, f func(*result.Result)) {
		r := sample.Result()
		f(r)
		out[name] = r
	}
	edit("rejected", func(r *result.Result) {
		a := r.Series[0].Law
		a.Verdict, a.Reason = law.PowerLawRejected, "The residuals reject a single power law (p < 0.001), and saturation fits clearly better."
		a.Power.Chi2, a.Power.P, a.Power.Weight, a.Rivals[0], a.Rivals[1] = 93, 1e-9, 0.0002, a.Rivals[1], a.Rivals[0]
		a.Rivals[0].Weight = 0.98
	})
	edit("nothing", func(r *result.Result) {
		for i := range r.Series {
			s := &r.Series[i]
			for j := range s.Points {
				s.Points[j].Value = s.Points[j].SE * info.Nats(math.Sin(float64(7*i+3*j)))
				s.Points[j].Interval = nil
			}
			s.Law.Verdict, s.Law.Reason, s.Law.Power, s.Law.Law, s.Law.Local = law.NoInformation, "The estimates are zero within their errors (p = 0.6).", nil, nil, nil
		}
		r.TwoPoint.Law = nil
	})
	edit("undecided", func(r *result.Result) {
		r.Windows.Documents, r.Windows.Clusters, r.Windows.ClusterKind = 1, 6, "block"
		r.Series = r.Series[:1]
		s := &r.Series[0]
		s.Points, s.Cov, s.Clusters = s.Points[:2], nil, 6
		s.Law = &law.Analysis{Verdict: law.Undecided, Reason: "Two lengths are too few to tell."}
		s.Warnings = []info.Warning{{Code: "one-document", Text: "blocks of one document share its author and topic", Fix: "measure more documents"}}
		r.TwoPoint, r.Triangle, r.Peak, r.Loss.Positions = nil, nil, nil, nil
	})
	edit("two-point", func(r *result.Result) {
		r.Verb, r.Command, r.Series, r.Triangle, r.Peak, r.Loss, r.Windows, r.Plan, r.Model = "twopoint", "l2m twopoint books", nil, nil, nil, result.Loss{}, result.Windows{}, result.Plan{}, result.Model{}
	})
	out["empty"] = &result.Result{Schema: result.Schema, Verb: "measure"}
	out["one point"] = &result.Result{Schema: result.Schema, Verb: "measure", Series: []result.Series{{
		Series: mi.Series{Estimator: mi.Paired, Ratio: 2, Points: []mi.Point{{Ell: 2, Length: 4, Value: -1}}},
		Law:    &law.Analysis{Verdict: law.Undecided},
	}}}
	return out
}

// TestLossUnit: letters of biological sequences are not called bytes.
func TestLossUnit(t *testing.T) {
	for tokenizer, want := range map[string]string{"bytes": "bits/byte", "dna": "bits/base", "protein": "bits/residue", "words": "bits/byte"} {
		r := variants()["holds"]
		r.Corpus.Tokenizer = tokenizer
		var screen, html bytes.Buffer
		if err := Text(&screen, r, TextOptions{Width: 80}); err != nil {
			t.Fatal(err)
		}
		if err := HTML(&html, r); err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string]string{"screen": screen.String(), "page": html.String()} {
			if !strings.Contains(strings.ReplaceAll(b, "\u00a0", " "), want) {
				t.Errorf("%s of %s lacks %q", name, tokenizer, want)
			}
		}
	}
}

func TestTextGolden(t *testing.T) {
	for name, r := range variants() {
		for _, width := range []int{60, 80, 120} {
			if width != 80 && name != "holds" && name != "two-point" {
				continue
			}
			var b bytes.Buffer
			if err := Text(&b, r, TextOptions{Width: width, Run: "l2m-run-7c1e"}); err != nil {
				t.Fatal(err)
			}
			golden(t, "text-"+strings.ReplaceAll(name, " ", "-")+"-"+strconv.Itoa(width)+".txt", b.String())
			for _, l := range strings.Split(b.String(), "\n") {
				if n := utf8.RuneCountInString(l); n > width {
					t.Errorf("%s: %d columns of %d: %s", name, n, width, l)
				}
			}
		}
	}
}

func TestTextColourIsOnlyColour(t *testing.T) {
	var plain, coloured bytes.Buffer
	if err := Text(&plain, sample.Result(), TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := Text(&coloured, sample.Result(), TextOptions{Color: true}); err != nil {
		t.Fatal(err)
	}
	stripped := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(coloured.String(), "")
	if diff := cmp.Diff(plain.String(), stripped); diff != "" {
		t.Error(diff)
	}
	if stripped == coloured.String() {
		t.Error("no colour")
	}
}

// pageOutline is a page without its style, script, data, drawings and folded
// tables: goldens hold the words.
func pageOutline(page string) string {
	for _, p := range []string{`(?s)<style>.*?</style>`, `(?s)<script.*?</script>`, `(?s)<svg.*?</svg>`, `(?s)<details>.*?</details>`, `(?s)<tbody>.*?</tbody>`, `<meta http-equiv[^>]*>`, ` (?:data-ref|title)="[^"]*"`} {
		page = regexp.MustCompile(p).ReplaceAllString(page, "")
	}
	return page
}

func TestPageGolden(t *testing.T) {
	for name, r := range variants() {
		if testing.Short() && len(r.Series) > 1 {
			continue // long pages; the race detector makes reading them slow
		}
		page := render(t, r)
		ids := map[string]bool{}
		for _, e := range pagetest.Parse(t, page) {
			if id := e.Attrs["id"]; id != "" && ids[id] {
				t.Errorf("%s: id %q occurs twice", name, id)
			} else {
				ids[id] = true
			}
		}
		if name == "holds" || name == "two-point" {
			golden(t, "page-"+name+".html", pageOutline(page))
		}
	}
}

func TestCSVHoldsEveryEstimate(t *testing.T) {
	r := sample.Result()
	var b bytes.Buffer
	if err := result.CSV(&b, r); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, c := range rows[0] {
		column[c] = i
	}
	want := len(r.Triangle) + len(r.TwoPoint.Points)
	for _, s := range r.Series {
		want += len(s.Points)
	}
	if len(rows)-1 != want {
		t.Errorf("%d rows for %d estimates", len(rows)-1, want)
	}
	number := func(row []string, name string) float64 {
		v, err := strconv.ParseFloat(row[column[name]], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	i := 1
	for _, s := range r.Series {
		for j, p := range s.Points {
			row := rows[i]
			i++
			if row[column["quantity"]] != "bipartite" || row[column["estimator"]] != string(s.Estimator) || row[column["fitted"]] != strconv.FormatBool(s.Law.Used[j]) ||
				number(row, "length") != float64(p.Length) || number(row, "nats") != float64(p.Value) || number(row, "se") != float64(p.SE) {
				t.Fatalf("row %v for %+v", row, p)
			}
			// 1 nat is 1/ln 2 bits.
			if bits := number(row, "bits"); math.Abs(bits*math.Ln2-float64(p.Value)) > 1e-9*float64(p.Value) {
				t.Errorf("%g bits for %g nats", bits, float64(p.Value))
			}
			if lo, hi := number(row, "lo95"), number(row, "hi95"); lo != p.Interval.Lo || hi != p.Interval.Hi {
				t.Errorf("interval %g … %g, want %+v", lo, hi, p.Interval)
			}
		}
	}
	for j, p := range r.TwoPoint.Points {
		row := rows[len(rows)-len(r.TwoPoint.Points)+j]
		if number(row, "distance") != float64(p.Distance) || number(row, "covariance_norm") != p.Covariance.Norm || number(row, "covariance_se") != p.Covariance.SE {
			t.Errorf("row %v for %+v", row, p)
		}
	}
}

func TestFiguresOfEveryVariant(t *testing.T) {
	for name, r := range variants() {
		if name == "holds" {
			continue // TestFiguresAreDeterministic
		}
		for _, fig := range ResultFigures(r) {
			if err := wellFormed(encode(t, fig, "svg"), "svg"); err != nil {
				t.Errorf("%s: figure %s: %v", name, fig.ID, err)
			}
			barsHoldTheirPoints(t, fig)
		}
	}
}

// A caveat comes after the law, whatever the verdict, and leaves its words as they are.
func TestCaveatFollowsTheLaw(t *testing.T) {
	for name, says := range map[string]string{"holds": "grows as a power law: I(", "rejected": "but not as a single power law; the best single one is I("} {
		r := variants()[name]
		r.Findings = []check.Finding{{Code: "simpler-better", Severity: check.Qualifies, Sentence: "Short lengths may be too large", Detail: "because"}}
		var b strings.Builder
		if err := Text(&b, r, TextOptions{Width: 400}); err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(b.String(), "\n")
		if !strings.Contains(first, says) || !strings.HasSuffix(first, ". Short lengths may be too large.") {
			t.Errorf("%s: %s", name, first)
		}
	}
}

// barsHoldTheirPoints wants the bars of a figure to be around its points, as intervals of
// the same quantity are.
func barsHoldTheirPoints(t *testing.T, fig *figure.Figure) {
	t.Helper()
	for _, c := range fig.Curves {
		for _, p := range c.Points {
			if c.Bars && !(p.Lo <= p.Y && p.Y <= p.Hi) {
				t.Errorf("figure %s: %s has %g with bars from %g to %g", fig.ID, c.Name, p.Y, p.Lo, p.Hi)
			}
		}
	}
}

// What does not decay is not said to decay, and has no sign too many.
func TestDecayThatIsNone(t *testing.T) {
	for _, c := range []struct {
		alpha, lo, hi, scatter float64
		headline, power        string
	}{
		{0.91, 0.88, 0.94, 0, "Two-point information decays with distance:", "d^−0.910"},
		{0.02, -0.01, 0.05, 0, "Two-point information shows no decay with distance:", "d^−0.020"},
		{-0.3, -0.33, -0.27, 0, "Two-point information shows no decay with distance:", "d^0.300"},
		{-0.3, -0.33, -0.27, 0.5, "Two-point information does not follow one power law of the distance; the best single one is", "d^0.300"},
	} {
		r := variants()["two-point"]
		r.TwoPoint.Law.Alpha, r.TwoPoint.Law.Scatter = c.alpha, c.scatter
		r.TwoPoint.Law.AlphaInterval = &info.Interval{Lo: c.lo, Hi: c.hi, Level: 0.95}
		var b bytes.Buffer
		if err := Text(&b, r, TextOptions{Width: 200}); err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(b.String(), "\n"); !strings.HasPrefix(first, c.headline) || !strings.Contains(first, c.power+" nats") {
			t.Errorf("α = %g: %q", c.alpha, first)
		}
		b.Reset()
		if err := HTML(&b, r); err != nil {
			t.Fatal(err)
		}
		if falls := strings.Contains(b.String(), "it falls from"); falls != (c.lo > 0) {
			t.Errorf("α = %g: the page says that it falls: %t", c.alpha, falls)
		}
	}
}

// The page speaks of shuffled pairs, of blocks and of noise as they were.
func TestPageSaysWhatErrorsAre(t *testing.T) {
	for name, c := range map[string]struct {
		edit      func(*result.TwoPoint)
		has, lack string
	}{
		"floor kept":       {func(*result.TwoPoint) {}, "two standard errors above the dashed line", "which is subtracted"},
		"floor subtracted": {func(p *result.TwoPoint) { p.Corrected = true }, "Shaded: not distinguishable from zero, two standard errors.", "above the dashed"},
		"no floor": {func(p *result.TwoPoint) {
			for i := range p.Points {
				p.Points[i].Floor = 0
			}
		}, "Errors are from leaving out blocks", "huffled"},
		"no blocks": {func(p *result.TwoPoint) {
			p.Blocks = 0
		}, "Errors are those of independent pairs", "leaving out"},
		"blocks of text": {func(p *result.TwoPoint) { p.BlockTokens = 16384 }, "Errors are from leaving out stretches of text", "leaving out blocks"},
	} {
		r := variants()["two-point"]
		c.edit(r.TwoPoint)
		var b bytes.Buffer
		if err := HTML(&b, r); err != nil {
			t.Fatal(err)
		}
		page := pageOutline(b.String())
		if !strings.Contains(page, c.has) || strings.Contains(page, c.lack) {
			t.Errorf("%s: the page lacks %q or has %q", name, c.has, c.lack)
		}
	}
}

func document(t testing.TB, r *result.Result) []byte {
	t.Helper()
	b, err := result.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
