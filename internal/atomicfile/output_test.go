package atomicfile

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A person may name a link, a pipe or a device; WriteFile replaces nothing but
// files and links.
func TestWriteOutput(t *testing.T) {
	dir := t.TempDir()
	none := func([]byte) bool { return false }
	target, link, pipe := filepath.Join(dir, "target"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target", link); err != nil {
		t.Skip(err)
	}
	write := func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }
	if err := WriteOutput(link, 0o644, StartsWith("old"), write); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(target); string(got) != "new" {
		t.Errorf("the target of the link holds %q", got)
	}
	if to, err := os.Readlink(link); err != nil || to != "target" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Skip("no mkfifo here")
	}
	if err := WriteFile(pipe, 0o644, write); err == nil {
		t.Error("WriteFile replaced a pipe")
	}
	read := make(chan string)
	go func() {
		got, _ := os.ReadFile(pipe)
		read <- string(got)
	}()
	if err := WriteOutput(pipe, 0o644, none, write); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != "new" {
		t.Errorf("the reader of the pipe got %q", got)
	}
}

// A file is replaced if nothing is lost with it: it is absent, empty or marked.
func TestWriteOutputKeepsWhatIsNotOurs(t *testing.T) {
	long := strings.Repeat("0 1 1 0\n", 2000)
	write := func(w io.Writer) error { _, err := io.WriteString(w, long); return err }
	for name, c := range map[string]struct {
		content  string
		mark     Mark
		replaced bool
	}{
		"empty":               {"", StartsWith("x"), true},
		"starts":              {"magic and more", StartsWith("magic"), true},
		"starts otherwise":    {"a magic", StartsWith("magic"), false},
		"contains":            {"a magic", Contains("magic"), true},
		"contains too late":   {strings.Repeat(" ", headLen) + "magic", Contains("magic"), false},
		"starts as this":      {long[:headLen] + "other", StartsAs(write), true},
		"is the start of it":  {long[:100], StartsAs(write), true},
		"starts as this, not": {long[:headLen-1] + "other", StartsAs(write), false},
		"ends later":          {"short", StartsAs(func(w io.Writer) error { _, err := io.WriteString(w, "sho"); return err }), false},
		"cannot be written":   {"short", StartsAs(func(w io.Writer) error { io.WriteString(w, "short"); return errors.New("no") }), false},
	} {
		path := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(path, []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		checked := CheckOutput(path, c.mark)
		err := WriteOutput(path, 0o644, c.mark, write)
		got, _ := os.ReadFile(path)
		want := c.content
		if c.replaced {
			want = long
		}
		if (err == nil) != c.replaced || (checked == nil) != c.replaced || string(got) != want {
			t.Errorf("%s: %v, %v, and the file is %.40q", name, checked, err, got)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Skip(err)
	}
	if err := WriteOutput(link, 0o644, Contains(""), write); err == nil {
		t.Error("a link to nothing was replaced")
	}
}
