// Command l2m measures how fast the information that the past of a sequence
// carries about its future grows with length, says how much memory a model
// needs to keep up, and tests whether a given model does.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/l2m-lab/l2m/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
