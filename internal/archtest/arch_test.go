// Package archtest enforces the house's import table: data flows one way.
//
//  1. Packages stand in bands. A package imports only packages of its own band and of
//     earlier ones.
//  2. Each package lists which of ours it imports. What it does not list it may not
//     import; what it lists and does not import is struck off.
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

// band is a row of packages; data flows from earlier bands to later ones.
type band struct {
	name  string
	rooms []room
}

// room is a package with those of ours that it imports. The module's root is "".
type room struct {
	name    string
	imports []string
}

// anything is for the command line, which wires everything to everything.
var anything = []string{"*"}

var bands = []band{
	{"tools", []room{
		{"internal/atomicfile", []string{"internal/tempfile"}},
		{"internal/filelock", nil},
		{"internal/tempfile", []string{"internal/filelock"}},
		{"internal/killtest", []string{"internal/thorough"}},
		{"internal/screen", nil},
		{"internal/npy", nil},
		{"internal/jsonfile", nil},
		{"internal/gguf", nil},
		{"internal/thorough", nil},
		{"internal/shell", []string{"internal/screen"}},
		{"internal/archtest", nil},
	}},
	{"words", []room{
		{"info", nil},
		{"stats", []string{"info"}},
		{"token", nil},
		{"token/vocabulary", []string{"internal/gguf", "token"}},
	}},
	{"instruments", []room{
		{"corpus/source", []string{"info"}},
		{"corpus", []string{"corpus/source", "info", "internal/tempfile", "token"}},
		{"lm", []string{"token"}},
		{"lm/bytemix", []string{"internal/atomicfile", "lm", "token"}},
		{"lm/openai", []string{"lm", "token"}},
		{"lm/recorded", []string{"info", "internal/npy", "lm", "token"}},
		{"lm/pipe", []string{"lm"}},
		{"lm/llamacpp", []string{"lm", "lm/pipe", "token"}},
		{"lm/fetch", []string{"internal/atomicfile"}},
		{"lm/open", []string{"corpus", "info", "lab/cpu", "lab/train", "lm", "lm/bytemix", "lm/fetch", "lm/llamacpp", "lm/openai", "token", "token/vocabulary"}},
		{"process", []string{"info", "internal/jsonfile", "internal/npy", "lm", "token"}},
		{"internal/option", []string{"corpus/source", "internal/shell"}},
		{"rundir", []string{"info", "internal/atomicfile", "internal/filelock"}},
		{"mi", []string{"info", "stats"}},
		{"check", []string{"info", "mi", "stats", "token"}},
		{"score", []string{"info", "internal/atomicfile", "lm", "mi", "rundir", "token"}},
		{"count", []string{"info", "internal/atomicfile", "token"}},
		{"law", []string{"info", "stats"}},
		{"law/decay", []string{"info", "mi", "stats"}},
		{"arch", []string{"info", "internal/gguf", "law"}},
		{"arch/serving", []string{"arch"}},
		{"lab/graph", nil},
		{"lab/cpu", []string{"lab/graph"}},
		{"lab/mixer", []string{"lab/graph"}},
		{"lab/train", []string{"internal/atomicfile", "internal/jsonfile", "lab/cpu", "lab/graph", "lab/mixer", "lm", "process", "token"}},
	}},
	{"documents", []room{
		{"internal/pagetest", []string{"info"}},
		{"result", []string{"arch", "arch/serving", "check", "info", "internal/jsonfile", "law", "law/decay", "lm", "mi", "process", "rundir"}},
		{"internal/sample", []string{"arch", "info", "law", "law/decay", "lm", "mi", "result"}},
	}},
	{"experiments", []room{
		{"twopoint", []string{"corpus", "count", "info", "internal/option", "law/decay", "mi", "result", "rundir", "token", "token/vocabulary"}},
		{"audit", []string{"arch", "arch/serving", "info", "internal/option", "internal/shell", "law", "result", "rundir", "token"}},
		{"measure", []string{"audit", "check", "corpus", "info", "internal/npy", "internal/option", "law", "lm", "lm/llamacpp", "lm/open", "lm/openai", "lm/recorded", "mi", "process", "result", "rundir", "score", "token", "token/vocabulary", "twopoint"}},
		{"calibrate", []string{"check", "info", "internal/atomicfile", "internal/option", "law", "lm", "lm/bytemix", "lm/open", "measure", "mi", "process", "result", "rundir", "score", "stats", "token"}},
		{"compare", []string{"arch", "info", "internal/option", "law", "mi", "result", "rundir", "score", "stats", "token"}},
		{"fit", []string{"info", "internal/option", "law", "mi", "result", "rundir"}},
		{"exact", []string{"info", "internal/atomicfile", "process", "result"}},
		{"predictor", []string{"internal/option", "check", "corpus", "info", "lm", "lm/bytemix", "lm/open", "mi", "result", "token"}},
		{"lab", []string{"internal/option", "corpus", "info", "internal/npy", "lab/cpu", "lab/mixer", "lab/train", "result", "rundir", "token", "token/vocabulary"}},
		{"lab/study", []string{"arch", "info", "internal/jsonfile", "internal/option", "lab", "lab/train", "measure", "process", "result", "rundir", "token"}},
	}},
	{"faces", []room{
		{"report/prose", []string{"info"}},
		{"report/figure", []string{"info", "report/prose"}},
		{"report/page", []string{"report/figure", "report/prose"}},
		{"report", []string{"arch", "arch/serving", "check", "info", "internal/screen", "internal/shell", "law", "law/decay", "lm", "mi", "report/figure", "report/page", "report/prose", "result", "rundir"}},
		{"serve", []string{"info", "report", "report/prose", "result", "rundir", "score"}},
		{"", []string{"audit", "calibrate", "compare", "exact", "fit", "info", "lm/bytemix", "measure", "predictor", "report", "result", "twopoint"}},
		{"internal/cli", anything},
		{"cmd/l2m", []string{"internal/cli"}},
	}},
}

// importers lists who may import a package that is not for everybody.
var importers = map[string][]string{
	"internal/cli": {"cmd/l2m"},
	"":             {},
}

func TestImportsFlowOneWay(t *testing.T) {
	place, rooms := map[string]int{}, map[string]room{}
	for i, b := range bands {
		for _, r := range b.rooms {
			place[r.name], rooms[r.name] = i, r
		}
	}
	seen := map[string]bool{}
	for name, imports := range ours(t) {
		seen[name] = true
		r, known := rooms[name]
		if !known {
			t.Errorf("package %q has no place in the import table of internal/archtest", name)
			continue
		}
		for _, dep := range imports {
			if !slices.Contains(r.imports, dep) && !slices.Equal(r.imports, anything) {
				t.Errorf("%q imports %q: it may import only %v", name, dep, r.imports)
			}
			if place[dep] > place[name] {
				t.Errorf("%q imports %q: %s come before %s", name, dep, bands[place[name]].name, bands[place[dep]].name)
			}
			if who, limited := importers[dep]; limited && !slices.Contains(who, name) {
				t.Errorf("%q imports %q, which only %v may", name, dep, who)
			}
		}
		for _, dep := range r.imports {
			if !slices.Contains(imports, dep) && dep != "*" {
				t.Errorf("%q may import %q and does not: strike it off", name, dep)
			}
		}
	}
	for name := range rooms {
		if !seen[name] {
			t.Errorf("there is no package %q: strike it off", name)
		}
	}
}

// ours are the packages of the module, each with those of the module that it imports.
func ours(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		imports := []string{}
		for _, i := range p.Imports {
			if i == module || strings.HasPrefix(i, module+"/") {
				imports = append(imports, short(i))
			}
		}
		packages[short(p.ImportPath)] = imports
	}
}

// short strips the module path: "" is the module root.
func short(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}
