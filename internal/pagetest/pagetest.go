// Package pagetest checks HTML pages in tests: that tags nest, and that numbers are
// those of the document.
package pagetest

import (
	"html"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
)

// Numbers checks every number on a page that refers to a field of the document, and
// returns how many there are.
func Numbers(t *testing.T, page string, doc any) int {
	t.Helper()
	checked := 0
	for _, e := range Parse(t, page) {
		ref := e.Attrs["data-ref"]
		if ref == "" {
			continue
		}
		want, ok := lookup(t, doc, ref).(float64)
		if !ok {
			t.Errorf("%s is not a number", ref)
			continue
		}
		text, inBits := e.Text, strings.Contains(e.Attrs["class"], "u-bits")
		if y := e.Attrs["data-y"]; y != "" {
			text = y
		}
		if inBits {
			want = info.Nats(want).Bits()
		}
		shown, half, ok := Shown(text)
		if !ok {
			small := strings.HasPrefix(text, "<\u00a00.001") && want < 0.001
			large := strings.HasPrefix(text, ">\u00a00.999") && want > 0.999
			if !small && !large {
				t.Errorf("%s is %v, shown as %q", ref, want, text)
			}
			continue
		}
		// In a power of d, a decay exponent has the opposite sign.
		if strings.HasSuffix(ref, ".alpha") {
			shown = math.Copysign(shown, want)
		}
		if math.Abs(shown-want) > half*1.001 {
			t.Errorf("%s is %v, shown as %q", ref, want, text)
		}
		checked++
	}
	return checked
}

// Element is a start tag of a page.
type Element struct {
	Name  string
	Attrs map[string]string
	Text  string // up to the next tag
}

var (
	tagPattern  = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)([^>]*)>([^<]*)`)
	attrPattern = regexp.MustCompile(`([a-zA-Z-]+)(?:="([^"]*)")?`)
	voidNames   = map[string]bool{"meta": true, "link": true, "br": true, "input": true}
)

// Parse parses a page and fails the test if tags do not nest.
func Parse(t *testing.T, page string) []Element {
	t.Helper()
	// The content of style and script is not markup.
	for _, name := range []string{"style", "script"} {
		page = regexp.MustCompile(`(?s)(<`+name+`[^>]*>).*?(</`+name+`>)`).ReplaceAllString(page, "$1$2")
	}
	var stack []string
	var elements []Element
	for _, m := range tagPattern.FindAllStringSubmatch(page, -1) {
		if m[1] == "/" {
			if len(stack) == 0 || stack[len(stack)-1] != m[2] {
				t.Fatalf("</%s> closes %v", m[2], stack)
			}
			stack = stack[:len(stack)-1]
			continue
		}
		e := Element{Name: m[2], Attrs: map[string]string{}, Text: html.UnescapeString(m[4])}
		for _, a := range attrPattern.FindAllStringSubmatch(m[3], -1) {
			e.Attrs[a[1]] = html.UnescapeString(a[2])
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

// Shown parses a number on a page, and returns half a unit of its last digit.
func Shown(s string) (v, half float64, ok bool) {
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
