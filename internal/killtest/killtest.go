// Package killtest kills processes at random times, to test that the files they write
// survive it:
//
//  1. Loop repeatedly starts a process, waits a random time, and kills it with SIGKILL.
//  2. The test checks the files after each kill, and may start over in a new folder.
//  3. After the last kill the test lets one process finish, and compares its files
//     with those of an undisturbed process.
package killtest

import (
	"errors"
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/internal/thorough"
)

// Kills is the number of kills of a test: few by default, five times as many in
// thorough tests.
func Kills(few int) int {
	if thorough.Tests() {
		return 5 * few
	}
	return few
}

// Loop starts the process of command and kills it at a random time, at most within
// after its start, until kills processes were killed. It calls after after each; done
// says that the process succeeded before its kill, and then the next one gets less
// time. A process that fails by itself fails the test with its output. The times depend
// on seed and on the machine.
func Loop(t testing.TB, seed uint64, kills int, within time.Duration, command func() *exec.Cmd, after func(done bool)) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	for killed := 0; killed < kills; {
		c := command()
		var output tail
		if c.Stdout == nil {
			c.Stdout = &output
		}
		if c.Stderr == nil {
			c.Stderr = &output
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(rng.Int64N(int64(within)+1)), func() { c.Process.Kill() })
		err := c.Wait()
		timer.Stop()
		var exit *exec.ExitError
		switch {
		case err == nil:
			within -= within / 8
		case errors.As(err, &exit) && !exit.Exited():
			killed++
		default:
			t.Fatalf("after %d kills (seed %d) the process failed by itself: %v\n%s", killed, seed, err, output.last)
		}
		after(err == nil)
	}
}

// tail keeps the end of what is written to it.
type tail struct{ last []byte }

func (w *tail) Write(p []byte) (int, error) {
	w.last = append(w.last, p...)
	if n := len(w.last) - 4096; n > 0 {
		w.last = w.last[n:]
	}
	return len(p), nil
}
