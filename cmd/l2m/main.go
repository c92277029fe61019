// Command l2m measures how fast the information that the past of a sequence
// carries about its future grows with length, says how much memory a model
// needs to keep up, and tests whether a given model does.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/l2m-lab/l2m/internal/cli"
)

// interrupted is the exit code after a signal.
const interrupted = 130

func main() {
	dieAborted()
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if !signal.Ignored(s) { // as a shell has it for what runs in the background
			signal.Notify(signals, s)
		}
	}
	go func() {
		<-signals
		cancel()
		<-signals // a second one does not wait for anything
		os.Exit(interrupted)
	}()
	os.Exit(cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// dieAborted has the runtime end with SIGABRT where it cannot go on, most often for
// lack of memory: its own exit code is 2, that of wrong usage.
func dieAborted() {
	if os.Getenv("GOTRACEBACK") != "crash" { // somebody wants the memory, too
		leaveNoCore()
	}
	debug.SetTraceback("crash")
}
