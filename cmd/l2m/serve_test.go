package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// mainEnv has the test binary be l2m.
const mainEnv = "L2M_TEST_MAIN"

// The command serves until Ctrl-C, which ends it well, and says so when the port
// is taken.
func TestServe(t *testing.T) {
	start := func(args ...string) (*exec.Cmd, *bufio.Reader, *strings.Builder) {
		cmd := exec.Command(os.Args[0], append([]string{"serve"}, args...)...)
		cmd.Env = append(os.Environ(), mainEnv+"=1")
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, bufio.NewReader(out), &said
	}
	cmd, out, said := start(t.TempDir(), "--address", "127.0.0.1:0")
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err, said)
	}
	url, _, _ := strings.Cut(line, " ")
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil || r.StatusCode != 200 || !strings.Contains(string(page), "No runs here yet") {
		t.Errorf("%s: %d %.200q", url, r.StatusCode, page)
	}
	second, _, complaint := start(t.TempDir(), "--address", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"))
	if err := second.Wait(); err == nil || !strings.Contains(complaint.String(), "choose another --address") {
		t.Errorf("a taken port: %v, %s", err, complaint)
	}
	cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil || said.Len() > 0 {
		t.Errorf("after Ctrl-C: %v, %s", err, said)
	}
}
