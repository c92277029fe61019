package pairs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/count"
)

// countAlone makes this program, when it is set, count the tokens of that file
// and nothing else.
const countAlone = "L2M_PEERS_COUNT"

func TestMain(m *testing.M) {
	if path := os.Getenv(countAlone); path != "" {
		if err := printPeak(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// logPeak tells how much memory count takes, in a process of its own; where
// the system does not say, it logs that.
func logPeak(t *testing.T, path string) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), countAlone+"="+path)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Logf("peak memory of count: %v: %s", err, out)
		return
	}
	t.Logf("peak memory of count at %d distances: %s", len(distances), out)
}

func printPeak(path string) error {
	ids, err := load(path)
	if err != nil {
		return err
	}
	before, err := peak()
	if err != nil {
		return err
	}
	if _, err := count.Pairs(context.Background(), count.Documents{ids}, count.Options{Distances: distances}); err != nil {
		return err
	}
	after, err := peak()
	if err != nil {
		return err
	}
	fmt.Printf("%d MB, of which tokens and program were %d MB before", after>>20, before>>20)
	return nil
}

// peak is the largest resident set of this program so far, in bytes. (That of
// getrusage is inherited from whoever started it.)
func peak() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	var kb int64
	if _, err := fmt.Sscan(line, &kb); err != nil {
		return 0, fmt.Errorf("VmHWM in /proc/self/status: %w", err)
	}
	return kb << 10, nil
}
