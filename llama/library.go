package llama

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
	"github.com/hybridgroup/yzma/pkg/llama"
	"github.com/hybridgroup/yzma/pkg/loader"
)

// ErrNoLibrary is wrapped by the error for a missing library of llama.cpp.
var ErrNoLibrary = errors.New("the library of llama.cpp was not found")

// library is loaded once per process; llama.cpp allows no more.
var library struct {
	sync.Mutex
	dir string
}

// Load loads the library of llama.cpp from dir; "" means the folder that
// L2M_LLAMA_LIB or YZMA_LIB names, else one of the usual places.
func Load(dir string) error {
	library.Lock()
	defer library.Unlock()
	dir, err := findLibrary(dir)
	if err != nil {
		return err
	}
	if library.dir != "" {
		if dir != library.dir {
			return fmt.Errorf("the library of llama.cpp was loaded from %s and cannot be loaded from %s too", library.dir, dir)
		}
		return nil
	}
	if err := llama.Load(dir); err != nil {
		return fmt.Errorf("loading llama.cpp from %s: %w (this program was made for llama.cpp v0.5.0; docs/models.md says where it is)", dir, err)
	}
	if err := knownDefaults(llama.ContextDefaultParams(), llama.ModelDefaultParams()); err != nil {
		return fmt.Errorf("loading llama.cpp from %s: %w", dir, err)
	}
	llama.LogSet(purego.NewCallback(keepLog))
	llama.Init()
	library.dir = dir
	return nil
}

func findLibrary(dir string) (string, error) {
	tried := []string{dir}
	if dir == "" {
		tried = nil
		for _, name := range []string{"L2M_LLAMA_LIB", "YZMA_LIB"} {
			if d := os.Getenv(name); d != "" {
				tried = append(tried, d)
			}
		}
		if len(tried) == 0 {
			tried = usualPlaces()
		}
	}
	for _, d := range tried {
		if _, err := os.Stat(loader.GetLibraryFilename(d, "llama")); err == nil {
			return filepath.Abs(d)
		}
	}
	file := filepath.Base(loader.GetLibraryFilename("", "llama"))
	for _, d := range tried {
		stem, suffix := strings.TrimSuffix(file, filepath.Ext(file)), filepath.Ext(file)
		if versioned, _ := filepath.Glob(filepath.Join(d, stem+".*"+suffix)); len(versioned) > 0 {
			return "", fmt.Errorf("%w: in %s it is called %s (link it there, and the ggml beside it, to their names without a version: ln -s %[3]s %s)",
				ErrNoLibrary, d, filepath.Base(versioned[0]), file)
		}
	}
	return "", fmt.Errorf("%w: no %s in %s (get it with: go run github.com/hybridgroup/yzma@v1.28.0 install --lib DIR, or as docs/models.md says, and name the folder in L2M_LLAMA_LIB)",
		ErrNoLibrary, file, strings.Join(tried, ", "))
}

func usualPlaces() []string {
	var places []string
	if exe, err := os.Executable(); err == nil {
		places = append(places, filepath.Join(filepath.Dir(exe), "llama"), filepath.Dir(exe))
	}
	if cache, err := os.UserCacheDir(); err == nil {
		places = append(places, filepath.Join(cache, "l2m", "llama"))
	}
	switch runtime.GOOS {
	case "windows":
	case "darwin":
		places = append(places, "/opt/homebrew/lib", "/usr/local/lib")
	default:
		places = append(places, "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
	}
	return places
}

// lastWords keeps the latest messages of llama.cpp, which are the only explanation of
// errors.
var lastWords struct {
	sync.Mutex
	lines []string
}

// Message levels in ggml.h.
const (
	logWarning = 3
	logError   = 4
)

func keepLog(level int32, text, _ uintptr) uintptr {
	if level != logWarning && level != logError {
		return 0
	}
	p := *(*unsafe.Pointer)(unsafe.Pointer(&text)) // a C string, valid during this call
	var line []byte
	for i := 0; i < 500; i++ {
		c := *(*byte)(unsafe.Add(p, i))
		if c == 0 {
			break
		}
		line = append(line, c)
	}
	s := strings.TrimSpace(string(line))
	if s == "" {
		return 0
	}
	lastWords.Lock()
	defer lastWords.Unlock()
	lastWords.lines = append(lastWords.lines, s)
	if n := len(lastWords.lines); n > 4 {
		lastWords.lines = lastWords.lines[n-4:]
	}
	return 0
}

// complaints takes the messages of llama.cpp since the last call.
func complaints() string {
	lastWords.Lock()
	defer lastWords.Unlock()
	s := strings.Join(lastWords.lines, "; ")
	lastWords.lines = nil
	if s != "" {
		s = ": " + s
	}
	return s
}
