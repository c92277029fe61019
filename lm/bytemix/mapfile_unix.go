//go:build unix

package bytemix

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file read-only into memory. free ends the mapping.
func mapFile(f *os.File) (data []byte, free func() error, err error) {
	st, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	size := st.Size()
	if !st.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%w: not a regular file", ErrNotModel)
	}
	if size < int64(preambleLen) || int64(int(size)) != size {
		return nil, nil, fmt.Errorf("%w: %d bytes", ErrNotModel, size)
	}
	data, err = unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping it into memory: %w", err)
	}
	return data, func() error { return unix.Munmap(data) }, nil
}
