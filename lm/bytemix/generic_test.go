//go:build amd64 && !purego

package bytemix

import (
	"maps"
	"testing"
)

// The whole predictor, not only its pieces, is the same without assembly.
func TestGoAloneGivesTheSame(t *testing.T) {
	if !haveAVX2 {
		t.Skip("this processor has no AVX2: there is nothing to compare")
	}
	if testing.Short() {
		t.Skip("pinned by TestSameOnEveryMachine with -tags purego")
	}
	fast := prints(t)
	haveAVX2 = false
	defer func() { haveAVX2 = true }()
	if slow := prints(t); !maps.Equal(fast, slow) {
		t.Errorf("with assembly %v, without %v", fast, slow)
	}
}
