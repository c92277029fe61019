package archtest

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// pages are the Markdown files of the repository, by their paths from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "*/README.md", "cmd/*/README.md"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			rel, err := filepath.Rel(root, name)
			if err != nil {
				t.Fatal(err)
			}
			texts[rel] = string(text)
		}
	}
	return texts
}

var (
	mdLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mdHeading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	codeSpan  = regexp.MustCompile("`([^`]+)`")
	notAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the fragments by which the headings of a page are linked on GitHub.
func anchors(text string) []string {
	var out []string
	for _, h := range mdHeading.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.ReplaceAll(notAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return out
}

// Every link from one file of the repository to another leads somewhere.
func TestLinksOfPagesLead(t *testing.T) {
	texts := pages(t)
	for name, text := range texts {
		for _, m := range mdLink.FindAllStringSubmatch(text, -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: link %q: %v", name, m[1], err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			target := name
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(name), u.Path)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: link %q leads nowhere", name, m[1])
			} else if u.Fragment != "" && !slices.Contains(anchors(texts[target]), u.Fragment) {
				t.Errorf("%s: link %q: there is no such heading in %s", name, m[1], target)
			}
		}
	}
}

// The README's map of packages names every package that others may import, and the
// command, and no other.
func TestREADMEMapsEveryPackage(t *testing.T) {
	_, section, ok := strings.Cut(pages(t)["README.md"], "\n## Packages\n")
	if !ok {
		t.Fatal("README.md has no section Packages")
	}
	mapped := map[string]bool{}
	for _, line := range strings.Split(section, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, m := range codeSpan.FindAllStringSubmatch(cells[1], -1) {
			mapped[m[1]] = true
		}
	}
	packages := ours(t)
	for name := range packages {
		if name != "" && !strings.HasPrefix(name, "internal/") && !mapped[name] {
			t.Errorf("README.md: package %q is not on the map", name)
		}
	}
	for name := range mapped {
		if _, ok := packages[name]; !ok {
			t.Errorf("README.md: there is no package %q", name)
		}
	}
}

// Every file and folder that CONTRIBUTING.md names exists.
func TestContributingNamesWhatExists(t *testing.T) {
	named := 0
	for _, m := range codeSpan.FindAllStringSubmatch(pages(t)["CONTRIBUTING.md"], -1) {
		path := m[1]
		if strings.ContainsAny(path, " =()") || !strings.Contains(path, "/") || strings.Contains(path, "NAME") {
			continue // a command, a name of Go, or a pattern
		}
		named++
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Errorf("CONTRIBUTING.md names %s: %v", path, err)
		}
	}
	if named < 20 {
		t.Errorf("only %d paths were found in CONTRIBUTING.md", named)
	}
}
