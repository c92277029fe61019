// Package archtest enforces the import table of the house: data flows one
// way, and a package imports only what stands to its left.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/l2m-lab/l2m"

// allowed lists, for every package of ours, which of our packages it may
// import. A package that is missing here fails the test: decide where it
// stands before adding it.
var allowed = map[string][]string{
	"info":                {},
	"stats":               {"info"},
	"token":               {},
	"token/vocabulary":    {"token"},
	"internal/atomicfile": {"internal/tempfile"},
	"internal/filelock":   {},
	"internal/archtest":   {},
	"internal/pagetest":   {"info"},
	"internal/sample":     {"info", "lm", "mi", "law", "law/decay", "arch", "compare", "result"},
	"internal/shell":      {},
	"internal/tempfile":   {"internal/filelock"},
	"corpus":              {"info", "token", "internal/atomicfile", "internal/tempfile"},
	"lm":                  {"info", "token"},
	"lm/bytemix":          {"info", "lm", "token", "internal/atomicfile"},
	"lm/fetch":            {"internal/atomicfile"},
	"lm/pipe":             {"lm"},
	"lm/llamacpp":         {"lm", "lm/pipe", "token"},
	"lm/openai":           {"info", "lm", "token"},
	"process":             {"info", "lm", "token"},
	"process/rival":       {"info"},
	"rundir":              {"internal/atomicfile", "internal/filelock"},
	"mi":                  {"info", "stats"},
	"score":               {"info", "lm", "corpus", "token", "mi", "rundir", "internal/atomicfile"},
	"count":               {"info", "corpus", "token", "internal/atomicfile"},
	"law":                 {"info", "stats"},
	"law/decay":           {"info", "stats", "mi"},
	"arch":                {"info", "law"},
	"arch/serving":        {"arch"},
	"compare":             {"info", "stats", "mi"},
	"result":              {"info", "lm", "mi", "law", "law/decay", "arch", "arch/serving", "compare", "process"},
	"report":              {"info", "lm", "mi", "law", "law/decay", "arch", "arch/serving", "result", "compare", "internal/atomicfile", "internal/shell"},
	"serve":               {"report", "result", "rundir", "score"},
	"lab/graph":           {},
	"lab/cpu":             {"lab/graph"},
	"lab/mixer":           {"lab/graph"},
	"lab":                 {"info", "corpus", "token", "rundir", "lab/cpu", "lab/train"},
	"lab/train":           {"lab/graph", "lab/cpu", "lab/mixer", "lm", "process", "token", "internal/atomicfile"},
	"":                    {"*"},
	"internal/cli":        {"*"},
	"cmd/l2m":             {"internal/cli"},
}

// importers lists who may import a package that is not for everybody.
var importers = map[string][]string{
	"internal/cli": {"cmd/l2m"},
	"":             {"internal/cli"},
}

func TestImportsFlowOneWay(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		name := short(p.ImportPath)
		may, known := allowed[name]
		if !known {
			t.Errorf("package %q has no place in the import table of internal/archtest", name)
			continue
		}
		for _, imp := range p.Imports {
			if imp != module && !strings.HasPrefix(imp, module+"/") {
				continue
			}
			dep := short(imp)
			if !slices.Contains(may, "*") && !slices.Contains(may, dep) {
				t.Errorf("%q imports %q: it may import only %v", name, dep, may)
			}
			if who, limited := importers[dep]; limited && !slices.Contains(who, name) {
				t.Errorf("%q imports %q, which only %v may", name, dep, who)
			}
		}
	}
	if seen < 5 {
		t.Fatalf("go list named only %d packages", seen)
	}
}

// short strips the module path: "" is the module root.
func short(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}
