package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/graph"
	"github.com/l2m-lab/l2m/lab/mixer"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Files of a trained model.
const (
	ConfigFile  = "config.json"
	WeightsFile = "model.safetensors"
)

// Kinds of tokens of a trained model.
const (
	kindSymbols = "symbols" // the last one of the vocabulary starts a sequence
	kindTokens  = "tokens"  // the same, of a vocabulary that the weights name
	kindVectors = "vectors"
	kindTask    = "task"
)

// kindOf is the kind of tokens in the data.
func kindOf(d Data) string {
	switch d := d.(type) {
	case *text:
		if d.tokens != "" {
			return kindTokens
		}
	case *task:
		return kindTask
	case *gaussian:
		return kindVectors
	}
	return kindSymbols
}

// Save writes the model to a folder: config.json and model.safetensors.
func (r *Run) Save(dir string, data Data) error {
	if err := atomicfile.WriteBytes(filepath.Join(dir, ConfigFile), 0o644, r.Recipe.Model.JSON()); err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, WeightsFile), 0o644, func(w io.Writer) error { return r.WriteWeights(w, data) })
}

// WriteWeights writes the parameters as safetensors.
func (r *Run) WriteWeights(w io.Writer, data Data) error {
	meta := map[string]string{"format": weightsFormat, "tokens": kindOf(data)}
	if t, ok := data.(*text); ok {
		meta[textSeed], meta[textTokens] = strconv.FormatUint(r.Recipe.Seed, 10), t.tokens
	}
	return encodeTensors(w, sections(r.layout, "", r.params), meta)
}

// Parameters is the number of parameters.
func (r *Run) Parameters() int { return r.layout.Size }

// LastLoss is the mean loss of the last tenth of the steps, nats.
func (r *Run) LastLoss() float64 {
	last := r.Loss[len(r.Loss)-max(1, len(r.Loss)/10):]
	sum := 0.0
	for _, x := range last {
		sum += float64(x)
	}
	return sum / float64(len(last))
}

// Read reads the model in a folder, trained by recipe r, for evaluation. Other fields
// of Run are not set.
func Read(dir string, r Recipe) (*Run, error) {
	m, err := open(dir, cpu.Best())
	if err != nil {
		return nil, fmt.Errorf("reading the trained model in %s: %w", dir, err)
	}
	r.Model = m.config
	return &Run{Recipe: r, layout: m.layout, params: m.params}, nil
}

const weightsFormat = "l2m-lab-weights-1"

// What the weights' file says of a text: the seed that split its documents, and the
// fingerprint of the vocabulary.
const (
	textSeed   = "text_seed"
	textTokens = "text_tokens"
)

// trained is a model read from a folder.
type trained struct {
	info   lm.Info
	config mixer.Config
	kind   string
	seed   string // that split the documents of a text; "" for other data
	tokens string // fingerprint of the vocabulary; "" for bytes and other data
	layout *cpu.Layout
	params []float32
	set    cpu.Set

	mu       sync.Mutex
	programs map[int]*sync.Pool // of machines, by length
}

// Open reads the model in a folder: a model of symbols (lm.Model[token.ID]) or of
// vectors (lm.Model[[]float64]); the other is nil. Its log-probabilities are those of
// the training form, in float32, for sequences of any length that its positions allow.
// Sequences begin as in training: anywhere in a text or at the start of a process.
func Open(dir string, set cpu.Set) (lm.Model[token.ID], lm.Model[[]float64], error) {
	m, err := open(dir, set)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the trained model in %s: %w", dir, err)
	}
	switch m.kind {
	case kindSymbols, kindTokens:
		return symbolModel{m}, nil, nil
	case kindVectors:
		return nil, vectorModel{m}, nil
	}
	return nil, nil, fmt.Errorf("the model in %s was trained on a task: it answers questions and does not predict sequences", dir)
}

func open(dir string, set cpu.Set) (*trained, error) {
	config, err := os.ReadFile(filepath.Join(dir, ConfigFile))
	if err != nil {
		return nil, err
	}
	weights, err := os.ReadFile(filepath.Join(dir, WeightsFile))
	if err != nil {
		return nil, err
	}
	m := &trained{set: set, programs: map[int]*sync.Pool{}}
	d := json.NewDecoder(bytes.NewReader(config))
	d.DisallowUnknownFields()
	if err := d.Decode(&m.config); err != nil {
		return nil, fmt.Errorf("%s: %w", ConfigFile, err)
	}
	if m.config, err = m.config.Settled(); err != nil {
		return nil, fmt.Errorf("%s: %w", ConfigFile, err)
	}
	tensors, meta, err := readTensors(bytes.NewReader(weights))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", WeightsFile, err)
	}
	if meta["format"] != weightsFormat {
		return nil, fmt.Errorf("%s: format %q is not %q", WeightsFile, meta["format"], weightsFormat)
	}
	m.kind, m.seed, m.tokens, m.layout = meta["tokens"], meta[textSeed], meta[textTokens], LayoutOf(m.config)
	if (m.kind == kindVectors) != (m.config.Vector > 0) {
		return nil, fmt.Errorf("%s: tokens %q do not fit the config", WeightsFile, m.kind)
	}
	m.params = make([]float32, m.layout.Size)
	if err := gather(m.layout, "", tensors, m.params); err != nil {
		return nil, fmt.Errorf("%s: %w", WeightsFile, err)
	}
	sum := sha256.New()
	for _, part := range [][]byte{config, weights} {
		h := sha256.Sum256(part)
		_, _ = io.Writer(sum).Write(h[:])
	}
	m.info = lm.Info{Name: filepath.Base(dir), Density: m.config.Vector > 0, BOS: lm.NoBOS, Fingerprint: "l2m-lab/1 " + set.String() + " " + hex.EncodeToString(sum.Sum(nil)[:16])}
	if m.kind == kindSymbols || m.kind == kindTokens {
		m.info.Vocabulary = m.config.Vocabulary - 1
	}
	if m.config.Limited() {
		m.info.Context = m.config.Longest
	}
	return m, nil
}

// longestScored bounds the sequences of a model without a longest one.
const longestScored = 1 << 20

// machine takes a machine for sequences of n tokens, and returns the length it is made
// for, which may be longer: predictions do not depend on later tokens.
func (m *trained) machine(n int) (*cpu.Machine, *sync.Pool, int, error) {
	most := longestScored
	if m.info.Context > 0 {
		most = m.info.Context
	}
	if n > most {
		return nil, nil, 0, fmt.Errorf("a sequence of %d tokens is longer than this model's longest, %d", n, most)
	}
	length := 16
	for length < n {
		length *= 2
	}
	length = min(length, most)
	m.mu.Lock()
	defer m.mu.Unlock()
	pool := m.programs[length]
	if pool == nil {
		p, err := m.compile(length)
		if err != nil {
			return nil, nil, 0, err
		}
		pool = &sync.Pool{New: func() any { return cpu.NewMachine(p) }}
		m.programs[length] = pool
	}
	return pool.Get().(*cpu.Machine), pool, length, nil
}

func (m *trained) compile(length int) (*cpu.Program, error) {
	var y *graph.Node
	if _, err := graph.Build(func(g *graph.Graph) {
		if m.kind == kindVectors {
			y = m.config.Forward(g, g.Input(inputX, 1, length, m.config.Vector))
			return
		}
		y = g.CrossEntropy(m.config.Forward(g, g.Input(inputX, 1, length)), g.Input(inputTargets, length))
	}); err != nil {
		return nil, err
	}
	return cpu.Compile([]*graph.Node{y}, m.layout, m.set)
}

// answer scores a sequence and every branch as separate sequences.
func answer[T any](ctx context.Context, r lm.Request[T], score func(tokens []T) ([]float32, error)) (lm.Scores, error) {
	s := lm.Scores{Branches: make([][]float32, len(r.Branches))}
	var err error
	if s.Tokens, err = score(r.Tokens); err != nil {
		return lm.Scores{}, fmt.Errorf("sequence: %w", err)
	}
	for i, b := range r.Branches {
		if err := ctx.Err(); err != nil {
			return lm.Scores{}, err
		}
		if b.At < 0 || b.At > len(r.Tokens) {
			return lm.Scores{}, fmt.Errorf("branch %d leaves a sequence of %d tokens at %d", i, len(r.Tokens), b.At)
		}
		all, err := score(append(append([]T{}, r.Tokens[:b.At]...), b.Tokens...))
		if err != nil {
			return lm.Scores{}, fmt.Errorf("branch %d: %w", i, err)
		}
		s.Branches[i] = all[b.At:]
	}
	return s, nil
}

type symbolModel struct{ *trained }

// TextSeed is the seed that split the documents of the text the model was trained on, in
// decimal; "" for a model of a process, or where it is not known.
func (m symbolModel) TextSeed() string { return m.seed }

// TextTokens is the fingerprint of the vocabulary of a text, see vocabulary.Open; "" for
// bytes and for a model of a process.
func (m symbolModel) TextTokens() string { return m.tokens }

// Info implements lm.Model.
func (m symbolModel) Info() lm.Info { return m.info }

// LogProbs implements lm.Model.
func (m symbolModel) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	return answer(ctx, r, m.score)
}

func (m symbolModel) score(tokens []token.ID) ([]float32, error) {
	for i, id := range tokens {
		if int(id) < 0 || int(id) >= m.info.Vocabulary {
			return nil, fmt.Errorf("token %d is %d; the model has %d", i, id, m.info.Vocabulary)
		}
	}
	out := make([]float32, len(tokens))
	if len(tokens) == 0 {
		return out, nil
	}
	machine, pool, _, err := m.machine(len(tokens))
	if err != nil {
		return nil, err
	}
	defer pool.Put(machine)
	x, targets := inputsOf(machine)(inputX), inputsOf(machine)(inputTargets)
	clear(x)
	clear(targets)
	x[0] = float32(m.config.Vocabulary - 1)
	for i, id := range tokens {
		targets[i] = float32(id)
		if i+1 < len(x) {
			x[i+1] = float32(id)
		}
	}
	if err := machine.Run(m.params); err != nil {
		return nil, err
	}
	for i, loss := range machine.Output(0)[:len(tokens)] {
		out[i] = -loss
	}
	return out, nil
}

type vectorModel struct{ *trained }

// Info implements lm.Model.
func (m vectorModel) Info() lm.Info { return m.info }

// LogProbs implements lm.Model: the sum of the normal log-densities of a
// vector's numbers.
func (m vectorModel) LogProbs(ctx context.Context, r lm.Request[[]float64]) (lm.Scores, error) {
	return answer(ctx, r, m.score)
}

func (m vectorModel) score(tokens [][]float64) ([]float32, error) {
	d := m.config.Vector
	out := make([]float32, len(tokens))
	if len(tokens) == 0 {
		return out, nil
	}
	machine, pool, length, err := m.machine(len(tokens))
	if err != nil {
		return nil, err
	}
	defer pool.Put(machine)
	x := inputsOf(machine)(inputX)
	clear(x)
	for i, v := range tokens {
		if len(v) != d {
			return nil, fmt.Errorf("token %d has width %d; the model's have width %d", i, len(v), d)
		}
		for k, y := range v {
			if math.IsNaN(y) || math.IsInf(y, 0) {
				return nil, errors.New("a number is not finite")
			}
			if i+1 < length {
				x[(i+1)*d+k] = float32(y)
			}
		}
	}
	if err := machine.Run(m.params); err != nil {
		return nil, err
	}
	y := machine.Output(0)
	for i, v := range tokens {
		lp := 0.0
		for k, x := range v {
			mean, logSD := float64(y[i*2*d+k]), float64(y[i*2*d+d+k])
			e := (x - mean) * math.Exp(-logSD)
			lp -= 0.5*(math.Log(2*math.Pi)+e*e) + logSD
		}
		out[i] = float32(lp)
	}
	return out, nil
}
