package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/l2m-lab/l2m/lab/graph"
	"github.com/l2m-lab/l2m/lab/mixer"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/token"
)

// Data draws sequences.
type Data interface {
	Vocabulary() int // of symbols; 0 for vectors
	Vector() int     // numbers in a token; 0 for symbols
	CheckLength(length int) error

	// loss builds, from the inputs of a batch, the loss of a model in nats per token
	// [batch length] (for vectors the mean over their numbers), and the weights of
	// tokens in the loss of a sequence, which sum to 1.
	loss(g *graph.Graph, c *mixer.Config, batch, length int) built
	// draw fills the inputs of sequence number i of a batch.
	draw(rng *rand.Rand, i, length int, input func(name string) []float32)
}

// tester is data with a fixed set of sequences for evaluation.
type tester interface {
	tests() int // number of them
	// test fills the inputs of sequence number i of a batch with test number k.
	test(k, i, length int, input func(name string) []float32)
	checkTest(length int) error
}

// truth is data with a known −ln p.
type truth interface {
	// exact returns −ln p of the tokens that draw draws from the same generator.
	exact(ctx context.Context, rng *rand.Rand, length int) ([]float64, error)
}

// built are nodes of a program.
type built struct {
	loss, weights *graph.Node // [batch length]
	logits        *graph.Node // of symbols, [batch·length vocabulary]
}

// Streams of random numbers.
const (
	streamTrain = iota + 1
	streamEvaluate
	streamBegin
	streamLength
)

// newRand is the generator of item number i of a stream.
func newRand(seed, stream, i uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed*0x9e3779b97f4a7c15+stream, i))
}

// Data of a recipe that are a text, which Text opens.
const (
	Bytes  = "bytes"
	Tokens = "tokens" // of Recipe.Tokenizer
)

// OpenData opens data by name: a process in the syntax of package process (Gaussian
// ones with copies=N for vectors of N numbers), or a task
// ("recall:pairs=4,vocabulary=8192", "copy:symbols=16",
// "selective:items=8,symbols=16"). For text see Text.
func OpenData(spec string) (Data, error) {
	kind, _, _ := strings.Cut(spec, ":")
	if task := tasks[kind]; task != nil {
		return task(spec)
	}
	t, err := process.Parse(spec)
	if err != nil {
		return nil, err
	}
	copies := 1
	desc := t.Describe()
	if desc.Token == process.Vector {
		one, _, _ := strings.Cut(desc.Spec, ",copies=")
		copies = desc.Width
		if t, err = process.Parse(one); err != nil {
			return nil, err
		}
	}
	switch p := t.(type) {
	case process.Process[token.ID]:
		if desc.Alphabet == 0 {
			return nil, fmt.Errorf("data %q: its symbols have no largest one, so no model has logits for all of them", spec)
		}
		return &symbols{p: p, name: desc.Spec, alphabet: desc.Alphabet}, nil
	case process.Covarier:
		return newGaussian(p, copies)
	}
	return nil, fmt.Errorf("data %q: the conditional law of this process is not known in a form that training can use", spec)
}

// gaussian is a number of copies of a Gaussian process, whose covariance is
// L·Lᵀ: x = L·z with z standard normal, and the law of x_t given the past is
// N(x_t − L_tt·z_t, L_tt²).
type gaussian struct {
	p      process.Covarier
	copies int
	known  map[int]*factor
}

type factor struct {
	lower     []float32 // L, row by row
	deviation []float32 // L_tt
	gain      []float64 // ½ ln(Σ_tt/L_tt²): information about a number in its past, nats
}

func newGaussian(p process.Covarier, copies int) (Data, error) {
	return &gaussian{p: p, copies: copies, known: map[int]*factor{}}, nil
}

func (*gaussian) Vocabulary() int { return 0 }

func (d *gaussian) Vector() int { return d.copies }

// longestGaussian bounds the dense factors: 256 MB.
const longestGaussian = 8192

// CheckLength factorizes the covariance for later use.
func (d *gaussian) CheckLength(length int) error {
	if length < 1 || length > longestGaussian {
		return fmt.Errorf("sequences of a Gaussian process must have 1 to %d tokens", longestGaussian)
	}
	_, err := d.factor(length)
	return err
}

func (d *gaussian) factor(length int) (*factor, error) {
	if f := d.known[length]; f != nil {
		return f, nil
	}
	rows, err := d.p.Covariance(length)
	if err != nil {
		return nil, err
	}
	s := mat.NewSymDense(length, nil)
	for i := range rows {
		for j := range i + 1 {
			s.SetSym(i, j, rows[i][j])
		}
	}
	var c mat.Cholesky
	if !c.Factorize(s) {
		return nil, errors.New("the covariance of the process is singular")
	}
	var l mat.TriDense
	c.LTo(&l)
	f := &factor{lower: make([]float32, length*length), deviation: make([]float32, length), gain: make([]float64, length)}
	for i := range length {
		for j := range i + 1 {
			f.lower[i*length+j] = float32(l.At(i, j))
		}
		sd := l.At(i, i)
		f.deviation[i] = float32(sd)
		f.gain[i] = 0.5 * math.Log(s.At(i, i)/(sd*sd))
	}
	d.known[length] = f
	return f, nil
}

// Inputs of all data.
const (
	inputX       = "x"       // tokens, or for Gaussian data standard normal numbers
	inputTargets = "targets" // symbols
	inputWeights = "weights"
	inputAnswers = "answers" // of tasks: numbers of the tokens that count, over all sequences
)

// inputState is the input of state number i of the window before, see Recipe.Carry.
func inputState(i int) string { return "state." + strconv.Itoa(i) }

func (d *gaussian) loss(g *graph.Graph, c *mixer.Config, batch, length int) built {
	f, err := d.factor(length)
	if err != nil {
		panic(err) // CheckLength has succeeded
	}
	sd := g.Constant(f.deviation, length, 1)
	z := g.Input(inputX, batch, length, d.copies)
	lower := g.Constant(f.lower, length, length)
	flat := g.Reshape(g.Transpose(z, 1, 0, 2), length, batch*d.copies)
	x := g.Transpose(g.Reshape(g.Dot(lower, flat, false, false), length, batch, d.copies), 1, 0, 2)
	mean := g.Sub(x, g.Mul(z, sd))
	before := g.Fill(0, x.Shape...) // the first token is predicted from zeros
	if length > 1 {
		before = g.Pad(g.Cut(x, 1, 0, length-1), []int{0, 1, 0}, x.Shape)
	}
	y := c.Forward(g, before)
	predicted, logSD := g.Cut(y, 2, 0, d.copies), g.Cut(y, 2, d.copies, d.copies)
	kl := g.GaussianKL(predicted, logSD, mean, g.Mul(sd, sd))
	return built{loss: g.Reshape(g.Mean(kl), batch, length), weights: g.Fill(1/float64(length), batch, length)}
}

func (d *gaussian) draw(rng *rand.Rand, i, length int, input func(name string) []float32) {
	n := length * d.copies
	for k, z := 0, input(inputX)[i*n:(i+1)*n]; k < n; k++ {
		z[k] = float32(rng.NormFloat64())
	}
}
