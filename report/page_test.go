package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/pagetest"
	"github.com/l2m-lab/l2m/internal/sample"
	"github.com/l2m-lab/l2m/result"
)

// pageSample is the sample; in -short runs with fewer series, since the race
// detector makes reading a large page slow.
func pageSample() *result.Result {
	r := sample.Result()
	if testing.Short() {
		r.Series = append(r.Series[:2:2], r.Series[5:7]...)
	}
	return r
}

func render(t *testing.T, r *result.Result) string {
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
	elements := pagetest.Parse(t, page)
	for _, e := range elements {
		for k, v := range e.Attrs {
			switch {
			case strings.HasPrefix(k, "on") || k == "style":
				t.Errorf("<%s %s=%q>: the page's policy forbids inline handlers and styles", e.Name, k, v)
			case (k == "src" || k == "href" || k == "action") && v != "data:," && !strings.HasPrefix(v, "#"):
				t.Errorf("<%s %s=%q> leads outside", e.Name, k, v)
			case k == "id" && ids[v]:
				t.Errorf("id %q occurs twice", v)
			case k == "id":
				ids[v] = true
			}
		}
	}
	for _, e := range elements {
		if h := e.Attrs["href"]; strings.HasPrefix(h, "#") && !ids[h[1:]] {
			t.Errorf("link to %q, which is not there", h)
		}
		if f := e.Attrs["for"]; f != "" && !ids[f] {
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

// Every number of the tables and the first screen, and every point of the
// figures, names its place in results.json and agrees with what stands there.
func TestNumbersStandInResults(t *testing.T) {
	pairs := sample.Result()
	pairs.Verb, pairs.Series, pairs.Triangle, pairs.Peak = "twopoint", nil, nil, nil
	whole := pageSample()
	for _, c := range []struct {
		r     *result.Result
		least int
	}{{whole, 120 * len(whole.Series)}, {pairs, 5 * len(pairs.TwoPoint.Points)}} {
		var b bytes.Buffer
		if err := result.Write(&b, c.r); err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if checked := pagetest.Numbers(t, render(t, c.r), doc); checked < c.least {
			t.Errorf("%s: only %d numbers have a place in results.json", c.r.Verb, checked)
		}
	}
}

func TestPageEscapesHostileNames(t *testing.T) {
	const hostile = `</script></title><script>alert(1)</script><img src=x onerror=alert(2)>" onmouseover="alert(3)` + "\x00\x1b[31m"
	r := pageSample()
	r.Corpus.Paths = []string{hostile}
	r.Corpus.Tokenizer, r.Corpus.Fingerprint, r.Corpus.Skipped = hostile, hostile, map[string]int{hostile: 1}
	r.Command, r.Version, r.Verb, r.Model.Name = hostile, hostile, hostile, hostile
	r.Warnings = append(r.Warnings, info.Warning{Code: "x", Text: hostile, Fix: hostile})
	r.Series[0].Law.Reason = hostile
	page := render(t, r)
	scripts := 0
	for _, e := range pagetest.Parse(t, page) {
		switch e.Name {
		case "script":
			scripts++
		case "img":
			t.Errorf("an image came in: %v", e)
		}
		for k := range e.Attrs {
			if strings.HasPrefix(k, "on") {
				t.Errorf("a handler came in: <%s %s>", e.Name, k)
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
