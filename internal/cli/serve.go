package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/serve"
)

func newServeCommand() *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:   "serve [FOLDER]",
		Short: "Show the runs of a folder in a browser",
		Long: `Serve shows the runs below a folder (default: the current one) as a web page: their
verdicts, the progress of unfinished ones, their reports, and chosen runs side by
side. It only reads, and can be reached from this machine only, unless --address
says otherwise.`,
		Example: `  l2m serve runs/
  l2m serve --address 127.0.0.1:9000`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			if st, err := os.Stat(dir); err != nil || !st.IsDir() {
				return usagef("%s is not a folder", dir)
			}
			return runServe(cmd, dir, address)
		},
	}
	cmd.Flags().StringVar(&address, "address", "127.0.0.1:7676", "address to listen on; port 0 picks a free one")
	return cmd
}

func runServe(cmd *cobra.Command, dir, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("%w (choose another --address, such as 127.0.0.1:0 for a free port)", err)
	}
	defer l.Close()
	if !serve.Loopback(address) {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s can be reached from other machines, and everybody there can read the runs\n", address)
	}
	s, err := serve.New(dir, serve.Local)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintf(cmd.OutOrStdout(), "http://%s/ shows the runs below %s; Ctrl-C ends it\n", l.Addr(), screen.Printable(dir))
	server := newHTTPServer(s, standardPatience)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-cmd.Context().Done():
	}
	// Do not wait long for requests in progress.
	ctx, cancel := context.WithTimeout(context.Background(), grace/2)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
	}
	return nil
}

// patience is how long a server waits for a client that stalls, before it closes the
// connection.
type patience struct {
	read  time.Duration // for a whole request
	write time.Duration // for an answer to be read, from the end of the request's header
	idle  time.Duration // for the next request
}

// standardPatience lets a large run be read over a slow connection.
var standardPatience = patience{read: 10 * time.Second, write: 5 * time.Minute, idle: time.Minute}

func newHTTPServer(h http.Handler, p patience) *http.Server {
	return &http.Server{Handler: h, ReadTimeout: p.read, WriteTimeout: p.write, IdleTimeout: p.idle, MaxHeaderBytes: 64 << 10}
}
