package llama

import (
	"errors"
	"testing"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// A library that has one field more, or one less, is refused.
func TestOtherVersionsAreRefused(t *testing.T) {
	needLibrary(t)
	good, model := llama.ContextDefaultParams(), llama.ModelDefaultParams()
	if err := knownDefaults(good, model); err != nil {
		t.Fatal(err)
	}
	for name, shift := range map[string]func(c *llama.ContextParams, m *llama.ModelParams){
		"a number before the types of the cache": func(c *llama.ContextParams, _ *llama.ModelParams) { c.TypeK, c.TypeV = 0, 1 },
		"a flag before the last ones": func(c *llama.ContextParams, _ *llama.ModelParams) {
			c.Embeddings, c.Offload_kqv, c.NoPerf, c.OpOffload, c.SwaFull, c.KVUnified = 0, 0, 1, 1, 1, 1
		},
		"a number after the sequences": func(c *llama.ContextParams, _ *llama.ModelParams) {
			c.NRsSeq, c.NOutputsMax, c.NOutputsMaxPerSeq = 0, 0, 0
		},
		"a flag of the model": func(_ *llama.ContextParams, m *llama.ModelParams) { m.UseExtraBufts, m.NoHost = 0, 1 },
		"no way to load":      func(_ *llama.ContextParams, m *llama.ModelParams) { m.LoadMode, m.LazyMode = 1, 0 },
	} {
		c, m := good, model
		shift(&c, &m)
		if err := knownDefaults(c, m); !errors.Is(err, errOtherVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
	path, _ := randomModel(t, "llama", small)
	m := open(t, Options{Path: path, Threads: 1})
	p := llama.ContextParams{NCtx: uint32(m.cells), NBatch: 512, NUbatch: 512, NSeqMax: 17, NThreads: 1, NThreadsBatch: 1}
	if err := understood(m.ctx, p); err != nil {
		t.Error(err)
	}
	p.NSeqMax = 16
	if err := understood(m.ctx, p); !errors.Is(err, errOtherVersion) {
		t.Errorf("another number of sequences: %v", err)
	}
}
