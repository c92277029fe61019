package score

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/l2m-lab/l2m/token"
)

// TestFullDisk scores onto a file system of 128 kB until it is full, makes
// room, and goes on. The file system is mounted in a namespace of a process of
// its own, where that is allowed.
func TestFullDisk(t *testing.T) {
	const dirVariable = "L2M_SCORE_TEST_DISK"
	dir := os.Getenv(dirVariable)
	if dir == "" {
		c := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		c.Env = append(os.Environ(), dirVariable+"="+t.TempDir())
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		out, err := c.CombinedOutput()
		var exit *exec.ExitError
		switch {
		case err != nil && !errors.As(err, &exit):
			t.Skipf("no namespaces here: %v", err)
		case strings.Contains(string(out), "--- SKIP"):
			t.Skipf("in the namespace:\n%s", out)
		case err != nil || !strings.Contains(string(out), "--- PASS"):
			t.Fatalf("in the namespace: %v\n%s", err, out)
		}
		return
	}

	plan, windows, partners := example(t, 23, 100, 128, 1, true)
	m := newModel()
	key := keyOf(m, plan, windows, partners)
	t.Log("run")
	testFullDisk(t, filepath.Join(dir, "run"), m, key, windows, partners, func(s *Store) error {
		return Run(t.Context(), m, windows, partners, plan, s, RunOptions{FlushBytes: 20_000})
	})
	t.Log("offline")
	testFullDisk(t, filepath.Join(dir, "offline"), m, key, windows, partners, func(s *Store) error {
		o, err := NewOffline(m.info, windows, partners, plan, s)
		if err != nil {
			return err
		}
		defer o.Close()
		o.max = 20_000
		for p := range o.Outstanding() {
			if err := o.Answer(p.ID, p.score(m), "here"); err != nil {
				return err
			}
		}
		return o.Flush()
	})
}

func testFullDisk(t *testing.T, dir string, m *historyModel, key Key, windows []Window[token.ID], partners [][]int, score func(*Store) error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
		t.Skipf("mounting a small file system: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	s := open(t, dir, key)
	run := func() error { return score(s) }
	err := run()
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space") {
		t.Fatalf("full disk: %v", err)
	}
	saved := s.Done()
	if saved == 0 || saved == len(windows) {
		t.Fatalf("%d requests saved before the disk was full", saved)
	}
	if err := run(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("disk still full: %v", err)
	}
	s.run.Close()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=4m"); err != nil {
		t.Skipf("making room: %v", err)
	}
	s = open(t, dir, key)
	if s.Done() < saved {
		t.Errorf("%d of %d requests left", s.Done(), saved)
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, content(t, s.Source()), reference(key.Plan, windows, partners))
}
