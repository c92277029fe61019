package result

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// docs/format.md must name every column of estimates.csv and every part of
// results.json.
func TestFormatIsDocumented(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "docs", "format.md"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range csvColumns {
		names = append(names, "`"+c+"`")
	}
	document := reflect.TypeFor[Result]()
	for i := range document.NumField() {
		name, _, _ := strings.Cut(document.Field(i).Tag.Get("json"), ",")
		names = append(names, "`."+name)
	}
	for _, n := range names {
		if !strings.Contains(string(doc), n) {
			t.Errorf("docs/format.md does not name %s`", strings.Trim(n, "`"))
		}
	}
	if !strings.Contains(string(doc), Schema) {
		t.Errorf("docs/format.md does not name %s", Schema)
	}
}
