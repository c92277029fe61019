package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/l2m-lab/l2m/llama"
	"github.com/l2m-lab/l2m/llama/completions"
	"github.com/l2m-lab/l2m/lm"
)

// serve answers HTTP requests until it is interrupted.
func serve(args []string, out io.Writer) error {
	o, fs := options("serve")
	address := fs.String("address", "127.0.0.1:8080", "address to listen on, HOST:PORT; port 0 picks a free one")
	queue := fs.Int("queue", 64, "requests that may wait")
	keyEnv := fs.String("api-key-env", "", "environment variable with the API key that requests must have")
	keyFile := fs.String("api-key-file", "", "file with the API key")
	if err := parse(fs, o, args); err != nil {
		return err
	}
	key, err := readKey(*keyEnv, *keyFile)
	if err != nil {
		return err
	}
	if host, _, err := net.SplitHostPort(*address); err != nil {
		return usageError{fmt.Errorf("--address: %w", err)}
	} else if ip := net.ParseIP(host); key == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usageError{fmt.Errorf("--address %s can be reached from other machines: give it a key (--api-key-env or --api-key-file)", *address)}
	}
	choice := o.BOS
	o.BOS = lm.BOSNone // prompts are used as they are
	m, err := llama.Open(*o)
	if err != nil {
		return err
	}
	defer m.Close()
	r, err := llama.NewReader(m)
	if err != nil {
		return err
	}
	start, err := r.Start(choice)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	i := r.Info()
	fmt.Fprintf(out, "%s (%s) at http://%s/v1, up to %d tokens\n", i.Name, i.Description, l.Addr(), i.Context)
	s := &http.Server{Handler: completions.New(r, completions.Options{Key: key, Queue: *queue, Start: start}), ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, func() { s.Shutdown(context.Background()) })
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func readKey(env, file string) (string, error) {
	switch {
	case env != "" && file != "":
		return "", usageError{errors.New("the key is given both by --api-key-env and by --api-key-file; choose one")}
	case env != "":
		if key := strings.TrimSpace(os.Getenv(env)); key != "" {
			return key, nil
		}
		return "", fmt.Errorf("the variable %s is empty", env)
	case file != "":
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("reading the key: %w", err)
		}
		if key := strings.TrimSpace(string(b)); key != "" {
			return key, nil
		}
		return "", fmt.Errorf("the file %s is empty", file)
	}
	return "", nil
}
