package lab

import (
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/npy"
	"github.com/l2m-lab/l2m/lab/train"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/token"
)

// EvaluatePredictions evaluates a model that was trained elsewhere on the process that
// data names, by what it predicts: see train.Predictions. file is an .npz file with the
// arrays x, the sequences as l2m process sample writes them, (sequences, length) or
// (sequences, length, copies), and mean and deviation, or logprobs, of the same shape.
func EvaluatePredictions(ctx context.Context, file, data string) (*result.Lab, error) {
	d, err := train.OpenData(data)
	if err != nil {
		return nil, err
	}
	p, err := readPredictions(file)
	if err == nil {
		var e *train.Evaluation
		if e, err = train.EvaluatePredictions(ctx, d, p); err == nil {
			return &result.Lab{
				Schema: result.LabSchema, Version: info.BuildVersion().Short(), Name: strings.TrimSuffix(filepath.Base(file), ".npz"), Data: data,
				Evaluations: []result.LabEvaluation{result.LabEvaluation(*e)},
			}, nil
		}
	}
	return nil, fmt.Errorf("evaluating the predictions in %s: %w", file, err)
}

func readPredictions(file string) (p train.Predictions, err error) {
	a, err := npy.OpenArchive(file)
	if err != nil {
		return p, err
	}
	defer a.Close()
	shape, symbols, err := a.Ints("x")
	if err != nil { // numbers, or neither
		if shape, p.X, err = a.Floats("x"); err != nil {
			return p, err
		}
	}
	if len(shape) < 2 || len(shape) > 3 || slices.Contains(shape, 0) {
		return p, fmt.Errorf("x has the shape %v, not (sequences, length) or (sequences, length, copies)", shape)
	}
	p.Sequences, p.Length, p.Copies = shape[0], shape[1], 1
	if len(shape) == 3 {
		p.Copies = shape[2]
	}
	if symbols != nil && p.Copies > 1 {
		return p, fmt.Errorf("x has the shape %v; symbols have two dimensions, (sequences, length)", shape)
	}
	for row := range slices.Chunk(symbols, p.Length) {
		ids := make([]token.ID, len(row))
		for t, s := range row {
			if s < 0 || s > math.MaxUint32 {
				return p, fmt.Errorf("x has the symbol %d", s)
			}
			ids[t] = token.ID(s)
		}
		p.Symbols = append(p.Symbols, ids)
	}
	return p, readLaws(a, shape, &p)
}

// readLaws reads what was predicted.
func readLaws(a *npy.Archive, shape []int, p *train.Predictions) error {
	names := a.Names()
	wanted := map[string]*[]float32{"mean": &p.Mean, "deviation": &p.Deviation}
	if slices.Contains(names, "logprobs") {
		wanted = map[string]*[]float32{"logprobs": &p.LogProbs}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		own, values, err := a.Floats(name)
		if err != nil {
			return err
		}
		if !slices.Equal(own, shape) {
			return fmt.Errorf("%s has the shape %v, and x %v", name, own, shape)
		}
		for i, v := range values {
			switch x := float64(v); {
			case math.IsNaN(x) || math.IsInf(x, 0):
				return fmt.Errorf("number %d of %s is %v", i, name, v)
			case name == "deviation" && v <= 0:
				return fmt.Errorf("number %d of deviation is %v: a standard deviation is above 0", i, v)
			}
		}
		*wanted[name] = values
	}
	return nil
}
