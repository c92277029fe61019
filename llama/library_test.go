package llama

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hybridgroup/yzma/pkg/loader"
)

// A folder that is named comes before one of the environment, and that before
// the usual ones; where nothing is found, the error says how to get it.
func TestFindLibrary(t *testing.T) {
	empty, mine, yours := t.TempDir(), t.TempDir(), t.TempDir()
	for _, d := range []string{mine, yours} {
		if err := os.WriteFile(loader.GetLibraryFilename(d, "llama"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ named, l2m, yzma, want string }{
		{"", mine, yours, mine},
		{"", "", yours, yours},
		{"", empty, yours, yours},
		{yours, mine, "", yours},
	} {
		t.Setenv("L2M_LLAMA_LIB", c.l2m)
		t.Setenv("YZMA_LIB", c.yzma)
		if got, err := findLibrary(c.named); err != nil || got != c.want {
			t.Errorf("%+v: %s, %v", c, got, err)
		}
	}
	for _, c := range []struct{ named, l2m string }{{empty, mine}, {"", empty}} {
		t.Setenv("L2M_LLAMA_LIB", c.l2m)
		t.Setenv("YZMA_LIB", "")
		if _, err := findLibrary(c.named); !errors.Is(err, ErrNoLibrary) || !strings.Contains(err.Error(), "install --lib") || !strings.Contains(err.Error(), empty) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	name := filepath.Base(loader.GetLibraryFilename("", "llama"))
	versioned := strings.TrimSuffix(name, filepath.Ext(name)) + ".v0.5.0" + filepath.Ext(name)
	os.WriteFile(filepath.Join(empty, versioned), nil, 0o644)
	if _, err := findLibrary(empty); !errors.Is(err, ErrNoLibrary) || !strings.Contains(err.Error(), "ln -s "+versioned+" "+name) {
		t.Errorf("a name with a version: %v", err)
	}
}

// What is no library at all is refused in words.
func TestLoadRefuses(t *testing.T) {
	if library.dir != "" { // loaded for other tests, once for all in this process
		if out, err := exec.Command(os.Args[0], "-test.run=^TestLoadRefuses$").CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	os.WriteFile(loader.GetLibraryFilename(dir, "llama"), []byte("no library"), 0o644)
	if err := Load(dir); err == nil || !strings.Contains(err.Error(), "loading llama.cpp from "+dir) {
		t.Errorf("error %v", err)
	}
}
