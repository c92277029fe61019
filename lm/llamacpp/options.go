package llamacpp

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/l2m-lab/l2m/token"
)

// Options say which model to open and how to run it. Only Path is required.
type Options struct {
	Path       string // GGUF file; of a split one, its first part
	LibraryDir string // folder of libllama; "": L2M_LLAMA_LIB, YZMA_LIB, or the usual places
	Command    string // the program l2m-llama; "": L2M_LLAMA, beside this program, or on PATH

	Context   int // longest sequence, tokens without BOS; 0: as trained, at most 8,192
	Batch     int // tokens computed at a time; 0 means 512
	Sequences int // branches computed side by side; 0 means 16

	Threads   int    // 0: one for each core
	GPULayers int    // layers on the GPU; 0: all, negative: none
	FlashAttn string // "on", "off" or "" (as llama.cpp chooses)
	KeyType   string // type of cached keys: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0; "" means f16
	ValueType string // type of cached values

	BOS *token.ID // token that starts every sequence; nil: the vocabulary's BOS, else its end-of-text token
}

// ErrNoEngine is wrapped by the error of Open where l2m-llama is not installed.
var ErrNoEngine = errors.New("the program l2m-llama, which runs GGUF models, is not installed")

func (o Options) command() (string, error) {
	name := o.Command
	if name == "" {
		name = os.Getenv("L2M_LLAMA")
	}
	if name == "" {
		if exe, err := os.Executable(); err == nil {
			if beside, err := exec.LookPath(filepath.Join(filepath.Dir(exe), "l2m-llama")); err == nil {
				return beside, nil
			}
		}
		name = "l2m-llama"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w (go install github.com/l2m-lab/l2m/llama/l2m-llama@latest installs it; L2M_LLAMA names it where it is not on PATH; docs/models.md)", ErrNoEngine)
	}
	return path, nil
}
