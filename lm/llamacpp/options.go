package llamacpp

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/l2m-lab/l2m/lm/pipe"
)

// Options say which model to open and how to run it. Only Path is required.
type Options struct {
	pipe.Options
	Command string // the program l2m-llama; "": L2M_LLAMA, beside this program, or on PATH
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
		return "", fmt.Errorf("%w (it comes with releases of l2m; from a checkout, go -C llama install ./l2m-llama builds it; L2M_LLAMA names it where it is neither beside l2m nor on PATH)", ErrNoEngine)
	}
	return path, nil
}

// Installed says what is missing where the program l2m-llama cannot be found: its
// error wraps ErrNoEngine.
func Installed() error {
	_, err := Options{}.command()
	return err
}
