package source

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/documents.md")

// The table of docs/documents.md says what becomes of every kind of the tests:
//
//	go test ./corpus/source -run TestKindsTable -update
func TestKindsTable(t *testing.T) {
	const page, begin, end = "../../docs/documents.md", "| read as, or refused |\n|---|---|\n", "\n\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no table of kinds", page)
	}
	want := before + begin + kindsTable(t) + end + after
	if *update {
		err = os.WriteFile(page, []byte(want), 0o644)
	} else if want != string(text) {
		t.Errorf("%s is behind the tests: go test ./corpus/source -run TestKindsTable -update", page)
	}
	if err != nil {
		t.Error(err)
	}
}

// kindsTable has a row for every result, with the files of it.
func kindsTable(t *testing.T) string {
	var results []string
	files := map[string][]string{}
	for _, k := range kinds() {
		_, report, err := readAll(content(k.name, k.data), Options{Field: k.field, TempDir: t.TempDir()})
		result := report.String()
		if err != nil {
			result = "refused: " + strings.TrimPrefix(err.Error(), k.name+": ")
		}
		if strings.Contains(k.name, ".") {
			result = strings.ReplaceAll(result, k.name, "FILE")
		}
		result = strings.NewReplacer(": "+k.name+")", ": FILE)", "|", `\|`, "<", `\<`).Replace(result)
		if files[result] == nil {
			results = append(results, result)
		}
		files[result] = append(files[result], "`"+k.name+"`")
	}
	var rows []string
	for _, result := range results {
		rows = append(rows, "| "+strings.Join(files[result], ", ")+" | "+result+" |")
	}
	return strings.Join(rows, "\n")
}
