package cpu

import (
	"slices"

	"github.com/l2m-lab/l2m/lab/graph"
)

// kernel computes the results of a call from its operands. Unused results are nil.
type kernel func(m *Machine, in, out [][]float32)

// kernels returns, by name, the kernel of a function; nil if its form is not supported.
var kernels = map[string]func(f *graph.Function) kernel{
	graph.FnLayerNorm:              layerNorm,
	graph.FnLayerNorm + ".grad":    layerNormGrad,
	graph.FnRMSNorm:                rmsNorm,
	graph.FnRMSNorm + ".grad":      rmsNormGrad,
	graph.FnCrossEntropy:           crossEntropy,
	graph.FnCrossEntropy + ".grad": crossEntropyGrad,
	graph.FnRotary:                 rotary,
	graph.FnRotary + ".grad":       rotaryGrad,
	graph.FnShortConv:              shortConv,
	graph.FnShortConv + ".grad":    shortConvGrad,
	graph.FnDecayed:                decayed,
	graph.FnDecayed + ".grad":      decayedGrad,
	graph.FnScan:                   scan,
	graph.FnScan + ".grad":         scanGrad,
	graph.FnAttention:              attention,
	graph.FnAttention + ".grad":    attentionGrad,
	graph.FnBlocks:                 blockAttention,
	graph.FnBlocks + ".grad":       blockAttentionGrad,
}

func kernelOf(f *graph.Function) kernel {
	if make := kernels[f.Name]; make != nil {
		return make(f)
	}
	return nil
}

// known reports whether a call is run as one step.
func known(f *graph.Function) bool { return kernelOf(f) != nil || elementwiseBody(f) }

// needs reports whether a derivative is with respect to exactly these operands.
func needs(f *graph.Function, needed ...bool) bool { return slices.Equal(f.Needed, needed) }
