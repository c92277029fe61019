// L2m-llama runs a GGUF model for l2m: it reads requests from standard input
// and writes log-probabilities to standard output. l2m starts it; people have
// no use for it, except to see whether it works:
//
//	l2m-llama --check MODEL.gguf
package main

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/l2m-lab/l2m/llama"
)

// The messages are those of package lm/llamacpp of l2m, which has the other end;
// a line that says hello comes first.
const hello = "l2m-llama 1"

type request struct {
	ID       uint64
	Open     *llama.Options // the first request
	Text     *string        // to be tokenized
	Tokens   []int32        // to be scored
	Branches []llama.Branch
	Cancel   bool // the request of that ID is not wanted any more
}

type reply struct {
	ID      uint64
	Error   string
	Info    llama.Info
	Tokens  []int32
	Along   []float32
	Off     [][]float32
	Decoded int64 // tokens computed so far
}

func main() {
	if len(os.Args) > 1 {
		check(os.Args[1:])
		return
	}
	out, err := ownOutput()
	if err == nil {
		err = serve(os.Stdin, out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "l2m-llama:", err)
		os.Exit(1)
	}
}

func check(args []string) {
	if len(args) != 2 || args[0] != "--check" {
		fmt.Fprintln(os.Stderr, "usage: l2m-llama --check MODEL.gguf (l2m starts this program by itself)")
		os.Exit(2)
	}
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "l2m-llama:", err)
			os.Exit(1)
		}
	}
	m, err := llama.Open(llama.Options{Path: args[1], Context: 64})
	fail(err)
	defer m.Close()
	i := m.Info()
	fmt.Printf("%s (%s): %d tokens in the vocabulary, every sequence starts with %d\n", i.Name, i.Description, i.Vocabulary, i.BOS)
	const text = "It was the best of times, it was the worst of times."
	ids := m.Tokenize(text)
	ids = ids[:min(len(ids), 64)]
	nats, _, err := m.LogProbs(context.Background(), ids, nil)
	fail(err)
	sum := 0.0
	for _, v := range nats {
		sum -= float64(v)
	}
	fmt.Printf("%q has %d tokens of %.2f nats each\n", text, len(ids), sum/float64(len(ids)))
}

// serve answers requests until the input ends.
func serve(in io.Reader, out io.Writer) error {
	if _, err := fmt.Fprintln(out, hello); err != nil {
		return err
	}
	from, to := gob.NewDecoder(in), gob.NewEncoder(out)
	var writing sync.Mutex
	answer := func(r reply) {
		writing.Lock()
		defer writing.Unlock()
		to.Encode(r) // an error means that l2m is gone, which the input tells too
	}
	var first request
	if err := from.Decode(&first); err != nil || first.Open == nil {
		return fmt.Errorf("the first message does not open a model (%w)", errors.Join(err, errors.New("start this program from l2m")))
	}
	m, err := llama.Open(*first.Open)
	if err != nil {
		answer(reply{ID: first.ID, Error: err.Error()})
		return nil
	}
	defer m.Close()
	answer(reply{ID: first.ID, Info: m.Info()})

	var mu sync.Mutex
	cancels := map[uint64]context.CancelFunc{}
	var group sync.WaitGroup
	defer group.Wait()
	all, end := context.WithCancel(context.Background())
	defer end()
	for {
		var r request
		if err := from.Decode(&r); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		mu.Lock()
		if r.Cancel {
			if cancel := cancels[r.ID]; cancel != nil {
				cancel()
			}
			mu.Unlock()
			continue
		}
		ctx, cancel := context.WithCancel(all)
		cancels[r.ID] = cancel
		mu.Unlock()
		group.Go(func() {
			a := reply{ID: r.ID}
			if r.Text != nil {
				a.Tokens = m.Tokenize(*r.Text)
			} else {
				var err error
				if a.Along, a.Off, err = m.LogProbs(ctx, r.Tokens, r.Branches); err != nil {
					a.Error = err.Error()
				}
				a.Decoded = m.Decoded()
			}
			mu.Lock()
			delete(cancels, r.ID)
			mu.Unlock()
			cancel()
			answer(a)
		})
	}
}
