package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// traversal is a name that leads out of a run directory, if a file is made of it.
const traversal = "x/../../../../trav/pwned"

// nameless are the fuzz targets of input that holds no name which a file, a figure or
// a message could get: text, numbers, specs on the command line.
var nameless = strings.Fields(`arch.FuzzGGUF arch/serving.FuzzSafetensors corpus.FuzzFASTA corpus.FuzzJSONL corpus.FuzzStdin
	corpus/source.FuzzArrow corpus/source.FuzzExtract corpus/source.FuzzFASTA corpus/source.FuzzFASTQ corpus/source.FuzzJSON
	corpus/source.FuzzMediaWiki corpus/source.FuzzParquet corpus/source.FuzzRead corpus/source.FuzzTable corpus/source.FuzzText
	corpus/source.FuzzUnpack corpus/source.FuzzWARC count.FuzzTables internal/npy.FuzzReadHeader lab/train.FuzzTensors
	lm/bytemix.FuzzBranches lm/openai.FuzzParse lm/openai.FuzzPositions process.FuzzParse process.FuzzParseMemory
	score.FuzzDecodePart serve.FuzzPaths token.FuzzWords`)

var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\)`)

// Every fuzz target of a document has the traversal among its committed seeds, and a
// target that is added says whether it reads documents.
func TestDocumentReadersAreFuzzedWithATraversal(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && path != root {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil || strings.HasPrefix(e.Name(), ".") {
				return fs.SkipDir // another module
			}
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		places := fuzzTarget.FindAllSubmatchIndex(content, -1)
		for i, at := range places {
			end := len(content)
			if i+1 < len(places) {
				end = places[i+1][0]
			}
			dir, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			name := filepath.ToSlash(dir) + "." + string(content[at[2]:at[3]])
			seen[name] = true
			seeded := strings.Contains(string(content[at[0]:end]), traversal) || name == "report.FuzzFaces" && strings.Contains(string(content[:at[0]]), traversal)
			if seeded == slices.Contains(nameless, name) {
				t.Errorf("%s: give it a seed with %q, or put it among the nameless ones", name, traversal)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range nameless {
		if !seen[name] {
			t.Errorf("there is no %s", name)
		}
	}
	if len(seen) < len(nameless)+10 {
		t.Errorf("only %d fuzz targets were found", len(seen))
	}
}
