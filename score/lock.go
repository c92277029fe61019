package score

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/l2m-lab/l2m/internal/filelock"
)

// acquireLock takes the lock of a run folder; supported is false where there are
// none, which Store.Warnings says.
func acquireLock(path string) (f *os.File, supported bool, err error) {
	f, supported, err = filelock.Acquire(path)
	if errors.Is(err, filelock.ErrHeld) {
		err = fmt.Errorf("%w%s", ErrLocked, strings.TrimPrefix(err.Error(), filelock.ErrHeld.Error()))
	}
	return f, supported, err
}
