//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/internal/thorough"
)

// TestSignalsEndEveryVerb interrupts every verb while it waits for what never comes,
// or is busy for minutes: it ends soon, with the code of an interruption, and speaks
// of what is kept only where something is.
func TestSignalsEndEveryVerb(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, fifo := range []string{"fifo", "run/results.json", "run/lab.json", "run/plan.json", "other/run.json", "fifo.json", "fifo.gguf"} {
		os.MkdirAll(filepath.Dir(path(fifo)), 0o755)
		if err := syscall.Mkfifo(path(fifo), 0o600); err != nil {
			t.Skip("no FIFOs here: ", err)
		}
	}
	for i := range 8 {
		put(t, path(fmt.Sprintf("texts/%d.txt", i)), strings.Repeat(fmt.Sprintf("document %d says so again. ", i), 20000))
	}
	// A server that takes connections and never answers.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	server := "http://" + silent.Addr().String() + "/v1"
	vocabulary, err := filepath.Abs("../../token/vocabulary/testdata/gpt2.json")
	if err != nil {
		t.Fatal(err)
	}
	const keeps = true
	var all sync.WaitGroup
	for _, c := range []struct {
		args string
		kept bool // something may have been saved
	}{
		// Standard input that stays open and empty.
		{"measure - -o OUT", false}, {"twopoint - -o OUT", false}, {"plan - --model m --tokenizer VOCABULARY --bos 256 -o OUT", false},
		{"model train - -o OUT", false}, {"model eval bytemix:universal -", false}, {"audit -", false}, {"fit -", false},
		{"lab train gaussian-small --data bytes - -o OUT", false},
		// A FIFO that nobody writes.
		{"measure FIFO -o OUT", false}, {"twopoint FIFO -o OUT", false}, {"model train FIFO -o OUT", false}, {"model info FIFO", false},
		{"measure TEXTS --model FIFO -o OUT", false}, {"audit FIFO.json", false}, {"audit FIFO.gguf", false}, {"audit FIFO.json --law RUN", false},
		{"twopoint --counts FIFO.json -o OUT", false}, {"report OTHER", false}, {"compare RUN RUN", false}, {"ingest RUN FIFO", false},
		{"lab train FIFO.json -o OUT", false}, {"lab eval RUN", false},
		// A server that says nothing.
		{"measure TEXTS --model SERVER -o OUT", false}, {"measure TEXTS --model SERVER#name -o OUT", false},
		// Work of minutes.
		{"measure TEXTS --model bytemix:universal --length 16384 --cross 7 -o OUT", keeps},
		{"calibrate powergauss --repetitions 100000 -o OUT", keeps},
		{"lab train gaussian-small --steps 1000000 -o OUT", keeps},
		{"process sample powergauss --length 65536 --count 1000000 -o OUT.npy", false},
		{"serve DIR --address 127.0.0.1:0", false},
	} {
		signals := []syscall.Signal{syscall.SIGTERM}
		if thorough.Tests() {
			signals = append(signals, syscall.SIGINT)
		}
		for _, sig := range signals {
			args := words(strings.NewReplacer("OUT", filepath.Join(t.TempDir(), "out"), "FIFO", path("fifo"), "RUN", path("run"), "OTHER", path("other"), "TEXTS", path("texts"),
				"SERVER", server, "VOCABULARY", vocabulary, "DIR", t.TempDir()).Replace(c.args))
			// All at once: they do little but wait.
			all.Go(func() {
				if err := interrupt(l2mCommand(args...), sig, c.kept); err != nil {
					t.Errorf("l2m %s, %v: %v", c.args, sig, err)
				}
			})
		}
	}
	all.Wait()
}

// interrupt starts a command, waits until it is at work, sends it a signal, and says
// what is wrong with how it ends.
func interrupt(cmd *exec.Cmd, sig syscall.Signal, kept bool) error {
	in, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer in.Close()
	defer writer.Close()
	var said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, io.Discard, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return fmt.Errorf("it ended by itself: %v\n%s", err, said.Bytes())
	case <-time.After(700 * time.Millisecond):
	}
	cmd.Process.Signal(sig)
	// It should take a second; what is asked for is that it ends without what it waits
	// for, on any machine.
	select {
	case err = <-ended:
	case <-time.After(20 * time.Second):
		cmd.Process.Kill()
		return fmt.Errorf("it goes on after the signal\n%s", said.Bytes())
	}
	var exit *exec.ExitError
	serving := cmd.Args[1] == "serve" // the signal is how one ends it
	switch {
	case serving && err != nil || !serving && (!errors.As(err, &exit) || exit.ExitCode() != interrupted):
		return fmt.Errorf("it ended with %v\n%s", err, said.Bytes())
	case !kept && strings.Contains(said.String(), "kept"):
		return fmt.Errorf("nothing was done, and it says\n%s", said.Bytes())
	case strings.Contains(said.String(), "goroutine"):
		return fmt.Errorf("it ended with a trace\n%s", said.Bytes())
	}
	return nil
}

// A second signal does not wait for what the first one began: the command ends before
// its grace is over, and so without its last words.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip("no FIFOs here: ", err)
	}
	end := func(signals ...syscall.Signal) (code int, said string) {
		t.Helper()
		var stderr bytes.Buffer
		cmd := l2mCommand("measure", fifo, "--out", filepath.Join(t.TempDir(), "run"))
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It reads once somebody can write, and reads in vain from then on.
		writer := -1
		for writer < 0 {
			var err error
			if writer, err = syscall.Open(fifo, syscall.O_WRONLY|syscall.O_NONBLOCK, 0); err != nil && err != syscall.ENXIO && err != syscall.EINTR {
				cmd.Process.Kill()
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		defer syscall.Close(writer)
		for _, s := range signals {
			cmd.Process.Signal(s)
		}
		cmd.Wait()
		return cmd.ProcessState.ExitCode(), stderr.String()
	}
	code, said := end(syscall.SIGINT)
	if code != interrupted || !strings.Contains(said, "l2m measure: interrupted\n") {
		t.Errorf("after one signal: %d, %q", code, said)
	}
	// The grace may pass before a busy machine gets to the second one, but not every time.
	for range 5 {
		if code, said = end(syscall.SIGINT, syscall.SIGTERM); code == interrupted && said == "" {
			return
		}
	}
	t.Errorf("after two signals: %d, %q", code, said)
}
