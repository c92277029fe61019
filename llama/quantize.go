package llama

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// Quantize writes the model of a GGUF file to another file, its weights as another type,
// such as Q8_0, by llama.cpp's own function. Weights stored in fewer bits before keep
// the error that they have. The new file appears whole or not at all.
func Quantize(from, to, fileType, library string) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("writing %s as %s: %w", from, fileType, fmt.Errorf(format, args...))
	}
	number := -1
	for n, name := range fileTypes {
		if strings.EqualFold(name, fileType) {
			number = n
		}
	}
	if number < 0 {
		return fail("unknown type (Q8_0, Q6_K, Q4_0, F16, …)")
	}
	if _, err := os.Stat(from); err != nil {
		return fail("%w", err)
	}
	part := fmt.Sprintf("%s.%d.part", to, os.Getpid()) // not a name that a file of the user's may have
	for _, path := range []string{to, part} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return fail("%s exists already", path)
		}
	}
	if err := Load(library); err != nil {
		return err
	}
	p := llama.ModelQuantizeDefaultParams()
	// Those of v0.5.0 (llama-quant.cpp); the struct ends with the size of its buffer.
	if fileTypes[int(p.Ftype)] != "Q8_0" || p.QuantizeOutputTensor != 1 || p.MaxBufSize != 8<<30 {
		return fail("the library of llama.cpp: %w (default parameters %+v)", errOtherVersion, p)
	}
	p.Ftype, p.AllowRequantize, p.NThread = llama.Ftype(number), 1, int32(defaultThreads())
	defer os.Remove(part)
	complaints()
	if code := llama.ModelQuantize(from, part, &p); code != 0 {
		return fail("llama.cpp cannot%s", complaints())
	}
	if err := os.Rename(part, to); err != nil {
		return fail("%w", err)
	}
	return nil
}
