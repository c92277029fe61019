package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// What a shell makes of the recorded command is the same run, whatever the files
// are called.
func TestRecordedCommandRepeatsTheRun(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other file systems refuse such names")
	}
	dir := t.TempDir()
	if err := os.Symlink(os.Args[0], filepath.Join(dir, "l2m")); err != nil {
		t.Fatal(err)
	}
	names := []string{"-caf\xe9 'x'.txt", "--length", "\x1b[2J$(id).txt", "-"}
	shell := func(script string, args ...string) {
		t.Helper()
		cmd := exec.Command("sh", append([]string{"-c", script}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), mainEnv+"=1", "PATH="+dir+":"+os.Getenv("PATH"))
		cmd.Stdin, _ = os.Open(filepath.Join(dir, names[1]))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	command := func(run string) (c string) {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(dir, run, "results.json"))
		if err != nil {
			t.Fatal(err)
		}
		var r struct{ Command string }
		if err := json.Unmarshal(content, &r); err != nil {
			t.Fatal(err)
		}
		return r.Command
	}
	text := make([]byte, 3000)
	for i, name := range names[:3] {
		for j := range text {
			text[j] = byte('a' + (i+j*j/7)%5)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const rest = " --figures svg --quiet --out "
	shell(`l2m twopoint --format text --distances 1,2,4,8`+rest+`first -- "$@"`, append([]string{"sh"}, names...)...)
	first := command("first")
	shell(first + rest + "second")
	if second := command("second"); second != first {
		t.Errorf("%s\nrecords itself as\n%s", first, second)
	}
	a, _ := os.ReadFile(filepath.Join(dir, "first", "estimates.csv"))
	b, _ := os.ReadFile(filepath.Join(dir, "second", "estimates.csv"))
	if len(a) == 0 || string(a) != string(b) {
		t.Errorf("%s\ngives other estimates when it is repeated", first)
	}
}
