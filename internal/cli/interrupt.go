package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// grace is how long a verb may take to save its work and clean up after it was
// interrupted. What it has saved by then is complete.
const grace = 700 * time.Millisecond

// lastWords is how long printing the last message may take: standard error may be a
// pipe that nobody reads.
const lastWords = 100 * time.Millisecond

// kept is what the same command can resume from.
type kept struct {
	mu         sync.Mutex
	what, dir  string
	folderName string
}

type keptKey struct{}

// keeps records what an interrupted verb can be resumed from: it exists if folder,
// within the run directory, contains any file.
func keeps(ctx context.Context, what, dir, folder string) {
	if k, ok := ctx.Value(keptKey{}).(*kept); ok {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.what, k.dir, k.folderName = what, dir, folder
	}
}

// String says what is kept; it is empty if nothing is.
func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dir == "" {
		return ""
	}
	files, err := fs.Glob(os.DirFS(k.dir), k.folderName)
	if err != nil || len(files) == 0 {
		return ""
	}
	return fmt.Sprintf(": %s is kept in %s: the same command continues", k.what, k.dir)
}

// within runs f, and gives up on it when ctx has ended and patience has passed. over
// reports whether f has ended.
func within(ctx context.Context, patience time.Duration, f func()) (over bool) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f()
	}()
	select {
	case <-ended:
		return true
	case <-ctx.Done():
	}
	select {
	case <-ended:
		return true
	case <-time.After(patience):
		return false
	}
}

// farewell prints the last line of an interrupted command.
func farewell(stderr io.Writer, line string) {
	ended, end := context.WithCancel(context.Background())
	end()
	within(ended, lastWords, func() { fmt.Fprintln(stderr, line) })
}
