package llama

import (
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// defaultThreads is the number of cores that this process may use: GOMAXPROCS, which
// respects the limits of a container, but no more than the number of physical cores, if
// known. Threads of llama.cpp wait for each other by spinning, so that a single one too
// many slows down all.
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

// A tuner finds the fastest number of threads while batches are computed: if other
// programs use the cores, fewer can be faster, since all wait for the slowest. From
// time to time, and when batches take longer than before, it tries another number, and
// keeps it if a few batches are faster. Results do not depend on the number of threads.
type tuner struct {
	choices []int // most threads first
	at, set int   // the choice in use, and the one set in llama.cpp
	trying  bool  // the choice in use is being tried
	before  int   // the choice that it must beat
	wins    int   // batches won so far
	steady  []float64
	since   int // full batches since the last trial
	wait    int // full batches until the next
}

const (
	firstTrial  = 8    // full batches before the first trial
	lastTrial   = 64   // at most between two
	trialLength = 3    // batches that a new choice must win in a row
	margin      = 1.1  // by this factor
	slower      = 1.25 // a batch slower by this factor brings the next trial forward
	memory      = 12   // batches in the running average
)

func newTuner(most int) *tuner {
	t := &tuner{wait: firstTrial}
	for n := most; n >= 1; n /= 2 {
		t.choices = append(t.choices, n)
	}
	return t
}

// begin prepares for a batch of n tokens; call end after it.
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

// choose tries the next number of threads when it is time.
func (t *tuner) choose() {
	if !t.trying && t.since >= t.wait {
		t.trying, t.wins, t.since = true, 0, 0
		t.before, t.at = t.at, (t.at+1)%len(t.choices)
	}
}

// took records the duration of the last full batch in seconds.
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

// usual is the duration of a batch with the choice that is not being tried.
func (t *tuner) usual() float64 {
	sum := 0.0
	for _, s := range t.steady {
		sum += s
	}
	return sum / float64(len(t.steady))
}
