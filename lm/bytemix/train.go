package bytemix

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// New returns a universal model: it is untrained, knows only the structure of text
// (words, lines, repetitions) and learns only within a request.
func New(opts Options) (*Model, error) {
	opts, err := opts.withDefaults(false)
	if err != nil {
		return nil, err
	}
	e := newEngine(opts)
	e.pace(windowRates(opts.Alphabet, false))
	return newModel(opts, e, 0), nil
}

// checkEvery is the number of bytes between checks of the context.
const checkEvery = 4096

// gap is the number of bytes to the next restart, log-uniform from 2 to longest: a
// request's first bytes are hard to predict and are trained equally often in every
// octave of its length.
func gap(rng *rand.Rand, longest int) int {
	octave := 1 << (1 + rng.IntN(max(1, bits.Len(uint(longest))-2)))
	return octave + rng.IntN(octave)
}

// Train returns a model trained by one pass over the excerpts, in order. An excerpt
// begins anywhere in a text: the context is forgotten at its start and at random
// positions within (Options.Restart). Excerpts are neither kept nor changed, so the
// iterator may reuse their memory. With an alphabet other than Bytes, each byte of an
// excerpt is one token. progress, if not nil, is called from time to time with the
// number of bytes trained so far.
//
// Training is sequential, so the same excerpts in the same order give the same model on
// every machine. It takes a few microseconds per byte. The text is kept in the model
// (matches point into it), up to 1 GiB.
func Train(ctx context.Context, opts Options, excerpts iter.Seq2[[]byte, error], progress func(bytes int64)) (*Model, error) {
	opts, err := opts.withDefaults(true)
	if err != nil {
		return nil, err
	}
	e := newEngine(opts)
	rng := rand.New(rand.NewPCG(opts.Seed, 0x62797465))
	left := gap(rng, opts.Restart)
	var total int64
	for excerpt, err := range excerpts {
		if err != nil {
			return nil, fmt.Errorf("training bytemix: reading the excerpts after %d bytes: %w", total, err)
		}
		if opts.Alphabet != Bytes {
			for i, c := range excerpt {
				if int(c) >= opts.Alphabet.Size() {
					return nil, fmt.Errorf("training bytemix: symbol %d of the excerpt that follows %d symbols is %d, but the alphabet %q has %d", i, total, c, opts.Alphabet, opts.Alphabet.Size())
				}
			}
		}
		e.fresh()
		for len(excerpt) > 0 {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("training bytemix: stopped after %d bytes: %w", total, err)
			}
			n := min(len(excerpt), left, checkEvery)
			if total+int64(n) > maxText {
				return nil, fmt.Errorf("training bytemix: more than %d bytes (train on fewer documents)", maxText)
			}
			e.pace(trainingRates(opts.Alphabet, total))
			e.learn(excerpt[:n])
			excerpt = excerpt[n:]
			total += int64(n)
			if left -= n; left == 0 {
				e.fresh()
				left = gap(rng, opts.Restart)
			}
			if progress != nil {
				progress(total)
			}
		}
	}
	if total == 0 {
		return nil, errNoText
	}
	e.finish()
	if !slices.Contains(opts.Without, Haste) {
		e.pace(windowRates(opts.Alphabet, true))
	}
	return newModel(opts, e, total), nil
}

// maxText bounds the training text, which is kept in memory.
const maxText = 1 << 30

var errNoText = errors.New("training bytemix: no training text (give at least one document that is not empty, or use New)")

// rates are the speeds of adaptation. A probability seen more often than the largest
// count adapts as if seen that often.
type rates struct {
	limit   uint32 // largest count of an adaptive map
	direct  uint32 // largest count of a direct probability
	mix     int32  // learning rate of the weight sets
	final   int32  // learning rate of the final mixer
	apmRate uint   // shift of the adaptive probability maps
}

// trainingRates slows adaptation as training progresses.
func trainingRates(a Alphabet, total int64) rates {
	if a != Bytes {
		return rates{limit: 1023, direct: 255, mix: 40, final: 20, apmRate: 7}
	}
	r := rates{limit: 1023, direct: 255, mix: 60, final: 10, apmRate: 6}
	if total < 1<<20 {
		r.mix = 200 - int32(140*total>>20)
		r.final = 20
	}
	return r
}

// windowRates are the rates within a request. They are faster, so that a large count
// from training does not prevent adaptation to the text: direct probabilities adapt as
// if seen 20 times.
func windowRates(a Alphabet, trained bool) rates {
	switch {
	case a != Bytes && trained:
		return rates{limit: 40, direct: 20, mix: 80, final: 20, apmRate: 7}
	case a != Bytes:
		return rates{limit: 1023, direct: 255, mix: 200, final: 30, apmRate: 7}
	case trained:
		return rates{limit: 255, direct: 20, mix: 90, final: 20, apmRate: 6}
	}
	return rates{limit: 255, direct: 255, mix: 150, final: 20, apmRate: 6}
}
