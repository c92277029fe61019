package llamacpp

import "fmt"

// FastType is the type of weights to measure with on a processor: of the fast ones, the
// one with the most bits.
const FastType = "Q8_0"

// Faster says how to get a faster file of the same model; "" where its type, of
// lm.Info.FileType, is among the fast ones (docs/models.md has their speeds).
func Faster(fileType, model string) string {
	switch fileType {
	case "", FastType, "Q6_K", "Q4_0", "Q4_K_S", "Q4_K_M":
		return ""
	}
	return fmt.Sprintf("without a GPU, weights of type %s are usually faster than %s: l2m-llama quantize %s writes them and compares", FastType, fileType, model)
}
