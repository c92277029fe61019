package bytemix

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
)

// New returns a universal model: it knows nothing but how text is made (words,
// lines, repetitions) and learns only inside a request.
func New(opts Options) (*Model, error) {
	opts, err := opts.withDefaults(false)
	if err != nil {
		return nil, err
	}
	p := newPredictor(uint(opts.TableBits))
	return newModel(opts, p, windowRates(false)), nil
}

// checkEvery is the number of bytes between two looks at the context.
const checkEvery = 4096

// Train returns a model trained by one pass over the excerpts, in their order.
// Excerpts may be whole documents: each begins as after a blank line, and the
// context is dropped at random places (Options.Restart). An excerpt is not
// kept or changed, so the iterator may reuse its memory. progress, when not
// nil, is called now and then with the bytes trained so far.
//
// Training is sequential, so the same excerpts in the same order give the same
// model on every machine. It costs about one microsecond per byte; the text is
// kept in the model (matches point into it), up to maxText bytes.
func Train(ctx context.Context, opts Options, excerpts iter.Seq2[[]byte, error], progress func(bytes int64)) (*Model, error) {
	opts, err := opts.withDefaults(true)
	if err != nil {
		return nil, err
	}
	p := newPredictor(uint(opts.TableBits))
	p.training = true
	rng := rand.New(rand.NewPCG(opts.Seed, 0x62797465))
	left := 1 + rng.IntN(2*opts.Restart)
	var total int64
	for e, err := range excerpts {
		if err != nil {
			return nil, fmt.Errorf("training bytemix: reading the excerpts after %d bytes: %w", total, err)
		}
		p.begin()
		for _, c := range e {
			if total%checkEvery == 0 {
				if err := ctx.Err(); err != nil {
					return nil, fmt.Errorf("training bytemix: stopped after %d bytes: %w", total, err)
				}
				if progress != nil && total > 0 {
					progress(total)
				}
				p.rate = trainingRates(total)
			}
			if total >= maxText {
				return nil, fmt.Errorf("training bytemix: more than %d bytes (train on fewer documents)", maxText)
			}
			p.code(c)
			total++
			if left--; left == 0 {
				p.fresh()
				left = 1 + rng.IntN(2*opts.Restart)
			}
		}
	}
	if total == 0 {
		return nil, errNoText
	}
	if progress != nil {
		progress(total)
	}
	p.training = false
	p.fresh()
	return newModel(opts, p, windowRates(true)), nil
}

// maxText bounds the training text, which stays in memory.
const maxText = 1 << 30

var errNoText = errors.New("training bytemix: no training text (give at least one document that is not empty, or use New)")

// trainingRates slows adaptation down as the training goes on.
func trainingRates(total int64) rates {
	r := rates{limit: 1023, mix: 60, final: 10, direct: 255, apmRate: 6}
	if total < 1<<20 {
		r.mix = 200 - int32(140*total>>20)
		r.final = 20
	}
	return r
}

// windowRates are the speeds inside a request.
func windowRates(trained bool) rates {
	if trained {
		return rates{limit: 255, mix: 60, final: 10, direct: 255, apmRate: 6}
	}
	return rates{limit: 255, mix: 150, final: 20, direct: 255, apmRate: 6}
}
