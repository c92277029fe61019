//go:build unix

package score

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/internal/killtest"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
)

// Environment of the helper process: this test binary run again.
const (
	childDir     = "L2M_SCORE_TEST_DIR"     // run directory; the process scores crashExample there
	childFSize   = "L2M_SCORE_TEST_FSIZE"   // largest file it may write, bytes
	childOffline = "L2M_SCORE_TEST_OFFLINE" // if set, the process takes answers in the order of this seed
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := crashChild(dir); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashChild scores the example slowly, in many small parts.
func crashChild(dir string) error {
	if size, err := strconv.ParseUint(os.Getenv(childFSize), 10, 64); err == nil {
		signal.Ignore(syscall.SIGXFSZ) // writing beyond the limit is an error then
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: size}); err != nil {
			return err
		}
	}
	plan, windows, partners := example(&testing.T{}, 21, 120, 32, 2, true)
	m := newModel()
	s, err := openIn(dir, keyOf(m, plan, windows, partners), false)
	if err != nil {
		return err
	}
	defer s.run.Close()
	fmt.Println("ready")
	if seed, err := strconv.ParseUint(os.Getenv(childOffline), 10, 64); err == nil {
		return crashOffline(m, plan, windows, partners, s, seed)
	}
	m.delay = time.Millisecond
	return Run(context.Background(), m, windows, partners, plan, s, RunOptions{Workers: 3, FlushEvery: 2 * time.Millisecond})
}

// crashOffline answers everything that is outstanding in a random order, with
// a Flush now and then.
func crashOffline(m *historyModel, plan Plan, windows []Window[token.ID], partners [][]int, s *Store, seed uint64) error {
	o, err := NewOffline(m.info, windows, partners, plan, s)
	if err != nil {
		return err
	}
	o.max = 1000 // bytes
	pieces := slices.Collect(o.Outstanding())
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	for i, p := range pieces {
		if err := o.Answer(p.ID, p.score(m), "here"); err != nil {
			return err
		}
		if i%40 == 39 {
			if err := o.Flush(); err != nil {
				return err
			}
		}
	}
	return o.Flush()
}

func child(dir string, env ...string) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(append(os.Environ(), childDir+"="+dir), env...)
	return c
}

// TestKilledAtRandomInstants kills a scoring process with SIGKILL again
// and again, and lets the last one finish: the scores must be those of a run that was left alone.
func TestKilledAtRandomInstants(t *testing.T) {
	t.Run("run", func(t *testing.T) { testKills(t) })
	// The same where answers come from elsewhere, in any order.
	t.Run("offline", func(t *testing.T) { testKills(t, childOffline) })
}

func testKills(t *testing.T, variables ...string) {
	kills := killtest.Kills(10)
	plan, windows, partners := example(t, 21, 120, 32, 2, true)
	key := keyOf(newModel(), plan, windows, partners)
	want := reference(plan, windows, partners)
	rng := rand.New(rand.NewPCG(22, 0))
	dir := filepath.Join(t.TempDir(), "run")
	progress, finished := 0, 0
	for i := 0; i < kills; i++ {
		c := child(dir, environment(variables, i)...)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// Half of the kills hit start-up and recovery, half hit scoring.
		if i%2 == 0 {
			if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
				t.Fatalf("after %d kills the run does not open: %s %v", i, line, err)
			}
		}
		time.Sleep(time.Duration(rng.Int64N(int64(25 * time.Millisecond))))
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		c.Wait()
		s, err := Read(dir)
		if err != nil {
			if _, none := rundir.ReadDir(dir); none != nil && progress == 0 { // killed before there was a run
				continue
			}
			t.Fatalf("after %d kills: %v", i+1, err)
		}
		if s.Done() < progress {
			t.Fatalf("kill %d lost scores: %d of %d requests left", i+1, s.Done(), progress)
		}
		progress = s.Done()
		if progress == len(windows) {
			// Everything is scored; go on with a new run.
			mustEqual(t, content(t, s.Source()), want)
			dir, progress = filepath.Join(t.TempDir(), "run"), 0
			finished++
		}
	}
	t.Logf("%d runs finished and %d of %d requests saved after %d kills", finished, progress, len(windows), kills)
	if out, err := child(dir, environment(variables, kills)...).CombinedOutput(); err != nil {
		t.Fatalf("last run: %v\n%s", err, out)
	}
	mustEqual(t, content(t, open(t, dir, key).Source()), want)
	for _, d := range []string{dir, filepath.Join(dir, "scores"), filepath.Join(dir, rundir.Partial)} {
		entries, err := os.ReadDir(d)
		if err != nil && !missing(err) {
			t.Fatal(err)
		}
		for _, e := range entries {
			if atomicfile.IsTemp(e.Name()) {
				t.Errorf("unfinished file %s is left", e.Name())
			}
		}
	}
}

// environment gives every variable the value n.
func environment(variables []string, n int) (env []string) {
	for _, v := range variables {
		env = append(env, v+"="+strconv.Itoa(n))
	}
	return env
}

// TestWriteErrors lets every write of a part fail (files are limited to 2 kB):
// the error must be clear, and the run must go on where writing works again.
func TestWriteErrors(t *testing.T) {
	dir := t.TempDir()
	out, err := child(dir, childFSize+"=2000").CombinedOutput()
	if err == nil {
		t.Fatalf("no error\n%s", out)
	}
	for _, want := range []string{"saving scores: writing " + dir, "file too large", "free some space"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q does not mention %q", out, want)
		}
	}
	if out, err := child(dir).CombinedOutput(); err != nil {
		t.Fatalf("continuing: %v\n%s", err, out)
	}
	plan, windows, partners := example(t, 21, 120, 32, 2, true)
	s := open(t, dir, keyOf(newModel(), plan, windows, partners))
	mustEqual(t, content(t, s.Source()), reference(plan, windows, partners))
}
