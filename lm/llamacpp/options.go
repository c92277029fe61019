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
	Command string // the program l2m-llama; "": L2M_LLAMA, next to this program, or on PATH
}

// ErrNoEngine is wrapped by the error of Open if l2m-llama is not installed.
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
		return "", fmt.Errorf("%w (it comes with releases of l2m; in a checkout, build it with go -C llama install ./l2m-llama; set L2M_LLAMA if it is neither next to l2m nor on PATH)", ErrNoEngine)
	}
	return path, nil
}

// Installed returns an error that wraps ErrNoEngine if the program l2m-llama cannot be
// found.
func Installed() error {
	_, err := Options{}.command()
	return err
}
