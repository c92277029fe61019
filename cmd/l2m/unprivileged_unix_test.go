//go:build unix

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// nobody is the user without rights on most systems.
const nobody = 65534

// unprivileged returns what has a command run without the right to write everywhere,
// in a folder that it may write to; or why that is impossible. The superuser, whom no
// permission stops, hands the work to somebody who has none.
func unprivileged(t *testing.T) (prepare func(t *testing.T, cmd *exec.Cmd, dir string), why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return func(*testing.T, *exec.Cmd, string) {}, ""
	}
	// The folder of the test binary is closed to others.
	binary := filepath.Join(sharedDir(t), "l2m")
	if err := copyFile(binary, os.Args[0]); err != nil {
		t.Fatal(err)
	}
	prepare = func(t *testing.T, cmd *exec.Cmd, dir string) {
		cmd.Path = binary
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, nobody, nobody)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	probe := l2mCommand("version")
	prepare(t, probe, t.TempDir())
	if said, err := probe.CombinedOutput(); err != nil {
		return nil, "this superuser cannot start processes of another user: " + err.Error() + " " + string(said)
	}
	return prepare, ""
}

// sharedDir is a temporary folder into which other users can look.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if e := out.Close(); err == nil {
		err = e
	}
	return err
}
