package train

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/l2m-lab/l2m/lab/cpu"
)

// Names of tensors in checkpoints other than the parameters.
const (
	firstPrefix  = "optimiser.first."
	secondPrefix = "optimiser.second."
	curveLoss    = "curve.loss"
	curveNorm    = "curve.norm"
)

// key is the recipe as stored in checkpoints, without descriptions.
func (r Recipe) key() string {
	r.Name, r.About, r.Cost = "", "", ""
	r.Tokenizer = "" // a path; Options.Corpus identifies its content
	b, err := json.Marshal(r)
	if err != nil {
		panic("train: " + err.Error()) // numbers are finite, see check
	}
	return string(b)
}

func sections(layout *cpu.Layout, prefix string, x []float32) []tensor {
	var out []tensor
	for _, t := range layout.Tensors {
		out = append(out, tensor{prefix + t.Name, t.Shape, x[t.Offset : t.Offset+t.Size()]})
	}
	return out
}

// save writes the whole state.
func (t *trainer) save() error {
	if t.o.Checkpoint == "" {
		return nil
	}
	evaluations, err := json.Marshal(t.run.Evaluations)
	if err != nil {
		return err
	}
	tensors := sections(t.run.layout, "", t.run.params)
	tensors = append(tensors, sections(t.run.layout, firstPrefix, t.opt.first)...)
	tensors = append(tensors, sections(t.run.layout, secondPrefix, t.opt.second)...)
	n := []int{len(t.run.Loss)}
	tensors = append(tensors, tensor{curveLoss, n, t.run.Loss}, tensor{curveNorm, n, t.run.Norm})
	for i, x := range t.carried {
		tensors = append(tensors, tensor{inputState(i), []int{len(x)}, x})
	}
	if err := writeTensors(t.o.Checkpoint, tensors, map[string]string{
		"format": checkpointFormat, "recipe": t.run.Recipe.key(), "steps": strconv.Itoa(t.run.Steps),
		"tokens": strconv.FormatInt(t.run.Tokens, 10), "evaluations": string(evaluations), "stopped": strconv.FormatBool(t.run.Stopped),
		"corpus": t.o.Corpus, "seconds": strconv.FormatFloat(t.run.Seconds, 'g', -1, 64),
	}); err != nil {
		return fmt.Errorf("saving a checkpoint: %w", err)
	}
	t.saved, t.savedAt = t.run.Steps, time.Now()
	return nil
}

const checkpointFormat = "l2m-lab-1"

// load resumes from the checkpoint, if there is one.
func (t *trainer) load() error {
	if t.o.Checkpoint == "" {
		return nil
	}
	f, err := os.Open(t.o.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	if err := t.restore(bufio.NewReader(f)); err != nil {
		return fmt.Errorf("resuming from %s: %w", t.o.Checkpoint, err)
	}
	return nil
}

func (t *trainer) restore(r io.Reader) error {
	tensors, meta, err := readTensors(r)
	if err != nil {
		return err
	}
	if meta["format"] != checkpointFormat {
		return fmt.Errorf("format %q is not %q", meta["format"], checkpointFormat)
	}
	if meta["recipe"] != t.run.Recipe.key() {
		return errors.New("it belongs to another recipe (choose another --out, or start again with --fresh)")
	}
	if corpus, known := meta["corpus"]; known && corpus != t.o.Corpus {
		return errors.New("it belongs to another text (choose another --out, or start again with --fresh)")
	}
	for prefix, to := range map[string][]float32{"": t.run.params, firstPrefix: t.opt.first, secondPrefix: t.opt.second} {
		if err := gather(t.run.layout, prefix, tensors, to); err != nil {
			return err
		}
	}
	steps, err1 := strconv.Atoi(meta["steps"])
	tokens, err2 := strconv.ParseInt(meta["tokens"], 10, 64)
	stopped, err3 := strconv.ParseBool(meta["stopped"])
	seconds, err5 := strconv.ParseFloat(cmp.Or(meta["seconds"], "NaN"), 64) // older ones do not say
	err4 := json.Unmarshal([]byte(meta["evaluations"]), &t.run.Evaluations)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return err
	}
	t.run.Steps, t.run.Tokens, t.run.Stopped, t.saved = steps, tokens, stopped, steps
	t.run.Seconds = seconds
	t.run.Loss, t.run.Norm = tensors[curveLoss].data, tensors[curveNorm].data
	for i := 0; tensors[inputState(i)].data != nil; i++ {
		t.carried = append(t.carried, tensors[inputState(i)].data)
	}
	if len(t.run.Loss) != steps || len(t.run.Norm) != steps {
		return fmt.Errorf("curves of %d and %d steps after %d", len(t.run.Loss), len(t.run.Norm), steps)
	}
	return nil
}

// gather copies the tensors of a layout into one vector.
func gather(layout *cpu.Layout, prefix string, tensors map[string]tensor, to []float32) error {
	for _, want := range layout.Tensors {
		got, ok := tensors[prefix+want.Name]
		if !ok || len(got.data) != want.Size() {
			return fmt.Errorf("tensor %q with %d numbers is not in it", prefix+want.Name, want.Size())
		}
		copy(to[want.Offset:], got.data)
	}
	return nil
}
