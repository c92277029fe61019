package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/l2m-lab/l2m/report/figure"
	"github.com/l2m-lab/l2m/report/prose"
)

//go:embed assets/page.html
var pageTemplate string

//go:embed assets/page.css
var pageStyle string

//go:embed assets/page.js
var pageScript string

// HTML writes the page. It is one file that makes no request: its content
// security policy allows nothing but the style and the script it carries. The
// bytes depend on nothing but p.
func (p *Page) HTML(w io.Writer) error {
	style, script := styleSheet(), pageScript
	data := template.HTML("")
	if len(p.Data) > 0 {
		compact, err := scriptJSON(p.Data)
		if err != nil {
			return fmt.Errorf("writing the %s page: embedding %s: %w", p.Kind, p.DataName, err)
		}
		data = template.HTML(`<script type="application/json" id="data">` + compact + `</script>`)
	}
	t, err := template.New("page").Funcs(template.FuncMap{
		"span":      spanHTML,
		"exponents": prose.Exponents,
		"plain":     prose.Plain,
		"spans":     Spans,
		"svg":       func(f *figure.Figure) template.HTML { return template.HTML(f.SVG()) },
		// block_ is replaced below, when the template it executes exists.
		"block_": func(Block) (template.HTML, error) { return "", nil },
	}).Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("writing the %s page: %w", p.Kind, err)
	}
	t.Funcs(template.FuncMap{"block_": func(b Block) (template.HTML, error) { return blockHTML(t, b) }})
	title := p.Verdict.String()
	if p.Subject != "" {
		title += " · " + p.Subject
	}
	var out bytes.Buffer
	err = t.Execute(&out, struct {
		*Page
		Title, Policy       string
		Style, Script, Data template.HTML
		Dual                bool
	}{
		p, title, policy(style, script),
		template.HTML("<style>" + style + "</style>"),
		template.HTML("<script>" + script + "</script>"),
		data, p.dual(),
	})
	if err != nil {
		return fmt.Errorf("writing the %s page: %w", p.Kind, err)
	}
	_, err = w.Write(out.Bytes())
	return err
}

// policy allows exactly the given style and script, and nothing from outside.
func policy(style, script string) string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; img-src data:; style-src " + hash(style) + "; script-src " + hash(script) + "; base-uri 'none'; form-action 'none'"
}

// maxTabs is how many tabs the style sheet can show.
const MaxTabs = 12

// styleSheet is the page's style: the palettes in light and dark, the fixed
// part, and a rule per tab.
func styleSheet() string {
	light, dark, classes := figure.CSS()
	light += "--panel:#f3f5f7;--line:#dde2e7;--warn:#c98a00;"
	dark += "--panel:#1e2329;--line:#313943;--warn:#e5b23c;"
	var tabs, labels, focus []string
	for i := 1; i <= MaxTabs; i++ {
		checked := fmt.Sprintf(".tabs>input:nth-of-type(%d)", i)
		tabs = append(tabs, fmt.Sprintf("%s:checked~.panels>:nth-child(%d)", checked, i))
		labels = append(labels, fmt.Sprintf("%s:checked~.strip>:nth-child(%d)", checked, i))
		focus = append(focus, fmt.Sprintf("%s:focus-visible~.strip>:nth-child(%d)", checked, i))
	}
	rules := strings.Join(tabs, ",") + "{display:block}\n" +
		strings.Join(labels, ",") + "{background:var(--h0);border-color:var(--h0);color:var(--ground)}\n" +
		strings.Join(focus, ",") + "{outline:2px solid var(--h1);outline-offset:2px}\n"
	return ":root{" + light + "}\n@media screen and (prefers-color-scheme:dark){:root{" + dark + "}}\n" +
		classes + strings.Replace(pageStyle, "TABRULES\n", rules, 1)
}

// scriptJSON compacts a JSON document and escapes what could end a script
// element.
func scriptJSON(doc []byte) (string, error) {
	var compact, escaped bytes.Buffer
	if err := json.Compact(&compact, doc); err != nil {
		return "", err
	}
	json.HTMLEscape(&escaped, compact.Bytes())
	return escaped.String(), nil
}

// spanHTML writes a span, in both units where it has two.
func spanHTML(s prose.Span) template.HTML {
	var b strings.Builder
	attrs := ""
	if s.Ref != "" {
		attrs = ` data-ref="` + template.HTMLEscapeString(s.Ref) + `" title="` + template.HTMLEscapeString(s.Ref) + `"`
	}
	tag, class := "span", ""
	switch s.Style {
	case prose.Strong:
		tag = "b"
	case prose.Math:
		tag, class = "i", "math"
	case prose.Sup:
		tag = "sup"
	case prose.Sub:
		tag = "sub"
	case prose.Code:
		tag = "code"
	case prose.Muted:
		class = "muted"
	}
	write := func(text, unit string) {
		text = strings.ReplaceAll(text, " %", "\u00a0%") // a line must not begin with a per cent sign
		classes := strings.TrimSpace(class + " " + unit)
		if tag == "span" && classes == "" && attrs == "" {
			b.WriteString(template.HTMLEscapeString(text))
			return
		}
		b.WriteString("<" + tag + attrs)
		if classes != "" {
			b.WriteString(` class="` + classes + `"`)
		}
		b.WriteString(">" + template.HTMLEscapeString(text) + "</" + tag + ">")
	}
	if s.Bits == "" {
		write(s.Text, "")
	} else {
		write(s.Text, "u-nats")
		write(s.Bits, "u-bits")
	}
	return template.HTML(b.String())
}

// blockHTML executes the template of a block.
func blockHTML(t *template.Template, b Block) (template.HTML, error) {
	name, value := "", any(b)
	switch b := b.(type) {
	case drawing:
		name, value = "figure", b.Figure
	case Tabs:
		name = "tabs"
		if len(b.Figures) > MaxTabs {
			return "", fmt.Errorf("tabs %s: %d tabs, at most %d fit", b.ID, len(b.Figures), MaxTabs)
		}
	case *Table:
		name = "table"
		for i, row := range b.Rows {
			if len(row) != len(b.Columns) && len(row) != 1 {
				return "", fmt.Errorf("table %s: row %d has %d cells for %d columns", b.ID, i+1, len(row), len(b.Columns))
			}
		}
	case Prose:
		name = "prose"
	case List:
		name = "list"
	case WarningBlock:
		name = "warning"
	case Details:
		name = "details"
	default:
		return "", fmt.Errorf("unknown block %T", b)
	}
	var out bytes.Buffer
	err := t.ExecuteTemplate(&out, name, value)
	return template.HTML(out.String()), err
}

// dual says whether anything on the page depends on the unit of information.
func (p *Page) dual() bool {
	if p.Verdict.Dual() || p.Formula.Dual() || p.Lead.Dual() || p.Hero != nil && p.Hero.Y.Nats {
		return true
	}
	var any func(blocks []Block) bool
	any = func(blocks []Block) bool {
		for _, b := range blocks {
			switch b := b.(type) {
			case drawing:
				if b.Y.Nats {
					return true
				}
			case Tabs:
				for _, t := range b.Figures {
					if t.Figure.Y.Nats {
						return true
					}
				}
			case *Table:
				for _, r := range b.Rows {
					for _, c := range r {
						if c.Dual() {
							return true
						}
					}
				}
			case Details:
				if any(b.Blocks) {
					return true
				}
			}
		}
		return false
	}
	for _, s := range p.Sections {
		if any(s.Blocks) {
			return true
		}
	}
	return false
}
