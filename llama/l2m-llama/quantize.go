package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/l2m-lab/l2m/lm/fetch"
	"github.com/l2m-lab/l2m/lm/llamacpp"

	"github.com/l2m-lab/l2m/llama"
)

// passage is scored by a model and by the one that was made from it.
const passage = `The lighthouse had been dark for eleven years when the keeper's daughter came back to the island. She had two trunks,
a bag of flour, and a letter from the harbour office which said that the lamp was to be lit again before the winter. Nobody met her at
the landing. The path that she remembered had gone into the sea with half of the garden, so she climbed over the rocks, and when she
reached the door she found that somebody had oiled the lock. On the table stood a cup, still warm, and beside it lay her father's log,
open at a page that was dated tomorrow. She sat down and read it twice before she took off her coat.`

// quantize writes a model with weights of another type, and says what that changes.
func quantize(args []string, out io.Writer) error {
	o, fs := options("quantize")
	kind := fs.String("type", llamacpp.FastType, "type of the weights: Q8_0, Q6_K, Q4_0, F16, …")
	to := fs.String("out", "", "file to write; by default beside the model, named after the type")
	if err := parse(fs, o, args); err != nil {
		return err
	}
	if o.Context == 0 {
		o.Context = 256
	}
	if o.Threads == 0 {
		o.Threads = 1 // more of them spend the processor's time on waiting for each other
	}
	from, err := llama.Open(*o)
	if err != nil {
		return err
	}
	defer from.Close()
	old := from.Info()
	if strings.EqualFold(old.FileType, *kind) {
		return usageError{fmt.Errorf("the weights of %s are of type %s already", o.Path, old.FileType)}
	}
	if *to == "" {
		name := old.Name
		if end := len(name) - len(old.FileType); end > 1 && strings.EqualFold(name[end:], old.FileType) {
			name = name[:end-1]
		}
		*to = filepath.Join(filepath.Dir(o.Path), name+"."+strings.ToUpper(*kind)+".gguf")
	}
	if err := llama.Quantize(o.Path, *to, *kind, o.LibraryDir); err != nil {
		return err
	}
	other := *o
	other.Path = *to
	made, err := llama.Open(other)
	if err != nil {
		return err
	}
	defer made.Close()
	ids := from.Tokenize(passage)
	ids = ids[:min(len(ids), old.Context)]
	nats, speed, err := race(ids, from, made)
	if err != nil {
		return err
	}
	sum, each, most := 0.0, 0.0, 0.0
	for i := range ids {
		d := float64(nats[1][i] - nats[0][i])
		sum, each, most = sum+d, each+math.Abs(d), max(most, math.Abs(d))
	}
	n := float64(len(ids))
	size := func(path string) string {
		s, err := os.Stat(path)
		if err != nil {
			return "?"
		}
		return fetch.Megabytes(s.Size())
	}
	fmt.Fprintf(out, "%s (%s) from %s (%s, %s)\n", *to, size(*to), o.Path, old.FileType, size(o.Path))
	fmt.Fprintf(out, "log-probabilities a second of the processor: %.0f, %.1f times the %.0f of %s\n", speed[1], speed[1]/speed[0], speed[0], old.FileType)
	_, err = fmt.Fprintf(out, "on a passage of %d tokens a token's differs by %.3f nats, %.2f at most; their mean by %+.4f\n", len(ids), each/n, most, sum/n)
	return err
}

// race scores tokens with each of two models, and gives their speeds, per second of the
// processor: in turns, since a machine is rarely as fast now as it was a second ago.
func race(ids []int32, models ...*llama.Model) (nats [2][]float32, speed [2]float64, err error) {
	var took [2][]time.Duration
	for range 5 {
		for i, m := range models {
			start := spent()
			if nats[i], _, err = m.LogProbs(context.Background(), ids, nil); err != nil {
				return nats, speed, err
			}
			took[i] = append(took[i], spent()-start)
		}
	}
	for i := range models {
		speed[i] = float64(len(ids)) / max(slices.Min(took[i]), time.Microsecond).Seconds()
	}
	return nats, speed, nil
}
