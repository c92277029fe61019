// L2m-llama runs a GGUF model for l2m, which starts it: it reads requests from standard
// input and writes log-probabilities to standard output. People use it to check that a
// model works, to write it with weights of another type, and to serve it to other programs:
//
//	l2m-llama check MODEL.gguf
//	l2m-llama quantize MODEL.gguf
//	l2m-llama serve MODEL.gguf
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/l2m-lab/l2m/llama"
	"github.com/l2m-lab/l2m/lm/fetch"
	"github.com/l2m-lab/l2m/lm/llamacpp"
	"github.com/l2m-lab/l2m/lm/pipe"
)

const usage = `usage:
  l2m-llama check MODEL.gguf [options]    open a model, score a sentence, and say so
  l2m-llama quantize MODEL.gguf [options] write the model with other weights, and compare speed and log-probabilities;
                                          --type Q8_0, --out FILE
  l2m-llama serve MODEL.gguf [options]    serve OpenAI's completions API with log-probabilities of prompts;
                                          --address HOST:PORT (127.0.0.1:8080), --queue N,
                                          --api-key-env NAME, --api-key-file FILE
MODEL.gguf may also be a name of l2m model list. l2m starts this program without arguments by itself.

options:
`

var started = time.Now()

func main() {
	out, err := ownOutput()
	if err == nil {
		err = run(os.Args[1:], os.Stdin, out)
	}
	var bad usageError
	switch {
	case errors.As(err, &bad):
		fmt.Fprintln(os.Stderr, "l2m-llama:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "l2m-llama:", err)
		os.Exit(1)
	}
}

// usageError is a mistake in the arguments.
type usageError struct{ error }

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return pipe.Serve(in, out, func(o pipe.Options) (pipe.Engine, error) { return llama.Open(o) })
	}
	switch verb := strings.TrimPrefix(args[0], "--"); verb {
	case "check":
		return check(args[1:], out)
	case "quantize":
		return quantize(args[1:], out)
	case "serve":
		return serve(args[1:], out)
	case "help", "h", "-h":
		_, fs := options("help")
		fmt.Fprint(out, usage)
		fs.SetOutput(out)
		fs.PrintDefaults()
		return nil
	}
	return usageError{fmt.Errorf("unknown command %q (check, quantize, serve or help; l2m starts this program by itself)", args[0])}
}

// options are the flags of all commands.
func options(verb string) (*llama.Options, *flag.FlagSet) {
	o := &llama.Options{}
	fs := flag.NewFlagSet("l2m-llama "+verb, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are returned, and printed once
	for _, f := range o.Flags() {
		fs.Func(f.Name, f.Usage, f.Set)
	}
	return o, fs
}

// parse reads flags in any position, and the path of the model.
func parse(fs *flag.FlagSet, o *llama.Options, args []string) error {
	for {
		if err := fs.Parse(args); err != nil {
			return usageError{fmt.Errorf("%w (l2m-llama help lists the options)", err)}
		}
		if args = fs.Args(); len(args) == 0 {
			break
		}
		if o.Path != "" {
			return usageError{fmt.Errorf("%s and %s are two models; name one", o.Path, args[0])}
		}
		o.Path, args = args[0], args[1:]
	}
	if o.Path == "" {
		return usageError{fmt.Errorf("name the model: %s MODEL.gguf", fs.Name())}
	}
	path, named, err := fetch.Resolve(o.Path)
	if named {
		o.Path = path
	}
	return err
}

// check opens a model and scores a sentence.
func check(args []string, out io.Writer) error {
	o, fs := options("check")
	if err := parse(fs, o, args); err != nil {
		return err
	}
	const text = "It was the best of times, it was the worst of times."
	if o.Context == 0 {
		o.Context = 64
	}
	m, err := llama.Open(*o)
	if err != nil {
		return err
	}
	defer m.Close()
	i := m.Info()
	start := "nothing"
	if i.BOS >= 0 {
		start = fmt.Sprintf("%d %s", i.BOS, i.BOSText)
	}
	fmt.Fprintf(out, "%s (%s): %d tokens in the vocabulary, trained on up to %d\nbefore every sequence: %s (%s)\n", i.Name, i.Description, i.Vocabulary, i.Trained, start, i.BOSReason)
	ids := m.Tokenize(text)
	ids = ids[:min(len(ids), i.Context)]
	nats, _, err := m.LogProbs(context.Background(), ids, nil)
	if err != nil {
		return err
	}
	sum := 0.0
	for _, v := range nats {
		sum -= float64(v)
	}
	fmt.Fprintf(out, "%q has %d tokens of %.2f nats each\n", text, len(ids), sum/float64(len(ids)))
	if hint := llamacpp.Faster(i.FileType, o.Path); hint != "" {
		fmt.Fprintln(out, hint)
	}
	return nil
}
