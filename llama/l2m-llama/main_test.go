package main

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/llama"
)

// The other end of the messages is in another module, which this one cannot
// import. Gob leaves out what only one end knows, silently: the fields must be
// the same.
func TestBothEndsAgree(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../lm/llamacpp/messages.go", nil, 0)
	if err != nil {
		t.Skipf("the other end is not here: %v", err)
	}
	theirs := map[string]map[string]string{}
	greeting := ""
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			greeting = n.Values[0].(*ast.BasicLit).Value
		case *ast.TypeSpec:
			fields := map[string]string{}
			for _, f := range n.Type.(*ast.StructType).Fields.List {
				for _, name := range f.Names {
					fields[name.Name] = types.ExprString(f.Type)
				}
			}
			theirs[n.Name.Name] = fields
		}
		return true
	})
	if greeting != fmt.Sprintf("%q", hello) {
		t.Errorf("they say %s, this end %q", greeting, hello)
	}
	// Types that have other names there.
	rename := strings.NewReplacer("llama.Options", "openRequest", "llama.Branch", "branch", "llama.Info", "modelInfo")
	ours := map[string]any{"request": request{}, "reply": reply{}, "openRequest": llama.Options{}, "branch": llama.Branch{}, "modelInfo": llama.Info{}}
	for name, v := range ours {
		fields := map[string]string{}
		for i := range reflect.TypeOf(v).NumField() {
			f := reflect.TypeOf(v).Field(i)
			fields[f.Name] = rename.Replace(f.Type.String())
		}
		if !maps.Equal(fields, theirs[name]) {
			t.Errorf("%s: here %v, there %v", name, fields, theirs[name])
		}
	}
	if !slices.Equal(slices.Sorted(maps.Keys(ours)), slices.Sorted(maps.Keys(theirs))) {
		t.Errorf("messages there: %v", slices.Sorted(maps.Keys(theirs)))
	}
}

func TestServeRefuses(t *testing.T) {
	encode := func(requests ...request) io.Reader {
		var b bytes.Buffer
		e := gob.NewEncoder(&b)
		for _, r := range requests {
			if err := e.Encode(r); err != nil {
				t.Fatal(err)
			}
		}
		return &b
	}
	for name, in := range map[string]io.Reader{"nothing": encode(), "no model": encode(request{ID: 1, Tokens: []int32{1}}), "text": strings.NewReader("l2m measure, please, and quickly")} {
		if err := serve(in, io.Discard); err == nil || !strings.Contains(err.Error(), "start this program from l2m") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var out bytes.Buffer
	if err := serve(encode(request{ID: 7, Open: &llama.Options{Path: "none.gguf"}}, request{ID: 8}), &out); err != nil {
		t.Fatal(err)
	}
	line, err := out.ReadString('\n')
	if err != nil || line != hello+"\n" {
		t.Fatalf("%q, %v", line, err)
	}
	var a reply
	if err := gob.NewDecoder(&out).Decode(&a); err != nil || a.ID != 7 || a.Error != "opening none.gguf: no such file" {
		t.Errorf("%+v, %v", a, err)
	}
}
