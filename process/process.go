package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
)

// Truth is what is known exactly about a process with any type of tokens.
type Truth interface {
	Describe() Description
	// BipartiteMI is I(w_1..w_ell ; w_{ell+1}..w_L), exact for the sequence at the
	// start of a sample. It fails unless 1 ≤ ell < L, and if no exact value can be
	// computed (the error says why).
	BipartiteMI(ell, L int) (info.Nats, error)
	// TwoPointMI is I(w_i; w_{i+d}); ok is false if it is unknown or depends on i
	// because the process is not stationary.
	TwoPointMI(d int) (mi info.Nats, ok bool)
	// EntropyRate is the limit of the entropy per token (differential entropy for
	// densities).
	EntropyRate() info.Nats
}

// Process is a random process over tokens of type T: token.ID (symbols),
// float64 (numbers) or []float64 (vectors).
type Process[T any] interface {
	Truth
	// Sample draws a sequence of length tokens (at most Describe().MaxLength) from the
	// beginning of the process, which is an arbitrary position if it is stationary.
	Sample(rng *rand.Rand, length int) []T
	// Model is the exact conditional law: LogProbs returns ln p(token | past), −Inf for
	// impossible continuations.
	Model() lm.Model[T]
}

// Shift says how the law of a process depends on the position.
type Shift string

// The kinds. Estimators that score Y from a fresh start, and block, assume that a later
// part has the law of the first one.
const (
	// Stationary: any n consecutive tokens have the law of the first n.
	Stationary Shift = "stationary"
	// DyadicShift: w_{ell+1}..w_{2·ell} has the law of w_1..w_ell for ell = 1, 2, 4, 8,
	// …; other ranges may differ. The ratio L/ell = 2 is then exact at these lengths,
	// larger ratios are not.
	DyadicShift Shift = "dyadic"
	// NotStationary: no such property; block does not apply, and paired and
	// direct need a model that knows the position.
	NotStationary Shift = "none"
)

// TokenKind is the type of a process's tokens.
type TokenKind string

// The kinds of tokens.
const (
	Symbol TokenKind = "symbol" // token.ID
	Number TokenKind = "number" // float64
	Vector TokenKind = "vector" // []float64
)

// Description describes a process.
type Description struct {
	Kind     string    `json:"kind"` // as in Parse: "powergauss"
	Spec     string    `json:"spec"` // canonical name that Parse turns back into the process
	Title    string    `json:"title"`
	Token    TokenKind `json:"token"`
	Alphabet int       `json:"alphabet,omitempty"` // number of symbols; 0 when unbounded or numbers
	Width    int       `json:"width,omitempty"`    // of vectors
	Letters  string    `json:"letters,omitempty"`  // of a text, by symbol; tokens are its bytes
	Params   []Param   `json:"params"`
	Shift    Shift     `json:"shift"`
	// Beta is the exponent of I(L/2;L) at large L if known; 0 means that the
	// information grows more slowly than any power or not at all.
	Beta *float64 `json:"beta,omitempty"`
	// Lengths says at which L the law holds, in words, and LengthBase that it
	// does so only at its powers; 0 means at every L.
	Lengths    string `json:"lengths,omitempty"`
	LengthBase int    `json:"length_base,omitempty"`
	// MaxLength is the longest sequence that can be sampled and scored, tokens.
	MaxLength int `json:"max_length"`
}

// The longest sequences if time grows like L², from a table of partial autocorrelations
// or one that takes O(L²) itself, and otherwise.
const (
	maxQuadratic = 1 << 17
	maxDerived   = 1 << 16
	maxLinear    = 1 << 28
)

// HoldsAt reports whether windows of L tokens lie on the law: always, or only
// when L is a power of LengthBase.
func (d Description) HoldsAt(L int) bool {
	if d.LengthBase == 0 {
		return true
	}
	n := d.LengthBase
	for n < L {
		n *= d.LengthBase
	}
	return n == L
}

// Param is a parameter of a process, as text that Parse accepts.
type Param struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Doc   string `json:"doc"`
}

// fingerprint identifies the exact model of a process; version is to be raised
// when an algorithm change alters log-probabilities.
func fingerprint(spec string) string {
	const version = "process/1 "
	sum := sha256.Sum256([]byte(version + spec))
	return hex.EncodeToString(sum[:16])
}

// modelInfo describes the exact model of a process.
func modelInfo(d Description) lm.Info {
	return lm.Info{
		Name: d.Spec, Vocabulary: d.Alphabet, Density: d.Token != Symbol,
		BOS: lm.NoBOS, Context: d.MaxLength, Fingerprint: fingerprint(d.Spec),
	}
}

// checkSplit checks that ell splits L.
func checkSplit(ell, L int) error {
	if ell < 1 || ell >= L {
		return fmt.Errorf("a sequence of %d tokens cannot be split after %d (want 1 ≤ ℓ < L)", L, ell)
	}
	return nil
}

// NewRand returns the generator of sample number index under seed: samples can
// be drawn in any order and on any number of cores.
func NewRand(seed uint64, index int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15*uint64(index+1)))
}

// batchSampler is a process that draws several sequences at a lower cost than
// one after the other. Sequence i must not depend on the others.
type batchSampler[T any] interface {
	sampleBatch(rngs []*rand.Rand, length int) [][]T
	batchSize(length int) int
}

// Samples draws count sequences of length tokens and yields them in order of their
// index. Sequence i depends only on (process, seed, i, length), not on the number of
// workers (0 means GOMAXPROCS). Only a few batches are in memory. It stops at the first
// error of yield and when ctx is done.
func Samples[T any](ctx context.Context, p Process[T], seed uint64, length, count, workers int, yield func(i int, sample []T) error) error {
	if length < 1 || count < 0 {
		return fmt.Errorf("sampling %s: %d sequences of %d tokens asked for", p.Describe().Spec, count, length)
	}
	if d := p.Describe(); length > d.MaxLength {
		return fmt.Errorf("sampling %s: sequences of %d tokens are too long (at most %d)", d.Spec, length, d.MaxLength)
	}
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	size := 1
	batched, many := p.(batchSampler[T])
	if many {
		size = max(1, min(batched.batchSize(length), (count+workers-1)/workers))
	}
	draw := func(first int) [][]T {
		n := min(size, count-first)
		if many {
			rngs := make([]*rand.Rand, n)
			for i := range rngs {
				rngs[i] = NewRand(seed, first+i)
			}
			return batched.sampleBatch(rngs, length)
		}
		return [][]T{p.Sample(NewRand(seed, first), length)}
	}
	return inOrder(ctx, (count+size-1)/size, workers, func(b int) [][]T { return draw(b * size) },
		func(b int, batch [][]T) error {
			for i, s := range batch {
				if err := yield(b*size+i, s); err != nil {
					return err
				}
			}
			return nil
		})
}

// inOrder makes items 0..n−1 on several workers and yields them in order. At
// most 2·workers items wait.
func inOrder[T any](ctx context.Context, n, workers int, make1 func(int) T, yield func(int, T) error) error {
	type slot chan T
	queue := make(chan slot, workers)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	tokens := make(chan struct{}, workers)
	wg.Go(func() {
		defer close(queue)
		for i := range n {
			select {
			case tokens <- struct{}{}:
			case <-stop:
				return
			}
			s := make(slot, 1)
			wg.Go(func() {
				s <- make1(i)
				<-tokens
			})
			select {
			case queue <- s:
			case <-stop:
				return
			}
		}
	})
	var err error
	i := 0
	for s := range queue {
		item := <-s
		if err = ctx.Err(); err == nil {
			err = yield(i, item)
		}
		if err != nil {
			break
		}
		i++
	}
	close(stop)
	for range queue { // let the feeder finish
	}
	wg.Wait()
	return err
}

// errNotExact marks an exact value that cannot be computed.
var errNotExact = errors.New("no exact value")

// IsNotExact reports whether an error of BipartiteMI means that the split is
// valid but that its exact value cannot be computed.
func IsNotExact(err error) bool { return errors.Is(err, errNotExact) }

func notExact(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errNotExact, fmt.Sprintf(format, args...))
}

// gaussianLogDensity is ln of the density of N(0, v) at e.
func gaussianLogDensity(e, v float64) float64 {
	return -0.5 * (math.Log(2*math.Pi*v) + e*e/v)
}
