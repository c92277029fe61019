package serving

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/l2m-lab/l2m/arch"
)

// Engine is a way of allocating memory.
type Engine string

// Engines.
const (
	// Needed is what every engine needs: the peak of the history state at any length up
	// to the context.
	Needed Engine = "needed"
	// VLLM allocates blocks of Options.Block tokens. A sliding layer holds its window,
	// the tokens scheduled at once, and one more block, since a window may start within
	// a block (vLLM, v1/kv_cache_interface.py, SlidingWindowSpec).
	VLLM Engine = "vllm"
	// LlamaCpp allocates all cells of the context at the start, in multiples of
	// 256; a sliding layer holds its window and a physical batch (llama.cpp,
	// llama-kv-cache-iswa.cpp); recurrent states and convolutions are float32.
	LlamaCpp Engine = "llama.cpp"
	// Transformers grows with the text and keeps as many columns of a convolution as
	// its kernel has (Transformers 5, cache_utils.py).
	Transformers Engine = "transformers"
)

// Engines lists the engines, Needed first.
func Engines() []Engine { return []Engine{Needed, VLLM, LlamaCpp, Transformers} }

const llamaPad = 256 // cells; llama.cpp rounds the context up to a multiple

// Bytes is the memory of an engine on one device for one sequence of L tokens, of a
// model that o.Devices devices share. It fails if the size does not fit in 63 bits.
func Bytes(m *arch.Model, e Engine, L int64, o Options) (int64, error) {
	o = o.withDefaults()
	sum := int64(0)
	for i, l := range m.Layers {
		for _, p := range l.Parts {
			n, err := o.part(p, e, L)
			if err == nil && n > math.MaxInt64-sum {
				err = fmt.Errorf("the sum does not fit in 63 bits")
			}
			if err != nil {
				return 0, fmt.Errorf("cache of %s at %d tokens: layer %d: %w", m.Name, L, i, err)
			}
			sum += n
		}
	}
	if e == LlamaCpp { // layers, not heads, are distributed over devices
		sum = ceilDiv(sum, int64(o.Devices))
	}
	return sum, nil
}

// part is the bytes of one part of one layer on one device.
func (o Options) part(p arch.Part, e Engine, L int64) (int64, error) {
	st := o.Storage
	width := o.share(p)
	if e == LlamaCpp {
		width = p.Width
		f32, _ := arch.ParseDType("float32")
		st.State, st.Conv = f32, f32
	}
	entries := o.entries(p, e, L)
	if e == Transformers && p.Kernel() > 1 {
		width = ceilDiv(width, p.Kernel()-1) * p.Kernel()
	}
	hi, elements := bits.Mul64(uint64(width), uint64(entries))
	if hi != 0 || elements > math.MaxInt64 {
		return 0, fmt.Errorf("%d entries of %d elements do not fit in 63 bits", entries, width)
	}
	return st.Type(p).Size(int64(elements))
}

// share is the part of the width that one device keeps: its share of the heads, at
// least one; its share of a recurrent state; all of a latent or of index keys, which
// every head reads.
func (o Options) share(p arch.Part) int64 {
	n := int64(o.Devices)
	switch heads := p.KVHeads(); {
	case heads > 0:
		return p.Width / heads * ceilDiv(heads, n)
	case p.Kind == arch.Recurrent || p.Kind == arch.Conv:
		return ceilDiv(p.Width, n)
	}
	return p.Width
}

// entries is the number of entries that an engine holds.
func (o Options) entries(p arch.Part, e Engine, L int64) int64 {
	window := p.Rule == arch.Bounded && p.Kind == arch.Window
	switch e {
	case VLLM:
		switch {
		case p.Rule == arch.PerToken:
			return ceilDiv(L, o.Block) * o.Block
		case window:
			return (ceilDiv(min(p.N+o.Scheduled, L), o.Block) + 1) * o.Block
		}
	case LlamaCpp:
		cells := ceilDiv(L, llamaPad) * llamaPad
		switch {
		case p.Rule == arch.PerToken:
			return cells
		case window:
			return min(cells, ceilDiv(p.N+1+o.Microbatch, llamaPad)*llamaPad)
		}
	}
	return p.Peak(L)
}

func ceilDiv(a, b int64) int64 { return a/b + min(1, a%b) }
