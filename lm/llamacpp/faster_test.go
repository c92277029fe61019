package llamacpp

import (
	"strings"
	"testing"
)

func TestFaster(t *testing.T) {
	for fileType, slow := range map[string]bool{"F32": true, "Q4_1": true, "Q5_K_M": true, "": false, FastType: false, "Q4_K_M": false} {
		hint := Faster(fileType, "smollm2")
		if slow != strings.Contains(hint, "l2m-llama quantize smollm2") || !slow && hint != "" {
			t.Errorf("type %q: %q", fileType, hint)
		}
	}
}
