package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
)

// element is a start tag of a page.
type element struct {
	name  string
	attrs map[string]string
	text  string // up to the next tag
}

var (
	tagPattern  = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)([^>]*)>([^<]*)`)
	attrPattern = regexp.MustCompile(`([a-zA-Z-]+)(?:="([^"]*)")?`)
	voidNames   = map[string]bool{"meta": true, "link": true, "br": true, "input": true}
)

// parse reads a page and fails the test where tags do not nest.
func parse(t *testing.T, page string) []element {
	t.Helper()
	// The content of style and script is not markup.
	for _, name := range []string{"style", "script"} {
		page = regexp.MustCompile(`(?s)(<`+name+`[^>]*>).*?(</`+name+`>)`).ReplaceAllString(page, "$1$2")
	}
	var stack []string
	var elements []element
	for _, m := range tagPattern.FindAllStringSubmatch(page, -1) {
		if m[1] == "/" {
			if len(stack) == 0 || stack[len(stack)-1] != m[2] {
				t.Fatalf("</%s> closes %v", m[2], stack)
			}
			stack = stack[:len(stack)-1]
			continue
		}
		e := element{name: m[2], attrs: map[string]string{}, text: html.UnescapeString(m[4])}
		for _, a := range attrPattern.FindAllStringSubmatch(m[3], -1) {
			e.attrs[a[1]] = html.UnescapeString(a[2])
		}
		elements = append(elements, e)
		if !voidNames[m[2]] && !strings.HasSuffix(m[3], "/") {
			stack = append(stack, m[2])
		}
	}
	if len(stack) > 0 {
		t.Fatalf("not closed: %v", stack)
	}
	return elements
}

// pageSample is the sample; in -short runs with fewer series, since the race
// detector makes reading a large page slow.
func pageSample() *Result {
	r := sample()
	if testing.Short() {
		r.Series = append(r.Series[:2:2], r.Series[5:7]...)
	}
	return r
}

func render(t *testing.T, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPageIsSelfContained(t *testing.T) {
	page := render(t, pageSample())
	if len(page) > 2<<20 {
		t.Errorf("the page has %d bytes, more than 2 MiB", len(page))
	}
	if i := strings.Index(page, "http:"); i >= 0 {
		t.Errorf("a request: %.80s", page[i:])
	}
	if i := strings.Index(page, "https:"); i >= 0 {
		t.Errorf("a request: %.80s", page[i:])
	}
	ids := map[string]bool{}
	elements := parse(t, page)
	for _, e := range elements {
		for k, v := range e.attrs {
			switch {
			case strings.HasPrefix(k, "on") || k == "style":
				t.Errorf("<%s %s=%q>: the page's policy forbids inline handlers and styles", e.name, k, v)
			case (k == "src" || k == "href" || k == "action") && v != "data:," && !strings.HasPrefix(v, "#"):
				t.Errorf("<%s %s=%q> leads outside", e.name, k, v)
			case k == "id" && ids[v]:
				t.Errorf("id %q occurs twice", v)
			case k == "id":
				ids[v] = true
			}
		}
	}
	for _, e := range elements {
		if h := e.attrs["href"]; strings.HasPrefix(h, "#") && !ids[h[1:]] {
			t.Errorf("link to %q, which is not there", h)
		}
		if f := e.attrs["for"]; f != "" && !ids[f] {
			t.Errorf("label for %q, which is not there", f)
		}
	}
}

// The policy must hold exactly the style and the script of the page, or a
// browser would show it bare.
func TestPolicyAllowsStyleAndScript(t *testing.T) {
	page := render(t, pageSample())
	policy := html.UnescapeString(regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)[1])
	for _, name := range []string{"style", "script"} {
		content := regexp.MustCompile(`(?s)<`+name+`>(.*?)</`+name+`>`).FindAllStringSubmatch(page, -1)
		if len(content) != 1 {
			t.Fatalf("%d <%s> elements", len(content), name)
		}
		sum := sha256.Sum256([]byte(content[0][1]))
		if want := name + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("policy %q", policy)
	}
}

// lookup follows a jq path.
func lookup(t *testing.T, doc any, path string) any {
	t.Helper()
	for _, m := range regexp.MustCompile(`\.([a-z0-9_]+)|\[(\d+)\]`).FindAllStringSubmatch(path, -1) {
		if m[1] != "" {
			object, ok := doc.(map[string]any)
			if !ok {
				t.Fatalf("%s: no object at .%s", path, m[1])
			}
			if doc, ok = object[m[1]]; !ok {
				t.Fatalf("%s: no field %s", path, m[1])
			}
			continue
		}
		i, _ := strconv.Atoi(m[2])
		list, ok := doc.([]any)
		if !ok || i >= len(list) {
			t.Fatalf("%s: no element %d", path, i)
		}
		doc = list[i]
	}
	return doc
}

// shownNumber reads a number as pages write it, and half a unit of its last
// digit.
func shownNumber(s string) (v, half float64, ok bool) {
	s = strings.TrimSpace(strings.NewReplacer("−", "-", "\u202f", "", "\u00a0", " ", "·10", "e", "⁻", "-", "⁰", "0", "¹", "1", "²", "2", "³", "3", "⁴", "4", "⁵", "5", "⁶", "6", "⁷", "7", "⁸", "8", "⁹", "9").Replace(s))
	m := regexp.MustCompile(`^([-+]?\d+(?:\.(\d+))?)(e-?\d+)? ?([kMGT%]?)`).FindStringSubmatch(s)
	if m == nil {
		return 0, 0, false
	}
	unit := map[string]float64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "%": 0.01}[m[4]]
	if m[3] != "" {
		power, _ := strconv.ParseFloat("1"+m[3], 64)
		unit *= power
	}
	v, _ = strconv.ParseFloat(m[1], 64)
	half = math.Pow(10, -float64(len(m[2]))) / 2
	if m[2] == "" { // trailing zeros may be rounding
		half = math.Max(half, math.Abs(v)*0.051)
	}
	return v * unit, half * unit, true
}

// Every number of the tables and the first screen, and every point of the
// figures, names its place in results.json and agrees with what stands there.
func TestNumbersStandInResults(t *testing.T) {
	r := pageSample()
	page := render(t, r)
	var b bytes.Buffer
	if err := WriteResult(&b, r); err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if checked := checkNumbers(t, page, doc); checked < 120*len(r.Series) {
		t.Errorf("only %d numbers have a place in results.json", checked)
	}
}

// checkNumbers holds every number of a page that says where it stands against
// the document, and returns how many there are.
func checkNumbers(t *testing.T, page string, doc any) int {
	t.Helper()
	checked := 0
	for _, e := range parse(t, page) {
		ref := e.attrs["data-ref"]
		if ref == "" {
			continue
		}
		want, ok := lookup(t, doc, ref).(float64)
		if !ok {
			t.Errorf("%s is not a number", ref)
			continue
		}
		text, inBits := e.text, strings.Contains(e.attrs["class"], "u-bits")
		if y := e.attrs["data-y"]; y != "" {
			text = y
		}
		if inBits {
			want = info.Nats(want).Bits()
		}
		shown, half, ok := shownNumber(text)
		if !ok {
			if !strings.HasPrefix(text, "<\u00a00.001") && !strings.HasPrefix(text, ">\u00a00.999") {
				t.Errorf("%s: no number in %q", ref, text)
			}
			continue
		}
		// As a power of d, a decay exponent has the sign of the power.
		if strings.HasSuffix(ref, ".alpha") && strings.HasPrefix(text, "−") {
			shown = -shown
		}
		if math.Abs(shown-want) > half*1.001 {
			t.Errorf("%s is %v, shown as %q", ref, want, text)
		}
		checked++
	}
	return checked
}

func TestPageEscapesHostileNames(t *testing.T) {
	const hostile = `</script></title><script>alert(1)</script><img src=x onerror=alert(2)>" onmouseover="alert(3)` + "\x00\x1b[31m"
	r := pageSample()
	r.Corpus.Paths = []string{hostile}
	r.Corpus.Tokenizer, r.Corpus.Fingerprint, r.Corpus.Skipped = hostile, hostile, map[string]int{hostile: 1}
	r.Command, r.Version, r.Verb, r.Model.Name = hostile, hostile, hostile, hostile
	r.Warnings = append(r.Warnings, info.Warning{Code: "x", Text: hostile, Fix: hostile})
	r.Series[0].Law.Reason = hostile
	r.Series[0].Estimator = hostile
	page := render(t, r)
	scripts := 0
	for _, e := range parse(t, page) {
		switch e.name {
		case "script":
			scripts++
		case "img":
			t.Errorf("an image came in: %v", e)
		}
		for k := range e.attrs {
			if strings.HasPrefix(k, "on") {
				t.Errorf("a handler came in: <%s %s>", e.name, k)
			}
		}
	}
	if scripts != 2 {
		t.Errorf("%d scripts, want the data and the page's own", scripts)
	}
	var b bytes.Buffer
	if err := Text(&b, r, TextOptions{Width: 80, Run: hostile}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x00\x1b") {
		t.Errorf("control characters reach the terminal: %q", b.String())
	}
}

func TestPageIsDeterministic(t *testing.T) {
	first, second := render(t, pageSample()), render(t, pageSample())
	if first != second {
		t.Error("two pages of one result differ")
	}
}
