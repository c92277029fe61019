package serving

import (
	"errors"
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/arch"
)

// Options says how a model is to be served. Zero values mean defaults, except for
// Memory.
type Options struct {
	Memory      int64   // bytes of one device
	Utilization float64 // share of Memory that may be used; 0 means 0.9, as in vLLM
	Overhead    int64   // bytes set aside on each device for activations and the engine
	Weights     int64   // bytes of all weights; devices share them evenly
	Devices     int     // that share the model (tensor parallelism); 0 means 1

	Context int64 // tokens per sequence; 0 means what the model declares
	Batch   int64 // sequences at once; 0 means 1

	Storage arch.Storage // formats of the cache

	Block      int64 // tokens of a block in vLLM; 0 means 16
	Scheduled  int64 // tokens that vLLM schedules at once (max_num_batched_tokens); 0 means 8,192
	Microbatch int64 // tokens of a physical batch in llama.cpp (n_ubatch); 0 means 512

	Bandwidth float64 // bytes per second that one device reads; 0: speed is not computed

	// Draft is a second model that proposes tokens, or nil. Its cache holds the same
	// sequences.
	Draft        *arch.Model
	DraftWeights int64 // bytes
}

func (o Options) withDefaults() Options {
	set := func(field *int64, value int64) {
		if *field == 0 {
			*field = value
		}
	}
	set(&o.Batch, 1)
	set(&o.Block, 16)
	set(&o.Scheduled, 8192)
	set(&o.Microbatch, 512)
	if o.Utilization == 0 {
		o.Utilization = 0.9
	}
	if o.Devices == 0 {
		o.Devices = 1
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.Memory <= 0:
		return errors.New("the memory of a device is not given")
	case !(o.Utilization > 0 && o.Utilization <= 1):
		return fmt.Errorf("a utilization of %g is not above 0 and at most 1", o.Utilization)
	case o.Devices < 1 || o.Devices > 1<<16:
		return fmt.Errorf("%d devices cannot share a model", o.Devices)
	case o.Batch < 1 || o.Context < 0 || o.Weights < 0 || o.DraftWeights < 0 || o.Overhead < 0 || o.Bandwidth < 0:
		return errors.New("batch, context, weights, overhead and bandwidth cannot be negative")
	case o.Block < 1 || o.Scheduled < 1 || o.Microbatch < 1:
		return errors.New("blocks and batches of tokens hold at least one token")
	}
	return nil
}

// Unbounded means that memory does not limit the context or the number of sequences.
const Unbounded = math.MaxInt64

// Fit says what fits.
type Fit struct {
	Model     string `json:"model"`
	Draft     string `json:"draft,omitempty"`
	Devices   int    `json:"devices"`
	Weights   int64  `json:"weights"`   // bytes on each device, including the draft's
	Available int64  `json:"available"` // bytes left for caches on each device; negative if the weights alone are too large
	Context   int64  `json:"context"`   // tokens asked about
	Batch     int64  `json:"batch"`

	Engines []EngineFit `json:"engines"` // Needed first
	Read    Read        `json:"read"`
}

// EngineFit says what fits with one engine.
type EngineFit struct {
	Engine      Engine `json:"engine"`
	PerSequence int64  `json:"per_sequence"` // bytes on each device at Context
	Total       int64  `json:"total"`        // PerSequence × Batch
	Fits        bool   `json:"fits"`
	Longest     int64  `json:"longest"`   // longest context at Batch, in tokens; 0 if there is none, or Unbounded
	Sequences   int64  `json:"sequences"` // the largest batch at Context
}

// Read is what a step that adds one token to each sequence must read from a device's
// memory: all weights (fewer for a mixture of experts, if a batch does not use all) and
// all caches. Sparse attention reads less.
type Read struct {
	Bytes int64 `json:"bytes"` // weights and caches, at Context and Batch
	// PerSecond bounds the tokens per second of one sequence; 0 if no bandwidth is
	// given. A batch makes Batch times as many.
	PerSecond float64 `json:"per_second,omitempty"`
}

// New computes what fits of m.
func New(m *arch.Model, o Options) (Fit, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return Fit{}, fmt.Errorf("planning memory for %s: %w", m.Name, err)
	}
	if o.Context == 0 {
		if o.Context = m.MaxLength; o.Context == 0 {
			return Fit{}, fmt.Errorf("planning memory for %s: it declares no longest context: say which to plan for", m.Name)
		}
	}
	f := Fit{Model: m.Name, Devices: o.Devices, Context: o.Context, Batch: o.Batch}
	f.Weights = ceilDiv(o.Weights, int64(o.Devices)) + ceilDiv(o.DraftWeights, int64(o.Devices))
	f.Available = int64(float64(o.Memory)*o.Utilization) - f.Weights - o.Overhead
	if o.Draft != nil {
		f.Draft = o.Draft.Name
	}
	for _, e := range Engines() {
		one, err := o.sequence(m, e, o.Context)
		if err != nil {
			return Fit{}, err
		}
		x := EngineFit{Engine: e, PerSequence: one, Total: product(one, o.Batch)}
		x.Fits = x.Total <= f.Available
		x.Longest = o.longest(m, e, f.Available)
		switch {
		case one == 0:
			x.Sequences = Unbounded
		case f.Available > 0:
			x.Sequences = f.Available / one
		}
		f.Engines = append(f.Engines, x)
	}
	now, err := o.sequence(m, Needed, o.Context)
	if err != nil {
		return Fit{}, err
	}
	if f.Read.Bytes = f.Weights; product(now, o.Batch) <= math.MaxInt64-f.Weights {
		f.Read.Bytes += product(now, o.Batch)
	}
	if o.Bandwidth > 0 && f.Read.Bytes > 0 {
		f.Read.PerSecond = o.Bandwidth / float64(f.Read.Bytes)
	}
	return f, nil
}

// sequence is the bytes of one sequence on one device, including the draft's cache.
func (o Options) sequence(m *arch.Model, e Engine, L int64) (int64, error) {
	n, err := Bytes(m, e, L, o)
	if err != nil || o.Draft == nil {
		return n, err
	}
	d, err := Bytes(o.Draft, e, L, o)
	if err == nil && d > math.MaxInt64-n {
		err = fmt.Errorf("caches of %s and %s at %d tokens do not fit in 63 bits", m.Name, o.Draft.Name, L)
	}
	return n + d, err
}

// longest is the longest context at which a batch fits, by bisection: memory never
// shrinks as the context grows. Sizes beyond 63 bits do not fit.
func (o Options) longest(m *arch.Model, e Engine, available int64) int64 {
	const most = int64(1) << 48
	fits := func(L int64) bool {
		n, err := o.sequence(m, e, L)
		return err == nil && product(n, o.Batch) <= available
	}
	if fits(most) {
		return Unbounded
	}
	if !fits(1) {
		return 0
	}
	lo, hi := int64(1), most
	for hi-lo > 1 {
		if mid := lo + (hi-lo)/2; fits(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// product multiplies, saturating.
func product(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64/a {
		return math.MaxInt64
	}
	return a * b
}

// Cell is an entry of a Table.
type Cell struct {
	Context int64 `json:"context"` // tokens
	Batch   int64 `json:"batch"`
	Total   int64 `json:"total"` // bytes of caches on each device
	Fits    bool  `json:"fits"`
}

// Table computes the memory of an engine for contexts × batches, row by row. Sizes
// beyond 63 bits are the largest number.
func Table(m *arch.Model, e Engine, contexts, batches []int64, o Options) ([]Cell, error) {
	o.Context = max(o.Context, 1)
	f, err := New(m, o)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	var cells []Cell
	for _, L := range contexts {
		one, err := o.sequence(m, e, L)
		if err != nil {
			one = math.MaxInt64
		}
		for _, b := range batches {
			total := product(one, b)
			cells = append(cells, Cell{L, b, total, total <= f.Available})
		}
	}
	return cells, nil
}
