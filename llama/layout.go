package llama

import (
	"errors"
	"fmt"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// errOtherVersion is the error for a library whose structures have another layout: it
// would confuse settings and silently compute something else.
var errOtherVersion = errors.New("it is not version v0.5.0, for which this program was made")

// knownDefaults requires the default parameters of v0.5.0. A field that was added or
// moved changes those after it.
func knownDefaults(c llama.ContextParams, m llama.ModelParams) error {
	context := []any{
		c.NCtx, c.NBatch, c.NUbatch, c.NSeqMax, c.NRsSeq, c.NOutputsMax, c.NOutputsMaxPerSeq, c.CtxType,
		c.RopeScalingType, c.PoolingType, c.AttentionType, c.FlashAttentionType, c.RopeFreqBase, c.RopeFreqScale,
		c.YarnExtFactor, c.YarnAttnFactor, c.YarnBetaFast, c.YarnBetaSlow, c.YarnOrigCtx, c.DefragThold, c.CbEval, c.CbEvalUserData,
		int32(c.TypeK), int32(c.TypeV), c.AbortCallback, c.AbortCallbackData,
		c.Embeddings, c.Offload_kqv, c.NoPerf, c.OpOffload, c.SwaFull, c.KVUnified, c.Samplers, c.NSamplers, c.CtxOther,
	}
	model := []any{
		m.Devices, m.TensorBuftOverrides, m.NGpuLayers, m.SplitMode, m.LoadMode, m.LazyMode, m.MainGpu, m.TensorSplit == nil,
		m.ProgressCallback, m.ProgressCallbackUserData, m.KvOverrides, m.VocabOnly, m.CheckTensors, m.UseExtraBufts, m.NoHost, m.NoAlloc, m.LoadMTP,
	}
	// Those of v0.5.0 (llama-context.cpp, llama-model.cpp).
	const (
		wantContext = "[512 2048 512 1 0 0 1 0 -1 -1 -1 -1 0 0 -1 -1 -1 -1 0 -1 0 0 1 1 0 0 0 1 1 1 1 0 0 0 0]"
		wantModel   = "[0 0 -1 1 -1 1 0 true 0 0 0 0 0 1 0 0 0]"
	)
	if got := fmt.Sprint(context); got != wantContext {
		return fmt.Errorf("%w (default parameters of a context %s, not %s)", errOtherVersion, got, wantContext)
	}
	if got := fmt.Sprint(model); got != wantModel {
		return fmt.Errorf("%w (default parameters of a model %s, not %s)", errOtherVersion, got, wantModel)
	}
	return nil
}

// understood checks that the context has the requested parameters.
func understood(ctx llama.Context, p llama.ContextParams) error {
	got := []uint32{llama.NBatch(ctx), llama.NUBatch(ctx), llama.NSeqMax(ctx), uint32(llama.NThreads(ctx)), uint32(llama.NThreadsBatch(ctx))}
	want := []uint32{p.NBatch, p.NUbatch, p.NSeqMax, uint32(p.NThreads), uint32(p.NThreadsBatch)}
	all := llama.NCtx(ctx)
	if fmt.Sprint(got) != fmt.Sprint(want) || all < p.NCtx || llama.NCtxSeq(ctx) != all {
		return fmt.Errorf("%w (asked for a context of %d, and %v, it made one of %d and %d, and %v)", errOtherVersion, p.NCtx, want, all, llama.NCtxSeq(ctx), got)
	}
	return nil
}
