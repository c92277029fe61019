package report

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// chromium runs a headless browser on a page and returns its document after
// the scripts ran, and what it wrote to its log.
func chromium(t *testing.T, width int, page string) (dom, log string) {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--allow-file-access-from-files",
		"--user-data-dir="+filepath.Join(dir, "profile"), fmt.Sprintf("--window-size=%d,900", width), "--virtual-time-budget=2000", "--dump-dom", "file://"+file)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Skipf("chromium does not run here: %v", err)
	}
	return stdout.String(), stderr.String()
}

// driver is a script that uses the page as a reader would and writes what it
// found into the title.
const driver = `<script>addEventListener("load", () => {
  const out = [], say = (k, v) => out.push(k + "=" + v);
  say("overflow", document.documentElement.scrollWidth - document.documentElement.clientWidth);
  const chart = document.querySelector(".chart"), svg = [...chart.querySelectorAll("svg")].find((s) => getComputedStyle(s).display !== "none");
  say("svg", svg.getAttribute("class"));
  const box = svg.querySelectorAll(".p")[3].getBoundingClientRect(), tip = document.getElementById("tip");
  chart.dispatchEvent(new PointerEvent("pointermove", {clientX: box.x + box.width / 2, clientY: box.y + box.height / 2}));
  say("tip", tip.innerText.replaceAll("\n", "|"));
  chart.dispatchEvent(new PointerEvent("pointerleave"));
  say("left", tip.hidden);
  chart.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
  chart.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
  say("key", tip.innerText.replaceAll("\n", "|"));
  document.getElementById("unit-bits").click();
  say("formula", document.querySelector(".formula").innerText);
  chart.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
  say("bits", tip.innerText.replaceAll("\n", "|"));
  const tabs = document.querySelectorAll(".tabs > input");
  tabs[1].click();
  say("tabs", [...document.querySelectorAll(".panels > div")].map((d) => getComputedStyle(d).display).slice(0, 3));
  const chip = document.querySelectorAll(".chips button")[1];
  chip.click();
  say("chip", chip.getAttribute("aria-pressed") + document.querySelectorAll("svg .c.off").length);
  document.title = out.join("¶");
})</script></body>`

func TestPageInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts browsers")
	}
	page := render(t, sample())

	// As it is, with its policy: nothing may be blocked or fail.
	_, log := chromium(t, 1280, page)
	if i := strings.Index(log, "CONSOLE"); i >= 0 {
		t.Errorf("the browser complains: %.300s", log[i:])
	}

	driven := regexp.MustCompile(`<meta http-equiv[^>]*>`).ReplaceAllString(page, "")
	driven = strings.Replace(driven, "</body>", driver, 1)
	for _, width := range []int{360, 1600} {
		dom, log := chromium(t, width, driven)
		if i := strings.Index(log, "CONSOLE"); i >= 0 {
			t.Errorf("width %d: the browser complains: %.300s", width, log[i:])
		}
		title := regexp.MustCompile(`<title>(.*?)</title>`).FindStringSubmatch(dom)
		if title == nil {
			t.Fatalf("width %d: no title in %.200s", width, dom)
		}
		found := map[string]string{}
		for _, kv := range strings.Split(title[1], "¶") {
			k, v, _ := strings.Cut(kv, "=")
			found[k] = v
		}
		variant := map[int]string{360: "narrow", 1600: "wide"}[width]
		for k, want := range map[string]string{
			"overflow": "^0$", "svg": "^" + variant + "$",
			"tip":  `^paired, L/ℓ = 2\|L = 32 bytes, ℓ = 16\|[\d.]+ \([\d.]+ … [\d.]+\) nats\|.series\[0\].points\[3\].nats`,
			"left": "^true$", "key": `L = 8 bytes, ℓ = 4\|`, "formula": "bits$", "bits": `L = 16 bytes.* bits\|`,
			"tabs": "^none,block,none$", "chip": "^false[1-9]",
		} {
			if !regexp.MustCompile(want).MatchString(found[k]) {
				t.Errorf("width %d: %s is %q, want %s", width, k, found[k], want)
			}
		}
	}
}

// Pages of every kind load without a complaint and fit narrow and wide windows.
func TestPagesOfEveryKindInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts browsers")
	}
	var audit, comparison, overlay bytes.Buffer
	if err := AuditHTML(&audit, sampleAudit(t, true)); err != nil {
		t.Fatal(err)
	}
	if err := ComparisonHTML(&comparison, sampleComparison()); err != nil {
		t.Fatal(err)
	}
	both, err := Overlay([]string{"one", "two"}, []*Result{sample(), sample()})
	if err != nil {
		t.Fatal(err)
	}
	if err := both.HTML(&overlay); err != nil {
		t.Fatal(err)
	}
	pairs := sample()
	pairs.Verb, pairs.Series, pairs.Triangle, pairs.Peak = "twopoint", nil, nil, nil
	const ask = `<script>addEventListener("load", () => { document.title = "overflow " + (document.documentElement.scrollWidth - document.documentElement.clientWidth) + " figures " + document.querySelectorAll("svg").length })</script></body>`
	for kind, page := range map[string]string{"audit": audit.String(), "compare": comparison.String(), "overlay": overlay.String(), "twopoint": render(t, pairs)} {
		if len(page) > 2<<20 {
			t.Errorf("%s: a page of %d bytes", kind, len(page))
		}
		if _, log := chromium(t, 1280, page); strings.Contains(log, "CONSOLE") {
			t.Errorf("%s: the browser complains: %.300s", kind, log[strings.Index(log, "CONSOLE"):])
		}
		driven := regexp.MustCompile(`<meta http-equiv[^>]*>`).ReplaceAllString(page, "")
		driven = strings.Replace(driven, "</body>", ask, 1)
		for _, width := range []int{360, 1600} {
			dom, _ := chromium(t, width, driven)
			if title := regexp.MustCompile(`<title>(.*?)</title>`).FindStringSubmatch(dom); title == nil || !regexp.MustCompile(`^overflow 0 figures [1-9]`).MatchString(title[1]) {
				t.Errorf("%s, %d wide: %q", kind, width, title)
			}
		}
	}
}
