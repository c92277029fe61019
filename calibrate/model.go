package calibrate

import (
	"context"
	"fmt"
	"iter"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/bytemix"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/token"
)

// applicable says whether a process has a model with the damage done. Only models of
// stationary Gaussian processes can be damaged in every way; of other stationary
// processes, those of symbols can have a short context or be smoothed. The built-in
// predictor reads symbols that fit into a byte.
func applicable(p process.Truth, damage process.Damage) bool {
	d := p.Describe()
	_, gaussian := p.(*process.Gaussian)
	switch {
	case open.Trains(damage.Model):
		return d.Token == process.Symbol && d.Alphabet > 0 && d.Alphabet <= 256
	case damage == process.Damage{} || damage.Model != "" || gaussian:
		return true
	}
	return d.Token == process.Symbol && d.Shift == process.Stationary && damage.OfSymbols()
}

// predictor is the model of a process with the damage done, an lm.Model of its
// tokens.
func (o Options) predictor(ctx context.Context, truth process.Truth, d process.Damage) (any, error) {
	switch p := truth.(type) {
	case process.Process[float64]:
		if g, ok := p.(*process.Gaussian); ok && d.Model == "" {
			return g.Damaged(d)
		}
		return modelOf(p, d)
	case process.Process[[]float64]:
		return modelOf(p, d)
	case process.Process[token.ID]:
		switch {
		case open.Trains(d.Model):
			return o.trained(ctx, p)
		case d.Model == "":
			return process.DamagedSymbols(p, d)
		}
		return modelOf(p, d)
	}
	return nil, fmt.Errorf("%T has tokens of an unknown type", truth)
}

func modelOf[T any](p process.Process[T], d process.Damage) (any, error) {
	if d.Model != "" {
		return open.Trained[T](d.Model)
	}
	return p.Model(), nil
}

const (
	// trainingSymbols is how much of a process the built-in predictor is trained on.
	trainingSymbols = 1 << 18
	// trainingDocument is the length of a training document, in windows.
	trainingDocument = 16
)

// trained is the built-in predictor, trained on other samples of the process.
func (o Options) trained(ctx context.Context, p process.Process[token.ID]) (lm.Model[token.ID], error) {
	length := min(trainingDocument*o.Length, trainingSymbols, p.Describe().MaxLength)
	count := max(1, trainingSymbols/length)
	seed := ^o.Seed // not those of the repetitions
	documents := iter.Seq2[[]byte, error](func(yield func([]byte, error) bool) {
		stopped := false
		err := process.Samples(ctx, p, seed, length, count, o.Workers, func(_ int, symbols []token.ID) error {
			text := make([]byte, len(symbols))
			for i, s := range symbols {
				text[i] = byte(s)
			}
			if !yield(text, nil) {
				stopped = true
				return context.Canceled
			}
			return nil
		})
		if err != nil && !stopped {
			yield(nil, err)
		}
	})
	return bytemix.Train(ctx, bytemix.Options{TableBits: 20, Workers: o.Workers, Seed: o.Seed}, documents, nil)
}
