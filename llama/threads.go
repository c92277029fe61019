package llama

import (
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// defaultThreads is the number of cores that this process may use: as many as
// the Go runtime grants itself, which heeds the limits of a container, but no
// more than there are physical ones, where the system says so. Threads of
// llama.cpp wait for each other by spinning, so that a single one too many holds
// up all of them.
func defaultThreads() int {
	n := runtime.GOMAXPROCS(0)
	if cores := physicalCores("/sys/devices/system/cpu"); cores > 0 {
		n = min(n, cores)
	}
	return n
}

// physicalCores counts the cores of a Linux system; 0 means unknown.
func physicalCores(dir string) int {
	lists, _ := filepath.Glob(filepath.Join(dir, "cpu[0-9]*", "topology", "thread_siblings_list"))
	cores := map[string]bool{}
	for _, name := range lists {
		if b, err := os.ReadFile(name); err == nil {
			cores[string(b)] = true
		}
	}
	return len(cores)
}

// A tuner finds out how many threads are fastest while batches are computed:
// where other programs use the cores too, fewer can be, since all wait for the
// slowest. Now and then, and when batches take longer than before, it tries
// another number, and keeps it if a few batches are faster. The number of threads
// changes no result.
type tuner struct {
	choices []int // most threads first
	at, set int   // the choice in use, and the one that llama.cpp was told
	trying  bool  // the choice in use is on trial
	before  int   // the choice that it must beat
	wins    int   // batches that it has won
	steady  []float64
	since   int // full batches since the last trial
	wait    int // full batches until the next
}

const (
	firstTrial  = 8    // full batches before the first trial
	lastTrial   = 64   // at most between two
	trialLength = 3    // batches that a new choice must win in a row
	margin      = 1.1  // by this factor
	slower      = 1.25 // a batch that takes so much longer makes another trial due sooner
	memory      = 12   // batches that make up what is usual
)

func newTuner(most int) *tuner {
	t := &tuner{wait: firstTrial}
	for n := most; n >= 1; n /= 2 {
		t.choices = append(t.choices, n)
	}
	return t
}

// begin prepares for a batch of n tokens; what it returns is called after it.
func (t *tuner) begin(m *Model, n int) (end func()) {
	if t == nil || len(t.choices) < 2 || n < m.options.Batch {
		return func() {}
	}
	t.choose()
	if t.at != t.set {
		threads := int32(t.choices[t.at])
		llama.SetNThreads(m.ctx, threads, threads)
		t.set = t.at
	}
	from := time.Now()
	return func() { t.took(time.Since(from).Seconds()) }
}

// choose puts the next number of threads on trial when it is time.
func (t *tuner) choose() {
	if !t.trying && t.since >= t.wait {
		t.trying, t.wins, t.since = true, 0, 0
		t.before, t.at = t.at, (t.at+1)%len(t.choices)
	}
}

// took is told how many seconds the last full batch took.
func (t *tuner) took(seconds float64) {
	if !t.trying {
		t.since++
		if len(t.steady) > 0 && seconds > slower*t.usual() {
			t.since += firstTrial
		}
		t.steady = append(t.steady, seconds)
		t.steady = t.steady[max(0, len(t.steady)-memory):]
		return
	}
	if seconds*margin > t.usual() {
		t.trying, t.at, t.wait = false, t.before, min(2*t.wait, lastTrial)
	} else if t.wins++; t.wins == trialLength {
		t.trying, t.steady, t.wait = false, nil, firstTrial
	}
}

// usual is what a batch takes with the choice that is not on trial.
func (t *tuner) usual() float64 {
	sum := 0.0
	for _, s := range t.steady {
		sum += s
	}
	return sum / float64(len(t.steady))
}
